//! Source text in its one usual form.
//!
//! The syntax tree says what is written, the tokens say how it is spelled; a [`Writer`] walks over
//! both at once and puts text, places to break and comments on a [`Sheet`](layout::Sheet), which is
//! then laid out. Nothing is printed that does not come from a token, except parentheses, commas
//! and the braces of options, so the formatted text has the same tree.

mod comments;
mod expr;
mod layout;
mod parts;
mod writer;

use model::{Code, Diagnostic};

use self::writer::{Commas, Place, Writer};
use crate::parser;
use crate::syntax::{Annotation, Argument, ArgumentValue, Declaration, Expr, File, OutputForm};

/// The formatted text of `source`, or the errors for which it cannot be read.
///
/// Formatting what is formatted changes nothing, and what a program means never changes: the
/// syntax tree stays the same, and every comment is kept, in order. Section 11 of the language
/// specification says what the form is. Beyond it:
///
/// * Every declaration begins a line. Empty lines are kept, one of several, between declarations,
///   arms and elements; at the begin and the end of brackets there are none.
/// * Numbers, strings, names and comments stay as they are spelled, also `Seq` for `List`.
/// * Parentheses are printed where they are needed. A call with options before an operator or a
///   field keeps those that it has; without them its options get braces. `-(-x)` keeps them too.
/// * A chain of operators of one level breaks before each of them. A condition too long for `if ( )`
///   goes to a line of its own, and both sides of that `if` do.
/// * The last argument, operand or `else` begins on the line of what is before it if it is a list,
///   a record, a `match` or a `branch` (also as the body of a lambda) and only that needs to break.
/// * The braces of record patterns are tight: `{f: p}`.
/// * Nothing breaks inside `${ }`, except where it always breaks.
/// * A comment at the end of a line stands one space behind it and never makes the line too long.
///   A comment stays where it is wherever a line can break there; from within what stays on one line
///   it goes to the end of that line.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let (file, mut diagnostics) = parser::parse(source);
    diagnostics.retain(|diagnostic| diagnostic.is_error() && !is_about_outputs(diagnostic, &file));
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut writer = Writer::new(source);
    writer.file(&file);
    Ok(writer.sheet.print())
}

/// A program that delivers nothing yet has a form all the same.
fn is_about_outputs(diagnostic: &Diagnostic, file: &File) -> bool {
    let has_output = file.declarations.iter().any(|it| matches!(it, Declaration::Output { .. }));
    let is_nowhere = diagnostic.span.start == diagnostic.span.end;
    diagnostic.code == Code::E020 && is_nowhere && !has_output
}

impl<'a> Writer<'a> {
    fn file(&mut self, file: &'a File) {
        self.head();
        for (at, declaration) in file.declarations.iter().enumerate() {
            if at > 0 {
                self.line("");
            }
            self.declaration(declaration);
            // The trailing comma of a `with` that nothing encloses.
            self.skip_sign(",");
        }
        self.foot();
    }

    fn declaration(&mut self, declaration: &'a Declaration) {
        match declaration {
            Declaration::Use { path, alias, .. } => {
                self.take("use");
                self.sheet.text(" ");
                // Dots between the segments.
                for _ in 1..path.len() * 2 {
                    self.copy();
                }
                if alias.is_some() {
                    self.sheet.text(" ");
                    self.take("as");
                    self.sheet.text(" ");
                    self.copy();
                }
            }
            Declaration::Type { ty, .. } => {
                self.word("type");
                self.equals(|writer| writer.ty(ty));
            }
            Declaration::Input { ty, default, annotations, .. } => {
                self.annotations(annotations);
                self.word("in");
                self.take(":");
                self.value(|writer| writer.ty(ty));
                if let Some(default) = default {
                    self.equals(|writer| writer.expr(default));
                }
            }
            Declaration::Output { form, annotations, .. } => {
                self.annotations(annotations);
                self.word("out");
                match form {
                    OutputForm::Cell | OutputForm::Broken => {}
                    OutputForm::When(condition) => self.when(condition),
                    OutputForm::Binding(value) => self.equals(|writer| writer.expr(value)),
                }
            }
            Declaration::Binding { value, .. } => {
                self.copy();
                self.equals(|writer| writer.expr(value));
            }
        }
    }

    /// `word name`
    fn word(&mut self, word: &'static str) {
        self.take(word);
        self.sheet.text(" ");
        self.copy();
    }

    /// ` = ..`
    fn equals(&mut self, write: impl FnOnce(&mut Writer<'a>)) {
        self.sheet.text(" ");
        self.take("=");
        self.value(write);
    }

    /// ` when c` behind the name of an output.
    fn when(&mut self, condition: &'a Expr) {
        self.group(|writer| {
            writer.sheet.indent();
            writer.line(" ");
            writer.take("when");
            writer.value(|writer| writer.condition(condition));
            writer.sheet.dedent();
        });
    }

    /// Each on a line of its own.
    fn annotations(&mut self, annotations: &'a [Annotation]) {
        for annotation in annotations {
            self.take("@");
            self.copy();
            self.list(("(", ")"), "", &annotation.arguments, |writer, argument, place| {
                writer.argument(argument, place);
            });
            self.line("");
        }
    }

    fn argument(&mut self, argument: &'a Argument, place: Place) {
        let write = |writer: &mut Writer<'a>| match &argument.value {
            ArgumentValue::Duration(..) => writer.copy(),
            // A named argument might be taken for an option.
            ArgumentValue::Expr(expr) => {
                if place == Place::Last {
                    writer.tail_if_block(expr);
                }
                writer.inside(Commas::Clause, |writer| writer.expr(expr));
            }
        };
        if argument.name.is_some() {
            self.copy();
            self.take(":");
            self.value(write);
        } else {
            write(self);
        }
    }
}
