//! Checking against an expected type (specification 5.2) and the conversions that follow (5.3).
//!
//! Inference leaves literals, conditionals, lists and records *loose*: their parts still have
//! their own types. `fit` goes down into them exactly once, from the place that knows which type
//! is wanted, and makes every conversion explicit.

use model::types::is_subtype;
use model::{Code, Diagnostic, Field, KeyType, Record, Text, Type, Union, Value};

use super::Checker;
use crate::join;
use crate::program::{Expr, Kind};

impl Checker<'_> {
    /// `expr` with all its parts converted to the type that was inferred for it.
    pub(super) fn settle(&mut self, expr: Expr) -> Expr {
        match expr.kind {
            Kind::Branch(..) | Kind::Match(..) | Kind::Coalesce(..) | Kind::When(..) => {}
            Kind::List(_) | Kind::Record(_) => {}
            _ => return expr,
        }
        let own = expr.ty.clone();
        self.fit(expr, &own)
    }

    /// `expr` as a value of type `want`; what does not fit is reported and becomes broken.
    pub(super) fn fit(&mut self, expr: Expr, want: &Type) -> Expr {
        let Expr { kind, ty, span } = expr;
        let kind = match kind {
            Kind::Broken => return Expr::broken(span),
            Kind::Branch(rows, otherwise) => {
                let row = |(condition, value)| (condition, self.fit(value, want));
                let rows = rows.into_iter().map(row).collect();
                Kind::Branch(rows, self.fit(*otherwise, want).into())
            }
            Kind::Match(subject, mut arms) => {
                for arm in &mut arms {
                    let body = std::mem::replace(&mut arm.body, Expr::broken(span));
                    arm.body = self.fit(body, want);
                }
                Kind::Match(subject, arms)
            }
            Kind::Coalesce(a, b) => {
                let a = self.fit(*a, &Type::optional(want.clone()));
                Kind::Coalesce(a.into(), self.fit(*b, want).into())
            }
            Kind::When(value, condition) if want.is_optional() => {
                Kind::When(self.fit(*value, want).into(), condition)
            }
            kind @ (Kind::Constant(_) | Kind::List(_) | Kind::Record(_)) => {
                return self.fit_literal(Expr { kind, ty, span }, want);
            }
            kind => return self.fit_value(Expr { kind, ty, span }, want),
        };
        Expr { kind, ty: want.clone(), span }
    }

    /// An expression whose parts are settled: it must be a subtype.
    fn fit_value(&mut self, expr: Expr, want: &Type) -> Expr {
        if !is_subtype(&expr.ty, want) {
            self.report_mismatch(&expr, want);
            return Expr::broken(expr.span);
        }
        convert(expr, want)
    }

    fn fit_literal(&mut self, expr: Expr, want: &Type) -> Expr {
        match want {
            Type::Unknown => {
                let own = expr.ty.clone();
                if own == Type::Unknown { expr } else { self.settle(expr) }
            }
            Type::Optional(content) if !expr.ty.is_optional() => self.fit_literal(expr, content),
            Type::Union(union) => self.fit_member(expr, union, want),
            _ => self.fit_form(expr, want),
        }
    }

    /// A literal as the member of a union that it enters by its type, or else as the first that
    /// it checks against.
    fn fit_member(&mut self, expr: Expr, union: &Union, want: &Type) -> Expr {
        let by_type = is_subtype(&expr.ty, want).then(|| join::entered(&expr.ty, union)).flatten();
        let first = || union.members().iter().position(|member| fits(&expr, &member.ty));
        let Some(at) = by_type.or_else(first) else {
            self.report_mismatch(&expr, want);
            return Expr::broken(expr.span);
        };
        let fitted = self.fit_literal(expr, &union.members()[at].ty);
        convert(fitted, want)
    }

    fn fit_form(&mut self, expr: Expr, want: &Type) -> Expr {
        let span = expr.span;
        match (expr.kind, want) {
            (Kind::Constant(Value::Int(int)), Type::Float) => {
                let value = Value::Float(int as f64);
                Expr { kind: Kind::Constant(value), ty: Type::Float, span }
            }
            (Kind::Constant(Value::String(text)), Type::Literal(literal)) if text == *literal => {
                Expr { kind: Kind::Constant(Value::String(text)), ty: want.clone(), span }
            }
            (Kind::List(items), Type::List(element)) => {
                let items = items.into_iter().map(|item| self.fit(item, element)).collect();
                Expr { kind: Kind::List(items), ty: want.clone(), span }
            }
            (Kind::Record(fields), Type::Record(record)) => {
                self.fit_record(fields, record, want, span)
            }
            (Kind::Record(fields), Type::Map(KeyType::String, value)) => {
                let entry = |(name, entry)| (name, self.fit(entry, value));
                let entries = fields.into_iter().map(entry).collect();
                Expr { kind: Kind::Map(entries), ty: want.clone(), span }
            }
            (Kind::Record(fields), Type::Map(KeyType::Int, _)) if fields.is_empty() => {
                Expr { kind: Kind::Map(Vec::new()), ty: want.clone(), span }
            }
            (kind, want) => self.fit_value(Expr { kind, ty: expr.ty, span }, want),
        }
    }

    /// Fields that are not wanted are evaluated all the same, and then removed.
    fn fit_record(
        &mut self,
        fields: Vec<(Text, Expr)>,
        record: &Record,
        want: &Type,
        span: model::Span,
    ) -> Expr {
        let mut given: Vec<Text> = fields.iter().map(|(name, _)| name.clone()).collect();
        given.sort_unstable();
        let is_given = |name: &Text| given.binary_search(name).is_ok();
        let mut fitted = Vec::with_capacity(fields.len());
        let mut extra = Vec::new();
        for (name, value) in fields {
            let value = match record.get(&name) {
                Some(ty) => self.fit(value, ty),
                None => {
                    let value = self.settle(value);
                    extra.push(Field { name: name.clone(), ty: value.ty.clone() });
                    value
                }
            };
            fitted.push((name, value));
        }
        for field in record.fields().iter().filter(|field| !is_given(&field.name)) {
            if !field.ty.is_optional() && !field.ty.has_unknown() {
                self.report_missing_field(&field.name, &field.ty, extra.as_slice(), span);
            }
            let none = Expr { kind: Kind::Constant(Value::None), ty: field.ty.clone(), span };
            fitted.push((field.name.clone(), none));
        }
        let is_exact = extra.is_empty();
        let own = Record::new(record.fields().iter().cloned().chain(extra));
        let literal = Expr { kind: Kind::Record(fitted), ty: Type::Record(own), span };
        if is_exact { literal } else { convert(literal, want) }
    }

    fn report_missing_field(&mut self, name: &Text, ty: &Type, extra: &[Field], span: model::Span) {
        let quoted = model::text::quote(name);
        let message = format!("the field `{quoted}` is missing here");
        let near = model::text::suggestions(name, extra.iter().map(|field| field.name.as_str()));
        let help = match near.first() {
            Some(near) => format!("is `{}` meant to be `{quoted}`?", model::text::quote(near)),
            None => format!("add `{quoted}: ..`, a value of type {}", show(ty)),
        };
        self.report(Diagnostic::new(Code::E015, span, message).help(help));
    }

    /// E010 for `expr` where `want` is expected.
    fn report_mismatch(&mut self, expr: &Expr, want: &Type) {
        let message = format!("expected {}, found {}", show(want), show(&expr.ty));
        let help = self.advice(expr, want);
        self.report(Diagnostic::new(Code::E010, expr.span, message).maybe_help(help));
    }

    fn advice(&self, expr: &Expr, want: &Type) -> Option<String> {
        let wanted = want.content();
        let known = |name: &str| self.functions.is_known(name);
        match (&expr.kind, &expr.ty) {
            (Kind::Constant(Value::String(text)), _) => nearest_literal(text, wanted),
            (_, Type::Optional(content)) if is_subtype(content, want) => {
                Some("it may be `none`: give a replacement with `?? ..`".to_string())
            }
            (_, Type::Int) if *wanted == Type::Float => {
                let way = if known("to-float") { "to-float(..)" } else { ".. * 1.0" };
                Some(format!("write `{way}`, or a literal with a fraction such as `1.0`"))
            }
            (_, Type::Int | Type::Float | Type::Boolean) if *wanted == Type::String => {
                Some("write `\"${ .. }\"` around it".to_string())
            }
            (_, Type::Float) if *wanted == Type::Int => {
                let way = ["round", "floor", "to-int"].into_iter().find(|name| known(name));
                way.map(|name| format!("write `{name}(..)`"))
            }
            _ => None,
        }
    }
}

