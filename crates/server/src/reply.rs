//! What a handler gives back, and the HTTP response that becomes of it.

use std::convert::Infallible;

use engine::ExecutionId;
use futures_util::stream::BoxStream;
use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use hyper::{HeaderMap, Response, StatusCode};
use uuid::Uuid;

use crate::limits::{DRAIN_GRACE, REQUEST_ID_MAX};
use crate::wire::{Document, Problem, ProblemKind};

/// The header that names an execution.
const EXECUTION_ID: HeaderName = HeaderName::from_static("tidegate-execution-id");
/// The header that tells that a request was carried out before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The body of a response: whole, or as it comes.
pub(crate) type ResponseBody = Either<Full<Bytes>, EventStream>;

/// Server-sent events, made when their reader takes them.
pub(crate) type EventStream = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// An answer.
pub(crate) struct Reply {
    content: Content,
    execution: Option<ExecutionId>,
    /// The state that it shows, for `If-Match`.
    etag: Option<String>,
    /// It was given before.
    is_replayed: bool,
}

enum Content {
    Nothing,
    Document(Document),
    /// Its media type, and what it says.
    Text(&'static str, String),
    Stream(EventStream),
}

impl Reply {
    /// An answer about no execution in particular.
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
        Reply::of(Document::ok(body.into()))
    }

    fn with(content: Content) -> Reply {
        Reply { content, execution: None, etag: None, is_replayed: false }
    }

    /// A document about no execution in particular.
    pub(crate) fn of(document: Document) -> Reply {
        Reply::with(Content::Document(document))
    }

    /// Text that is no JSON.
    pub(crate) fn text(media_type: &'static str, text: String) -> Reply {
        Reply::with(Content::Text(media_type, text))
    }

    /// 204: done, and there is nothing to say.
    pub(crate) fn no_content() -> Reply {
        Reply::with(Content::Nothing)
    }

    /// An answer about an execution; 202 says where to look for it.
    pub(crate) fn execution(document: Document, id: ExecutionId) -> Reply {
        Reply::of(document).about(id)
    }

    /// What happens, as it does.
    pub(crate) fn stream(stream: EventStream) -> Reply {
        Reply::with(Content::Stream(stream))
    }

    /// The same answer, about an execution.
    pub(crate) fn about(self, id: ExecutionId) -> Reply {
        Reply { execution: Some(id), ..self }
    }

    /// The same answer, with an `ETag`.
    pub(crate) fn tagged(self, etag: String) -> Reply {
        Reply { etag: Some(etag), ..self }
    }

    /// The same answer, given again.
    pub(crate) fn replayed(self) -> Reply {
        Reply { is_replayed: true, ..self }
    }

    /// The bytes from which the answer can be given again: a line with its form version, status,
    /// type, execution and tag, and its document.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (status, form, body) = match &self.content {
            Content::Document(Document { status, is_problem: true, body }) => {
                (*status, "problem", body.as_slice())
            }
            Content::Document(Document { status, is_problem: false, body }) => {
                (*status, "json", body.as_slice())
            }
            Content::Nothing | Content::Text(..) | Content::Stream(_) => (204, "nothing", &[][..]),
        };
        let id = self.execution.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let etag = self.etag.as_deref().unwrap_or("-");
        let mut bytes = format!("1 {status} {form} {id} {etag}\n").into_bytes();
        bytes.extend(body);
        bytes
    }

    /// The answer that was [encoded](Reply::encode).
    pub(crate) fn decode(bytes: &[u8]) -> Option<Reply> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<&str> = std::str::from_utf8(&bytes[..end]).ok()?.split(' ').collect();
        let ["1", status, form, id, etag] = line[..] else { return None };
        let (status, body) = (status.parse().ok()?, bytes[end + 1..].to_vec());
        let content = match form {
            "nothing" => Content::Nothing,
            "json" => Content::Document(Document { status, is_problem: false, body }),
            "problem" => Content::Document(Document { status, is_problem: true, body }),
            _ => return None,
        };
        let execution = match id {
            "-" => None,
            id => Some(id.parse().ok()?),
        };
        let etag = Some(etag).filter(|etag| *etag != "-").map(str::to_owned);
        Some(Reply { content, execution, etag, is_replayed: false })
    }

    /// The response, without the headers that every response has.
    pub(crate) fn response(self) -> Response<ResponseBody> {
        let Reply { content, execution, etag, is_replayed } = self;
        let mut response = match content {
            Content::Nothing => nothing(),
            Content::Document(document) => response(document),
            Content::Text(media_type, text) => self::text(media_type, text),
            Content::Stream(stream) => streamed(stream),
        };
        let is_accepted = response.status() == StatusCode::ACCEPTED;
        let headers = response.headers_mut();
        if let Some(id) = execution {
            insert(headers, EXECUTION_ID, &id.to_string());
            if is_accepted {
                insert(headers, LOCATION, &format!("/executions/{id}"));
            }
        }
        if let Some(etag) = etag {
            insert(headers, ETAG, &etag);
        }
        if is_replayed {
            insert(headers, REPLAYED, "true");
        }
        response
    }
}

fn nothing() -> Response<ResponseBody> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn text(media_type: &str, text: String) -> Response<ResponseBody> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(text))));
    insert(response.headers_mut(), CONTENT_TYPE, media_type);
    response
}

fn streamed(stream: EventStream) -> Response<ResponseBody> {
    let mut response = Response::new(Either::Right(stream));
    insert(response.headers_mut(), CONTENT_TYPE, "text/event-stream");
    insert(response.headers_mut(), CACHE_CONTROL, "no-store");
    response
}

/// The response that a problem becomes.
pub(crate) fn problem(problem: &Problem) -> Response<ResponseBody> {
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

fn response(document: Document) -> Response<ResponseBody> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(document.body))));
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
    pub(crate) fn mark(&self, response: &mut Response<ResponseBody>) {
        response.headers_mut().insert(REQUEST_ID, self.0.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_again_as_it_was() {
        let id = engine::ExecutionId::random();
        let document = |is_problem| Document { status: 422, is_problem, body: b"{\n}".to_vec() };
        for reply in [
            Reply::execution(document(true), id),
            Reply::of(document(false)),
            Reply::ok("{}").tagged("\"1-x\"".to_owned()),
            Reply::no_content(),
        ] {
            let bytes = reply.encode();
            assert_eq!(Reply::decode(&bytes).map(|reply| reply.encode()), Some(bytes));
        }
        for bad in
            ["", "1 200 json - -", "2 200 json - -\n{}", "1 200 text - -\n", "1 x json - -\n"]
        {
            assert!(Reply::decode(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
