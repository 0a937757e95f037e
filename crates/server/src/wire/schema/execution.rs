//! Executions, what happened to them, and events from outside.

use engine::{Provider, Status};
use serde_json::{Map, Value, json};

use super::{
    Schemas, boolean, closed, component, list, milliseconds, one_of, page, text, texts, time,
    values, whole,
};

pub(super) fn schemas() -> Schemas {
    let statuses = Status::ALL.map(Status::as_str);
    let mut execution = members();
    execution.insert("status".to_owned(), component("Status"));
    let item = closed(json!({
        "executionId": component("ExecutionId"), "status": component("Status"),
        "pipeline?": text(), "structuralHash": component("Hash"), "missingInputs?": texts(),
        "resumptionCount": whole(0), "createdAt": time(), "updatedAt": time(),
    }));
    vec![
        ("Status", one_of(&statuses)),
        (
            "ExecutionId",
            json!({ "type": "string", "pattern": "^exec-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" }),
        ),
        ("Execution", closed(Value::Object(execution))),
        ("ExecutionItem", item),
        ("ExecutionPage", page("ExecutionItem")),
        ("Failure", failure()),
        ("HistoryItem", json!({ "oneOf": history() })),
        ("HistoryPage", page("HistoryItem")),
        ("Delivered", delivered()),
        ("KeptEvent", kept_event()),
        ("EventPage", page("KeptEvent")),
    ]
}

/// What an execution and the problem of a failed one have in common.
pub(super) fn members() -> Map<String, Value> {
    let members = json!({
        "executionId": component("ExecutionId"),
        "structuralHash": component("Hash"),
        "outputs": values(),
        "missingInputs?": texts(),
        "missing?": list(component("MissingInput")),
        "possibleInputs?": texts(),
        "computedNodes?": values(),
        "failedNodes": { "type": "object", "additionalProperties": component("Failure") },
        "pendingOutputs": texts(),
        "resumptionCount": whole(0),
        "createdAt?": time(),
        "updatedAt?": time(),
        "compileTimeMs?": milliseconds(),
        "executeTimeMs?": milliseconds(),
    });
    members.as_object().cloned().unwrap_or_default()
}

/// A failure of a node, or of a module that was called by itself.
pub(super) fn failure_members() -> Map<String, Value> {
    let members = json!({
        "code": { "type": "string", "pattern": "^R[0-9]{3}$" }, "module?": text(), "message": text(),
        "attempts?": whole(0), "cause?": text(),
    });
    members.as_object().cloned().unwrap_or_default()
}

fn failure() -> Value {
    closed(Value::Object(failure_members()))
}

/// One schema for each type of item.
fn history() -> Vec<Value> {
    let providers = [
        Provider::Start,
        Provider::Resume,
        Provider::Default,
        Provider::Closing,
        Provider::Deadline,
        Provider::Event,
    ];
    let providers = one_of(&providers.map(Provider::as_str));
    let call = json!({
        "node": text(), "module": text(), "callKey": text(),
        "durationMs": whole(0), "waitedMs": whole(0),
    });
    let completed = json!({
        "attempts": whole(0), "cacheHit": boolean(), "origin": { "const": "module" },
    });
    let failed = json!({ "failure": component("Failure") });
    vec![
        item("started", &[&json!({ "structuralHash": component("Hash"), "pipeline?": text() })]),
        item("resumed", &[&json!({ "retryFailed": boolean() })]),
        item("inputProvided", &[&json!({ "input": text(), "value": true, "by": providers })]),
        item(
            "nodeResolved",
            &[&json!({ "node": text(), "value": true, "origin": { "const": "manual" } })],
        ),
        item("callCompleted", &[&call, &completed]),
        item("callFailed", &[&call, &failed]),
        item("deadlinePassed", &[&json!({ "input": text() })]),
        item(
            "eventReceived",
            &[&json!({
                "id?": text(), "source?": text(), "eventType": text(), "key": text(),
                "input?": text(), "fits": boolean(),
            })],
        ),
        item("nodeFailed", &[&json!({ "node": text() }), &failed]),
        item("suspended", &[&json!({ "missingInputs": texts() })]),
        item("failed", &[]),
        item("completed", &[]),
        item("cancelled", &[]),
    ]
}

fn item(name: &str, parts: &[&Value]) -> Value {
    let common = json!({ "number": whole(1), "at": time(), "type": { "const": name } });
    let mut members = common.as_object().cloned().unwrap_or_default();
    for part in parts.iter().filter_map(|part| part.as_object()) {
        members.extend(part.clone());
    }
    closed(Value::Object(members))
}

fn delivered() -> Value {
    closed(json!({ "delivered": list(component("ExecutionId")), "kept": boolean() }))
}

fn kept_event() -> Value {
    closed(json!({
        "receivedAt": time(), "id?": text(), "source?": text(), "type": text(), "key": text(),
        "data": true,
    }))
}
