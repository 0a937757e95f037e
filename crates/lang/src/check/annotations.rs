//! Annotations (specification 4.4 and 14): what tooling shows beside inputs and outputs, and by when
//! and by what an input is supplied.

use model::{Code, Diagnostic, Span, Text, Type, Value};

use super::Checker;
use crate::program::Binding;
use crate::syntax::{Annotation, Argument, ArgumentValue, Expr, ExprKind, Name, Piece};

/// All annotations that there are, for suggestions.
const KNOWN: [&str; 5] = ["title", "description", "example", "deadline", "event"];

/// What the annotations of an input say.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) title: Option<Text>,
    pub(super) description: Option<Text>,
    pub(super) examples: Vec<Value>,
    pub(super) deadline_ms: Option<u64>,
    pub(super) event_type: Option<Text>,
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
                "deadline" if self.is_first(annotations, at) => {
                    notes.deadline_ms = self.deadline(annotation);
                }
                "event" if self.is_first(annotations, at) => {
                    notes.event_type = self.event(annotation);
                }
                "title" | "description" | "deadline" | "event" => {}
                _ => self.refuse(annotation),
            }
        }
        notes
    }

    fn deadline(&mut self, annotation: &Annotation) -> Option<u64> {
        let value = match annotation.arguments.as_slice() {
            [Argument { name: None, value }] => value,
            _ => {
                let message = "`@deadline` takes a duration";
                let diagnostic = Diagnostic::new(Code::E026, annotation.span, message);
                self.report(diagnostic.help("write it like `@deadline(72h)`"));
                return None;
            }
        };
        let (span, message) = match value {
            ArgumentValue::Duration(0, span) => (*span, "a deadline must leave some time"),
            ArgumentValue::Duration(ms, _) => return Some(*ms),
            ArgumentValue::Expr(Expr { kind: ExprKind::Broken, .. }) => return None,
            ArgumentValue::Expr(value) => {
                (value.span, "a deadline is a duration that is written out")
            }
        };
        let help = "write a number with `ms`, `s`, `min`, `h` or `d`, like `72h`";
        self.report(Diagnostic::new(Code::E026, span, message).help(help));
        None
    }

    /// The type of the events; their key is checked with the bindings, among which it stands.
    fn event(&mut self, annotation: &'a Annotation) -> Option<Text> {
        let [
            Argument { name: None, value: ArgumentValue::Expr(event_type) },
            Argument { name: Some(key), value: ArgumentValue::Expr(_) },
        ] = annotation.arguments.as_slice()
        else {
            return self.wrong_event(annotation, annotation.span);
        };
        if key.text != "key" {
            return self.wrong_event(annotation, key.span);
        }
        let name = self.quoted(annotation, event_type)?;
        if name.is_empty() {
            let message = "an event has a type, so this must not be empty";
            self.report(Diagnostic::new(Code::E026, event_type.span, message));
            return None;
        }
        Some(name)
    }

    fn wrong_event(&mut self, annotation: &Annotation, span: Span) -> Option<Text> {
        let message =
            format!("`@{}` takes the type of the events and their key", annotation.name.text);
        let help = "write it like `@event(\"payment.received\", key: orderId)`";
        self.report(Diagnostic::new(Code::E026, span, message).help(help));
        None
    }

    /// The key of an input's events, as a binding that only this input has.
    pub(super) fn event_key(&mut self, input: &Name, key: &'a Expr) -> Option<Binding> {
        self.enter();
        let inferred = self.infer(key);
        let want = match &inferred.ty {
            Type::Unknown => return None,
            Type::Int => Type::Int,
            Type::String | Type::Literal(_) => Type::String,
            Type::Union(union)
                if union.members().iter().all(|one| matches!(one.ty, Type::Literal(_))) =>
            {
                Type::String
            }
            other => {
                let message = format!("a key is a String or an Int, but this is `{other}`");
                self.report(Diagnostic::new(Code::E026, key.span, message));
                return None;
            }
        };
        let value = self.fit(inferred, &want);
        self.nodes += 1;
        let locals = std::mem::take(&mut self.locals);
        Some(super::binding(format!("{}.key", input.text).into(), key.span, value, locals))
    }

    /// A default that would never be taken is a mistake.
    pub(super) fn refuse_idle_default(&mut self, notes: &Notes, default: Option<&Expr>) {
        if let (Some(_), None, Some(default)) = (&notes.event_type, notes.deadline_ms, default) {
            let message = "this default would never be taken: the input waits for its event";
            let help = "add a `@deadline`, after which the default is taken, or remove it";
            self.report(Diagnostic::new(Code::E026, default.span, message).help(help));
        }
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
        self.quoted(annotation, value)
    }

    fn quoted(&mut self, annotation: &Annotation, value: &Expr) -> Option<Text> {
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
