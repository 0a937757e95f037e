//! Events from outside: taken, kept, listed, and recognised when they come again.

use expect_test::expect;

use crate::host::{Answer, Host};

async fn send(host: &Host, body: &str) -> Answer {
    host.post("/events", body).await
}

async fn send_cloud(host: &Host, body: &str) -> Answer {
    let headers = [("Content-Type", "application/cloudevents+json; charset=utf-8")];
    host.request("POST", "/events", &headers, body.as_bytes()).await
}

async fn kept(host: &Host, query: &str) -> Vec<serde_json::Value> {
    let page = host.get(&format!("/events?{query}")).await;
    assert_eq!(page.status, 200, "{query}");
    page.json()["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn an_event_that_nobody_listens_for_is_kept() {
    let host = Host::start().await;
    let event = r#"{ "id": "1", "source": "shop", "type": "paid", "key": "o-1", "data": { "amount" : 9.50 } }"#;
    expect![[r#"
        202
        content-type: application/json
        x-request-id: …
        delivered: []
        kept: true
    "#]]
    .assert_eq(&send(&host, event).await.transcript());
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        items: [{"receivedAt":"2026-01-01T00:00:00Z","id":"1","source":"shop","type":"paid","key":"o-1","data":{ "amount" : 9.50 }}]
    "#]].assert_eq(&host.get("/events").await.transcript());
}

#[tokio::test]
async fn an_event_that_comes_again_does_nothing() {
    let host = Host::start().await;
    let event = |id: &str, source: &str| {
        format!(r#"{{ {id} {source} "type": "paid", "key": "o-1", "data": 1 }}"#)
    };
    let (one, shop) = (r#""id": "1","#, r#""source": "shop","#);
    for (id, source, expected) in [
        (one, shop, true),
        (one, shop, false),
        (one, r#""source": "bank","#, true),
        (r#""id": "2","#, shop, true),
        (one, "", true),
        (one, "", false),
        ("", shop, true),
        ("", shop, true),
    ] {
        let answer = send(&host, &event(id, source)).await;
        assert_eq!(
            (answer.status, &answer.json()["kept"]),
            (202, &expected.into()),
            "{id}{source}"
        );
    }
    assert_eq!(kept(&host, "").await.len(), 6);
}

#[tokio::test]
async fn keys_are_compared_as_text() {
    let host = Host::start().await;
    for key in ["42", "\"42\"", "42.0", "-7", "9223372036854775807"] {
        let answer = send(&host, &format!(r#"{{ "type": "a", "key": {key}, "data": 1 }}"#)).await;
        assert_eq!(answer.status, 202, "{key}");
    }
    assert_eq!(kept(&host, "key=42").await.len(), 3);
    assert_eq!(kept(&host, "type=a&key=-7").await.len(), 1);
    assert_eq!(kept(&host, "type=b").await.len(), 0);
}

#[tokio::test]
async fn any_json_is_data_and_stays_as_it_was() {
    let host = Host::start().await;
    let data = ["null", "1e400", "\"\\u0041\"", "{\"b\":1,\"a\":[ 2]}"];
    for data in data {
        send(&host, &format!(r#"{{ "type": "a", "key": "k", "data": {data} }}"#)).await;
    }
    let page = host.get("/events").await;
    for data in data {
        assert!(page.body.contains(&format!("\"data\":{data}}}")), "{data} in {}", page.body);
    }
}

#[tokio::test]
async fn what_is_no_event() {
    let host = Host::start().await;
    let long = "k".repeat(257);
    for (body, pointer) in [
        (r#"{ "key": "k", "data": 1 }"#.to_owned(), ""),
        (r#"{ "type": "a", "data": 1 }"#.to_owned(), ""),
        (r#"{ "type": "a", "key": "k" }"#.to_owned(), ""),
        (r#"{ "type": "a", "key": 1.5, "data": 1 }"#.to_owned(), "/key"),
        (r#"{ "type": "a", "key": 9223372036854775808, "data": 1 }"#.to_owned(), "/key"),
        (r#"{ "type": "a", "key": true, "data": 1 }"#.to_owned(), "/key"),
        (r#"{ "type": "a", "key": "", "data": 1 }"#.to_owned(), "/key"),
        (r#"{ "type": "", "key": "k", "data": 1 }"#.to_owned(), "/type"),
        (format!(r#"{{ "type": "a", "key": "{long}", "data": 1 }}"#), "/key"),
        (format!(r#"{{ "type": "{long}", "key": "k", "data": 1 }}"#), "/type"),
        (format!(r#"{{ "id": "{long}", "type": "a", "key": "k", "data": 1 }}"#), "/id"),
        (format!(r#"{{ "source": "{long}", "type": "a", "key": "k", "data": 1 }}"#), "/source"),
        (r#"{ "type": "a", "key": "k", "data": 1, "subject": "s" }"#.to_owned(), "/subject"),
    ] {
        let answer = send(&host, &body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let longest = "ä".repeat(256);
    let event = format!(r#"{{ "type": "{longest}", "key": "{longest}", "data": 1 }}"#);
    assert_eq!(send(&host, &event).await.status, 202);
    for query in ["cursor=x", "limit=0", "source=a"] {
        assert_eq!(host.get(&format!("/events?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn page_by_page() {
    let host = Host::start().await;
    for key in 0..5 {
        send(&host, &format!(r#"{{ "type": "a", "key": {key}, "data": 1 }}"#)).await;
    }
    let (mut keys, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("/events?limit=2&cursor={cursor}")).await.json();
        let items = page["items"].as_array().expect("items");
        keys.extend(items.iter().map(|item| item["key"].as_str().expect("text").to_owned()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(keys, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn large_events_make_short_pages() {
    let host = Host::start().await;
    let event = |key: usize, length: usize| {
        let data = "x".repeat(length);
        format!(r#"{{ "type": "a", "key": {key}, "data": "{data}" }}"#)
    };
    for key in 0..40 {
        assert_eq!(send(&host, &event(key, (1 << 20) - 2)).await.status, 202);
    }
    let refused = send(&host, &event(40, (1 << 20) - 1)).await;
    assert_eq!((refused.status, refused.text("type")), (413, "/problems/too-large".to_owned()));
    let (mut count, mut pages, mut cursor) = (0, 0, String::new());
    loop {
        let page = host.get(&format!("/events?limit=1000&cursor={cursor}")).await.json();
        let items = page["items"].as_array().expect("items");
        assert!((1..=16).contains(&items.len()));
        (count, pages) = (count + items.len(), pages + 1);
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!((count, pages), (40, 3));
}

#[tokio::test]
async fn a_cloud_event() {
    let host = Host::start().await;
    let event = r#"{ "specversion": "1.0", "id": "1", "source": "/shop", "type": "paid", "subject": "o-1",
      "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json", "comexampleextra": 7, "data": { "a": 1 } }"#;
    let answer = send_cloud(&host, event).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, r#"{"delivered":[],"kept":true}"#));
    expect![[r#"{"data":{"a":1},"id":"1","key":"o-1","receivedAt":"2026-01-01T00:00:00Z","source":"/shop","type":"paid"}"#]].assert_eq(&kept(&host, "").await[0].to_string());
    // It is the same event, however it is written.
    let plain = r#"{ "id": "1", "source": "/shop", "type": "paid", "key": "o-1", "data": {} }"#;
    assert_eq!(send(&host, plain).await.json()["kept"], false);
    let without =
        r#"{ "specversion": "1.0", "id": "2", "source": "s", "type": "t", "subject": "k" }"#;
    assert_eq!(send_cloud(&host, without).await.status, 202);
    assert_eq!(kept(&host, "type=t").await[0]["data"], serde_json::Value::Null);
}

#[tokio::test]
async fn what_is_no_cloud_event() {
    let host = Host::start().await;
    let whole =
        r#"{ "specversion": "1.0", "id": "2", "source": "s", "type": "t", "subject": "k" }"#;
    for (from, to) in [
        ("1.0", "0.3"),
        (r#""specversion": "1.0", "#, ""),
        (r#""id": "2", "#, ""),
        (r#""source": "s", "#, ""),
        (r#""type": "t", "#, ""),
        (r#", "subject": "k""#, ""),
        (r#""subject": "k""#, r#""subject": 1"#),
        (r#""id": "2""#, r#""id": """#),
        (r#""id": "2""#, r#""id": "2", "data_base64": "AA==""#),
        (r#""id": "2""#, r#""id": "2", "id": "3""#),
    ] {
        let event = whole.replace(from, to);
        assert_eq!(send_cloud(&host, &event).await.status, 400, "{event}");
    }
    let batch = [("Content-Type", "application/cloudevents-batch+json")];
    let answer = host.request("POST", "/events", &batch, b"[]").await;
    expect![[r#"
        415
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/unsupported-media-type"
        title: "The body is not plain JSON"
        status: 415
        detail: "the body is `application/cloudevents-batch+json`; send `Content-Type: application/json` or `Content-Type: application/cloudevents+json`"
    "#]].assert_eq(&answer.transcript());
    let run = [("Content-Type", "application/cloudevents+json")];
    assert_eq!(host.request("POST", "/run", &run, b"{}").await.status, 415);
}
