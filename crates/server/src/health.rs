//! Whether the server lives, and whether it takes work.

use crate::error::draining;
use crate::reply::Reply;
use crate::service::App;
use crate::wire::{self, Problem};

/// The process answers.
pub(crate) fn live() -> Reply {
    Reply::ok(r#"{"status":"live"}"#)
}

/// The server takes work. A server answers only once its pipelines are loaded, so all that can keep
/// it from being ready is its end. Modules that stored pipelines need and that are not there are
/// named, as far as the store can be read.
pub(crate) async fn ready(app: &App) -> Result<Reply, Problem> {
    if app.engine.is_draining() {
        return Err(draining());
    }
    let missing = app.engine.missing_modules().await.unwrap_or_default();
    Ok(Reply::ok(wire::ready(&missing)))
}
