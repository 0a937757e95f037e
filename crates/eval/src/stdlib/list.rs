//! Lists.

use std::collections::HashSet;

use model::plan::Arithmetic;
use model::value::{equals_at, member_of};
use model::{Code, Failure, Type, Value};

use super::arguments::{at, int, list, within_length};
use super::text;
use crate::operators::{self, broken};

type Result<T = Value> = std::result::Result<T, Failure>;

fn count(items: &[impl Sized]) -> Value {
    Value::Int(items.len() as i64)
}

pub(super) fn length(args: &[Value]) -> Result {
    Ok(count(list(args, 0)?))
}

/// Of a text, a list or a map.
pub(super) fn any_length(args: &[Value]) -> Result {
    match at(args, 0)? {
        Value::String(_) => text::length(args),
        Value::Map(entries) => Ok(count(entries)),
        _ => length(args),
    }
}

/// An empty list has the zero of its type.
pub(super) fn sum(args: &[Value], ty: Option<&Type>) -> Result {
    let zero = match ty {
        Some(Type::Float) => Value::Float(0.0),
        _ => Value::Int(0),
    };
    let add = |sum, item| operators::arithmetic(Arithmetic::Add, &sum, item);
    list(args, 0)?.iter().try_fold(zero, add)
}

pub(super) fn average(args: &[Value]) -> Result {
    let items = list(args, 0)?;
    let mut sum = 0.0;
    for item in items.iter() {
        sum += match item {
            Value::Int(int) => *int as f64,
            Value::Float(float) => *float,
            _ => return Err(broken()),
        };
    }
    match items.len() {
        0 => Err(empty("average")),
        _ if !sum.is_finite() => Err(Failure::new(Code::R006, "the sum is not finite")),
        many => Ok(Value::Float(sum / many as f64)),
    }
}

fn empty(function: &str) -> Failure {
    Failure::new(Code::R008, format!("`{function}` of an empty list"))
}

pub(super) fn list_first(args: &[Value]) -> Result {
    list(args, 0)?.first().cloned().ok_or_else(|| empty("list-first"))
}

pub(super) fn list_last(args: &[Value]) -> Result {
    list(args, 0)?.last().cloned().ok_or_else(|| empty("list-last"))
}

pub(super) fn first(args: &[Value]) -> Result {
    Ok(list(args, 0)?.first().cloned().unwrap_or(Value::None))
}

pub(super) fn last(args: &[Value]) -> Result {
    Ok(list(args, 0)?.last().cloned().unwrap_or(Value::None))
}

pub(super) fn get(args: &[Value]) -> Result {
    let (items, index) = (list(args, 0)?, int(args, 1)?);
    let found = usize::try_from(index).ok().and_then(|index| items.get(index));
    Ok(found.cloned().unwrap_or(Value::None))
}

pub(super) fn is_empty(args: &[Value]) -> Result {
    Ok(Value::Boolean(list(args, 0)?.is_empty()))
}

/// `contains` of a text, a list or a map.
pub(super) fn contains(args: &[Value], ty: Option<&Type>) -> Result {
    let found = match (at(args, 0)?, at(args, 1)?) {
        (Value::String(value), Value::String(part)) => value.contains(part.as_str()),
        (Value::List(items), part) => {
            let ty = ty.ok_or_else(broken)?;
            items.iter().any(|item| equals_at(ty, item, ty, part))
        }
        (Value::Map(entries), key) => super::map::find(entries, key).is_ok(),
        _ => return Err(broken()),
    };
    Ok(Value::Boolean(found))
}

pub(super) fn reverse(args: &[Value]) -> Result {
    Ok(Value::List(list(args, 0)?.iter().rev().cloned().collect()))
}

pub(super) fn concat(args: &[Value]) -> Result {
    let (a, b) = (list(args, 0)?, list(args, 1)?);
    within_length(a.len() + b.len())?;
    Ok(Value::List(a.iter().chain(b.iter()).cloned().collect()))
}

