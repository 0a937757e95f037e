//! The commands, a file each: what is asked of whom, and what is said about the answer.

mod cancel;
mod check;
mod compile;
mod event;
mod execute;
mod executions;
mod explain;
mod fmt;
mod graph;
mod import;
mod module;
mod pipelines;
mod resume;
mod run;
mod serve;
mod trace;

use std::collections::BTreeMap;

use model::Type;
use model::text::quote;
use serde::Deserialize;

use crate::answer::Answer;
use crate::args::Command;
use crate::client::Client;
use crate::exit::{Exit, Refusal, next};
use crate::{hint, terminal};

/// Does what was asked for.
pub(crate) fn perform(command: Command) -> Result<Exit, Refusal> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Fmt(args) => fmt::fmt(&args),
        Command::Graph(args) => graph::graph(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Compile(args) => compile::compile(&args),
        Command::Execute(args) => execute::execute(&args),
        Command::Resume(args) => resume::resume(&args),
        Command::Cancel(args) => cancel::cancel(&args),
        Command::Event(args) => event::event(&args),
        Command::Executions(args) => executions::executions(&args),
        Command::Pipelines(args) => pipelines::pipelines(&args),
        Command::Module(command) => module::module(&command),
        Command::Explain(args) => explain::explain(&args),
    }
}

/// An input or output as documents of a server describe it.
#[derive(Debug, Deserialize)]
struct Cell {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    examples: Vec<Box<serde_json::value::RawValue>>,
}

impl Cell {
    /// Its type; one that this version cannot read is treated as JSON of any form.
    fn ty(&self) -> Type {
        lang::ty(&self.ty).unwrap_or(Type::Unknown)
    }

    fn types(cells: &[Cell]) -> BTreeMap<String, Type> {
        cells.iter().map(|cell| (cell.name.clone(), cell.ty())).collect()
    }

    /// ` name=value` for each required one.
    fn assignments(cells: &[Cell]) -> String {
        let required = cells.iter().filter(|cell| cell.required);
        let assignment = |cell: &Cell| {
            let example = cell.examples.first().map(|example| example.get());
            format!(" {}", hint::assignment(&cell.name, &cell.ty(), example))
        };
        required.map(assignment).collect()
    }
}

/// A request body of JSON members; each value is JSON already.
fn body(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(name, json)| format!("{}:{json}", hint::json_string(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A document that the server's room wrote; it is UTF-8.
fn text(document: Vec<u8>) -> String {
    String::from_utf8_lossy(&document).into_owned()
}

/// Says what became of an execution at a server.
fn report(client: &Client, document: &str, is_json: bool) -> Result<Exit, Refusal> {
    let answer = Answer::read(document).map_err(|error| client.foreign(&error.to_string()))?;
    if is_json {
        terminal::out(&format!("{}\n", document.trim_end()));
        return Ok(answer.exit());
    }
    say(&answer, false, &next_command(&answer, &client.flag));
    Ok(answer.exit())
}

/// Data, what became of it, and what to do next.
fn say(answer: &Answer, is_local: bool, next_command: &str) {
    let data = answer.data();
    terminal::out(&data);
    terminal::err(if data.is_empty() { "" } else { "\n" });
    terminal::err(&answer.story(is_local));
    terminal::err(&next(next_command));
}

fn next_command(answer: &Answer, flag: &str) -> String {
    let id = hint::shell(&answer.execution_id);
    match answer.status() {
        "Suspended" => format!("tidegate resume {id}{}{flag}", answer.assignments()),
        "Failed" if answer.is_failed_by_module() => format!("tidegate resume {id} --retry{flag}"),
        "Completed" => format!("tidegate pipelines{flag}"),
        _ => format!("tidegate executions {id}{flag}"),
    }
}

/// The path segment of an execution's id. What cannot be one need not be asked for.
fn execution_path(id: &str, client: &Client) -> Result<String, Refusal> {
    match id.parse::<engine::ExecutionId>() {
        Ok(id) => Ok(format!("/executions/{id}")),
        Err(()) => {
            let message = format!("there is no execution `{}`", quote(id));
            Err(Refusal::new(Exit::NotFound, message)
                .help("An id looks like exec-01928f6e-5c1a-7000-8000-0123456789ab")
                .next(format!("tidegate executions{}", client.flag)))
        }
    }
}

/// The threads on which the engine runs.
fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Refusal::new(Exit::Unavailable, format!("no threads: {error}")))
}
