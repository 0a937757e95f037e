//! One cell of a row as a value of a declared type, and an argument as a SQL parameter.
//!
//! SQLite types cells, not columns, so what a column declares helps little: every cell is looked
//! at. It stores the `3.0` of a `numeric` column as the integer 3, so an integer is a Float where
//! that loses nothing; the other way round nothing is converted.

use model::limits::STRING_BYTES_MAX;
use model::text::cut;
use model::{Type, Union, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};

/// Whether a cell can hold such a value.
pub(crate) fn is_readable(ty: &Type) -> bool {
    is_scalar(ty.content())
}

/// Whether such a value can be bound as a parameter.
pub(crate) fn is_bindable(ty: &Type) -> bool {
    match ty.content() {
        Type::Union(union) => union.members().iter().all(|member| is_scalar(&member.ty)),
        content => is_scalar(content),
    }
}

/// Whether values of this type are one cell.
pub(crate) fn is_scalar(ty: &Type) -> bool {
    match ty {
        Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => true,
        Type::Union(union) => literals(union).is_some(),
        Type::Record(_) | Type::List(_) | Type::Map(..) | Type::Optional(_) => false,
        Type::Nothing | Type::Function(..) | Type::Variable(_) | Type::Unknown => false,
    }
}

/// The texts of a union that consists of them alone.
fn literals(union: &Union) -> Option<Vec<&str>> {
    let members = union.members().iter();
    members
        .map(|member| match &member.ty {
            Type::Literal(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// The cell as a value of `ty`, or what is wrong, `expected Int, got a text`.
pub(crate) fn read(ty: &Type, cell: ValueRef<'_>) -> Result<Value, String> {
    let value = match (ty, cell) {
        (Type::Optional(_), ValueRef::Null) => Some(Value::None),
        (Type::Optional(content), cell) => return read(content, cell),
        (Type::Int, ValueRef::Integer(number)) => Some(Value::Int(number)),
        (Type::Float, ValueRef::Real(number)) => number.is_finite().then_some(Value::Float(number)),
        (Type::Float, ValueRef::Integer(number)) => exact_float(number).map(Value::Float),
        (Type::Boolean, ValueRef::Integer(number @ (0 | 1))) => Some(Value::Boolean(number == 1)),
        (Type::String, ValueRef::Text(bytes)) => text(bytes)?.map(Value::string),
        (Type::Literal(literal), ValueRef::Text(bytes)) => {
            text(bytes)?.filter(|text| *text == literal.as_str()).map(Value::string)
        }
        (Type::Union(union), ValueRef::Text(bytes)) => {
            let known = literals(union).unwrap_or_default();
            text(bytes)?.filter(|text| known.contains(text)).map(Value::string)
        }
        _ => None,
    };
    value.ok_or_else(|| format!("expected {ty}, got {}", describe(cell)))
}

/// The text of a cell; `None` if it is not UTF-8.
fn text(bytes: &[u8]) -> Result<Option<&str>, String> {
    if bytes.len() > STRING_BYTES_MAX {
        return Err(format!("a text is longer than {STRING_BYTES_MAX} bytes"));
    }
    Ok(std::str::from_utf8(bytes).ok())
}

fn exact_float(number: i64) -> Option<f64> {
    let float = number as f64;
    let is_equal = model::value::compare_int_float(number, float).is_eq();
    is_equal.then_some(float)
}

fn describe(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(number) => format!("the integer {number}"),
        ValueRef::Real(number) => format!("the real {number:?}"),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("the text \"{}\"", cut(text, 40)),
            Err(_) => "a text that is not UTF-8".into(),
        },
        ValueRef::Blob(_) => "a blob".into(),
    }
}

/// The argument as SQLite takes it; `None` for what [`is_bindable`] refuses.
pub(crate) fn bind(value: &Value) -> Option<ToSqlOutput<'_>> {
    let cell = match value.unmarked() {
        Value::None => ValueRef::Null,
        Value::Boolean(value) => ValueRef::Integer(i64::from(*value)),
        Value::Int(number) => ValueRef::Integer(*number),
        Value::Float(number) => ValueRef::Real(*number),
        Value::String(text) => ValueRef::Text(text.as_bytes()),
        Value::List(_) | Value::Record(_) | Value::Map(_) | Value::Tagged(..) => return None,
    };
    Some(ToSqlOutput::Borrowed(cell))
}
