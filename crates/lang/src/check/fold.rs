//! The value of a constant expression, for defaults and examples. It knows literals, operators,
//! conditionals and pure functions; what goes beyond that is refused, never guessed.

use std::cmp::Ordering;

use model::plan::{Arithmetic, Comparison};
use model::value::compare_int_float;
use model::{Code, Diagnostic, Failure, Span, Text, Type, Value};

use crate::join;
use crate::program::{Expr, Function, Kind, Piece};

/// Why there is no value.
pub(super) enum Stop {
    /// The evaluation fails.
    Fails(Box<Failure>, Span),
    /// This form is not evaluated at compile time.
    Unavailable(Span),
}

impl Stop {
    pub(super) fn into_diagnostic(self) -> Diagnostic {
        match self {
            Stop::Fails(failure, span) => {
                let message = format!("this default fails: {}", failure.message);
                Diagnostic::new(Code::E034, span, message)
            }
            Stop::Unavailable(span) => {
                let message = "a default of this form is not available in this version";
                Diagnostic::new(Code::E023, span, message).help("write the value itself")
            }
        }
    }
}

type Outcome = Result<Value, Stop>;

/// The value of `expr`, which mentions no input, binding, module or variable.
pub(super) fn fold(expr: &Expr, functions: &[Function]) -> Outcome {
    let eval = |expr: &Expr| fold(expr, functions);
    let test = |expr: &Expr| match fold(expr, functions)? {
        Value::Boolean(value) => Ok(value),
        _ => Err(Stop::Unavailable(expr.span)),
    };
    let fails = |failure| Stop::Fails(Box::new(failure), expr.span);
    match &expr.kind {
        Kind::Constant(value) => Ok(value.clone()),
        Kind::List(items) => Ok(Value::List(items.iter().map(eval).collect::<Result<_, _>>()?)),
        Kind::Record(fields) => record(fields, expr, functions),
        Kind::Map(entries) => map(entries, functions),
        Kind::Negate(a) => match eval(a)? {
            Value::Int(int) => arithmetic(Arithmetic::Subtract, &Value::Int(0), &Value::Int(int)),
            Value::Float(float) => Ok(Value::Float(-float)),
            _ => return Err(Stop::Unavailable(a.span)),
        }
        .map_err(fails),
        Kind::Not(a) => Ok(Value::Boolean(!test(a)?)),
        Kind::Arithmetic(op, a, b) => arithmetic(*op, &eval(a)?, &eval(b)?).map_err(fails),
        Kind::Compare(op, a, b) => Ok(Value::Boolean(compare(*op, &eval(a)?, &eval(b)?))),
        Kind::And(a, b) => Ok(Value::Boolean(test(a)? && test(b)?)),
        Kind::Or(a, b) => Ok(Value::Boolean(test(a)? || test(b)?)),
        Kind::When(value, condition) => match test(condition)? {
            true => eval(value),
            false => Ok(Value::None),
        },
        Kind::Coalesce(a, b) => match eval(a)? {
            Value::None => eval(b),
            value => Ok(value),
        },
        Kind::Branch(rows, otherwise) => {
            for (condition, value) in rows {
                if test(condition)? {
                    return eval(value);
                }
            }
            eval(otherwise)
        }
        Kind::Call(function, arguments, _) => {
            let eval_fn = functions[*function as usize].eval;
            let eval_fn = eval_fn.ok_or(Stop::Unavailable(expr.span))?;
            let arguments: Vec<Value> = arguments.iter().map(eval).collect::<Result<_, _>>()?;
            eval_fn(&arguments).map_err(fails)
        }
        Kind::Convert(inner) => {
            convert(&eval(inner)?, &inner.ty, &expr.ty).ok_or(Stop::Unavailable(expr.span))
        }
        Kind::Field(base, name) => match (&base.ty, eval(base)?) {
            (Type::Record(record), Value::Record(fields)) => {
                let field = record.slot(name).and_then(|slot| fields.get(slot));
                field.cloned().ok_or(Stop::Unavailable(expr.span))
            }
            _ => Err(Stop::Unavailable(expr.span)),
        },
        Kind::Text(pieces) => {
            let mut text = String::new();
            for piece in pieces {
                match piece {
                    Piece::Literal(literal) => text.push_str(literal),
                    Piece::Value(value) => model::print::print(&value.ty, &eval(value)?, &mut text),
                }
            }
            Ok(Value::string(text))
        }
        Kind::Input(_) | Kind::Binding(_) | Kind::Local(_) | Kind::Match(..) => {
            Err(Stop::Unavailable(expr.span))
        }
        Kind::OptionalField(..) | Kind::Project(_) | Kind::Merge(..) | Kind::Broken => {
            Err(Stop::Unavailable(expr.span))
        }
    }
}

