//! The values of constant expressions, for defaults and examples: computed by the same evaluator
//! that runs pipelines.

use std::sync::Arc;

use eval::{Builtins, Evaluator, NoCells, Stop};
use model::{Code, Failure, Value, limits};

use super::Checker;
use crate::lower;
use crate::program::{Expr, Kind};

/// Steps that the look at a constant pattern counts.
const PATTERN_STEPS: u64 = 10_000;

impl Checker<'_> {
    /// The value of an expression that reads no cell, or how it fails; `None` where it is erroneous.
    pub(super) fn constant(&mut self, expr: &Expr) -> Option<Result<Value, Arc<Failure>>> {
        if let Kind::Constant(value) = &expr.kind {
            return Some(Ok(value.clone()));
        }
        if expr.is_broken() {
            return None;
        }
        let plan = lower::constant(expr, &self.locals, &self.called);
        let builtins = Builtins::of(&plan).ok()?;
        let binding = plan.bindings.first()?;
        let mut evaluator = Evaluator::new(&plan, &builtins, &NoCells);
        evaluator.enter(binding.locals);
        let outcome = evaluator.eval(binding.root);
        let steps = evaluator.steps();
        match outcome {
            Ok(value) if self.may_keep(&value, steps) => Some(Ok(value)),
            Ok(_) => {
                let message = "the constants of this program take too many steps to compute";
                let failure = Failure::new(Code::R009, message);
                Some(Err(Arc::new(Failure { span: expr.span, ..failure })))
            }
            Err(Stop::Failed(failure)) => Some(Err(failure)),
            Err(Stop::Open) => None,
        }
    }

    /// Whether all constants of the program together are within the bounds of one node.
    fn may_keep(&mut self, value: &Value, steps: u64) -> bool {
        let bytes = value.bytes() as u64;
        let per_byte = limits::STEPS_MAX / limits::VALUE_BYTES_MAX as u64 + 1;
        let cost = steps + bytes.saturating_mul(per_byte);
        let is_within = cost <= self.constant_steps;
        self.constant_steps = self.constant_steps.saturating_sub(cost);
        is_within
    }

    /// Why a constant pattern of `matches` cannot be used, as far as there is time to look.
    pub(super) fn pattern_fault(&mut self, pattern: &str) -> Option<Failure> {
        self.constant_steps = self.constant_steps.checked_sub(PATTERN_STEPS)?;
        eval::stdlib::pattern_fault(pattern)
    }

    /// Whether the expression reads no input, no binding and no module.
    pub(super) fn is_independent(&self, expr: &Expr) -> bool {
        let mut reads = false;
        expr.walk(&mut |part| {
            reads |= match &part.kind {
                Kind::Input(_) | Kind::Binding(_) => true,
                Kind::Call(call) => self.called[call.function as usize].is_module,
                _ => false,
            };
        });
        !reads
    }
}
