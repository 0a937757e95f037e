//! Requests that are sent again under their `Idempotency-Key`.

use std::sync::Arc;
use std::time::Duration;

use engine::{MemoryStore, Store};
use expect_test::expect;
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::host::{Answer, Host};

const KEY: (&str, &str) = ("Idempotency-Key", "order-17");
const USER: &str =
    r#"{ "source": "in id: String\nuser = GetUser(id)\nout user", "inputs": { "id": "a" } }"#;
const SLOW: &str =
    r#"{ "source": "in id: String\nslow = Slow(id)\nout slow", "inputs": { "id": "a" } }"#;

async fn keyed(host: &Host, path: &str, body: &str) -> Answer {
    host.post_with(path, &[KEY], body).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

/// Sends a request twice; the second answer is the first, byte for byte.
async fn twice(host: &Host, path: &str, body: &str) -> Answer {
    let (first, again) = (keyed(host, path, body).await, keyed(host, path, body).await);
    assert!(!is_replayed(&first) && is_replayed(&again), "{again:?}");
    let parts = |answer: &Answer| {
        let header = |name| answer.header(name).map(String::from);
        let headers = ["content-type", "location", "tidegate-execution-id"].map(header);
        (answer.status, headers, answer.body.clone())
    };
    assert_eq!(parts(&first), parts(&again));
    first
}

fn problem(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text("type"))
}

async fn count(host: &Host) -> usize {
    let listed = host.get("/executions").await.json();
    listed["items"].as_array().expect("items").len()
}

