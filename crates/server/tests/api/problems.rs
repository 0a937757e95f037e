//! Every kind of problem, as its caller sees it.

use crate::host::Host;
use expect_test::{Expect, expect};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const HELLO: &str = r#"{ "source": "in x: String\nout x", "inputs": { "x": "hello" } }"#;

async fn refused(path: &str, body: &str, expected: Expect) {
    let host = Host::start().await;
    expected.assert_eq(&host.post(path, body).await.transcript());
}

#[tokio::test]
async fn source_does_not_compile() {
    let body = r#"{ "source": "in user: String\nout y = usr" }"#;
    refused("/run", body, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/compile-failed"
        title: "The source does not compile"
        status: 400
        detail: "1 error"
        errors: [{"code":"E001","severity":"error","message":"there is no input or binding `usr`","help":"Did you mean `user`?","span":{"start":24,"end":27,"line":2,"column":9,"endLine":2,"endColumn":12}}]
    "#]]).await;
    refused("/compile", body, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/compile-failed"
        title: "The source does not compile"
        status: 400
        detail: "1 error"
        errors: [{"code":"E001","severity":"error","message":"there is no input or binding `usr`","help":"Did you mean `user`?","span":{"start":24,"end":27,"line":2,"column":9,"endLine":2,"endColumn":12}}]
    "#]]).await;
}

#[tokio::test]
async fn a_large_source_does_not_compile_either() {
    let source = format!("in x: String\\n{}out y = xx", "# words of comment\\n".repeat(2_000));
    let host = Host::start().await;
    let answer = host.post("/compile", &format!(r#"{{ "source": "{source}" }}"#)).await;
    assert_eq!((answer.status, answer.text("type")), (400, "/problems/compile-failed".to_owned()));
}

#[tokio::test]
async fn half_a_document() {
    refused("/run", "{ \"source\":\n  \"in x: Stri", expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the body ends in the middle of its JSON"
        errors: [{"severity":"error","message":"the body ends in the middle of its JSON","pointer":"","line":2,"column":13}]
    "#]]).await;
}

#[tokio::test]
async fn no_json() {
    refused("/run", "source: in x", expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the body is not JSON: expected value"
        errors: [{"severity":"error","message":"the body is not JSON: expected value","pointer":"","line":1,"column":1}]
    "#]]).await;
}

#[tokio::test]
async fn no_object() {
    refused("/run", "[1]", expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the body is JSON, but not an object"
        errors: [{"severity":"error","message":"the body is JSON, but not an object","help":"send an object: `{ … }`","pointer":"","line":1,"column":1}]
    "#]]).await;
}

#[tokio::test]
async fn no_utf8() {
    let host = Host::start().await;
    let answer = host.request("POST", "/run", &[JSON], b"{\"source\":\"\xff\"}").await;
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the body is not UTF-8 at its byte 11"
        errors: [{"severity":"error","message":"the body is not UTF-8 at its byte 11","pointer":""}]
    "#]]
    .assert_eq(&answer.transcript());
}

#[tokio::test]
async fn unknown_field() {
    refused("/run", "{ \"source\": \"out x = 1\",\n  \"input\": {} }", expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the body has the unknown field `input`"
        errors: [{"severity":"error","message":"the body has the unknown field `input`","help":"Did you mean `inputs`?","pointer":"/input","line":2,"column":12}]
    "#]]).await;
    refused(
        "/executions/exec-x/resume",
        r#"{ "source": "" }"#,
        expect![[r#"
            404
            content-type: application/problem+json
            x-request-id: …
            type: "/problems/not-found"
            title: "There is nothing here"
            status: 404
            detail: "there is no execution `exec-x`"
        "#]],
    )
    .await;
}

#[tokio::test]
async fn repeated_key() {
    refused("/run", r#"{ "source": "out x = 1", "source": "out x = 2" }"#, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the key `source` is there twice"
        errors: [{"severity":"error","message":"the key `source` is there twice","help":"leave one of them out","pointer":"/source","line":1,"column":36}]
    "#]]).await;
    refused(
        "/run",
        r#"{ "source": "in x: Int\nout x", "inputs": { "x": 1, "x": 2 } }"#,
        expect![[r#"
            400
            content-type: application/problem+json
            x-request-id: …
            type: "/problems/malformed-request"
            title: "The request is malformed"
            status: 400
            detail: "the key `x` is there twice"
            errors: [{"severity":"error","message":"the key `x` is there twice","help":"leave one of them out","pointer":"/inputs/x","line":1,"column":58}]
        "#]],
    )
    .await;
}

#[tokio::test]
async fn wrong_shape() {
    refused("/run", r#"{ "source": 1 }"#, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the field `source` must be a string"
        errors: [{"severity":"error","message":"the field `source` must be a string","pointer":"/source","line":1,"column":13}]
    "#]]).await;
    refused("/run", r#"{ "source": "out x = 1", "keep": null }"#, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the field `keep` must be true or false"
        errors: [{"severity":"error","message":"the field `keep` must be true or false","help":"leave `keep` out where there is none","pointer":"/keep","line":1,"column":34}]
    "#]]).await;
    refused("/run", r#"{ "inputs": {} }"#, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the body lacks the field `source`"
        errors: [{"severity":"error","message":"the body lacks the field `source`","help":"add `source`, a string","pointer":""}]
    "#]]).await;
}

#[tokio::test]
async fn wrong_name() {
    refused("/compile", r#"{ "source": "out x = 1", "name": "Order Lookup" }"#, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "`Order Lookup` cannot be the name of a pipeline"
        errors: [{"severity":"error","message":"`Order Lookup` cannot be the name of a pipeline","help":"a name is 1 to 128 of `a-z 0-9 . _ -`, begins with a letter or digit, and does not look like a hash: neither `sha256…` nor 64 hexadecimal digits","pointer":"/name"}]
    "#]]).await;
}

#[tokio::test]
async fn inputs_do_not_fit() {
    let body = r#"{ "source": "in count: Int\nin name: String\nout count\nout name",
        "inputs": { "count": "three", "nam": "x" } }"#;
    refused("/run", body, expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/input-invalid"
        title: "The supplied values do not fit the pipeline"
        status: 400
        detail: "2 faults"
        errors: [{"code":"V002","severity":"error","message":"expected Int, got string","pointer":"/inputs/count"},{"code":"V001","severity":"error","message":"the pipeline has no input `nam`","help":"Did you mean `name`?","pointer":"/inputs/nam"}]
    "#]]).await;
}

#[tokio::test]
async fn wrong_content_type() {
    let host = Host::start().await;
    let send = async |headers: &[(&str, &str)]| {
        host.request("POST", "/run", headers, HELLO.as_bytes()).await
    };
    expect![[r#"
        415
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/unsupported-media-type"
        title: "The body is not plain JSON"
        status: 415
        detail: "the body is `text/plain`; send `Content-Type: application/json`"
    "#]]
    .assert_eq(&send(&[("Content-Type", "text/plain")]).await.transcript());
    expect![[r#"
        415
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/unsupported-media-type"
        title: "The body is not plain JSON"
        status: 415
        detail: "the body has no type; send `Content-Type: application/json`"
    "#]]
    .assert_eq(&send(&[]).await.transcript());
    expect![[r#"
        415
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/unsupported-media-type"
        title: "The body is not plain JSON"
        status: 415
        detail: "the body is encoded as `gzip`; send it as it is"
    "#]]
    .assert_eq(&send(&[JSON, ("Content-Encoding", "gzip")]).await.transcript());
    assert_eq!(send(&[("Content-Type", "Application/JSON; charset=utf-8")]).await.status, 200);
}

#[tokio::test]
async fn foreign_callers() {
    let host = Host::start().await;
    let foreign = host.request("GET", "/health/live", &[("Host", "evil.test")], b"").await;
    expect![[r#"
        403
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/forbidden"
        title: "The request comes from somewhere else"
        status: 403
        detail: "the `Host` is `evil.test`; this server answers to IP addresses, `localhost`, and the names given with `--host NAME`"
    "#]].assert_eq(&foreign.transcript());
    let origin = [JSON, ("Origin", "https://evil.test")];
    let foreign = host.request("POST", "/run", &origin, HELLO.as_bytes()).await;
    expect![[r#"
        403
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/forbidden"
        title: "The request comes from somewhere else"
        status: 403
        detail: "the `Origin` is `https://evil.test`; this server answers only to its own pages"
    "#]]
    .assert_eq(&foreign.transcript());
    let known = host.request("GET", "/health/live", &[("Host", "tidegate.test")], b"").await;
    assert_eq!(known.status, 200);
    let none = host.raw(b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!((none.status, none.text("type")), (400, "/problems/malformed-request".to_owned()));
}

#[tokio::test]
async fn too_large() {
    let host = Host::start().await;
    let body = vec![b' '; (10 << 20) + 1];
    let answer = host.request("POST", "/run", &[JSON], &body).await;
    expect![[r#"
        413
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/too-large"
        title: "The request is too large"
        status: 413
        detail: "the body is larger than 10 MiB"
    "#]]
    .assert_eq(&answer.transcript());

    let mut chunked = format!(
        "POST /run HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        host.address
    )
    .into_bytes();
    for _ in 0..11 {
        chunked.extend(format!("{:x}\r\n", 1 << 20).into_bytes());
        chunked.extend(vec![b' '; 1 << 20]);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    assert_eq!(host.raw(&chunked).await.status, 413);
}

#[tokio::test]
async fn nothing_there() {
    let host = Host::start().await;
    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "there is no route `/runs`"
    "#]]
    .assert_eq(&host.get("/runs").await.transcript());
    for id in ["exec-01928f6e-5c1a-7000-8000-0123456789ab", "exec-789", "%F0%9F%98%80"] {
        let answer = host.get(&format!("/executions/{id}")).await;
        assert_eq!((answer.status, answer.text("type")), (404, "/problems/not-found".to_owned()));
        let answer = host.post(&format!("/executions/{id}/resume"), "{}").await;
        assert_eq!((answer.status, answer.text("type")), (404, "/problems/not-found".to_owned()));
    }
    host.post("/compile", r#"{ "source": "out x = 1", "name": "order-lookup" }"#).await;
    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "there is no pipeline `order-lokup`. Did you mean `order-lookup`?"
    "#]]
    .assert_eq(&host.post("/execute", r#"{ "ref": "order-lokup" }"#).await.transcript());
    assert_eq!(host.get("/pipelines/order-lookup@2").await.status, 404);
}

#[tokio::test]
async fn wrong_method() {
    let host = Host::start().await;
    expect![[r#"
        405
        content-type: application/problem+json
        allow: POST
        x-request-id: …
        type: "/problems/method-not-allowed"
        title: "The method does not fit the path"
        status: 405
        detail: "GET does not fit /run; allowed: POST"
    "#]]
    .assert_eq(&host.get("/run").await.transcript());
}

#[tokio::test]
async fn unknown_parameter() {
    let host = Host::start().await;
    let parameter = host.get("/executions?stauts=Failed").await;
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/malformed-request"
        title: "The request is malformed"
        status: 400
        detail: "the query parameter `stauts` is not known here. Did you mean `status`?"
    "#]]
    .assert_eq(&parameter.transcript());
    let matching = host.post_with("/compile", &[("If-Match", "\"1\"")], HELLO).await;
    assert_eq!(matching.status, 400);
}

#[tokio::test]
async fn conflicts() {
    let host = Host::start().await;
    let source = r#""in a: Boolean\nin b: Boolean\nin id: String\nuser = GetUser(id)\nout a\nout b\nout user""#;
    let body = format!(r#"{{ "source": {source}, "inputs": {{ "a": true, "id": "u" }} }}"#);
    let suspended = host.post("/run", &body).await;
    let resume = format!("/executions/{}/resume", suspended.text("executionId"));
    // All or nothing: `b` is not taken either.
    let conflict = host.post(&resume, r#"{ "inputs": { "a": false, "b": true } }"#).await;
    expect![[r#"
        409
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/input-conflict"
        title: "An input already has another value"
        status: 409
        detail: "the input `a` already has another value, provided by start at 2026-01-01T00:00:00Z"
        executionId: "exec-…"
        errors: [{"code":"V004","severity":"error","message":"the input `a` already has another value, provided by start at 2026-01-01T00:00:00Z","help":"leave it out: a value is given once and never replaced","pointer":"/inputs/a"}]
    "#]].assert_eq(&conflict.transcript());
    let node = r#"{ "resolvedNodes": { "user": { "id": "u", "name": "Bob" } } }"#;
    expect![[r#"
        409
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/node-already-computed"
        title: "A node is running or already has another value"
        status: 409
        detail: "the node `user` is running or already has another value"
        executionId: "exec-…"
        errors: [{"code":"V005","severity":"error","message":"the node `user` is running or already has another value","help":"leave it out: a value is given once and never replaced","pointer":"/resolvedNodes/user"}]
    "#]].assert_eq(&host.post(&resume, node).await.transcript());
    let unknown = r#"{ "inputs": { "c": 1 }, "resolvedNodes": { "usr": 1 } }"#;
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/input-invalid"
        title: "The supplied values do not fit the pipeline"
        status: 400
        detail: "2 faults"
        errors: [{"code":"V001","severity":"error","message":"the pipeline has no input `c`","help":"The pipeline has the inputs `a`, `b`, `id`.","pointer":"/inputs/c"},{"code":"V001","severity":"error","message":"the pipeline has no node `usr`","help":"Did you mean `user`?","pointer":"/resolvedNodes/usr"}]
    "#]].assert_eq(&host.post(&resume, unknown).await.transcript());
    assert_eq!(host.post(&resume, r#"{ "inputs": { "b": true } }"#).await.status, 200);
    let finished = host.post(&resume, r#"{ "inputs": { "b": false } }"#).await;
    expect![[r#"
        409
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        x-request-id: …
        type: "/problems/execution-finished"
        title: "The execution has finished"
        status: 409
        detail: "the execution has finished and takes nothing new; its result can be read"
        executionId: "exec-…"
    "#]]
    .assert_eq(&finished.transcript());
}

#[tokio::test]
async fn shown_text_is_harmless_and_short() {
    let host = Host::start().await;
    let field = format!("{}\\u001b[2J", "x".repeat(5_000));
    let answer = host.post("/run", &format!(r#"{{ "{field}": 1 }}"#)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.len() < 2_000, "{}", answer.body.len());
    assert!(!answer.body.contains("\\u001b"));
}
