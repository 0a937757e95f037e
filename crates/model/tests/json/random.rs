//! Random types, values of them, and documents that fit them or come near.

use model::{Field, KeyType, Type, Value};
use proptest::prelude::*;

use super::common::{literal, map, optional, record, union};

/// Field names, of which some make a record look like a tagged value.
const NAMES: [&str; 4] = ["tag", "value", "a", "b~/ü"];
/// Texts, of which some are tags.
const TEXTS: [&str; 6] = ["", "A", "Int", "x", "\"\\\n\u{1}", "é🙂"];

/// Any type of few parts, mostly a union of such.
pub(crate) fn types() -> BoxedStrategy<Type> {
    let member = (prop::sample::select(&["", "A", "B", "Int"][..]), any_types());
    let members = prop::collection::vec(member, 2..5).prop_map(|members| union(&members));
    prop_oneof![1 => any_types(), 2 => members, 1 => layered()].boxed()
}

/// Unions of records that hold the same union, so that its text is reached on several ways.
fn layered() -> BoxedStrategy<Type> {
    let around = |inner: Type| {
        let choices =
            vec![inner.clone(), Type::list(inner.clone()), optional(inner), Type::Int, Type::Float];
        let field = (prop::sample::select(&NAMES[..]), prop::sample::select(choices));
        let fields = prop::collection::vec(field, 1..4).prop_map(|fields| record(&fields));
        let member = (prop::sample::select(&["", "A", "B"][..]), fields);
        prop::collection::vec(member, 2..4).prop_map(|members| union(&members))
    };
    any_types().prop_flat_map(around).prop_flat_map(around).prop_flat_map(around).boxed()
}

fn any_types() -> BoxedStrategy<Type> {
    let leaf = prop_oneof![
        Just(Type::String),
        Just(Type::Int),
        Just(Type::Float),
        Just(Type::Boolean),
        prop::sample::select(&TEXTS[..]).prop_map(literal),
    ];
    leaf.prop_recursive(5, 128, 3, |inner| {
        let field = (prop::sample::select(&NAMES[..]), inner.clone());
        let member = (prop::sample::select(&["", "A", "B", "Int"][..]), inner.clone());
        prop_oneof![
            1 => inner.clone().prop_map(Type::list),
            1 => inner.clone().prop_map(Type::optional),
            1 => inner.clone().prop_map(|value| map(KeyType::String, value)),
            1 => inner.prop_map(|value| map(KeyType::Int, value)),
            4 => prop::collection::vec(field, 0..4).prop_map(|fields| record(&fields)),
            4 => prop::collection::vec(member, 2..4).prop_map(|members| union(&members)),
        ]
    })
    .boxed()
}

/// Any value of a type.
pub(crate) fn values(ty: &Type) -> BoxedStrategy<Value> {
    let ints = || prop_oneof![Just(0), Just(i64::MIN), Just(i64::MAX), any::<i64>(), -9..9_i64];
    let texts = || prop_oneof![prop::sample::select(&TEXTS[..]).prop_map(str::to_owned), ".{0,3}"];
    match ty {
        Type::String => texts().prop_map(Value::string).boxed(),
        Type::Int => ints().prop_map(Value::Int).boxed(),
        Type::Float => {
            use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
            let any = (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO)
                .prop_filter("exact as whole numbers, or none", |f| {
                    !(1e15..1e19).contains(&f.abs())
                });
            let small = (-9..9_i32).prop_map(|int| f64::from(int) / 2.0);
            prop_oneof![any, small].prop_map(Value::Float).boxed()
        }
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Literal(text) => Just(Value::String(text.clone())).boxed(),
        Type::List(element) => prop::collection::vec(values(element), 0..3)
            .prop_map(|items| Value::List(items.into()))
            .boxed(),
        Type::Optional(content) => prop_oneof![Just(Value::None), values(content)].boxed(),
        Type::Record(record) => record
            .slots()
            .map(|field| values(&field.ty))
            .collect::<Vec<_>>()
            .prop_map(|fields| Value::Record(fields.into()))
            .boxed(),
        Type::Map(KeyType::Int, value) => prop::collection::btree_map(ints(), values(value), 0..3)
            .prop_map(|entries| entries.into_iter().map(|(k, v)| (Value::Int(k), v)).collect())
            .prop_map(Value::Map)
            .boxed(),
        Type::Map(KeyType::String, value) => {
            let keys =
                prop_oneof![texts(), prop::sample::select(&NAMES[..]).prop_map(str::to_owned)];
            prop::collection::btree_map(keys, values(value), 0..3)
                .prop_map(|entries| {
                    entries.into_iter().map(|(k, v)| (Value::string(k), v)).collect()
                })
                .prop_map(Value::Map)
                .boxed()
        }
        Type::Union(union) => {
            let members = union.members().iter().enumerate().map(|(at, member)| {
                let is_marked =
                    matches!(member.ty, Type::List(_) | Type::Record(_) | Type::Map(..));
                let mark = move |value: Value| match is_marked {
                    true => Value::Tagged(at as u32, value.into()),
                    false => value,
                };
                values(&member.ty).prop_map(mark).boxed()
            });
            prop::strategy::Union::new(members).boxed()
        }
        other => unreachable!("{other} is not among the types"),
    }
}

