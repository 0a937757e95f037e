//! Aliases: what they show, and how they move, move back and go.

use serde_json::Value::Null;

use crate::host::{Answer, Host};
use expect_test::expect;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Compiles a pipeline that gives this number; answers its hash.
async fn compile(host: &Host, name: &str, number: i32) -> String {
    let body = format!(r#"{{ "source": "out x = {number}", "name": "{name}" }}"#);
    host.post("/compile", &body).await.text("structuralHash")
}

/// A PUT of an alias, with the tag that it must have.
async fn put(host: &Host, name: &str, if_match: Option<&str>, hash: &str) -> Answer {
    let mut headers = vec![JSON];
    headers.extend(if_match.map(|tag| ("If-Match", tag)));
    let body = format!(r#"{{ "structuralHash": "{hash}" }}"#);
    host.request("PUT", &format!("/pipelines/{name}"), &headers, body.as_bytes()).await
}

async fn etag(host: &Host, name: &str) -> String {
    let answer = host.get(&format!("/pipelines/{name}")).await;
    answer.header("etag").expect("a tag").to_owned()
}

/// Number and hash of each version, the newest first.
async fn versions(host: &Host, name: &str) -> Vec<(u64, String)> {
    let json = host.get(&format!("/pipelines/{name}/versions")).await.json();
    let items = json["items"].as_array().expect("items");
    let version = |item: &serde_json::Value| {
        let hash = item["structuralHash"].as_str().expect("a hash").to_owned();
        (item["version"].as_u64().expect("a number"), hash)
    };
    items.iter().map(version).collect()
}

#[tokio::test]
async fn a_pipeline_shows_what_is_known_of_it() {
    let host = Host::start().await;
    let first = compile(&host, "sum", 1).await;
    compile(&host, "other", 1).await;
    compile(&host, "sum", 2).await;
    expect![[r#"
        200
        content-type: application/json
        etag: "2-sha256:…"
        x-request-id: …
        structuralHash: "sha256:…"
        alias: "sum"
        version: 2
        movedAt: "2026-01-01T00:00:00Z"
        createdAt: "2026-01-01T00:00:00Z"
        inputs: []
        outputs: [{"name":"x","type":"Int"}]
        modules: []
        source: "out x = 2"
        aliases: [{"name":"sum","version":2,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"}]
        versions: [{"name":"sum","version":2,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"},{"name":"sum","version":1,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"}]
    "#]].assert_eq(&host.get("/pipelines/sum").await.transcript());
    // A version and an image never change: there is nothing to compare.
    let image = host.get(&format!("/pipelines/{first}")).await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        structuralHash: "sha256:…"
        createdAt: "2026-01-01T00:00:00Z"
        inputs: []
        outputs: [{"name":"x","type":"Int"}]
        modules: []
        source: "out x = 1"
        aliases: [{"name":"other","version":1,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"}]
    "#]].assert_eq(&image.transcript());
    let version = host.get("/pipelines/sum@1").await;
    assert_eq!((version.header("etag"), version.text("structuralHash")), (None, first));
}

#[tokio::test]
async fn versions_page_by_page() {
    let host = Host::start().await;
    for number in 1..=3 {
        compile(&host, "sum", number).await;
    }
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        items: [{"name":"sum","version":3,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"},{"name":"sum","version":2,"structuralHash":"sha256:…","movedAt":"2026-01-01T00:00:00Z"}]
        nextCursor: "2"
    "#]].assert_eq(&host.get("/pipelines/sum/versions?limit=2").await.transcript());
    let page = host.get("/pipelines/sum/versions?limit=2&cursor=2").await.json();
    assert_eq!((page["items"][0]["version"].as_u64(), page.get("nextCursor")), (Some(1), None));
    assert_eq!(host.get("/pipelines/sum/versions?cursor=1").await.json()["items"][0], Null);
    for (path, status) in [
        ("/pipelines/summ/versions", 404),
        ("/pipelines/sum/versions?cursor=x", 400),
        ("/pipelines/sum@1/versions", 400),
        ("/pipelines/Sum/versions", 404),
    ] {
        assert_eq!(host.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_move_holds_only_where_its_tag_does() {
    let host = Host::start().await;
    let one = compile(&host, "sum", 1).await;
    let old = etag(&host, "sum").await;
    let two = compile(&host, "sum", 2).await;
    expect![[r#"
        412
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/stale"
        title: "It was changed meanwhile"
        status: 412
        detail: "`sum` is at version 2 now; read it, and send the `ETag` that comes with it"
    "#]]
    .assert_eq(&put(&host, "sum", Some(&old), &one).await.transcript());
    assert_eq!(versions(&host, "sum").await.len(), 2);

    let new = etag(&host, "sum").await;
    let tags = format!("{old}, {new}");
    let moved = put(&host, "sum", Some(&tags), &one).await;
    expect![[r#"
        200
        content-type: application/json
        etag: "3-sha256:…"
        x-request-id: …
        name: "sum"
        version: 3
        structuralHash: "sha256:…"
        movedAt: "2026-01-01T00:00:00Z"
    "#]]
    .assert_eq(&moved.transcript());
    assert_eq!(moved.header("etag"), Some(etag(&host, "sum").await.as_str()));
    // Where it points already, nothing moves; its tag stays.
    let again = put(&host, "sum", Some("*"), &one).await;
    assert_eq!((again.status, again.json()["version"].as_u64()), (200, Some(3)));
    assert_eq!(again.header("etag"), moved.header("etag"));

    for bad in [new.replace('"', ""), format!("W/{}", etag(&host, "sum").await), old] {
        let status = put(&host, "sum", Some(&bad), &two).await.status;
        assert_eq!(status, if bad.contains('"') { 412 } else { 400 }, "{bad}");
    }
    // `*` wants an alias that is there; without a condition it is made.
    expect![[r#"
        412
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/stale"
        title: "It was changed meanwhile"
        status: 412
        detail: "there is no `new`; leave `If-Match` out to make it"
    "#]]
    .assert_eq(&put(&host, "new", Some("*"), &one).await.transcript());
    assert_eq!(put(&host, "new", None, &one).await.json()["version"], 1);
    assert_eq!(versions(&host, "sum").await, [(3, one.clone()), (2, two), (1, one)]);
}

#[tokio::test]
async fn a_move_needs_an_image_and_a_name() {
    let host = Host::start().await;
    let hash = compile(&host, "sum", 1).await;
    let absent = format!("sha256:{}", "0".repeat(64));
    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "there is no image `sha256:…`; `POST /compile` keeps one"
    "#]]
    .assert_eq(&put(&host, "sum", None, &absent).await.transcript());
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "`sum` is no hash of a pipeline"
        errors: [{"severity":"error","message":"`sum` is no hash of a pipeline","help":"send the `structuralHash` that `POST /compile` answered","pointer":"/structuralHash"}]
    "#]].assert_eq(&put(&host, "sum", None, "sum").await.transcript());
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "`sum@1` is one version of an alias, and versions are never changed; ask for `sum`"
    "#]]
    .assert_eq(&put(&host, "sum@1", None, &hash).await.transcript());
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "`Sum` cannot be the name of a pipeline; a name is 1 to 128 of `a-z 0-9 . _ -`, begins with a letter or digit, and does not look like a hash: neither `sha256…` nor 64 hexadecimal digits"
    "#]].assert_eq(&put(&host, "Sum", None, &hash).await.transcript());
    assert_eq!(put(&host, &hash, None, &hash).await.status, 400);
    let none = host.request("PUT", "/pipelines/sum", &[], b"{}").await;
    assert_eq!(none.status, 415);
    let get = host.request("GET", "/pipelines/sum", &[("If-Match", "*")], b"").await;
    assert_eq!(get.status, 400);
}

#[tokio::test]
async fn a_rollback_is_a_move_like_any_other() {
    let host = Host::start().await;
    let one = compile(&host, "sum", 1).await;
    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "`sum` is at its first version; there is none before it"
    "#]]
    .assert_eq(&host.post("/pipelines/sum/rollback", "{}").await.transcript());
    let two = compile(&host, "sum", 2).await;
    let back = host.post("/pipelines/sum/rollback", "{}").await;
    expect![[r#"
        200
        content-type: application/json
        etag: "3-sha256:…"
        x-request-id: …
        name: "sum"
        version: 3
        structuralHash: "sha256:…"
        movedAt: "2026-01-01T00:00:00Z"
    "#]]
    .assert_eq(&back.transcript());
    assert_eq!(versions(&host, "sum").await[0], (3, one.clone()));
    // A second one undoes the first.
    host.post("/pipelines/sum/rollback", "{}").await;
    assert_eq!(versions(&host, "sum").await[0], (4, two.clone()));
    let named = host.post("/pipelines/sum/rollback", r#"{ "version": 1 }"#).await;
    assert_eq!((named.json()["version"].as_u64(), named.text("structuralHash")), (Some(5), one));

    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "`sum` has no version 9; its newest one is 5"
    "#]]
    .assert_eq(&host.post("/pipelines/sum/rollback", r#"{ "version": 9 }"#).await.transcript());
    for (path, body, status) in [
        ("/pipelines/none/rollback", "{}", 404),
        ("/pipelines/sum@1/rollback", "{}", 400),
        ("/pipelines/sum/rollback", r#"{ "version": 0 }"#, 400),
        ("/pipelines/sum/rollback", r#"{ "version": 1.5 }"#, 400),
        ("/pipelines/sum/rollback", r#"{ "version": 4294967296 }"#, 400),
        // A whole number, however it is written.
        ("/pipelines/sum/rollback", r#"{ "version": 2.0 }"#, 200),
        ("/pipelines/sum/rollback", r#"{ "to": 1 }"#, 400),
    ] {
        assert_eq!(host.post(path, body).await.status, status, "{path} {body}");
    }
}

#[tokio::test]
async fn a_rollback_with_a_key_is_done_once() {
    let host = Host::start().await;
    compile(&host, "sum", 1).await;
    compile(&host, "sum", 2).await;
    let key = [("Idempotency-Key", "back")];
    let first = host.post_with("/pipelines/sum/rollback", &key, "{}").await;
    let again = host.post_with("/pipelines/sum/rollback", &key, "{}").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!((again.status, again.header("etag")), (200, first.header("etag")));
    assert_eq!((first.header("etag").is_some(), first.body), (true, again.body));
    assert_eq!(versions(&host, "sum").await.len(), 3);
}

#[tokio::test]
async fn aliases_and_images_go() {
    let host = Host::start().await;
    let delete =
        async |name: &str| host.request("DELETE", &format!("/pipelines/{name}"), &[], b"").await;
    let hash = compile(&host, "sum", 1).await;
    expect![[r#"
        409
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/in-use"
        title: "It is in use"
        status: 409
        detail: "a version of an alias or a kept execution needs this image; delete the alias, or the executions, first"
    "#]].assert_eq(&delete(&hash).await.transcript());
    assert_eq!(delete("sum@1").await.status, 400);
    expect![[r#"
        204
        x-request-id: …
    "#]]
    .assert_eq(&delete("sum").await.transcript());
    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "there is no pipeline `sum`. A pipeline is named by its alias, `alias@version`, or `sha256:` and its hash."
    "#]].assert_eq(&delete("sum").await.transcript());
    assert_eq!(host.get(&format!("/pipelines/{hash}")).await.status, 200);

    // An execution needs its image as long as it is kept.
    let body = format!(r#"{{ "ref": "{hash}", "keep": true }}"#);
    let id = host.post("/execute", &body).await.text("executionId");
    assert_eq!(delete(&hash).await.status, 409);
    host.request("DELETE", &format!("/executions/{id}"), &[], b"").await;
    assert_eq!(delete(hash.trim_start_matches("sha256:")).await.status, 204);
    assert_eq!(delete(&hash).await.status, 404);
    assert_eq!(host.get(&format!("/pipelines/{hash}")).await.status, 404);
    // A name begins anew.
    compile(&host, "sum", 2).await;
    assert_eq!(versions(&host, "sum").await[0].0, 1);
}
