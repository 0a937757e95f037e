//! `match`: arms in order, each with its pattern, its variables and what is left over for it
//! (specification 5.7).

use std::collections::HashMap;

use model::{Code, Diagnostic, Span, Text, Type, Union};

use super::Checker;
use super::coverage::{Case, Cover, Coverage, GaveUp};
use super::expect::show;
use super::expr::join_of;
use super::pattern::{self, Fit, Variables};
use crate::names::bound_names;
use crate::program::{self, Expr, Kind, Pattern};
use crate::syntax::{self, ExprKind, PatternKind};

/// Missing patterns that a message lists.
const MISSING_MAX: usize = 5;

impl<'a> Checker<'a> {
    pub(super) fn matching(
        &mut self,
        subject: &'a syntax::Expr,
        arms: &'a [syntax::Arm],
        span: Span,
    ) -> Expr {
        let variable = match &subject.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        };
        let subject = self.infer_settled(subject);
        let mut matching = Matching {
            coverage: Coverage::new(subject.ty.clone()),
            ty: subject.ty.clone(),
            is_sound: subject.ty != Type::Unknown,
            variable: variable.filter(|name| *name != "none"),
        };
        let arms: Vec<program::Arm> = arms.iter().map(|arm| self.arm(arm, &mut matching)).collect();
        if matching.is_sound {
            self.report_missing(&mut matching, subject.span);
        }
        let ty = join_of(&mut arms.iter().map(|arm| &arm.body));
        let ty = self.bounded(ty, span);
        Expr { kind: Kind::Match(subject.into(), arms), ty, span }
    }

    fn arm(&mut self, arm: &'a syntax::Arm, matching: &mut Matching<'a>) -> program::Arm {
        let mut names = Vec::new();
        bound_names(&arm.pattern, &mut names);
        let ids = self.declare_variables(&names);
        let mut variables = Variables { ids, found: Vec::new() };
        let left = match matching.left_for(&arm.pattern) {
            Ok(left) => left,
            Err(GaveUp) => self.too_knotted(arm.pattern.span, matching),
        };
        let fit = match self.fit_pattern(&arm.pattern, &matching.ty, &left, &mut variables) {
            Ok(fit) => fit,
            Err(misfit) => {
                let diagnostic = Diagnostic::new(Code::E010, misfit.span, misfit.message);
                self.report(diagnostic.maybe_help(misfit.help));
                None
            }
        };
        matching.is_sound &= fit.is_some();
        if let Some(fit) = &fit {
            self.report_unreachable(arm, fit, matching);
        }
        let pattern = match fit {
            Some(fit) => {
                for (id, ty) in pattern::variable_types(variables.found) {
                    self.locals[id as usize] = self.bounded(ty, arm.pattern.span);
                }
                if arm.guard.is_none() {
                    matching.coverage.add(fit.cover);
                }
                self.narrow_subject(fit.pattern, fit.ty, arm.pattern.span, matching, &variables.ids)
            }
            None => (Pattern::Any, None),
        };
        let (pattern, narrowed) = pattern;
        let scope: Vec<(Text, u32)> = variables
            .ids
            .iter()
            .map(|(name, id)| (Text::from(*name), *id))
            .chain(narrowed)
            .collect();
        for (name, id) in &scope {
            self.scope.entry(name.clone()).or_default().push(*id);
        }
        let guard = arm.guard.as_ref().map(|guard| self.condition(guard));
        let body = self.infer(&arm.body);
        for (name, _) in &scope {
            self.scope.get_mut(name).map(Vec::pop);
        }
        program::Arm { pattern, guard, body }
    }

    /// A number for each variable; unknown until the pattern fits.
    fn declare_variables(&mut self, names: &[(&'a Text, Span)]) -> HashMap<&'a str, u32> {
        let mut ids = HashMap::new();
        let mut places: HashMap<&str, Span> = HashMap::new();
        for (name, span) in names {
            let quoted = model::text::quote(name);
            if let Some(first) = places.get(name.as_str()) {
                let message = format!("`{quoted}` is bound twice in this pattern");
                self.report(
                    Diagnostic::new(Code::E030, *span, message)
                        .label(*first, "first bound here")
                        .help("choose another name for one of the two"),
                );
                continue;
            }
            places.insert(name, *span);
            ids.insert(name.as_str(), self.new_local(Type::Unknown));
            self.warn_of_hiding(name, *span);
        }
        ids
    }

    pub(super) fn new_local(&mut self, ty: Type) -> u32 {
        self.locals.push(ty);
        self.locals.len() as u32 - 1
    }

    pub(super) fn warn_of_hiding(&mut self, name: &str, span: Span) {
        if name.starts_with('_') {
            return;
        }
        let quoted = model::text::quote(name);
        let diagnostic =
            Diagnostic::new(Code::W011, span, format!("this `{quoted}` hides another one"))
                .help("choose another name");
        if self.local(name).is_some() {
            self.report(diagnostic);
        } else if let Some(at) = self.declarations.cell(name) {
            let hidden = self.declarations.cells[at as usize].name.span;
            self.report(diagnostic.label(hidden, "the hidden one"));
        }
    }

    /// Where the subject is a plain variable, it has the narrowed type within the arm.
    fn narrow_subject(
        &mut self,
        pattern: Pattern,
        ty: Type,
        span: Span,
        matching: &Matching<'a>,
        ids: &HashMap<&'a str, u32>,
    ) -> (Pattern, Option<(Text, u32)>) {
        match matching.variable {
            Some(name) if ty != matching.ty && !ids.contains_key(name.as_str()) => {
                let ty = self.bounded(ty, span);
                let id = self.new_local(ty);
                let bound = Pattern::Bind(id, matching.ty.clone(), pattern.into());
                (bound, Some((name.clone(), id)))
            }
            _ => (pattern, None),
        }
    }

    fn report_unreachable(&mut self, arm: &syntax::Arm, fit: &Fit, matching: &mut Matching<'a>) {
        if !matching.is_sound {
            return;
        }
        match matching.coverage.leaves(&fit.cover) {
            Ok(true) => {}
            Ok(false) => {
                let is_wildcard =
                    matches!(arm.pattern.kind, PatternKind::Any | PatternKind::Name(_));
                let (code, message) = if is_wildcard {
                    (Code::W008, "the arms before this one cover everything")
                } else {
                    (Code::W007, "this arm is never reached: the arms before it cover its values")
                };
                self.report(
                    Diagnostic::new(code, arm.pattern.span, message).help("remove this arm"),
                );
            }
            Err(GaveUp) => {
                self.too_knotted(arm.pattern.span, matching);
            }
        }
    }

    fn report_missing(&mut self, matching: &mut Matching<'a>, span: Span) {
        // One more than is listed tells whether there are more.
        let missing = match matching.coverage.missing(MISSING_MAX + 1) {
            Ok(missing) if missing.is_empty() => return,
            Ok(missing) => missing,
            Err(GaveUp) => {
                self.too_knotted(span, matching);
                return;
            }
        };
        let quoted = |pattern: &String| format!("`{}`", model::text::quote(pattern));
        let mut listed: Vec<String> = missing.iter().take(MISSING_MAX).map(quoted).collect();
        let arms: Vec<String> = missing
            .iter()
            .take(MISSING_MAX)
            .map(|p| format!("{} -> ..", model::text::quote(p)))
            .collect();
        if missing.len() > MISSING_MAX {
            listed.push("…".to_string());
        }
        let ty = show(&matching.ty);
        let message = format!("no arm fits {} of {ty}", listed.join(", "));
        self.report(
            Diagnostic::new(Code::E015, span, message)
                .help(format!("add `{}`, or `_ -> ..` for all the rest", arms.join(", "))),
        );
    }

    /// Gives up on what is left over, once for each `match`.
    fn too_knotted(&mut self, span: Span, matching: &mut Matching<'a>) -> Type {
        if std::mem::replace(&mut matching.is_sound, false) {
            let message = "these patterns are too many and too intertwined to be compared";
            let help = "split the `match` into several";
            self.report(Diagnostic::new(Code::E040, span, message).help(help));
        }
        matching.ty.clone()
    }
}

/// A `match` being checked.
struct Matching<'a> {
    coverage: Coverage,
    ty: Type,
    /// Whether all patterns so far could be compared.
    is_sound: bool,
    /// The subject, if it is a plain variable.
    variable: Option<&'a Text>,
}

impl Matching<'_> {
    /// The type of the values that no arm covers yet; the whole type if none is left, or if the
    /// pattern does not depend on it.
    fn left_for(&mut self, pattern: &syntax::Pattern) -> Result<Type, GaveUp> {
        let is_wildcard = match &pattern.kind {
            PatternKind::Some(inner) => {
                matches!(inner.kind, PatternKind::Any | PatternKind::Name(_))
            }
            kind => matches!(kind, PatternKind::Any | PatternKind::Name(_)),
        };
        if !is_wildcard || !self.is_sound || self.coverage.is_empty() {
            return Ok(self.ty.clone());
        }
        let ty = self.ty.clone();
        let Type::Optional(content) = &ty else {
            return Ok(self.left_of(&ty, false)?.unwrap_or(ty));
        };
        let present = self.left_of(content, true)?;
        Ok(match self.coverage.leaves(&Cover::leaf(Case::None))? {
            true => Type::optional(present.unwrap_or(Type::Nothing)),
            false => present.unwrap_or(ty),
        })
    }

    /// What is left of `ty`, which is the subject's type or, if `present`, the content of it.
    fn left_of(&mut self, ty: &Type, present: bool) -> Result<Option<Type>, GaveUp> {
        let Type::Union(union) = ty else {
            let all = if present { Cover::leaf(Case::Some) } else { Cover::Any };
            return Ok(self.coverage.leaves(&all)?.then(|| ty.clone()));
        };
        let left = self.coverage.members_left(union, present)?;
        let members = left.iter().flat_map(|at| pattern::tagged(&union.members()[*at]));
        Ok((!left.is_empty()).then(|| Union::of(members)))
    }
}
