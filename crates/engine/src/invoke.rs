//! A module called by itself, outside any execution: to try it, or to use it as it is.

use std::sync::Arc;

use model::plan::{ModuleUse, PRIORITY_NORMAL};
use model::{Failure, Text, Value};

use crate::call::{once, timed_out};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::limits::INVOKE_MAX;
use crate::ports::{ModuleCall, ModuleError, RegisteredModule};
use crate::shared::{Shared, ended_early};

impl Engine {
    /// The result of one attempt to call `module`, which this host knows as `name`. It is checked
    /// like that of a call in a pipeline, and must come within [`INVOKE_MAX`]. `call.arguments` are
    /// of the parameters' types. Nothing is kept; a call that has begun goes on when whoever asks
    /// goes away.
    pub async fn invoke(
        &self,
        name: &Text,
        module: RegisteredModule,
        call: ModuleCall,
    ) -> Result<Result<Value, Failure>, EngineError> {
        let shared = self.shared.clone();
        if shared.is_draining() {
            return Err(EngineError::Draining);
        }
        if shared.is_full() {
            return Err(EngineError::Overloaded);
        }
        let (busy, name) = (shared.busy(), name.clone());
        let called = tokio::spawn(async move {
            let result = bounded(&shared, &name, module, call).await;
            drop(busy);
            result
        });
        called.await.unwrap_or_else(|_| Err(ended_early()))
    }
}

async fn bounded(
    shared: &Arc<Shared>,
    name: &Text,
    module: RegisteredModule,
    call: ModuleCall,
) -> Result<Result<Value, Failure>, EngineError> {
    let RegisteredModule { signature, effect, module, gate, .. } = module;
    let wanted = ModuleUse { name: name.clone(), signature, effect };
    let attempt = call.attempt;
    let admitted = async {
        let _seat = match &gate {
            Some(gate) => Some(gate.enter(PRIORITY_NORMAL).await),
            None => None,
        };
        once(&*module, call, &wanted).await
    };
    let outcome = tokio::select! {
        biased;
        outcome = admitted => outcome,
        () = shared.clock.sleep(INVOKE_MAX) => Err(timed_out(INVOKE_MAX.as_millis() as u64)),
        () = shared.halted() => return Err(EngineError::Draining),
    };
    Ok(outcome.map_err(|ModuleError { code, message, .. }| Failure {
        module: Some(wanted.name),
        attempts: attempt,
        ..Failure::new(code, message)
    }))
}
