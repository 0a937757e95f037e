//! Calls in lambdas over many elements: how many exist at once, that their order is kept, and that
//! each is recorded by itself.

extern crate tidegate_engine as engine;

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{ManualClock, outputs, until};
use engine::limits::CALLS_RUNNING_MAX;
use engine::{
    Caller, Engine, ExecutionId, LoadedImage, MemoryStore, Module, ModuleCall, ModuleError,
    RegisteredModule, Registry, Resume, Start, Status, supply,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::{Effect, Text, Value, json};
use tokio::sync::Semaphore;

const ELEMENTS: usize = 10_000;

/// `Double(n)`, which counts how many of its calls exist, and ends as many as there are permits.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
    ended: AtomicUsize,
    /// How often each call key was used.
    keys: Mutex<HashMap<Text, usize>>,
    permits: Held,
}

struct Held(Semaphore);

impl Default for Held {
    fn default() -> Held {
        Held(Semaphore::new(0))
    }
}

/// A call that exists: also one that nobody has polled yet.
struct Present(Arc<Crowd>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Double(Arc<Crowd>);

impl Module for Double {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        let crowd = self.0.clone();
        *crowd.keys.lock().expect("keys").entry(call.key.clone()).or_default() += 1;
        let now = crowd.now.fetch_add(1, Ordering::SeqCst) + 1;
        crowd.most.fetch_max(now, Ordering::SeqCst);
        let present = Present(crowd);
        async move {
            let crowd = &present.0;
            crowd.permits.0.acquire().await.expect("never closed").forget();
            crowd.ended.fetch_add(1, Ordering::SeqCst);
            let Value::Int(n) = call.arguments[0] else { unreachable!("the signature says so") };
            Ok(Value::Int(2 * n))
        }
        .boxed()
    }
}

fn engine(store: &Arc<MemoryStore>, crowd: &Arc<Crowd>) -> Engine {
    let signature = lang::signature("(n: Int) -> Int").expect("a signature");
    let module =
        RegisteredModule::embedded(signature, Effect::Write, Arc::new(Double(crowd.clone())));
    let registry = Registry::new(BTreeMap::from([(Text::new_static("Double"), module)]));
    Engine::new(store.clone(), Arc::new(ManualClock::default()), registry)
}

/// Starts `source` on the numbers from 0, kept, and does not wait for it.
async fn start(engine: &Engine, source: &str) -> ExecutionId {
    let image = lang::compile(source, &engine.registry().catalog()).image.expect("an image");
    let loaded = Arc::new(LoadedImage::new(image).expect("known functions"));
    let text = format!(r#"{{"xs": {:?}}}"#, (0..ELEMENTS).collect::<Vec<_>>());
    let members = json::entries(&text).expect("JSON");
    let inputs = supply::inputs(loaded.plan(), &members, "").expect("inputs that fit");
    let start = Start { loaded, source: Some(source.into()), pipeline: None, inputs, keep: true };
    engine.start(start, Caller::waiting(Duration::ZERO)).await.expect("a view").id
}

async fn finish(engine: &Engine, id: ExecutionId) {
    let minute = Caller::waiting(Duration::from_secs(60));
    let view = engine.resume(id, Resume::default(), minute).await.expect("a view");
    assert_eq!(view.status, Status::Completed);
    let doubled: Vec<usize> = (0..ELEMENTS).map(|n| 2 * n).collect();
    assert_eq!(outputs(&view), format!(r#"{{"ys":{doubled:?}}}"#).replace(' ', ""));
}

async fn the_most_at_once(options: &str) -> usize {
    let crowd = Arc::<Crowd>::default();
    let engine = engine(&Arc::default(), &crowd);
    let source = format!("in xs: List<Int>\nout ys = map(xs, x => Double(x) {options})");
    let id = start(&engine, &source).await;
    crowd.permits.0.add_permits(ELEMENTS);
    finish(&engine, id).await;
    assert_eq!(crowd.keys.lock().expect("keys").len(), ELEMENTS);
    crowd.most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn no_more_calls_exist_than_may_run() {
    assert_eq!(the_most_at_once("with concurrency: 8").await, 8);
    assert_eq!(the_most_at_once("").await, CALLS_RUNNING_MAX);
}

#[test]
fn what_a_crash_interrupts_goes_on_element_by_element() {
    let process = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (crowd, store) = (Arc::<Crowd>::default(), Arc::<MemoryStore>::default());
    let source = "in xs: List<Int>\nout ys = map(xs, x => Double(x) with concurrency: 8)";
    let first = engine(&store, &crowd);
    let half = ELEMENTS / 2;
    let id = process().block_on(async {
        let id = start(&first, source).await;
        crowd.permits.0.add_permits(half);
        until(|| crowd.ended.load(Ordering::SeqCst) == half).await;
        id
    });
    process().block_on(async {
        let second = engine(&store, &crowd);
        assert_eq!(second.recover().await, Ok(1));
        crowd.permits.0.add_permits(ELEMENTS);
        finish(&second, id).await;
    });
    let keys = crowd.keys.lock().expect("keys");
    assert_eq!(keys.len(), ELEMENTS);
    let repeated = keys.values().filter(|times| **times > 1).count();
    // Those that ran at the end, and those whose results the last commit did not have yet.
    assert!(repeated <= 2 * 8, "{repeated} calls were made again");
}
