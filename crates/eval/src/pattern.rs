//! Patterns of `match`: whether a value fits, and what its variables become.

use model::Value;
use model::plan::{ExprId, MemberTest, Pattern, PatternId};

use crate::evaluator::{Cells, Evaluator, Outcome, field};
use crate::reshape;

impl<C: Cells> Evaluator<'_, C> {
    /// Whether `value` fits the pattern; binds its variables. `id` is the place of the `match`.
    pub fn fits(&mut self, pattern: PatternId, value: &Value, id: ExprId) -> Outcome<bool> {
        Ok(match &self.plan.patterns[pattern as usize] {
            Pattern::Any => true,
            Pattern::Bind(local, shape, inner) => {
                // The variable has the form of what fits, so only that can be reshaped.
                let fits = self.fits(*inner, value, id)?;
                if fits {
                    let bound = self.reshape(*shape, value.clone(), id)?;
                    self.bind(*local, Some(bound));
                }
                fits
            }
            Pattern::Equal(constant) => self.plan.constant(*constant).equals(value),
            Pattern::None => matches!(value, Value::None),
            Pattern::Some(inner) => {
                !matches!(value, Value::None) && self.fits(*inner, value, id)?
            }
            Pattern::Member(cases) => {
                let content = |(test, inner): &(MemberTest, PatternId)| {
                    reshape::member(test, value).map(|content| (*inner, content.clone()))
                };
                match cases.iter().find_map(content) {
                    Some((inner, content)) => self.fits(inner, &content, id)?,
                    None => false,
                }
            }
            Pattern::Record(slots) => {
                for (slot, inner) in slots {
                    let Some(value) = field(value, *slot) else { return Ok(false) };
                    if !self.fits(*inner, &value, id)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }

    /// Makes the variables of a pattern unknown.
    pub fn unbind(&mut self, pattern: PatternId) {
        match &self.plan.patterns[pattern as usize] {
            Pattern::Any | Pattern::Equal(_) | Pattern::None => {}
            Pattern::Bind(local, _, inner) => {
                self.bind(*local, None);
                self.unbind(*inner);
            }
            Pattern::Some(inner) => self.unbind(*inner),
            Pattern::Member(cases) => cases.iter().for_each(|(_, inner)| self.unbind(*inner)),
            Pattern::Record(slots) => slots.iter().for_each(|(_, inner)| self.unbind(*inner)),
        }
    }
}
