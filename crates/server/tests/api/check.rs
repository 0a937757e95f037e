//! Checking a source, and the graph of a pipeline.

use crate::host::Host;
use expect_test::expect;
use serde_json::json;

const SOURCE: &str = r#"in userId: String
in greet: Boolean
user = GetUser(userId) with retry: 2
hello = "Hello ${user.name}"
out user
out hello when greet
"#;

fn body(source: &str) -> String {
    json!({ "source": source }).to_string()
}

#[tokio::test]
async fn a_sound_source_is_described_and_nothing_is_kept() {
    let host = Host::start().await;
    let checked = host.post("/check", &body(SOURCE)).await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        ok: true
        structuralHash: "sha256:…"
        diagnostics: []
        inputs: [{"name":"greet","type":"Boolean","schema":{"type":"boolean"},"required":true},{"name":"userId","type":"String","schema":{"type":"string"},"required":true}]
        outputs: [{"name":"hello","type":"Optional<String>"},{"name":"user","type":"{ id: String, name: String }"}]
        graph: {"nodes":[{"id":"in:greet","kind":"input","name":"greet","type":"Boolean","required":true,"span":{"start":21,"end":26}},{"id":"in:userId","kind":"input","name":"userId","type":"String","required":true,"span":{"start":3,"end":9}},{"id":"call:user.1","kind":"call","name":"user.1","type":"{ id: String, name: String }","module":"GetUser","effect":"read","options":"retry: 2","span":{"start":43,"end":72}},{"id":"n:user","kind":"binding","name":"user","type":"{ id: String, name: String }","span":{"start":36,"end":40}},{"id":"n:hello","kind":"binding","name":"hello","type":"String","span":{"start":73,"end":78}},{"id":"out:hello","kind":"output","name":"hello","type":"Optional<String>","span":{"start":115,"end":120}},{"id":"out:user","kind":"output","name":"user","type":"{ id: String, name: String }"}],"edges":[{"from":"in:greet","to":"out:hello","use":"guard"},{"from":"in:userId","to":"call:user.1","use":"always"},{"from":"call:user.1","to":"n:user","use":"always"},{"from":"n:user","to":"n:hello","use":"always"},{"from":"n:user","to":"out:user","use":"always"},{"from":"n:hello","to":"out:hello","use":"conditional"}]}
    "#]].assert_eq(&checked.transcript());

    let hash = checked.text("structuralHash");
    assert_eq!(host.get(&format!("/pipelines/{hash}")).await.status, 404);
    assert_eq!(host.get("/pipelines").await.json()["items"], json!([]));
    assert_eq!(host.modules.user_calls(), 0);

    let compiled = host.post("/compile", &body(SOURCE)).await.json();
    for member in ["structuralHash", "inputs", "outputs"] {
        assert_eq!(compiled[member], checked.json()[member]);
    }
}

#[tokio::test]
async fn a_wrong_source_is_no_wrong_request() {
    let host = Host::start().await;
    let checked = host.post("/check", &body("in x: Int\nout y = z\nin w: Int")).await;
    expect![[r#"
        200
        content-type: application/json
        x-request-id: …
        ok: false
        diagnostics: [{"code":"E001","severity":"error","message":"there is no input or binding `z`","span":{"start":18,"end":19,"line":2,"column":9,"endLine":2,"endColumn":10}}]
        inputs: []
        outputs: []
        graph: {"nodes":[],"edges":[]}
    "#]].assert_eq(&checked.transcript());
}

#[tokio::test]
async fn large_sources_are_checked_aside_and_diagnostics_are_bounded() {
    let host = Host::start().await;
    let source = "in x: Int\n".to_owned() + &"# a comment\n".repeat(2_000) + "out x";
    let checked = host.post("/check", &body(&source)).await.json();
    assert_eq!((checked["ok"].as_bool(), &checked["diagnostics"]), (Some(true), &json!([])));

    // Many warnings do not hide the one error behind them.
    let warned = (0..300).map(|at| format!("out w{at} = 1 ?? 2\n"));
    let source = warned.collect::<String>() + "out x = y";
    let checked = host.post("/check", &body(&source)).await.json();
    assert_eq!(checked["ok"], false);
    assert_eq!(checked["diagnostics"].as_array().map(Vec::len), Some(100));
    assert_eq!(checked["diagnostics"][0]["code"], "E001");
    assert_eq!(checked["diagnostics"][1]["code"], "W009");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let host = Host::start().await;
    for body in ["{}", r#"{ "source": 1 }"#, r#"{ "source": "out x = 1", "name": "n" }"#, "["] {
        assert_eq!(host.post("/check", body).await.status, 400, "{body}");
    }
    assert_eq!(host.get("/check").await.status, 405);
    assert_eq!(host.get("/pipelines/nobody/graph").await.status, 404);
    assert_eq!(host.get("/pipelines/nobody/graph?layout=1").await.status, 400);
    assert_eq!(host.post("/pipelines/nobody/graph", "{}").await.status, 405);
}

#[tokio::test]
async fn a_kept_pipeline_has_the_same_graph_under_all_its_names() {
    let host = Host::start().await;
    let request = json!({ "source": SOURCE, "name": "hello" }).to_string();
    let hash = host.post("/compile", &request).await.text("structuralHash");
    let graph = host.get("/pipelines/hello/graph").await;
    assert_eq!(graph.status, 200);
    assert_eq!(graph.json(), host.post("/check", &body(SOURCE)).await.json()["graph"]);
    for name in [format!("{hash}/graph"), "hello@1/graph".to_owned()] {
        assert_eq!(host.get(&format!("/pipelines/{name}")).await.body, graph.body);
    }
}
