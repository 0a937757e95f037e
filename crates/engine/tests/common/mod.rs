//! A host for tests: modules that record their calls, a clock that is moved by hand, a store that
//! fails on demand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::ports::{AliasRow, Append, Appended, SavePipeline, SavedPipeline, StoreFuture};
use engine::{
    Caller, Clock, Engine, EngineError, ExecutionId, ExecutionView, Gate, LoadedImage, MemoryStore,
    Module, ModuleCall, ModuleError, RegisteredModule, Registry, Resume, Start, Store, StoreError,
    Timestamp, supply,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::{Code, Effect, Text, Value, json};
use tokio::sync::{Semaphore, oneshot};

/// Everything around an engine.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) modules: Arc<Modules>,
}

impl Host {
    pub(crate) fn new() -> Host {
        Host::on(Arc::new(FaultyStore::default()), Arc::default())
    }

    /// A process that starts on what another one left behind.
    pub(crate) fn on(store: Arc<FaultyStore>, modules: Arc<Modules>) -> Host {
        let clock = Arc::new(ManualClock::default());
        let engine = Engine::new(store.clone(), clock.clone(), Modules::registry(&modules));
        Host { engine, store, clock, modules }
    }

    pub(crate) fn load(&self, source: &str) -> Arc<LoadedImage> {
        let compilation = lang::compile(source, &self.engine.registry().catalog());
        let image = compilation.image.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
        Arc::new(LoadedImage::new(image).expect("known functions"))
    }

    pub(crate) async fn run(
        &self,
        source: &str,
        inputs: &str,
    ) -> Result<ExecutionView, EngineError> {
        self.start(source, inputs, false, Duration::from_secs(60)).await
    }

    pub(crate) async fn start(
        &self,
        source: &str,
        inputs: &str,
        keep: bool,
        wait: Duration,
    ) -> Result<ExecutionView, EngineError> {
        let loaded = self.load(source);
        let members = json::entries(inputs).expect("JSON");
        let inputs = supply::inputs(loaded.plan(), &members, "").expect("inputs that fit");
        let source = Some(source.into());
        let start = Start { loaded, source, pipeline: None, inputs, keep };
        self.engine.start(start, Caller::waiting(wait)).await
    }

    pub(crate) async fn resume(
        &self,
        id: ExecutionId,
        inputs: &str,
    ) -> Result<ExecutionView, EngineError> {
        let loaded = self.engine.execution(id).await?.loaded;
        let members = json::entries(inputs).expect("JSON");
        let inputs = supply::inputs(loaded.plan(), &members, "").expect("inputs that fit");
        let resume = Resume { inputs, ..Resume::default() };
        self.engine.resume(id, resume, Caller::waiting(Duration::from_secs(60))).await
    }
}

