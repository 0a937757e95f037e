//! Named bounds of the command line.

use std::time::Duration;

/// Bytes of a file or of standard input that holds values; a server takes no larger body.
pub(crate) const VALUES_BYTES_MAX: usize = 10 << 20;
/// Bytes of a server's answer.
pub(crate) const ANSWER_BYTES_MAX: u64 = 512 << 20;
/// How long to wait for a connection.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long to wait for an answer: longer than a server makes anybody wait.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(90);
/// Diagnostics shown for one source; the rest is counted.
pub(crate) const DIAGNOSTICS_SHOWN_MAX: usize = 50;
/// Bytes of a source line that is drawn as a whole; of a longer one only a piece is quoted.
pub(crate) const LINE_DRAWN_MAX: usize = 500;
/// Lines between a diagnostic and a place that it points at, for both to be drawn together.
pub(crate) const LABEL_DISTANCE_MAX: u32 = 500;
/// Characters of a message.
pub(crate) const MESSAGE_SHOWN_MAX: usize = 2_000;
/// Width at which a value goes on several lines.
pub(crate) const VALUE_LINE_MAX: usize = 100;
/// Executions shown by a listing.
pub(crate) const EXECUTIONS_SHOWN: usize = 50;
/// How often a server forgets what is past its time.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Bytes of a document that is imported.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
/// Notes of an import that are shown; all stand in the manifest.
pub(crate) const NOTES_SHOWN_MAX: usize = 20;
/// Events that a trace asks for at once.
pub(crate) const TRACE_PAGE: usize = 1_000;
/// Calls of a lambda that are shown one by one.
pub(crate) const ELEMENTS_SHOWN_MAX: usize = 5;
/// Lines of one value; `--json` shows all.
pub(crate) const VALUE_LINES_MAX: usize = 24;
