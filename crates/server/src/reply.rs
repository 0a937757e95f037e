//! What a handler gives back, and the HTTP response that becomes of it.

use engine::ExecutionId;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{HeaderMap, Response, StatusCode};
use uuid::Uuid;

use crate::limits::{DRAIN_GRACE, REQUEST_ID_MAX};
use crate::wire::{Document, Problem, ProblemKind};

/// The header that names an execution.
const EXECUTION_ID: HeaderName = HeaderName::from_static("tidegate-execution-id");
/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An answer.
pub(crate) struct Reply {
    document: Document,
    execution: Option<ExecutionId>,
    /// Whether the execution is to be looked at later.
    is_located: bool,
}

impl Reply {
    /// An answer about no execution in particular.
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
        Reply { document: Document::ok(body.into()), execution: None, is_located: false }
    }

    /// An answer about an execution; 202 says where to look for it.
    pub(crate) fn execution(document: Document, id: ExecutionId) -> Reply {
        let is_located = document.status == 202;
        Reply { document, execution: Some(id), is_located }
    }

    /// The response, without the headers that every response has.
    pub(crate) fn response(self) -> Response<Full<Bytes>> {
        let Reply { document, execution, is_located } = self;
        let mut response = response(document);
        let headers = response.headers_mut();
        if let Some(id) = execution {
            insert(headers, EXECUTION_ID, &id.to_string());
            if is_located {
                insert(headers, LOCATION, &format!("/executions/{id}"));
            }
        }
        response
    }
}

/// The response that a problem becomes.
pub(crate) fn problem(problem: &Problem) -> Response<Full<Bytes>> {
    let mut response = response(problem.document());
    let headers = response.headers_mut();
    if let Some(id) = problem.execution {
        insert(headers, EXECUTION_ID, &id.to_string());
    }
    if let Some(allow) = &problem.allow {
        insert(headers, ALLOW, allow);
    }
    match problem.kind {
        ProblemKind::Draining => insert(headers, RETRY_AFTER, &DRAIN_GRACE.as_secs().to_string()),
        ProblemKind::StoreUnavailable | ProblemKind::Overloaded => {
            insert(headers, RETRY_AFTER, "1")
        }
        _ => {}
    }
    response
}

fn response(document: Document) -> Response<Full<Bytes>> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
    let mut response = Response::new(Full::new(Bytes::from(document.body)));
    *response.status_mut() =
        StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = if document.is_problem { PROBLEM } else { JSON };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Our own ids, paths and methods: visible ASCII.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The name of one request: the caller's, if it is one that may stand in a log line.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's id, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> RequestId {
        let is_harmless = |value: &&HeaderValue| {
            let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
            (1..=REQUEST_ID_MAX).contains(&value.len()) && value.as_bytes().iter().all(allowed)
        };
        if let Some(given) = headers.get(REQUEST_ID).filter(is_harmless) {
            return RequestId(given.clone());
        }
        let id = Uuid::now_v7().hyphenated().to_string();
        RequestId(HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unnamed")))
    }

    /// For the log.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Puts it on a response.
    pub(crate) fn mark(&self, response: &mut Response<Full<Bytes>>) {
        response.headers_mut().insert(REQUEST_ID, self.0.clone());
    }
}
