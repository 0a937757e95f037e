//! Applies a [`Reshape`] to a value. The checker makes reshapes only for values of their form; an
//! image from damaged bytes may hold others, and then there is no result.

use model::plan::{MemberCase, MemberTest, Reshape, ReshapeId};
use model::{Plan, Value};

/// The reshaped value; `None` if the value does not have the form that the reshape is for.
pub(crate) fn apply(plan: &Plan, shape: ReshapeId, value: Value) -> Option<Value> {
    Some(match (&plan.reshapes[shape as usize], value) {
        (Reshape::Keep, value) => value,
        (Reshape::Float, Value::Int(int)) => Value::Float(int as f64),
        (Reshape::Field(slot, next), Value::Record(fields)) => {
            return apply(plan, *next, fields.get(*slot as usize)?.clone());
        }
        (Reshape::Record(slots), Value::Record(fields)) => {
            let field = |slot: &Option<(u32, ReshapeId)>| match slot {
                Some((from, next)) => apply(plan, *next, fields.get(*from as usize)?.clone()),
                None => Some(Value::None),
            };
            Value::Record(slots.iter().map(field).collect::<Option<_>>()?)
        }
        (Reshape::List(next), Value::List(items)) => {
            let item = |item: &Value| apply(plan, *next, item.clone());
            Value::List(items.iter().map(item).collect::<Option<_>>()?)
        }
        (Reshape::Map(next), Value::Map(entries)) => {
            let entry = |(k, v): &(Value, Value)| Some((k.clone(), apply(plan, *next, v.clone())?));
            Value::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        (Reshape::Optional(_), Value::None) => Value::None,
        (Reshape::Optional(next), value) => return apply(plan, *next, value),
        (Reshape::Mark(member, next), value) => {
            Value::Tagged(*member, apply(plan, *next, value)?.into())
        }
        (Reshape::Union(cases), value) => {
            let mut cases = cases.iter();
            let content =
                |case: &MemberCase| Some((case.reshape, member(&case.test, &value)?.clone()));
            let (next, content) = cases.find_map(content)?;
            return apply(plan, next, content);
        }
        (Reshape::Float | Reshape::Field(..) | Reshape::Record(_), _) => return None,
        (Reshape::List(_) | Reshape::Map(_), _) => return None,
    })
}

/// The unmarked content of a union value, if it is of this member.
pub(crate) fn member<'a>(test: &MemberTest, value: &'a Value) -> Option<&'a Value> {
    match (test, value) {
        (MemberTest::Tag(wanted), Value::Tagged(member, content)) => {
            (wanted == member).then_some(&**content)
        }
        (MemberTest::String, Value::String(_))
        | (MemberTest::Int, Value::Int(_))
        | (MemberTest::Float, Value::Float(_))
        | (MemberTest::Boolean, Value::Boolean(_)) => Some(value),
        (MemberTest::Literal(text), Value::String(value_text)) => {
            (text == value_text).then_some(value)
        }
        _ => None,
    }
}
