//! Types, patterns, and the options of calls.

use super::writer::{Commas, Place, Writer};
use crate::syntax::{
    CallOption, Expr, ExprKind, OptionValue, Pattern, PatternKind, TypeExpr, TypeKind,
};

/// How tightly a type binds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Union,
    Merged,
    Atom,
}

impl<'a> Writer<'a> {
    /// Any type.
    pub(super) fn ty(&mut self, ty: &'a TypeExpr) {
        self.type_operand(ty, Level::Union);
    }

    fn type_operand(&mut self, ty: &'a TypeExpr, level: Level) {
        let own = match ty.kind {
            TypeKind::Union(_) => Level::Union,
            TypeKind::Merged(_) => Level::Merged,
            _ => Level::Atom,
        };
        let count = self.skip_opening(ty.span);
        if own >= level {
            self.type_kind(ty);
            return self.skip_closing(count);
        }
        self.sheet.text("(");
        self.group(|writer| {
            writer.sheet.indent();
            writer.line("");
            writer.type_kind(ty);
            writer.closing_line("");
        });
        self.skip_closing(count);
        self.sheet.text(")");
    }

    fn type_kind(&mut self, ty: &'a TypeExpr) {
        match &ty.kind {
            TypeKind::Named(_, arguments) => {
                self.copy();
                if !arguments.is_empty() {
                    self.list(("<", ">"), "", arguments, |writer, ty, place| {
                        if place == Place::Last && is_block(ty) {
                            writer.sheet.tail();
                        }
                        writer.ty(ty);
                    });
                }
            }
            TypeKind::Record(fields) => {
                self.list(("{", "}"), " ", fields, |writer, (_, ty), _| {
                    writer.copy();
                    writer.take(":");
                    writer.value(|writer| writer.ty(ty));
                });
            }
            TypeKind::Literal(_) => self.text_of_string(|_| {}),
            TypeKind::Union(members) => self.members(members, Level::Merged),
            TypeKind::Merged(members) => self.members(members, Level::Atom),
            TypeKind::Broken => {}
        }
    }

    fn members(&mut self, members: &'a [TypeExpr], level: Level) {
        self.group(|writer| {
            writer.sheet.indent();
            for (at, member) in members.iter().enumerate() {
                if at == 0 {
                    writer.type_operand(member, level);
                    continue;
                }
                writer.line(" ");
                writer.copy();
                if at + 1 == members.len() && is_block(member) {
                    writer.sheet.tail();
                }
                writer.value(|writer| writer.type_operand(member, level));
            }
            writer.sheet.dedent();
        });
    }

    /// A pattern. Its braces are tight, so that it does not look like a record.
    pub(super) fn pattern(&mut self, pattern: &'a Pattern) {
        match &pattern.kind {
            PatternKind::Any
            | PatternKind::Name(_)
            | PatternKind::Boolean(_)
            | PatternKind::None => self.copy(),
            PatternKind::Int(_) | PatternKind::Float(_) => {
                if self.is_sign("-") {
                    self.copy();
                }
                self.copy();
            }
            PatternKind::String(_) => self.text_of_string(|_| {}),
            PatternKind::Is(ty) => {
                self.take("is");
                self.value(|writer| writer.ty(ty));
            }
            PatternKind::Some(inner) => {
                self.copy();
                self.take("(");
                self.pattern(inner);
                self.take(")");
            }
            PatternKind::Record(fields) => {
                self.list(("{", "}"), "", fields, |writer, (_, inner), _| {
                    writer.copy();
                    if let Some(inner) = inner {
                        writer.take(":");
                        writer.value(|writer| writer.pattern(inner));
                    }
                });
            }
            PatternKind::Broken => {}
        }
    }

    /// `with ..` behind a call. It has braces where it is broken, where another clause is around it
    /// or in it, and where something follows that would be read as a part of it.
    pub(super) fn options(&mut self, options: &'a [CallOption], is_followed: bool) {
        let has_clause = |option: &CallOption| match &option.value {
            OptionValue::Expr(expr) => ends_with_clause(expr),
            _ => false,
        };
        let needs_braces = is_followed
            || match self.commas {
                Commas::Free => false,
                Commas::Record => options.len() > 1,
                Commas::Clause => true,
            }
            || options.iter().any(has_clause);
        self.sheet.text(" ");
        self.take("with");
        self.sheet.text(" ");
        let has_braces = self.skip_sign("{");
        let padding = if needs_braces { " " } else { "" };
        self.group(|writer| {
            writer.sheet.indent();
            if needs_braces {
                writer.sheet.text("{");
                writer.block_line(padding);
            } else {
                writer.brace_line();
            }
            writer.separated(options, |writer, option, _| writer.option(option));
            // Without braces, what follows the last option belongs to what is around the call.
            if has_braces {
                writer.skip_sign(",");
            }
            writer.trailing_comma();
            if has_braces {
                writer.closing_line(padding);
                writer.skip();
            } else {
                writer.bare_closing_line(padding);
            }
            if needs_braces {
                writer.sheet.text("}");
            } else {
                writer.closing_brace();
            }
        });
    }

    fn option(&mut self, option: &'a CallOption) {
        self.copy();
        if matches!(option.value, OptionValue::Flag) {
            return;
        }
        self.take(":");
        self.value(|writer| match &option.value {
            OptionValue::Flag => {}
            OptionValue::Boolean(..) | OptionValue::Duration(..) | OptionValue::Word(_) => {
                writer.copy();
            }
            OptionValue::String(..) => writer.text_of_string(|_| {}),
            OptionValue::Int(_, span)
            | OptionValue::Rate(_, _, span)
            | OptionValue::Other(span) => {
                writer.copy_up_to(span.end);
            }
            OptionValue::Expr(expr) => writer.inside(Commas::Clause, |writer| writer.expr(expr)),
        });
    }
}

/// Whether it ends with brackets over several lines, if it does not fit.
fn is_block(ty: &TypeExpr) -> bool {
    match &ty.kind {
        TypeKind::Named(_, arguments) => arguments.last().is_some_and(is_block),
        TypeKind::Record(fields) => !fields.is_empty(),
        TypeKind::Merged(members) => members.last().is_some_and(is_block),
        TypeKind::Literal(_) | TypeKind::Union(_) | TypeKind::Broken => false,
    }
}

/// Whether the options of a call are the last thing in it.
fn ends_with_clause(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(call) => !call.options.is_empty(),
        ExprKind::If(_, _, last)
        | ExprKind::Lambda(_, last)
        | ExprKind::Not(last)
        | ExprKind::Negate(last)
        | ExprKind::Binary(_, _, _, last)
        | ExprKind::When(_, last)
        | ExprKind::Coalesce(_, _, last) => ends_with_clause(last),
        _ => false,
    }
}
