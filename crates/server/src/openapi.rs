//! The OpenAPI document: every route with what it takes and all that it may answer.
//!
//! [`operation`] is a table without a default, so a new endpoint does not compile before it is
//! described; the API tests hold every answer against the document.

use std::sync::LazyLock;

use hyper::Method;
use serde_json::{Map, Value, json};

use crate::limits::IDEMPOTENCY_KEY_MAX;
use crate::reply::Reply;
use crate::routes::{Endpoint, ROUTES};
use crate::wire::ProblemKind as P;
use crate::wire::schema::{component, components, of_kinds};

/// The document as it is served.
static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut text = serde_json::to_vec_pretty(&document()).unwrap_or_default();
    text.push(b'\n');
    text
});

/// `GET /openapi.json`.
pub(crate) fn read() -> Reply {
    Reply::ok(DOCUMENT.as_slice())
}

/// What an endpoint takes and gives.
pub(crate) struct Operation {
    /// Its name, for generated clients and for metrics.
    pub(crate) id: &'static str,
    summary: &'static str,
    /// What the variable segment of its path is.
    segment: Option<Segment>,
    /// The component that a JSON body must be.
    body: Option<&'static str>,
    /// Answers that are no problems, with their components.
    answers: &'static [(u16, Content)],
    /// Problems beside those that any endpoint of its kind may have.
    problems: &'static [P],
}

#[derive(Clone, Copy)]
enum Segment {
    Execution,
    Pipeline,
    Reference,
    Module,
}

