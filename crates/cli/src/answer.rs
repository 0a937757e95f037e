//! The answer of an execution: the JSON document of `/run`, `/execute` and `/resume`, read back and
//! said to people.
//!
//! Local runs are shown through the same document, so that `--json` and the text say the same
//! wherever a pipeline runs. Values are kept as the JSON that they came as.

use std::collections::BTreeMap;

use model::text::{cut, quote};
use model::{Code, Type};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exit::Exit;
use crate::hint;
use crate::show;
use crate::terminal::{ERROR, GOOD, NAME, NEXT, QUIET, WARNING};

/// What is known of an execution.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    /// The name of a status; the problem document of a failed execution has a number there.
    status: serde_json::Value,
    #[serde(default)]
    pub(crate) execution_id: String,
    #[serde(default)]
    outputs: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    pub(crate) missing: Vec<Missing>,
    #[serde(default)]
    computed_nodes: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    failed_nodes: BTreeMap<String, FailedNode>,
    compile_time_ms: Option<f64>,
    execute_time_ms: Option<f64>,
    /// Only where it is kept.
    created_at: Option<String>,
}

/// An input that is missing, or may be asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Missing {
    pub(crate) name: String,
    #[serde(rename = "type")]
    ty: String,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    examples: Vec<Box<RawValue>>,
    #[serde(default)]
    required: bool,
    /// When its time is over.
    deadline: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FailedNode {
    code: String,
    message: String,
    module: Option<String>,
    #[serde(default)]
    attempts: u32,
    cause: Option<String>,
}

impl Answer {
    /// Reads the document.
    pub(crate) fn read(document: &str) -> Result<Answer, serde_json::Error> {
        serde_json::from_str(document)
    }

    /// How a command ends that was to bring the execution to its end.
    pub(crate) fn exit(&self) -> Exit {
        match self.status() {
            "Completed" => Exit::Completed,
            "Suspended" | "Running" => Exit::Waiting,
            _ => Exit::Failed,
        }
    }

    /// `Completed`, `Suspended`, `Running`, `Failed` or `Cancelled`.
    pub(crate) fn status(&self) -> &str {
        self.status.as_str().unwrap_or("Failed")
    }

    /// Whether a failed call is to blame, which may succeed when it is tried again.
    pub(crate) fn is_failed_by_module(&self) -> bool {
        self.failed_nodes.values().any(|failed| failed.module.is_some())
    }

    /// The data, for standard output: names and values.
    pub(crate) fn data(&self) -> String {
        if self.status() == "Completed" {
            return show::members(&self.outputs, "");
        }
        let mut sections = Vec::new();
        let mut section = |title: &str, body: String| {
            if !body.is_empty() {
                sections.push(format!("{NEXT}{title}{NEXT:#}\n{body}"));
            }
        };
        section("Outputs", show::members(&self.outputs, "  "));
        let mut computed = self.computed_nodes.clone();
        computed.retain(|name, _| !self.outputs.contains_key(name));
        section("Computed", show::members(&computed, "  "));
        section("Missing", self.inputs(true));
        section("May be asked for", self.inputs(false));
        sections.join("\n")
    }

    /// What became of it, for people: one line, and one more for each failure. An execution
    /// that nobody keeps needs no id: one of a local run, or one that left nothing behind.
    pub(crate) fn story(&self, is_local: bool) -> String {
        let what = match self.status() {
            "Completed" => format!("{GOOD}Completed{GOOD:#}{}", self.times()),
            "Suspended" => {
                format!("{WARNING}Suspended{WARNING:#}: it waits for {}", self.missing_names())
            }
            "Running" => format!("{WARNING}Running{WARNING:#}: it goes on at the server"),
            "Failed" => format!("{}{ERROR}Failed{ERROR:#}", self.failures()),
            other => quote(other),
        };
        if is_local || self.created_at.is_none() {
            return format!("{what}\n");
        }
        format!("{what} {QUIET}({}){QUIET:#}\n", quote(&self.execution_id))
    }

    /// Values to type for the required inputs: `approval=true`.
    pub(crate) fn assignments(&self) -> String {
        self.required().map(|input| format!(" {}", input.assignment())).collect()
    }

    fn missing_names(&self) -> String {
        let names: Vec<String> = self.required().map(|input| tick(&input.name)).collect();
        match names.as_slice() {
            [] => "further inputs".to_owned(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} and {last}", most.join(", ")),
        }
    }

    fn required(&self) -> impl Iterator<Item = &Missing> {
        self.missing.iter().filter(|input| input.required)
    }

    fn inputs(&self, required: bool) -> String {
        let rows = self.missing.iter().filter(|input| input.required == required);
        show::rows(rows.map(Missing::row).collect(), "  ")
    }

    fn failures(&self) -> String {
        let mut text = String::new();
        for (name, failed) in &self.failed_nodes {
            // A node that failed because of another one says nothing new beside it.
            let is_told = failed.cause.as_ref().is_some_and(|c| self.failed_nodes.contains_key(c));
            if !is_told {
                text.push_str(&failed.line(name));
            }
        }
        text.push('\n');
        text
    }

    fn times(&self) -> String {
        let part =
            |label: &str, ms: Option<f64>| ms.map(|ms| format!("{label}{}", show::millis(ms)));
        let parts = [part("", self.execute_time_ms), part("compiled in ", self.compile_time_ms)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!(" in {}", parts.join(", ")) }
    }
}

impl Missing {
    /// A value to type for it.
    fn assignment(&self) -> String {
        let ty = lang::ty(&self.ty).unwrap_or(Type::Unknown);
        hint::assignment(&self.name, &ty, self.examples.first().map(|example| example.get()))
    }

    /// Name, type and words, the latter one a line.
    fn row(&self) -> [String; 3] {
        let words = [&self.title, &self.description].into_iter().flatten();
        let until = self.deadline.iter().map(|time| format!("until {}", quote(time)));
        let words: Vec<String> = words.map(|words| cut(words, 500)).chain(until).collect();
        [format!("{NAME}{}{NAME:#}", quote(&self.name)), quote(&self.ty), words.join("\n")]
    }
}

impl FailedNode {
    fn line(&self, node: &str) -> String {
        let FailedNode { code, message, module, attempts, cause } = self;
        let (code, message) = (quote(code), cut(message, 500));
        let mut line = format!("{ERROR}error[{code}]{ERROR:#}: {} failed", tick(node));
        match (module, cause) {
            (Some(module), _) => line.push_str(&format!(" in {}: {message}", tick(module))),
            (None, Some(cause)) => line.push_str(&format!(" because {} failed", tick(cause))),
            (None, None) => {
                let title = code.parse().map_or("", |code: Code| code.title());
                line.push_str(&format!(": {title}: {message}"));
            }
        }
        if *attempts > 1 {
            line.push_str(&format!(" ({attempts} attempts)"));
        }
        line.push('\n');
        line
    }
}

fn tick(name: &str) -> String {
    format!("`{}`", quote(name))
}
