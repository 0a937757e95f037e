//! Problems, as the one table of them has it.

use serde_json::{Map, Value, json};

use super::execution::{failure_members, members};
use super::{Schemas, closed, component, list, one_of, text, whole};
use crate::wire::ProblemKind;

pub(super) fn schemas() -> Schemas {
    let mut problem = head(ProblemKind::ALL);
    problem.insert("errors?".to_owned(), list(component("Fault")));
    problem.insert("executionId?".to_owned(), component("ExecutionId"));
    let mut failed = head(&[ProblemKind::ExecutionFailed, ProblemKind::ModuleFailed]);
    failed.extend(members());
    let mut not_invoked = head(&[ProblemKind::ModuleFailed]);
    not_invoked.extend(failure_members());
    vec![
        ("Problem", closed(Value::Object(problem))),
        ("FailedExecution", closed(Value::Object(failed))),
        ("FailedInvocation", closed(Value::Object(not_invoked))),
        ("Fault", json!({ "oneOf": [component("Diagnostic"), data()] })),
    ]
}

/// A problem of one of these kinds.
pub(crate) fn of_kinds(kinds: &[ProblemKind]) -> Value {
    json!({
        "$ref": "#/components/schemas/Problem",
        "properties": { "type": one_of(&uris(kinds)) },
    })
}

fn head(kinds: &[ProblemKind]) -> Map<String, Value> {
    let members = json!({
        "type": one_of(&uris(kinds)), "title": text(), "status": { "type": "integer" },
        "detail": text(),
    });
    members.as_object().cloned().unwrap_or_default()
}

fn uris(kinds: &[ProblemKind]) -> Vec<&'static str> {
    let mut uris: Vec<&str> = kinds.iter().map(|kind| kind.uri()).collect();
    uris.dedup();
    uris
}

/// A fault in the data of a request.
fn data() -> Value {
    closed(json!({
        "code?": { "type": "string", "pattern": "^V[0-9]{3}$" }, "severity": { "const": "error" },
        "message": text(), "help?": text(),
        "pointer?": { "type": "string", "description": "JSON Pointer into the request's body" },
        "line?": whole(1), "column?": whole(1),
    }))
}
