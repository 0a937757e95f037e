//! A type as JSON Schema (draft 2020-12), so that a form can be drawn from it.
//!
//! Whatever reading accepts is valid, so that a form or a client never refuses what we would take.
//! The reverse does not hold: bounds of length, unique keys and ambiguous members are left to
//! reading. A schema grows in proportion to its type.

use serde_json::{Map, Value, json};

use super::tag::tag_of;
use crate::{KeyType, Member, Record, Type, Union};

/// The schema of what reading a value of `ty` accepts.
pub fn schema(ty: &Type) -> Value {
    match ty {
        Type::String => json!({ "type": "string" }),
        Type::Int => json!({
            "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX,
        }),
        Type::Float => json!({ "type": "number" }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Literal(text) => json!({ "type": "string", "const": text.as_str() }),
        Type::List(element) => json!({ "type": "array", "items": schema(element) }),
        Type::Map(key, value) => map(*key, schema(value)),
        Type::Optional(content) => json!({ "anyOf": [schema(content), { "type": "null" }] }),
        Type::Record(record) => object(record),
        Type::Union(union) => alternatives(union),
        Type::Nothing | Type::Function(..) | Type::Variable(_) | Type::Unknown => json!(false),
    }
}

/// A map with text keys may be given as pairs too; that form says nothing of its values, or the
/// schema would double with every level.
fn map(key: KeyType, value: Value) -> Value {
    match key {
        KeyType::String => json!({ "anyOf": [
            { "type": "object", "additionalProperties": value },
            pairs(schema(&Type::String), json!(true)),
        ] }),
        KeyType::Int | KeyType::Variable => pairs(schema(&Type::Int), value),
    }
}

fn pairs(key: Value, value: Value) -> Value {
    let pair =
        json!({ "type": "array", "prefixItems": [key, value], "minItems": 2, "maxItems": 2 });
    json!({ "type": "array", "items": pair })
}

fn object(record: &Record) -> Value {
    let properties: Map<String, Value> =
        record.fields().iter().map(|f| (f.name.to_string(), schema(&f.ty))).collect();
    let required: Vec<&str> = record
        .fields()
        .iter()
        .filter(|field| !field.ty.is_optional())
        .map(|field| field.name.as_str())
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The members, then the tagged form, which says of its value nothing for the reason above. A
/// choice of literals stays the plain choice.
fn alternatives(union: &Union) -> Value {
    let literals: Option<Vec<&str>> = union
        .members()
        .iter()
        .map(|member| match &member.ty {
            Type::Literal(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if let Some(literals) = literals {
        return json!({ "type": "string", "enum": literals });
    }
    let titled = |(at, member): (usize, &Member)| {
        let mut schema = schema(&member.ty);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("title".to_owned(), json!(tag_of(union, at).as_str()));
        }
        schema
    };
    let mut any: Vec<Value> = union.members().iter().enumerate().map(titled).collect();
    any.push(json!({
        "type": "object",
        "properties": { "tag": { "enum": tags(union) }, "value": true },
        "required": ["tag", "value"],
        "additionalProperties": false,
    }));
    json!({ "anyOf": any })
}

fn tags(union: &Union) -> Vec<String> {
    let of = |member: &Member| {
        let aliases = member.tags.iter().map(|tag| tag.to_string());
        aliases.chain([member.ty.canonical()]).collect::<Vec<_>>()
    };
    let mut tags: Vec<String> = union.members().iter().flat_map(of).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{Field, Text};

    fn check(ty: &Type, expected: Expect) {
        expected.assert_eq(&schema(ty).to_string());
    }

    #[test]
    fn every_type_has_a_schema() {
        let field = |name: &str, ty| Field { name: name.into(), ty };
        let record = Type::Record(Record::new([
            field("z", Type::optional(Type::Boolean)),
            field("a", Type::Literal("x".into())),
        ]));
        check(&Type::String, expect![[r#"{"type":"string"}"#]]);
        check(
            &Type::Int,
            expect![[
                r#"{"format":"int64","maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"}"#
            ]],
        );
        check(&Type::Float, expect![[r#"{"type":"number"}"#]]);
        check(&Type::Nothing, expect!["false"]);
        check(
            &Type::list(record),
            expect![[
                r#"{"items":{"properties":{"a":{"const":"x","type":"string"},"z":{"anyOf":[{"type":"boolean"},{"type":"null"}]}},"required":["a"],"type":"object"},"type":"array"}"#
            ]],
        );
        check(
            &Type::Map(KeyType::String, Type::Float.into()),
            expect![[
                r#"{"anyOf":[{"additionalProperties":{"type":"number"},"type":"object"},{"items":{"maxItems":2,"minItems":2,"prefixItems":[{"type":"string"},true],"type":"array"},"type":"array"}]}"#
            ]],
        );
        check(
            &Type::Map(KeyType::Int, Type::Float.into()),
            expect![[
                r#"{"items":{"maxItems":2,"minItems":2,"prefixItems":[{"format":"int64","maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},{"type":"number"}],"type":"array"},"type":"array"}"#
            ]],
        );
    }

    #[test]
    fn unions_list_their_members_and_the_tagged_form() {
        let literals = ["gold", "silver"].map(|text| (Type::Literal(text.into()), None));
        check(&Union::of(literals), expect![[r#"{"enum":["gold","silver"],"type":"string"}"#]]);
        let list = (Type::list(Type::String), Some(Text::from("Names")));
        check(
            &Union::of([list, (Type::Boolean, None)]),
            expect![[
                r#"{"anyOf":[{"title":"Boolean","type":"boolean"},{"items":{"type":"string"},"title":"Names","type":"array"},{"additionalProperties":false,"properties":{"tag":{"enum":["Boolean","List<String>","Names"]},"value":true},"required":["tag","value"],"type":"object"}]}"#
            ]],
        );
    }

    #[test]
    fn a_schema_grows_with_its_type_and_no_faster() {
        let length = |depth: usize| {
            let mut ty = Type::Boolean;
            for _ in 0..depth {
                let map = Type::Map(KeyType::String, ty.into());
                ty = Union::of([(map, Some(Text::from("M"))), (Type::Int, None)]);
            }
            schema(&ty).to_string().len()
        };
        // The tags hold printed types, which makes it the square of the depth at worst.
        assert!(length(16) < 5 * length(8));
    }
}