fn record(fields: &[(Text, Expr)], expr: &Expr, functions: &[Function]) -> Outcome {
    let Type::Record(record) = &expr.ty else { return Err(Stop::Unavailable(expr.span)) };
    let mut slots = vec![Value::None; record.len()];
    for (name, field) in fields {
        let slot = record.slot(name).ok_or(Stop::Unavailable(field.span))?;
        slots[slot] = fold(field, functions)?;
    }
    Ok(Value::Record(slots.into()))
}

fn map(entries: &[(Text, Expr)], functions: &[Function]) -> Outcome {
    let entry = |(name, value): &(Text, Expr)| Ok((name.clone(), fold(value, functions)?));
    let mut entries: Vec<(Text, Value)> = entries.iter().map(entry).collect::<Result<_, Stop>>()?;
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Value::Map(entries.into_iter().map(|(key, value)| (Value::String(key), value)).collect()))
}

/// The same rules as when a pipeline runs (specification 6.11).
fn arithmetic(op: Arithmetic, a: &Value, b: &Value) -> Result<Value, Failure> {
    let failure = |code: Code| Failure::new(code, code.title());
    match (a, b) {
        (Value::Int(_), Value::Int(0))
            if op == Arithmetic::Divide || op == Arithmetic::Remainder =>
        {
            Err(failure(Code::R005))
        }
        (Value::Int(a), Value::Int(b)) => {
            let result = match op {
                Arithmetic::Add => a.checked_add(*b),
                Arithmetic::Subtract => a.checked_sub(*b),
                Arithmetic::Multiply => a.checked_mul(*b),
                Arithmetic::Divide => a.checked_div(*b),
                Arithmetic::Remainder => Some(a.wrapping_rem(*b)),
            };
            result.map(Value::Int).ok_or_else(|| failure(Code::R004))
        }
        (Value::Float(a), Value::Float(b)) => {
            let result = match op {
                Arithmetic::Add => a + b,
                Arithmetic::Subtract => a - b,
                Arithmetic::Multiply => a * b,
                Arithmetic::Divide => a / b,
                Arithmetic::Remainder => a % b,
            };
            if result.is_finite() { Ok(Value::Float(result)) } else { Err(failure(Code::R006)) }
        }
        _ => Err(failure(Code::R900)),
    }
}

fn compare(op: Comparison, a: &Value, b: &Value) -> bool {
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Value::Int(a), Value::Float(b)) => compare_int_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => compare_int_float(*b, *a).reverse(),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    match op {
        Comparison::Equal => a.equals(b),
        Comparison::NotEqual => !a.equals(b),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// `value` of type `from` as a value of type `to` (specification 5.3).
fn convert(value: &Value, from: &Type, to: &Type) -> Option<Value> {
    if from == to {
        return Some(value.clone());
    }
    match (value, from, to) {
        (Value::None, _, _) => Some(Value::None),
        (_, Type::Optional(from), _) => convert(value, from, to),
        (_, _, Type::Optional(to)) => convert(value, from, to),
        (Value::Tagged(member, value), Type::Union(union), _) => {
            convert(value, &union.members().get(*member as usize)?.ty, to)
        }
        (_, Type::Union(_), _) => Some(value.clone()),
        (_, _, Type::Union(union)) => {
            let at = join::entered(from, union)?;
            let value = convert(value, from, &union.members()[at].ty)?;
            let is_marked = matches!(value, Value::List(_) | Value::Record(_) | Value::Map(_));
            Some(if is_marked { Value::Tagged(at as u32, value.into()) } else { value })
        }
        (Value::Int(int), Type::Int, Type::Float) => Some(Value::Float(*int as f64)),
        (Value::List(items), Type::List(from), Type::List(to)) => {
            let items = items.iter().map(|item| convert(item, from, to));
            Some(Value::List(items.collect::<Option<_>>()?))
        }
        (Value::Map(entries), Type::Map(_, from), Type::Map(_, to)) => {
            let entry = |(k, v): &(Value, Value)| Some((k.clone(), convert(v, from, to)?));
            Some(Value::Map(entries.iter().map(entry).collect::<Option<_>>()?))
        }
        (Value::Record(fields), Type::Record(from), Type::Record(to)) => {
            let field = |field: &model::Field| {
                let slot = from.slot(&field.name)?;
                convert(fields.get(slot)?, &from.at_slot(slot).ty, &field.ty)
            };
            Some(Value::Record(to.slots().map(field).collect::<Option<_>>()?))
        }
        _ => Some(value.clone()),
    }
}
