//! Performs one call with its options: attempts, and the waits between them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use model::plan::{Backoff, CallOptions, ModuleUse};
use model::{Code, Failure, Plan, Text, Value, text};

use crate::execution::CallAction;
use crate::loaded::LoadedImage;
use crate::log::{CallNode, Event};
use crate::ports::{Clock, Module, ModuleCall, ModuleError};
use crate::registry::Registry;
use crate::{ExecutionId, limits};

/// Makes the call and gives the event that ends it.
pub(crate) async fn perform(
    action: CallAction,
    execution: ExecutionId,
    loaded: Arc<LoadedImage>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    trace: Option<Text>,
) -> Event {
    let started = clock.now();
    let plan = loaded.plan();
    let call = &plan.calls[action.node.call as usize];
    let wanted = &plan.modules[call.module as usize];
    let found = registry.find(wanted).and_then(|module| {
        unavailable(&call.options).map_or(Ok(module), |option| {
            Err(format!("the option `{option}` is not available in this version"))
        })
    });
    let outcome = match found {
        Ok(module) => {
            let key = call_key(plan, &action.node, execution);
            let first = ModuleCall { arguments: action.arguments, key, attempt: 1, trace };
            attempts(&*module.module, first, wanted, &call.options, &*clock).await
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
            if call.options.log_failure {
                let cause = &failure.message;
                tracing::warn!(%execution, module = %wanted.name, %cause, "a call failed");
            }
            Event::CallFailed { node: action.node, failure, duration_ms }
        }
    }
}

/// The first option that this version cannot honour: to ignore a limit would break a promise.
fn unavailable(options: &CallOptions) -> Option<&'static str> {
    let given = [
        ("cache", options.cache.is_some()),
        ("throttle", options.throttle.is_some()),
        ("concurrency", options.concurrency.is_some()),
    ];
    given.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
}

/// The key of a call: it names execution, binding, the call's place in it and, in lambdas, the
/// elements. It is the same for every attempt, also after a crash.
pub fn call_key(plan: &Plan, node: &CallNode, execution: ExecutionId) -> Text {
    let call = &plan.calls[node.call as usize];
    let binding = &plan.bindings[call.binding as usize];
    let elements: String = node.path.iter().map(|index| format!("[{index}]")).collect();
    format!("{execution}/{}.{}{elements}", binding.name, call.place).into()
}

async fn attempts(
    module: &dyn Module,
    mut call: ModuleCall,
    wanted: &ModuleUse,
    options: &CallOptions,
    clock: &dyn Clock,
) -> Result<(u32, Value), (u32, Failure)> {
    loop {
        let attempt = call.attempt;
        let bounded = async {
            match options.timeout_ms {
                None => once(module, call.clone(), wanted).await,
                Some(ms) => {
                    let ended = once(module, call.clone(), wanted);
                    tokio::select! {
                        biased;
                        result = ended => result,
                        () = clock.sleep(Duration::from_millis(ms)) => Err(timed_out(ms)),
                    }
                }
            }
        };
        match bounded.await {
            Ok(value) => return Ok((attempt, value)),
            Err(error) if error.retryable && attempt <= options.retry => {
                let wait = wait_before(options, attempt);
                if wait > Duration::ZERO {
                    clock.sleep(wait).await;
                }
                call.attempt += 1;
            }
            Err(error) => return Err((attempt, failure(error.code, error.message))),
        }
    }
}

pub(crate) fn timed_out(ms: u64) -> ModuleError {
    let message = format!("no answer within {ms} ms");
    ModuleError { code: Code::R002, message, retryable: true }
}

/// The wait after the attempt with this number, from 1 up.
fn wait_before(options: &CallOptions, attempt: u32) -> Duration {
    let delay = options.delay_ms;
    let grown = match options.backoff {
        Backoff::Fixed => delay,
        Backoff::Linear => delay.saturating_mul(u64::from(attempt)),
        Backoff::Exponential => {
            delay.saturating_mul(1u64.checked_shl(attempt - 1).unwrap_or(u64::MAX))
        }
    };
    Duration::from_millis(grown.min(delay.max(limits::BACKOFF_MAX_MS)))
}

/// One attempt. What it returns fits the signature, and it does not panic, whatever the module
/// does.
pub(crate) async fn once(
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
