//! Rust types as types of the language, and values both ways.

use std::collections::BTreeMap;

use engine::ExecutionView;
use model::text::quote;
use model::{Field, KeyType, Record, Text, Type, Value};

/// A Rust type that stands for a type of the language.
///
/// There are implementations for `String`, `i64`, `i32`, `u32`, `f64`, `bool`, `Option`, `Vec` and
/// `BTreeMap` with `String` or `i64` as its key; [`record!`](crate::record) makes records.
pub trait Typed: Sized {
    /// The type of the language.
    fn ty() -> Type;
    /// The value of this.
    fn into_value(self) -> Value;
    /// What a value of that type is; `None` if it is out of the range of this type.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Typed for String {
    fn ty() -> Type {
        Type::String
    }

    fn into_value(self) -> Value {
        Value::string(self)
    }

    fn from_value(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

impl Typed for bool {
    fn ty() -> Type {
        Type::Boolean
    }

    fn into_value(self) -> Value {
        Value::Boolean(self)
    }

    fn from_value(value: &Value) -> Option<bool> {
        match value {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl Typed for f64 {
    fn ty() -> Type {
        Type::Float
    }

    /// A Float is always finite: what is not becomes the nearest one that is, and NaN zero.
    fn into_value(self) -> Value {
        Value::Float(if self.is_nan() { 0.0 } else { self.clamp(f64::MIN, f64::MAX) })
    }

    fn from_value(value: &Value) -> Option<f64> {
        match value {
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl Typed for $int {
            fn ty() -> Type {
                Type::Int
            }

            fn into_value(self) -> Value {
                Value::Int(self.into())
            }

            fn from_value(value: &Value) -> Option<$int> {
                match value {
                    Value::Int(value) => <$int>::try_from(*value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integers!(i64 i32 u32);

impl<T: Typed> Typed for Option<T> {
    fn ty() -> Type {
        Type::optional(T::ty())
    }

    fn into_value(self) -> Value {
        self.map_or(Value::None, T::into_value)
    }

    fn from_value(value: &Value) -> Option<Option<T>> {
        match value {
            Value::None => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn ty() -> Type {
        Type::list(T::ty())
    }

    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }

    fn from_value(value: &Value) -> Option<Vec<T>> {
        match value {
            Value::List(items) => items.iter().map(T::from_value).collect(),
            _ => None,
        }
    }
}

/// What can be the key of a map.
pub trait Key: Typed + Ord {
    /// Which.
    const TYPE: KeyType;
}

impl Key for String {
    const TYPE: KeyType = KeyType::String;
}

impl Key for i64 {
    const TYPE: KeyType = KeyType::Int;
}

impl<K: Key, T: Typed> Typed for BTreeMap<K, T> {
    fn ty() -> Type {
        Type::Map(K::TYPE, T::ty().into())
    }

    fn into_value(self) -> Value {
        let entry = |(key, value): (K, T)| (key.into_value(), value.into_value());
        Value::Map(self.into_iter().map(entry).collect())
    }

    fn from_value(value: &Value) -> Option<BTreeMap<K, T>> {
        let Value::Map(entries) = value else { return None };
        let entry =
            |(key, value): &(Value, Value)| Some((K::from_value(key)?, T::from_value(value)?));
        entries.iter().map(entry).collect()
    }
}

/// Reads outputs of an execution as Rust types.
pub trait Output {
    /// The output of this name; else why there is none: there is no such output, it has no value yet,
    /// or its type is another one.
    fn output<T: Typed>(&self, name: &str) -> Result<T, String>;
}

impl Output for ExecutionView {
    fn output<T: Typed>(&self, name: &str) -> Result<T, String> {
        let plan = self.loaded.plan();
        let Some(at) = plan.outputs.iter().position(|output| output.name == name) else {
            return Err(format!("there is no output `{}`", quote(name)));
        };
        let (is, wanted) = (plan.output_type(&plan.outputs[at]), T::ty());
        if *is != wanted {
            return Err(format!("the output `{}` is `{is}`, not `{wanted}`", quote(name)));
        }
        let value = self.outputs.iter().find(|(known, _)| *known == at);
        let (_, value) = value.ok_or_else(|| format!("`{}` has no value yet", quote(name)))?;
        T::from_value(value).ok_or_else(|| format!("`{}` is out of range", quote(name)))
    }
}

/// Declares a struct whose values are records of the language. A field may have another name there.
///
/// ```
/// tidegate::record! {
///     /// A line of an order.
///     #[derive(Clone, Debug, PartialEq)]
///     pub struct Line {
///         pub sku: String,
///         pub unit_price as "unitPrice": f64,
///         pub note: Option<String>,
///     }
/// }
/// use tidegate::Typed;
/// assert_eq!(Line::ty().to_string(), "{ sku: String, unitPrice: Float, note: Optional<String> }");
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_visibility:vis $field:ident $(as $other:literal)? : $ty:ty),*
            $(,)?
        }
    ) => {
        $(#[$meta])*
        $visibility struct $name {
            $($(#[$field_meta])* $field_visibility $field: $ty),*
        }

        impl $crate::Typed for $name {
            fn ty() -> $crate::model::Type {
                $crate::record_type(&[
                    $(($crate::record_field!($field $($other)?), <$ty as $crate::Typed>::ty())),*
                ])
            }

            fn into_value(self) -> $crate::model::Value {
                $crate::record_value(vec![
                    $((
                        $crate::record_field!($field $($other)?),
                        <$ty as $crate::Typed>::into_value(self.$field),
                    )),*
                ])
            }

            fn from_value(value: &$crate::model::Value) -> Option<$name> {
                let names = [$($crate::record_field!($field $($other)?)),*];
                Some($name {
                    $($field: $crate::record_slot(
                        value,
                        &names,
                        $crate::record_field!($field $($other)?),
                    )?),*
                })
            }
        }
    };
}

/// The name of a field in the language.
#[doc(hidden)]
#[macro_export]
macro_rules! record_field {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $other:literal) => {
        $other
    };
}

/// The type of a record with these fields.
#[doc(hidden)]
pub fn record_type(fields: &[(&'static str, Type)]) -> Type {
    let field =
        |(name, ty): &(&'static str, Type)| Field { name: Text::new_static(name), ty: ty.clone() };
    Type::Record(Record::new(fields.iter().map(field)))
}

/// A record of these values.
#[doc(hidden)]
pub fn record_value(mut fields: Vec<(&'static str, Value)>) -> Value {
    // Records have their fields in the order of their names.
    fields.sort_by_key(|(name, _)| *name);
    Value::Record(fields.into_iter().map(|(_, value)| value).collect())
}

/// The field of this name of a record that has these fields.
#[doc(hidden)]
pub fn record_slot<T: Typed>(value: &Value, names: &[&str], name: &str) -> Option<T> {
    let Value::Record(slots) = value else { return None };
    let slot = names.iter().filter(|other| **other < name).count();
    slots.get(slot).and_then(T::from_value)
}
