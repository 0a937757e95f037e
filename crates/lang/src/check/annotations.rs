//! Annotations (specification 4.4): what tooling shows beside inputs and outputs. None of them
//! changes what a program does.

use model::{Code, Diagnostic, Text, Type, Value};

use super::Checker;
use crate::syntax::{Annotation, Argument, ArgumentValue, Expr, ExprKind, Piece};

/// All annotations that there are, for suggestions.
const KNOWN: [&str; 5] = ["title", "description", "example", "deadline", "event"];

/// What the annotations of an input say.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) title: Option<Text>,
    pub(super) description: Option<Text>,
    pub(super) examples: Vec<Value>,
}

impl<'a> Checker<'a> {
    pub(super) fn input_annotations(&mut self, annotations: &'a [Annotation], ty: &Type) -> Notes {
        let mut notes = Notes::default();
        for (at, annotation) in annotations.iter().enumerate() {
            match annotation.name.text.as_str() {
                "example" => {
                    if let Some(example) = self.only_argument(annotation, "an example value") {
                        notes.examples.extend(self.example(example, ty));
                    }
                }
                "title" if self.is_first(annotations, at) => notes.title = self.text(annotation),
                "description" if self.is_first(annotations, at) => {
                    notes.description = self.text(annotation);
                }
                "title" | "description" => {}
                _ => self.refuse(annotation),
            }
        }
        notes
    }

    pub(super) fn output_annotations(&mut self, annotations: &'a [Annotation]) -> Option<Text> {
        let mut description = None;
        for (at, annotation) in annotations.iter().enumerate() {
            let name = annotation.name.text.as_str();
            match name {
                "description" if self.is_first(annotations, at) => {
                    description = self.text(annotation);
                }
                "description" => {}
                "example" | "title" | "deadline" | "event" => {
                    let message = format!("`@{name}` belongs before `in`, not before `out`");
                    let diagnostic = Diagnostic::new(Code::E026, annotation.span, message);
                    self.report(diagnostic.help("move it, or remove it"));
                }
                _ => self.refuse(annotation),
            }
        }
        description
    }

    /// Reports an annotation that means nothing here.
    fn refuse(&mut self, annotation: &Annotation) {
        let name = annotation.name.text.as_str();
        let quoted = model::text::quote(name);
        let diagnostic = match name {
            "deadline" | "event" => {
                let message = format!("`@{name}` is not available in this version");
                Diagnostic::new(Code::E023, annotation.name.span, message).help("remove it")
            }
            "source" | "sink" => {
                let message = format!("`@{name}` is reserved for streaming");
                Diagnostic::new(Code::E023, annotation.name.span, message).help("remove it")
            }
            _ => {
                let message = format!("there is no annotation `@{quoted}`");
                Diagnostic::new(Code::E024, annotation.name.span, message)
                    .maybe_help(model::text::did_you_mean(name, KNOWN))
            }
        };
        self.report(diagnostic);
    }

    /// Whether no annotation before this one has its name; otherwise that is reported.
    fn is_first(&mut self, annotations: &[Annotation], at: usize) -> bool {
        let name = &annotations[at].name;
        let earlier = annotations[..at].iter().find(|earlier| earlier.name.text == name.text);
        if let Some(earlier) = earlier {
            let message = format!("`@{}` is given twice", name.text);
            self.report(
                Diagnostic::new(Code::E026, annotations[at].span, message)
                    .label(earlier.span, "first given here")
                    .help("remove one of the two"),
            );
        }
        earlier.is_none()
    }

    fn only_argument(&mut self, annotation: &'a Annotation, what: &str) -> Option<&'a Expr> {
        if let [Argument { name: None, value: ArgumentValue::Expr(value) }] =
            annotation.arguments.as_slice()
        {
            return Some(value);
        }
        let message = format!("`@{}` takes {what}", annotation.name.text);
        self.report(Diagnostic::new(Code::E026, annotation.span, message));
        None
    }

    fn text(&mut self, annotation: &'a Annotation) -> Option<Text> {
        let value = self.only_argument(annotation, "a text in quotes")?;
        match &value.kind {
            ExprKind::String(pieces) => match pieces.as_slice() {
                [] => return Some(Text::default()),
                [Piece::Text(text)] => return Some(text.clone()),
                _ => {}
            },
            ExprKind::Broken => return None,
            _ => {}
        }
        let message =
            format!("`@{}` takes a text in quotes, without `${{ .. }}`", annotation.name.text);
        self.report(Diagnostic::new(Code::E026, value.span, message));
        None
    }

    /// The value of an example, if it is constant.
    fn example(&mut self, example: &'a Expr, ty: &Type) -> Option<Value> {
        let (value, _) = self.root(example, Some(ty));
        if !self.is_independent(&value) {
            return None;
        }
        self.constant(&value)?.ok()
    }
}
