//! What the clients know: what they were told, and what they asked without being told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::client::Answer;
use crate::random::Random;

/// An execution as its clients know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) pipeline: &'static str,
    /// Values that were acknowledged.
    pub(crate) inputs: BTreeMap<&'static str, Value>,
    /// The outputs that it completed with.
    pub(crate) outputs: Option<Value>,
    /// Somebody asked to cancel it; whether that was acknowledged.
    pub(crate) cancelled: Option<bool>,
    /// The same for deleting it.
    pub(crate) deleted: Option<bool>,
}

/// The record of all clients.
pub(crate) struct Record {
    pub(crate) seed: u64,
    pub(crate) round: AtomicU64,
    state: Mutex<State>,
    answered: AtomicU64,
    unanswered: AtomicU64,
}

#[derive(Default)]
struct State {
    executions: BTreeMap<String, Known>,
    /// The ids, to pick from.
    ids: Vec<String>,
    /// Idempotency keys, with their requests and the executions that they were answered with.
    keys: BTreeMap<String, (Value, BTreeSet<String>)>,
    /// Acknowledged events by their key, with those that got them.
    events: Vec<(String, Vec<String>)>,
}

impl Record {
    pub(crate) fn new(seed: u64) -> Record {
        Record {
            seed,
            round: AtomicU64::new(0),
            state: Mutex::default(),
            answered: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, answer: Option<&Answer>) {
        let counter = if answer.is_some() { &self.answered } else { &self.unanswered };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answers(&self) -> (u64, u64) {
        (self.answered.load(Ordering::Relaxed), self.unanswered.load(Ordering::Relaxed))
    }

    pub(crate) fn len(&self) -> usize {
        self.state().ids.len()
    }

    /// How many facts were acknowledged.
    pub(crate) fn facts(&self) -> usize {
        let state = self.state();
        let of = |known: &Known| {
            known.inputs.len()
                + usize::from(known.outputs.is_some())
                + usize::from(known.cancelled == Some(true))
                + usize::from(known.deleted == Some(true))
        };
        state.executions.values().map(of).sum::<usize>() + state.events.len() + state.keys.len()
    }

    /// Notes what is known of an execution now.
    pub(crate) fn know(&self, id: &str, note: impl FnOnce(&mut Known)) {
        let mut state = self.state();
        if !state.executions.contains_key(id) {
            state.ids.push(id.to_owned());
        }
        note(state.executions.entry(id.to_owned()).or_default());
    }

    pub(crate) fn known(&self, id: &str) -> Option<Known> {
        self.state().executions.get(id).cloned()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.state().ids.clone()
    }

    /// One of the last executions.
    pub(crate) fn pick(&self, random: &mut Random) -> Option<String> {
        let state = self.state();
        let recent = (state.ids.len() as u64).min(200);
        let back = (recent > 0).then(|| random.below(recent) as usize)?;
        state.ids.get(state.ids.len() - 1 - back).cloned()
    }

    /// A request is about to be made with a key; later ones with it are the same request.
    pub(crate) fn claim(&self, key: &str, body: &Value) -> Value {
        let mut state = self.state();
        state
            .keys
            .entry(key.to_owned())
            .or_insert_with(|| (body.clone(), BTreeSet::new()))
            .0
            .clone()
    }

    pub(crate) fn claimed(&self, key: &str, id: &str) {
        if let Some((_, ids)) = self.state().keys.get_mut(key) {
            ids.insert(id.to_owned());
        }
    }

    pub(crate) fn claims(&self) -> Vec<(String, Value, BTreeSet<String>)> {
        let state = self.state();
        let claims = state.keys.iter();
        claims.map(|(key, (body, ids))| (key.clone(), body.clone(), ids.clone())).collect()
    }

    pub(crate) fn event(&self, key: &str, delivered: Vec<String>) {
        self.state().events.push((key.to_owned(), delivered));
    }

    pub(crate) fn events(&self) -> Vec<(String, Vec<String>)> {
        self.state().events.clone()
    }
}
