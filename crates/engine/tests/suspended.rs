//! Deadlines, events, cancelling and deleting: what happens to executions that wait, and to those that
//! several want something of at once.

extern crate tidegate_engine as engine;

mod common;

use std::time::Duration;

use common::{Host, outputs, until};
use engine::log::Received;
use engine::ports::{Delivered, EventQuery, ExecutionQuery};
use engine::{EngineError, ExecutionId, Happened, Provider, Retention, Status};
use model::Code;

const MINUTE: Duration = Duration::from_secs(60);
const APPROVAL: &str = "@deadline(1h)\nin ok: Boolean = false\nin who: String\n\
                        out r = if (ok) \"yes\" else Echo(who)";
const PAYMENT: &str = "in order: String\n@event(\"paid\", key: order)\nin amount: Int\nout amount";

fn paid(key: &str, id: &str, data: &str) -> Received {
    let (id, source) = (Some(id.into()), Some("shop".into()));
    Received { source, id, event_type: "paid".into(), key: key.into(), data: data.into() }
}

async fn is(host: &Host, id: ExecutionId, status: Status) {
    for _ in 0..10_000 {
        if host.engine.execution(id).await.expect("a view").status == status {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{id} never becomes {status:?}");
}

#[tokio::test]
async fn a_deadline_passes_once_and_by_itself() {
    let host = Host::new();
    let id = host.run(APPROVAL, r#"{"who": "a"}"#).await.expect("a view").id;
    host.clock.advance(MINUTE * 59);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    is(&host, id, Status::Suspended).await;
    host.clock.advance(MINUTE);
    is(&host, id, Status::Completed).await;
    let late = host.resume(id, r#"{"ok": true}"#).await;
    assert!(matches!(late, Err(EngineError::Finished)));
    assert_eq!(host.modules.names(), ["Echo"]);
}

#[tokio::test]
async fn what_came_in_time_is_not_overwritten_and_later_is_too_late() {
    let host = Host::new();
    let source = "@deadline(1h)\nin ok: Boolean = false\nin last: Int\nout r = ok\nout s = last";
    let [early, late] = [
        host.run(source, "{}").await.expect("a view").id,
        host.run(source, "{}").await.expect("a view").id,
    ];
    host.resume(early, r#"{"ok": true}"#).await.expect("in time");
    host.clock.advance(MINUTE * 60);
    until(|| host.store.appends.load(std::sync::atomic::Ordering::SeqCst) >= 4).await;
    let view = host.resume(early, r#"{"last": 1}"#).await.expect("a view");
    assert_eq!(outputs(&view), r#"{"r":true,"s":1}"#);
    let Err(EngineError::Rejected(rejections)) = host.resume(late, r#"{"ok": true}"#).await else {
        panic!("it is too late");
    };
    assert_eq!(rejections[0].code, Code::V006);
    assert_eq!(rejections[0].provided.map(|(_, by)| by), Some(Provider::Deadline));
    let same = host.resume(late, r#"{"ok": false, "last": 2}"#).await.expect("the same again");
    assert_eq!(outputs(&same), r#"{"r":false,"s":2}"#);
}

#[tokio::test]
async fn what_fell_due_while_nobody_looked_passes_in_its_order() {
    let host = Host::new();
    let source = |seconds: u64| {
        format!("@deadline({seconds}s)\nin x: Optional<String>\nout r = Echo(x ?? \"{seconds}\")")
    };
    for seconds in [30, 10, 20] {
        host.run(&source(seconds), "{}").await.expect("a view");
    }
    // The process ends before anything is due; the next one starts an hour later.
    let other = Host::on(host.store.clone(), host.modules.clone());
    drop(host);
    other.clock.advance(MINUTE * 60);
    other.engine.recover().await.expect("a store");
    until(|| other.modules.names().len() == 3).await;
    let rows = other.engine.executions(ExecutionQuery { limit: 9, ..Default::default() }).await;
    for row in rows.expect("a listing") {
        is(&other, row.id, Status::Completed).await;
    }
    let said: Vec<String> = other.modules.arguments();
    assert_eq!(said, ["10", "20", "30"]);
}

#[tokio::test]
async fn an_event_is_delivered_or_kept_and_never_twice() {
    let host = Host::new();
    let kept = host.engine.deliver(paid("o-1", "1", "5"), None).await.expect("kept");
    assert!(kept.is_kept && kept.executions.is_empty());
    let again = host.engine.deliver(paid("o-1", "1", "5"), None).await.expect("no news");
    assert_eq!(again, Delivered { is_repeated: true, ..Delivered::default() });
    // It came before anybody listened.
    let view = host.run(PAYMENT, r#"{"order": "o-1"}"#).await.expect("a view");
    is(&host, view.id, Status::Completed).await;
    assert_eq!(outputs(&host.engine.execution(view.id).await.expect("a view")), r#"{"amount":5}"#);
    // Two listen for the next one, and both get it.
    let mut both = [ExecutionId::from_bytes([0; 16]); 2];
    for id in &mut both {
        *id = host.run(PAYMENT, r#"{"order": "o-2"}"#).await.expect("a view").id;
    }
    let delivered = host.engine.deliver(paid("o-2", "2", "7"), None).await.expect("delivered");
    both.sort();
    assert_eq!((delivered.executions.as_slice(), delivered.is_kept), (&both[..], false));
    for id in both {
        is(&host, id, Status::Completed).await;
    }
    assert_eq!(
        host.engine.kept_events(EventQuery { limit: 9, ..Default::default() }).await,
        Ok(vec![])
    );
}

#[tokio::test]
async fn an_event_and_a_resume_at_once_are_both_decided() {
    for event_first in [true, false] {
        let host = Host::new();
        let id = host.run(PAYMENT, r#"{"order": "o-1"}"#).await.expect("a view").id;
        let event = host.engine.deliver(paid("o-1", "1", "5"), None);
        let resume = host.resume(id, r#"{"amount": 6}"#);
        let (event, resumed) = if event_first {
            tokio::join!(event, resume)
        } else {
            let (resumed, event) = tokio::join!(resume, event);
            (event, resumed)
        };
        is(&host, id, Status::Completed).await;
        let view = host.engine.execution(id).await.expect("a view");
        let event = event.expect("delivered or kept");
        match resumed {
            Ok(_) => {
                assert_eq!((outputs(&view).as_str(), event.is_kept), (r#"{"amount":6}"#, true))
            }
            Err(error) => {
                assert!(matches!(error, EngineError::Rejected(_) | EngineError::Finished));
                assert_eq!(outputs(&view), r#"{"amount":5}"#);
            }
        }
    }
}

#[tokio::test]
async fn data_that_does_not_fit_is_noted() {
    let host = Host::new();
    let id = host.run(PAYMENT, r#"{"order": "o-1"}"#).await.expect("a view").id;
    host.engine.deliver(paid("o-1", "1", "\"five\""), None).await.expect("delivered");
    is(&host, id, Status::Suspended).await;
    let history = host.engine.history(id).await.expect("a history");
    let fits: Vec<bool> = history
        .after(0)
        .iter()
        .filter_map(|item| match &item.what {
            Happened::EventReceived { fits, .. } => Some(*fits),
            _ => None,
        })
        .collect();
    assert_eq!(fits, [false]);
    host.engine.deliver(paid("o-1", "2", "5"), None).await.expect("delivered");
    is(&host, id, Status::Completed).await;
}

/// The call in its key is not needed any more, so nothing that runs is waited for.
#[tokio::test]
async fn an_input_that_is_supplied_is_not_looked_for_any_longer() {
    let host = Host::new();
    let source = "in a: String\n@event(\"paid\", key: Held(a))\nin amount: Int\n\
                  out amount\nout r = 1 / length(a)";
    let view = host.start(source, r#"{"a": ""}"#, true, Duration::ZERO).await.expect("a view");
    until(|| host.modules.names() == ["Held"]).await;
    assert_eq!(view.status, Status::Running);
    let view = host.resume(view.id, r#"{"amount": 5}"#).await.expect("a view");
    assert_eq!(view.status, Status::Failed);
}

#[tokio::test]
async fn cancelling_is_final_and_stops_what_runs() {
    let host = Host::new();
    let source = "in a: String\nout r = Held(a)\nout s = HeldWrite(a)";
    let view = host.start(source, r#"{"a": "x"}"#, true, Duration::ZERO).await.expect("a view");
    until(|| host.modules.names().len() == 2).await;
    let cancelled = host.engine.cancel(view.id, None).await.expect("a view");
    assert_eq!(cancelled.status, Status::Cancelled);
    // The write is heard out, its result is recorded, and nothing follows from it.
    host.modules.held.0.add_permits(9);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let view = host.engine.execution(view.id).await.expect("a view");
    assert_eq!((view.status, view.outputs.len()), (Status::Cancelled, 0));
    let history = host.engine.history(view.id).await.expect("a history");
    let ends =
        history.after(0).iter().filter(|item| matches!(item.what, Happened::CallCompleted { .. }));
    assert_eq!(ends.count(), 1);
    assert!(matches!(host.resume(view.id, r#"{"a": "y"}"#).await, Err(EngineError::Finished)));
    assert!(host.engine.cancel(view.id, None).await.is_ok(), "it is cancelled already");
}

#[tokio::test]
async fn what_rests_can_be_deleted() {
    let host = Host::new();
    let source = "in a: String\nin b: Int\nout r = Held(a)\nout s = b";
    let id = host.start(source, r#"{"a": "x"}"#, true, Duration::ZERO).await.expect("a view").id;
    assert_eq!(host.engine.delete(id).await, Err(EngineError::InUse));
    host.modules.held.0.add_permits(9);
    is(&host, id, Status::Suspended).await;
    assert_eq!(host.engine.delete(id).await, Ok(()));
    assert!(matches!(host.engine.execution(id).await, Err(EngineError::NotFound)));
    assert_eq!(host.engine.delete(id).await, Err(EngineError::NotFound));
}

#[tokio::test]
async fn what_has_ended_is_forgotten_in_time() {
    let host = Host::new();
    let keep = |source| host.start(source, "{}", true, MINUTE);
    let done = keep("out r = Echo(\"a\")").await.expect("a view").id;
    let failed = keep("out r = 1 / length(\"\")").await.expect("a view").id;
    let waiting = keep("in a: Int\nout a").await.expect("a view").id;
    let retention = Retention { finished: MINUTE, failed: MINUTE * 3 };
    assert_eq!(host.engine.sweep(retention).await, Ok(0));
    host.clock.advance(MINUTE * 2);
    assert_eq!(host.engine.sweep(retention).await, Ok(1));
    assert!(matches!(host.engine.execution(done).await, Err(EngineError::NotFound)));
    host.clock.advance(MINUTE * 2);
    assert_eq!(host.engine.sweep(retention).await, Ok(1));
    assert!(matches!(host.engine.execution(failed).await, Err(EngineError::NotFound)));
    assert!(host.engine.execution(waiting).await.is_ok());
}
