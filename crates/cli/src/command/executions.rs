//! `tidegate executions`: what a server keeps, newest first; or one of it, whatever its status.

use model::text::quote;
use serde::Deserialize;

use super::execution_path;
use super::trace::trace;
use crate::args::Executions;
use crate::client::Client;
use crate::exit::{Exit, Refusal, next};
use crate::limits::EXECUTIONS_SHOWN;
use crate::{hint, show, terminal};

/// A page of the listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    execution_id: String,
    status: String,
    pipeline: Option<String>,
    #[serde(default)]
    missing_inputs: Vec<String>,
    #[serde(default)]
    updated_at: String,
}

pub(crate) fn executions(args: &Executions) -> Result<Exit, Refusal> {
    let client = Client::new(&args.server)?;
    match &args.id {
        Some(id) if args.trace => trace(&client, id, args.json.json),
        Some(id) => one(&client, id, args.json.json),
        None => list(&client, args.json.json),
    }
}

/// Showing an execution is done when it is shown: its status is data here, not the command's end.
fn one(client: &Client, id: &str, is_json: bool) -> Result<Exit, Refusal> {
    let path = execution_path(id, client)?;
    let again = format!("tidegate executions{}", client.flag);
    let document = client.get(&path).map_err(|refusal| refusal.next_on(Exit::NotFound, &again))?;
    super::report(client, &document, is_json)?;
    Ok(Exit::Completed)
}

fn list(client: &Client, is_json: bool) -> Result<Exit, Refusal> {
    let document = client.get(&format!("/executions?limit={EXECUTIONS_SHOWN}"))?;
    let page: Page =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    if is_json {
        terminal::out(&format!("{}\n", document.trim_end()));
        return Ok(Exit::Completed);
    }
    let flag = &client.flag;
    if page.items.is_empty() {
        terminal::err(
            "The server keeps no executions: those that complete at once leave nothing behind.\n",
        );
        terminal::err(&next(&format!("tidegate pipelines{flag}")));
        return Ok(Exit::Completed);
    }
    terminal::out(&page.table());
    if page.next_cursor.is_some() {
        terminal::err("There are older ones; `GET /executions?cursor=…` reads on.\n");
    }
    let waiting = page.items.iter().find(|item| item.status == "Suspended");
    let id = &waiting.unwrap_or(&page.items[0]).execution_id;
    terminal::err(&next(&format!("tidegate executions {}{flag}", hint::shell(id))));
    Ok(Exit::Completed)
}

impl Page {
    fn table(&self) -> String {
        let heading = ["EXECUTION", "STATUS", "PIPELINE", "WAITS FOR", "CHANGED"];
        let mut rows = vec![heading.map(str::to_owned)];
        rows.extend(self.items.iter().map(|item| {
            [
                quote(&item.execution_id),
                quote(&item.status),
                item.pipeline.as_deref().map_or("-".to_owned(), quote),
                quote(&item.missing_inputs.join(", ")),
                quote(&item.updated_at),
            ]
        }));
        show::rows(rows, "")
    }
}