/// Whether `expr` checks against `want`. Mirrors [`Checker::fit`], without changing anything.
pub(super) fn fits(expr: &Expr, want: &Type) -> bool {
    if matches!(expr.kind, Kind::Broken) || is_subtype(&expr.ty, want) {
        return true;
    }
    match (&expr.kind, want) {
        (Kind::Branch(rows, otherwise), _) => {
            rows.iter().all(|(_, value)| fits(value, want)) && fits(otherwise, want)
        }
        (Kind::Match(_, arms), _) => arms.iter().all(|arm| fits(&arm.body, want)),
        (Kind::Coalesce(a, b), _) => fits(a, &Type::optional(want.clone())) && fits(b, want),
        (Kind::When(value, _), Type::Optional(_)) => fits(value, want),
        (_, Type::Optional(content)) if !expr.ty.is_optional() => fits(expr, content),
        (_, Type::Union(union)) => union.members().iter().any(|member| fits(expr, &member.ty)),
        (Kind::Constant(Value::Int(_)), Type::Float) => true,
        (Kind::Constant(Value::String(text)), Type::Literal(literal)) => text == literal,
        (Kind::List(items), Type::List(element)) => items.iter().all(|item| fits(item, element)),
        (Kind::Record(fields), Type::Record(record)) => fits_record(fields, record),
        (Kind::Record(fields), Type::Map(KeyType::String, value)) => {
            fields.iter().all(|(_, entry)| fits(entry, value))
        }
        (Kind::Record(fields), Type::Map(KeyType::Int, _)) => fields.is_empty(),
        _ => false,
    }
}

