//! The documents that callers get, written straight into a buffer: no intermediate tree.
//!
//! The order of members is part of what users see. [`execution`], [`checked`] and [`Problem`] are
//! also what the command line prints for `--json`, so there is one writer for both.

mod check;
mod diagnostic;
mod event;
mod execution;
mod history;
mod module;
mod object;
mod pipeline;
mod problem;
pub(crate) mod schema;

pub use check::checked;
pub use diagnostic::diagnostic;
pub use execution::{Timings, answer, execution};
pub use problem::{Entry, Problem, ProblemKind};

pub(crate) use event::{delivered, kept_event};
pub(crate) use execution::item;
pub(crate) use history::{history_item, server_sent};
pub(crate) use module::ready;
pub use module::{invoked, module_document, modules, not_invoked};
pub(crate) use object::{Object, list};
pub(crate) use pipeline::{Pipeline, compiled, pipeline_item};
pub(crate) use problem::count;

/// A JSON document with the HTTP status that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The HTTP status.
    pub status: u16,
    /// Whether it is `application/problem+json`.
    pub is_problem: bool,
    /// The JSON text.
    pub body: Vec<u8>,
}

impl Document {
    /// An answer that is no problem.
    pub(crate) fn ok(body: Vec<u8>) -> Document {
        Document { status: 200, is_problem: false, body }
    }
}

/// A document that is one object.
pub(crate) fn whole(write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut object = Object::begin(&mut out);
    write(&mut object);
    object.end();
    out
}

/// A page of a listing: its items, and where the next page begins.
pub(crate) fn page<T>(
    items: &[T],
    next_cursor: Option<&str>,
    mut write: impl FnMut(&mut Object<'_>, &T),
) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 256 * items.len());
    let mut page = Object::begin(&mut out);
    list(page.key("items"), items, |out, item| {
        let mut object = Object::begin(out);
        write(&mut object, item);
        object.end();
    });
    page.maybe_text("nextCursor", next_cursor);
    page.end();
    out
}
