//! Performs one call with its options: attempts, and the waits between them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use model::plan::{BindingKind, Call, CallOptions, ModuleUse};
use model::{Code, Failure, Plan, Text, Value, text};

use crate::ExecutionId;
use crate::execution::CallAction;
use crate::loaded::LoadedImage;
use crate::log::Event;
use crate::ports::{Clock, Module, ModuleCall, ModuleError};
use crate::registry::Registry;

/// Makes the call and gives the event that ends it.
pub(crate) async fn perform(
    action: CallAction,
    execution: ExecutionId,
    loaded: Arc<LoadedImage>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
) -> Event {
    let started = clock.now();
    let plan = loaded.plan();
    let call = &plan.calls[action.node.call as usize];
    let wanted = &plan.modules[call.module as usize];
    let outcome = match registry.find(wanted) {
        Ok(module) => {
            let key = key(plan, call, execution);
            attempts(&*module.module, &action.arguments, key, wanted, &call.options, &*clock).await
        }
        Err(message) => Err((0, failure(Code::R012, message))),
    };
    let duration_ms = (clock.now().0 - started.0).max(0) as u64;
    match outcome {
        Ok((attempts, value)) => {
            Event::CallCompleted { node: action.node, value, attempts, duration_ms }
        }
        Err((attempts, failure)) => {
            let module = Some(wanted.name.clone());
            let failure = Failure { module, attempts, span: call.span, ..failure };
            Event::CallFailed { node: action.node, failure, duration_ms }
        }
    }
}

/// Names execution, binding and the call's place in it: the same for every attempt.
fn key(plan: &Plan, call: &Call, execution: ExecutionId) -> Text {
    let binding = &plan.bindings[call.binding as usize];
    debug_assert!(matches!(binding.kind, BindingKind::Named | BindingKind::Guard));
    format!("{execution}/{}.{}", binding.name, call.place).into()
}

async fn attempts(
    module: &dyn Module,
    arguments: &Arc<[Value]>,
    key: Text,
    wanted: &ModuleUse,
    options: &CallOptions,
    clock: &dyn Clock,
) -> Result<(u32, Value), (u32, Failure)> {
    let mut attempt = 1;
    loop {
        let call = ModuleCall { arguments: arguments.clone(), key: key.clone(), attempt };
        match once(module, call, wanted).await {
            Ok(value) => return Ok((attempt, value)),
            Err(error) if error.retryable && attempt <= options.retry => {
                if options.delay_ms > 0 {
                    clock.sleep(Duration::from_millis(options.delay_ms)).await;
                }
                attempt += 1;
            }
            Err(error) => return Err((attempt, failure(error.code, error.message))),
        }
    }
}

/// One attempt. What it returns fits the signature, and it does not panic, whatever the module
/// does.
async fn once(
    module: &dyn Module,
    call: ModuleCall,
    wanted: &ModuleUse,
) -> Result<Value, ModuleError> {
    let attempt = AssertUnwindSafe(async { module.call(call).await }).catch_unwind();
    let value = attempt.await.unwrap_or_else(|_| {
        let message = "the module panicked".to_owned();
        Err(ModuleError { code: Code::R001, message, retryable: true })
    })?;
    if model::value::fits(&wanted.signature.result, &value) {
        return Ok(value);
    }
    let message = format!("the result does not fit `{}`", wanted.signature.result);
    Err(ModuleError { code: Code::R010, message: text::quote(&message), retryable: false })
}

fn failure(code: Code, message: String) -> Failure {
    Failure::new(code, message)
}
