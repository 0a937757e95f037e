//! Values. A value does not know its type: its type is known where it is used, and drives reading,
//! writing and printing it.

use std::sync::Arc;

use crate::{KeyType, Text, Type, Union};

/// A value of the language, in the layout of exactly one type.
#[derive(Clone, Debug)]
pub enum Value {
    /// Absence. An Optional that is present is just its content.
    None,
    /// A Boolean.
    Boolean(bool),
    /// An Int.
    Int(i64),
    /// A Float; always finite.
    Float(f64),
    /// A String or a value of a literal type.
    String(Text),
    /// The elements.
    List(Arc<[Value]>),
    /// The fields in slot order, sorted by name.
    Record(Arc<[Value]>),
    /// Entries sorted by key, keys unique.
    Map(Arc<[(Value, Value)]>),
    /// A list, record or map as the member `0` of a union; scalars need no mark, their variant
    /// names their member.
    Tagged(u32, Arc<Value>),
}

impl Value {
    /// A String value.
    pub fn string(text: impl Into<Text>) -> Value {
        Value::String(text.into())
    }

    /// The value without its union mark.
    pub fn unmarked(&self) -> &Value {
        match self {
            Value::Tagged(_, value) => value.unmarked(),
            value => value,
        }
    }

    /// The Boolean inside; anything else is a broken promise of the checker.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Structural equality of the language: marks are ignored, Int and Float compare by exact
    /// mathematical value, `0.0 == -0.0`.
    pub fn equals(&self, other: &Value) -> bool {
        match (self.unmarked(), other.unmarked()) {
            (Value::None, Value::None) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Int(int), Value::Float(float)) | (Value::Float(float), Value::Int(int)) => {
                compare_int_float(*int, *float) == std::cmp::Ordering::Equal
            }
            (Value::String(a), Value::String(b)) => a == b,
            (Value::List(a), Value::List(b)) | (Value::Record(a), Value::Record(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|(a, b)| a.0.equals(&b.0) && a.1.equals(&b.1))
            }
            _ => false,
        }
    }

    /// Bytes that the value holds, shared parts counted each time; the measure of
    /// `max_value_bytes`.
    pub fn bytes(&self) -> usize {
        const CELL: usize = size_of::<Value>();
        CELL + match self {
            Value::None | Value::Boolean(_) | Value::Int(_) | Value::Float(_) => 0,
            Value::String(text) => text.len(),
            Value::List(values) | Value::Record(values) => values.iter().map(Value::bytes).sum(),
            Value::Map(entries) => entries.iter().map(|(k, v)| k.bytes() + v.bytes()).sum(),
            Value::Tagged(_, value) => value.bytes(),
        }
    }
}

/// Whether `value` has exactly the layout of `ty`. It looks no deeper than the type is nested.
pub fn fits(ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Optional(_), Value::None) => true,
        (Type::Optional(content), value) => fits(content, value),
        (Type::String, Value::String(_)) | (Type::Int, Value::Int(_)) => true,
        (Type::Boolean, Value::Boolean(_)) => true,
        (Type::Float, Value::Float(float)) => float.is_finite(),
        (Type::Literal(literal), Value::String(text)) => literal == text,
        (Type::List(element), Value::List(items)) => items.iter().all(|item| fits(element, item)),
        (Type::Record(record), Value::Record(fields)) => {
            record.len() == fields.len()
                && record.slots().zip(fields.iter()).all(|(field, value)| fits(&field.ty, value))
        }
        (Type::Map(key, ty), Value::Map(entries)) => {
            entries.iter().all(|(_, value)| fits(ty, value)) && are_keys(*key, entries)
        }
        (Type::Union(union), value) => member_of(union, value).is_some_and(|at| {
            let ty = &union.members()[at].ty;
            match value {
                Value::Tagged(_, value) => fits(ty, value),
                scalar => fits(ty, scalar),
            }
        }),
        _ => false,
    }
}

/// Whether all keys are of the type, ascending and unique.
fn are_keys(key: KeyType, entries: &[(Value, Value)]) -> bool {
    entries.is_sorted_by(|(a, _), (b, _)| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::String(a), Value::String(b)) => a < b,
        _ => false,
    }) && entries.first().is_none_or(|(first, _)| match key {
        KeyType::String => matches!(first, Value::String(_)),
        KeyType::Int => matches!(first, Value::Int(_)),
        KeyType::Variable => false,
    })
}

