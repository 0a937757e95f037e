//! The history of an execution, in pages and as a stream.

use expect_test::expect;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::contract::{Contract, Request, schema};
use crate::host::{Answer, Host, masked};

const APPROVAL: &str = r#"{ "source": "in userId: String\nin approval: Boolean\nuser = GetUser(userId)\nout user when approval",
  "inputs": { "userId": "user-123" } }"#;
const SLOW: &str =
    r#"{ "source": "in id: String\nslow = Slow(id)\nout slow", "inputs": { "id": "a" } }"#;

/// One line an item, as it was sent.
fn lines(page: &Answer) -> String {
    masked(&page.body).replace("},{\"number\"", "}\n{\"number\"")
}

async fn started(host: &Host, body: &str) -> String {
    let accepted = host.post_with("/run", &[("Prefer", "respond-async")], body).await;
    accepted.header("location").expect("a location").to_owned()
}

/// A reader of server-sent events.
struct Stream {
    lines: BufReader<TcpStream>,
    head: String,
}

impl Stream {
    /// As HTTP/1.0, so that the body ends with the connection and is not cut into chunks.
    async fn open(host: &Host, path: &str, headers: &str) -> Stream {
        let mut stream = TcpStream::connect(host.address).await.expect("the server listens");
        let address = host.address;
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: text/event-stream\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let (mut lines, mut head) = (BufReader::new(stream), String::new());
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).await.expect("text") > 0, "{head}");
        }
        if head.split(' ').nth(1) == Some("200") {
            let answer = Answer::read(head.as_bytes());
            Contract::get().await.check(&Request::read(request.as_bytes()), &answer);
        }
        Stream { lines, head }
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).expect("a status")
    }

    /// Number and type of the next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<(u64, String)> {
        let (mut id, mut kind, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).await.expect("text") == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", text)) => id = text.parse().ok(),
                Some(("event", text)) => kind = Some(text.to_owned()),
                Some(("data", text)) => data = serde_json::from_str(text).ok(),
                Some(other) => panic!("{other:?}"),
                None if id.is_none() => {}
                None => break,
            }
        }
        let (id, kind, data): (u64, String, serde_json::Value) = (id?, kind?, data?);
        Contract::get().await.valid(&schema("HistoryItem"), &data).expect("as described");
        assert_eq!((&data["number"], &data["type"]), (&id.into(), &kind.as_str().into()));
        Some((id, kind))
    }

    async fn rest(mut self) -> Vec<String> {
        let mut kinds = Vec::new();
        while let Some((_, kind)) = self.next().await {
            kinds.push(kind);
        }
        kinds
    }
}

