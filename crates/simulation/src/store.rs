//! A store whose answers come when the scheduler says so, and whose writes fail when it says so. What
//! it holds outlives every process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::log::{CallNode, Event, Record};
use engine::ports::*;
use engine::{ExecutionId, MemoryStore};
use futures_util::FutureExt;
use model::{Digest, Text};
use tokio::sync::oneshot;

use crate::random::Random;

/// What becomes of a request to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done and answered.
    Done,
    /// It is not done, and refused.
    Refused,
    /// It is done, but the answer says that it was not.
    DoneButRefused,
}

/// The store of one world.
pub(crate) struct SimStore {
    kept: Arc<MemoryStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Writes happen in the order in which they were asked for.
    writes: VecDeque<Ask>,
    /// Reads happen in any order.
    reads: Vec<Ask>,
}

type Ask = Box<dyn FnOnce(Outcome) + Send>;

/// The end of a call that is in a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordedCall {
    pub(crate) id: ExecutionId,
    pub(crate) node: CallNode,
}

impl SimStore {
    pub(crate) fn new() -> SimStore {
        SimStore { kept: Arc::new(MemoryStore::new()), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds, without waiting.
    pub(crate) fn look<T>(&self, ask: impl FnOnce(&MemoryStore) -> StoreFuture<T>) -> T {
        at_once(ask(&self.kept)).unwrap_or_else(|error| panic!("a store in memory reads: {error}"))
    }

    /// The log of an execution.
    pub(crate) fn log(&self, id: ExecutionId) -> Option<Vec<Record>> {
        let records = self.look(|store| store.records(id, 0))?;
        Some(records.iter().map(|bytes| Record::decode(bytes).expect("own records")).collect())
    }

    /// The calls whose results are recorded.
    pub(crate) fn recorded(&self, id: ExecutionId) -> Vec<RecordedCall> {
        let log = self.log(id).unwrap_or_default();
        let calls = log.into_iter().filter_map(|record| match record.event {
            Event::CallCompleted { node, .. } => Some(RecordedCall { id, node }),
            _ => None,
        });
        calls.collect()
    }

    pub(crate) fn is_asked(&self) -> bool {
        let state = self.state();
        !state.writes.is_empty() || !state.reads.is_empty()
    }

    /// Answers one of those who asked.
    pub(crate) fn answer(&self, random: &mut Random, outcome: Outcome) {
        let ask = {
            let mut state = self.state();
            let reads = state.reads.len();
            let at = random.below(reads + usize::from(!state.writes.is_empty()));
            if at < reads { Some(state.reads.swap_remove(at)) } else { state.writes.pop_front() }
        };
        ask.into_iter().for_each(|ask| ask(outcome));
    }

    /// The process dies: of the writes that wait, the first so many are done all the same.
    pub(crate) fn crash(&self, random: &mut Random) {
        let State { writes, .. } = std::mem::take(&mut *self.state());
        let done = random.below(writes.len() + 1);
        writes.into_iter().take(done).for_each(|ask| ask(Outcome::Done));
    }

    fn ask<T: Send + 'static>(
        &self,
        is_write: bool,
        act: impl FnOnce(&MemoryStore) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let (reply, answer) = oneshot::channel();
        let kept = self.kept.clone();
        let ask: Ask = Box::new(move |outcome| {
            let refused = || Err(StoreError::Unavailable("the disk had a bad moment".to_owned()));
            let answer = match outcome {
                Outcome::Done => at_once(act(&kept)),
                Outcome::Refused => refused(),
                Outcome::DoneButRefused => at_once(act(&kept)).and_then(|_| refused()),
            };
            drop(reply.send(answer));
        });
        let mut state = self.state();
        if is_write {
            state.writes.push_back(ask)
        } else {
            state.reads.push(ask)
        }
        async move {
            let gone = || Err(StoreError::Unavailable("the process dies".to_owned()));
            answer.await.unwrap_or_else(|_| gone())
        }
        .boxed()
    }
}

/// The answer of a store in memory.
fn at_once<T>(future: StoreFuture<T>) -> Result<T, StoreError> {
    let late = || Err(StoreError::Unavailable("memory does not wait".to_owned()));
    future.now_or_never().unwrap_or_else(late)
}

macro_rules! verbs {
    ($is_write:literal $($verb:ident($($name:ident: $ty:ty),*) -> $result:ty;)*) => {
        $(fn $verb(&self, $($name: $ty),*) -> StoreFuture<$result> {
            self.ask($is_write, move |store| store.$verb($($name),*))
        })*
    };
}

impl Store for SimStore {
    verbs! { true
        append(append: Append) -> Appended;
        delete(id: ExecutionId, records: u64) -> ();
        deliver(delivery: Delivery) -> Delivered;
        put_claim(claim: Claim) -> ();
        save_pipeline(save: SavePipeline) -> SavedPipeline;
        move_alias(shift: MoveAlias) -> MovedAlias;
        delete_alias(name: Text) -> bool;
        delete_image(digest: Digest) -> DeletedImage;
        sweep(sweep: Sweep) -> Swept;
    }
    verbs! { false
        records(id: ExecutionId, from: u64) -> Option<Vec<Vec<u8>>>;
        executions(query: ExecutionQuery) -> Vec<ExecutionRow>;
        timers(limit: usize) -> Vec<Timer>;
        kept_events(query: EventQuery) -> Vec<KeptEvent>;
        claim(key: Text) -> Option<Claim>;
        image(digest: Digest) -> Option<StoredImage>;
        images(after: Option<Digest>, limit: usize) -> Vec<Digest>;
        alias(name: Text, version: Option<u32>) -> Option<AliasRow>;
        aliases(after: Option<Text>, limit: usize) -> Vec<AliasRow>;
        aliases_of(digest: Digest, limit: usize) -> Vec<AliasRow>;
        versions(name: Text, before: Option<u32>, limit: usize) -> Vec<AliasRow>;
    }
}
