//! Calls of a worker's modules: how long each may take, and what an answer means to the caller.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::{Module, ModuleCall, ModuleError};
use futures_util::future::BoxFuture;
use model::text::quote;
use model::{Code, Value};
use tokio::sync::watch;

use super::pool::Pool;
use super::program::Program;
use super::protocol::{self, Offer, Reply, Request};

/// The callers' end of a source. When the last one drops it, the workers are ended.
pub(super) struct Entry {
    pool: Arc<Pool>,
    program: Arc<Program>,
    timeout: Duration,
    _closing: watch::Sender<()>,
}

impl Entry {
    pub(super) fn new(
        pool: Arc<Pool>,
        program: Arc<Program>,
        timeout: Duration,
        closing: watch::Sender<()>,
    ) -> Entry {
        Entry { pool, program, timeout, _closing: closing }
    }

    /// Waits for an answer for at most the source's timeout.
    async fn call(&self, offer: &Offer, call: ModuleCall) -> CallResult {
        let limit = self.timeout;
        let request = Request::new(offer, &call, limit)?;
        let mut running = self.pool.clone().begin(request).await?;
        match tokio::time::timeout(limit, &mut running.reply).await {
            Ok(Ok(Reply::Output(output))) => protocol::output(&offer.signature.result, &output),
            Ok(Ok(Reply::Error { message, retryable })) => {
                Err(failure(quote(&self.program.secrets.hide(&message)), retryable))
            }
            Ok(Ok(Reply::Lost(why))) => Err(failure(why, true)),
            Ok(Err(_)) => Err(failure("the worker was ended", true)),
            Err(_) => {
                let message = format!("the worker gave no answer within {limit:?}");
                Err(ModuleError::new(Code::R002, message, true))
            }
        }
    }
}

type CallResult = Result<Value, ModuleError>;

/// A module of a worker, as the engine calls it.
pub(super) struct ProcessModule {
    pub(super) entry: Arc<Entry>,
    pub(super) offer: Arc<Offer>,
}

impl Module for ProcessModule {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, CallResult> {
        let (entry, offer) = (self.entry.clone(), self.offer.clone());
        Box::pin(async move { entry.call(&offer, call).await })
    }
}

fn failure(message: impl Into<String>, retryable: bool) -> ModuleError {
    ModuleError::new(Code::R001, message, retryable)
}
