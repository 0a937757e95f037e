//! Problems of the other rooms, translated once into problem documents.

use engine::{EngineError, ExecutionId, Provider, Rejection};
use model::Code;
use model::json::escape_pointer;
use model::limits::FAULTS_MAX;
use model::text::quote;

use crate::clock::rfc3339;
use crate::wire::{Entry, Problem, ProblemKind, count};

/// A request with one fault in its body.
pub(crate) fn malformed(
    pointer: &str,
    message: impl Into<String>,
    help: Option<String>,
) -> Problem {
    let message = message.into();
    let mut problem = Problem::new(ProblemKind::MalformedRequest, message.clone());
    problem.errors.push(Entry::at(pointer, message, help));
    problem
}

/// A fault of our own: the cause goes to the log.
pub(crate) fn internal(cause: impl Into<String>) -> Problem {
    let detail = "the log of the server has more about it, under the id in `X-Request-Id`";
    let mut problem = Problem::new(ProblemKind::Internal, detail);
    problem.cause = Some(cause.into());
    problem
}

/// There is no execution of this id.
pub(crate) fn no_execution(id: &str) -> Problem {
    let detail = format!("there is no execution `{}`", quote(id));
    Problem::new(ProblemKind::NotFound, detail)
}

/// The server takes no further work.
pub(crate) fn draining() -> Problem {
    let detail = "the server finishes what it has and takes nothing new; ask again when it is back";
    Problem::new(ProblemKind::Draining, detail)
}

/// What the engine said about the execution `id`, where there is one.
pub(crate) fn engine(error: EngineError, id: Option<ExecutionId>) -> Problem {
    let mut problem = match error {
        EngineError::NotFound => {
            return no_execution(&id.map(|id| id.to_string()).unwrap_or_default());
        }
        EngineError::Rejected(rejections) => rejected(rejections),
        EngineError::Finished => Problem::new(
            ProblemKind::ExecutionFinished,
            "the execution has finished and takes nothing new; its result can be read",
        ),
        EngineError::Draining => draining(),
        EngineError::InUse => Problem::new(
            ProblemKind::InUse,
            "the execution runs; wait until it rests, or cancel it",
        ),
        EngineError::NoImage => {
            Problem::new(ProblemKind::NotFound, "the pipeline was deleted meanwhile")
        }
        EngineError::Overloaded => Problem::new(
            ProblemKind::Overloaded,
            "the server has as much to do as it can take; ask again in a moment",
        ),
        EngineError::Unavailable(cause) => {
            let detail = "what the request asked for could not be stored or read; ask again";
            let mut problem = Problem::new(ProblemKind::StoreUnavailable, detail);
            problem.cause = Some(cause);
            problem
        }
        EngineError::Unusable(cause) => internal(cause),
    };
    problem.execution = id;
    problem
}

/// Supplied values that conflict with what is there. The first one decides the type.
fn rejected(rejections: Vec<Rejection>) -> Problem {
    let kind = match rejections.first().map(|rejection| rejection.code) {
        Some(Code::V005) => ProblemKind::NodeAlreadyComputed,
        Some(Code::V006) => ProblemKind::InputClosed,
        _ => ProblemKind::InputConflict,
    };
    let errors: Vec<Entry> = rejections.iter().take(FAULTS_MAX).map(rejection).collect();
    let detail = match errors.as_slice() {
        [Entry::Data { message, .. }] => message.clone(),
        _ => format!("{}; nothing was changed", count(rejections.len(), "conflict")),
    };
    let mut problem = Problem::new(kind, detail);
    problem.errors = errors;
    problem
}

fn rejection(rejection: &Rejection) -> Entry {
    let Rejection { code, name, provided } = rejection;
    let origin = match provided {
        Some((at, by)) => format!(", provided by {} at {}", by.as_str(), rfc3339(*at)),
        None => String::new(),
    };
    let (parent, message, help) = match (code, provided) {
        (Code::V005, _) => (
            "resolvedNodes",
            format!("the node `{name}` is running or already has another value"),
            "leave it out: a value is given once and never replaced",
        ),
        (Code::V006, Some((at, Provider::Deadline))) => (
            "inputs",
            format!("the deadline of the input `{name}` passed at {}", rfc3339(*at)),
            "leave it out: the execution went on with its default",
        ),
        (Code::V006, Some((at, _))) => (
            "inputs",
            format!("the input `{name}` was closed without a value at {}", rfc3339(*at)),
            "leave it out: the execution went on without it",
        ),
        _ => (
            "inputs",
            format!("the input `{name}` already has another value{origin}"),
            "leave it out: a value is given once and never replaced",
        ),
    };
    Entry::Data {
        code: Some(*code),
        message,
        help: Some(help.to_owned()),
        pointer: Some(format!("/{parent}/{}", escape_pointer(name))),
        place: None,
    }
}

#[cfg(test)]
mod tests {
    use engine::Timestamp;

    use super::*;

    fn document(error: EngineError) -> (u16, String) {
        let document = engine(error, None).document();
        (document.status, String::from_utf8(document.body).expect("JSON is text"))
    }

    #[test]
    fn the_first_conflict_decides_the_type() {
        let closed = Rejection {
            code: Code::V006,
            name: "note".into(),
            provided: Some((Timestamp(0), Provider::Closing)),
        };
        let computed = Rejection { code: Code::V005, name: "user".into(), provided: None };
        let (status, body) = document(EngineError::Rejected(vec![closed, computed]));
        assert_eq!(status, 409);
        for part in [
            "/problems/input-closed",
            "2 conflicts; nothing was changed",
            "the input `note` was closed without a value at 1970-01-01T00:00:00Z",
            "\"pointer\":\"/inputs/note\"",
            "\"pointer\":\"/resolvedNodes/user\"",
        ] {
            assert!(body.contains(part), "{part} is not in {body}");
        }
    }

    #[test]
    fn causes_stay_inside() {
        for (error, expected) in [
            (EngineError::Unusable("secret".to_owned()), 500),
            (EngineError::Unavailable("secret".to_owned()), 503),
        ] {
            assert_eq!(engine(error.clone(), None).cause.as_deref(), Some("secret"));
            let (status, body) = document(error);
            assert!(status == expected && !body.contains("secret"), "{body}");
        }
    }
}
