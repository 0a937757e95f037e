//! What becomes of an execution between its start and its end: waited for, cancelled, deleted.

use expect_test::expect;

use crate::host::{Answer, Host};

const SLOW: &str = r#"{ "source": "in id: String\nslow = Slow(id)\nout slow", "keep": true,
  "inputs": { "id": "a" } }"#;
const UNKNOWN: &str = "/executions/exec-01928f6e-5c1a-7000-8000-0123456789ab";

/// The path of an execution that runs until it is released.
async fn running(host: &Host) -> String {
    let accepted = host.post_with("/run", &[("Prefer", "respond-async")], SLOW).await;
    assert_eq!((accepted.status, accepted.text("status")), (202, "Running".to_owned()));
    accepted.header("location").expect("a location").to_owned()
}

async fn suspended(host: &Host) -> String {
    let suspended = host.post("/run", r#"{ "source": "in x: Int\nout x" }"#).await;
    suspended.header("location").expect("a location").to_owned()
}

fn problem(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text("type"))
}

#[tokio::test]
async fn a_cancelled_execution_stays_so() {
    let host = Host::start().await;
    let path = running(&host).await;
    let cancel = format!("{path}/cancel");
    let cancelled = host.post(&cancel, "{}").await;
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        x-request-id: …
        status: "Cancelled"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {}
        computedNodes: {}
        failedNodes: {}
        pendingOutputs: ["slow"]
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
    "#]]
    .assert_eq(&cancelled.transcript());
    assert_eq!(host.post(&cancel, "{}").await.body, cancelled.body);
    let resumed = host.post(&format!("{path}/resume"), r#"{ "retryFailed": true }"#).await;
    assert_eq!(resumed.text("status"), "Cancelled");
    let anew =
        host.post(&format!("{path}/resume"), r#"{ "resolvedNodes": { "slow": "b" } }"#).await;
    assert_eq!(problem(&anew), (409, "/problems/execution-finished".to_owned()));
    let listed = host.get("/executions?status=Cancelled").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn whoever_waits_is_told_of_the_cancellation() {
    let host = Host::start().await;
    let cancel = async {
        host.modules.called.notified().await;
        let listed = host.get("/executions?status=Running").await.json();
        let id = listed["items"][0]["executionId"].as_str().expect("it is kept").to_owned();
        host.post(&format!("/executions/{id}/cancel"), "{}").await
    };
    let (waited, cancelled) = tokio::join!(host.post("/run", SLOW), cancel);
    assert_eq!((waited.status, waited.text("status")), (200, "Cancelled".to_owned()));
    assert_eq!(cancelled.status, 200);
}

#[tokio::test]
async fn what_can_be_cancelled() {
    let host = Host::start().await;
    let path = suspended(&host).await;
    let cancelled = host.post(&format!("{path}/cancel"), "{}").await;
    assert_eq!((cancelled.status, cancelled.json().get("missingInputs")), (200, None));
    let failed = r#"{ "source": "in x: Int\nout y = 1 / x", "inputs": { "x": 0 } }"#;
    let id = host.post("/run", failed).await.text("executionId");
    let cancelled = host.post(&format!("/executions/{id}/cancel"), "{}").await;
    assert_eq!(cancelled.text("status"), "Cancelled");
    let completed = r#"{ "source": "out x = 1", "keep": true }"#;
    let id = host.post("/run", completed).await.text("executionId");
    let refused = host.post(&format!("/executions/{id}/cancel"), "{}").await;
    assert_eq!(problem(&refused), (409, "/problems/execution-finished".to_owned()));
    for path in [UNKNOWN, "/executions/17"] {
        assert_eq!(host.post(&format!("{path}/cancel"), "{}").await.status, 404);
    }
    let cancel = format!("{path}/cancel");
    assert_eq!(host.post(&cancel, r#"{ "why": "so" }"#).await.status, 400);
    assert_eq!(host.request("POST", &cancel, &[], b"{}").await.status, 415);
}

#[tokio::test]
async fn a_deleted_execution_is_gone() {
    let host = Host::start().await;
    let path = suspended(&host).await;
    let deleted = host.delete(&path).await;
    expect![[r#"
        204
        tidegate-execution-id: exec-…
        x-request-id: …
    "#]]
    .assert_eq(&deleted.transcript());
    assert_eq!(deleted.header("content-type"), None);
    for answer in [host.get(&path).await, host.delete(&path).await] {
        assert_eq!(problem(&answer), (404, "/problems/not-found".to_owned()));
    }
    assert_eq!(host.post(&format!("{path}/resume"), "{}").await.status, 404);
    assert_eq!(host.delete("/executions/17").await.status, 404);
}

#[tokio::test]
async fn what_runs_is_not_deleted() {
    let host = Host::start().await;
    let path = running(&host).await;
    expect![[r#"
        409
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/in-use"
        title: "It is in use"
        status: 409
        detail: "the execution runs; wait until it rests, or cancel it"
        executionId: "exec-…"
    "#]]
    .assert_eq(&host.delete(&path).await.transcript());
    host.post(&format!("{path}/cancel"), "{}").await;
    assert_eq!(host.delete(&path).await.status, 204);
}

#[tokio::test]
async fn a_reader_can_wait() {
    let host = Host::start().await;
    let path = running(&host).await;
    assert_eq!(host.get(&path).await.text("status"), "Running");
    assert_eq!(host.get(&format!("{path}?wait=0")).await.text("status"), "Running");
    host.modules.called.notified().await;
    let wait = format!("{path}?wait=30");
    let release = async {
        tokio::task::yield_now().await;
        host.modules.release.notify_one();
    };
    let (answer, ()) = tokio::join!(host.get(&wait), release);
    assert_eq!((answer.status, answer.text("status")), (200, "Completed".to_owned()));
    // What rests is answered at once.
    assert_eq!(host.get(&wait).await.text("status"), "Completed");
    for bad in ["soon", "-1", "1.5"] {
        let answer = host.get(&format!("{path}?wait={bad}")).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
    assert_eq!(host.get(&format!("{UNKNOWN}?wait=30")).await.status, 404);
}

#[tokio::test]
async fn a_reader_waits_no_longer_than_it_said() {
    let host = Host::start().await;
    let path = running(&host).await;
    host.modules.called.notified().await;
    host.clock.end_all_waits();
    let answer = host.get(&format!("{path}?wait=30")).await;
    assert_eq!((answer.status, answer.text("status")), (200, "Running".to_owned()));
}

#[tokio::test]
async fn a_resume_is_answered_when_it_wants_to_be() {
    let host = Host::start().await;
    let source = r#""in id: String\nslow = Slow(id)\nout slow""#;
    let path = host.post("/run", &format!(r#"{{ "source": {source} }}"#)).await;
    let path = path.header("location").expect("a location").to_owned();
    let resume = format!("{path}/resume");
    let input = r#"{ "inputs": { "id": "a" } }"#;
    for prefer in ["respond-async", "wait=0"] {
        let accepted = host.post_with(&resume, &[("Prefer", prefer)], input).await;
        assert_eq!((accepted.status, accepted.text("status")), (202, "Running".to_owned()));
        assert_eq!(accepted.header("location"), Some(path.as_str()));
        assert_eq!(accepted.json()["resumptionCount"], 1);
    }
    host.modules.release.notify_one();
    assert_eq!(host.post(&resume, "{}").await.text("status"), "Completed");
}

#[tokio::test]
async fn calls_belong_to_the_trace_of_whoever_asked_last() {
    let host = Host::start().await;
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = r#"{ "source": "in id: String\nin b: String\nuser = GetUser(id)\norder = GetOrder(b)\nout user\nout order",
      "inputs": { "id": "a" } }"#;
    let suspended = host.post_with("/run", &[("traceparent", TRACE)], body).await;
    let resume = format!("/executions/{}/resume", suspended.text("executionId"));
    let other = TRACE.replace("4bf9", "0000");
    let input = r#"{ "inputs": { "b": "b" } }"#;
    let completed = host.post_with(&resume, &[("traceparent", &other)], input).await;
    assert_eq!(completed.status, 200);
    let hot =
        r#"{ "source": "in id: String\nuser = GetUser(id)\nout user", "inputs": { "id": "a" } }"#;
    host.post_with("/run", &[("traceparent", "00-nonsense")], hot).await;
    host.post_with("/run", &[("traceparent", TRACE)], hot).await;
    let traces: Vec<_> = host.modules.calls().into_iter().map(|call| call.trace).collect();
    assert_eq!(traces, [Some(TRACE.to_owned()), Some(other), None, Some(TRACE.to_owned())]);
}
