//! Performs one call with its options. From the outside in: a cache, attempts with waits between
//! them, and for each attempt the limits of the call and of the host, and a timeout.

use std::hash::Hasher;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use model::plan::{Backoff, Cache, CallOptions, ModuleUse};
use model::{Code, Digest, Failure, Plan, Text, Value, codec, text};
use rustc_hash::FxHasher;

use crate::execution::CallAction;
use crate::gate::Permit;
use crate::loaded::LoadedImage;
use crate::log::{CallNode, CallTiming, Event};
use crate::ports::{Clock, Module, ModuleCall, ModuleError, RegisteredModule};
use crate::registry::Registry;
use crate::traffic::Traffic;
use crate::{ExecutionId, limits};

/// What all calls of a host are made with.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) registry: Arc<Registry>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) traffic: Arc<Traffic>,
}

/// How a call ended.
#[derive(Clone)]
pub(crate) struct Ended {
    result: Result<Value, Failure>,
    attempts: u32,
    /// How long attempts stood in queues.
    waited: Duration,
}

impl Ended {
    /// It ended without an attempt.
    fn at_once(result: Result<Value, Failure>) -> Ended {
        Ended { result, attempts: 0, waited: Duration::ZERO }
    }
}

/// Makes the call and gives the event that ends it.
pub(crate) async fn perform(
    action: CallAction,
    execution: ExecutionId,
    loaded: Arc<LoadedImage>,
    host: Host,
    trace: Option<Text>,
) -> Event {
    let clock = host.clock.clone();
    let started = clock.elapsed();
    let node = action.node;
    let plan = loaded.plan();
    let call = &plan.calls[node.call as usize];
    let wanted = &plan.modules[call.module as usize];
    let (ended, cached) = match host.registry.find(wanted) {
        Ok(module) => {
            let key = call_key(plan, &node, execution);
            let first = ModuleCall { arguments: action.arguments, key, attempt: 1, trace };
            let call = Call { module, host, loaded: loaded.clone(), node: node.clone() };
            match &call.options().cache {
                Some(cache) => call.clone().reuse(cache, first).await,
                None => (call.attempts(first).await, false),
            }
        }
        Err(message) => (Ended::at_once(Err(Failure::new(Code::R012, message))), false),
    };
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let duration_ms = ms(clock.elapsed().saturating_sub(started));
    let timing = CallTiming { duration_ms, waited_ms: ms(ended.waited), cached };
    match ended.result {
        Ok(value) => Event::CallCompleted { node, value, attempts: ended.attempts, timing },
        Err(failure) => {
            let (module, attempts) = (Some(wanted.name.clone()), ended.attempts);
            let failure = Failure { module, attempts, span: call.span, ..failure };
            if call.options.log_failure {
                let cause = &failure.message;
                tracing::warn!(%execution, module = %wanted.name, %cause, "a call failed");
            }
            Event::CallFailed { node, failure, timing }
        }
    }
}

/// The key of a call: it names execution, binding, the call's place in it and, in lambdas, the
/// elements. It is the same for every attempt, also after a crash.
pub fn call_key(plan: &Plan, node: &CallNode, execution: ExecutionId) -> Text {
    let call = &plan.calls[node.call as usize];
    let binding = &plan.bindings[call.binding as usize];
    let elements: String = node.path.iter().map(|index| format!("[{index}]")).collect();
    format!("{execution}/{}.{}{elements}", binding.name, call.place).into()
}

/// A call and what it is made with.
#[derive(Clone)]
struct Call {
    module: Arc<RegisteredModule>,
    host: Host,
    loaded: Arc<LoadedImage>,
    node: CallNode,
}

impl Call {
    fn options(&self) -> &CallOptions {
        &self.loaded.plan().calls[self.node.call as usize].options
    }

    fn wanted(&self) -> &ModuleUse {
        let plan = self.loaded.plan();
        &plan.modules[plan.calls[self.node.call as usize].module as usize]
    }

    /// A result that is kept, or that of an equal call that is being made, or of this one. Says
    /// whether it was another's.
    async fn reuse(self, cache: &Cache, first: ModuleCall) -> (Ended, bool) {
        let Host { registry, clock, traffic } = self.host.clone();
        let name = cache.backend.clone().filter(|name| registry.caches().contains(name));
        let name = name.unwrap_or_default();
        let key = self.cache_key(&name, &first.arguments);
        let ttl = Duration::from_millis(cache.ttl_ms);
        if let Some(value) = traffic.cached(&name, &key, clock.elapsed(), ttl) {
            return (Ended::at_once(Ok(value)), true);
        }
        let keeper = traffic.clone();
        let call = || {
            async move {
                let ended = self.attempts(first).await;
                if let Ok(value) = &ended.result {
                    keeper.keep(&name, key, value.clone(), clock.elapsed());
                }
                ended
            }
            .boxed()
        };
        traffic.share(key, call).await
    }

