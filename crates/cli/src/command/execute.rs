//! `tidegate execute`: a pipeline that a server keeps, run with these inputs.

use engine::Reference;
use model::text::quote;
use serde::Deserialize;

use super::{Cell, body, report};
use crate::args::Execute;
use crate::client::Client;
use crate::exit::{Exit, Refusal};
use crate::{hint, values};

/// What is read of a pipeline's description.
#[derive(Debug, Deserialize)]
struct Described {
    #[serde(default)]
    inputs: Vec<Cell>,
}

pub(crate) fn execute(args: &Execute) -> Result<Exit, Refusal> {
    let client = Client::new(&args.server)?;
    let reference = &args.reference;
    if reference.parse::<Reference>().is_err() {
        let message = format!("there is no pipeline `{}`", quote(reference));
        return Err(Refusal::new(Exit::NotFound, message)
            .help("A pipeline is named as in `order-lookup`, `order-lookup@3` or `sha256:…`")
            .next(format!("tidegate pipelines{}", client.flag)));
    }
    let document = client.get(&format!("/pipelines/{reference}")).map_err(|refusal| {
        refusal.next_on(Exit::NotFound, &format!("tidegate pipelines{}", client.flag))
    })?;
    let described: Described =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    let inputs = values::object(&args.values, &Cell::types(&described.inputs))?;
    let body = body(&[("ref", hint::json_string(reference)), ("inputs", inputs)]);
    let document = client.post("/execute", body, None)?;
    report(&client, &document, args.json.json)
}
