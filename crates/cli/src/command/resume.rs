//! `tidegate resume`: inputs for an execution that waits for them, or failed calls once more.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Cell, body, execution_path, report};
use crate::args::Resume;
use crate::client::Client;
use crate::exit::{Exit, Refusal};
use crate::values;

/// What is read of an execution, to know the types of its inputs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    #[serde(default)]
    missing: Vec<Cell>,
    #[serde(default)]
    structural_hash: String,
}

/// What is read of its pipeline, for inputs that it does not wait for any more.
#[derive(Debug, Deserialize)]
struct Described {
    #[serde(default)]
    inputs: Vec<Cell>,
}

pub(crate) fn resume(args: &Resume) -> Result<Exit, Refusal> {
    let client = Client::new(&args.server)?;
    let path = execution_path(&args.id, &client)?;
    let again = format!("tidegate executions{}", client.flag);
    let document = client.get(&path).map_err(|refusal| refusal.next_on(Exit::NotFound, &again))?;
    let waiting: Waiting =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    let inputs = values::object(&args.values, &types(&client, &waiting)?)?;
    let mut members = vec![("inputs", inputs)];
    if args.retry {
        members.push(("retryFailed", "true".to_owned()));
    }
    let look = format!("tidegate executions {}{}", args.id, client.flag);
    let document = client
        .post(&format!("{path}/resume"), body(&members), None)
        .map_err(|refusal| refusal.next_on(Exit::Conflict, &look))?;
    report(&client, &document, args.json.json)
}

/// The types of all inputs, so that a value that was supplied before is read as it was then: the
/// server says whether it is the same.
fn types(client: &Client, waiting: &Waiting) -> Result<BTreeMap<String, model::Type>, Refusal> {
    let document = client.get(&format!("/pipelines/{}", waiting.structural_hash))?;
    let described: Described =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    let mut types = Cell::types(&described.inputs);
    types.extend(Cell::types(&waiting.missing));
    Ok(types)
}
