//! The three modes, hot, cold and suspended, over HTTP against the real binary, with a `kill -9`
//! where it hurts. The requests are written as users write them; of the answers, ids, hashes and
//! durations are compared by form, all else to the letter.

mod common;

use common::{Folder, Reply, is_execution_id, is_hash};
use serde_json::{Value, json};

/// Checks that the answer says at least what is expected. An expected hash, id or duration stands
/// for anything of its form.
fn assert_says(reply: &Reply, status: u16, expected: &Value) {
    assert_eq!(reply.status, status, "{reply:?}");
    for (name, expected) in expected.as_object().unwrap() {
        let found = &reply.body[name];
        let text = found.as_str().unwrap_or_default();
        let is_as_expected = match name.as_str() {
            "structuralHash" => is_hash(text),
            "executionId" => is_execution_id(text),
            "compileTimeMs" | "executeTimeMs" => found.as_f64().is_some_and(|ms| ms >= 0.0),
            _ => found == expected,
        };
        assert!(is_as_expected, "{name}: expected {expected}, found {found}");
    }
}

#[test]
fn hot_compiles_and_executes_in_one_request() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    let reply =
        server.post("/run", r#"{ "source": "in x: String\nout x", "inputs": { "x": "hello" } }"#);
    let expected = json!({ "outputs": { "x": "hello" }, "structuralHash": "sha256:abc123…",
                           "compileTimeMs": 45, "executeTimeMs": 12, "status": "Completed" });
    assert_says(&reply, 200, &expected);
    let kept = server.get("/executions");
    assert_eq!(kept.body["items"], json!([]), "what completes at once leaves nothing behind");
}

#[test]
fn cold_executes_what_was_compiled_also_after_a_crash() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    let source = r#"{ "source": "in orderId: String\norder = GetOrder(orderId)\nout order",
                      "name": "order-lookup" }"#;
    let compiled = server.post("/compile", source);
    assert_says(&compiled, 200, &json!({ "structuralHash": "sha256:…", "alias": "order-lookup" }));
    let hash = compiled.body["structuralHash"].as_str().unwrap().to_owned();
    let by_alias = r#"{ "ref": "order-lookup", "inputs": { "orderId": "ORD-123" } }"#;
    let by_hash = format!(r#"{{ "ref": "{hash}", "inputs": {{ "orderId": "ORD-123" }} }}"#);
    let first = server.post("/execute", by_alias);
    assert_says(&first, 200, &json!({ "status": "Completed", "structuralHash": "sha256:…" }));
    assert_eq!(first.body["outputs"]["order"]["id"], "ORD-123");
    assert_eq!(first.body["structuralHash"], hash.as_str());

    server.kill();
    let server = folder.serve(&[]);
    for body in [by_alias, &by_hash, &by_hash.replace("sha256:", "")] {
        let again = server.post("/execute", body);
        assert_says(&again, 200, &json!({ "outputs": first.body["outputs"] }));
    }
    let recompiled = server.post("/compile", source);
    let expected = json!({ "structuralHash": "sha256:…", "version": 1, "created": false });
    assert_says(&recompiled, 200, &expected);
    assert_eq!(recompiled.body["structuralHash"], hash.as_str());
}

