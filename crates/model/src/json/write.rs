//! Values to text, straight into bytes.

use super::tag::tag_of;
use super::union::selected_member;
use crate::value::member_of;
use crate::{KeyType, Record, Type, Union, Value};

/// The JSON of a value of type `ty`.
pub fn to_string(ty: &Type, value: &Value) -> String {
    let mut out = Vec::new();
    write(ty, value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends the JSON of a value of type `ty`. For a value of another type, which only an image of
/// damaged bytes can give, `null` is written.
pub fn write(ty: &Type, value: &Value, out: &mut Vec<u8>) {
    match (ty, value) {
        (Type::Optional(_), Value::None) => out.extend(b"null"),
        (Type::Optional(content), value) => write(content, value, out),
        (Type::Boolean, Value::Boolean(value)) => scalar(value, out),
        (Type::Int, Value::Int(int)) => scalar(int, out),
        (Type::Float, Value::Float(float)) => scalar(float, out),
        (Type::String | Type::Literal(_), Value::String(text)) => scalar(text.as_str(), out),
        (Type::List(element), Value::List(items)) => {
            sequence(b"[]", items.iter(), out, |item, out| write(element, item, out));
        }
        (Type::Record(record), Value::Record(fields)) if fields.len() == record.len() => {
            sequence(b"{}", record.declared_slots().into_iter(), out, |(slot, field), out| {
                scalar(field.name.as_str(), out);
                out.push(b':');
                write(&field.ty, &fields[slot], out);
            });
        }
        (Type::Map(key, ty), Value::Map(entries)) => write_map(*key, ty, entries, out),
        (Type::Union(union), value) => write_union(union, value, out),
        _ => out.extend(b"null"),
    }
}

/// How many bytes [`write()`] would append, without making them; that of a union value is counted with
/// its tag, whether it is written or not. It stops soon after the count is beyond `bytes_max`.
pub fn length_within(ty: &Type, value: &Value, bytes_max: usize) -> usize {
    let mut length = Length { bytes: 0, bytes_max, scalar: Vec::new() };
    length.count(ty, value);
    length.bytes
}

struct Length {
    bytes: usize,
    bytes_max: usize,
    /// The text of the current scalar.
    scalar: Vec<u8>,
}

impl Length {
    fn count(&mut self, ty: &Type, value: &Value) {
        // What separates it from the next one.
        self.bytes += 1;
        if self.bytes > self.bytes_max {
            return;
        }
        match (ty, value) {
            (Type::Optional(content), value) if !matches!(value, Value::None) => {
                self.count(content, value);
            }
            (Type::List(element), Value::List(items)) => {
                items.iter().for_each(|item| self.count(element, item));
            }
            (Type::Record(record), Value::Record(fields)) if fields.len() == record.len() => {
                for (field, value) in record.slots().zip(fields.iter()) {
                    self.bytes += field.name.len() + 3;
                    self.count(&field.ty, value);
                }
            }
            (Type::Map(_, ty), Value::Map(entries)) => {
                for (key, value) in entries.iter() {
                    let is_int = matches!(key, Value::Int(_));
                    self.count(if is_int { &Type::Int } else { &Type::String }, key);
                    self.count(ty, value);
                }
            }
            (Type::Union(union), value) => {
                if let Some(at) = member_of(union, value) {
                    self.bytes += r#"{"tag":"","value":}"#.len() + tag_of(union, at).len();
                    self.count(&union.members()[at].ty, value.unmarked());
                }
            }
            (ty, scalar) => {
                self.scalar.clear();
                write(ty, scalar, &mut self.scalar);
                self.bytes += self.scalar.len();
            }
        }
    }
}

fn write_map(key_type: KeyType, ty: &Type, entries: &[(Value, Value)], out: &mut Vec<u8>) {
    let brackets = if key_type == KeyType::String { b"{}" } else { b"[]" };
    sequence(brackets, entries.iter(), out, |(key, value), out| match (key_type, key) {
        (KeyType::String, Value::String(key)) => {
            scalar(key.as_str(), out);
            out.push(b':');
            write(ty, value, out);
        }
        (KeyType::String, _) => out.extend(b"\"\":null"),
        (KeyType::Int | KeyType::Variable, key) => {
            out.push(b'[');
            write(&Type::Int, key, out);
            out.push(b',');
            write(ty, value, out);
            out.push(b']');
        }
    });
}

/// Bare if the bare form is read as the same member, else with its tag.
fn write_union(union: &Union, value: &Value, out: &mut Vec<u8>) {
    let Some(at) = member_of(union, value) else {
        return out.extend(b"null");
    };
    let start = out.len();
    write(&union.members()[at].ty, value.unmarked(), out);
    if stands_out(union, at, value.unmarked()) {
        return;
    }
    let bare = String::from_utf8_lossy(&out[start..]);
    if selected_member(union, &bare) != Some(at) {
        let bare = out.split_off(start);
        out.extend(b"{\"tag\":");
        scalar(tag_of(union, at).as_str(), out);
        out.extend(b",\"value\":");
        out.extend(bare);
        out.push(b'}');
    }
}

/// Whether the kind of the JSON or the names of its fields already tell that a bare value is read
/// as this member. If not, only reading it tells.
fn stands_out(union: &Union, at: usize, value: &Value) -> bool {
    let mut others = union.members().iter().enumerate().filter(|(other, _)| *other != at);
    match (&union.members()[at].ty, value) {
        (Type::Record(record), _) => {
            !is_tagged(record)
                && others.all(|(_, other)| match &other.ty {
                    Type::Record(other) => is_told_from(record, other),
                    Type::Map(KeyType::String, _) => false,
                    _ => true,
                })
        }
        (Type::Map(KeyType::String, _), Value::Map(entries)) => {
            // Two entries could be `tag` and `value`.
            entries.len() != 2
                && others.all(|(_, m)| !matches!(m.ty, Type::Record(_) | Type::Map(..)))
        }
        (Type::List(_) | Type::Map(..), _) => {
            others.all(|(_, other)| !matches!(other.ty, Type::List(_) | Type::Map(..)))
        }
        // The notation of scalars tells them apart.
        _ => true,
    }
}

/// Whether an object with exactly the fields of `record` is no `other`, or a poorer one.
fn is_told_from(record: &Record, other: &Record) -> bool {
    let lacks = |a: &Record, name: &str| a.slot(name).is_none();
    other.fields().iter().any(|field| !field.ty.is_optional() && lacks(record, &field.name))
        || record.fields().iter().any(|field| lacks(other, &field.name))
}

fn is_tagged(record: &Record) -> bool {
    record.len() == 2 && record.slot("tag").is_some() && record.slot("value").is_some()
}

fn scalar(value: impl serde::Serialize, out: &mut Vec<u8>) {
    // Writing scalars into memory cannot fail.
    serde_json::to_writer(out, &value).unwrap_or_default();
}

fn sequence<T>(
    brackets: &[u8; 2],
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut one: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(brackets[0]);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        one(item, out);
    }
    out.push(brackets[1]);
}
