//! What the documents of this room look like, as JSON Schema: the components of the OpenAPI
//! document.
//!
//! Every object is closed, so that a member that a writer adds and nobody describes here fails the
//! test that made it. Whoever changes a writer changes the function of the same name.

mod execution;
mod pipeline;
mod problem;
mod request;

use serde_json::{Map, Value, json};

pub(crate) use problem::of_kinds;

/// All components, by name.
pub(crate) fn components() -> Map<String, Value> {
    let mut all = Map::new();
    let lists = [execution::schemas(), pipeline::schemas(), problem::schemas(), request::schemas()];
    for (name, schema) in lists.into_iter().flatten() {
        all.insert(name.to_owned(), schema);
    }
    all
}

/// The schemas of one file, by name.
type Schemas = Vec<(&'static str, Value)>;

/// A component by its name.
pub(crate) fn component(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object with these members and no others; those whose names end with `?` may be absent.
fn closed(members: Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let Value::Object(members) = members else { return json!(false) };
    for (name, schema) in members {
        match name.strip_suffix('?') {
            Some(name) => drop(properties.insert(name.to_owned(), schema)),
            None => {
                required.push(json!(name));
                properties.insert(name, schema);
            }
        }
    }
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// A page of these items.
fn page(item: &str) -> Value {
    closed(json!({ "items": list(component(item)), "nextCursor?": text() }))
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn texts() -> Value {
    list(text())
}

fn one_of(texts: &[&str]) -> Value {
    json!({ "type": "string", "enum": texts })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

/// A count, or a number of something that is counted from `from`.
fn whole(from: u32) -> Value {
    json!({ "type": "integer", "minimum": from })
}

fn milliseconds() -> Value {
    json!({ "type": "number", "minimum": 0, "description": "Milliseconds" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// Values by name, of types that only the pipeline knows.
fn values() -> Value {
    json!({ "type": "object", "additionalProperties": true })
}
