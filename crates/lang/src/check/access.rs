//! Names, field access, projection and merge: what reaches into values.

use model::{Code, Diagnostic, Field, Record, Span, Text, Type, Value};

use super::Checker;
use super::expect::show;
use super::expr::{absence_help, constant, pair};
use crate::join;
use crate::names::CellForm;
use crate::program::{Expr, Kind};
use crate::syntax;

/// Longer hyphenated names are not taken apart.
const HYPHENATED_MAX: usize = 256;

impl<'a> Checker<'a> {
    pub(super) fn name(&mut self, name: &Text, span: Span) -> Expr {
        if let Some(local) = self.local(name) {
            let ty = self.locals[local as usize].clone();
            self.warn_of_subtraction(name, span);
            return Expr { kind: Kind::Local(local), ty, span };
        }
        if let Some(at) = self.declarations.cell(name) {
            let cell = &self.declarations.cells[at as usize];
            let kind = match cell.form {
                CellForm::Input(..) => Kind::Input(cell.id),
                CellForm::Binding(_) => Kind::Binding(cell.id),
            };
            self.warn_of_subtraction(name, span);
            return Expr { kind, ty: self.cell_types[at as usize].clone(), span };
        }
        if name == "none" {
            return constant(Value::None, Type::optional(Type::Nothing), span);
        }
        let unknown = self.unknown_name(name, span);
        self.report(unknown);
        Expr::broken(span)
    }

    pub(super) fn local(&self, name: &str) -> Option<u32> {
        self.scope.get(name).and_then(|locals| locals.last()).copied()
    }

    pub(super) fn is_bound(&self, name: &str) -> bool {
        self.local(name).is_some() || self.declarations.cell(name).is_some()
    }

    pub(super) fn unknown_name(&mut self, name: &Text, span: Span) -> Diagnostic {
        let quoted = model::text::quote(name);
        let diagnostic =
            Diagnostic::new(Code::E001, span, format!("there is no input or binding `{quoted}`"));
        if let Some((left, right)) = self.subtraction(name) {
            return diagnostic.help(format!("write `{left} - {right}`"));
        }
        let foreign = match name.as_str() {
            "null" | "undefined" | "nil" | "NULL" | "None" => Some("absence is `none`"),
            "True" | "TRUE" => Some("write `true`"),
            "False" | "FALSE" => Some("write `false`"),
            _ => None,
        };
        if let Some(help) = foreign {
            return diagnostic.help(help);
        }
        let near = self.may_suggest().then(|| {
            let cells = self.declarations.cells.iter().map(|cell| cell.name.text.as_str());
            let locals = self.scope.iter().filter(|(_, locals)| !locals.is_empty());
            model::text::did_you_mean(name, cells.chain(locals.map(|(name, _)| name.as_str())))
        });
        diagnostic.maybe_help(near.flatten())
    }

    fn warn_of_subtraction(&mut self, name: &Text, span: Span) {
        if let Some((left, right)) = self.subtraction(name) {
            let message = format!("`{name}` is one name, not `{left}` minus `{right}`");
            let help = format!("to subtract, write `{left} - {right}`");
            self.report(Diagnostic::new(Code::W006, span, message).help(help));
        }
    }

