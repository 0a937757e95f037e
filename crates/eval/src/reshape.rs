//! Applies a [`Reshape`] to a value. The checker makes reshapes only for values of their form; an
//! image from damaged bytes may hold others, and then there is no result.

use model::plan::{ExprId, MemberCase, MemberTest, Reshape, ReshapeId};
use model::{Plan, Value, limits};

use crate::evaluator::{Cells, Evaluator, Outcome};

impl<C: Cells> Evaluator<'_, C> {
    /// `value` in another form; costs a step for each element that is made.
    pub(crate) fn reshape(&mut self, shape: ReshapeId, value: Value, id: ExprId) -> Outcome {
        let mut made = Made(0);
        let reshaped = apply(self.plan, shape, value, &mut made);
        self.charge(made.0, id)?;
        reshaped.ok_or_else(|| self.broken(id))
    }
}

/// How many elements were made.
struct Made(u64);

impl Made {
    /// Whether as many more may be made; what is made beyond is never looked at.
    fn more(&mut self, count: usize) -> Option<()> {
        self.0 += count as u64;
        (self.0 <= limits::STEPS_MAX).then_some(())
    }
}

/// The reshaped value; `None` if the value does not have the form that the reshape is for, or if
/// too much would be made.
fn apply(plan: &Plan, shape: ReshapeId, value: Value, made: &mut Made) -> Option<Value> {
    Some(match (&plan.reshapes[shape as usize], value) {
        (Reshape::Keep, value) => value,
        (Reshape::Float, Value::Int(int)) => Value::Float(int as f64),
        (Reshape::Field(slot, next), Value::Record(fields)) => {
            return apply(plan, *next, fields.get(*slot as usize)?.clone(), made);
        }
        (Reshape::Record(slots), Value::Record(fields)) => {
            made.more(slots.len())?;
            let field = |slot: &Option<(u32, ReshapeId)>| match slot {
                Some((from, next)) => apply(plan, *next, fields.get(*from as usize)?.clone(), made),
                None => Some(Value::None),
            };
            Value::Record(slots.iter().map(field).collect::<Option<_>>()?)
        }
        (Reshape::List(next), Value::List(items)) => {
            made.more(items.len())?;
            let item = |item: &Value| apply(plan, *next, item.clone(), made);
            Value::List(items.iter().map(item).collect::<Option<_>>()?)
        }
        (Reshape::Map(next), Value::Map(entries)) => {
            made.more(entries.len())?;
            let entry =
                |(k, v): &(Value, Value)| Some((k.clone(), apply(plan, *next, v.clone(), made)?));
            Value::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        (Reshape::Optional(_), Value::None) => Value::None,
        (Reshape::Optional(next), value) => return apply(plan, *next, value, made),
        (Reshape::Mark(member, next), value) => {
            made.more(1)?;
            Value::Tagged(*member, apply(plan, *next, value, made)?.into())
        }
        (Reshape::Union(cases), value) => {
            let mut cases = cases.iter();
            let content =
                |case: &MemberCase| Some((case.reshape, member(&case.test, &value)?.clone()));
            let (next, content) = cases.find_map(content)?;
            return apply(plan, next, content, made);
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
