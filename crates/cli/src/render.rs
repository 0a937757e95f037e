//! Diagnostics for people: [`Diagnostic`]s drawn into the source that they are about.
//!
//! The source may be anything. Lines that nobody could read are not drawn but quoted in part, and
//! messages are cut, so that drawing takes time and space in proportion to what is shown.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use model::text::cut;
use model::{Diagnostic, Severity, Span};

use crate::limits::{DIAGNOSTICS_SHOWN_MAX, LABEL_DISTANCE_MAX, LINE_DRAWN_MAX, MESSAGE_SHOWN_MAX};
use crate::terminal::NEXT;

/// All diagnostics of a source, drawn, with empty lines between them; `path` is the name under
/// which people know the source.
pub(crate) fn diagnostics(path: &str, source: &str, diagnostics: &[Diagnostic]) -> String {
    let shown = diagnostics.iter().take(DIAGNOSTICS_SHOWN_MAX);
    let mut drawn: Vec<String> =
        shown.map(|shown| diagnostic(path, source, shown) + "\n").collect();
    let hidden = diagnostics.len().saturating_sub(DIAGNOSTICS_SHOWN_MAX);
    if hidden > 0 {
        drawn.push(format!("… and {hidden} more in {}\n", cut(path, 200)));
    }
    drawn.join("\n")
}

/// The line that leads to the page about the first error; nothing if there is no error.
pub(crate) fn more<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> String {
    match diagnostics.into_iter().find(|diagnostic| diagnostic.is_error()) {
        Some(first) => format!("\n{NEXT}More:{NEXT:#} tidegate explain {}\n", first.code),
        None => String::new(),
    }
}

/// One diagnostic, drawn, without a line break at its end.
pub(crate) fn diagnostic(path: &str, source: &str, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = cut(&diagnostic.message, MESSAGE_SHOWN_MAX);
    let title = level.primary_title(message).id(diagnostic.code.as_str());
    let (place, drawn) = (Place::of(source, diagnostic.span), Drawn::of(source, diagnostic));
    let mut group = match &drawn {
        Some(drawn) => title.element(drawn.snippet(path, source)),
        None => title.element(
            Origin::path(cut(path, 200)).line(place.line as usize).char_column(place.column),
        ),
    };
    if drawn.is_none() {
        group = group.element(Level::NOTE.message(format!("near `{}`", place.excerpt(source))));
    }
    for label in &diagnostic.labels {
        if !drawn.as_ref().is_some_and(|drawn| drawn.holds(label.span)) {
            let line = label.span.locate(source).line;
            let text = cut(&label.text, MESSAGE_SHOWN_MAX);
            group = group.element(Level::NOTE.message(format!("{text} (line {line})")));
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(cut(help, MESSAGE_SHOWN_MAX)));
    }
    Renderer::styled().render(&[group])
}

/// The first line of a span.
struct Place {
    line: u32,
    column: usize,
    /// The line, without its end.
    bytes: Range<usize>,
    /// The span, cut to the line.
    span: Range<usize>,
}

impl Place {
    fn of(source: &str, span: Span) -> Place {
        let start = floor(source, span.start as usize);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let end = floor(source, span.end as usize).clamp(start, line_end);
        let location = span.locate(source);
        Place {
            line: location.line,
            column: location.column as usize,
            bytes: line_start..line_end,
            span: start..end,
        }
    }

    fn is_drawable(&self) -> bool {
        self.bytes.len() <= LINE_DRAWN_MAX
    }

    fn excerpt(&self, source: &str) -> String {
        let end = floor(source, self.span.start.saturating_add(400)).min(self.bytes.end);
        cut(&source[self.span.start..end], 60)
    }
}

/// What of a diagnostic is drawn: the lines from the first to the last of its near places.
struct Drawn<'d> {
    line: u32,
    bytes: Range<usize>,
    primary: Range<usize>,
    labels: Vec<(Range<usize>, &'d str, Span)>,
}

