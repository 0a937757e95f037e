//! The shell around the heart: what is kept when, what survives what.

extern crate tidegate_engine as engine;

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{Host, outputs, until};
use engine::ports::ExecutionQuery;
use engine::{Caller, EngineError, Resume, Status};
use model::Code;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_completes_touches_no_disk() {
    let host = Host::new();
    let view = host.run("in x: String\ny = Echo(x)\nout y", r#"{"x": "a"}"#).await.expect("a view");
    assert_eq!(view.status, Status::Completed);
    assert_eq!(outputs(&view), r#"{"y":"a"}"#);
    assert_eq!(host.store.appends.load(Ordering::SeqCst), 0);
    assert!(view.kept.is_none());
}

#[tokio::test]
async fn a_suspended_execution_goes_on_in_another_process() {
    let host = Host::new();
    let source = "in x: String\nin ok: Boolean\ny = Echo(x)\nout y when ok";
    let view = host.run(source, r#"{"x": "a"}"#).await.expect("a view");
    assert_eq!(view.status, Status::Suspended);
    assert_eq!(view.missing_names().collect::<Vec<_>>(), ["ok"]);
    assert_eq!(view.named_computed().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["y"]);

    let other = Host::on(host.store, host.modules.clone());
    let view = other.resume(view.id, r#"{"ok": true}"#).await.expect("a view");
    assert_eq!(view.status, Status::Completed);
    assert_eq!(outputs(&view), r#"{"y":"a"}"#);
    assert_eq!(view.resumption_count, 1);
    assert_eq!(host.modules.names(), ["Echo"]);
}

#[test]
fn what_was_not_recorded_is_called_again_with_its_key() {
    // A process that dies is a runtime that is dropped with all its tasks.
    let process = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let host = Host::new();
    let source = "in x: String\na = Send(x)\nb = HeldWrite(a)\nout b";
    let id = process().block_on(async {
        let view = host.start(source, r#"{"x": "a"}"#, false, Duration::ZERO).await;
        until(|| host.modules.names() == ["Send", "HeldWrite"]).await;
        view.expect("answered as Running").id
    });
    let other = Host::on(host.store, host.modules.clone());
    let view = process().block_on(async {
        assert_eq!(other.engine.recover().await, Ok(1));
        host.modules.held.0.add_permits(1);
        other.engine.resume(id, Resume::default(), Caller::waiting(MINUTE)).await.expect("a view")
    });
    assert_eq!(view.status, Status::Completed);
    assert_eq!(host.modules.names(), ["Send", "HeldWrite", "HeldWrite"]);
    assert_eq!(host.modules.keys()[1], host.modules.keys()[2]);
    assert_eq!(host.modules.keys()[1], format!("{id}/b.1"));
}

#[tokio::test]
async fn a_write_is_called_only_when_the_execution_is_stored() {
    let host = Host::new();
    host.store.fails.store(true, Ordering::SeqCst);
    let source = "in x: String\nout y = Send(x)";
    let error = host.run(source, r#"{"x": "a"}"#).await.expect_err("nothing can be stored");
    assert!(matches!(error, EngineError::Unavailable(_)), "{error:?}");
    assert_eq!(host.modules.names(), Vec::<String>::new());

    host.store.fails.store(false, Ordering::SeqCst);
    let view = host.run(source, r#"{"x": "a"}"#).await.expect("a view");
    assert_eq!(view.status, Status::Completed);
    assert_eq!(host.modules.names(), ["Send"]);
}

#[tokio::test]
async fn a_store_that_comes_back_is_found_again() {
    let host = Host::new();
    let source = "in x: String\nin y: String\na = Send(x)\nb = HeldWrite(y)\nout a\nout b";
    let view = host.run(source, r#"{"x": "a"}"#).await.expect("a view");
    let id = view.id;
    let resumed = host.resume(id, r#"{"y": "b"}"#);
    let (resumed, ()) = tokio::join!(resumed, async {
        until(|| host.modules.names().len() == 2).await;
        host.store.fails.store(true, Ordering::SeqCst);
        host.modules.held.0.add_permits(2);
    });
    // The result of the write could not be recorded, so nobody is told that it was.
    assert!(matches!(resumed, Err(EngineError::Unavailable(_))), "{resumed:?}");
    host.store.fails.store(false, Ordering::SeqCst);
    host.clock.advance(MINUTE);
    until(|| host.modules.names().len() == 3).await;
    let view =
        host.engine.resume(id, Resume::default(), Caller::waiting(MINUTE)).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"a":"a","b":"b"}"#);
    assert_eq!(host.modules.names(), ["Send", "HeldWrite", "HeldWrite"]);
}

#[tokio::test]
async fn concurrent_resumes_merge() {
    let host = Host::new();
    let source = "in a: String\nin b: String\nin c: String\nx = Echo(a)\ny = Echo(b)\nz = Echo(c)\n\
                  out text = \"${x}${y}${z}\"";
    let view = host.run(source, "{}").await.expect("a view");
    let id = view.id;
    let (a, b, c) = tokio::join!(
        host.resume(id, r#"{"a": "1"}"#),
        host.resume(id, r#"{"b": "2"}"#),
        host.resume(id, r#"{"c": "3"}"#),
    );
    for view in [a, b, c] {
        let status = view.expect("a view").status;
        assert!(matches!(status, Status::Suspended | Status::Completed));
    }
    let view = host.engine.execution(id).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"text":"123"}"#);
    assert_eq!(host.modules.names().len(), 3);
}

#[tokio::test]
async fn equal_is_no_news_and_different_is_a_conflict() {
    let host = Host::new();
    let source = "in a: String\nin b: String\nout x = \"${a}${b}\"";
    let id = host.run(source, r#"{"a": "1"}"#).await.expect("a view").id;
    let same = host.resume(id, r#"{"a": "1"}"#).await.expect("no news");
    assert_eq!((same.status, same.resumption_count), (Status::Suspended, 0));
    // All or nothing: the new value of `b` is not taken either.
    let Err(EngineError::Rejected(rejections)) = host.resume(id, r#"{"a": "2", "b": "2"}"#).await
    else {
        panic!("a conflict")
    };
    assert_eq!(rejections.len(), 1);
    assert_eq!((rejections[0].code, rejections[0].name.as_str()), (Code::V004, "a"));
    let view = host.resume(id, r#"{"b": "2"}"#).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"x":"12"}"#);
    let replayed = host.resume(id, r#"{"a": "1"}"#).await.expect("the recorded result");
    assert_eq!(replayed.status, Status::Completed);
    assert!(matches!(host.resume(id, r#"{"b": "3"}"#).await, Err(EngineError::Finished)));
}

#[tokio::test]
async fn retries_wait_and_then_succeed() {
    let host = Host::new();
    let source = "in x: String\nout y = Flaky(x) with retry: 3, delay: 200ms";
    let (view, ()) = tokio::join!(host.run(source, r#"{"x": "a"}"#), async {
        for attempt in 1..=2 {
            // The caller itself waits for a minute.
            until(|| host.modules.names().len() == attempt && host.clock.sleeps().len() == 2).await;
            let wait = host.clock.sleeps()[0];
            let expected = Duration::from_millis(200)..=Duration::from_millis(300);
            assert!(expected.contains(&wait), "{wait:?}");
            host.clock.advance(wait);
        }
    });
    assert_eq!(outputs(&view.expect("a view")), r#"{"y":"a"}"#);
    assert_eq!(host.modules.names().len(), 3);
}

#[tokio::test]
async fn a_failed_call_is_made_anew_only_when_asked() {
    let host = Host::new();
    let source = "in x: String\nout y = Flaky(x) with retry: 1";
    let failed = host.run(source, r#"{"x": "a"}"#).await.expect("a view");
    assert_eq!(failed.status, Status::Failed);
    let failure = &failed.failed[0].1;
    assert_eq!((failure.code, failure.attempts), (Code::R001, 2));
    assert!(failed.kept.is_some(), "a failed execution is kept, so that it can be repaired");
    let same = host
        .engine
        .resume(failed.id, Resume::default(), Caller::waiting(MINUTE))
        .await
        .expect("a view");
    assert_eq!(same.status, Status::Failed);
    let retry = Resume { retry_failed: true, ..Resume::default() };
    let view = host.engine.resume(failed.id, retry, Caller::waiting(MINUTE)).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"y":"a"}"#);
    let keys = host.modules.keys();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn modules_that_panic_or_lie_fail_their_call_alone() {
    let host = Host::new();
    let source = "in x: String\nout a = Panicking(x)\nout b = Lying(x)\nout c = Echo(x)";
    let view = host.run(source, r#"{"x": "a"}"#).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"c":"a"}"#);
    let codes: Vec<Code> = view.failed.iter().map(|(_, failure)| failure.code).collect();
    assert_eq!(codes, [Code::R001, Code::R010]);
}

#[tokio::test]
async fn a_slow_execution_is_answered_as_running_and_goes_on_by_itself() {
    let host = Host::new();
    let source = "in x: String\nout y = Held(x)";
    let (view, ()) = tokio::join!(host.start(source, r#"{"x": "a"}"#, false, MINUTE), async {
        until(|| host.modules.names().len() == 1).await;
        host.clock.advance(MINUTE);
    });
    let view = view.expect("a view");
    assert_eq!(view.status, Status::Running);
    assert!(view.kept.is_some());
    host.modules.held.0.add_permits(1);
    let view = host
        .engine
        .resume(view.id, Resume::default(), Caller::waiting(MINUTE))
        .await
        .expect("a view");
    assert_eq!(outputs(&view), r#"{"y":"a"}"#);
    assert_eq!(host.modules.names().len(), 1, "the call that runs is not made again");
}

#[tokio::test]
async fn draining_makes_what_runs_durable_and_the_next_process_goes_on() {
    let host = Host::new();
    let source = "in x: String\nout y = Held(x)";
    let grace = Duration::from_secs(10);
    let (view, ()) = tokio::join!(host.run(source, r#"{"x": "a"}"#), async {
        until(|| host.modules.names().len() == 1).await;
        tokio::join!(host.engine.drain(grace), async {
            until(|| host.clock.is_slept_on(grace)).await;
            let refused = host.run(source, r#"{"x": "b"}"#).await;
            assert!(matches!(refused, Err(EngineError::Draining)));
            host.clock.advance(grace);
        });
    });
    let view = view.expect("answered as Running");
    assert_eq!(view.status, Status::Running);

    let other = Host::on(host.store, host.modules.clone());
    assert_eq!(other.engine.recover().await, Ok(1));
    host.modules.held.0.add_permits(1);
    let view = other
        .engine
        .resume(view.id, Resume::default(), Caller::waiting(MINUTE))
        .await
        .expect("a view");
    assert_eq!(outputs(&view), r#"{"y":"a"}"#);
}

#[tokio::test]
async fn an_unknown_execution_is_not_found() {
    let host = Host::new();
    let id = engine::ExecutionId::random();
    let resumed = host.engine.resume(id, Resume::default(), Caller::waiting(MINUTE)).await;
    assert!(matches!(resumed, Err(EngineError::NotFound)));
    assert_eq!(
        host.engine.executions(ExecutionQuery { limit: 1, ..Default::default() }).await,
        Ok(vec![])
    );
}