#[derive(Clone, Copy)]
enum Content {
    Json(&'static str),
    /// JSON, or a stream of server-sent events.
    JsonOrStream(&'static str),
    /// `text/plain` in Prometheus' exposition format.
    Metrics,
    Document,
    Nothing,
}

use Content::{Json, JsonOrStream};

/// The description of an endpoint.
pub(crate) fn operation(endpoint: Endpoint) -> Operation {
    const STARTED: &[(u16, Content)] = &[(200, Json("Execution")), (202, Json("Execution"))];
    let (id, summary, segment, body, answers, problems): (_, _, _, _, &[_], &[_]) = match endpoint {
        Endpoint::Run => (
            "run",
            "Compile and run a source; keep nothing that completes",
            None,
            Some("Run"),
            STARTED,
            &[
                P::CompileFailed,
                P::InputInvalid,
                P::ExecutionFailed,
                P::ModuleFailed,
                P::Overloaded,
            ],
        ),
        Endpoint::Execute => (
            "execute",
            "Run a stored pipeline",
            None,
            Some("Execute"),
            STARTED,
            &[P::NotFound, P::InputInvalid, P::ExecutionFailed, P::ModuleFailed, P::Overloaded],
        ),
        Endpoint::Resume => (
            "resume",
            "Supply inputs, repair nodes or retry failed calls",
            Some(Segment::Execution),
            Some("Resume"),
            STARTED,
            &[
                P::NotFound,
                P::InputInvalid,
                P::InputConflict,
                P::NodeAlreadyComputed,
                P::InputClosed,
                P::ExecutionFinished,
                P::ExecutionFailed,
                P::ModuleFailed,
                P::Overloaded,
            ],
        ),
        Endpoint::Cancel => (
            "cancel",
            "End an execution for good",
            Some(Segment::Execution),
            Some("Nothing"),
            &[(200, Json("Execution"))],
            &[P::NotFound, P::ExecutionFinished, P::Overloaded],
        ),
        Endpoint::ListExecutions => (
            "listExecutions",
            "Kept executions, the newest first",
            None,
            None,
            &[(200, Json("ExecutionPage"))],
            &[],
        ),
        Endpoint::ReadExecution => (
            "readExecution",
            "An execution as it stands",
            Some(Segment::Execution),
            None,
            &[(200, Json("Execution"))],
            &[P::NotFound, P::Overloaded],
        ),
        Endpoint::ReadHistory => (
            "readHistory",
            "What happened to an execution, as pages or as a stream",
            Some(Segment::Execution),
            None,
            &[(200, JsonOrStream("HistoryPage"))],
            &[P::NotFound, P::Overloaded],
        ),
        Endpoint::DeleteExecution => (
            "deleteExecution",
            "Forget an execution that rests",
            Some(Segment::Execution),
            None,
            &[(204, Content::Nothing)],
            &[P::NotFound, P::InUse, P::Overloaded],
        ),
        Endpoint::ReceiveEvent => (
            "sendEvent",
            "Fill the inputs that wait for an event, or keep it for those that will",
            None,
            Some("Event"),
            &[(202, Json("Delivered"))],
            &[P::Overloaded],
        ),
        Endpoint::ListEvents => (
            "listEvents",
            "Kept events, the oldest first",
            None,
            None,
            &[(200, Json("EventPage"))],
            &[],
        ),
        Endpoint::ListPipelines => (
            "listPipelines",
            "Aliases with their newest versions, by name",
            None,
            None,
            &[(200, Json("AliasPage"))],
            &[],
        ),
        Endpoint::ReadPipeline => (
            "readPipeline",
            "A stored pipeline with its inputs, outputs and modules",
            Some(Segment::Reference),
            None,
            &[(200, Json("Pipeline"))],
            &[P::NotFound],
        ),
        Endpoint::ReadGraph => (
            "readGraph",
            "What a stored pipeline reads from what",
            Some(Segment::Reference),
            None,
            &[(200, Json("Graph"))],
            &[P::NotFound],
        ),
        Endpoint::PutPipeline => (
            "moveAlias",
            "Point an alias to a stored image",
            Some(Segment::Pipeline),
            Some("MoveAlias"),
            &[(200, Json("Alias")), (201, Json("Alias"))],
            &[P::NotFound, P::Stale, P::Overloaded],
        ),
        Endpoint::DeletePipeline => (
            "deletePipeline",
            "Forget an alias with its versions, or an image that nobody needs",
            Some(Segment::Reference),
            None,
            &[(204, Content::Nothing)],
            &[P::NotFound, P::InUse, P::Overloaded],
        ),
        Endpoint::ListVersions => (
            "listVersions",
            "Where an alias has pointed, the newest first",
            Some(Segment::Pipeline),
            None,
            &[(200, Json("AliasPage"))],
            &[P::NotFound],
        ),
        Endpoint::Rollback => (
            "rollback",
            "Point an alias to where it pointed before",
            Some(Segment::Pipeline),
            Some("Rollback"),
            &[(200, Json("Alias"))],
            &[P::NotFound, P::Overloaded],
        ),
        Endpoint::Check => (
            "check",
            "What the compiler has to say of a source",
            None,
            Some("Check"),
            &[(200, Json("Checked"))],
            &[],
        ),
        Endpoint::Compile => (
            "compile",
            "Compile a source, keep its image, and move an alias to it",
            None,
            Some("Compile"),
            &[(200, Json("Compiled"))],
            &[P::CompileFailed, P::Overloaded],
        ),
        Endpoint::ListModules => (
            "listModules",
            "The modules of this host, by name",
            None,
            None,
            &[(200, Json("ModulePage"))],
            &[],
        ),
        Endpoint::ReadModule => (
            "readModule",
            "A module of this host",
            Some(Segment::Module),
            None,
            &[(200, Json("Module"))],
            &[P::NotFound],
        ),
        Endpoint::InvokeModule => (
            "invokeModule",
            "Call a module by itself",
            Some(Segment::Module),
            Some("Invoke"),
            &[(200, Json("Invoked"))],
            &[P::NotFound, P::InputInvalid, P::ModuleFailed, P::Overloaded],
        ),
        Endpoint::Live => ("live", "The process answers", None, None, &[(200, Json("Live"))], &[]),
        Endpoint::Ready => {
            ("ready", "The server takes work", None, None, &[(200, Json("Ready"))], &[])
        }
        Endpoint::Metrics => {
            ("metrics", "Counters for Prometheus", None, None, &[(200, Content::Metrics)], &[])
        }
        Endpoint::OpenApi => {
            ("openapi", "This document", None, None, &[(200, Content::Document)], &[])
        }
    };
    Operation { id, summary, segment, body, answers, problems }
}

fn document() -> Value {
    let mut paths = Map::new();
    for (pattern, methods) in ROUTES {
        let mut item = Map::new();
        let mut path = (*pattern).to_owned();
        for (method, endpoint) in *methods {
            let described = operation(*endpoint);
            if let Some(segment) = described.segment {
                path = pattern.replace("{}", &format!("{{{}}}", segment.name()));
            }
            item.insert(method.as_str().to_lowercase(), described.write(method, *endpoint));
        }
        paths.insert(path, Value::Object(item));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidegate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A typed pipeline engine: hot, cold and suspended",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8080" }],
        "paths": paths,
        "components": { "schemas": components() },
    })
}

impl Segment {
    fn name(self) -> &'static str {
        match self {
            Segment::Execution => "id",
            // One path has one name for its variable.
            Segment::Pipeline | Segment::Reference => "ref",
            Segment::Module => "name",
        }
    }

    fn parameter(self) -> Value {
        let (description, schema) = match self {
            Segment::Execution => ("The id of an execution", component("ExecutionId")),
            Segment::Pipeline => ("An alias", component("Name")),
            Segment::Reference => (
                "An alias, `alias@version`, or a hash",
                json!({ "type": "string", "minLength": 1 }),
            ),
            Segment::Module => {
                ("The qualified name of a module", json!({ "type": "string", "minLength": 1 }))
            }
        };
        json!({
            "name": self.name(), "in": "path", "required": true, "description": description,
            "schema": schema,
        })
    }
}

