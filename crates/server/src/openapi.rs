//! The OpenAPI 3.1 document of this server: the table of routes, what each endpoint takes and gives
//! ([`operation`]), and what the documents look like (`wire::schema`).
//!
//! What follows from an endpoint alone is added here and nowhere else: what every request may carry,
//! what a body can be refused for, which problems any work can meet. The tests of the API hold every
//! answer against this document, so a status, a header or a member that is not described fails them.

mod operation;
mod parameter;

use std::sync::LazyLock;

use hyper::Method;
use serde_json::{Map, Value, json};

use self::operation::{Answer, Content, Operation, operation};
use crate::body::CLOUD_EVENT;
use crate::routes::{Endpoint, ROUTES};
use crate::wire::ProblemKind;
use crate::wire::schema::{component, components, of_kinds};

/// The document, as it is served.
pub(crate) fn text() -> &'static [u8] {
    static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| document().to_string().into_bytes());
    &TEXT
}

fn document() -> Value {
    let paths: Map<String, Value> =
        ROUTES.iter().map(|(path, methods)| (path.to_string(), path_item(path, methods))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidegate",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": "Compiles typed pipelines, runs them, and keeps what waits. Every path \
                answers HEAD where it answers GET, and other methods with 405 and the problem \
                `/problems/method-not-allowed`. While the server listens on loopback, requests \
                for a foreign `Host` or from a foreign `Origin` are refused with 403.",
        },
        "paths": paths,
        "components": {
            "schemas": components(),
            "parameters": parameter::components(),
            "headers": headers(),
            "responses": refusals(),
        },
    })
}

fn path_item(path: &str, methods: &[(Method, Endpoint)]) -> Value {
    let mut item = Map::new();
    item.insert("parameters".to_owned(), json!([parameter::shared("RequestId")]));
    for (method, endpoint) in methods {
        let described = describe(path, method, *endpoint);
        item.insert(method.as_str().to_ascii_lowercase(), described);
    }
    Value::Object(item)
}

