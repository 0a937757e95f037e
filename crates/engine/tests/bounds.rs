//! Bounds: what runs takes bounded time and memory, and what was accepted can be read again.

extern crate tidegate_engine as engine;

mod common;

use common::{Host, outputs};
use engine::Status;
use model::Image;

#[tokio::test]
async fn a_condition_that_evaluation_could_afford_is_known_to_demand() {
    let host = Host::new();
    let big = "x".repeat(1 << 20);
    let condition = vec!["s == t"; 60].join(" and ");
    let source = format!(
        "in s: String\nin t: String\nok = {condition}\nout ok\n\
         out r = if ({condition}) Send(\"x\") else \"no\""
    );
    let view = host.run(&source, &format!(r#"{{"s": "{big}", "t": "{big}"}}"#)).await;
    let view = view.expect("a view");
    assert!(outputs(&view).contains("\"ok\":true"));
    assert_eq!(view.missing_names().count(), 0);
    assert_eq!(view.status, Status::Completed, "suspended, and nothing is missing");
}

/// Runs a program that makes too much, and gives the code of its failure.
async fn failure(source: &str, inputs: &str) -> String {
    let view = Host::new().run(source, inputs).await.expect("a view");
    assert_eq!(view.status, Status::Failed);
    view.failed[0].1.code.to_string()
}

#[tokio::test]
async fn one_expression_makes_a_bounded_number_of_bytes() {
    // A gigabyte, if all of it were made.
    let pads = vec!["pad-left(x, 16000000, \"y\")"; 60].join(", ");
    let source = format!("in x: String\nout r = [{pads}]");
    assert_eq!(failure(&source, r#"{"x": "a"}"#).await, "R009");
}

#[tokio::test]
async fn lambdas_take_a_bounded_number_of_steps() {
    let source = "in n: Int\nxs = range(0, n)\n\
                  out r = map(xs, x => map(xs, y => map(xs, z => x * y * z)))";
    assert_eq!(failure(source, r#"{"n": 1000000}"#).await, "R009");
    let source = "in n: Int\nout r = map(range(0, n), x => range(0, 1000000))";
    assert_eq!(failure(source, r#"{"n": 100000}"#).await, "R009");
    let text = "in s: String\nout r = map(range(0, 100000), i => \"${s}${s}${i}\")";
    assert_eq!(failure(text, &format!(r#"{{"s": "{}"}}"#, "x".repeat(100_000))).await, "R009");
}

#[tokio::test]
async fn all_outputs_together_are_bounded() {
    // Each of these is 30 MB of JSON.
    let source = "in n: Int\nin name: String\n\
                  text = pad-left(\"\", 10000000, name)\n\
                  out a = [text, text, text]\nout b = [text, text, text]\nout c = [text]";
    let host = Host::new();
    let view = host.run(source, r#"{"n": 1, "name": "x"}"#).await.expect("a view");
    assert_eq!(view.status, Status::Failed);
    let failed: Vec<&str> = view.failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(failed, ["c"], "the first two are within the bound");
    assert!(view.failed[0].1.message.contains("max_output_bytes"));
}

#[tokio::test]
async fn calls_in_lambdas_are_counted() {
    let source = "in n: Int\nout r = map(range(0, n), i => Echo(\"${i}\") with lazy)";
    let view = Host::new().run(source, r#"{"n": 100001}"#).await.expect("a view");
    assert_eq!(view.status, Status::Failed);
    assert_eq!(view.failed[0].1.message, "the limit `max_nodes` of 100000 is exceeded");
}

#[tokio::test]
async fn what_was_accepted_can_be_read_again() {
    let host = Host::new();
    let mut source = "type T0 = Int\n".to_owned();
    let depth = 60;
    for i in 1..=depth {
        source.push_str(&format!("type T{i} = List<T{}> | String\n", i - 1));
    }
    source.push_str(&format!("in x: T{depth}\nin y: Int\nout x\nout y\n"));
    let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let view = host.run(&source, &format!(r#"{{"x": {deep}}}"#)).await.expect("a view");
    host.engine.execution(view.id).await.expect("a view");
}

#[tokio::test]
async fn deep_inferred_types_are_refused_or_run() {
    let host = Host::new();
    for depth in [120, 127, 128, 129, 140, 300] {
        let mut source = "in b0: Int\n".to_owned();
        for i in 1..=depth {
            source.push_str(&format!("b{i} = [b{}]\n", i - 1));
        }
        source.push_str(&format!("in y: Int\nout b{depth}\nout y"));
        let compilation = lang::compile(&source, &host.engine.registry().catalog());
        let Some(image) = compilation.image else { continue };
        assert!(Image::decode(&image.encode()).is_ok(), "{depth}");
        let view = host.run(&source, r#"{"b0": 1}"#).await.expect("a view");
        let json = outputs(&view);
        host.engine.execution(view.id).await.expect("a view");
        assert!(json.len() > depth);
    }
}
