//! What is beyond the bounds of the engine is refused at once, and only that.

use std::sync::Arc;

use engine::{Bounds, MemoryStore};
use expect_test::expect;

use crate::host::{Answer, Host};

const SLOW: &str = r#"{ "source": "in id: String\nslow = Slow(id)\nout slow", "inputs": { "id": "a" }, "keep": true }"#;
const HELLO: &str = r#"{ "source": "out x = 1" }"#;

async fn host(executions: usize, requests: usize) -> Host {
    let bounds = Bounds { executions, requests };
    Host::start_with(Arc::new(MemoryStore::new()), bounds).await
}

fn refusal(answer: &Answer) -> (u16, String, Option<&str>) {
    (answer.status, answer.text("type"), answer.header("retry-after"))
}

fn overloaded() -> (u16, String, Option<&'static str>) {
    (429, "/problems/overloaded".to_owned(), Some("1"))
}

/// Asks until the last one that ran has left its place.
async fn until_taken(host: &Host, headers: &[(&str, &str)], path: &str, body: &str) -> Answer {
    loop {
        let answer = host.post_with(path, headers, body).await;
        if answer.status != 429 {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn more_executions_than_there_may_be() {
    let host = host(1, 100).await;
    let first = host.post_with("/run", &[("Prefer", "respond-async")], SLOW).await;
    assert_eq!(first.status, 202);
    host.modules.called.notified().await;
    expect![[r#"
        429
        content-type: application/problem+json
        retry-after: 1
        x-request-id: …
        type: "/problems/overloaded"
        title: "The server has too much to do"
        status: 429
        detail: "the server has as much to do as it can take; ask again in a moment"
    "#]]
    .assert_eq(&host.post("/run", HELLO).await.transcript());
    host.post("/compile", r#"{ "source": "out x = 1", "name": "hello" }"#).await;
    let executed = host.post("/execute", r#"{ "ref": "hello" }"#).await;
    assert_eq!(refusal(&executed), overloaded());
    let invoked = host.post("/modules/GetUser/invoke", r#"{ "inputs": { "userId": "a" } }"#).await;
    assert_eq!(refusal(&invoked), overloaded());
    // A refusal does not use a key up.
    let key = [("Idempotency-Key", "a")];
    assert_eq!(refusal(&host.post_with("/run", &key, HELLO).await), overloaded());
    // Whoever only looks is answered, and the server is ready for what it can take.
    let metrics = host.get("/metrics").await.body;
    assert!(metrics.contains("\ntidegate_executions 1\n"), "{metrics}");
    for path in ["/health/ready", "/executions", first.header("location").expect("a location")] {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
    host.modules.release.notify_one();
    let taken = until_taken(&host, &key, "/run", HELLO).await;
    assert_eq!((taken.status, taken.header("idempotent-replayed")), (200, None));
}

#[tokio::test]
async fn more_requests_that_wait_than_there_may_be() {
    let host = host(100, 1).await;
    let suspended = host.post("/run", r#"{ "source": "in x: Int\nout x" }"#).await;
    let id = suspended.text("executionId");
    let (resume, cancel) = (format!("/executions/{id}/resume"), format!("/executions/{id}/cancel"));
    let input = r#"{ "inputs": { "x": 1 } }"#;
    let others = async {
        host.modules.called.notified().await;
        let refused = host.post(&resume, input).await;
        assert_eq!(refusal(&refused), overloaded());
        assert_eq!(refusal(&host.post(&cancel, "{}").await), overloaded());
        // What waits for nothing is taken.
        assert_eq!(host.post("/run", HELLO).await.status, 200);
        host.modules.release.notify_one();
    };
    let (waiting, ()) = tokio::join!(host.post("/run", SLOW), others);
    assert_eq!(waiting.status, 200);
    let resumed = until_taken(&host, &[], &resume, input).await;
    assert_eq!((resumed.status, resumed.text("status")), (200, "Completed".to_owned()));
}

#[tokio::test]
async fn a_server_that_drains_takes_no_work() {
    let host = host(100, 100).await;
    host.post("/compile", r#"{ "source": "out x = 1", "name": "hello" }"#).await;
    let suspended = host.post("/run", r#"{ "source": "in x: Int\nout x" }"#).await;
    let place = format!("/executions/{}", suspended.text("executionId"));
    host.post_with("/run", &[("Prefer", "respond-async")], SLOW).await;
    host.modules.called.notified().await;
    host.stop();
    while host.get("/health/ready").await.status != 503 {
        tokio::task::yield_now().await;
    }
    let (resume, cancel) = (format!("{place}/resume"), format!("{place}/cancel"));
    for (path, body) in [
        ("/run", HELLO),
        ("/execute", r#"{ "ref": "hello" }"#),
        ("/compile", HELLO),
        ("/check", HELLO),
        (&resume, "{}"),
        (&cancel, "{}"),
        ("/modules/GetUser/invoke", r#"{ "inputs": { "userId": "a" } }"#),
        ("/pipelines/hello/rollback", "{}"),
        ("/events", r#"{ "type": "a", "key": "b", "data": 1 }"#),
    ] {
        let draining = (503, "/problems/draining".to_owned(), Some("10"));
        assert_eq!(refusal(&host.post(path, body).await), draining, "{path}");
    }
    for path in [&place, "/executions", "/pipelines/hello", "/health/live"] {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
    let metrics = host.get("/metrics").await.body;
    assert!(metrics.contains("\ntidegate_draining 1\n"), "{metrics}");
    host.modules.release.notify_one();
    host.stopped().await;
}
