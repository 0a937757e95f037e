//! `GET /modules`: what this host offers to pipelines.

use crate::page;
use crate::reply::Reply;
use crate::service::Context;
use crate::wire::{self, Problem};

/// A page of modules, by name.
pub(crate) fn list(context: &Context<'_>) -> Result<Reply, Problem> {
    let limit = page::limit(&context.query)?;
    let cursor = context.query.get("cursor").unwrap_or_default();
    let registry = context.app.engine.registry();
    let behind = registry.iter().filter(|(name, _)| name.as_str() > cursor);
    let mut items: Vec<_> = behind.take(limit + 1).collect();
    let next = page::cut(&mut items, limit, |(name, _)| name.to_string());
    let body = wire::page(&items, next.as_deref(), |object, (name, module)| {
        wire::module(object, name, module);
    });
    Ok(Reply::ok(body))
}