    /// Names the result in its cache: by the module, its declaration and the arguments.
    fn cache_key(&self, cache: &Text, arguments: &[Value]) -> Digest {
        let mut bytes = Vec::new();
        for name in [cache, &self.wanted().name] {
            bytes.extend((name.len() as u64).to_le_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.extend(self.module.declaration.0);
        arguments.iter().for_each(|argument| codec::write_value(&mut bytes, argument));
        Digest::of(&bytes)
    }

    async fn attempts(&self, mut call: ModuleCall) -> Ended {
        let (options, clock) = (self.options(), &*self.host.clock);
        let mut waited = Duration::ZERO;
        loop {
            let attempts = call.attempt;
            let permits = self.admission(&mut waited).await;
            let result = self.attempt(call.clone()).await;
            drop(permits);
            match result {
                Ok(value) => return Ended { result: Ok(value), attempts, waited },
                Err(error) if error.retryable && attempts <= options.retry => {
                    let asked = error.retry_after.unwrap_or_default();
                    let wait = wait_before(options, attempts, &call.key).max(asked);
                    if wait > Duration::ZERO {
                        clock.sleep(wait).await;
                    }
                    call.attempt += 1;
                }
                Err(ModuleError { code, message, .. }) => {
                    return Ended { result: Err(Failure::new(code, message)), attempts, waited };
                }
            }
        }
    }

    /// Waits until all limits let one attempt begin, and holds its places. The host's own limit is
    /// the last: who waits for another one must not keep a place that others could use.
    async fn admission(&self, waited: &mut Duration) -> (Option<Permit>, Option<Permit>) {
        let (options, host) = (self.options(), &self.host);
        if options.throttle.is_none() && options.concurrency.is_none() && self.module.gate.is_none()
        {
            return (None, None);
        }
        let name = &self.wanted().name;
        let asked = host.clock.elapsed();
        if let Some(rate) = options.throttle {
            let wait = host.traffic.reserve(name, rate, asked);
            if wait > Duration::ZERO {
                host.clock.sleep(wait).await;
            }
        }
        let limited = match options.concurrency {
            Some(count) => Some(host.traffic.enter(name, count).await),
            None => None,
        };
        let seat = match &self.module.gate {
            Some(gate) => Some(gate.enter(options.priority).await),
            None => None,
        };
        *waited += host.clock.elapsed().saturating_sub(asked);
        (limited, seat)
    }

    async fn attempt(&self, call: ModuleCall) -> Result<Value, ModuleError> {
        let attempt = once(&*self.module.module, call, self.wanted());
        let Some(ms) = self.options().timeout_ms else { return attempt.await };
        tokio::select! {
            biased;
            result = attempt => result,
            () = self.host.clock.sleep(Duration::from_millis(ms)) => Err(timed_out(ms)),
        }
    }
}

pub(crate) fn timed_out(ms: u64) -> ModuleError {
    let message = format!("no answer within {ms} ms");
    ModuleError::new(Code::R002, message, true)
}

/// The wait after the attempt with this number, from 1 up. It is longer by up to a half, which follows
/// from the call, so that calls that failed together are not made together again.
fn wait_before(options: &CallOptions, attempt: u32, key: &Text) -> Duration {
    let delay = options.delay_ms;
    let grown = match options.backoff {
        Backoff::Fixed => delay,
        Backoff::Linear => delay.saturating_mul(u64::from(attempt)),
        Backoff::Exponential => {
            delay.saturating_mul(1u64.checked_shl(attempt - 1).unwrap_or(u64::MAX))
        }
    };
    let wait = grown.min(delay.max(limits::BACKOFF_MAX_MS));
    let mut hasher = FxHasher::default();
    hasher.write(key.as_bytes());
    hasher.write_u32(attempt);
    let part = u128::from(hasher.finish() >> 32);
    let jitter = (u128::from(wait / 2) * part) >> 32;
    Duration::from_millis(wait.saturating_add(jitter as u64))
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
        Err(ModuleError::new(Code::R001, message, true))
    })?;
    if model::value::fits(&wanted.signature.result, &value) {
        return Ok(value);
    }
    let message = format!("the result does not fit `{}`", wanted.signature.result);
    Err(ModuleError::new(Code::R010, text::quote(&message), false))
}
