//! Inputs that events fill and whose deadlines pass, as their callers see it.

use std::time::Duration;

use expect_test::expect;

use crate::host::{Answer, Host, masked};

const PAYMENT: &str = r#"{ "source": "in orderId: String\n@event(\"paid\", key: orderId)\nin payment: { amount: Float }\nout paid = payment.amount",
  "inputs": { "orderId": "o-1" } }"#;
const PAID: &str = r#"{ "id": "7", "source": "shop", "type": "paid", "key": "o-1", "data": { "amount": 9.5, "bank": "x" } }"#;

async fn suspended(host: &Host, body: &str) -> String {
    let suspended = host.post("/run", body).await;
    assert_eq!(suspended.text("status"), "Suspended");
    suspended.header("location").expect("a location").to_owned()
}

#[tokio::test]
async fn an_event_fills_the_input_that_listens() {
    let host = Host::start().await;
    let path = suspended(&host, PAYMENT).await;
    let taken = host.post("/events", PAID).await;
    expect![[r#"
        202
        content-type: application/json
        x-request-id: …
        delivered: ["exec-…"]
        kept: false
    "#]]
    .assert_eq(&taken.transcript());
    let done = host.get(&format!("{path}?wait=30")).await;
    assert_eq!(done.json()["outputs"], serde_json::json!({ "paid": 9.5 }));
    let history = host.get(&format!("{path}/events?after=3")).await;
    expect![[r#"
        {"items":[{"number":4,"at":"2026-01-01T00:00:00Z","type":"eventReceived","id":"7","source":"shop","eventType":"paid","key":"o-1","input":"payment","fits":true}
        {"number":5,"at":"2026-01-01T00:00:00Z","type":"inputProvided","input":"payment","value":{"amount":9.5},"by":"event"}
        {"number":6,"at":"2026-01-01T00:00:00Z","type":"completed"}]}"#]].assert_eq(&masked(&history.body).replace("},{", "}\n{"));
    // It was delivered, so it is not kept, and it does not come again.
    let again = host.post("/events", PAID).await;
    assert_eq!(again.body, r#"{"delivered":[],"kept":false}"#);
    assert_eq!(host.get("/events").await.body, r#"{"items":[]}"#);
}

#[tokio::test]
async fn an_event_that_came_before_fills_the_input_at_once() {
    let host = Host::start().await;
    assert_eq!(host.post("/events", PAID).await.json()["kept"], true);
    let key = [("Idempotency-Key", "a")];
    let done = host.post_with("/run", &key, PAYMENT).await;
    assert_eq!((done.status, done.text("status")), (200, "Completed".to_owned()));
    assert_eq!(host.post_with("/run", &key, PAYMENT).await.body, done.body);
    assert_eq!(host.get("/events").await.body, r#"{"items":[]}"#);
    suspended(&host, PAYMENT).await;
}

#[tokio::test]
async fn whoever_listens_gets_it() {
    let host = Host::start().await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(suspended(&host, PAYMENT).await);
    }
    let other = suspended(&host, &PAYMENT.replace("o-1", "o-2")).await;
    let taken = host.post("/events", PAID).await.json();
    let ids: Vec<String> = paths.iter().map(|path| path.replace("/executions/", "")).collect();
    assert_eq!(taken["delivered"], serde_json::json!(ids));
    for path in paths {
        assert_eq!(host.get(&format!("{path}?wait=30")).await.text("status"), "Completed");
    }
    assert_eq!(host.get(&other).await.text("status"), "Suspended");
}

#[tokio::test]
async fn data_that_does_not_fit_leaves_the_input_missing() {
    let host = Host::start().await;
    let path = suspended(&host, PAYMENT).await;
    let wrong = PAID.replace("9.5", "\"much\"");
    assert_eq!(host.post("/events", &wrong).await.json()["kept"], false);
    let view = host.get(&format!("{path}?wait=30")).await;
    assert_eq!(view.json()["missingInputs"], serde_json::json!(["payment"]));
    let history = host.get(&format!("{path}/events?after=3&limit=1")).await.json();
    assert_eq!(history["items"][0]["fits"], false);
    let right = PAID.replace("\"7\"", "\"8\"");
    assert_eq!(host.post("/events", &right).await.json()["kept"], false);
    assert_eq!(host.get(&format!("{path}?wait=30")).await.text("status"), "Completed");
}

#[tokio::test]
async fn the_first_value_wins() {
    let host = Host::start().await;
    let two = PAYMENT.replace("\\nout paid", "\\nin b: Int\\nout b\\nout paid");
    let path = suspended(&host, &two).await;
    host.post("/events", PAID).await;
    let other = r#"{ "inputs": { "payment": { "amount": 1.0 } } }"#;
    let refused = host.post(&format!("{path}/resume"), other).await;
    expect![[r#"
        409
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/input-conflict"
        title: "An input already has another value"
        status: 409
        detail: "the input `payment` already has another value, provided by event at 2026-01-01T00:00:00Z"
        executionId: "exec-…"
        errors: [{"code":"V004","severity":"error","message":"the input `payment` already has another value, provided by event at 2026-01-01T00:00:00Z","help":"leave it out: a value is given once and never replaced","pointer":"/inputs/payment"}]
    "#]].assert_eq(&refused.transcript());
    let path = suspended(&host, &two).await;
    host.post(&format!("{path}/resume"), other).await;
    let late = host.post("/events", &PAID.replace("\"7\"", "\"8\"")).await;
    assert_eq!(late.body, r#"{"delivered":[],"kept":true}"#);
}

#[tokio::test]
async fn a_deadline_is_shown_and_passes() {
    let host = Host::start().await;
    let body = r#"{ "source": "@deadline(72h) @title(\"Approve?\")\nin approved: Boolean = false\nout approved" }"#;
    let path = suspended(&host, body).await;
    let missing = host.get(&path).await.json()["missing"].to_string();
    expect![[r#"[{"deadline":"2026-01-04T00:00:00Z","default":false,"name":"approved","required":true,"schema":{"type":"boolean"},"title":"Approve?","type":"Boolean"}]"#]].assert_eq(&missing);
    host.clock.advance(Duration::from_secs(72 * 60 * 60));
    host.clock.end_all_waits();
    let view = until(&host, &path, "Completed").await;
    assert_eq!(view.json()["outputs"], serde_json::json!({ "approved": false }));
    let history = host.get(&format!("{path}/events?after=2")).await;
    expect![[r#"
        {"items":[{"number":3,"at":"2026-01-04T00:00:00Z","type":"deadlinePassed","input":"approved"}
        {"number":4,"at":"2026-01-04T00:00:00Z","type":"inputProvided","input":"approved","value":false,"by":"deadline"}
        {"number":5,"at":"2026-01-04T00:00:00Z","type":"completed"}]}"#]].assert_eq(&masked(&history.body).replace("},{", "}\n{"));
}

/// Reads until the execution has this status.
async fn until(host: &Host, path: &str, status: &str) -> Answer {
    loop {
        let view = host.get(path).await;
        if view.text("status") == status {
            return view;
        }
    }
}

#[tokio::test]
async fn what_was_not_provided_in_time_can_be_repaired() {
    let host = Host::start().await;
    let path = suspended(&host, r#"{ "source": "@deadline(1h)\nin x: Int\nout x" }"#).await;
    host.clock.advance(Duration::from_secs(60 * 60));
    host.clock.end_all_waits();
    until(&host, &path, "Failed").await;
    let resume = format!("{path}/resume");
    let failed = host.post(&resume, "{}").await;
    assert_eq!(
        (failed.status, failed.text("type")),
        (422, "/problems/execution-failed".to_owned())
    );
    expect![[r#"{"x":{"code":"R014","message":"`x` was not provided in time"}}"#]]
        .assert_eq(&failed.json()["failedNodes"].to_string());
    let repaired = host.post(&resume, r#"{ "inputs": { "x": 7 } }"#).await;
    assert_eq!((repaired.status, &repaired.json()["outputs"]["x"]), (200, &7.into()));
}

#[tokio::test]
async fn a_value_that_comes_behind_its_deadline_is_refused() {
    let host = Host::start().await;
    let body = r#"{ "source": "@deadline(1h)\nin x: Int = 5\nin y: Int\nout z = x + y" }"#;
    let path = suspended(&host, body).await;
    host.clock.advance(Duration::from_secs(60 * 60));
    host.clock.end_all_waits();
    while host.get(&path).await.json()["missingInputs"] != serde_json::json!(["y"]) {}
    let late = host.post(&format!("{path}/resume"), r#"{ "inputs": { "x": 6, "y": 1 } }"#).await;
    expect![[r#"
        409
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/input-closed"
        title: "An input is closed"
        status: 409
        detail: "the deadline of the input `x` passed at 2026-01-01T01:00:00Z"
        executionId: "exec-…"
        errors: [{"code":"V006","severity":"error","message":"the deadline of the input `x` passed at 2026-01-01T01:00:00Z","help":"leave it out: the execution went on with its default","pointer":"/inputs/x"}]
    "#]].assert_eq(&late.transcript());
    let rest = host.post(&format!("{path}/resume"), r#"{ "inputs": { "y": 1 } }"#).await;
    assert_eq!(rest.json()["outputs"]["z"], 6);
}
