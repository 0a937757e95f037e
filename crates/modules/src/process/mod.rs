//! A process as a source: a child that says itself which modules it has, and answers requests on
//! its stdin with lines on its stdout.
//!
//! Children live on one thread of their own with a small runtime, so that a manifest can be loaded
//! with and without a runtime around it. Calls reach them through a [`Pool`](pool::Pool). When the
//! last module of the source is dropped, the thread ends the children and then itself.

mod calls;
mod pool;
mod program;
mod protocol;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use engine::ports::RegisteredModule;
use model::Text;
use tokio::sync::watch;

use crate::declaration::{ProcessDeclaration, SourceBounds, SourceDeclaration};
use crate::fault::ManifestFault;
use calls::{Entry, ProcessModule};
use pool::Pool;
use program::Program;
use protocol::Offer;

/// One kind of worker, running.
pub(crate) struct Source {
    entry: Arc<Entry>,
    offers: Vec<Arc<Offer>>,
}

impl Source {
    /// Starts the workers and waits until the first one has said which modules it has.
    pub(crate) fn open(
        declaration: &SourceDeclaration<'_>,
        process: &ProcessDeclaration,
        bounds: SourceBounds,
    ) -> Result<Source, Box<ManifestFault>> {
        let program = Program::new(declaration, process)?;
        Source::start(program, process.replicas, bounds).map_err(|message| {
            Box::new(declaration.fault(process.span.clone(), "command", message))
        })
    }

    fn start(program: Program, replicas: usize, bounds: SourceBounds) -> Result<Source, String> {
        let program = Arc::new(program);
        let pool = Arc::new(Pool::new(replicas));
        let (tell, told) = mpsc::sync_channel(1);
        let (closing, closed) = watch::channel(());
        let (theirs, places) = (program.clone(), pool.clone());
        std::thread::Builder::new()
            .name(format!("worker {}", program.source))
            .spawn(move || attend(worker::run(theirs, places, tell, closed)))
            .map_err(|error| format!("there is no thread for the worker: {error}"))?;
        let offers = told.recv().map_err(|_| "the worker cannot be attended to".to_owned())??;
        let entry = Arc::new(Entry::new(pool, program, bounds.timeout, closing));
        Ok(Source { entry, offers: offers.into_iter().map(Arc::new).collect() })
    }

    /// The modules of the worker, ready to be called.
    pub(crate) fn modules(&self, origin: &str) -> Vec<(Text, RegisteredModule)> {
        let module = |offer: &Arc<Offer>| {
            let module = ProcessModule { entry: self.entry.clone(), offer: offer.clone() };
            let (signature, effect) = (offer.signature.clone(), offer.effect);
            let module = RegisteredModule::embedded(signature, effect, Arc::new(module));
            RegisteredModule { doc: offer.doc.as_str().into(), origin: origin.into(), ..module }
        };
        self.offers.iter().map(|offer| (offer.name.clone(), module(offer))).collect()
    }
}

/// Runs the children on this thread. Without a runtime the sender of their modules is dropped, which
/// tells enough.
fn attend(run: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run),
        Err(error) => no_runtime(&error),
    }
}

fn no_runtime(error: &io::Error) {
    tracing::error!("workers cannot be attended to: {error}");
}
