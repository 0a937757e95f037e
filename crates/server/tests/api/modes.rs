//! The three modes as they are promised: hot, cold and suspended.

use crate::host::Host;
use expect_test::expect;
use serde_json::json;

const APPROVAL: &str = r#"{ "source": "in userId: String\nin approval: Boolean\nuser = GetUser(userId)\nout user when approval",
  "inputs": { "userId": "user-123" } }"#;

#[tokio::test]
async fn hot() {
    let host = Host::start().await;
    let body = r#"{ "source": "in x: String\nout x", "inputs": { "x": "hello" } }"#;
    let answer = host.post("/run", body).await;
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        x-request-id: …
        status: "Completed"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {"x":"hello"}
        failedNodes: {}
        pendingOutputs: []
        resumptionCount: 0
        compileTimeMs: …
        executeTimeMs: …
    "#]]
    .assert_eq(&answer.transcript());
    assert_eq!(host.get("/executions").await.body, r#"{"items":[]}"#);
}

#[tokio::test]
async fn cold() {
    let host = Host::start().await;
    let body = r#"{ "source": "in orderId: String\norder = GetOrder(orderId)\nout order", "name": "order-lookup" }"#;
    let compiled = host.post("/compile", body).await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        structuralHash: "sha256:…"
        alias: "order-lookup"
        version: 1
        created: true
        inputs: [{"name":"orderId","type":"String","schema":{"type":"string"},"required":true}]
        outputs: [{"name":"order","type":"{ id: String, state: String }"}]
        modules: [{"name":"GetOrder","signature":"(orderId: String) -> { id: String, state: String }","effect":"read"}]
        warnings: []
    "#]].assert_eq(&compiled.transcript());

    let body = r#"{ "ref": "order-lookup", "inputs": { "orderId": "ORD-123" } }"#;
    let by_alias = host.post("/execute", body).await;
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        x-request-id: …
        status: "Completed"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {"order":{"id":"ORD-123","state":"open"}}
        failedNodes: {}
        pendingOutputs: []
        resumptionCount: 0
        executeTimeMs: …
    "#]]
    .assert_eq(&by_alias.transcript());

    let hash = compiled.text("structuralHash");
    for reference in [hash.as_str(), &hash["sha256:".len()..], "order-lookup@1"] {
        let body = format!(r#"{{ "ref": "{reference}", "inputs": {{ "orderId": "ORD-123" }} }}"#);
        let answer = host.post("/execute", &body).await;
        assert_eq!(answer.json()["outputs"], by_alias.json()["outputs"], "{reference}");
    }

    let again = host
        .post(
            "/compile",
            &body_of("order-lookup", "in orderId: String\\norder = GetOrder(orderId)\\nout order"),
        )
        .await;
    assert_eq!(again.json()["created"], false);
    assert_eq!(again.json()["version"], 1);
    let moved =
        host.post("/compile", &body_of("order-lookup", "in orderId: String\\nout orderId")).await;
    assert_eq!(moved.json()["version"], 2);

    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        structuralHash: "sha256:…"
        alias: "order-lookup"
        version: 1
        movedAt: "2026-01-01T00:00:00Z"
        createdAt: "2026-01-01T00:00:00Z"
        inputs: [{"name":"orderId","type":"String","schema":{"type":"string"},"required":true}]
        outputs: [{"name":"order","type":"{ id: String, state: String }"}]
        modules: [{"name":"GetOrder","signature":"(orderId: String) -> { id: String, state: String }","effect":"read"}]
        source: "in orderId: String\norder = GetOrder(orderId)\nout order"
        aliases: []
        versions: [{"name":"order-lookup","version":2,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"},{"name":"order-lookup","version":1,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"}]
    "#]].assert_eq(&host.get("/pipelines/order-lookup@1").await.transcript());
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        items: [{"name":"order-lookup","version":2,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"}]
    "#]].assert_eq(&host.get("/pipelines").await.transcript());
}

fn body_of(name: &str, source: &str) -> String {
    format!(r#"{{ "source": "{source}", "name": "{name}" }}"#)
}

#[tokio::test]
async fn suspended() {
    let host = Host::start().await;
    let suspended = host.post("/run", APPROVAL).await;
    expect![[r#"
        202
        content-type: application/json
        tidegate-execution-id: exec-…
        location: /executions/exec-…
        x-request-id: …
        status: "Suspended"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {}
        missingInputs: ["approval"]
        missing: [{"name":"approval","type":"Boolean","schema":{"type":"boolean"},"required":true}]
        computedNodes: {"user":{"id":"user-123","name":"Alice"}}
        failedNodes: {}
        pendingOutputs: ["user"]
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        compileTimeMs: …
        executeTimeMs: …
    "#]]
    .assert_eq(&suspended.transcript());
    assert_eq!(host.modules.user_calls(), 1);

    let path = suspended.header("location").expect("a location").to_owned();
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        x-request-id: …
        status: "Suspended"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {}
        missingInputs: ["approval"]
        missing: [{"name":"approval","type":"Boolean","schema":{"type":"boolean"},"required":true}]
        computedNodes: {"user":{"id":"user-123","name":"Alice"}}
        failedNodes: {}
        pendingOutputs: ["user"]
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
    "#]]
    .assert_eq(&host.get(&path).await.transcript());

    let resume = format!("{path}/resume");
    let completed = host.post(&resume, r#"{ "inputs": { "approval": true } }"#).await;
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        x-request-id: …
        status: "Completed"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {"user":{"id":"user-123","name":"Alice"}}
        failedNodes: {}
        pendingOutputs: []
        resumptionCount: 1
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        executeTimeMs: …
    "#]]
    .assert_eq(&completed.transcript());
    assert_eq!(completed.text("executionId"), suspended.text("executionId"));

    // What is known already is no news, and nothing is computed twice.
    let again = host.post(&resume, r#"{ "inputs": { "approval": true } }"#).await;
    assert_eq!((again.status, &again.json()["outputs"]), (200, &completed.json()["outputs"]));
    assert_eq!(host.modules.user_calls(), 1);
}

#[tokio::test]
async fn answered_before_it_rests() {
    let host = Host::start().await;
    let body =
        r#"{ "source": "in id: String\nslow = Slow(id)\nout slow", "inputs": { "id": "a" } }"#;
    let accepted = host.post_with("/run", &[("Prefer", "respond-async")], body).await;
    expect![[r#"
        202
        content-type: application/json
        tidegate-execution-id: exec-…
        location: /executions/exec-…
        x-request-id: …
        status: "Running"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {}
        computedNodes: {}
        failedNodes: {}
        pendingOutputs: ["slow"]
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        compileTimeMs: …
        executeTimeMs: …
    "#]]
    .assert_eq(&accepted.transcript());

    let waited = host.post_with("/run", &[("Prefer", "wait=0")], body).await;
    assert_eq!((waited.status, waited.text("status")), (202, "Running".to_owned()));

    // A resume without anything new waits for the rest.
    let resume = format!("{}/resume", accepted.header("location").expect("a location"));
    host.modules.release.notify_one();
    let completed = host.post(&resume, "{}").await;
    assert_eq!((completed.status, completed.text("status")), (200, "Completed".to_owned()));
}

#[tokio::test]
async fn what_asks_for_an_answer_at_once_gets_one_form_of_it() {
    let host = Host::start().await;
    let body = r#"{ "source": "in x: Int\nout y = 1 / x", "inputs": { "x": 0 } }"#;
    let answer = host.post_with("/run", &[("Prefer", "respond-async")], body).await;
    assert_eq!((answer.status, answer.text("status")), (202, "Failed".to_owned()));
    assert!(answer.header("location").is_some());
}

#[tokio::test]
async fn failed_repaired_and_retried() {
    let host = Host::start().await;
    let source = r#""in id: String\ncopy = Flaky(id)\nout copy""#;
    let failed =
        host.post("/run", &format!(r#"{{ "source": {source}, "inputs": {{ "id": "a" }} }}"#)).await;
    expect![[r#"
        502
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/execution-failed"
        title: "The execution failed because of a module"
        status: 502
        detail: "`copy` failed with R001 (module failed): no answer from the shop"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {}
        computedNodes: {}
        failedNodes: {"copy":{"code":"R001","module":"Flaky","message":"no answer from the shop","attempts":1}}
        pendingOutputs: ["copy"]
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        compileTimeMs: …
        executeTimeMs: …
    "#]].assert_eq(&failed.transcript());

    let resume = format!("/executions/{}/resume", failed.text("executionId"));
    let still = host.post(&resume, "{}").await;
    assert_eq!(still.status, 502);
    let retried = host.post(&resume, r#"{ "retryFailed": true }"#).await;
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        x-request-id: …
        status: "Completed"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {"copy":"a"}
        failedNodes: {}
        pendingOutputs: []
        resumptionCount: 1
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        executeTimeMs: …
    "#]]
    .assert_eq(&retried.transcript());

    let data = r#"{ "source": "in x: Int\npart = 1 / x\nout part", "inputs": { "x": 0 } }"#;
    let failed = host.post("/run", data).await;
    expect![[r#"
        422
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/execution-failed"
        title: "The execution failed because of its data"
        status: 422
        detail: "`part` failed with R005 (division by zero): 1 / 0"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {}
        computedNodes: {}
        failedNodes: {"part":{"code":"R005","message":"1 / 0"}}
        pendingOutputs: ["part"]
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        compileTimeMs: …
        executeTimeMs: …
    "#]]
    .assert_eq(&failed.transcript());
    let resume = format!("/executions/{}/resume", failed.text("executionId"));
    let repaired = host.post(&resume, r#"{ "resolvedNodes": { "part": 7 } }"#).await;
    assert_eq!((repaired.status, &repaired.json()["outputs"]["part"]), (200, &7.into()));
}

#[tokio::test]
async fn a_stored_pipeline_is_called_as_it_was_when_the_caller_was_compiled() {
    let host = Host::start().await;
    let store = async |name: &str, source: &str| {
        let body = json!({ "name": name, "source": source });
        host.post("/compile", &body.to_string()).await
    };
    store("rate", "in n: Float\nout r = n * 0.1").await;
    let caller = "in n: Float\nout total = n + pipeline.rate({ n: n })";
    let compiled = store("total", caller).await;
    assert_eq!(compiled.status, 200, "{}", compiled.transcript());
    store("rate", "in n: Float\nout r = n * 0.5").await;
    let run = async |path: &str, body: serde_json::Value| {
        host.post(path, &body.to_string()).await.json()["outputs"]["total"].clone()
    };
    let inputs = json!({ "n": 10.0 });
    assert_eq!(run("/execute", json!({ "ref": "total", "inputs": inputs })).await, 11.0);
    assert_eq!(run("/run", json!({ "source": caller, "inputs": inputs })).await, 15.0);
    let misspelt = json!({ "source": "out a = pipeline.raet({})" }).to_string();
    let found = host.post("/check", &misspelt).await.json()["diagnostics"][0].clone();
    assert_eq!(found["code"], "E002");
    assert_eq!(found["help"], "Did you mean `rate`?");
}
