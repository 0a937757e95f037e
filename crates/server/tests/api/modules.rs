//! Modules: listed, read, and called by themselves.

use crate::host::Host;
use engine::Registry;
use expect_test::expect;

#[tokio::test]
async fn one_is_read() {
    let host = Host::start().await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        name: "GetUser"
        signature: "(userId: String) -> { id: String, name: String }"
        effect: "read"
        description: "A user by id"
        origin: "embedded"
    "#]]
    .assert_eq(&host.get("/modules/GetUser").await.transcript());
    expect![[r#"
        404
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/not-found"
        title: "There is nothing here"
        status: 404
        detail: "there is no module `GetUsr`. Did you mean `GetUser`?"
    "#]]
    .assert_eq(&host.get("/modules/GetUsr").await.transcript());
}

#[tokio::test]
async fn one_is_called() {
    let host = Host::start().await;
    let answer = host.post("/modules/GetUser/invoke", r#"{ "inputs": { "userId": "u-1" } }"#).await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        output: {"id":"u-1","name":"Alice"}
    "#]]
    .assert_eq(&answer.transcript());
    assert_eq!(host.modules.user_calls(), 1);
    assert_eq!(host.get("/executions").await.json()["items"][0], serde_json::Value::Null);
    assert!(host.modules.calls()[0].key.starts_with("invoke/"));
}

#[tokio::test]
async fn its_inputs_must_fit() {
    let host = Host::start().await;
    let body = r#"{ "inputs": { "user": "u-1", "x/y": 2 } }"#;
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/input-invalid"
        title: "The supplied values do not fit the pipeline"
        status: 400
        detail: "3 faults"
        errors: [{"code":"V001","severity":"error","message":"the module has no input `user`","help":"Did you mean `userId`?","pointer":"/inputs/user"},{"code":"V001","severity":"error","message":"the module has no input `x/y`","help":"It has the inputs `userId`.","pointer":"/inputs/x~1y"},{"code":"V002","severity":"error","message":"the module needs `userId`","help":"Add a value of the type `String`.","pointer":"/inputs/userId"}]
    "#]].assert_eq(&host.post("/modules/GetUser/invoke", body).await.transcript());
    let body = r#"{ "inputs": { "userId": 7 } }"#;
    expect![[r#"
        400
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/input-invalid"
        title: "The supplied values do not fit the pipeline"
        status: 400
        detail: "/inputs/userId: expected String, got number"
        errors: [{"code":"V002","severity":"error","message":"expected String, got number","pointer":"/inputs/userId"}]
    "#]].assert_eq(&host.post("/modules/GetUser/invoke", body).await.transcript());
    for (path, body, status) in [
        ("/modules/GetUser/invoke", r#"{ "input": {} }"#, 400),
        ("/modules/Nobody/invoke", r#"{ "inputs": {} }"#, 404),
    ] {
        assert_eq!(host.post(path, body).await.status, status, "{path}");
    }
    assert_eq!(host.modules.user_calls(), 0);
}

#[tokio::test]
async fn its_failure_is_told() {
    let host = Host::start().await;
    let invoke = async |name: &str, headers: &[(&str, &str)]| {
        let path = format!("/modules/{name}/invoke");
        host.post_with(&path, headers, r#"{ "inputs": { "id": "a" } }"#).await
    };
    expect![[r#"
        502
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/execution-failed"
        title: "The execution failed because of a module"
        status: 502
        detail: "`Flaky` failed with R001 (module failed): no answer from the shop"
        code: "R001"
        module: "Flaky"
        message: "no answer from the shop"
        attempts: 1
    "#]]
    .assert_eq(&invoke("Flaky", &[]).await.transcript());
    expect![[r#"
        502
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/execution-failed"
        title: "The execution failed because of a module"
        status: 502
        detail: "`Liar` failed with R010 (module result does not match its declared type): the result does not fit `String`"
        code: "R010"
        module: "Liar"
        message: "the result does not fit `String`"
        attempts: 1
    "#]].assert_eq(&invoke("Liar", &[]).await.transcript());
    expect![[r#"
        502
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/execution-failed"
        title: "The execution failed because of a module"
        status: 502
        detail: "`Panics` failed with R001 (module failed): the module panicked"
        code: "R001"
        module: "Panics"
        message: "the module panicked"
        attempts: 1
    "#]]
    .assert_eq(&invoke("Panics", &[]).await.transcript());
}

#[tokio::test]
async fn one_that_does_not_end_is_given_up() {
    let host = Host::start().await;
    host.clock.end_all_waits();
    let answer = host.post("/modules/Slow/invoke", r#"{ "inputs": { "id": "a" } }"#).await;
    assert_eq!((answer.status, answer.text("code")), (502, "R002".to_owned()));
}

#[tokio::test]
async fn with_a_key_it_is_called_once() {
    let host = Host::start().await;
    let key = [("Idempotency-Key", "k-1")];
    let body = r#"{ "inputs": { "id": "a" } }"#;
    let failed = host.post_with("/modules/Flaky/invoke", &key, body).await;
    let again = host.post_with("/modules/Flaky/invoke", &key, body).await;
    assert_eq!((failed.status, again.status), (502, 502));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(failed.body, again.body);
    let calls = host.modules.calls();
    assert_eq!((calls.len(), calls[0].key.as_str()), (1, "invoke/k-1"));
}

#[tokio::test]
async fn those_that_pipelines_miss_are_named() {
    let host = Host::start().await;
    let source = r#"{ "source": "in id: String  out name = GetUser(id).name" }"#;
    assert_eq!(host.post("/compile", source).await.status, 200);
    let ready = || host.get("/health/ready");
    assert_eq!(ready().await.body, r#"{"status":"ready"}"#);
    host.engine.replace_modules(Registry::default());
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        status: "ready"
        missingModules: [{"name":"GetUser","message":"this host has no module `GetUser`"}]
    "#]]
    .assert_eq(&ready().await.transcript());
}
