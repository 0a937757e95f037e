//! `tidegate cancel`: ends an execution for good.

use super::{execution_path, report};
use crate::args::Cancel;
use crate::client::Client;
use crate::exit::{Exit, Refusal};

/// Done when the execution is cancelled, which its status is data about.
pub(crate) fn cancel(args: &Cancel) -> Result<Exit, Refusal> {
    let client = Client::new(&args.server)?;
    let path = execution_path(&args.id, &client)?;
    let look = format!("tidegate executions {}{}", args.id, client.flag);
    let document = client
        .post(&format!("{path}/cancel"), "{}".to_owned(), None)
        .map_err(|refusal| refusal.next_on(Exit::Conflict, &look))?;
    report(&client, &document, args.json.json)?;
    Ok(Exit::Completed)
}
