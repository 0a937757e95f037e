//! One life of a server process: a runtime on this thread with an engine in it. It does nothing by
//! itself: the scheduler lets it run until all of its tasks wait for something.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use engine::Engine;
use tokio::runtime::{Builder, Runtime};

use crate::world::Surroundings;

pub(crate) struct Process {
    runtime: Runtime,
    pub(crate) engine: Engine,
    idle: Arc<Idle>,
}

/// Who waits until there is nothing to do.
#[derive(Default)]
struct Idle(Mutex<Option<Waker>>);

impl Process {
    pub(crate) fn start(surroundings: &Surroundings) -> Process {
        let idle = Arc::new(Idle::default());
        let parked = idle.clone();
        let runtime = Builder::new_current_thread()
            .on_thread_park(move || parked.wake())
            .build()
            .expect("a runtime on this thread");
        let engine = surroundings.engine();
        let process = Process { runtime, engine, idle };
        let engine = process.engine.clone();
        process.spawn(async move {
            // A server that cannot read its store does not begin to serve.
            while engine.recover().await.is_err() {}
        });
        process
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Runs until every task waits.
    pub(crate) fn run(&self) {
        self.runtime.block_on(UntilIdle { idle: &self.idle, has_waited: false });
    }
}

impl Idle {
    fn wake(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Is ready when the runtime has nothing else to do.
struct UntilIdle<'a> {
    idle: &'a Idle,
    has_waited: bool,
}

impl Future for UntilIdle<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.has_waited && self.idle.0.lock().is_ok_and(|waker| waker.is_none()) {
            return Poll::Ready(());
        }
        self.has_waited = true;
        *self.idle.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        Poll::Pending
    }
}