/// [`Value::equals`] for values whose types may hold unions: records are equal only if they have the
/// same field names.
pub fn equals_at(left_ty: &Type, left: &Value, right_ty: &Type, right: &Value) -> bool {
    match (left_ty, left, right_ty, right) {
        (_, Value::None, _, _) | (_, _, _, Value::None) => left.equals(right),
        (Type::Optional(content), ..) => equals_at(content, left, right_ty, right),
        (_, _, Type::Optional(content), _) => equals_at(left_ty, left, content, right),
        (Type::Union(union), ..) => member_of(union, left)
            .is_some_and(|at| equals_at(&union.members()[at].ty, left.unmarked(), right_ty, right)),
        (_, _, Type::Union(union), _) => member_of(union, right)
            .is_some_and(|at| equals_at(left_ty, left, &union.members()[at].ty, right.unmarked())),
        (Type::List(l), Value::List(a), Type::List(r), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equals_at(l, a, r, b))
        }
        (Type::Map(_, l), Value::Map(a), Type::Map(_, r), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|(a, b)| a.0.equals(&b.0) && equals_at(l, &a.1, r, &b.1))
        }
        (Type::Record(l), Value::Record(a), Type::Record(r), Value::Record(b)) => {
            let fields = l.slots().zip(r.slots());
            l.len() == r.len()
                && a.len() == b.len()
                && fields
                    .zip(a.iter().zip(b.iter()))
                    .all(|((l, r), (a, b))| l.name == r.name && equals_at(&l.ty, a, &r.ty, b))
        }
        (Type::Record(_) | Type::List(_) | Type::Map(..), ..) => false,
        _ => left.equals(right),
    }
}

/// The member of `union` that `value` belongs to, by its mark or by its own form.
pub fn member_of(union: &Union, value: &Value) -> Option<usize> {
    if let Value::Tagged(at, _) = value {
        let ty = &union.members().get(*at as usize)?.ty;
        return matches!(ty, Type::List(_) | Type::Record(_) | Type::Map(..))
            .then_some(*at as usize);
    }
    union.members().iter().position(|member| match (&member.ty, value) {
        (Type::String, Value::String(_)) | (Type::Int, Value::Int(_)) => true,
        (Type::Float, Value::Float(_)) | (Type::Boolean, Value::Boolean(_)) => true,
        (Type::Literal(literal), Value::String(text)) => literal == text,
        _ => false,
    })
}

/// Compares by exact mathematical value; `float` must be finite.
pub fn compare_int_float(int: i64, float: f64) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    // Every float from 2^63 up is above, and every one below -2^63 is under all Ints; in between
    // the truncated float is exact as i64, and its fraction decides ties.
    if float >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64)).then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn ints_and_floats_compare_exactly() {
        assert_eq!(compare_int_float(i64::MAX, 9_223_372_036_854_775_808.0), Ordering::Less);
        assert_eq!(
            compare_int_float(9_007_199_254_740_993, 9_007_199_254_740_992.0),
            Ordering::Greater
        );
        assert_eq!(compare_int_float(-2, -2.5), Ordering::Greater);
        assert_eq!(compare_int_float(2, 2.5), Ordering::Less);
        assert!(Value::Float(0.0).equals(&Value::Float(-0.0)));
    }

    #[test]
    fn only_the_exact_layout_fits() {
        let list = Type::list(Type::Int);
        let union = Union::of([(list.clone(), None), (Type::Int, None)]);
        let mark = |at, value| Value::Tagged(at, Arc::new(value));
        let empty = || Value::List([].into());
        // The members are `Int` and `List<Int>`, in this order.
        assert!(fits(&union, &mark(1, empty())));
        assert!(fits(&union, &Value::Int(1)));
        assert!(!fits(&union, &empty()), "a list needs its mark");
        assert!(!fits(&union, &mark(0, Value::Int(1))), "a scalar has none");
        assert!(!fits(&union, &mark(1, mark(1, empty()))), "a mark stands alone");
        assert!(!fits(&union, &mark(2, empty())), "there is no such member");
        assert!(!fits(&list, &mark(1, empty())), "only unions have marks");
        assert!(!fits(&Type::Float, &Value::Float(f64::NAN)));
        assert!(!fits(&Type::Int, &Value::None));
        assert!(fits(&Type::optional(Type::Int), &Value::None));
        assert!(!fits(&Type::Literal("a".into()), &Value::string("b")));
    }

    #[test]
    fn the_keys_of_a_map_ascend() {
        let map = Type::Map(KeyType::Int, Type::Int.into());
        let of = |keys: &[Value]| {
            Value::Map(keys.iter().map(|key| (key.clone(), Value::Int(0))).collect())
        };
        let (one, two) = (Value::Int(1), Value::Int(2));
        assert!(fits(&map, &of(&[])));
        assert!(fits(&map, &of(&[one.clone(), two.clone()])));
        assert!(!fits(&map, &of(&[two.clone(), one.clone()])));
        assert!(!fits(&map, &of(&[one.clone(), one.clone()])));
        assert!(!fits(&map, &of(&[Value::string("1")])));
        assert!(!fits(&map, &of(&[one, Value::string("2")])));
    }

    #[test]
    fn a_value_is_three_words() {
        assert_eq!(size_of::<Value>(), 24);
    }
}
