//! Holds what the server says against the record.

use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::random::Random;
use crate::record::{Known, Record};

/// How long everything may take to come to rest in the end.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// Executions that are looked at after each start.
const SAMPLE: usize = 12;

/// Looks at some executions.
pub(crate) fn some(client: &Client, record: &Record, random: &mut Random) -> Result<(), String> {
    for _ in 0..SAMPLE {
        let Some(id) = record.pick(random) else { return Ok(()) };
        one(client, record, &id)?;
    }
    Ok(())
}

/// Looks at every execution and key, then supplies whatever is missing and looks again.
pub(crate) fn all(client: &Client, record: &Record) -> Result<(), String> {
    for id in record.ids() {
        one(client, record, &id)?;
    }
    keys(client, record)?;
    let started = Instant::now();
    while supply(client, record)? {
        if started.elapsed() > SETTLE_MAX {
            return Err("something does not come to rest".to_owned());
        }
        thread::sleep(Duration::from_millis(20));
    }
    for id in record.ids() {
        one(client, record, &id)?;
        let known = record.known(&id).unwrap_or_default();
        let is_ended = known.cancelled.is_some() || known.deleted.is_some();
        let answer = get(client, &id)?;
        if !is_ended && answer.body["status"] != "Completed" {
            return Err(format!("{id} has all that it needs and is {}", answer.body));
        }
        if answer.body["status"] == "Completed" {
            noted(client, &id, &answer)?;
        }
    }
    events(client, record)
}

fn get(client: &Client, id: &str) -> Result<Answer, String> {
    let answer = client.get(&format!("/executions/{id}"));
    answer.ok_or_else(|| format!("nobody says what became of {id}"))
}

/// What was acknowledged of an execution is true.
fn one(client: &Client, record: &Record, id: &str) -> Result<(), String> {
    let Some(known) = record.known(id) else { return Ok(()) };
    let wrong = |what: &str, answer: &Answer| {
        Err(format!("{what}: {id} is known as {known:?}, and the server says {answer:?}"))
    };
    let answer = get(client, id)?;
    match (known.deleted, answer.status) {
        (Some(true), 404) | (Some(false), 404) => return Ok(()),
        (Some(true), _) => return wrong("what was deleted is there", &answer),
        (_, 200) => {}
        _ => return wrong("an execution is lost", &answer),
    }
    let status = answer.body["status"].as_str().unwrap_or_default().to_owned();
    if known.cancelled == Some(true) && status != "Cancelled" {
        return wrong("a cancelled execution goes on", &answer);
    }
    if known.cancelled.is_some() {
        return Ok(());
    }
    if let Some(outputs) = &known.outputs
        && (status != "Completed" || answer.body["outputs"] != *outputs)
    {
        return wrong("a result changed", &answer);
    }
    for (input, value) in &known.inputs {
        accepted(client, id, input, value, &known)?;
    }
    Ok(())
}

/// An accepted input has its value: the same again is no news, and another one conflicts.
fn accepted(
    client: &Client,
    id: &str,
    input: &str,
    value: &Value,
    known: &Known,
) -> Result<(), String> {
    let path = format!("/executions/{id}/resume");
    let other = match value {
        Value::Bool(value) => (!value).into(),
        Value::String(text) => format!("{text}!").into(),
        Value::Number(number) => (number.as_i64().unwrap_or_default() + 1).into(),
        other => other.clone(),
    };
    let is_same_taken = |answer: &Answer| {
        // A delete or cancel that nobody answered may have been carried out.
        answer.is_taken() || known.deleted.is_some() && answer.status == 404
    };
    let answers = [(value.clone(), true), (other, false)].map(|(value, is_same)| {
        (client.post(&path, &json!({ "inputs": { input: value } })), is_same)
    });
    for (answer, is_same) in answers {
        let Some(answer) = answer else { return Err(format!("{id} does not answer")) };
        let is_right = if is_same { is_same_taken(&answer) } else { answer.status >= 400 };
        if !is_right {
            return Err(format!(
                "an accepted input is lost: `{input}` of {id} was given {value}, and {} is {answer:?}",
                if is_same { "the same again" } else { "another value" }
            ));
        }
    }
    Ok(())
}

/// A key leads to one execution, also when the first answer was lost.
fn keys(client: &Client, record: &Record) -> Result<(), String> {
    for (key, body, mut ids) in record.claims() {
        let headers = [("idempotency-key", key.as_str())];
        for _ in 0..2 {
            let answer = client.ask(Method::POST, "/execute", Some(&body), &headers);
            let Some(answer) = answer.filter(Answer::is_taken) else { continue };
            ids.extend(answer.id());
        }
        if ids.len() > 1 {
            return Err(format!("the key {key} stands for {ids:?}"));
        }
    }
    Ok(())
}

/// Supplies what is missing everywhere. Says whether anything was not completed.
fn supply(client: &Client, record: &Record) -> Result<bool, String> {
    let mut is_any_left = false;
    for id in record.ids() {
        let known = record.known(&id).unwrap_or_default();
        let answer = get(client, &id)?;
        let status = answer.body["status"].as_str().unwrap_or_default();
        if answer.status == 404 || matches!(status, "Completed" | "Cancelled") {
            continue;
        }
        is_any_left |= known.cancelled.is_none() && known.deleted.is_none();
        let missing = answer.body["missingInputs"].as_array().cloned().unwrap_or_default();
        let given = missing.iter().filter_map(|name| {
            let name = name.as_str()?;
            let value = match name {
                "ok" => json!(true),
                "id" => json!("late"),
                _ => json!(3),
            };
            Some((name.to_owned(), value))
        });
        let body =
            json!({ "inputs": given.collect::<serde_json::Map<_, _>>(), "retryFailed": true });
        drop(client.post(&format!("/executions/{id}/resume"), &body));
    }
    Ok(is_any_left)
}

/// A completed execution gives back what it was given, and its write was made.
fn noted(client: &Client, id: &str, answer: &Answer) -> Result<(), String> {
    let outputs = &answer.body["outputs"];
    if outputs["noted"].is_null() || outputs["ok"] != true {
        return Ok(());
    }
    let body = json!({ "ref": "noted", "inputs": { "id": outputs["id"] } });
    let found = client.post("/execute", &body);
    let times = found.map(|answer| answer.body["outputs"]["times"].clone()).unwrap_or_default();
    if times.as_i64().is_some_and(|times| times >= outputs["noted"].as_i64().unwrap_or(1)) {
        return Ok(());
    }
    Err(format!("{id} wrote {}, and the witness has {times}", outputs["noted"]))
}

/// An acknowledged event is in the history of everybody who got it, and what was kept is kept or was
/// taken.
fn events(client: &Client, record: &Record) -> Result<(), String> {
    for (key, ids) in record.events() {
        for id in ids {
            let path = format!("/executions/{id}/events?limit=1000");
            let Some(answer) = client.get(&path).filter(|answer| answer.status == 200) else {
                continue;
            };
            let items = answer.body["items"].as_array().cloned().unwrap_or_default();
            let has_it =
                items.iter().any(|item| item["type"] == "eventReceived" && item["key"] == *key);
            if !has_it {
                return Err(format!("an event is lost: {id} got `{key}` and does not know it"));
            }
        }
    }
    Ok(())
}
