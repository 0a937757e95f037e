//! Source text to [`Image`](model::Image) and diagnostics: meaning, without time.
//!
//! `&str ─lex→ tokens ─parse→ syntax ─check→ Program ─lower→ Plan ─seal→ Image`. User mistakes are
//! [`Diagnostic`](model::Diagnostic)s collected alongside, never `Result`s. There is no IO, no async
//! and no thread here, and no knowledge of how a plan is run.

pub mod parser;
pub mod syntax;

mod check;
mod compile;
mod encode;
mod format;
mod functions;
mod join;
mod lexer;
mod lower;
mod mentions;
mod names;
mod order;
mod program;
mod reach;
mod reshapes;
mod seal;
mod types;

pub use compile::{Compilation, compile, declared_types, signature, ty};
pub use format::format;
pub use lexer::duration_ms;
pub use mentions::called_pipelines;
pub use parser::is_reserved;
