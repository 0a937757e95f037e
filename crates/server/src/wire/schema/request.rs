//! What requests bring.

use serde_json::{Value, json};

use super::{Schemas, boolean, closed, component, text, values};
use crate::limits::EVENT_NAME_MAX;

pub(super) fn schemas() -> Schemas {
    let name = || json!({ "type": "string", "minLength": 1, "maxLength": EVENT_NAME_MAX });
    let key = json!({
        "anyOf": [name(), { "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }],
    });
    let reference = json!({
        "type": "string", "description": "An alias, `alias@version`, or a hash",
    });
    vec![
        ("Run", closed(json!({ "source": text(), "inputs?": values(), "keep?": boolean() }))),
        ("Execute", closed(json!({ "ref": reference, "inputs?": values(), "keep?": boolean() }))),
        (
            "Resume",
            closed(json!({
                "inputs?": values(), "resolvedNodes?": values(), "retryFailed?": boolean(),
            })),
        ),
        ("Check", closed(json!({ "source": text() }))),
        ("Compile", closed(json!({ "source": text(), "name?": component("Name") }))),
        ("Name", pipeline_name()),
        ("MoveAlias", closed(json!({ "structuralHash": component("AnyHash") }))),
        (
            "Rollback",
            closed(json!({
                "version?": { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            })),
        ),
        ("Invoke", closed(json!({ "inputs?": values() }))),
        ("Nothing", closed(json!({}))),
        (
            "Event",
            closed(json!({
                "id?": name(), "source?": name(), "type": name(), "key": key, "data": true,
            })),
        ),
        ("CloudEvent", cloud_event(&name())),
    ]
}

fn pipeline_name() -> Value {
    json!({
        "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,127}$",
        "not": { "pattern": "^sha256|^[0-9a-f]{64}$" },
    })
}

/// The one document that is open: its other attributes mean nothing here.
fn cloud_event(name: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "specversion": { "const": "1.0" }, "id": name, "source": name, "type": name,
            "subject": name, "data": true, "data_base64": false,
        },
        "required": ["specversion", "id", "source", "type", "subject"],
    })
}