/// All outputs as one JSON object.
pub(crate) fn outputs(view: &ExecutionView) -> String {
    let members: Vec<String> = view
        .named_outputs()
        .map(|(name, ty, value)| format!("\"{name}\":{}", json::to_string(ty, value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// `Echo(text)` gives its argument; `Held` waits until it is released, and so does `Gated`, of which the
/// host lets only one run at once; `Flaky` fails until it was
/// called three times; `Send` writes.
#[derive(Default)]
pub(crate) struct Modules {
    /// Name and key of every call, in order.
    pub(crate) calls: Mutex<Vec<(String, String)>>,
    /// The argument of every call, in order.
    said: Mutex<Vec<String>>,
    /// Permits let calls of `Held` go on.
    pub(crate) held: Held,
    flaky: AtomicUsize,
}

pub(crate) struct Held(pub(crate) Semaphore);

impl Default for Held {
    fn default() -> Held {
        Held(Semaphore::new(0))
    }
}

impl Modules {
    fn registry(modules: &Arc<Modules>) -> Registry {
        let signature = lang::signature("(text: String) -> String").expect("a signature");
        let registered = [
            ("Echo", Effect::Read),
            ("Held", Effect::Read),
            ("HeldWrite", Effect::Write),
            ("Gated", Effect::Read),
            ("Flaky", Effect::Read),
            ("Panicking", Effect::Read),
            ("Lying", Effect::Read),
            ("Send", Effect::Write),
        ]
        .map(|(name, effect)| {
            let module = Arc::new(Named { name, modules: modules.clone() });
            let module = RegisteredModule::embedded(signature.clone(), effect, module);
            let gate = (name == "Gated").then(|| Gate::new(1));
            (Text::new_static(name), RegisteredModule { gate, ..module })
        });
        Registry::new(BTreeMap::from(registered))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.calls.lock().expect("calls").iter().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        self.said.lock().expect("arguments").clone()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.calls.lock().expect("calls").iter().map(|(_, key)| key.clone()).collect()
    }
}

struct Named {
    name: &'static str,
    modules: Arc<Modules>,
}

impl Module for Named {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        let (name, modules) = (self.name, self.modules.clone());
        modules.calls.lock().expect("calls").push((name.to_owned(), call.key.to_string()));
        if let Value::String(text) = &call.arguments[0] {
            modules.said.lock().expect("arguments").push(text.to_string());
        }
        async move {
            let failed = |message: &str| {
                let message = message.to_owned();
                Err(ModuleError::new(Code::R001, message, true))
            };
            match name {
                "Held" | "HeldWrite" | "Gated" => {
                    modules.held.0.acquire().await.expect("never closed").forget()
                }
                "Flaky" if modules.flaky.fetch_add(1, Ordering::SeqCst) < 2 => {
                    return failed("not yet");
                }
                "Panicking" => panic!("a module's own fault"),
                "Lying" => return Ok(Value::Int(1)),
                _ => {}
            }
            Ok(call.arguments[0].clone())
        }
        .boxed()
    }
}

/// Time passes only when it is told to.
#[derive(Default)]
pub(crate) struct ManualClock {
    /// Now, and who sleeps until when.
    state: Mutex<(Duration, Vec<Sleeper>)>,
}

type Sleeper = (Duration, oneshot::Sender<()>);

impl ManualClock {
    /// Lets time pass.
    pub(crate) fn advance(&self, by: Duration) {
        let mut state = self.state.lock().expect("clock");
        state.0 += by;
        let now = state.0;
        for (due, sleeper) in std::mem::take(&mut state.1) {
            if due <= now {
                sleeper.send(()).unwrap_or_default();
            } else {
                state.1.push((due, sleeper));
            }
        }
    }

    /// Somebody sleeps for exactly so long.
    pub(crate) fn is_slept_on(&self, duration: Duration) -> bool {
        self.sleeps().contains(&duration)
    }

    /// How long everybody sleeps who does, the shortest first.
    pub(crate) fn sleeps(&self) -> Vec<Duration> {
        let state = self.state.lock().expect("clock");
        let sleeping = state.1.iter().filter(|(_, sleeper)| !sleeper.is_closed());
        let mut sleeps: Vec<Duration> = sleeping.map(|(due, _)| *due - state.0).collect();
        sleeps.sort();
        sleeps
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.state.lock().expect("clock").0.as_millis() as i64)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return std::future::ready(()).boxed();
        }
        let (sleeper, awake) = oneshot::channel();
        let mut state = self.state.lock().expect("clock");
        let due = state.0 + duration;
        state.1.push((due, sleeper));
        awake.map(|_| ()).boxed()
    }
}

/// A store in memory whose appends fail while it is told so.
#[derive(Default)]
pub(crate) struct FaultyStore {
    memory: MemoryStore,
    pub(crate) fails: AtomicBool,
    pub(crate) appends: AtomicUsize,
}

/// Verbs that the store in memory does, whatever is done to the others.
macro_rules! forward {
    () => {
        forward! {
            executions(query: engine::ports::ExecutionQuery) -> Vec<engine::ports::ExecutionRow>;
            delete(id: ExecutionId, records: u64) -> ();
            timers(limit: usize) -> Vec<engine::ports::Timer>;
            deliver(delivery: engine::ports::Delivery) -> engine::ports::Delivered;
            kept_events(query: engine::ports::EventQuery) -> Vec<engine::ports::KeptEvent>;
            claim(key: Text) -> Option<engine::ports::Claim>;
            put_claim(claim: engine::ports::Claim) -> ();
            image(digest: model::Digest) -> Option<engine::ports::StoredImage>;
            images(after: Option<model::Digest>, limit: usize) -> Vec<model::Digest>;
            aliases(after: Option<Text>, limit: usize) -> Vec<engine::ports::AliasRow>;
            aliases_of(digest: model::Digest, limit: usize) -> Vec<engine::ports::AliasRow>;
            versions(name: Text, before: Option<u32>, limit: usize) -> Vec<engine::ports::AliasRow>;
            move_alias(shift: engine::ports::MoveAlias) -> engine::ports::MovedAlias;
            delete_alias(name: Text) -> bool;
            delete_image(digest: model::Digest) -> engine::ports::DeletedImage;
            sweep(sweep: engine::ports::Sweep) -> engine::ports::Swept;
        }
    };
    ($($verb:ident($($name:ident: $ty:ty),*) -> $result:ty;)*) => {
        $(fn $verb(&self, $($name: $ty),*) -> engine::ports::StoreFuture<$result> {
            self.memory.$verb($($name),*)
        })*
    };
}
#[allow(unused_imports, reason = "each test file uses its part")]
pub(crate) use forward;

impl Store for FaultyStore {
    fn append(&self, append: Append) -> StoreFuture<Appended> {
        if self.fails.load(Ordering::SeqCst) {
            let cause = "told to fail".to_owned();
            return std::future::ready(Err(StoreError::Unavailable(cause))).boxed();
        }
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.memory.append(append)
    }

    forward!();
    forward! {
        records(id: ExecutionId, from: u64) -> Option<Vec<Vec<u8>>>;
        save_pipeline(save: SavePipeline) -> SavedPipeline;
        alias(name: Text, version: Option<u32>) -> Option<AliasRow>;
    }
}

/// Lets every other task run until `condition` holds; fails the test if it never does.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the condition never came true");
}
