//! The shell around `step`: what is answered when, what is cancelled, and what two requests at the same
//! time do to each other.

extern crate tidegate_engine as engine;

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use common::{Host, forward, until};
use engine::log::{Event, Record, StoredValue};
use engine::ports::{AliasRow, Append, Appended, SavePipeline, SavedPipeline, StoreFuture};
use engine::{
    Caller, Clock, Engine, EngineError, Execution, ExecutionId, LoadedImage, MemoryStore, Resume,
    Start, Status, Store, Timestamp, step,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::{Image, Text, Value};
use tokio::sync::Semaphore;

const MINUTE: Duration = Duration::from_secs(60);

fn process() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

#[test]
fn a_call_with_a_pattern_variable_is_recovered() {
    let host = Host::new();
    let source = "in x: Optional<String>\n\
                  out r = match x { some(t) -> HeldWrite(t), none -> \"\" }";
    process().block_on(async {
        let view = host.start(source, r#"{"x": "a"}"#, false, Duration::ZERO).await;
        until(|| host.modules.names() == ["HeldWrite"]).await;
        view.expect("answered as Running");
    });
    let other = Host::on(host.store, host.modules.clone());
    process().block_on(async {
        assert_eq!(other.engine.recover().await, Ok(1));
        host.modules.held.0.add_permits(1);
        until(|| host.modules.names() == ["HeldWrite", "HeldWrite"]).await;
    });
}

#[tokio::test]
async fn a_completed_execution_calls_nothing_any_more() {
    for _ in 0..8 {
        let host = Host::new();
        let source = "in x: String\nin go: Boolean\nspec = Held(x)\n\
                      out r = if (go) spec else \"no\"";
        let view = host.start(source, r#"{"x": "a"}"#, true, Duration::ZERO).await.expect("a view");
        until(|| host.modules.names() == ["Held"]).await;
        let view = host.resume(view.id, r#"{"go": false}"#).await.expect("a view");
        assert_eq!(view.status, Status::Completed);
        tokio::task::yield_now().await;
        let view = host.resume(view.id, r#"{"go": false}"#).await.expect("no news");
        assert_eq!(view.status, Status::Completed);
        assert_eq!(host.modules.names(), ["Held"]);
    }
}

#[tokio::test]
async fn a_running_write_is_not_cancelled_by_completion() {
    let host = Host::new();
    let source = "in x: String\nr = \"<${HeldWrite(x)}>\"\nout r";
    let view = host.start(source, r#"{"x": "a"}"#, true, Duration::ZERO).await.expect("a view");
    until(|| host.modules.names() == ["HeldWrite"]).await;
    let plan = view.loaded.plan();
    let resolved = vec![(plan.binding("r").expect("r"), Value::string("by hand"))];
    let resume = Resume { resolved, ..Resume::default() };
    let done = host.engine.resume(view.id, resume, Caller::waiting(MINUTE)).await.expect("a view");
    assert_eq!(done.status, Status::Completed);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    host.modules.held.0.add_permits(1);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.modules.held.0.available_permits(), 0, "the write was cancelled");
    let records = host.store.records(view.id, 0).await.expect("a store").expect("a log");
    assert_eq!(records.len(), 3, "the result of the write is not recorded");
}

#[tokio::test]
async fn a_start_waits_no_longer_than_it_was_told() {
    let host = Host::new();
    let source = "in x: String\na = Held(x)\nout b = HeldWrite(a)";
    let answered = AtomicUsize::new(0);
    tokio::join!(
        async {
            let view = host.start(source, r#"{"x": "a"}"#, false, MINUTE).await.expect("a view");
            assert_eq!(view.status, Status::Running);
            answered.store(1, Ordering::SeqCst);
        },
        async {
            until(|| host.modules.names().len() == 1).await;
            host.clock.advance(MINUTE - Duration::from_secs(1));
            host.modules.held.0.add_permits(1);
            until(|| host.modules.names().len() == 2).await;
            host.clock.advance(Duration::from_secs(2));
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            let in_time = answered.load(Ordering::SeqCst);
            host.clock.advance(MINUTE);
            assert_eq!(in_time, 1, "61 s passed");
        }
    );
}

#[tokio::test]
async fn nobody_is_rejected_because_of_what_was_never_stored() {
    let host = Host::new();
    let source = "in a: String\nin b: String\nout x = \"${a}${b}\"";
    let id = host.run(source, "{}").await.expect("a view").id;
    let loaded = host.load(source);
    let a = loaded.plan().input("a").expect("a");
    let resume =
        |text: &str| Resume { inputs: vec![(a, Value::string(text))], ..Resume::default() };
    host.store.fails.store(true, Ordering::SeqCst);
    let (one, two) = tokio::join!(
        host.engine.resume(id, resume("1"), Caller::waiting(MINUTE)),
        host.engine.resume(id, resume("2"), Caller::waiting(MINUTE))
    );
    assert!(matches!(one, Err(EngineError::Unavailable(_))), "{one:?}");
    assert!(matches!(two, Err(EngineError::Unavailable(_))), "{two:?}");
}

#[tokio::test]
async fn a_halting_engine_begins_no_call() {
    // Several times, since an order might be left to chance.
    for _ in 0..40 {
        let host = Host::new();
        let source = "in x: String\na = Held(x)\nout b = Send(a)";
        let grace = Duration::from_secs(10);
        let (view, ()) = tokio::join!(host.start(source, r#"{"x": "a"}"#, true, MINUTE), async {
            until(|| host.modules.names().len() == 1).await;
            tokio::join!(host.engine.drain(grace), async {
                until(|| host.clock.is_slept_on(grace)).await;
                host.clock.advance(grace);
                tokio::task::yield_now().await;
                // It halts, and both are ready when the execution's task is polled next.
                host.modules.held.0.add_permits(1);
            });
        });
        view.expect("a view");
        let halted_first = host.modules.names() == ["Held"];
        assert!(halted_first, "the write was begun and dropped");
    }
}

#[test]
fn a_closed_input_knows_when_it_was_closed() {
    let host = Host::new();
    let loaded = host.load("in x: Optional<String>\nin y: String\nout r = x ?? y");
    let mut execution = Execution::new(loaded.clone());
    let plan = loaded.plan();
    let inputs = vec![(plan.input("y").expect("y"), StoredValue(Value::string("a")))];
    let event = Event::Started { image: loaded.digest(), pipeline: None, inputs };
    step(&mut execution, &Record { at: Timestamp(1_000), event });
    let provided = execution.provided(plan.input("x").expect("x")).expect("closed");
    assert_eq!(provided.at, Timestamp(1_000));
}

#[derive(Default)]
struct GatedStore {
    memory: MemoryStore,
    gate: Arc<Gate>,
    save_gate: Arc<Gate>,
    records_gate: Arc<Gate>,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Gate {
        Gate(Semaphore::new(1_000))
    }
}

fn gated<T: Send + 'static>(gate: &Arc<Gate>, inner: StoreFuture<T>) -> StoreFuture<T> {
    let gate = gate.clone();
    async move {
        gate.0.acquire().await.expect("never closed").forget();
        inner.await
    }
    .boxed()
}

impl Store for GatedStore {
    forward!();
    forward! {
        append(append: Append) -> Appended;
    }

    fn records(&self, id: ExecutionId, from: u64) -> StoreFuture<Option<Vec<Vec<u8>>>> {
        gated(&self.records_gate, self.memory.records(id, from))
    }

    // The write is done at once, as by a writer thread; its answer waits for the gate.
    fn save_pipeline(&self, save: SavePipeline) -> StoreFuture<SavedPipeline> {
        gated(&self.save_gate, self.memory.save_pipeline(save))
    }

    fn alias(&self, name: Text, version: Option<u32>) -> StoreFuture<Option<AliasRow>> {
        gated(&self.gate, self.memory.alias(name, version))
    }
}

struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::pending().boxed()
    }
}

fn ticking(store: Arc<GatedStore>) -> (Engine, Image, Image) {
    let registry = engine::Registry::default();
    let catalog = registry.catalog();
    let image = |source: &str| lang::compile(source, &catalog).image.expect("an image");
    let (one, two) = (image("out r = 1"), image("out r = 2"));
    (Engine::new(store, Arc::new(Ticking(AtomicI64::new(0))), registry), one, two)
}

#[tokio::test]
async fn an_alias_that_moves_while_it_is_read_points_where_it_moved() {
    let store = Arc::new(GatedStore::default());
    let (engine, one, two) = ticking(store.clone());
    let name: engine::PipelineName = "p".parse().expect("a name");
    let reference: engine::Reference = "p".parse().expect("a reference");
    engine.save(&one, "one".into(), Some(&name), false, None).await.expect("saved");
    let left = store.gate.0.forget_permits(1_000);
    assert_eq!(left, 1_000);
    let mut reading = Box::pin(engine.find(&reference));
    assert!((&mut reading).now_or_never().is_none());
    engine.save(&two, "two".into(), Some(&name), false, None).await.expect("saved");
    store.gate.0.add_permits(1_000);
    reading.await.expect("found");
    let found = engine.find(&reference).await.expect("found").expect("found");
    assert_eq!(found.alias.expect("an alias").version, 2);
}

#[tokio::test]
async fn an_alias_moves_also_when_its_caller_goes_away() {
    let store = Arc::new(GatedStore::default());
    let (engine, one, two) = ticking(store.clone());
    let name: engine::PipelineName = "p".parse().expect("a name");
    let reference: engine::Reference = "p".parse().expect("a reference");
    engine.save(&one, "one".into(), Some(&name), false, None).await.expect("saved");
    engine.find(&reference).await.expect("found").expect("found");
    store.save_gate.0.forget_permits(1_000);
    let mut saving = Box::pin(engine.save(&two, "two".into(), Some(&name), false, None));
    assert!((&mut saving).now_or_never().is_none());
    drop(saving);
    store.save_gate.0.add_permits(1_000);
    tokio::task::yield_now().await;
    let stored = store.alias("p".into(), None).await.expect("read").expect("there");
    let found = engine.find(&reference).await.expect("found").expect("found");
    assert_eq!(found.alias.expect("an alias").version, stored.version);
}

#[tokio::test]
async fn the_first_answer_and_a_later_one_name_the_same_times() {
    let store = Arc::new(GatedStore::default());
    let (engine, one, _) = ticking(store);
    let loaded = Arc::new(LoadedImage::new(one).expect("known functions"));
    let (source, inputs) = (Some("out r = 1".into()), Vec::new());
    let start = Start { loaded, source, pipeline: None, inputs, keep: true };
    let first = engine.start(start, Caller::waiting(MINUTE)).await.expect("a view");
    let later = engine.execution(first.id).await.expect("a view");
    assert_eq!(first.kept, later.kept);
}

#[tokio::test]
async fn draining_waits_for_what_is_being_loaded() {
    let store = Arc::new(GatedStore::default());
    let (engine, one, _) = ticking(store.clone());
    let loaded = Arc::new(LoadedImage::new(one).expect("known functions"));
    let (source, inputs) = (Some("out r = 1".into()), Vec::new());
    let start = Start { loaded, source, pipeline: None, inputs, keep: true };
    let id = engine.start(start, Caller::waiting(MINUTE)).await.expect("a view").id;
    store.records_gate.0.forget_permits(1_000);
    let mut resuming = Box::pin(engine.resume(id, Resume::default(), Caller::waiting(MINUTE)));
    assert!((&mut resuming).now_or_never().is_none());
    let mut draining = Box::pin(engine.drain(MINUTE));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!((&mut draining).now_or_never().is_none(), "the resume is not answered yet");
    }
    store.records_gate.0.add_permits(1_000);
    assert_eq!(resuming.await.expect("a view").status, Status::Completed);
    draining.await;
}
