//! Maps and Optionals.

use std::cmp::Ordering;
use std::sync::Arc;

use model::{Failure, Value};

use super::arguments::{at, list, map, within_length};
use crate::operators::{self, broken};

type Result<T = Value> = std::result::Result<T, Failure>;
type Entry = (Value, Value);

/// Where a key is, or where it would be.
pub(super) fn find(entries: &[Entry], key: &Value) -> std::result::Result<usize, usize> {
    entries.binary_search_by(|(known, _)| operators::order(known, key))
}

pub(super) fn keys(args: &[Value]) -> Result {
    Ok(Value::List(map(args, 0)?.iter().map(|(key, _)| key.clone()).collect()))
}

pub(super) fn values(args: &[Value]) -> Result {
    Ok(Value::List(map(args, 0)?.iter().map(|(_, value)| value.clone()).collect()))
}

pub(super) fn entries(args: &[Value]) -> Result {
    let entry = |(key, value): &Entry| Value::Record([key.clone(), value.clone()].into());
    Ok(Value::List(map(args, 0)?.iter().map(entry).collect()))
}

pub(super) fn to_map(args: &[Value]) -> Result {
    let entry = |item: &Value| match item {
        Value::Record(fields) => match &**fields {
            [key, value] => Ok((key.clone(), value.clone())),
            _ => Err(broken()),
        },
        _ => Err(broken()),
    };
    let mut entries: Vec<Entry> = list(args, 0)?.iter().map(entry).collect::<Result<_>>()?;
    // Of equal keys the last comes first, and stays.
    entries.reverse();
    entries.sort_by(|(a, _), (b, _)| operators::order(a, b));
    entries.dedup_by(|(later, _), (first, _)| operators::order(later, first).is_eq());
    Ok(Value::Map(entries.into()))
}

pub(super) fn get(args: &[Value]) -> Result {
    let entries = map(args, 0)?;
    let found = find(entries, at(args, 1)?);
    Ok(found.map_or(Value::None, |at| entries[at].1.clone()))
}

pub(super) fn put(args: &[Value]) -> Result {
    let (entries, key, value) = (map(args, 0)?, at(args, 1)?, at(args, 2)?);
    let new = (key.clone(), value.clone());
    let (before, after) = match find(entries, key) {
        Ok(at) => (&entries[..at], &entries[at + 1..]),
        Err(at) => entries.split_at(at),
    };
    within_length(before.len() + after.len() + 1)?;
    let all = before.iter().cloned().chain([new]).chain(after.iter().cloned());
    Ok(Value::Map(all.collect::<Arc<[_]>>()))
}

pub(super) fn merge(args: &[Value]) -> Result {
    let (a, b) = (map(args, 0)?, map(args, 1)?);
    let mut merged: Vec<Entry> = Vec::with_capacity(a.len() + b.len());
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some((l, _)), Some((r, _))) = (left.peek(), right.peek()) {
        let order = operators::order(l, r);
        if order != Ordering::Greater {
            let entry = left.next();
            merged.extend(entry.filter(|_| order.is_lt()).cloned());
        }
        if order != Ordering::Less {
            merged.extend(right.next().cloned());
        }
    }
    merged.extend(left.chain(right).cloned());
    within_length(merged.len())?;
    Ok(Value::Map(merged.into()))
}

pub(super) fn is_some(args: &[Value]) -> Result {
    Ok(Value::Boolean(!matches!(at(args, 0)?, Value::None)))
}

pub(super) fn is_none(args: &[Value]) -> Result {
    Ok(Value::Boolean(matches!(at(args, 0)?, Value::None)))
}

pub(super) fn or_else(args: &[Value]) -> Result {
    match at(args, 0)? {
        Value::None => at(args, 1).cloned(),
        value => Ok(value.clone()),
    }
}