impl<'d> Drawn<'d> {
    /// `None` if the place itself is on a line that is too long.
    fn of(source: &str, diagnostic: &'d Diagnostic) -> Option<Drawn<'d>> {
        let place = Place::of(source, diagnostic.span);
        if !place.is_drawable() {
            return None;
        }
        let (line, bytes, primary) = (place.line, place.bytes, place.span);
        let mut drawn = Drawn { line, bytes, primary, labels: Vec::new() };
        for label in &diagnostic.labels {
            let near = Place::of(source, label.span);
            if near.is_drawable() && near.line.abs_diff(line) <= LABEL_DISTANCE_MAX {
                drawn.line = drawn.line.min(near.line);
                drawn.bytes.start = drawn.bytes.start.min(near.bytes.start);
                drawn.bytes.end = drawn.bytes.end.max(near.bytes.end);
                drawn.labels.push((near.span, &label.text, label.span));
            }
        }
        Some(drawn)
    }

    fn holds(&self, span: Span) -> bool {
        self.labels.iter().any(|(.., drawn)| *drawn == span)
    }

    fn snippet<'a>(
        &self,
        path: &str,
        source: &'a str,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let shift =
            |span: &Range<usize>| span.start - self.bytes.start..span.end - self.bytes.start;
        let labels = self.labels.iter().map(|(span, text, _)| {
            AnnotationKind::Context.span(shift(span)).label(cut(text, MESSAGE_SHOWN_MAX))
        });
        Snippet::source(&source[self.bytes.clone()])
            .line_start(self.line as usize)
            .path(cut(path, 200))
            .annotation(AnnotationKind::Primary.span(shift(&self.primary)))
            .annotations(labels.collect::<Vec<_>>())
    }
}

/// The greatest character boundary of `source` up to `offset`.
fn floor(source: &str, offset: usize) -> usize {
    source.floor_char_boundary(offset)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use model::Code;

    use super::*;

    fn check(source: &str, diagnostic: &Diagnostic, expected: Expect) {
        let drawn = super::diagnostic("order.cst", source, diagnostic);
        expected.assert_eq(&anstream::adapter::strip_str(&drawn).to_string());
    }

    fn span_of(source: &str, part: &str) -> Span {
        let start = source.find(part).unwrap_or_default();
        Span::new(start, start + part.len())
    }

    #[test]
    fn points_at_the_token_and_says_what_to_do() {
        let source = "in order: { userId: Int }\n\nout who = order.userID\n";
        let diagnostic = Diagnostic::new(Code::E007, span_of(source, "userID"), "Field not found")
            .label(span_of(source, "order"), "this is `{ userId: Int }`")
            .help("Did you mean `userId`?");
        check(
            source,
            &diagnostic,
            expect![[r#"
            error[E007]: Field not found
             --> order.cst:3:17
              |
            1 | in order: { userId: Int }
              |    ----- this is `{ userId: Int }`
            2 |
            3 | out who = order.userID
              |                 ^^^^^^
              |
              = help: Did you mean `userId`?"#]],
        );
    }

    #[test]
    fn quotes_a_piece_of_a_line_that_is_too_long() {
        let source = format!("out x = \"{}\u{1b}[2J\" + y", "a".repeat(100_000));
        let diagnostic = Diagnostic::new(Code::E001, span_of(&source, "\u{1b}"), "Not found");
        check(
            &source,
            &diagnostic,
            expect![[r#"
            error[E001]: Not found
            --> order.cst:1:100010
             = note: near `\u{1b}[2J" + y`"#]],
        );
    }

    #[test]
    fn draws_hostile_lines_harmlessly() {
        let source = "out x = \u{1b}[2J\u{202e}y\t€";
        let diagnostic = Diagnostic::new(Code::E020, span_of(source, "\u{1b}"), "Not text");
        let drawn = super::diagnostic("a\u{1b}b.cst", source, &diagnostic);
        let plain = anstream::adapter::strip_str(&drawn).to_string();
        assert!(!plain.contains(['\u{1b}', '\u{202e}']), "{plain:?}");
    }

    #[test]
    fn survives_every_span_of_a_small_source() {
        let source = "é\n\n€x\r\n";
        for start in 0..=source.len() + 2 {
            for end in start..=source.len() + 2 {
                let diagnostic = Diagnostic::new(Code::E021, Span::new(start, end), "Unexpected")
                    .label(Span::new(end, start), "label");
                assert!(super::diagnostic("x", source, &diagnostic).contains("Unexpected"));
            }
        }
    }
}
