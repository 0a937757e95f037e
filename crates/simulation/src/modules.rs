//! Modules that answer when the scheduler says so. What they answer follows from what they are
//! asked, so that every order of events must lead to the same outputs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{Module, ModuleCall, ModuleError, RegisteredModule, Registry};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::{Code, Effect, Text, Value};
use tokio::sync::oneshot;

use crate::random::mix;

/// All calls of one world.
#[derive(Default)]
pub(crate) struct SimModules {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// The keys of all calls since the last look.
    begun: Vec<Text>,
}

struct Waiting {
    answer: i64,
    reply: oneshot::Sender<Result<Value, ModuleError>>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    /// Another attempt may succeed.
    Retryable,
    Final,
}

/// What a module answers.
pub(crate) fn answer(name: &str, argument: i64) -> i64 {
    let name = name.bytes().fold(7u64, |hash, byte| mix(hash ^ u64::from(byte)));
    (mix(name ^ argument as u64) % 1_000) as i64
}

impl SimModules {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn registry(modules: &Arc<SimModules>) -> Registry {
        let signature = lang::signature("(x: Int) -> Int").expect("a signature");
        let all = [("Read", Effect::Read), ("Look", Effect::Read), ("Send", Effect::Write)];
        let registered = all.map(|(name, effect)| {
            let module = Arc::new(SimModule { name, modules: modules.clone() });
            let module = RegisteredModule::embedded(signature.clone(), effect, module);
            (Text::new_static(name), module)
        });
        Registry::new(BTreeMap::from(registered))
    }

    /// How many calls wait for their end.
    pub(crate) fn waiting(&self) -> usize {
        let mut state = self.state();
        state.waiting.retain(|call| !call.reply.is_closed());
        state.waiting.len()
    }

    /// Ends the call with this number of those that wait.
    pub(crate) fn end(&self, at: usize, ending: Ending) {
        let Waiting { answer, reply } = self.state().waiting.swap_remove(at);
        let failed = |retryable| {
            let message = "out of order".to_owned();
            Err(ModuleError::new(Code::R001, message, retryable))
        };
        drop(reply.send(match ending {
            Ending::Success => Ok(Value::Int(answer)),
            Ending::Retryable => failed(true),
            Ending::Final => failed(false),
        }));
    }

    /// The process dies; nobody waits for what was called.
    pub(crate) fn crash(&self) {
        self.state().waiting.clear();
    }

    /// The keys of the calls that began since the last time.
    pub(crate) fn take_begun(&self) -> Vec<Text> {
        std::mem::take(&mut self.state().begun)
    }
}

struct SimModule {
    name: &'static str,
    modules: Arc<SimModules>,
}

impl Module for SimModule {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        let argument = match &call.arguments[0] {
            Value::Int(argument) => *argument,
            _ => 0,
        };
        let (reply, ended) = oneshot::channel();
        let mut state = self.modules.state();
        state.begun.push(call.key);
        state.waiting.push(Waiting { answer: answer(self.name, argument), reply });
        async move {
            let gone = "nobody answers".to_owned();
            let gone = Err(ModuleError::new(Code::R001, gone, false));
            ended.await.unwrap_or(gone)
        }
        .boxed()
    }
}
