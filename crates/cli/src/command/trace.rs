//! `tidegate executions ID --trace`: what happened to an execution, a line each. The calls of a lambda
//! are one line together, and those of them that were made more than once a line each.

use std::collections::HashMap;

use model::text::{cut, quote};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::execution_path;
use crate::client::Client;
use crate::exit::{Exit, Refusal};
use crate::limits::{ELEMENTS_SHOWN_MAX, MESSAGE_SHOWN_MAX, TRACE_PAGE, VALUE_LINE_MAX};
use crate::terminal::{NAME, QUIET};
use crate::{show, terminal};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// An item of the history; each type has its part of the members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Item {
    at: String,
    #[serde(rename = "type")]
    kind: String,
    pipeline: Option<String>,
    structural_hash: String,
    input: Option<String>,
    node: String,
    module: String,
    value: Option<Box<RawValue>>,
    by: String,
    call_key: String,
    duration_ms: u64,
    waited_ms: u64,
    attempts: u32,
    cache_hit: bool,
    failure: Option<Failure>,
    missing_inputs: Vec<String>,
    event_type: String,
    retry_failed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failure {
    code: String,
    message: String,
    attempts: u32,
}

/// When, what it is about, what happened, and how.
type Row = [String; 4];

pub(crate) fn trace(client: &Client, id: &str, is_json: bool) -> Result<Exit, Refusal> {
    let path = execution_path(id, client)?;
    let (mut raw, mut items) = (Vec::new(), Vec::new());
    let mut after = "0".to_owned();
    loop {
        let document = client.get(&format!("{path}/events?after={after}&limit={TRACE_PAGE}"))?;
        let page: Page =
            serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
        for item in page.items {
            let read = serde_json::from_str(item.get());
            items.push(read.map_err(|error| client.foreign(&error.to_string()))?);
            raw.push(item);
        }
        match page.next_cursor {
            Some(cursor) => after = cursor,
            None => break,
        }
    }
    if is_json {
        let items: Vec<&str> = raw.iter().map(|item| item.get()).collect();
        terminal::out(&format!("{{\"items\":[{}]}}\n", items.join(",")));
    } else {
        terminal::out(&show::rows(rows(&items), ""));
    }
    Ok(Exit::Completed)
}

fn rows(items: &[Item]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    // Where the calls of a lambda are told together, by the part of the key that they share.
    let mut groups: HashMap<&str, usize> = HashMap::new();
    let mut at = 0;
    let mut lambdas: Vec<(usize, Vec<&Item>)> = Vec::new();
    for item in items {
        if item.kind == "resumed" {
            groups.clear();
        }
        match item.element() {
            Some((call, _)) => match groups.get(call) {
                Some(group) => lambdas[*group].1.push(item),
                None => {
                    groups.insert(call, lambdas.len());
                    lambdas.push((at, vec![item]));
                }
            },
            None => {
                rows.push(item.row());
                at += 1;
            }
        }
    }
    for (at, calls) in lambdas.iter().rev() {
        rows.splice(at..at, together(calls));
    }
    // A time that is said again says nothing.
    let mut last = String::new();
    for row in &mut rows {
        let time = std::mem::take(&mut row[0]);
        if time != last {
            row[0] = format!("{QUIET}{time}{QUIET:#}");
            last = time;
        }
    }
    rows
}

/// The calls of a lambda.
fn together(calls: &[&Item]) -> Vec<Row> {
    if calls.len() <= ELEMENTS_SHOWN_MAX {
        return calls.iter().map(|call| call.row()).collect();
    }
    let count = |is: fn(&Item) -> bool| calls.iter().filter(|call| is(call)).count();
    let longest = calls.iter().map(|call| call.duration_ms).max().unwrap_or_default();
    let waited = calls.iter().map(|call| call.waited_ms).max().unwrap_or_default();
    let mut told = vec![format!("{} calls", calls.len())];
    for (number, what) in [
        (count(|call| call.cache_hit), "from the cache"),
        (count(|call| call.attempts() > 1), "made again"),
        (count(|call| call.failure.is_some()), "failed"),
    ] {
        if number > 0 {
            told.push(format!("{number} {what}"));
        }
    }
    told.push(format!("longest {}", millis(longest)));
    if waited > 0 {
        told.push(format!("waited up to {}", millis(waited)));
    }
    let Some(first) = calls.first() else { return Vec::new() };
    let node = format!("{NAME}{}{NAME:#}[…]", quote(&first.node));
    let mut rows = vec![[first.time(), node, quote(&first.module), told.join(", ")]];
    let again = calls.iter().filter(|call| call.attempts() > 1 || call.failure.is_some());
    rows.extend(again.take(ELEMENTS_SHOWN_MAX).map(|call| call.row()));
    rows
}

fn millis(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { show::millis(ms as f64) }
}

impl Item {
    /// Of a call in a lambda, the part of its key that all elements share, and its own.
    fn element(&self) -> Option<(&str, &str)> {
        let at = self.call_key.find('[')?;
        Some(self.call_key.split_at(at))
    }

    fn time(&self) -> String {
        let time = self.at.replace('T', " ").replace('Z', "");
        let (seconds, part) = time.split_once('.').unwrap_or((&time, ""));
        cut(&format!("{seconds}.{part:0<3}"), 30)
    }

    /// How often this call was made; what came from the cache was another's call.
    fn attempts(&self) -> u32 {
        if self.cache_hit {
            return 1;
        }
        self.failure.as_ref().map_or(self.attempts, |failure| failure.attempts)
    }

    fn row(&self) -> Row {
        let element = self.element().map_or("", |(_, element)| element);
        let name = self.input.as_deref().unwrap_or(&self.node);
        let subject = format!("{NAME}{}{NAME:#}{}", quote(name), quote(element));
        let value = || self.value.as_deref().map_or("", RawValue::get);
        let (what, told) = match self.kind.as_str() {
            "started" => {
                let pipeline =
                    self.pipeline.as_deref().map_or(String::new(), |it| format!("{it} "));
                ("started", format!("{pipeline}{}", self.structural_hash))
            }
            "resumed" if self.retry_failed => ("resumed", "failed calls are made again".to_owned()),
            "inputProvided" => {
                ("input", format!("{}, by {}", cut(value(), VALUE_LINE_MAX), self.by))
            }
            "nodeResolved" => ("resolved", cut(value(), VALUE_LINE_MAX)),
            "callCompleted" | "callFailed" => (self.module.as_str(), self.call()),
            "nodeFailed" => ("failed", self.told_failure()),
            "suspended" => ("suspended", format!("waits for {}", self.missing_inputs.join(", "))),
            "eventReceived" => ("event", self.event_type.clone()),
            "deadlinePassed" => ("deadline", "passed".to_owned()),
            other => (other, String::new()),
        };
        [self.time(), subject, quote(what), cut(&told, MESSAGE_SHOWN_MAX)]
    }

    fn call(&self) -> String {
        let mut told = vec![millis(self.duration_ms)];
        if self.waited_ms > 0 {
            told.push(format!("waited {}", millis(self.waited_ms)));
        }
        if self.cache_hit {
            told.push("from the cache".to_owned());
        }
        if self.attempts() > 1 {
            told.push(format!("{} attempts", self.attempts()));
        }
        if self.failure.is_some() {
            told.push(self.told_failure());
        }
        told.join(", ")
    }

    fn told_failure(&self) -> String {
        let failure = self.failure.as_ref();
        failure.map_or(String::new(), |it| format!("{}: {}", it.code, it.message))
    }
}