impl Operation {
    fn write(&self, method: &Method, endpoint: Endpoint) -> Value {
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), self.id.into());
        operation.insert("summary".to_owned(), self.summary.into());
        let mut parameters: Vec<Value> =
            self.segment.iter().map(|segment| segment.parameter()).collect();
        parameters.extend(endpoint.parameters().iter().map(|name| query(name)));
        parameters.extend(headers(method, endpoint));
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = self.body {
            operation.insert("requestBody".to_owned(), request(body));
        }
        operation.insert("responses".to_owned(), self.responses(method, endpoint));
        Value::Object(operation)
    }

    fn responses(&self, method: &Method, endpoint: Endpoint) -> Value {
        let mut responses = Map::new();
        for (status, content) in self.answers {
            responses.insert(status.to_string(), content.response(*status));
        }
        let mut kinds: Vec<P> = self.problems.to_vec();
        kinds.extend([P::MalformedRequest, P::Forbidden, P::Internal]);
        if !matches!(endpoint, Endpoint::Live | Endpoint::OpenApi | Endpoint::Metrics) {
            kinds.extend([P::Draining, P::StoreUnavailable]);
        }
        if self.body.is_some() {
            kinds.extend([P::RequestTimeout, P::TooLarge, P::UnsupportedMediaType]);
        }
        if *method == Method::POST {
            kinds.extend([P::IdempotencyMismatch, P::RequestInProgress]);
        }
        kinds.sort_by_key(|kind| (kind.status(), kind.uri()));
        for kinds in kinds.chunk_by(|a, b| a.status() == b.status()) {
            responses.insert(kinds[0].status().to_string(), problem(kinds, endpoint));
        }
        Value::Object(responses)
    }
}

impl Content {
    fn response(self, status: u16) -> Value {
        let json = |name| json!({ "application/json": { "schema": component(name) } });
        let (description, content) = match self {
            Content::Json(name) => (description(status), json(name)),
            Content::JsonOrStream(name) => {
                let mut content = json(name);
                content["text/event-stream"] = json!({ "schema": { "type": "string" } });
                (description(status), content)
            }
            Content::Metrics => (
                "The text format of Prometheus, version 0.0.4",
                json!({ "text/plain": { "schema": { "type": "string" } } }),
            ),
            Content::Document => (
                "An OpenAPI 3.1 document",
                json!({ "application/json": { "schema": { "type": "object" } } }),
            ),
            Content::Nothing => return json!({ "description": "It is gone" }),
        };
        json!({ "description": description, "content": content })
    }
}

fn description(status: u16) -> &'static str {
    match status {
        201 => "It was made",
        202 => "It is taken, and goes on",
        _ => "It is done",
    }
}

/// The answer for problems that share a status. A failed execution says more than other problems do.
fn problem(kinds: &[P], endpoint: Endpoint) -> Value {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    let is_failed = |kind: &P| matches!(kind, P::ExecutionFailed | P::ModuleFailed);
    let others: Vec<P> = kinds.iter().copied().filter(|kind| !is_failed(kind)).collect();
    let failed = match endpoint {
        Endpoint::InvokeModule => component("FailedInvocation"),
        _ => component("FailedExecution"),
    };
    let schema = match (kinds.iter().any(is_failed), others.is_empty()) {
        (false, _) => of_kinds(kinds),
        (true, true) => failed,
        (true, false) => json!({ "anyOf": [failed, of_kinds(&others)] }),
    };
    json!({
        "description": titles.join("; "),
        "content": { "application/problem+json": { "schema": schema } },
    })
}

fn request(body: &str) -> Value {
    let mut content = json!({ "application/json": { "schema": component(body) } });
    if body == "Event" {
        content["application/cloudevents+json"] = json!({ "schema": component("CloudEvent") });
    }
    json!({ "required": true, "content": content })
}

fn query(name: &str) -> Value {
    let text = || json!({ "type": "string", "minLength": 1 });
    let (description, schema) = match name {
        "limit" => (
            "Items of a page",
            json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 50 }),
        ),
        "cursor" => ("The `nextCursor` of the page before", text()),
        "status" => ("Only executions of this status", component("Status")),
        "pipeline" => ("Only executions that were started by this alias", text()),
        "missing" => ("Only executions that wait for this input", text()),
        "after" => ("Only items behind this number", json!({ "type": "integer", "minimum": 0 })),
        "wait" => (
            "Answer when the execution rests, or after so many seconds",
            json!({ "type": "integer", "minimum": 0 }),
        ),
        "type" | "key" => ("Only events of this type or key", text()),
        _ => ("", text()),
    };
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn headers(method: &Method, endpoint: Endpoint) -> Vec<Value> {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    let mut headers = Vec::new();
    if *method == Method::POST {
        let schema = json!({
            "type": "string", "pattern": format!("^[!-~]{{1,{IDEMPOTENCY_KEY_MAX}}}$"),
        });
        let description = "The same request with the same key is carried out once";
        headers.push(header("Idempotency-Key", description, schema));
    }
    match endpoint {
        Endpoint::Run | Endpoint::Execute | Endpoint::Resume => {
            headers.push(header("Prefer", "`respond-async`, or `wait=SECONDS`", text()));
        }
        Endpoint::PutPipeline => {
            headers.push(header("If-Match", "The `ETag` that the alias must have", text()));
        }
        Endpoint::ReadHistory => {
            let description = "The number of the item behind which a stream goes on";
            headers.push(header("Last-Event-ID", description, text()));
        }
        _ => {}
    }
    headers
}
