//! What clients were told. Whatever was acknowledged must be true for ever after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ExecutionId;
use engine::ports::Delivered;
use model::plan::{BindingId, InputId};
use model::{Text, Value};

use crate::store::{RecordedCall, SimStore};

/// An answer that a client got.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Started { id: ExecutionId, inputs: Vec<(InputId, Value)>, key: Option<Text> },
    Resumed { id: ExecutionId, inputs: Vec<(InputId, Value)>, resolved: Vec<(BindingId, Value)> },
    Delivered { number: u64, delivered: Delivered },
    Cancelled { id: ExecutionId },
    MayBeDeleted { id: ExecutionId },
    Deleted { id: ExecutionId },
}

/// A call that began, with the results that were recorded by then.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) key: Text,
    pub(crate) recorded: Vec<RecordedCall>,
}

#[derive(Default)]
pub(crate) struct Facts {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    told: Vec<Told>,
    begun: Vec<Begun>,
    keys_in_use: BTreeSet<Text>,
}

impl Facts {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, told: Told) {
        self.state().told.push(told);
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.state().told.clone()
    }

    pub(crate) fn begun(&self) -> Vec<Begun> {
        self.state().begun.clone()
    }

    pub(crate) fn note_calls(&self, keys: Vec<Text>, store: &SimStore) {
        for key in keys {
            let id = key.split('/').next().and_then(|id| id.parse().ok());
            let recorded = id.map(|id: ExecutionId| store.recorded(id)).unwrap_or_default();
            self.state().begun.push(Begun { key, recorded });
        }
    }

    /// The executions that clients know of.
    pub(crate) fn executions(&self) -> Vec<ExecutionId> {
        let state = self.state();
        let known = state.told.iter().filter_map(|told| match told {
            Told::Started { id, .. } => Some(*id),
            _ => None,
        });
        known.collect()
    }

    /// The executions that each idempotency key started.
    pub(crate) fn keyed_starts(&self) -> BTreeMap<Text, Vec<ExecutionId>> {
        let mut keyed: BTreeMap<Text, Vec<ExecutionId>> = BTreeMap::new();
        for told in self.told() {
            if let Told::Started { id, key: Some(key), .. } = told {
                keyed.entry(key).or_default().push(id);
            }
        }
        keyed
    }

    /// Whether a key is free; then it is in use.
    pub(crate) fn begin(&self, key: &Text) -> bool {
        self.state().keys_in_use.insert(key.clone())
    }

    pub(crate) fn end(&self, key: &Text) {
        self.state().keys_in_use.remove(key);
    }

    /// The process died, and with it what it knew of keys in use.
    pub(crate) fn crash(&self) {
        self.state().keys_in_use.clear();
    }
}
