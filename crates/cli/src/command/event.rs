//! `tidegate event`: tells a server of an event.

use model::text::quote;
use serde::Deserialize;

use super::body;
use crate::args::Event;
use crate::client::Client;
use crate::exit::{Exit, Refusal, next};
use crate::{hint, terminal};

/// What became of an event.
#[derive(Debug, Deserialize)]
struct Delivered {
    delivered: Vec<String>,
    kept: bool,
}

pub(crate) fn event(args: &Event) -> Result<Exit, Refusal> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&args.data) {
        let message = format!("the data of the event is no JSON: {}", quote(&error.to_string()));
        return Err(Refusal::usage(message).help("Texts need quotes: '\"paid\"'"));
    }
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut members = vec![("type", text(&args.event_type)), ("key", text(&args.key))];
    members.push(("data", args.data.clone()));
    members.extend(args.id.as_deref().map(|id| ("id", text(id))));
    let client = Client::new(&args.server)?;
    let document = client.post("/events", body(&members), None)?;
    let Delivered { delivered, kept } =
        serde_json::from_str(&document).map_err(|error| client.foreign(&error.to_string()))?;
    if args.json.json {
        terminal::out(&format!("{}\n", document.trim_end()));
        return Ok(Exit::Completed);
    }
    let shown = |ids: &[String]| -> String { ids.iter().map(|id| quote(id) + "\n").collect() };
    terminal::out(&shown(&delivered));
    terminal::err(match (delivered.as_slice(), kept) {
        ([], true) => "Nobody waits for it yet: it is kept for the first who does.\n",
        ([], false) => "An event of this name was here before: nothing was done.\n",
        _ => "Delivered to the executions above.\n",
    });
    let look = match delivered.first() {
        Some(id) => format!("tidegate executions {}{}", hint::shell(id), client.flag),
        None => format!("tidegate executions{}", client.flag),
    };
    terminal::err(&next(&look));
    Ok(Exit::Completed)
}