#[test]
fn suspended_goes_on_after_a_crash_and_calls_nothing_twice() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    let run = r#"{ "source": "in userId: String\nin approval: Boolean\nuser = GetUser(userId)\nout user when approval",
                   "inputs": { "userId": "user-123" } }"#;
    let suspended = server.post("/run", run);
    let expected = json!({ "status": "Suspended", "executionId": "exec-789",
                           "missingInputs": ["approval"],
                           "computedNodes": { "user": { "id": "user-123", "name": "Alice" } } });
    assert_says(&suspended, 202, &expected);
    let id = suspended.body["executionId"].as_str().unwrap().to_owned();
    let location = format!("location: /executions/{id}");
    assert!(suspended.head.to_lowercase().contains(&location), "{}", suspended.head);

    server.kill();
    // Whoever asks for the user from now on is told another name.
    let shop = rusqlite::Connection::open(folder.path("modules/shop.db")).unwrap();
    let renamed = shop.execute("update customers set name = 'Bob' where id = 'user-123'", []);
    assert_eq!(renamed.unwrap(), 1);
    let server = folder.serve(&[]);

    let kept = server.get(&format!("/executions/{id}"));
    assert_says(&kept, 200, &expected);
    let resume = r#"{ "inputs": { "approval": true } }"#;
    let resumed = server.post(&format!("/executions/{id}/resume"), resume);
    let expected = json!({ "status": "Completed",
                           "outputs": { "user": { "id": "user-123", "name": "Alice" } } });
    assert_says(&resumed, 200, &expected);
    assert_eq!(resumed.body["executionId"], id.as_str());
    assert_eq!(resumed.body["structuralHash"], suspended.body["structuralHash"]);

    let repeated = server.post(&format!("/executions/{id}/resume"), resume);
    assert_says(&repeated, 200, &expected);
    let other = r#"{ "inputs": { "approval": false } }"#;
    let conflict = server.post(&format!("/executions/{id}/resume"), other);
    assert_eq!(conflict.status, 409, "{conflict:?}");

    // A new execution does call: the name above came from the log.
    let anew = server.post("/run", run);
    assert_eq!(anew.body["computedNodes"]["user"]["name"], "Bob", "{anew:?}");
}

#[test]
fn a_stored_pipeline_suspends_in_the_same_way_and_survives_by_alias_and_by_hash() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    let source = r#"{ "source": "in userId: String\nin approval: Boolean\nuser = GetUser(userId)\nout user when approval",
                      "name": "approve-user" }"#;
    let compiled = server.post("/compile", source);
    let hash = compiled.body["structuralHash"].as_str().unwrap().to_owned();
    let mut ids = Vec::new();
    for reference in ["approve-user", &hash] {
        let body = json!({ "ref": reference, "inputs": { "userId": "user-123" } });
        let suspended = server.post("/execute", &body.to_string());
        assert_says(
            &suspended,
            202,
            &json!({ "status": "Suspended", "missingInputs": ["approval"] }),
        );
        ids.push(suspended.body["executionId"].as_str().unwrap().to_owned());
    }

    server.kill();
    let server = folder.serve(&[]);
    for (id, approval) in ids.iter().zip([true, false]) {
        let body = json!({ "inputs": { "approval": approval } });
        let resumed = server.post(&format!("/executions/{id}/resume"), &body.to_string());
        let user =
            if approval { json!({ "id": "user-123", "name": "Alice" }) } else { Value::Null };
        assert_says(&resumed, 200, &json!({ "status": "Completed", "outputs": { "user": user } }));
    }
}

#[test]
fn pipeline_files_are_ready_when_the_server_is_and_a_restart_moves_nothing() {
    let folder = Folder::with_shop();
    let server = folder.serve(&["--pipelines", "pipelines"]);
    let listed = server.get("/pipelines").body["items"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(8), "{listed}");
    server.post("/compile", r#"{ "source": "out a = 1", "name": "order-lookup" }"#);
    let moved = server.get("/pipelines/order-lookup");
    assert_eq!(moved.body["version"], 2, "{moved:?}");

    server.kill();
    let server = folder.serve(&["--pipelines", "pipelines"]);
    let still = server.get("/pipelines/order-lookup");
    assert_eq!(still.body["version"], 2, "the file did not change, so the alias stays: {still:?}");
    server.kill();
    folder.write("pipelines/order-lookup.cst", "out a = 2");
    let server = folder.serve(&["--pipelines", "pipelines"]);
    assert_eq!(server.get("/pipelines/order-lookup").body["version"], 3);
}
