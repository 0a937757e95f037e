//! What holds for every type and value: what is written is read back, reading agrees with a slow
//! and simple reading of the rules, and no text makes it panic.

use model::json::{read, read_at, schema, to_string};
use model::limits::FAULTS_MAX;
use model::value::fits;
use model::{Code, KeyType, Record, Type, Union, Value};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value as Json;

use super::random::{documents_of, types, values};

/// The value to the bit, marks and the sign of zero included.
fn bits(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    model::codec::write_value(&mut bytes, value);
    bytes
}

fn typed_values() -> impl Strategy<Value = (Type, Value)> {
    types().prop_flat_map(|ty| {
        let values = values(&ty);
        (Just(ty), values)
    })
}

fn typed_documents() -> impl Strategy<Value = (Type, String)> {
    types().prop_flat_map(|ty| {
        let documents = documents_of(&ty);
        (Just(ty), documents)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(8),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_written_is_read_back((ty, value) in typed_values()) {
        prop_assert!(fits(&ty, &value));
        let text = to_string(&ty, &value);
        match read(&ty, &text) {
            Ok(read) => prop_assert_eq!(bits(&read), bits(&value), "{}: {}", ty, text),
            Err(faults) => prop_assert!(false, "{}: {} {:?}", ty, text, faults),
        }
    }

    #[test]
    fn reading_agrees_with_the_rules((ty, text) in typed_documents()) {
        let expected = simple::read(&ty, &text);
        match (read(&ty, &text), expected) {
            (Ok(value), Some(expected)) => {
                prop_assert!(fits(&ty, &value));
                prop_assert_eq!(bits(&value), bits(&expected), "{}: {}", ty, text);
            }
            (Err(faults), None) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(matches!(fault.code, Code::V002 | Code::V003));
                    prop_assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'));
                }
            }
            (found, expected) => prop_assert!(false, "{ty}: {text}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn damaged_text_never_panics(
        (ty, value) in typed_values(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..4_u8), 1..4),
    ) {
        let mut text: Vec<char> = to_string(&ty, &value).chars().collect();
        for (at, character, edit) in edits {
            let at = at.index(text.len() + 1);
            match edit {
                0 => text.insert(at, character),
                1 => text.insert(at, ['"', '\\', '{', '[', ',', ':', '-', 'e'][character as usize % 8]),
                2 => text.truncate(at),
                _ => drop(text.drain(at..(at + 2).min(text.len()))),
            }
        }
        let text: String = text.into_iter().collect();
        let mut faults = Vec::new();
        let value = read_at(&ty, &text, "/x", &mut faults);
        prop_assert_eq!(value.is_none(), !faults.is_empty());
        prop_assert!(value.is_none_or(|value| fits(&ty, &value)));
        prop_assert!(faults.iter().all(|fault| fault.pointer.starts_with("/x")));
        prop_assert!(faults.len() <= FAULTS_MAX);
    }

    #[test]
    fn any_text_never_panics(ty in types(), text in "[\\[\\]{}\",:0-9eE.\\-\\\\truefalsn\\PC]{0,24}") {
        let valid = serde_json::from_str::<Json>(&text).is_ok();
        prop_assert!(valid || read(&ty, &text).is_err());
    }

    #[test]
    fn what_is_written_is_valid_by_the_schema((ty, value) in typed_values()) {
        let json: Json = serde_json::from_str(&to_string(&ty, &value)).expect("JSON");
        prop_assert!(is_valid(&schema(&ty), &json), "{}: {}", schema(&ty), json);
    }

    #[test]
    fn what_is_read_is_valid_by_the_schema((ty, text) in typed_documents()) {
        if read(&ty, &text).is_ok() {
            let json: Json = serde_json::from_str(&text).expect("JSON");
            prop_assert!(is_valid(&schema(&ty), &json), "{}: {}", schema(&ty), json);
        }
    }
}

/// Section 8 of the specification over trees, trying everything everywhere.
mod simple {
    use super::*;

    /// JSON with its keys in order and its numbers as they are written.
    enum Tree {
        Scalar(Json),
        Number(String),
        Array(Vec<Tree>),
        Object(Vec<(String, Tree)>),
    }

    fn tree(text: &str) -> Tree {
        if let Ok(members) = model::json::entries(text) {
            let member = |(key, raw): (std::borrow::Cow<'_, str>, &serde_json::value::RawValue)| {
                (key.into_owned(), tree(raw.get()))
            };
            return Tree::Object(members.into_iter().map(member).collect());
        }
        if let Ok(items) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(text) {
            return Tree::Array(items.into_iter().map(|raw| tree(raw.get())).collect());
        }
        match serde_json::from_str(text).expect("JSON") {
            Json::Number(_) => Tree::Number(text.to_owned()),
            scalar => Tree::Scalar(scalar),
        }
    }

    pub(crate) fn read(ty: &Type, text: &str) -> Option<Value> {
        value(ty, &tree(text))
    }

    fn value(ty: &Type, json: &Tree) -> Option<Value> {
        match (ty, json) {
            (Type::Optional(_), Tree::Scalar(Json::Null)) => Some(Value::None),
            (Type::Optional(content), json) => value(content, json),
            (Type::String, Tree::Scalar(Json::String(text))) => Some(Value::string(text.as_str())),
            (Type::Literal(literal), Tree::Scalar(Json::String(text))) => {
                (literal == text).then(|| Value::string(text.as_str()))
            }
            (Type::Boolean, Tree::Scalar(Json::Bool(value))) => Some(Value::Boolean(*value)),
            (Type::Float, Tree::Number(text)) => text.parse().ok().map(Value::Float),
            // What is not written like an Int is small enough here to be exact as a float.
            (Type::Int, Tree::Number(text)) => match text.parse() {
                Ok(int) => Some(Value::Int(int)),
                Err(_) => {
                    let float: f64 = text.parse().ok()?;
                    let is_int = float.fract() == 0.0 && float.abs() < 1e18;
                    is_int.then_some(Value::Int(float as i64))
                }
            },
            (Type::List(element), Tree::Array(items)) => Some(Value::List(
                items.iter().map(|item| value(element, item)).collect::<Option<_>>()?,
            )),
            (Type::Record(fields), Tree::Object(members)) => record(fields, members),
            (Type::Map(KeyType::String, ty), Tree::Object(members)) => {
                let entry = |(key, json): &(String, Tree)| {
                    Some((Value::string(key.as_str()), value(ty, json)?))
                };
                sorted(members.iter().map(entry).collect::<Option<_>>()?)
            }
            (Type::Map(key, ty), Tree::Array(pairs)) => {
                let key = if *key == KeyType::Int { Type::Int } else { Type::String };
                let entry = |pair: &Tree| match pair {
                    Tree::Array(pair) => match pair.as_slice() {
                        [k, v] => Some((value(&key, k)?, value(ty, v)?)),
                        _ => None,
                    },
                    _ => None,
                };
                sorted(pairs.iter().map(entry).collect::<Option<_>>()?)
            }
            (Type::Union(union), json) => member(union, json),
            _ => None,
        }
    }

    fn record(record: &Record, members: &[(String, Tree)]) -> Option<Value> {
        let field = |field: &model::Field| {
            let mut given = members.iter().filter(|(key, _)| field.name == *key);
            match (given.next(), given.next()) {
                (None, _) => field.ty.is_optional().then_some(Value::None),
                (Some((_, json)), None) => value(&field.ty, json),
                _ => None,
            }
        };
        Some(Value::Record(record.slots().map(field).collect::<Option<_>>()?))
    }

    fn sorted(mut entries: Vec<(Value, Value)>) -> Option<Value> {
        let key = |value: &Value| match value {
            Value::Int(int) => (*int, String::new()),
            Value::String(text) => (0, text.to_string()),
            _ => (0, String::new()),
        };
        entries.sort_by_key(|entry| key(&entry.0));
        let unique = entries.windows(2).all(|pair| key(&pair[0].0) != key(&pair[1].0));
        unique.then(|| Value::Map(entries.into()))
    }

    fn member(union: &Union, json: &Tree) -> Option<Value> {
        let members = union.members();
        let mark = |at: usize, value: Value| match members[at].ty {
            Type::List(_) | Type::Record(_) | Type::Map(..) => {
                Value::Tagged(at as u32, value.into())
            }
            _ => value,
        };
        if let Tree::Object(parts) = json
            && parts.len() == 2
            && let Some((_, Tree::Scalar(Json::String(tag)))) = parts.iter().find(|p| p.0 == "tag")
            && let Some((_, json)) = parts.iter().find(|p| p.0 == "value")
        {
            let alias = |m: &model::Member| m.tags.iter().any(|alias| alias == tag);
            let at = members.iter().position(alias);
            let at = at.or_else(|| members.iter().position(|m| m.ty.canonical() == *tag));
            if let Some(at) = at {
                return value(&members[at].ty, json).map(|value| mark(at, value));
            }
        }
        let has = |ty: Type| members.iter().any(|member| member.ty == ty);
        let mut fits: Vec<(usize, Value)> = Vec::new();
        for (at, member) in members.iter().enumerate() {
            if let Tree::Number(text) = json
                && has(Type::Int)
                && has(Type::Float)
                && (member.ty == Type::Int) != text.bytes().all(|b| b == b'-' || b.is_ascii_digit())
            {
                continue;
            }
            fits.extend(value(&member.ty, json).map(|value| (at, value)));
        }
        let used = |at: usize| match (&members[at].ty, json) {
            (Type::Record(record), Tree::Object(parts)) => parts
                .iter()
                .filter(|part| record.slot(&part.0).is_some())
                .map(|part| part.0.as_str())
                .collect::<std::collections::BTreeSet<_>>(),
            _ => Default::default(),
        };
        let is_record = |at: usize| matches!(members[at].ty, Type::Record(_));
        let all: Vec<usize> = fits.iter().map(|fit| fit.0).collect();
        fits.retain(|(at, _)| {
            let is_poorer = |&other: &usize| {
                let (mine, others) = (used(*at), used(other));
                is_record(*at) && is_record(other) && mine != others && mine.is_subset(&others)
            };
            !all.iter().any(is_poorer)
        });
        match <[_; 1]>::try_from(fits) {
            Ok([(at, value)]) => Some(mark(at, value)),
            Err(_) => None,
        }
    }
}

/// The part of JSON Schema that our schemas use.
fn is_valid(schema: &Json, json: &Json) -> bool {
    let Some(rules) = schema.as_object() else { return schema == &Json::Bool(true) };
    rules.iter().all(|(rule, of)| match rule.as_str() {
        "type" => match of.as_str() {
            Some("string") => json.is_string(),
            Some("integer") => json.as_f64().is_some_and(|float| float.fract() == 0.0),
            Some("number") => json.is_number(),
            Some("boolean") => json.is_boolean(),
            Some("array") => json.is_array(),
            Some("object") => json.is_object(),
            Some("null") => json.is_null(),
            _ => false,
        },
        "const" => json == of,
        "enum" => of.as_array().is_some_and(|all| all.contains(json)),
        "minimum" => json.as_f64() >= of.as_f64(),
        "maximum" => json.as_f64() <= of.as_f64(),
        "anyOf" => of.as_array().is_some_and(|any| any.iter().any(|s| is_valid(s, json))),
        "items" => json.as_array().is_none_or(|items| items.iter().all(|item| is_valid(of, item))),
        "prefixItems" => {
            let both = of.as_array().zip(json.as_array());
            both.is_none_or(|(of, items)| of.iter().zip(items).all(|(s, item)| is_valid(s, item)))
        }
        "minItems" => {
            json.as_array().is_none_or(|items| items.len() as u64 >= of.as_u64().unwrap())
        }
        "maxItems" => {
            json.as_array().is_none_or(|items| items.len() as u64 <= of.as_u64().unwrap())
        }
        "properties" => json.as_object().is_none_or(|object| {
            object.iter().all(|(key, value)| of.get(key).is_none_or(|s| is_valid(s, value)))
        }),
        "required" => json.as_object().is_none_or(|object| {
            let required = of.as_array().into_iter().flatten();
            required.into_iter().all(|key| key.as_str().is_some_and(|key| object.contains_key(key)))
        }),
        "additionalProperties" => json.as_object().is_none_or(|object| {
            let known = |key: &str| rules.get("properties").is_some_and(|p| p.get(key).is_some());
            object.iter().all(|(key, value)| known(key) || is_valid(of, value))
        }),
        "title" | "format" => true,
        other => unreachable!("the rule {other} is not checked"),
    })
}
