//! The end of a server: what it still does, what it refuses.

use crate::host::Host;
use expect_test::expect;

const SLOW: &str =
    r#"{ "source": "in id: String\nslow = Slow(id)\nout slow", "inputs": { "id": "a" } }"#;

/// Reads until the server has begun to drain: from then on every answer of `/health/ready` is 503.
async fn until_draining(host: &Host) -> crate::host::Answer {
    loop {
        let answer = host.get("/health/ready").await;
        if answer.status == 503 {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_runs_is_finished_and_new_work_refused() {
    let host = Host::start().await;
    let accepted = host.post_with("/run", &[("Prefer", "respond-async")], SLOW).await;
    host.stop();
    expect![[r#"
        503
        content-type: application/problem+json
        retry-after: 10
        x-request-id: …
        type: "/problems/draining"
        title: "The server is shutting down"
        status: 503
        detail: "the server finishes what it has and takes nothing new; ask again when it is back"
    "#]]
    .assert_eq(&until_draining(&host).await.transcript());
    let refused = host.post("/run", SLOW).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")));
    let engine = host.engine.clone();
    host.modules.release.notify_one();
    host.stopped().await;
    let id = accepted.text("executionId").parse().expect("an id");
    let view = engine.execution(id).await.expect("it is kept");
    assert_eq!(view.status, engine::Status::Completed);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_answered_as_running() {
    let host = Host::start().await;
    let end = async {
        host.modules.called.notified().await;
        host.stop();
        until_draining(&host).await;
        host.clock.end_all_waits();
    };
    let (answer, ()) = tokio::join!(host.post("/run", SLOW), end);
    assert_eq!((answer.status, answer.text("status")), (202, "Running".to_owned()));
    let engine = host.engine.clone();
    host.stopped().await;
    let id = answer.text("executionId").parse().expect("an id");
    let view = engine.execution(id).await.expect("it is kept");
    assert_eq!(view.status, engine::Status::Running);
}
