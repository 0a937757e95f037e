//! Problem documents (RFC 9457) of a server, said to people, each with its exit code.

use model::text::{cut, quote};
use model::{Code, Diagnostic, Span};
use serde::Deserialize;

use crate::exit::{Exit, Refusal};
use crate::render;
use crate::terminal::{ERROR, HELP};

/// A refusal by a server.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    ty: String,
    title: String,
    status: u16,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<Entry>,
}

/// One entry of `errors`.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    code: String,
    message: String,
    help: Option<String>,
    pointer: Option<String>,
    span: Option<Place>,
    #[serde(default)]
    labels: Vec<Label>,
}

/// A second place of a diagnostic.
#[derive(Debug, Deserialize)]
struct Label {
    message: String,
    span: Place,
}

#[derive(Debug, Deserialize)]
struct Place {
    start: u32,
    end: u32,
}

impl Place {
    fn span(&self) -> Span {
        Span { start: self.start, end: self.end }
    }
}

impl Problem {
    /// Reads the document; anything else is `None`.
    pub(crate) fn read(document: &str) -> Option<Problem> {
        serde_json::from_str(document).ok()
    }

    /// Whether this is an execution that failed, with all that is known of it.
    pub(crate) fn is_failed_execution(&self) -> bool {
        self.kind() == "execution-failed"
    }

    /// The refusal that this is. `source` is the source that was sent, with its name.
    pub(crate) fn refusal(&self, document: String, source: Option<(&str, &str)>) -> Refusal {
        let text = match source {
            Some((path, source)) if self.kind() == "compile-failed" => {
                let diagnostics = self.diagnostics();
                render::diagnostics(path, source, &diagnostics) + &render::more(&diagnostics)
            }
            _ => self.text(),
        };
        Refusal::rendered(self.exit(), text).document(document)
    }

    fn kind(&self) -> &str {
        self.ty.rsplit('/').next().unwrap_or_default()
    }

    fn exit(&self) -> Exit {
        match (self.kind(), self.status) {
            ("compile-failed", _) => Exit::DoesNotCompile,
            ("execution-failed", _) => Exit::Failed,
            (_, 404) => Exit::NotFound,
            (_, 409 | 412) => Exit::Conflict,
            (_, 400..=428) => Exit::Usage,
            _ => Exit::Unavailable,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.errors.iter().map(Entry::diagnostic).collect()
    }

    fn text(&self) -> String {
        let summary = match (&self.detail, self.errors.len()) {
            (Some(detail), 0) => Some(detail),
            (None, 0) | (_, 2..) => Some(&self.title),
            // The only entry says it all.
            (_, 1) => None,
        };
        let mut text = summary.map_or(String::new(), |summary| {
            format!("{ERROR}error{ERROR:#}: {}\n", sentence(summary))
        });
        for entry in &self.errors {
            let pointer = entry.pointer.as_deref().unwrap_or_default();
            text.push_str(&fault(&entry.code, pointer, &entry.message, entry.help.as_deref()));
        }
        text
    }
}

impl Entry {
    /// The diagnostic that this is, for an entry about a source.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let code = self.code.parse().unwrap_or(Code::E900);
        let span = self.span.as_ref().map_or(Span::default(), Place::span);
        let diagnostic =
            Diagnostic::new(code, span, self.message.as_str()).maybe_help(self.help.clone());
        let labels = self.labels.iter();
        labels.fold(diagnostic, |it, label| it.label(label.span.span(), label.message.as_str()))
    }
}

/// One fault of supplied data: code, place, what is wrong, what to do.
pub(crate) fn fault(code: &str, pointer: &str, message: &str, help: Option<&str>) -> String {
    let place = pointer.strip_prefix("/inputs/").or(pointer.strip_prefix('/')).unwrap_or(pointer);
    let place = if place.is_empty() { String::new() } else { format!("{}: ", quote(place)) };
    let code = if code.is_empty() { String::new() } else { format!("[{}]", quote(code)) };
    let mut text = format!("{ERROR}error{code}{ERROR:#}: {place}{}\n", cut(message, 500));
    if let Some(help) = help {
        text.push_str(&format!("  {HELP}help{HELP:#}: {}\n", cut(help, 500)));
    }
    text
}

/// A sentence in the middle of a line.
fn sentence(text: &str) -> String {
    let title = cut(text, 500);
    let mut letters = title.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => title,
    }
}