/// The position that a count of elements means in a list.
fn position(args: &[Value]) -> Result<usize> {
    let (items, count) = (list(args, 0)?, int(args, 1)?);
    Ok(usize::try_from(count.max(0)).map_or(items.len(), |count| count.min(items.len())))
}

pub(super) fn take(args: &[Value]) -> Result {
    Ok(Value::List(list(args, 0)?[..position(args)?].into()))
}

pub(super) fn drop(args: &[Value]) -> Result {
    Ok(Value::List(list(args, 0)?[position(args)?..].into()))
}

pub(super) fn distinct(args: &[Value], ty: Option<&Type>) -> Result {
    let ty = ty.ok_or_else(broken)?;
    let mut seen = HashSet::new();
    let is_new = |item: &&Value| {
        let mut key = Vec::new();
        write_key(ty, item, &mut key);
        seen.insert(key)
    };
    Ok(Value::List(list(args, 0)?.iter().filter(is_new).cloned().collect()))
}

/// Bytes that are equal exactly where values of type `ty` are: numbers by their mathematical value,
/// union members by what they hold.
fn write_key(ty: &Type, value: &Value, key: &mut Vec<u8>) {
    let mut tagged = |tag: u8, bytes: &[u8]| {
        key.push(tag);
        key.extend((bytes.len() as u64).to_le_bytes());
        key.extend(bytes);
    };
    match (ty, value) {
        (_, Value::None) => tagged(0, &[]),
        (Type::Optional(content), value) => write_key(content, value, key),
        (Type::Union(union), value) => {
            if let Some(at) = member_of(union, value) {
                write_key(&union.members()[at].ty, value.unmarked(), key);
            }
        }
        (_, Value::Boolean(value)) => tagged(1, &[u8::from(*value)]),
        (_, Value::Int(int)) => tagged(2, &int.to_le_bytes()),
        (_, Value::Float(float)) => {
            let int = *float as i64;
            if int as f64 == *float && int != i64::MAX {
                tagged(2, &int.to_le_bytes());
            } else {
                tagged(3, &float.to_bits().to_le_bytes());
            }
        }
        (_, Value::String(text)) => tagged(4, text.as_bytes()),
        (Type::List(element), Value::List(items)) => {
            tagged(5, &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| write_key(element, item, key));
        }
        (Type::Record(record), Value::Record(fields)) => {
            tagged(6, &(fields.len() as u64).to_le_bytes());
            for (field, value) in record.slots().zip(fields.iter()) {
                key.extend((field.name.len() as u64).to_le_bytes());
                key.extend(field.name.as_bytes());
                write_key(&field.ty, value, key);
            }
        }
        (Type::Map(_, ty), Value::Map(entries)) => {
            tagged(7, &(entries.len() as u64).to_le_bytes());
            for (name, value) in entries.iter() {
                let name_ty = if matches!(name, Value::Int(_)) { Type::Int } else { Type::String };
                write_key(&name_ty, name, key);
                write_key(ty, value, key);
            }
        }
        // A value that is not of its type has no key of its own.
        _ => {}
    }
}

pub(super) fn sort(args: &[Value]) -> Result {
    let mut items: Vec<Value> = list(args, 0)?.to_vec();
    items.sort_by(operators::order);
    Ok(Value::List(items.into()))
}

pub(super) fn zip(args: &[Value]) -> Result {
    let (a, b) = (list(args, 0)?, list(args, 1)?);
    let pair = |(a, b): (&Value, &Value)| Value::Record([a.clone(), b.clone()].into());
    Ok(Value::List(a.iter().zip(b.iter()).map(pair).collect()))
}

pub(super) fn range(args: &[Value]) -> Result {
    let (start, end) = (int(args, 0)?, int(args, 1)?);
    let count = (i128::from(end) - i128::from(start)).max(0);
    within_length(usize::try_from(count).unwrap_or(usize::MAX))?;
    Ok(Value::List((start..end).map(Value::Int).collect()))
}
