//! Numbers, Booleans and comparisons.

use std::cmp::Ordering;

use model::plan::Arithmetic;
use model::{Code, Failure, Value};

use super::arguments::{at, boolean, float};
use crate::operators;

type Result = std::result::Result<Value, Failure>;

fn arithmetic(operator: Arithmetic, args: &[Value]) -> Result {
    operators::arithmetic(operator, at(args, 0)?, at(args, 1)?)
}

pub(super) fn add(args: &[Value]) -> Result {
    arithmetic(Arithmetic::Add, args)
}

pub(super) fn subtract(args: &[Value]) -> Result {
    arithmetic(Arithmetic::Subtract, args)
}

pub(super) fn multiply(args: &[Value]) -> Result {
    arithmetic(Arithmetic::Multiply, args)
}

pub(super) fn divide(args: &[Value]) -> Result {
    arithmetic(Arithmetic::Divide, args)
}

pub(super) fn modulo(args: &[Value]) -> Result {
    arithmetic(Arithmetic::Remainder, args)
}

fn order(args: &[Value]) -> std::result::Result<Ordering, Failure> {
    Ok(operators::order(at(args, 0)?, at(args, 1)?))
}

/// Of equals, as of `0.0` and `-0.0`, the first one.
pub(super) fn max(args: &[Value]) -> Result {
    at(args, usize::from(order(args)? == Ordering::Less)).cloned()
}

/// Of equals the first one.
pub(super) fn min(args: &[Value]) -> Result {
    at(args, usize::from(order(args)? == Ordering::Greater)).cloned()
}

pub(super) fn abs(args: &[Value]) -> Result {
    match at(args, 0)? {
        Value::Int(int) if *int < 0 => negate(args),
        Value::Float(float) => Ok(Value::Float(float.abs())),
        value => Ok(value.clone()),
    }
}

pub(super) fn negate(args: &[Value]) -> Result {
    operators::negate(at(args, 0)?)
}

/// `floor(x + 0.5)` would be wrong where the sum itself is rounded, just below a half and for large
/// numbers.
pub(super) fn round(args: &[Value]) -> Result {
    whole(args, |float| {
        let below = float.floor();
        if float - below >= 0.5 { below + 1.0 } else { below }
    })
}

pub(super) fn floor(args: &[Value]) -> Result {
    whole(args, f64::floor)
}

pub(super) fn ceil(args: &[Value]) -> Result {
    whole(args, f64::ceil)
}

pub(super) fn to_int(args: &[Value]) -> Result {
    whole(args, f64::trunc)
}

/// An Int as it is; of a Float the whole number that `round` makes of it.
fn whole(args: &[Value], round: fn(f64) -> f64) -> Result {
    let Value::Float(float) = at(args, 0)? else { return at(args, 0).cloned() };
    let whole = round(*float);
    // -2^63 is an i64 and 2^63 is not; both are exact as floats.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
        return Ok(Value::Int(whole as i64));
    }
    Err(Failure::new(Code::R004, format!("{float:?} does not fit into 64 bits")))
}

pub(super) fn to_float(args: &[Value]) -> Result {
    match at(args, 0)? {
        Value::Int(int) => Ok(Value::Float(*int as f64)),
        value => Ok(value.clone()),
    }
}

pub(super) fn sqrt(args: &[Value]) -> Result {
    finite(float(args, 0)?.sqrt())
}

pub(super) fn pow(args: &[Value]) -> Result {
    finite(float(args, 0)?.powf(float(args, 1)?))
}

fn finite(result: f64) -> Result {
    if result.is_finite() {
        Ok(Value::Float(result))
    } else {
        Err(Failure::new(Code::R006, "the result is not finite"))
    }
}

pub(super) fn and(args: &[Value]) -> Result {
    Ok(Value::Boolean(boolean(args, 0)? && boolean(args, 1)?))
}

pub(super) fn or(args: &[Value]) -> Result {
    Ok(Value::Boolean(boolean(args, 0)? || boolean(args, 1)?))
}

pub(super) fn not(args: &[Value]) -> Result {
    Ok(Value::Boolean(!boolean(args, 0)?))
}

pub(super) fn equal(args: &[Value]) -> Result {
    Ok(Value::Boolean(at(args, 0)?.equals(at(args, 1)?)))
}

pub(super) fn greater(args: &[Value]) -> Result {
    Ok(Value::Boolean(order(args)?.is_gt()))
}

pub(super) fn less(args: &[Value]) -> Result {
    Ok(Value::Boolean(order(args)?.is_lt()))
}

pub(super) fn greater_or_equal(args: &[Value]) -> Result {
    Ok(Value::Boolean(order(args)?.is_ge()))
}

pub(super) fn less_or_equal(args: &[Value]) -> Result {
    Ok(Value::Boolean(order(args)?.is_le()))
}
