//! Lambdas: arguments of functions that say what their parameters are (specification 5.5, 5.6).

use model::limits::NODES_MAX;
use model::types::is_subtype;
use model::{Code, Diagnostic, Span, Text, Type};

use super::Checker;
use super::expect::{fits, show};
use super::generic::{Candidates, Solution};
use crate::program::Lambda;
use crate::syntax::{self, Param};

/// A lambda may be checked twice, and one inside it four times. This counts the expressions that are
/// checked again, so that a few nested ones do not take forever.
#[derive(Debug, Default)]
pub(super) struct Recheck {
    depth: usize,
    count: usize,
    /// Where there were too many.
    exceeded: Option<Span>,
}

/// A function parameter of a call: what the lambda is given, and what it has to give.
pub(super) struct Wanted<'t> {
    pub(super) parameters: &'t [Type],
    pub(super) result: &'t Type,
    /// The name of the function that takes the lambda.
    pub(super) name: &'t str,
}

impl<'a> Checker<'a> {
    /// A lambda as the argument `wanted`. Solves the variables that only its result determines.
    pub(super) fn lambda(
        &mut self,
        parameters: &'a [Param],
        body: &'a syntax::Expr,
        wanted: &Wanted<'_>,
        solution: &mut Solution,
        candidates: &mut Candidates,
        span: Span,
    ) -> Option<Lambda> {
        if parameters.len() != wanted.parameters.len() {
            let (given, count) = (parameters.len(), wanted.parameters.len());
            let name = model::text::quote(wanted.name);
            let form = if count == 1 { "x => .." } else { "(a, x) => .." };
            let message = format!("`{name}` takes a lambda of {count} parameters, not {given}");
            let help = format!("write `{form}`");
            self.report(Diagnostic::new(Code::E015, span, message).help(help));
            return None;
        }
        let before = Snapshot::of(self);
        let lambda = self.lambda_given(parameters, body, wanted, solution);
        // The accumulator of a `fold`: what the lambda gives is what it is given next.
        let carried = match (wanted.parameters, wanted.result) {
            ([Type::Variable(carried), _], Type::Variable(result)) if carried == result => *carried,
            _ => return self.finish(lambda, wanted, solution),
        };
        let known = solution.get(carried).cloned().unwrap_or(Type::Nothing);
        if fits(&lambda.body, &known) {
            return self.finish(lambda, wanted, solution);
        }
        candidates.collect(&Type::Variable(carried), &lambda.body);
        let widened = candidates.join(carried).unwrap_or(Type::Unknown);
        if widened == known {
            return self.finish(lambda, wanted, solution);
        }
        before.restore(self);
        solution.set(carried, self.bounded(widened, span));
        self.recheck.depth += 1;
        let lambda = self.lambda_given(parameters, body, wanted, solution);
        self.recheck.depth -= 1;
        self.finish(lambda, wanted, solution)
    }

    /// The lambda with its parameters as the solution has them; its body is still loose.
    fn lambda_given(
        &mut self,
        parameters: &'a [Param],
        body: &'a syntax::Expr,
        wanted: &Wanted<'_>,
        solution: &Solution,
    ) -> Lambda {
        let mut locals: Vec<(u32, Type)> = Vec::with_capacity(parameters.len());
        let mut names: Vec<(&Text, u32)> = Vec::with_capacity(parameters.len());
        for (parameter, given) in parameters.iter().zip(wanted.parameters) {
            let given = solution.apply(given);
            let ty = self.parameter_type(parameter, &given);
            let local = self.new_local(ty);
            locals.push((local, given));
            let name = &parameter.name;
            if name.text == "_" {
                continue;
            }
            if let Some((_, first)) = names.iter().find(|(known, _)| **known == name.text) {
                let at = locals.iter().position(|(local, _)| local == first).unwrap_or_default();
                let message =
                    format!("there are two parameters `{}`", model::text::quote(&name.text));
                self.report(
                    Diagnostic::new(Code::E030, name.span, message)
                        .label(parameters[at].name.span, "the first one")
                        .help("choose another name for one of the two, or `_`"),
                );
                continue;
            }
            self.warn_of_hiding(&name.text, name.span);
            names.push((&name.text, local));
        }
        for (name, local) in &names {
            self.scope.entry((*name).clone()).or_default().push(*local);
        }
        let body = self.infer(body);
        for (name, _) in &names {
            self.scope.get_mut(*name).map(Vec::pop);
        }
        Lambda { parameters: locals, body }
    }

    fn parameter_type(&mut self, parameter: &Param, given: &Type) -> Type {
        let Some(annotation) = &parameter.ty else { return given.clone() };
        let ty = self.types.resolve(annotation, &mut self.diagnostics);
        if is_subtype(given, &ty) {
            return ty;
        }
        let name = model::text::quote(&parameter.name.text);
        let message = format!("`{name}` is given {}, which is no {}", show(given), show(&ty));
        let help = "leave the type out: it is known here";
        self.report(Diagnostic::new(Code::E010, annotation.span, message).help(help));
        Type::Unknown
    }

    /// The lambda with its body as a value of what is wanted.
    fn finish(
        &mut self,
        lambda: Lambda,
        wanted: &Wanted<'_>,
        solution: &mut Solution,
    ) -> Option<Lambda> {
        let mut from_result = Candidates::default();
        from_result.collect(wanted.result, &lambda.body);
        let is_sound = self.solve(wanted.result, &from_result, solution, wanted.name);
        let result = solution.apply(wanted.result);
        let body = match is_sound {
            true => self.fit(lambda.body, &result),
            false => self.settle(lambda.body),
        };
        Some(Lambda { body, ..lambda })
    }

    /// Whether an expression may be checked once more.
    pub(super) fn may_recheck(&mut self, span: Span) -> bool {
        if self.recheck.depth == 0 {
            return true;
        }
        self.recheck.count += 1;
        if self.recheck.count == NODES_MAX {
            self.recheck.exceeded = Some(span);
        }
        self.recheck.count < NODES_MAX
    }

    /// Reports that there were too many lambdas to check again. It is done at the end, since what is
    /// reported in a lambda is forgotten when that is checked again.
    pub(super) fn report_rechecks(&mut self) {
        if let Some(span) = self.recheck.exceeded {
            let message = "the types of these nested lambdas take too long to find";
            let help = "give the start value of `fold` its full type, or nest fewer of them";
            self.report(Diagnostic::new(Code::E040, span, message).help(help));
        }
    }
}

/// What checking an expression changes beside its result.
struct Snapshot {
    diagnostics: usize,
    locals: usize,
    nodes: usize,
    limits: usize,
}

impl Snapshot {
    fn of(checker: &Checker<'_>) -> Snapshot {
        Snapshot {
            diagnostics: checker.diagnostics.len(),
            locals: checker.locals.len(),
            nodes: checker.nodes,
            limits: checker.limits.len(),
        }
    }

    /// As if it had not been checked.
    fn restore(self, checker: &mut Checker<'_>) {
        checker.diagnostics.truncate(self.diagnostics);
        checker.locals.truncate(self.locals);
        checker.nodes = self.nodes;
        checker.limits.truncate(self.limits);
    }
}
