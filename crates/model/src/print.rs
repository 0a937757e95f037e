//! Values as text, as interpolation writes them (specification 6.11).

use std::fmt::Write;

use crate::{Type, Value};

/// Appends the text of a value of type `ty`. A value of another type, which only an image of
/// damaged bytes can give, has no text.
pub fn print(ty: &Type, value: &Value, out: &mut String) {
    print_within(ty, value, out, usize::MAX);
}

/// Like [`print()`], but stops soon after `out` is longer than `bytes_max`: then its end is missing.
pub fn print_within(ty: &Type, value: &Value, out: &mut String, bytes_max: usize) {
    if out.len() > bytes_max {
        return;
    }
    match (ty, value) {
        (Type::Optional(_), Value::None) => {}
        (Type::Optional(content), value) => print_within(content, value, out, bytes_max),
        (Type::Union(union), value) => {
            if let Some(at) = crate::value::member_of(union, value) {
                print_within(&union.members()[at].ty, value.unmarked(), out, bytes_max);
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
            sequence("[]", items.iter(), out, bytes_max, |item, out| {
                print_within(element, item, out, bytes_max);
            });
        }
        (Type::Record(record), Value::Record(fields)) if fields.len() == record.len() => {
            let slots = record.declared_slots().into_iter();
            sequence("{}", slots, out, bytes_max, |(slot, field), out| {
                out.push_str(&field.name);
                out.push_str(": ");
                print_within(&field.ty, &fields[slot], out, bytes_max);
            });
        }
        (Type::Map(key, ty), Value::Map(entries)) => {
            let key_type = if *key == crate::KeyType::Int { Type::Int } else { Type::String };
            sequence("{}", entries.iter(), out, bytes_max, |(key, value), out| {
                print(&key_type, key, out);
                out.push_str(": ");
                print_within(ty, value, out, bytes_max);
            });
        }
        _ => {}
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
    bytes_max: usize,
    mut one: impl FnMut(T, &mut String),
) {
    out.push_str(&brackets[..1]);
    for (at, item) in items.enumerate() {
        if out.len() > bytes_max {
            return;
        }
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

    use crate::{Field, KeyType, Record, Union};

    /// The text of what a JSON document means at a type.
    fn printed(ty: &Type, json: &str) -> String {
        let mut out = "<".to_owned();
        let value = crate::json::read(ty, json).unwrap_or_else(|faults| panic!("{faults:?}"));
        print(ty, &value, &mut out);
        out + ">"
    }

    #[test]
    fn every_type_has_a_text() {
        let field = |name: &str, ty| Field { name: name.into(), ty };
        let record = Type::Record(Record::new([
            field("z", Type::list(Type::optional(Type::Int))),
            field("a", Type::optional(Type::Float)),
        ]));
        let union = Union::of([(record.clone(), None), (Type::Int, None), (Type::Float, None)]);
        let text_map = Type::Map(KeyType::String, Type::String.into());
        let int_map = Type::Map(KeyType::Int, Type::list(Type::Boolean).into());
        for (ty, json, text) in [
            (&Type::String, r#""a \"b\" $\n""#, "<a \"b\" $\n>"),
            (&Type::Literal("x".into()), r#""x""#, "<x>"),
            (&Type::Int, "-9223372036854775808", "<-9223372036854775808>"),
            (&Type::Boolean, "true", "<true>"),
            (&Type::Boolean, "false", "<false>"),
            (&Type::optional(Type::Int), "null", "<>"),
            (&Type::optional(Type::Int), "0", "<0>"),
            (&Type::list(Type::String), "[]", "<[]>"),
            (&Type::list(Type::String), r#"["a", "b, c"]"#, "<[a, b, c]>"),
            (&record, r#"{"a": 1, "z": [1, null, 2]}"#, "<{z: [1, , 2], a: 1.0}>"),
            (&record, r#"{"z": []}"#, "<{z: [], a: }>"),
            (&Type::Record(Record::new([])), "{}", "<{}>"),
            (&text_map, r#"{"b": "x", "a": ""}"#, "<{a: , b: x}>"),
            (&int_map, "[[10, [true]], [9, []]]", "<{9: [], 10: [true]}>"),
            (&union, r#"{"z": [3]}"#, "<{z: [3], a: }>"),
            (&union, "3", "<3>"),
            (&union, "3.0", "<3.0>"),
        ] {
            assert_eq!(printed(ty, json), text, "{ty}: {json}");
        }
    }

    #[test]
    fn floats() {
        for (float, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.0009, "9.0E-4"),
            (1e10, "1.0E10"),
            (1.5e-5, "1.5E-5"),
            (0.000_999, "9.99E-4"),
            (0.001_000_000_000_000_000_2, "0.0010000000000000002"),
            (9_999_999.5, "9999999.5"),
            (9_999_999.999_999_998, "9999999.999999998"),
            (12_345_678.0, "1.2345678E7"),
            (-1.5e-5, "-1.5E-5"),
            (f64::MAX, "1.7976931348623157E308"),
            (5e-324, "5.0E-324"),
            (0.0, "0.0"),
            (1e7, "1.0E7"),
            (-0.0, "-0.0"),
        ] {
            let mut out = String::new();
            print_float(float, &mut out);
            assert_eq!(out, text);
        }
    }
}
