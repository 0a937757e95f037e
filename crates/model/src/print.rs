//! Values as text, as interpolation writes them (specification 6.11).

use std::fmt::Write;

use crate::{Type, Value};

/// Appends the text of a value of type `ty`. A value of another type is a broken promise of the
/// caller and has no text.
pub fn print(ty: &Type, value: &Value, out: &mut String) {
    match (ty, value) {
        (Type::Optional(_), Value::None) => {}
        (Type::Optional(content), value) => print(content, value, out),
        (Type::Union(union), value) => {
            if let Some(at) = crate::value::member_of(union, value) {
                print(&union.members()[at].ty, value.unmarked(), out);
            }
        }
        (Type::String | Type::Literal(_), Value::String(text)) => out.push_str(text),
        (Type::Boolean, Value::Boolean(value)) => {
            out.push_str(if *value { "true" } else { "false" });
        }
        // Writing into a String cannot fail.
        (Type::Int, Value::Int(int)) => write!(out, "{int}").unwrap_or_default(),
        (Type::Float, Value::Float(float)) => print_float(*float, out),
        (Type::List(element), Value::List(items)) => {
            sequence("[]", items.iter(), out, |item, out| print(element, item, out));
        }
        (Type::Record(record), Value::Record(fields)) if fields.len() == record.len() => {
            sequence("{}", record.declared_slots().into_iter(), out, |(slot, field), out| {
                out.push_str(&field.name);
                out.push_str(": ");
                print(&field.ty, &fields[slot], out);
            });
        }
        (Type::Map(key, ty), Value::Map(entries)) => {
            let key_type = if *key == crate::KeyType::Int { Type::Int } else { Type::String };
            sequence("{}", entries.iter(), out, |(key, value), out| {
                print(&key_type, key, out);
                out.push_str(": ");
                print(ty, value, out);
            });
        }
        (ty, value) => debug_assert!(false, "{value:?} is no {ty}"),
    }
}

/// The shortest digits that read back equal: as a decimal for everyday sizes, else `d.dE±n`.
fn print_float(float: f64, out: &mut String) {
    let size = float.abs();
    if size == 0.0 || (0.001..1e7).contains(&size) {
        write!(out, "{float:?}").unwrap_or_default();
        return;
    }
    let text = format!("{float:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => {
            write!(out, "{digits}.0E{exponent}").unwrap_or_default();
        }
        _ => out.push_str(&text),
    }
}

fn sequence<T>(
    brackets: &str,
    items: impl Iterator<Item = T>,
    out: &mut String,
    mut one: impl FnMut(T, &mut String),
) {
    out.push_str(&brackets[..1]);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        one(item, out);
    }
    out.push_str(&brackets[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats() {
        for (float, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.0009, "9.0E-4"),
            (1e10, "1.0E10"),
            (1.5e-5, "1.5E-5"),
            (9_999_999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (-0.0, "-0.0"),
        ] {
            let mut out = String::new();
            print_float(float, &mut out);
            assert_eq!(out, text);
        }
    }
}
