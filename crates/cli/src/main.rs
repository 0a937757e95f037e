//! `tidegate`: arguments, environment, exit codes and texts for people.
//!
//! Each command is a file of its own below `command`. Standard output carries data only: results
//! for people, or one JSON document with `--json`. Everything else, also the hint that ends each
//! answer, goes to standard error. There are no rules about pipelines here.

mod answer;
mod args;
mod client;
mod command;
mod diff;
mod exit;
mod hint;
mod limits;
mod problem;
mod render;
mod retention;
mod show;
mod source;
mod terminal;
mod values;

use std::process::ExitCode;

use clap::Parser as _;
use model::text::cut;

use crate::args::Line;
use crate::exit::{Exit, Refusal};
use crate::limits::MESSAGE_SHOWN_MAX;

fn main() -> ExitCode {
    let command = match Line::try_parse() {
        Ok(Line { command }) => command,
        Err(error) => return explain(&error),
    };
    // The one that a client is made with, though it speaks http:// only.
    drop(rustls::crypto::ring::default_provider().install_default());
    let is_json = command.is_json();
    match command::perform(command) {
        Ok(exit) => exit.into(),
        Err(refusal) => refuse(&refusal, is_json),
    }
}

/// Prints help, the version, or what is wrong with the command line. What was typed is quoted there
/// as it was typed, so it is made harmless first.
fn explain(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        let lines = text.to_string();
        let lines = lines.lines().map(|line| cut(line, MESSAGE_SHOWN_MAX) + "\n");
        terminal::err(&lines.collect::<String>());
    } else {
        terminal::out(&text.ansi().to_string());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8))
}

fn refuse(refusal: &Refusal, is_json: bool) -> ExitCode {
    if let Some(document) = refusal.document.as_ref().filter(|_| is_json) {
        terminal::out(&format!("{}\n", document.trim_end()));
    }
    terminal::err(&refusal.text);
    refusal.exit.into()
}