/// JSON made of the same few names and texts, so that it often fits.
pub(crate) fn documents() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(&["0", "1", "-0", "1.5", "2.0", "1e1", "true", "false", "null"][..])
            .prop_map(str::to_owned),
        prop::sample::select(&TEXTS[..]).prop_map(quoted),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            4 => prop::sample::select(&NAMES[..]),
            1 => Just("other"),
        ];
        let member = (name, inner.clone()).prop_map(|(k, v)| format!("{}:{v}", quoted(k)));
        let tag =
            prop::sample::select(&["A", "B", "Int", "List<Int>", "{}", "Map<String, Int>"][..]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..4)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
            (tag, inner).prop_map(|(tag, value)| {
                format!("{{\"tag\":{},\"value\":{value}}}", quoted(tag))
            }),
        ]
    })
    .boxed()
}

/// JSON that fits a type or comes near: fields are missing, renamed or too many, unions are bare
/// or under any tag, and now and then something else stands there.
pub(crate) fn documents_of(ty: &Type) -> BoxedStrategy<String> {
    let near = match ty {
        Type::List(element) => array(prop::collection::vec(documents_of(element), 0..3)),
        Type::Optional(content) => {
            prop_oneof![1 => Just("null".to_owned()), 3 => documents_of(content)].boxed()
        }
        Type::Record(record) => {
            let field = |field: &Field| {
                let is_there = if field.ty.is_optional() { 0.6 } else { 0.95 };
                let name = field.name.to_string();
                let member = documents_of(&field.ty).prop_map(move |json| member(&name, &json));
                prop::option::weighted(is_there, member).prop_map(Vec::from_iter).boxed()
            };
            let mut members: Vec<_> = record.fields().iter().map(field).collect();
            let name = prop::sample::select(&NAMES[..]);
            let extra = (name, documents()).prop_map(|(name, json)| member(name, &json));
            members.push(prop::option::weighted(0.1, extra).prop_map(Vec::from_iter).boxed());
            members.prop_map(|members| format!("{{{}}}", members.concat().join(","))).boxed()
        }
        Type::Map(KeyType::Int, value) => pairs("-1|0|1|1\\.0|20".boxed(), value),
        Type::Map(KeyType::String, value) => {
            let name = || prop::sample::select(&NAMES[..]);
            let members = (name(), documents_of(value)).prop_map(|(k, v)| member(k, &v));
            let members = prop::collection::vec(members, 0..3);
            prop_oneof![
                3 => members.prop_map(|members| format!("{{{}}}", members.join(","))),
                1 => pairs(name().prop_map(quoted).boxed(), value),
            ]
            .boxed()
        }
        Type::Union(union) => {
            let tags: Vec<String> = union
                .members()
                .iter()
                .flat_map(|m| m.tags.iter().map(|t| t.to_string()).chain([m.ty.canonical()]))
                .collect();
            let members = union.members().iter().map(|member| documents_of(&member.ty));
            let bare = prop::strategy::Union::new(members.collect::<Vec<_>>());
            let tagged = (prop::sample::select(tags), bare.clone())
                .prop_map(|(tag, json)| format!("{{\"tag\":{},\"value\":{json}}}", quoted(&tag)));
            prop_oneof![3 => bare, 1 => tagged].boxed()
        }
        scalar => {
            let scalar = scalar.clone();
            values(&scalar).prop_map(move |value| model::json::to_string(&scalar, &value)).boxed()
        }
    };
    prop_oneof![30 => near, 1 => documents()].boxed()
}

fn pairs(keys: BoxedStrategy<String>, value: &Type) -> BoxedStrategy<String> {
    let pair = (keys, documents_of(value)).prop_map(|(k, v)| format!("[{k},{v}]"));
    array(prop::collection::vec(pair, 0..3))
}

fn array(items: impl Strategy<Value = Vec<String>> + 'static) -> BoxedStrategy<String> {
    items.prop_map(|items| format!("[{}]", items.join(","))).boxed()
}

fn member(name: &str, json: &str) -> String {
    format!("{}:{json}", quoted(name))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