#[tokio::test]
async fn a_repeated_request_is_not_carried_out_again() {
    let host = Host::start().await;
    let first = twice(&host, "/run", USER).await;
    assert_eq!(first.text("status"), "Completed");
    assert_eq!((host.modules.user_calls(), count(&host).await), (1, 1));
    expect![[r#"
        200
        content-type: application/json
        tidegate-execution-id: exec-…
        idempotent-replayed: true
        x-request-id: …
        status: "Completed"
        executionId: "exec-…"
        structuralHash: "sha256:…"
        outputs: {"user":{"id":"a","name":"Alice"}}
        failedNodes: {}
        pendingOutputs: []
        resumptionCount: 0
        createdAt: "2026-01-01T00:00:00Z"
        updatedAt: "2026-01-01T00:00:00Z"
        compileTimeMs: …
        executeTimeMs: …
    "#]]
    .assert_eq(&keyed(&host, "/run", USER).await.transcript());
}

#[tokio::test]
async fn whatever_its_answer_was() {
    let host = Host::start().await;
    host.post("/compile", r#"{ "source": "in x: Int\nout y = 1 / x", "name": "part" }"#).await;
    let answer = twice(&host, "/execute", r#"{ "ref": "part" }"#).await;
    assert_eq!((answer.status, answer.text("status")), (202, "Suspended".to_owned()));
    assert_eq!(answer.text("createdAt"), "2026-01-01T00:00:00Z");
    for (key, body, status) in [
        ("data", r#"{ "ref": "part", "inputs": { "x": 0 } }"#, 422),
        ("done", r#"{ "ref": "part", "inputs": { "x": 1 } }"#, 200),
    ] {
        let headers = [("Idempotency-Key", key)];
        let first = host.post_with("/execute", &headers, body).await;
        let again = host.post_with("/execute", &headers, body).await;
        assert_eq!((first.status, again.status, &first.body), (status, status, &again.body));
        assert_eq!(first.header("content-type"), again.header("content-type"));
        assert!(is_replayed(&again));
    }
    let flaky =
        r#"{ "source": "in id: String\ncopy = Flaky(id)\nout copy", "inputs": { "id": "a" } }"#;
    let headers = [("Idempotency-Key", "module")];
    let first = host.post_with("/run", &headers, flaky).await;
    let again = host.post_with("/run", &headers, flaky).await;
    assert_eq!((first.status, again.status, &first.body), (502, 502, &again.body));
    assert_eq!(host.modules.calls().len(), 1);
}

#[tokio::test]
async fn every_kind_of_post() {
    let host = Host::start().await;
    let compile = r#"{ "source": "in x: Int\nout x", "name": "same" }"#;
    assert_eq!(twice(&host, "/compile", compile).await.json()["created"], true);
    let suspended = host.post("/execute", r#"{ "ref": "same" }"#).await;
    let path = suspended.header("location").expect("a location").to_owned();
    let requests = [
        ("/check".to_owned(), r#"{ "source": "out x = 1" }"#, 200),
        ("/events".to_owned(), r#"{ "type": "a", "key": "k", "data": 1 }"#, 202),
        (format!("{path}/resume"), "{}", 202),
        (format!("{path}/cancel"), "{}", 200),
        (format!("{path}/cancel"), " {}", 200),
    ];
    for (at, (path, body, status)) in requests.iter().enumerate() {
        let key = format!("key-{at}");
        let headers = [("Idempotency-Key", key.as_str())];
        let first = host.post_with(path, &headers, body).await;
        let again = host.post_with(path, &headers, body).await;
        assert_eq!((first.status, &first.body), (*status, &again.body), "{path}");
        assert!(!is_replayed(&first) && is_replayed(&again), "{path}");
    }
    let kept = host.get("/events").await.json();
    assert_eq!(kept["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_first_answer_is_repeated_whatever_happened_since() {
    let host = Host::start().await;
    let body = r#"{ "source": "in x: Int\nin y: Int\nout z = x + y" }"#;
    let started = twice(&host, "/run", body).await;
    let path = started.header("location").expect("a location").to_owned();
    let resume = format!("{path}/resume");
    let x = [("Idempotency-Key", "x")];
    let input = r#"{ "inputs": { "x": 1 } }"#;
    let resumed = host.post_with(&resume, &x, input).await;
    assert_eq!(resumed.json()["missingInputs"], serde_json::json!(["y"]));
    assert_eq!(host.post(&resume, r#"{ "inputs": { "y": 2 } }"#).await.status, 200);
    assert_eq!(keyed(&host, "/run", body).await.body, started.body);
    assert_eq!(host.post_with(&resume, &x, input).await.body, resumed.body);
    // An answer outlives its execution.
    assert_eq!(host.delete(&path).await.status, 204);
    assert_eq!(keyed(&host, "/run", body).await.body, started.body);
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let host = Host::start().await;
    keyed(&host, "/run", USER).await;
    let other = keyed(&host, "/run", &format!("{USER} ")).await;
    expect![[r#"
        422
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/idempotency-mismatch"
        title: "The key was used for another request"
        status: 422
        detail: "this `Idempotency-Key` was used for another request; give each request its own"
    "#]]
    .assert_eq(&other.transcript());
    let path = keyed(&host, "/execute", USER).await;
    assert_eq!(problem(&path), (422, "/problems/idempotency-mismatch".to_owned()));
    assert_eq!(host.modules.user_calls(), 1);
    for bad in ["", "a b", &"k".repeat(256)] {
        let answer = host.post_with("/run", &[("Idempotency-Key", bad)], USER).await;
        assert_eq!(problem(&answer), (400, "/problems/malformed-request".to_owned()), "{bad}");
    }
    assert_eq!(host.post_with("/run", &[KEY, KEY], USER).await.status, 400);
    // A GET is not carried out at all.
    assert_eq!(host.request("GET", "/executions", &[KEY], b"").await.status, 200);
}

#[tokio::test]
async fn a_refusal_does_not_use_the_key_up() {
    let host = Host::start().await;
    let bad = [
        ("/run", "{"),
        ("/run", r#"{ "source": "out x = y" }"#),
        ("/run", r#"{ "source": "in x: Int\nout x", "inputs": { "x": "a" } }"#),
        ("/execute", r#"{ "ref": "nowhere" }"#),
        ("/events", r#"{ "type": "a" }"#),
    ];
    for (path, body) in bad {
        for _ in 0..2 {
            let answer = keyed(&host, path, body).await;
            assert!(matches!(answer.status, 400 | 404) && !is_replayed(&answer), "{answer:?}");
        }
    }
    let suspended = host
        .post("/run", r#"{ "source": "in x: Int\nin y: Int\nout x\nout y", "inputs": { "x": 1 } }"#)
        .await;
    let resume = format!("/executions/{}/resume", suspended.text("executionId"));
    assert_eq!(keyed(&host, &resume, r#"{ "inputs": { "x": 2 } }"#).await.status, 409);
    assert_eq!(keyed(&host, "/run", USER).await.status, 200);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let host = Host::start().await;
    let answers = join_all((0..20).map(|_| keyed(&host, "/run", USER))).await;
    let done: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    let refused = answers.iter().filter(|answer| answer.status != 200);
    for answer in refused {
        assert_eq!(problem(answer), (409, "/problems/request-in-progress".to_owned()));
    }
    assert!(done.iter().all(|answer| answer.body == done[0].body) && !done.is_empty());
    assert_eq!(done.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert_eq!((host.modules.user_calls(), count(&host).await), (1, 1));
}

#[tokio::test]
async fn while_the_first_runs_the_others_are_told() {
    let host = Host::start().await;
    let others = async {
        host.modules.called.notified().await;
        let same = keyed(&host, "/run", SLOW).await;
        let other = keyed(&host, "/run", USER).await;
        host.modules.release.notify_one();
        (same, other)
    };
    let (first, (same, other)) = tokio::join!(keyed(&host, "/run", SLOW), others);
    expect![[r#"
        409
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/request-in-progress"
        title: "The first request with this key still runs"
        status: 409
        detail: "the first request with this `Idempotency-Key` is still carried out; ask again in a moment"
    "#]].assert_eq(&same.transcript());
    assert_eq!(problem(&other), (422, "/problems/idempotency-mismatch".to_owned()));
    let again = keyed(&host, "/run", SLOW).await;
    assert_eq!((first.status, &first.body), (200, &again.body));
}

#[tokio::test]
async fn a_request_is_carried_out_also_when_its_caller_goes_away() {
    let host = Host::start().await;
    let mut stream = TcpStream::connect(host.address).await.expect("the server listens");
    let head = format!(
        "POST /run HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nIdempotency-Key: {}\r\n\
         Content-Length: {}\r\n\r\n{SLOW}",
        host.address,
        KEY.1,
        SLOW.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    host.modules.called.notified().await;
    drop(stream);
    assert_eq!(keyed(&host, "/run", SLOW).await.status, 409);
    host.modules.release.notify_one();
    loop {
        let answer = keyed(&host, "/run", SLOW).await;
        if answer.status == 200 {
            assert!(is_replayed(&answer));
            break;
        }
    }
    assert_eq!((host.modules.calls().len(), count(&host).await), (1, 1));
}

#[tokio::test]
async fn a_key_leads_to_an_execution_that_still_runs() {
    let host = Host::start().await;
    let wait = |seconds| [KEY, ("Prefer", seconds)];
    let first = host.post_with("/run", &wait("wait=0"), SLOW).await;
    assert_eq!((first.status, first.text("status")), (202, "Running".to_owned()));
    let again = host.post_with("/run", &wait("wait=0"), SLOW).await;
    assert_eq!((again.status, again.text("status")), (202, "Running".to_owned()));
    assert!(is_replayed(&again));
    assert_eq!(first.header("location"), again.header("location"));
    let release = async {
        host.modules.called.notified().await;
        host.modules.release.notify_one();
    };
    let long = wait("wait=30");
    let (done, ()) = tokio::join!(host.post_with("/run", &long, SLOW), release);
    assert_eq!((done.status, done.text("status")), (200, "Completed".to_owned()));
    assert!(is_replayed(&done));
    assert_eq!(keyed(&host, "/run", SLOW).await.body, done.body);
    assert_eq!((host.modules.calls().len(), count(&host).await), (1, 1));
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let host = Host::start().await;
    keyed(&host, "/run", USER).await;
    host.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert!(is_replayed(&keyed(&host, "/run", USER).await));
    host.clock.advance(Duration::from_secs(1));
    assert!(!is_replayed(&keyed(&host, "/run", USER).await));
    assert_eq!(host.modules.user_calls(), 2);
}

/// Runs a process to its sudden end: whatever it was doing is dropped.
fn process<T>(store: &Arc<MemoryStore>, life: impl AsyncFnOnce(&Host) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let store: Arc<dyn Store> = store.clone();
    runtime.block_on(async {
        let host = Host::start_on(store).await;
        host.engine.recover().await.expect("it recovers");
        life(&host).await
    })
}

#[test]
fn after_a_crash_the_key_leads_to_the_execution() {
    let store = Arc::new(MemoryStore::new());
    let key = process(&store, async |host| {
        tokio::select! {
            _ = keyed(host, "/run", SLOW) => panic!("it was not released"),
            () = host.modules.called.notified() => host.modules.calls()[0].key.clone(),
        }
    });
    process(&store, async |host| {
        host.modules.called.notified().await;
        assert_eq!(host.modules.calls()[0].key, key);
        let other = keyed(host, "/run", USER).await;
        assert_eq!(problem(&other), (422, "/problems/idempotency-mismatch".to_owned()));
        host.modules.release.notify_one();
        let answer = keyed(host, "/run", SLOW).await;
        assert_eq!((answer.status, answer.text("status")), (200, "Completed".to_owned()));
        assert!(is_replayed(&answer) && key.starts_with(&answer.text("executionId")));
        assert_eq!((host.modules.calls().len(), count(host).await), (1, 1));
    });
}

#[test]
fn answers_outlive_their_process() {
    let store = Arc::new(MemoryStore::new());
    let first = process(&store, async |host| keyed(host, "/run", USER).await);
    let again = process(&store, async |host| keyed(host, "/run", USER).await);
    assert_eq!((first.status, first.body), (200, again.body.clone()));
    assert!(is_replayed(&again));
}

#[test]
fn a_resume_that_a_crash_cut_off_is_not_lost() {
    let store = Arc::new(MemoryStore::new());
    let input = r#"{ "inputs": { "id": "a" } }"#;
    let resume = process(&store, async |host| {
        let body = r#"{ "source": "in id: String\nslow = Slow(id)\nout slow" }"#;
        let resume =
            format!("/executions/{}/resume", host.post("/run", body).await.text("executionId"));
        tokio::select! {
            _ = keyed(host, &resume, input) => panic!("it was not released"),
            () = host.modules.called.notified() => resume,
        }
    });
    process(&store, async |host| {
        host.modules.release.notify_one();
        let answer = keyed(host, &resume, input).await;
        assert_eq!((answer.status, answer.text("status")), (200, "Completed".to_owned()));
        assert_eq!(answer.json()["resumptionCount"], 1);
        assert!(is_replayed(&answer));
    });
}
