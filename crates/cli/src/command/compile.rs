//! `tidegate compile`: a source becomes an image at a server, and a name points to it.

use model::text::quote;
use serde::Deserialize;

use super::{Cell, body};
use crate::args::Compile;
use crate::client::Client;
use crate::exit::{Exit, Refusal, next};
use crate::problem::Entry;
use crate::{hint, render, show, source, terminal};

/// What the server says of a pipeline that it compiled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compiled {
    structural_hash: String,
    alias: Option<String>,
    version: Option<u32>,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    inputs: Vec<Cell>,
    #[serde(default)]
    outputs: Vec<Cell>,
    #[serde(default)]
    warnings: Vec<Entry>,
}

pub(crate) fn compile(args: &Compile) -> Result<Exit, Refusal> {
    let client = Client::new(&args.server)?;
    let source = source::read(&args.file)?;
    let mut members = vec![("source", hint::json_string(&source.text))];
    members.extend(args.name.as_ref().map(|name| ("name", hint::json_string(name))));
    let document = client.post("/compile", body(&members), Some((&source.name, &source.text)))?;
    let compiled: Compiled =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    if args.json.json {
        terminal::out(&format!("{}\n", document.trim_end()));
        return Ok(Exit::Completed);
    }
    let warnings: Vec<_> = compiled.warnings.iter().map(Entry::diagnostic).collect();
    terminal::err(&render::diagnostics(&source.name, &source.text, &warnings));
    terminal::out(&compiled.data());
    terminal::err(&next(&compiled.next_command(&client.flag)));
    Ok(Exit::Completed)
}

impl Compiled {
    fn data(&self) -> String {
        let mut rows = Vec::new();
        let mut row = |kind: &str, words: String| rows.push([kind.to_owned(), words]);
        if let (Some(alias), Some(version)) = (&self.alias, self.version) {
            row("pipeline", format!("{}, version {version}", quote(alias)));
        }
        let novelty = if self.created { "new" } else { "known before" };
        row("image", format!("{} ({novelty})", quote(&self.structural_hash)));
        let declared = |cell: &Cell| format!("{}: {}", quote(&cell.name), quote(&cell.ty));
        self.inputs.iter().for_each(|input| row("in", declared(input)));
        self.outputs.iter().for_each(|output| row("out", declared(output)));
        show::rows(rows, "")
    }

    fn next_command(&self, flag: &str) -> String {
        let reference = self.alias.as_ref().unwrap_or(&self.structural_hash);
        let values = Cell::assignments(&self.inputs);
        format!("tidegate execute {}{values}{flag}", hint::shell(reference))
    }
}
