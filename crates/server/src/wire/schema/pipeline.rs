//! Pipelines, modules, and what the compiler says.

use model::Effect;
use serde_json::{Map, Value, json};

use super::{Schemas, boolean, closed, component, list, one_of, page, text, time, whole};

pub(super) fn schemas() -> Schemas {
    let mut missing = input();
    missing.insert("deadline?".to_owned(), time());
    vec![
        ("Hash", json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" })),
        ("AnyHash", json!({ "type": "string", "pattern": "^(sha256:)?[0-9a-f]{64}$" })),
        ("Effect", one_of(&[Effect::Pure, Effect::Read, Effect::Write].map(Effect::as_str))),
        ("Input", closed(Value::Object(input()))),
        ("MissingInput", closed(Value::Object(missing))),
        ("Output", closed(json!({ "name": text(), "type": text(), "description?": text() }))),
        ("ModuleUse", closed(Value::Object(module_use()))),
        ("Compiled", compiled()),
        ("Alias", alias()),
        ("AliasPage", page("Alias")),
        ("Pipeline", pipeline()),
        ("Checked", checked()),
        ("Graph", closed(json!({ "nodes": list(node()), "edges": list(edge()) }))),
        ("Module", module()),
        ("ModulePage", page("Module")),
        ("Invoked", closed(json!({ "output": true }))),
        ("Diagnostic", diagnostic()),
        ("Place", place()),
        ("Live", closed(json!({ "status": { "const": "live" } }))),
        ("Ready", ready()),
    ]
}

fn ready() -> Value {
    let module = closed(json!({ "name": text(), "message": text() }));
    closed(json!({ "status": { "const": "ready" }, "missingModules?": list(module) }))
}

/// An input with all that a form needs.
fn input() -> Map<String, Value> {
    let members = json!({
        "name": text(), "type": text(),
        "schema": {
            "type": ["object", "boolean"],
            "description": "JSON Schema (2020-12) of what is accepted as its value",
        },
        "title?": text(), "description?": text(), "examples?": list(json!(true)),
        "default?": true, "required": boolean(),
    });
    members.as_object().cloned().unwrap_or_default()
}

fn module_use() -> Map<String, Value> {
    let members = json!({ "name": text(), "signature": text(), "effect": component("Effect") });
    members.as_object().cloned().unwrap_or_default()
}

fn module() -> Value {
    let mut members = module_use();
    members.insert("description".to_owned(), text());
    members.insert("origin".to_owned(), text());
    closed(Value::Object(members))
}

/// What goes in, what comes out, and what is called in between.
fn signature() -> Map<String, Value> {
    let members = json!({
        "structuralHash": component("Hash"), "inputs": list(component("Input")),
        "outputs": list(component("Output")), "modules": list(component("ModuleUse")),
    });
    members.as_object().cloned().unwrap_or_default()
}

fn with(mut members: Map<String, Value>, further: Value) -> Value {
    if let Value::Object(further) = further {
        members.extend(further);
    }
    closed(Value::Object(members))
}

fn compiled() -> Value {
    let further = json!({
        "alias?": text(), "version?": whole(1), "created": boolean(),
        "warnings": list(component("Diagnostic")),
    });
    with(signature(), further)
}

fn pipeline() -> Value {
    let further = json!({
        "alias?": text(), "version?": whole(1), "movedAt?": time(), "createdAt": time(),
        "source": text(), "aliases": list(component("Alias")), "versions?": list(component("Alias")),
    });
    with(signature(), further)
}

fn alias() -> Value {
    closed(json!({
        "name": text(), "version": whole(1), "structuralHash": component("Hash"), "movedAt": time(),
    }))
}

fn checked() -> Value {
    closed(json!({
        "ok": boolean(), "structuralHash?": component("Hash"),
        "diagnostics": list(component("Diagnostic")), "inputs": list(component("Input")),
        "outputs": list(component("Output")), "graph": component("Graph"),
    }))
}

fn node() -> Value {
    closed(json!({
        "id": text(), "kind": one_of(&["input", "binding", "call", "output"]), "name": text(),
        "type": text(), "required?": boolean(), "module?": text(), "effect?": component("Effect"),
        "options?": text(), "each?": { "const": true },
        "span?": closed(json!({ "start": whole(0), "end": whole(0) })),
    }))
}

fn edge() -> Value {
    closed(json!({ "from": text(), "to": text(), "use": text() }))
}

fn diagnostic() -> Value {
    let label = closed(json!({ "message": text(), "span": component("Place") }));
    closed(json!({
        "code": { "type": "string", "pattern": "^[EW][0-9]{3}$" },
        "severity": one_of(&["error", "warning"]), "message": text(), "help?": text(),
        "span": component("Place"), "labels?": list(label),
    }))
}

/// A place in a source: bytes from 0; lines and columns from 1.
fn place() -> Value {
    closed(json!({
        "start": whole(0), "end": whole(0), "line": whole(1), "column": whole(1),
        "endLine": whole(1), "endColumn": whole(1),
    }))
}
