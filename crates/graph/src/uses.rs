//! Who reads whom: one sweep over the expressions of a plan.
//!
//! Operands stand before what uses them, so going backwards every expression knows its reader when
//! its turn comes; there is no recursion. [`parts`] is the one place that knows the forms of
//! expressions and which of their positions are conditional (specification 6.2).

use std::collections::HashMap;

use model::Plan;
use model::plan::{BindingId, CallId, Expr, ExprId, LocalId};

/// How a node uses what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// Whenever the node itself is needed.
    Always,
    /// The same, but only to decide: it stands behind `when`.
    Guard,
    /// Only if a condition, a pattern, an absence or a failure selects it.
    Conditional,
}

impl Use {
    /// `always`, `guard` or `conditional`.
    pub fn as_str(self) -> &'static str {
        match self {
            Use::Always => "always",
            Use::Guard => "guard",
            Use::Conditional => "conditional",
        }
    }
}

/// What evaluates an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Binding(BindingId),
    /// The expression is an argument of this call, or part of one.
    Call(CallId),
}

/// For each expression who evaluates it, and in which position.
pub(crate) fn readers(plan: &Plan) -> Vec<Option<(Reader, Use)>> {
    let mut readers = vec![None; plan.exprs.len()];
    for (id, binding) in (0..).zip(&plan.bindings) {
        readers[binding.root as usize] = Some((Reader::Binding(id), Use::Always));
    }
    for at in (0..plan.exprs.len()).rev() {
        let Some((reader, way)) = readers[at] else { continue };
        let mut note = |part: ExprId, reader, position: Use| {
            readers[part as usize] = Some((reader, position));
        };
        match &plan.exprs[at] {
            Expr::Call(id) => {
                let call = &plan.calls[*id as usize];
                call.arguments.iter().for_each(|&it| note(it, Reader::Call(*id), Use::Always));
            }
            other => parts(other, &mut |part, position| note(part, reader, way.max(position))),
        }
    }
    readers
}

/// What an argument of a call in a lambda stands for: for each local of a binding that is a
/// lambda's parameter, the expressions to whose elements the lambda is applied.
pub(crate) fn elements(plan: &Plan) -> HashMap<(BindingId, LocalId), &[ExprId]> {
    let mut elements = HashMap::new();
    let mut start = 0;
    for (id, binding) in (0..).zip(&plan.bindings) {
        let end = binding.root as usize + 1;
        for expr in &plan.exprs[start..end] {
            if let Expr::Each(each) = expr {
                for (local, _) in &each.parameters {
                    elements.insert((id, *local), each.arguments.as_slice());
                }
            }
        }
        start = end;
    }
    elements
}

/// Calls `visit` with every operand and its position.
fn parts(expr: &Expr, visit: &mut dyn FnMut(ExprId, Use)) {
    match expr {
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Coalesce(a, b) => {
            visit(*a, Use::Always);
            visit(*b, Use::Conditional);
        }
        Expr::When { value, condition } => {
            visit(*condition, Use::Guard);
            visit(*value, Use::Conditional);
        }
        Expr::If { condition, then, otherwise } => {
            visit(*condition, Use::Always);
            visit(*then, Use::Conditional);
            visit(*otherwise, Use::Conditional);
        }
        Expr::Match { subject, arms } => {
            visit(*subject, Use::Always);
            for arm in arms {
                arm.guard.into_iter().for_each(|guard| visit(guard, Use::Conditional));
                visit(arm.body, Use::Conditional);
            }
        }
        Expr::Each(each) => {
            each.arguments.iter().for_each(|argument| visit(*argument, Use::Always));
            visit(each.body, Use::Conditional);
        }
        Expr::Scope(scope) => {
            scope.cells().for_each(|(_, value)| visit(value, Use::Always));
            visit(scope.body, Use::Always);
        }
        Expr::Rescue(rescue) => {
            visit(rescue.of, Use::Always);
            rescue.fallback.into_iter().for_each(|fallback| visit(fallback, Use::Conditional));
        }
        Expr::Constant(_)
        | Expr::Input(_)
        | Expr::Binding(_)
        | Expr::Local(_)
        | Expr::Cell(_)
        | Expr::Call(_)
        | Expr::Apply { .. }
        | Expr::Negate(_)
        | Expr::Not(_)
        | Expr::Arithmetic(..)
        | Expr::Compare(..)
        | Expr::CompareUnions { .. }
        | Expr::List(_)
        | Expr::Record(_)
        | Expr::Map(_)
        | Expr::Text(_)
        | Expr::Reshape(..)
        | Expr::Merge(_) => expr.operands(&mut |part| visit(part, Use::Always)),
    }
}
