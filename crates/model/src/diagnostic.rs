//! What the compiler says about a source, as data. Terminal, JSON and editor are its renderers.

use crate::{Code, Span};

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The source does not compile.
    Error,
    /// The source compiles, but probably not to what its author meant.
    Warning,
}

/// One message about one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of message.
    pub code: Code,
    /// The fact, in one sentence, without a final stop.
    pub message: String,
    /// The guilty token.
    pub span: Span,
    /// Other places that explain it, such as where a name was declared.
    pub labels: Vec<Label>,
    /// What to do, ready to be applied, if we know it.
    pub help: Option<String>,
}

/// A second place that a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What it has to do with the message.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic without labels and help.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), span, labels: Vec::new(), help: None }
    }

    /// The same with `help`.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The same with `help`, if there is any.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Diagnostic {
        self.help = help.or(self.help);
        self
    }

    /// The same with a second place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Error or warning: the letter of the code decides.
    pub fn severity(&self) -> Severity {
        if self.code.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// Whether this keeps the source from compiling.
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}
