//! Patterns as they are written, for messages about those that are missing.

use model::{Record, Type, Union};

use super::coverage::Case;

/// The pattern for values of this case whose content fits the pattern `inner`.
pub(super) fn name_case(case: &Case, ty: &Type, content: &Type, inner: String) -> String {
    match (case, ty) {
        (Case::None, _) => "none".to_string(),
        (Case::Some, _) => format!("some({inner})"),
        (Case::Boolean(value), _) => value.to_string(),
        (Case::Constant(_), Type::Literal(_)) => ty.to_string(),
        (Case::Member(at), Type::Union(union)) if inner == "_" => name_member(union, *at, content),
        _ => inner,
    }
}

fn name_member(union: &Union, at: u32, content: &Type) -> String {
    match (content, union.members()[at as usize].tags.first()) {
        (Type::Literal(_), _) => content.to_string(),
        (_, Some(tag)) => format!("is {tag}"),
        (Type::Record(record), None) if !record.is_empty() => {
            let names: Vec<&str> = record.fields().iter().map(|field| &*field.name).collect();
            format!("{{{}}}", names.join(", "))
        }
        (Type::Record(_), None) => "_".to_string(),
        (other, None) => format!("is {other}"),
    }
}

/// The pattern for records with these patterns in these slots.
pub(super) fn name_record(record: &Record, slots: &[u32], fields: &[String]) -> String {
    let named = slots.iter().zip(fields).filter(|(_, pattern)| *pattern != "_");
    let name = |slot: &u32| &record.at_slot(*slot as usize).name;
    let named: Vec<String> =
        named.map(|(slot, pattern)| format!("{}: {pattern}", name(slot))).collect();
    if named.is_empty() { "_".to_string() } else { format!("{{{}}}", named.join(", ")) }
}
