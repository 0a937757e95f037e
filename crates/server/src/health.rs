//! Whether the server lives, and whether it takes work.

use crate::error::draining;
use crate::reply::Reply;
use crate::service::App;
use crate::wire::Problem;

/// The process answers.
pub(crate) fn live() -> Reply {
    Reply::ok(r#"{"status":"live"}"#)
}

/// The server takes work. A server answers only once its pipelines are loaded, so all that can keep
/// it from being ready is its end.
pub(crate) fn ready(app: &App) -> Result<Reply, Problem> {
    if app.engine.is_draining() {
        return Err(draining());
    }
    Ok(Reply::ok(r#"{"status":"ready"}"#))
}
