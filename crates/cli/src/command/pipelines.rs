//! `tidegate pipelines`: the names that a server knows, and where they point.

use model::text::quote;
use serde::Deserialize;

use crate::args::Pipelines;
use crate::client::Client;
use crate::exit::{Exit, Refusal, next};
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
    name: String,
    version: u32,
    structural_hash: String,
}

pub(crate) fn pipelines(args: &Pipelines) -> Result<Exit, Refusal> {
    let client = Client::new(&args.server)?;
    let document = client.get("/pipelines?limit=1000")?;
    let page: Page =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    if args.json.json {
        terminal::out(&format!("{}\n", document.trim_end()));
        return Ok(Exit::Completed);
    }
    let flag = &client.flag;
    let Some(first) = page.items.first() else {
        terminal::err("The server has no pipelines with a name yet.\n");
        terminal::err(&next(&format!("tidegate compile FILE --name NAME{flag}")));
        return Ok(Exit::Completed);
    };
    terminal::out(&page.table());
    if page.next_cursor.is_some() {
        terminal::err("There are more; `GET /pipelines?cursor=…` reads on.\n");
    }
    terminal::err(&next(&format!("tidegate execute {}{flag}", hint::shell(&first.name))));
    Ok(Exit::Completed)
}

impl Page {
    fn table(&self) -> String {
        let mut rows = vec![["PIPELINE", "VERSION", "IMAGE"].map(str::to_owned)];
        rows.extend(self.items.iter().map(|item| {
            [quote(&item.name), item.version.to_string(), quote(&item.structural_hash)]
        }));
        show::rows(rows, "")
    }
}