fn fits_record(fields: &[(Text, Expr)], record: &Record) -> bool {
    let mut found = vec![false; record.len()];
    let given = fields.iter().all(|(name, value)| match record.slot(name) {
        Some(slot) => {
            found[slot] = true;
            fits(value, &record.at_slot(slot).ty)
        }
        None => true,
    });
    given && record.slots().zip(found).all(|(field, found)| found || field.ty.is_optional())
}

/// `expr` of a subtype of `want` as a value of exactly `want`.
pub(super) fn convert(expr: Expr, want: &Type) -> Expr {
    if expr.ty == *want || matches!(expr.kind, Kind::Broken) {
        return expr;
    }
    let span = expr.span;
    Expr { kind: Kind::Convert(expr.into()), ty: want.clone(), span }
}

/// The literal of a type that was probably meant by `text`.
fn nearest_literal(text: &str, ty: &Type) -> Option<String> {
    let literals = literals(ty);
    let near = model::text::suggestions(text, literals.iter().copied());
    let quoted = |text: &&str| Type::Literal((*text).into()).to_string();
    let all: Vec<String> = literals.iter().map(quoted).collect();
    match near.first() {
        Some(near) => Some(format!("Did you mean {}?", quoted(near))),
        None if all.is_empty() || all.len() > 8 => None,
        None => Some(format!("write one of {}", all.join(", "))),
    }
}

fn literals(ty: &Type) -> Vec<&str> {
    match ty {
        Type::Literal(text) => vec![text],
        Type::Union(union) => union.members().iter().flat_map(|m| literals(&m.ty)).collect(),
        _ => Vec::new(),
    }
}

/// A type in a message: quoted, and cut where it is long.
pub(super) fn show(ty: &Type) -> String {
    format!("`{}`", model::text::quote(&ty.to_string()))
}
