//! What requests carry beside their body: segments of the path, query parameters, headers.

use engine::limits::PAGE_MAX;
use hyper::Method;
use serde_json::{Value, json};

use crate::limits::{IDEMPOTENCY_KEY_MAX, WAIT_MAX};
use crate::routes::Endpoint;
use crate::wire::schema::component;

/// The parameters of an endpoint, in the order path, query, headers.
pub(super) fn of(path: &str, method: &Method, endpoint: Endpoint) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(name) = path.split(['{', '}']).nth(1) {
        let (description, schema) = segment(path, endpoint);
        all.push(json!({
            "in": "path", "name": name, "required": true,
            "description": description, "schema": schema,
        }));
    }
    all.extend(endpoint.parameters().iter().map(|name| query(endpoint, name)));
    if method == Method::POST {
        all.push(shared("IdempotencyKey"));
    }
    all.extend(headers(endpoint).iter().map(|name| shared(name)));
    all
}

/// A parameter that several endpoints have.
pub(super) fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// Those parameters. They are all headers.
pub(super) fn components() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "in": "header", "name": name, "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    let wait = format!(
        "`respond-async` is answered at once, `wait=N` at the latest after N seconds (at most {}), \
         both with 202 while the execution runs. Other preferences mean nothing here.",
        WAIT_MAX.as_secs()
    );
    json!({
        "RequestId": header(
            "X-Request-Id",
            "An id for the request, 1 to 128 of `A-Z a-z 0-9 . _ -`; any other is replaced",
            text(),
        ),
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Carries the request out once: whoever repeats it with the same key is told the first \
             answer again, for 24 hours",
            json!({
                "type": "string", "pattern": format!("^[!-~]{{1,{IDEMPOTENCY_KEY_MAX}}}$"),
            }),
        ),
        "Prefer": header("Prefer", &wait, json!({
            "type": "string", "examples": ["respond-async", "wait=10"],
        })),
        "IfMatch": header(
            "If-Match",
            "Moves the alias only if it still is where this `ETag` says",
            json!({
                "type": "string",
                "pattern": "^(\\*|(W/)?\"[^\",]*\"(, *(W/)?\"[^\",]*\")*)$",
            }),
        ),
        "LastEventId": header(
            "Last-Event-ID",
            "The number of the last item that was read; a stream goes on behind it",
            number(),
        ),
        "TraceParent": header(
            "traceparent",
            "The trace that the request belongs to (W3C Trace Context), passed on to modules; one \
             that is not well formed is no trace",
            text(),
        ),
    })
}

fn headers(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::Run | Endpoint::Execute | Endpoint::Resume => &["Prefer", "TraceParent"],
        Endpoint::InvokeModule => &["TraceParent"],
        Endpoint::PutPipeline => &["IfMatch"],
        Endpoint::ReadHistory => &["LastEventId"],
        _ => &[],
    }
}

fn segment(path: &str, endpoint: Endpoint) -> (&'static str, Value) {
    let alias_or_hash = json!({ "anyOf": [component("Name"), component("AnyHash")] });
    match endpoint {
        Endpoint::ReadPipeline | Endpoint::ReadGraph => {
            ("An alias, `alias@version`, or a hash", json!({ "type": "string", "minLength": 1 }))
        }
        Endpoint::DeletePipeline => ("An alias, or the hash of an image", alias_or_hash),
        Endpoint::PutPipeline | Endpoint::ListVersions | Endpoint::Rollback => {
            ("An alias", component("Name"))
        }
        Endpoint::ReadModule | Endpoint::InvokeModule => {
            ("The name of a module", json!({ "type": "string", "minLength": 1 }))
        }
        _ => {
            debug_assert!(path.starts_with("/executions/"));
            ("The id of an execution", component("ExecutionId"))
        }
    }
}

fn query(endpoint: Endpoint, name: &str) -> Value {
    let text = || json!({ "type": "string" });
    let (description, schema) = match (name, endpoint) {
        ("limit", _) => (
            "How many items a page has at most",
            json!({ "type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": 50 }),
        ),
        ("cursor", Endpoint::ListExecutions) => {
            ("The `nextCursor` of the page before", component("ExecutionId"))
        }
        ("cursor", Endpoint::ListPipelines | Endpoint::ListModules) => {
            ("The `nextCursor` of the page before", text())
        }
        ("cursor", Endpoint::ListVersions) => (
            "The `nextCursor` of the page before",
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        ),
        ("cursor", _) => ("The `nextCursor` of the page before", number()),
        ("status", _) => ("Only executions of this status", component("Status")),
        ("pipeline", _) => ("Only executions that were started by this alias", text()),
        ("missing", _) => ("Only executions that wait for this input", text()),
        ("wait", _) => (
            "Answers when the execution does not run any more, at the latest after so many seconds",
            json!({ "type": "integer", "minimum": 0 }),
        ),
        ("after", _) => ("Only items behind this number", number()),
        ("type", _) => ("Only events of this type", text()),
        _ => ("Only events with this key", text()),
    };
    json!({
        "in": "query", "name": name, "description": description, "schema": schema,
        // An empty parameter counts as absent.
        "allowEmptyValue": true,
    })
}

/// The number of an item of a history.
fn number() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX })
}
