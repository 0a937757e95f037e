//! The arguments of a standard function. The checker passes only those of its signature; from an
//! image of damaged bytes others may come, and then the function fails.

use std::sync::Arc;

use model::{Code, Failure, Text, Value, limits};

use crate::operators::broken;

pub(super) fn at(args: &[Value], at: usize) -> Result<&Value, Failure> {
    args.get(at).ok_or_else(broken)
}

pub(super) fn text(args: &[Value], at: usize) -> Result<&Text, Failure> {
    match args.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(broken()),
    }
}

pub(super) fn int(args: &[Value], at: usize) -> Result<i64, Failure> {
    match args.get(at) {
        Some(Value::Int(int)) => Ok(*int),
        _ => Err(broken()),
    }
}

pub(super) fn float(args: &[Value], at: usize) -> Result<f64, Failure> {
    match args.get(at) {
        Some(Value::Float(float)) => Ok(*float),
        _ => Err(broken()),
    }
}

pub(super) fn boolean(args: &[Value], at: usize) -> Result<bool, Failure> {
    match args.get(at) {
        Some(Value::Boolean(boolean)) => Ok(*boolean),
        _ => Err(broken()),
    }
}

pub(super) fn list(args: &[Value], at: usize) -> Result<&Arc<[Value]>, Failure> {
    match args.get(at) {
        Some(Value::List(items)) => Ok(items),
        _ => Err(broken()),
    }
}

pub(super) fn map(args: &[Value], at: usize) -> Result<&Arc<[(Value, Value)]>, Failure> {
    match args.get(at) {
        Some(Value::Map(entries)) => Ok(entries),
        _ => Err(broken()),
    }
}

/// A list of this many elements is not too long.
pub(super) fn within_length(count: usize) -> Result<(), Failure> {
    within("max_list_length", count, limits::LIST_LENGTH_MAX)
}

/// A text of this many bytes is not too long.
pub(super) fn within_bytes(count: usize) -> Result<(), Failure> {
    within("max_string_bytes", count, limits::STRING_BYTES_MAX)
}

fn within(limit: &str, count: usize, bound: usize) -> Result<(), Failure> {
    if count > bound {
        let message = format!("the limit `{limit}` of {bound} is exceeded");
        return Err(Failure::new(Code::R009, message));
    }
    Ok(())
}