#[tokio::test]
async fn a_history_has_everything_that_happened() {
    let host = Host::start().await;
    let path = host.post("/run", APPROVAL).await.header("location").expect("there").to_owned();
    let resume = r#"{ "inputs": { "approval": true } }"#;
    host.post(&format!("{path}/resume"), resume).await;
    let page = host.get(&format!("{path}/events")).await;
    expect![[r#"
        {"items":[{"number":1,"at":"2026-01-01T00:00:00Z","type":"started","structuralHash":"sha256:…"}
        {"number":2,"at":"2026-01-01T00:00:00Z","type":"inputProvided","input":"userId","value":"user-123","by":"start"}
        {"number":3,"at":"2026-01-01T00:00:00Z","type":"callCompleted","node":"user","module":"GetUser","callKey":"exec-…/user.1","durationMs":0,"waitedMs":0,"attempts":1,"cacheHit":false,"origin":"module"}
        {"number":4,"at":"2026-01-01T00:00:00Z","type":"suspended","missingInputs":["approval"]}
        {"number":5,"at":"2026-01-01T00:00:00Z","type":"resumed","retryFailed":false}
        {"number":6,"at":"2026-01-01T00:00:00Z","type":"inputProvided","input":"approval","value":true,"by":"resume"}
        {"number":7,"at":"2026-01-01T00:00:00Z","type":"completed"}]}"#]].assert_eq(&lines(&page));
    let items = page.json()["items"].as_array().expect("items").clone();
    let id = path.trim_start_matches("/executions/");
    assert_eq!(page.header("tidegate-execution-id"), Some(id));

    let first = host.get(&format!("{path}/events?limit=3")).await.json();
    assert_eq!(
        (first["items"].as_array().map(Vec::len), &first["nextCursor"]),
        (Some(3), &"3".into())
    );
    let second = host.get(&format!("{path}/events?after=3&limit=1000")).await.json();
    assert_eq!(second["items"].as_array().expect("items").as_slice(), &items[3..]);
    assert_eq!(second.get("nextCursor"), None);
    assert_eq!(host.get(&format!("{path}/events?after=99")).await.body, r#"{"items":[]}"#);
}

#[tokio::test]
async fn failures_and_repairs() {
    let host = Host::start().await;
    let failed = r#"{ "source": "in id: String\nin x: Int\ncopy = Flaky(id)\npart = 1 / x\nout copy\nout part",
      "inputs": { "id": "a", "x": 0 } }"#;
    let id = host.post("/run", failed).await.text("executionId");
    let repair = r#"{ "retryFailed": true, "resolvedNodes": { "part": 7 } }"#;
    assert_eq!(host.post(&format!("/executions/{id}/resume"), repair).await.status, 200);
    let page = host.get(&format!("/executions/{id}/events?after=3")).await;
    expect![[r#"
        {"items":[{"number":4,"at":"2026-01-01T00:00:00Z","type":"callFailed","node":"copy","module":"Flaky","callKey":"exec-…/copy.1","durationMs":0,"waitedMs":0,"failure":{"code":"R001","module":"Flaky","message":"no answer from the shop","attempts":1}}
        {"number":5,"at":"2026-01-01T00:00:00Z","type":"nodeFailed","node":"copy","failure":{"code":"R001","module":"Flaky","message":"no answer from the shop","attempts":1}}
        {"number":6,"at":"2026-01-01T00:00:00Z","type":"nodeFailed","node":"part","failure":{"code":"R005","message":"1 / 0"}}
        {"number":7,"at":"2026-01-01T00:00:00Z","type":"failed"}
        {"number":8,"at":"2026-01-01T00:00:00Z","type":"resumed","retryFailed":true}
        {"number":9,"at":"2026-01-01T00:00:00Z","type":"nodeResolved","node":"part","value":7,"origin":"manual"}
        {"number":10,"at":"2026-01-01T00:00:00Z","type":"callCompleted","node":"copy","module":"Flaky","callKey":"exec-…/copy.1","durationMs":0,"waitedMs":0,"attempts":1,"cacheHit":false,"origin":"module"}
        {"number":11,"at":"2026-01-01T00:00:00Z","type":"completed"}]}"#]].assert_eq(&lines(&page));
}

#[tokio::test]
async fn what_cannot_be_asked_for() {
    let host = Host::start().await;
    let path = started(&host, SLOW).await;
    for query in ["after=x", "after=-1", "limit=0", "limit=1001", "cursor=1"] {
        assert_eq!(host.get(&format!("{path}/events?{query}")).await.status, 400, "{query}");
    }
    let unknown = "/executions/exec-01928f6e-5c1a-7000-8000-0123456789ab/events";
    assert_eq!(host.get(unknown).await.status, 404);
    assert_eq!(Stream::open(&host, unknown, "").await.status(), "404");
    let bad = Stream::open(&host, &format!("{path}/events"), "Last-Event-ID: x\r\n").await;
    assert_eq!(bad.status(), "400");
    // Also where a page is asked for, so that nobody takes the first one for what comes behind.
    for value in ["x", ""] {
        let (path, header) = (format!("{path}/events"), [("Last-Event-ID", value)]);
        assert_eq!(host.request("GET", &path, &header, b"").await.status, 400, "{value}");
    }
}

#[tokio::test]
async fn a_stream_goes_on_while_the_execution_does() {
    let host = Host::start().await;
    let path = started(&host, SLOW).await;
    let events = format!("{path}/events");
    let mut stream = Stream::open(&host, &events, "").await;
    assert_eq!(stream.status(), "200");
    assert!(stream.head.contains("content-type: text/event-stream\r\n"), "{}", stream.head);
    assert_eq!(stream.next().await, Some((1, "started".to_owned())));
    assert_eq!(stream.next().await, Some((2, "inputProvided".to_owned())));
    // A reader that broke off goes on behind what it has.
    let mut other = Stream::open(&host, &events, "Last-Event-ID: 1\r\n").await;
    assert_eq!(other.next().await, Some((2, "inputProvided".to_owned())));
    let third = Stream::open(&host, &format!("{events}?after=2"), "").await;
    host.modules.release.notify_one();
    for stream in [stream, other, third] {
        assert_eq!(stream.rest().await, ["callCompleted", "completed"]);
    }
    let late = Stream::open(&host, &events, "Last-Event-ID: 3\r\n").await;
    assert_eq!(late.rest().await, ["completed"]);
    // Whoever has everything is told not to come again.
    let done = Stream::open(&host, &events, "Last-Event-ID: 4\r\n").await;
    assert_eq!(done.status(), "204");
    assert!(done.rest().await.is_empty());
}

#[tokio::test]
async fn a_stream_lasts_through_suspension_and_ends_with_a_cancellation() {
    let host = Host::start().await;
    let path = host.post("/run", APPROVAL).await.header("location").expect("there").to_owned();
    let mut stream = Stream::open(&host, &format!("{path}/events?after=3"), "").await;
    assert_eq!(stream.next().await, Some((4, "suspended".to_owned())));
    host.post(&format!("{path}/cancel"), "{}").await;
    assert_eq!(stream.rest().await, ["cancelled"]);
}

#[tokio::test]
async fn a_reader_that_does_not_read_keeps_nobody_waiting() {
    let host = Host::start().await;
    let source = r#""in a: String\nin b: String\nout a\nout b""#;
    let body = format!(r#"{{ "source": {source}, "keep": true }}"#);
    let path = host.post("/run", &body).await.header("location").expect("there").to_owned();
    let stream = Stream::open(&host, &format!("{path}/events"), "").await;
    let large = "x".repeat(4 << 20);
    for input in ["a", "b"] {
        let input = format!(r#"{{ "inputs": {{ "{input}": "{large}" }} }}"#);
        let answer = host.post(&format!("{path}/resume"), &input).await;
        assert!(matches!(answer.status, 200 | 202), "{}", answer.body.len());
    }
    assert_eq!(stream.rest().await.last().map(String::as_str), Some("completed"));
}

#[tokio::test]
async fn a_stream_ends_with_the_execution_s_deletion() {
    let host = Host::start().await;
    let path = host.post("/run", APPROVAL).await.header("location").expect("there").to_owned();
    let mut stream = Stream::open(&host, &format!("{path}/events?after=3"), "").await;
    assert_eq!(stream.next().await, Some((4, "suspended".to_owned())));
    assert_eq!(host.delete(&path).await.status, 204);
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let host = Host::start().await;
    let path = host.post("/run", APPROVAL).await.header("location").expect("there").to_owned();
    let mut stream = Stream::open(&host, &format!("{path}/events?after=3"), "").await;
    assert_eq!(stream.next().await, Some((4, "suspended".to_owned())));
    host.stop();
    assert_eq!(stream.next().await, None);
    host.stopped().await;
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let host = Host::start().await;
    let path = host.post("/run", APPROVAL).await.header("location").expect("there").to_owned();
    let mut stream = Stream::open(&host, &format!("{path}/events?after=4"), "").await;
    tokio::time::pause();
    let mut comment = [0; 3];
    stream.lines.read_exact(&mut comment).await.expect("a comment");
    assert_eq!(&comment, b":\n\n");
}
