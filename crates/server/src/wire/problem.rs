//! Problem documents (RFC 9457): the one table of everything that can be wrong with a request.

use engine::ExecutionId;
use model::json::Fault;
use model::limits::FAULTS_MAX;
use model::{Code, Diagnostic};

use super::object::{Object, list};
use super::{Document, diagnostic};

macro_rules! kinds {
    ($($kind:ident $status:literal $name:literal $title:literal,)*) => {
        /// What can be wrong with a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the title beside each kind is its documentation")]
        pub enum ProblemKind { $($kind,)* }

        impl ProblemKind {
            /// All of them, by status.
            pub const ALL: &[ProblemKind] = &[$(ProblemKind::$kind,)*];

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(ProblemKind::$kind => $status,)* }
            }

            /// The `type` of the document.
            pub fn uri(self) -> &'static str {
                match self { $(ProblemKind::$kind => concat!("/problems/", $name),)* }
            }

            /// The `title` of the document.
            pub fn title(self) -> &'static str {
                match self { $(ProblemKind::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    MalformedRequest 400 "malformed-request" "The request is malformed",
    CompileFailed 400 "compile-failed" "The source does not compile",
    InputInvalid 400 "input-invalid" "The supplied values do not fit the pipeline",
    Forbidden 403 "forbidden" "The request comes from somewhere else",
    NotFound 404 "not-found" "There is nothing here",
    MethodNotAllowed 405 "method-not-allowed" "The method does not fit the path",
    RequestTimeout 408 "request-timeout" "The request took too long to arrive",
    InputConflict 409 "input-conflict" "An input already has another value",
    NodeAlreadyComputed 409 "node-already-computed" "A node is running or already has another value",
    InputClosed 409 "input-closed" "An input is closed",
    ExecutionFinished 409 "execution-finished" "The execution has finished",
    InUse 409 "in-use" "It is in use",
    RequestInProgress 409 "request-in-progress" "The first request with this key still runs",
    Stale 412 "stale" "It was changed meanwhile",
    TooLarge 413 "too-large" "The request is too large",
    UnsupportedMediaType 415 "unsupported-media-type" "The body is not plain JSON",
    ExecutionFailed 422 "execution-failed" "The execution failed because of its data",
    IdempotencyMismatch 422 "idempotency-mismatch" "The key was used for another request",
    Overloaded 429 "overloaded" "The server has too much to do",
    Internal 500 "internal" "Something went wrong in the server",
    ModuleFailed 502 "execution-failed" "The execution failed because of a module",
    Draining 503 "draining" "The server is shutting down",
    StoreUnavailable 503 "store-unavailable" "The store does not answer",
}

/// A request that was not carried out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: ProblemKind,
    /// What is wrong with this request, for people.
    pub detail: String,
    /// One entry a fault.
    pub errors: Vec<Entry>,
    /// The execution, where one is stored.
    pub execution: Option<ExecutionId>,
    /// The methods that would be allowed.
    pub allow: Option<String>,
    /// What happened inside: for the log, never in an answer.
    pub cause: Option<String>,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// What the compiler says: a document that [`diagnostic`](super::diagnostic()) wrote.
    Diagnostic(Vec<u8>),
    /// Something in the request's data.
    Data {
        /// A V code, where there is one.
        code: Option<Code>,
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
        /// Where, as a JSON Pointer into the body.
        pointer: Option<String>,
        /// Where, as line and column of the body, from 1.
        place: Option<(usize, usize)>,
    },
}

impl Problem {
    /// A problem without entries.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            execution: None,
            allow: None,
            cause: None,
        }
    }

    /// What is wrong with a source. The list is cut at a bound; the detail counts everything.
    pub fn compile_failed(diagnostics: &[Diagnostic], source: &str) -> Problem {
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        let warnings = diagnostics.len() - errors;
        let detail = match warnings {
            0 => count(errors, "error"),
            warnings => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
        };
        let mut problem = Problem::new(ProblemKind::CompileFailed, detail);
        let listed = diagnostics.iter().take(FAULTS_MAX);
        problem.errors = listed.map(|one| Entry::Diagnostic(diagnostic(one, source))).collect();
        problem
    }

    /// Values that do not fit the pipeline. The list is cut at a bound; the detail counts everything.
    pub fn input_invalid(faults: Vec<Fault>) -> Problem {
        let detail = match faults.as_slice() {
            [fault] => format!("{}: {}", fault.pointer, fault.message),
            faults => count(faults.len(), "fault"),
        };
        let mut problem = Problem::new(ProblemKind::InputInvalid, detail);
        problem.errors = faults.into_iter().take(FAULTS_MAX).map(Entry::from).collect();
        problem
    }

    /// The document and its status.
    pub fn document(&self) -> Document {
        let mut out = Vec::with_capacity(256);
        let mut object = Object::begin(&mut out);
        self.head(&mut object);
        if let Some(id) = self.execution {
            object.id("executionId", id);
        }
        if !self.errors.is_empty() {
            list(object.key("errors"), &self.errors, |out, entry| entry.write(out));
        }
        object.end();
        Document { status: self.kind.status(), is_problem: true, body: out }
    }

    /// The members that every problem has.
    pub(crate) fn head(&self, object: &mut Object<'_>) {
        object.text("type", self.kind.uri());
        object.text("title", self.kind.title());
        object.number("status", self.kind.status());
        object.text("detail", &self.detail);
    }
}

impl Entry {
    /// A fault at a place that is named by a JSON Pointer.
    pub fn at(
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Entry {
        let (message, pointer) = (message.into(), Some(pointer.into()));
        Entry::Data { code: None, message, help, pointer, place: None }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (code, message, help, pointer, place) = match self {
            Entry::Diagnostic(document) => return out.extend(document),
            Entry::Data { code, message, help, pointer, place } => {
                (code, message, help, pointer, place)
            }
        };
        let mut object = Object::begin(out);
        object.maybe_text("code", code.map(Code::as_str));
        object.text("severity", "error");
        object.text("message", message);
        object.maybe_text("help", help.as_deref());
        object.maybe_text("pointer", pointer.as_deref());
        if let Some((line, column)) = place {
            object.number("line", line);
            object.number("column", column);
        }
        object.end();
    }
}

impl From<Fault> for Entry {
    fn from(fault: Fault) -> Entry {
        let Fault { code, pointer, message, help } = fault;
        Entry::Data { code: Some(code), message, help, pointer: Some(pointer), place: None }
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use model::Span;

    use super::*;

    #[test]
    fn errors_and_warnings_are_counted_and_the_list_is_bounded() {
        let one = |code| Diagnostic::new(code, Span::new(0, 3), "wrong");
        let few = Problem::compile_failed(&[one(Code::W001), one(Code::E001)], "out x");
        assert_eq!((few.detail.as_str(), few.errors.len()), ("1 error, 1 warning", 2));
        let many = Problem::compile_failed(&vec![one(Code::E001); FAULTS_MAX + 7], "out x");
        assert_eq!((many.detail.as_str(), many.errors.len()), ("107 errors", FAULTS_MAX));
    }
}
