//! Listings, health, and what every response carries.

use crate::host::Host;
use expect_test::expect;

#[tokio::test]
async fn executions_page_by_page() {
    let host = Host::start().await;
    host.post("/compile", r#"{ "source": "in x: Int\nin y: Int\nout x\nout y", "name": "sum" }"#)
        .await;
    let mut ids = Vec::new();
    for x in 0..5 {
        let body = format!(r#"{{ "ref": "sum", "inputs": {{ "x": {x} }} }}"#);
        ids.push(host.post("/execute", &body).await.text("executionId"));
    }
    let first = host.get("/executions?limit=2").await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        items: [{"executionId":"exec-…","status":"Suspended","pipeline":"sum","structuralHash":"sha256:…","missingInputs":["y"],"resumptionCount":0,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"},{"executionId":"exec-…","status":"Suspended","pipeline":"sum","structuralHash":"sha256:…","missingInputs":["y"],"resumptionCount":0,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}]
        nextCursor: "exec-…"
    "#]].assert_eq(&first.transcript());
    let mut listed = Vec::new();
    let mut page = first;
    loop {
        let json = page.json();
        let items = json["items"].as_array().expect("items");
        listed
            .extend(items.iter().filter_map(|item| item["executionId"].as_str().map(String::from)));
        let Some(cursor) = json["nextCursor"].as_str() else { break };
        page = host.get(&format!("/executions?limit=2&cursor={cursor}")).await;
    }
    listed.reverse();
    assert_eq!(listed, ids);

    let count = async |query: &str| {
        let json = host.get(&format!("/executions?{query}")).await.json();
        json["items"].as_array().expect("items").len()
    };
    assert_eq!(count("status=Suspended&pipeline=sum&missing=y&cursor=&limit=").await, 5);
    assert_eq!(count("missing=x").await, 0);
    assert_eq!(count("status=Completed").await, 0);
    assert_eq!(count("pipeline=other").await, 0);

    for query in ["status=Done", "limit=0", "limit=1001", "limit=x", "cursor=x", "status=%ff"] {
        let answer = host.get(&format!("/executions?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn pipelines_page_by_page() {
    let host = Host::start().await;
    for name in ["a", "b", "c"] {
        host.post("/compile", &format!(r#"{{ "source": "out x = 1", "name": "{name}" }}"#)).await;
    }
    let page = host.get("/pipelines?limit=2").await.json();
    assert_eq!(page["nextCursor"], "b");
    let page = host.get("/pipelines?limit=2&cursor=b").await.json();
    assert_eq!((page["items"][0]["name"].as_str(), page.get("nextCursor")), (Some("c"), None));
}

#[tokio::test]
async fn modules() {
    let host = Host::start().await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        items: [{"name":"Flaky","signature":"(id: String) -> String","effect":"read","description":"Fails the first time","origin":"embedded"},{"name":"GetOrder","signature":"(orderId: String) -> { id: String, state: String }","effect":"read","description":"An order by id","origin":"embedded"}]
        nextCursor: "GetOrder"
    "#]].assert_eq(&host.get("/modules?limit=2").await.transcript());
    let page = host.get("/modules?cursor=GetOrder").await.json();
    assert_eq!(page["items"][0]["name"], "GetUser");
}

#[tokio::test]
async fn health() {
    let host = Host::start().await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        status: "live"
    "#]]
    .assert_eq(&host.get("/health/live").await.transcript());
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        status: "ready"
    "#]]
    .assert_eq(&host.get("/health/ready").await.transcript());
    let head = host.request("HEAD", "/health/ready", &[], b"").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn every_response_names_its_request() {
    let host = Host::start().await;
    let id = async |given: &str| {
        let answer = host.request("GET", "/nowhere", &[("X-Request-Id", given)], b"").await;
        answer.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(id("a.B_c-9").await, "a.B_c-9");
    for bad in ["", "a b", "ä", &"a".repeat(129)] {
        let given = id(bad).await;
        assert!(given != bad && given.len() == 36, "{given}");
    }
}
