//! Values as the reference sees them: they know their own form, so that it needs no types.

use std::cmp::Ordering;
use std::sync::Arc;

use model::plan::Plan;
use model::{Type, Value, value};

/// A value. Fields keep the order in which they are printed.
#[derive(Clone, Debug)]
pub(crate) enum Plain {
    None,
    Boolean(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<Plain>),
    Record(Vec<(String, Plain)>),
    /// In key order.
    Map(Vec<(Plain, Plain)>),
}

impl Plain {
    pub(crate) fn text(text: &str) -> Plain {
        Plain::String(text.to_owned())
    }

    pub(crate) fn record<const N: usize>(fields: [(&str, Plain); N]) -> Plain {
        Plain::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// The field `name`, of a list the list of its elements' fields.
    pub(crate) fn field(&self, name: &str) -> Plain {
        match self {
            Plain::List(items) => Plain::List(items.iter().map(|item| item.field(name)).collect()),
            Plain::Record(fields) => {
                let found = fields.iter().find(|(known, _)| known == name);
                found.unwrap_or_else(|| panic!("no field {name} in {self:?}")).1.clone()
            }
            other => panic!("{other:?} has no fields"),
        }
    }

    /// `==` of the language.
    pub(crate) fn equals(&self, other: &Plain) -> bool {
        match (self, other) {
            (Plain::None, Plain::None) => true,
            (Plain::Boolean(a), Plain::Boolean(b)) => a == b,
            (Plain::String(a), Plain::String(b)) => a == b,
            (Plain::Int(_) | Plain::Float(_), Plain::Int(_) | Plain::Float(_)) => {
                self.order(other) == Ordering::Equal
            }
            (Plain::List(a), Plain::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Plain::Record(a), Plain::Record(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(name, a)| b.iter().any(|(other, b)| name == other && a.equals(b)))
            }
            (Plain::Map(a), Plain::Map(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| a.0.equals(&b.0) && a.1.equals(&b.1))
            }
            _ => false,
        }
    }

    /// `<` of the language: numbers by their exact value, strings by code point.
    pub(crate) fn order(&self, other: &Plain) -> Ordering {
        match (self, other) {
            (Plain::Int(a), Plain::Int(b)) => a.cmp(b),
            (Plain::Float(a), Plain::Float(b)) => a.partial_cmp(b).expect("finite floats"),
            (Plain::Int(int), Plain::Float(float)) => {
                // The bounds of i64 lie far inside those of i128, where truncation is exact.
                let whole = float.clamp(-1e30, 1e30).trunc() as i128;
                let fraction = 0.0.partial_cmp(&float.fract()).expect("finite floats");
                i128::from(*int).cmp(&whole).then(fraction)
            }
            (Plain::Float(_), Plain::Int(_)) => other.order(self).reverse(),
            (Plain::String(a), Plain::String(b)) => a.chars().cmp(b.chars()),
            other => panic!("{other:?} have no order"),
        }
    }

    /// As interpolation prints it.
    pub(crate) fn print(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match self {
            Plain::None => String::new(),
            Plain::Boolean(value) => value.to_string(),
            Plain::Int(value) => value.to_string(),
            Plain::Float(value) => print_float(*value),
            Plain::String(text) => text.clone(),
            Plain::List(items) => {
                format!("[{}]", joined(items.iter().map(Plain::print).collect()))
            }
            Plain::Record(fields) => {
                let one = |(name, value): &(String, Plain)| format!("{name}: {}", value.print());
                format!("{{{}}}", joined(fields.iter().map(one).collect()))
            }
            Plain::Map(entries) => {
                let one =
                    |(key, value): &(Plain, Plain)| format!("{}: {}", key.print(), value.print());
                format!("{{{}}}", joined(entries.iter().map(one).collect()))
            }
        }
    }

    /// Everything that can be told of it by any expression or as JSON, for comparisons.
    pub(crate) fn exact(&self) -> String {
        match self {
            Plain::Float(value) => format!("Float({:x})", value.to_bits()),
            Plain::List(items) => {
                let items: Vec<String> = items.iter().map(Plain::exact).collect();
                format!("[{}]", items.join(", "))
            }
            Plain::Record(fields) => {
                let one = |(name, value): &(String, Plain)| format!("{name}: {}", value.exact());
                format!("{{{}}}", fields.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Plain::Map(entries) => {
                let one =
                    |(key, value): &(Plain, Plain)| format!("{} -> {}", key.exact(), value.exact());
                format!("Map({})", entries.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            scalar => format!("{scalar:?}"),
        }
    }

    /// What the engine's `value` of type `ty` is.
    pub(crate) fn of(ty: &Type, value: &Value) -> Plain {
        assert!(value::fits(ty, value), "{value:?} is no {ty}");
        match (ty, value) {
            (_, Value::None) => Plain::None,
            (Type::Optional(content), value) => Plain::of(content, value),
            (_, Value::Boolean(value)) => Plain::Boolean(*value),
            (_, Value::Int(value)) => Plain::Int(*value),
            (_, Value::Float(value)) => Plain::Float(*value),
            (_, Value::String(text)) => Plain::text(text),
            (Type::Union(union), Value::Tagged(at, value)) => {
                Plain::of(&union.members()[*at as usize].ty, value)
            }
            (Type::List(element), Value::List(items)) => {
                Plain::List(items.iter().map(|item| Plain::of(element, item)).collect())
            }
            (Type::Record(record), Value::Record(slots)) => {
                let one = |field: &model::Field| {
                    let slot = record.slot(&field.name).expect("a slot of each field");
                    (field.name.to_string(), Plain::of(&field.ty, &slots[slot]))
                };
                Plain::Record(record.fields().iter().map(one).collect())
            }
            (Type::Map(_, ty), Value::Map(entries)) => {
                let key = |key: &Value| match key {
                    Value::Int(key) => Plain::Int(*key),
                    Value::String(key) => Plain::text(key),
                    other => panic!("{other:?} is no key"),
                };
                Plain::Map(entries.iter().map(|(k, v)| (key(k), Plain::of(ty, v))).collect())
            }
            (ty, value) => panic!("{value:?} is no {ty}"),
        }
    }

    /// The engine's value of type `ty`, if it is one.
    pub(crate) fn to_model(&self, ty: &Type) -> Option<Value> {
        match (ty, self) {
            (Type::Optional(_), Plain::None) => Some(Value::None),
            (Type::Optional(content), value) => value.to_model(content),
            (Type::Boolean, Plain::Boolean(value)) => Some(Value::Boolean(*value)),
            (Type::Int, Plain::Int(value)) => Some(Value::Int(*value)),
            (Type::Float, Plain::Float(value)) => Some(Value::Float(*value)),
            (Type::String, Plain::String(text)) => Some(Value::string(text.as_str())),
            (Type::List(element), Plain::List(items)) => {
                let items: Option<Vec<Value>> =
                    items.iter().map(|item| item.to_model(element)).collect();
                items.map(|items| Value::List(items.into()))
            }
            (Type::Record(record), Plain::Record(fields)) => {
                let one = |field: &model::Field| {
                    fields.iter().find(|(name, _)| *name == *field.name)?.1.to_model(&field.ty)
                };
                let slots: Option<Vec<Value>> = record.slots().map(one).collect();
                slots.filter(|_| fields.len() == record.len()).map(|s| Value::Record(s.into()))
            }
            (Type::Map(_, ty), Plain::Map(entries)) => {
                let one = |(key, value): &(Plain, Plain)| {
                    let key = match key {
                        Plain::Int(key) => Value::Int(*key),
                        key => Value::string(key.print()),
                    };
                    Some((key, value.to_model(ty)?))
                };
                let entries: Option<Vec<_>> = entries.iter().map(one).collect();
                entries.map(|entries| Value::Map(entries.into()))
            }
            (Type::Union(union), value) => {
                let members = (0..).zip(union.members());
                members.into_iter().find_map(|(at, member)| {
                    let value = value.to_model(&member.ty)?;
                    Some(match value {
                        Value::List(_) | Value::Record(_) | Value::Map(_) => {
                            Value::Tagged(at, Arc::new(value))
                        }
                        scalar => scalar,
                    })
                })
            }
            _ => None,
        }
    }

    /// What an output of the engine is.
    pub(crate) fn of_output(plan: &Plan, at: usize, value: &Value) -> Plain {
        Plain::of(plan.output_type(&plan.outputs[at]), value)
    }
}

fn print_float(float: f64) -> String {
    // Rust's `{}` gives the shortest digits, too, but never an exponent.
    if float == 0.0 || (0.001..1e7).contains(&float.abs()) {
        let text = float.to_string();
        return if text.contains('.') { text } else { text + ".0" };
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').expect("an exponent");
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}
