//! Writing to standard output and standard error, and the few styles that are used.
//!
//! Standard output carries data only. Whatever is written may contain styles; they are taken out
//! where the stream is no terminal or `NO_COLOR` is set. A reader who goes away is no failure.

use std::io::{self, Write};

use annotate_snippets::renderer::{AnsiColor, Effects, Style};

/// The word `error`.
pub(crate) const ERROR: Style = AnsiColor::BrightRed.on_default().effects(Effects::BOLD);
/// The word `warning`.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
/// The word `help`.
pub(crate) const HELP: Style = AnsiColor::BrightCyan.on_default().effects(Effects::BOLD);
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::BrightGreen.on_default().effects(Effects::BOLD);
/// The word `Next:`, and headings.
pub(crate) const NEXT: Style = Style::new().effects(Effects::BOLD);
/// Names of inputs, nodes and outputs.
pub(crate) const NAME: Style = AnsiColor::BrightBlue.on_default().effects(Effects::BOLD);
/// What is said by the way.
pub(crate) const QUIET: Style = Style::new().effects(Effects::DIMMED);

/// Writes data.
pub(crate) fn out(text: &str) {
    let mut stdout = anstream::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        err(&format!("{ERROR}error{ERROR:#}: cannot write to standard output: {error}\n"));
    }
}

/// Writes words for people. There is nobody to tell if that fails.
pub(crate) fn err(text: &str) {
    let mut stderr = anstream::stderr().lock();
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}
