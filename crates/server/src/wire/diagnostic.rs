//! What the compiler says, as JSON.

use model::{Diagnostic, Severity, Span};

use super::object::{Object, list};

/// The JSON of a diagnostic about `source`: code, severity, message, help, span, labels.
pub fn diagnostic(diagnostic: &Diagnostic, source: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut object = Object::begin(&mut out);
    object.text("code", diagnostic.code.as_str());
    object.text("severity", severity(diagnostic.severity()));
    object.text("message", &diagnostic.message);
    object.maybe_text("help", diagnostic.help.as_deref());
    span(&mut object, diagnostic.span, source);
    if !diagnostic.labels.is_empty() {
        list(object.key("labels"), &diagnostic.labels, |out, label| {
            let mut object = Object::begin(out);
            object.text("message", &label.text);
            span(&mut object, label.span, source);
            object.end();
        });
    }
    object.end();
    out
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Bytes, and lines and columns from 1.
fn span(object: &mut Object<'_>, span: Span, source: &str) {
    let location = span.locate(source);
    object.object("span", |object| {
        object.number("start", span.start);
        object.number("end", span.end);
        object.number("line", location.line);
        object.number("column", location.column);
        object.number("endLine", location.end_line);
        object.number("endColumn", location.end_column);
    });
}
