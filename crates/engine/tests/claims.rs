//! What is stored under an idempotency key, and with which state of the execution.

extern crate tidegate_engine as engine;

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::Host;
use engine::log::Received;
use engine::ports::{Answering, Claim};
use engine::{Caller, ExecutionView, Start, Status};
use model::Digest;

fn caller(host: &Host) -> Caller {
    let (key, digest) = ("key".into(), Digest::of(b"a request"));
    let claim = Claim { key, digest, at: host.engine.now(), execution: None, answer: None };
    let answer = |view: &ExecutionView| {
        assert!(view.kept.is_some());
        view.status.as_str().as_bytes().to_vec()
    };
    let claim = Some(Answering { claim, answer: Arc::new(answer) });
    Caller { claim, ..Caller::waiting(Duration::from_secs(60)) }
}

async fn start(host: &Host, source: &str) -> ExecutionView {
    let (loaded, source) = (host.load(source), Some(source.into()));
    let start = Start { loaded, source, pipeline: None, inputs: Vec::new(), keep: false };
    host.engine.start(start, caller(host)).await.expect("it starts")
}

async fn stored(host: &Host) -> Claim {
    host.engine.claim("key".into()).await.expect("the store answers").expect("a claim")
}

#[tokio::test]
async fn a_claim_leads_to_the_execution_before_it_is_answered() {
    let host = Host::new();
    let source = "held = Held(\"a\")\nout held";
    tokio::join!(start(&host, source), async {
        common::until(|| !host.modules.names().is_empty()).await;
        let claim = stored(&host).await;
        assert!(claim.execution.is_some() && claim.answer.is_none());
        host.modules.held.0.add_permits(1);
    });
    assert_eq!(stored(&host).await.answer.as_deref(), Some(&b"Completed"[..]));
}

#[tokio::test]
async fn an_answer_is_stored_with_the_rest_that_it_tells_of() {
    let host = Host::new();
    let view = start(&host, "in x: Int\nout x").await;
    let claim = stored(&host).await;
    assert_eq!(
        (claim.execution, claim.answer.as_deref()),
        (Some(view.id), Some(&b"Suspended"[..]))
    );
    assert_eq!(host.store.appends.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_rest_that_a_kept_event_ends_is_no_answer() {
    let host = Host::new();
    let received = Received {
        source: None,
        id: None,
        event_type: "paid".into(),
        key: "1".into(),
        data: "7".into(),
    };
    host.engine.deliver(received, None).await.expect("it is kept");
    let view = start(&host, "@event(\"paid\", key: 1)\nin x: Int\nout x").await;
    assert_eq!(view.status, Status::Completed);
    assert_eq!(stored(&host).await.answer.as_deref(), Some(&b"Completed"[..]));
}
