//! Time that passes only when the scheduler says so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Clock, ExecutionId, Timestamp};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

/// When the simulation begins.
const EPOCH: i64 = 1_000_000_000;

/// The clock of one world. It outlives the processes that look at it.
pub(crate) struct SimClock {
    state: Mutex<State>,
    ids: AtomicU64,
}

struct State {
    now: i64,
    sleepers: Vec<(i64, oneshot::Sender<()>)>,
}

impl SimClock {
    pub(crate) fn new() -> SimClock {
        let state = State { now: EPOCH, sleepers: Vec::new() };
        SimClock { state: Mutex::new(state), ids: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next sleeper wakes; those who do not wait any more are forgotten.
    pub(crate) fn next(&self) -> Option<i64> {
        let mut state = self.state();
        state.sleepers.retain(|(_, sleeper)| !sleeper.is_closed());
        state.sleepers.iter().map(|(due, _)| *due).min()
    }

    /// Goes on to this time, and wakes who is due.
    pub(crate) fn advance_to(&self, time: i64) {
        let mut state = self.state();
        state.now = state.now.max(time);
        let now = state.now;
        for (due, sleeper) in std::mem::take(&mut state.sleepers) {
            if due <= now {
                sleeper.send(()).unwrap_or_default();
            } else {
                state.sleepers.push((due, sleeper));
            }
        }
    }

    /// Goes on for so many milliseconds.
    pub(crate) fn advance_by(&self, milliseconds: i64) {
        let now = self.state().now;
        self.advance_to(now + milliseconds);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.state().now)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (sleeper, awake) = oneshot::channel();
        let mut state = self.state();
        if duration.is_zero() {
            return std::future::ready(()).boxed();
        }
        let due = state.now.saturating_add(duration.as_millis() as i64);
        state.sleepers.push((due, sleeper));
        awake.map(drop).boxed()
    }

    fn new_id(&self) -> ExecutionId {
        let number = self.ids.fetch_add(1, Ordering::SeqCst);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(self.state().now as u64).to_be_bytes());
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        ExecutionId::from_bytes(bytes)
    }
}
