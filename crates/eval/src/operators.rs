//! The operators of the language on values. The checker made sure that both sides of arithmetic
//! are Ints or both are Floats.

use std::cmp::Ordering;

use model::plan::{Arithmetic, Comparison};
use model::value::compare_int_float;
use model::{Code, Failure, Value};

/// `a op b` on two Ints (R004, R005) or two Floats (R006); on anything else R900, see [`broken`].
pub(crate) fn arithmetic(operator: Arithmetic, a: &Value, b: &Value) -> Result<Value, Failure> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(operator, *a, *b).map(Value::Int),
        (Value::Float(a), Value::Float(b)) => float(operator, *a, *b).map(Value::Float),
        _ => Err(broken()),
    }
}

/// An operand of a form that the checker lets nobody write: only an image from damaged bytes can
/// lead here.
pub(crate) fn broken() -> Failure {
    Failure::new(Code::R900, "the image is inconsistent")
}

fn int(operator: Arithmetic, a: i64, b: i64) -> Result<i64, Failure> {
    if b == 0 && matches!(operator, Arithmetic::Divide | Arithmetic::Remainder) {
        return Err(Failure::new(Code::R005, format!("{a} {} 0", sign(operator))));
    }
    let result = match operator {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
        // The lowest Int has no remainder by -1 in hardware, but mathematically it is 0.
        Arithmetic::Remainder => Some(a.wrapping_rem(b)),
    };
    let overflow = || format!("{a} {} {b} does not fit into 64 bits", sign(operator));
    result.ok_or_else(|| Failure::new(Code::R004, overflow()))
}

fn float(operator: Arithmetic, a: f64, b: f64) -> Result<f64, Failure> {
    let result = match operator {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    };
    if result.is_finite() {
        Ok(result)
    } else {
        Err(Failure::new(Code::R006, format!("{a:?} {} {b:?} is not finite", sign(operator))))
    }
}

fn sign(operator: Arithmetic) -> char {
    match operator {
        Arithmetic::Add => '+',
        Arithmetic::Subtract => '-',
        Arithmetic::Multiply => '*',
        Arithmetic::Divide => '/',
        Arithmetic::Remainder => '%',
    }
}

/// `-a` (R004).
pub(crate) fn negate(a: &Value) -> Result<Value, Failure> {
    match a {
        Value::Int(a) => match a.checked_neg() {
            Some(negated) => Ok(Value::Int(negated)),
            None => Err(Failure::new(Code::R004, format!("-({a}) does not fit into 64 bits"))),
        },
        Value::Float(a) => Ok(Value::Float(-a)),
        _ => Err(broken()),
    }
}

/// `a op b` for any two values that the checker lets be compared.
pub(crate) fn compare(operator: Comparison, a: &Value, b: &Value) -> bool {
    match operator {
        Comparison::Equal => a.equals(b),
        Comparison::NotEqual => !a.equals(b),
        Comparison::Less => order(a, b) == Ordering::Less,
        Comparison::LessOrEqual => order(a, b) != Ordering::Greater,
        Comparison::Greater => order(a, b) == Ordering::Greater,
        Comparison::GreaterOrEqual => order(a, b) != Ordering::Less,
    }
}

pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Value::Int(a), Value::Float(b)) => compare_int_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => compare_int_float(*b, *a).reverse(),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        // The checker lets nothing else be ordered.
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(operator: Arithmetic, a: i64, b: i64) -> Result<i64, Code> {
        int(operator, a, b).map_err(|failure| failure.code)
    }

    #[test]
    fn integers_truncate_and_never_wrap() {
        assert_eq!(ints(Arithmetic::Divide, -7, 2), Ok(-3));
        assert_eq!(ints(Arithmetic::Remainder, -7, 3), Ok(-1));
        assert_eq!(ints(Arithmetic::Remainder, i64::MIN, -1), Ok(0));
        assert_eq!(ints(Arithmetic::Divide, i64::MIN, -1), Err(Code::R004));
        assert_eq!(ints(Arithmetic::Add, i64::MAX, 1), Err(Code::R004));
        assert_eq!(ints(Arithmetic::Divide, 1, 0), Err(Code::R005));
    }

    #[test]
    fn floats_stay_finite() {
        let quotient = float(Arithmetic::Divide, 1.0, 0.0).map_err(|failure| failure.code);
        assert_eq!(quotient, Err(Code::R006));
    }
}