fn describe(path: &str, method: &Method, endpoint: Endpoint) -> Value {
    let operation = operation(endpoint);
    let mut described = json!({
        "operationId": endpoint.name(),
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameter::of(path, method, endpoint),
        "responses": responses(method, endpoint, &operation),
    });
    if let Some(name) = operation.body {
        let schema = |media_type: &str| match media_type {
            CLOUD_EVENT => component("CloudEvent"),
            _ => component(name),
        };
        let types = endpoint.media_types().iter();
        let content: Map<String, Value> =
            types.map(|it| (it.to_string(), json!({ "schema": schema(it) }))).collect();
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

fn responses(method: &Method, endpoint: Endpoint, operation: &Operation) -> Value {
    let mut responses = Map::new();
    for answer in &operation.answers {
        let described = success(method, answer);
        responses.insert(answer.status.to_string(), described);
    }
    let kinds = problems(method, endpoint, operation);
    for kind in &kinds {
        let of_status: Vec<ProblemKind> =
            kinds.iter().copied().filter(|other| other.status() == kind.status()).collect();
        let described = match of_status.as_slice() {
            [kind] if !is_failure(*kind) => {
                json!({ "$ref": format!("#/components/responses/{kind:?}") })
            }
            kinds => refusal(operation.failure, kinds),
        };
        responses.insert(kind.status().to_string(), described);
    }
    Value::Object(responses)
}

fn success(method: &Method, answer: &Answer) -> Value {
    let mut described = json!({ "description": answer.description });
    let mut headers = vec!["X-Request-Id"];
    headers.extend(answer.headers);
    if method == Method::POST {
        headers.push("Idempotent-Replayed");
    }
    described["headers"] = header_references(&headers);
    let content: Map<String, Value> = answer.content.iter().map(content).collect();
    if !content.is_empty() {
        described["content"] = Value::Object(content);
    }
    described
}

fn content(content: &Content) -> (String, Value) {
    let (media_type, schema) = match content {
        Content::Json(name) => ("application/json", component(name)),
        Content::AnyJson => ("application/json", json!({ "type": "object" })),
        Content::Text(media_type, description) => {
            (*media_type, json!({ "type": "string", "description": description }))
        }
    };
    (media_type.to_owned(), json!({ "schema": schema }))
}

/// The refusals that are the same wherever they are given.
fn refusals() -> Value {
    let alone = ProblemKind::ALL.iter().filter(|kind| !is_failure(**kind));
    alone.map(|kind| (format!("{kind:?}"), refusal("", &[*kind]))).collect::<Map<_, _>>().into()
}

/// Whether the problem tells of a call that was made, in the schema of its operation.
fn is_failure(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::ExecutionFailed | ProblemKind::ModuleFailed)
}

/// One response for all problems of a status.
fn refusal(failure: &str, kinds: &[ProblemKind]) -> Value {
    let (failures, others): (Vec<ProblemKind>, Vec<ProblemKind>) =
        kinds.iter().copied().partition(|kind| is_failure(*kind));
    let mut headers = vec!["X-Request-Id", "Tidegate-Execution-Id"];
    let mut schemas = Vec::new();
    if !failures.is_empty() {
        schemas.push(component(failure));
        headers.push("Idempotent-Replayed");
    }
    if !others.is_empty() {
        schemas.push(of_kinds(&others));
    }
    let schema = match <[Value; 1]>::try_from(schemas) {
        Ok([schema]) => schema,
        Err(schemas) => json!({ "anyOf": schemas }),
    };
    if kinds.iter().any(|kind| matches!(kind.status(), 429 | 503)) {
        headers.push("Retry-After");
    }
    if kinds.contains(&ProblemKind::MethodNotAllowed) {
        headers.push("Allow");
    }
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    json!({
        "description": titles.join("; "),
        "headers": header_references(&headers),
        "content": { "application/problem+json": { "schema": schema } },
    })
}

/// The problems of an endpoint, by status.
fn problems(method: &Method, endpoint: Endpoint, operation: &Operation) -> Vec<ProblemKind> {
    use ProblemKind::*;
    let mut kinds = vec![MalformedRequest, Forbidden, Internal];
    kinds.extend(operation.problems);
    if operation.body.is_some() {
        kinds.extend([RequestTimeout, TooLarge, UnsupportedMediaType]);
    }
    if endpoint.is_work() {
        kinds.push(Draining);
    }
    if method == Method::POST {
        kinds.extend([RequestInProgress, IdempotencyMismatch, StoreUnavailable]);
        // A key may lead to an execution that was deleted since.
        kinds.push(NotFound);
    }
    if kinds.contains(&StoreUnavailable) {
        // The queue of the store may be full.
        kinds.push(Overloaded);
    }
    ProblemKind::ALL.iter().copied().filter(|kind| kinds.contains(kind)).collect()
}

fn header_references(names: &[&str]) -> Value {
    let reference =
        |name: &&str| (name.to_string(), json!({ "$ref": format!("#/components/headers/{name}") }));
    Value::Object(names.iter().map(reference).collect())
}

fn headers() -> Value {
    fn header(required: bool, description: &str, schema: Value) -> Value {
        json!({ "required": required, "description": description, "schema": schema })
    }
    let text = || json!({ "type": "string" });
    json!({
        "X-Request-Id": header(true, "The caller's id of the request, or a new one", json!({
            "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$",
        })),
        "Tidegate-Execution-Id": header(
            false, "The execution that the answer is about", component("ExecutionId"),
        ),
        "Location": header(false, "Where to read the execution", text()),
        "ETag": header(false, "Where the alias points, for `If-Match`", text()),
        "Cache-Control": header(false, "A stream is never stored", text()),
        "Idempotent-Replayed": header(
            false, "The request was carried out before; this is its answer", json!({
                "type": "string", "const": "true",
            }),
        ),
        "Allow": header(true, "The methods that the path has", text()),
        "Retry-After": header(true, "Seconds after which to ask again", json!({
            "type": "integer", "minimum": 1,
        })),
    })
}
