//! Every answer that the tests get is held against the OpenAPI document, and the document against its
//! committed copy.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use expect_test::expect_file;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::host::{Answer, Host};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../docs/openapi.json")).expect("a document")
});

/// Compiled schemas, by where they stand in the document.
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
    LazyLock::new(Mutex::default);

#[tokio::test]
async fn the_committed_document_is_what_is_served() {
    // Not held against the copy that may be about to change.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let served = Host::start().await.raw(request.as_bytes()).await;
    expect_file!["../../../../docs/openapi.json"].assert_eq(&served.body);
}

#[test]
fn the_document_is_sound() {
    let text = DOCUMENT.to_string();
    let names = text.split("\"#/components/schemas/").skip(1);
    for name in names.map(|rest| rest.split('"').next().unwrap_or_default()) {
        assert!(DOCUMENT["components"]["schemas"][name].is_object(), "{name} is described");
    }
    for name in DOCUMENT["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(text.contains(&format!("#/components/schemas/{name}\"")), "{name} is used");
    }
}

/// Fails where the answer to this request is none that the document speaks of, or the request is one
/// that it does not allow and that was carried out.
pub(crate) fn hold(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    answer: &Answer,
) {
    let told = || format!("{method} {path} -> {}", answer.transcript());
    let Some((template, operation)) = operation(method, path) else {
        assert!(matches!(answer.status, 403..=405), "no such operation: {}", told());
        return;
    };
    let status = answer.status.to_string();
    let place = format!("{template} {method}");
    let response = &operation["responses"][&status];
    assert!(response.is_object(), "status {status} is not described: {}", told());
    if method == "HEAD" || answer.body.is_empty() {
        return;
    }
    let media = answer.header("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default();
    let content = &response["content"][media];
    assert!(content.is_object(), "type {media} is not described: {}", told());
    if media.ends_with("json") {
        let key = format!("{place} {status} {media}");
        match serde_json::from_str(&answer.body) {
            Ok(instance) => validate(&key, &content["schema"], &instance, &told),
            // Data of an event is given back as it came.
            Err(fault) => assert!(fault.to_string().starts_with("number out of range"), "{fault}"),
        }
    }
    let sent = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let (200..300, Some((_, media))) = (answer.status, sent) {
        let media = media.split(';').next().unwrap_or_default().trim().to_lowercase();
        let schema = &operation["requestBody"]["content"][&media]["schema"];
        // Data that nobody has looked at yet may have numbers that are too large for anybody.
        if let (true, Ok(body)) = (schema.is_object(), serde_json::from_slice(body)) {
            validate(&format!("{place} {media}"), schema, &body, &told);
        }
    }
}

fn validate(key: &str, schema: &Value, instance: &Value, told: &dyn Fn() -> String) {
    let validator =
        *VALIDATORS.lock().expect("validators").entry(key.to_owned()).or_insert_with(|| {
            let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
            Box::leak(Box::new(jsonschema::validator_for(&whole).expect("a schema")))
        });
    let faults: Vec<String> = validator
        .iter_errors(instance)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{key}: {faults:#?}\n{}", told());
}

/// The template and the description of what a request means.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let method = if method == "HEAD" { "get" } else { &method.to_lowercase() };
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(t, p)| t == p || t.starts_with('{') && !p.is_empty())
    };
    let (template, item) =
        DOCUMENT["paths"].as_object()?.iter().find(|(template, _)| fits(template))?;
    Some((template.as_str(), item.get(method)?))
}
