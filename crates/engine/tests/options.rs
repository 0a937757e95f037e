//! Call options that act across executions, in simulated time: caches, calls that are shared, limits
//! and priorities.

extern crate tidegate_engine as engine;

mod common;

use std::time::Duration;

use common::{Host, outputs, until};
use engine::log::CallTiming;
use engine::{ExecutionId, Happened, Status};

const MINUTE: Duration = Duration::from_secs(60);

/// Attempts and times of the calls that an execution made, in the order in which they ended.
async fn calls(host: &Host, id: ExecutionId) -> Vec<(u32, CallTiming)> {
    let history = host.engine.history(id).await.expect("a history");
    let calls = history.after(0).iter().filter_map(|item| match &item.what {
        Happened::CallCompleted { attempts, timing, .. } => Some((*attempts, *timing)),
        Happened::CallFailed { failure, timing, .. } => Some((failure.attempts, *timing)),
        _ => None,
    });
    calls.collect()
}

fn waited(ms: u64) -> CallTiming {
    CallTiming { duration_ms: ms, waited_ms: ms, cached: false }
}

async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_result_is_reused_for_its_time() {
    let host = Host::new();
    let source = "in x: String\nout y = Echo(x) with cache: 1min";
    let run = async |x: &str| {
        let view = host.start(source, &format!(r#"{{"x": "{x}"}}"#), true, MINUTE).await;
        let view = view.expect("a view");
        assert_eq!(outputs(&view), format!(r#"{{"y":"{x}"}}"#));
        calls(&host, view.id).await[0]
    };
    let (made, reused) = (CallTiming::default(), CallTiming { cached: true, ..Default::default() });
    assert_eq!(run("a").await, (1, made));
    assert_eq!(run("a").await, (0, reused));
    assert_eq!(run("b").await, (1, made));
    host.clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(run("a").await, (0, reused));
    host.clock.advance(Duration::from_millis(1));
    assert_eq!(run("a").await, (1, made));
    assert_eq!(host.modules.arguments(), ["a", "b", "a"]);
    let plain = host.run("in x: String\nout y = Echo(x)", r#"{"x": "a"}"#).await;
    assert_eq!(plain.expect("a view").status, Status::Completed);
    assert_eq!(host.modules.arguments().len(), 4, "who does not ask for the cache gets none");
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let host = Host::new();
    let source = "in x: String\nout y = Flaky(x) with cache: 1h, fallback: \"none\"";
    for expected in [r#"{"y":"none"}"#, r#"{"y":"none"}"#, r#"{"y":"a"}"#, r#"{"y":"a"}"#] {
        let view = host.run(source, r#"{"x": "a"}"#).await.expect("a view");
        assert_eq!(outputs(&view), expected);
    }
    assert_eq!(host.modules.names().len(), 3);
}

#[tokio::test]
async fn equal_calls_at_once_are_made_once() {
    let host = Host::new();
    let source = "in x: String\nout y = Held(x) with cache: 1h";
    let start = async || {
        let view = host.start(source, r#"{"x": "a"}"#, true, Duration::ZERO).await;
        view.expect("a view").id
    };
    let ids = [start().await, start().await, start().await];
    settle().await;
    assert_eq!(host.modules.names().len(), 1);
    // The one that made the call goes; the others still wait for it.
    host.engine.cancel(ids[0], None).await.expect("a view");
    settle().await;
    host.modules.held.0.add_permits(1);
    for id in &ids[1..] {
        while host.engine.execution(*id).await.expect("a view").status == Status::Running {
            tokio::task::yield_now().await;
        }
        let view = host.engine.execution(*id).await.expect("a view");
        assert_eq!(outputs(&view), r#"{"y":"a"}"#);
        assert_eq!(calls(&host, *id).await, [(1, CallTiming { cached: true, ..waited(0) })]);
    }
    assert_eq!(host.modules.names().len(), 1);
}

#[tokio::test]
async fn a_throttle_lets_so_many_through_in_a_time() {
    let host = Host::new();
    let source = "in xs: List<String>\nout ys = map(xs, x => Echo(x) with throttle: 2/1s)";
    let inputs = r#"{"xs": ["a", "b", "c", "d", "e"]}"#;
    let view = host.start(source, inputs, true, Duration::ZERO).await.expect("a view");
    for (made, advance) in [(2, 499), (2, 1), (3, 500), (4, 500)] {
        settle().await;
        assert_eq!(host.modules.names().len(), made);
        host.clock.advance(Duration::from_millis(advance));
    }
    let id = view.id;
    until(|| host.modules.names().len() == 5).await;
    settle().await;
    let view = host.engine.execution(id).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"ys":["a","b","c","d","e"]}"#);
    let timings: Vec<_> = calls(&host, id).await.into_iter().map(|(_, timing)| timing).collect();
    assert_eq!(timings, [0, 0, 500, 1_000, 1_500].map(waited));
}

#[tokio::test]
async fn concurrency_bounds_what_runs_at_once_across_executions() {
    let host = Host::new();
    let source = "in xs: List<String>\nout ys = map(xs, x => Held(x) with concurrency: 2)";
    for inputs in [r#"{"xs": ["a", "b", "c"]}"#, r#"{"xs": ["d", "e"]}"#] {
        host.start(source, inputs, true, Duration::ZERO).await.expect("a view");
        settle().await;
    }
    assert_eq!(host.modules.arguments(), ["a", "b"]);
    // Another module, and a call that does not ask for it, are not bound.
    host.start("out y = Held(\"x\")", "{}", true, Duration::ZERO).await.expect("a view");
    settle().await;
    assert_eq!(host.modules.arguments(), ["a", "b", "x"]);
    host.modules.held.0.add_permits(1);
    settle().await;
    assert_eq!(host.modules.arguments(), ["a", "b", "x", "c"]);
    host.modules.held.0.add_permits(9);
    until(|| host.modules.arguments().len() == 6).await;
}

#[tokio::test]
async fn the_host_starts_the_most_urgent_first() {
    let host = Host::new();
    let calls = [("a", "normal"), ("b", "low"), ("c", "critical"), ("d", "7"), ("e", "normal")];
    for (x, priority) in calls {
        let source = format!("in x: String\nout y = Gated(x) with priority: {priority}");
        let inputs = format!(r#"{{"x": "{x}"}}"#);
        host.start(&source, &inputs, true, Duration::ZERO).await.expect("a view");
        settle().await;
    }
    for started in 1..=calls.len() {
        assert_eq!(host.modules.names().len(), started);
        host.modules.held.0.add_permits(1);
        settle().await;
    }
    assert_eq!(host.modules.arguments(), ["a", "c", "e", "b", "d"]);
}

#[tokio::test]
async fn a_timeout_does_not_count_the_time_in_queues() {
    let host = Host::new();
    let source = "in x: String\nout y = Gated(x) with timeout: 1s, retry: 1";
    let first = host.start(source, r#"{"x": "a"}"#, true, Duration::ZERO).await.expect("a view").id;
    settle().await;
    let second =
        host.start(source, r#"{"x": "b"}"#, true, Duration::ZERO).await.expect("a view").id;
    settle().await;
    host.clock.advance(Duration::from_millis(1_000));
    settle().await;
    // The second one is in; behind it the first one waits for its second attempt.
    assert_eq!(host.modules.arguments(), ["a", "b"]);
    host.modules.held.0.add_permits(2);
    settle().await;
    assert_eq!(host.modules.arguments(), ["a", "b", "a"]);
    let timing = |waited_ms| CallTiming { duration_ms: 1_000, waited_ms, cached: false };
    assert_eq!(calls(&host, second).await, [(1, timing(1_000))]);
    assert_eq!(calls(&host, first).await, [(2, timing(0))]);
}

#[tokio::test]
async fn waits_between_attempts_grow_as_they_are_told_to() {
    for (backoff, expected) in [("linear", [100, 200, 300]), ("exponential", [100, 200, 400])] {
        let host = Host::new();
        let source = format!(
            "in x: String\nout y = Lying(x) with fallback: \"-\"\n\
             out z = Panicking(x) with retry: 3, delay: 100ms, backoff: {backoff}"
        );
        host.start(&source, r#"{"x": "a"}"#, true, Duration::ZERO).await.expect("a view");
        for base in expected {
            until(|| !host.clock.sleeps().is_empty()).await;
            let wait = host.clock.sleeps()[0];
            let base = Duration::from_millis(base);
            assert!((base..=base + base / 2).contains(&wait), "{backoff}: {wait:?}");
            host.clock.advance(wait);
            settle().await;
        }
        assert!(host.clock.sleeps().is_empty());
    }
}
