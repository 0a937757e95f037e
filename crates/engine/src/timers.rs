//! Lets deadlines pass. Timers live in the store; this task knows only when the next one is due.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, oneshot};

use crate::mailbox::Request;
use crate::ports::{StoreError, Timer};
use crate::shared::Shared;
use crate::{Timestamp, limits};

/// What the others know of the task that lets deadlines pass.
pub(crate) struct Timers {
    /// When it looks next, in milliseconds since 1970.
    next_look: AtomicI64,
    is_running: AtomicBool,
    sooner: Arc<Notify>,
}

impl Timers {
    pub(crate) fn new() -> Timers {
        Timers {
            next_look: AtomicI64::new(i64::MAX),
            is_running: AtomicBool::new(false),
            sooner: Arc::default(),
        }
    }

    /// A timer is in the store that is due at this time.
    pub(crate) fn set(&self, shared: &Arc<Shared>, due: Timestamp) {
        if !self.is_running.swap(true, Ordering::SeqCst) {
            tokio::spawn(run(Arc::downgrade(shared), self.sooner.clone()));
        } else if due.0 < self.next_look.load(Ordering::SeqCst) {
            self.sooner.notify_one();
        }
    }
}

/// Ends with the engine, which it does not keep alive while it waits.
async fn run(shared: Weak<Shared>, sooner: Arc<Notify>) {
    while let Some(shared) = shared.upgrade().filter(|shared| !shared.is_draining()) {
        // Whoever sets a timer from here on makes this task look again.
        shared.timers.next_look.store(i64::MAX, Ordering::SeqCst);
        let wait = match shared.store.timers(limits::TIMERS_READ).await {
            Ok(timers) => pass(&shared, &timers).await,
            Err(error) => failed(&error),
        };
        let next_look = match wait {
            Some(wait) => shared.clock.now().0.saturating_add(wait.as_millis() as i64),
            None => i64::MAX,
        };
        shared.timers.next_look.store(next_look, Ordering::SeqCst);
        let over = match wait {
            Some(wait) => shared.clock.sleep(wait),
            None => std::future::pending().boxed(),
        };
        let draining = shared.draining();
        drop(shared);
        tokio::select! {
            biased;
            () = draining => return,
            () = sooner.notified() => {}
            () = over => {}
        }
    }
}

/// Lets those pass that are due, in the order in which they fell due. Gives how long to wait before
/// the next look: for ever, where there is none.
async fn pass(shared: &Arc<Shared>, timers: &[Timer]) -> Option<Duration> {
    for due_at_once in timers.chunk_by(|a, b| a.due == b.due) {
        let due = due_at_once[0].due;
        let wait = due.0.saturating_sub(shared.clock.now().0);
        if wait > 0 {
            return Some(Duration::from_millis(wait as u64));
        }
        let passed = due_at_once.iter().map(|timer| {
            let (done, passed) = oneshot::channel();
            shared.send(timer.id, Request::Timer(done));
            passed
        });
        // Whether it passed, the store says at the next look.
        drop(join_all(passed).await);
    }
    match shared.store.timers(1).await {
        Err(error) => failed(&error),
        Ok(left) if left.is_empty() => None,
        // It did not pass: its log is damaged, or the store refuses to write.
        Ok(left) if left.first() == timers.first() => Some(limits::STORE_RETRY),
        Ok(_) => Some(Duration::ZERO),
    }
}

fn failed(error: &StoreError) -> Option<Duration> {
    tracing::warn!(%error, "deadlines wait until the store is back");
    Some(limits::STORE_RETRY)
}
