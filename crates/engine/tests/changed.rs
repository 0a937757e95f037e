//! Modules that have changed since an image was compiled.

extern crate tidegate_engine as engine;

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::{ManualClock, outputs};
use engine::{
    Caller, Engine, LoadedImage, MemoryStore, Module, ModuleCall, ModuleError, RegisteredModule,
    Registry, Start, Status,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::{Effect, Text, Type, Value, json};

/// Gives what it was told to, and the argument where that says `$`.
struct Gives(Type, Type, &'static str);

impl Module for Gives {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        let argument = json::to_string(&self.0, &call.arguments[0]);
        let value =
            json::read(&self.1, &self.2.replace('$', &argument)).expect("a value that fits");
        std::future::ready(Ok(value)).boxed()
    }
}

fn registry(signature: &str, effect: Effect, gives: &'static str) -> Registry {
    let signature = lang::signature(signature).expect("a signature");
    let (takes, result) = (signature.parameters[0].ty.clone(), signature.result.clone());
    let module = Arc::new(Gives(takes, result, gives));
    let module = RegisteredModule::embedded(signature, effect, module);
    Registry::new(BTreeMap::from([(Text::new_static("M"), module)]))
}

const WAS: &str = "(x: { b: Int, a: String }) -> { tier: Optional<String>, id: String }";

/// What a pipeline of then says on a host of now.
async fn told(is: &str, effect: Effect, gives: &'static str) -> String {
    let then = registry(WAS, Effect::Read, "{}");
    let source = "out y = M({ a: \"x\", b: 1 })";
    let image = lang::compile(source, &then.catalog()).image.expect("an image");
    let (store, clock) = (Arc::<MemoryStore>::default(), Arc::<ManualClock>::default());
    let engine = Engine::new(store, clock, registry(is, effect, gives));
    let loaded = Arc::new(LoadedImage::new(image).expect("known functions"));
    let source = Some(source.into());
    let start = Start { loaded, source, pipeline: None, inputs: vec![], keep: false };
    let view = engine.start(start, Caller::waiting(Duration::from_secs(60))).await.expect("a view");
    match view.status {
        Status::Completed => outputs(&view),
        _ => format!("{} {}", view.failed[0].1.code, view.failed[0].1.message),
    }
}

#[tokio::test]
async fn a_module_that_still_fits_is_called() {
    let more = "(x: { a: String }) -> { id: String, tier: String, more: Int }";
    let gives = r#"{ "id": "i", "tier": "gold", "more": 1 }"#;
    assert_eq!(told(more, Effect::Read, gives).await, r#"{"y":{"tier":"gold","id":"i"}}"#);
    let wider = "(x: { c: Optional<Int>, b: Int | String }) -> { id: String, tier: Optional<\"a\" | \"b\"> }";
    let unfit = told(wider, Effect::Read, "{}").await;
    assert!(unfit.contains("R012"), "a field that was never given is not there: {unfit}");
    let wider = "(x: { b: Int | String }) -> { id: \"i\", tier: Optional<\"a\" | \"b\"> }";
    let gives = r#"{ "id": "i", "tier": null }"#;
    assert_eq!(told(wider, Effect::Read, gives).await, r#"{"y":{"tier":null,"id":"i"}}"#);
}

#[tokio::test]
async fn one_that_does_not_is_refused() {
    for (is, effect) in [
        ("(x: { a: Int }) -> { tier: Optional<String>, id: String }", Effect::Read),
        ("(x: { a: String }) -> { tier: Optional<String> }", Effect::Read),
        (
            "(x: { a: String }, y: Optional<Int>) -> { tier: Optional<String>, id: String }",
            Effect::Read,
        ),
        (WAS, Effect::Write),
    ] {
        let told = told(is, effect, "{}").await;
        assert!(
            told.contains("R012") && told.contains("the pipeline was compiled for"),
            "{is}: {told}"
        );
    }
}