    /// The two sides if the name looks like a subtraction: a bound name, `-`, and a number or
    /// another bound name.
    fn subtraction<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        if name.len() > HYPHENATED_MAX {
            return None;
        }
        let sides = name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..]));
        let is_operand = |side: &str| {
            (!side.is_empty() && side.bytes().all(|b| b.is_ascii_digit())) || self.is_bound(side)
        };
        sides.rev().find(|(left, right)| self.is_bound(left) && is_operand(right))
    }

    pub(super) fn field(
        &mut self,
        base: &'a syntax::Expr,
        name: &syntax::Name,
        span: Span,
    ) -> Expr {
        let base = self.infer_settled(base);
        match field_type(&base.ty, &name.text) {
            Ok(ty) => {
                let ty = self.bounded(ty, span);
                Expr { kind: Kind::Field(base.into(), name.text.clone()), ty, span }
            }
            Err(fault) => {
                self.report_access(fault, Code::E007, &base, name);
                Expr::broken(span)
            }
        }
    }

    pub(super) fn optional_field(
        &mut self,
        base: &'a syntax::Expr,
        place: Span,
        name: &syntax::Name,
        span: Span,
    ) -> Expr {
        let base = self.infer_settled(base);
        let is_optional = match &base.ty {
            Type::Optional(_) | Type::Unknown => true,
            ty => {
                let message = format!("this is never absent: it is of type {}", show(ty));
                self.report(
                    Diagnostic::new(Code::W010, place, message)
                        .label(base.span, "always there")
                        .help(format!("write `.{}`", model::text::quote(&name.text))),
                );
                false
            }
        };
        match field_type(base.ty.content(), &name.text) {
            Ok(ty) => {
                let ty = self.bounded(if is_optional { Type::optional(ty) } else { ty }, span);
                let form = if is_optional { Kind::OptionalField } else { Kind::Field };
                Expr { kind: form(base.into(), name.text.clone()), ty, span }
            }
            Err(fault) => {
                self.report_access(fault, Code::E007, &base, name);
                Expr::broken(span)
            }
        }
    }

    pub(super) fn project(
        &mut self,
        base: &'a syntax::Expr,
        names: &[syntax::Name],
        span: Span,
    ) -> Expr {
        let base = self.infer_settled(base);
        crate::types::report_repeated(names.iter(), &mut self.diagnostics);
        let mut is_whole = true;
        for name in names {
            if let Err(fault) = field_type(innermost(&base.ty), &name.text) {
                let is_missing = matches!(fault, Fault::Missing);
                self.report_access(fault, Code::E006, &base, name);
                is_whole = false;
                if !is_missing {
                    break;
                }
            }
        }
        if let Some(other) = unprojectable(&base.ty)
            && is_whole
        {
            self.report_access(Fault::NotARecord(other), Code::E015, &base, &names[0]);
            is_whole = false;
        }
        match projected(&base.ty, names) {
            Some(ty) if is_whole => {
                let ty = self.bounded(ty, span);
                Expr { kind: Kind::Project(base.into()), ty, span }
            }
            _ => Expr::broken(span),
        }
    }

    fn report_access(&mut self, fault: Fault, missing: Code, base: &Expr, name: &syntax::Name) {
        let quoted = model::text::quote(&name.text);
        let diagnostic = match fault {
            Fault::Unknown => return,
            Fault::Missing => {
                let ty = innermost(base.ty.content());
                let message = match ty {
                    Type::Union(_) => {
                        format!("not every member of {} has a field `{quoted}`", show(ty))
                    }
                    _ => format!("{} has no field `{quoted}`", show(ty)),
                };
                let names = join::field_names(ty);
                let near = self.may_suggest().then(|| {
                    model::text::did_you_mean(&name.text, names.iter().map(|name| name.as_str()))
                });
                Diagnostic::new(missing, name.span, message).maybe_help(near.flatten())
            }
            Fault::NotARecord(ty) => {
                let message =
                    format!("`{quoted}` cannot be read from {}: it is no record", show(&ty));
                let absence = absence_help(&ty);
                let message = match absence {
                    Some(_) => format!("`{quoted}` cannot be read from {}", show(&ty)),
                    None => message,
                };
                Diagnostic::new(Code::E015, name.span, message).maybe_help(absence)
            }
        };
        self.report(diagnostic);
    }

    pub(super) fn merge(&mut self, place: Span, a: Expr, b: Expr, span: Span) -> Expr {
        match join::merge(&a.ty, &b.ty) {
            Some(ty) => {
                let ty = self.bounded(ty, span);
                pair(Kind::Merge, a, b, ty, span)
            }
            None => {
                let message = format!("{} and {} cannot be merged", show(&a.ty), show(&b.ty));
                let are_lists = matches!((&a.ty, &b.ty), (Type::List(_), Type::List(_)));
                let usual = if are_lists && self.functions.is_known("list-concat") {
                    "`+` merges records, element by element; `list-concat` puts lists together"
                } else {
                    "`+` merges records and lists of records"
                };
                let absence = absence_help(&a.ty).or_else(|| absence_help(&b.ty));
                let help = absence.unwrap_or_else(|| usual.to_string());
                self.report(
                    Diagnostic::new(Code::E012, place, message)
                        .label(a.span, format!("of type {}", show(&a.ty)))
                        .label(b.span, format!("of type {}", show(&b.ty)))
                        .help(help),
                );
                Expr::broken(span)
            }
        }
    }
}

/// Why a field cannot be read.
pub(crate) enum Fault {
    Missing,
    NotARecord(Type),
    /// An earlier error.
    Unknown,
}

/// The type of `.name` on `ty`.
pub(crate) fn field_type(ty: &Type, name: &str) -> Result<Type, Fault> {
    match ty {
        Type::Unknown => Err(Fault::Unknown),
        Type::Record(record) => record.get(name).cloned().ok_or(Fault::Missing),
        Type::List(element) => field_type(element, name).map(Type::list),
        Type::Union(union) => {
            let fields = union.members().iter().map(|member| field_type(&member.ty, name));
            Ok(join::join(fields.collect::<Result<Vec<Type>, Fault>>()?))
        }
        other => Err(Fault::NotARecord(other.clone())),
    }
}

/// What is inside of lists.
fn innermost(ty: &Type) -> &Type {
    match ty {
        Type::List(element) => innermost(element),
        other => other,
    }
}

/// A union member that has no fields of its own, so that the union has no projection.
fn unprojectable(ty: &Type) -> Option<Type> {
    let Type::Union(union) = innermost(ty) else { return None };
    let other = union.members().iter().find(|member| !matches!(member.ty, Type::Record(_)));
    other.map(|member| member.ty.clone())
}

/// The type of a projection whose fields are all there.
fn projected(ty: &Type, names: &[syntax::Name]) -> Option<Type> {
    match ty {
        Type::List(element) => projected(element, names).map(Type::list),
        _ => {
            let field = |name: &syntax::Name| {
                let ty = field_type(ty, &name.text).ok()?;
                Some(Field { name: name.text.clone(), ty })
            };
            let fields: Option<Vec<Field>> = names.iter().map(field).collect();
            fields.map(|fields| Type::Record(Record::new(fields)))
        }
    }
}
