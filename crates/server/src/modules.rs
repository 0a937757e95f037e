//! Modules: list, read, and call one by itself.

use engine::{ModuleCall, RegisteredModule, supply};
use model::Text;
use model::text::{did_you_mean, quote};
use uuid::Uuid;

use crate::error::engine;
use crate::members::Members;
use crate::page;
use crate::reply::Reply;
use crate::service::{App, Context};
use crate::trace::trace;
use crate::wire::{self, Problem, ProblemKind};

/// `GET /modules`: what this host offers to pipelines, by name.
pub(crate) fn list(context: &Context<'_>) -> Result<Reply, Problem> {
    let limit = page::limit(&context.query)?;
    let cursor = context.query.get("cursor").unwrap_or_default();
    let registry = context.app.engine.registry();
    let behind = registry.iter().filter(|(name, _)| name.as_str() > cursor);
    let mut items: Vec<_> = behind.take(limit + 1).collect();
    let next = page::cut(&mut items, limit, |(name, _)| name.to_string());
    Ok(Reply::ok(wire::modules(&items, next.as_deref())))
}

/// `GET /modules/{name}`.
pub(crate) fn read(context: &Context<'_>) -> Result<Reply, Problem> {
    let (name, module) = find(context.app, &context.name)?;
    Ok(Reply::ok(wire::module_document(&name, &module)))
}

/// `POST /modules/{name}/invoke`: call it once, outside any execution.
pub(crate) async fn invoke(mut context: Context<'_>) -> Result<Reply, Problem> {
    let (name, module) = find(context.app, &context.name)?;
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["inputs"])?;
    let inputs = members.object("inputs")?;
    let arguments = supply::arguments(&module.signature, &inputs, "/inputs");
    let arguments = arguments.map_err(Problem::input_invalid)?;
    drop(inputs);
    drop(members);
    drop(body);
    context.claim().await?;
    let call = ModuleCall {
        arguments,
        key: key(&context),
        attempt: 1,
        trace: trace(&context.head.headers),
    };
    let result = module.signature.result.clone();
    let invoked = context.app.engine.invoke(&name, module, call).await;
    let reply = match invoked.map_err(|error| engine(error, None))? {
        Ok(output) => Reply::ok(wire::invoked(&result, &output)),
        Err(failure) => Reply::of(wire::not_invoked(&name, &failure)),
    };
    context.remember(reply).await
}

/// What the outside world knows the call by. Whoever repeats a request under its idempotency key,
/// because the process died before it was answered, makes the same call again.
fn key(context: &Context<'_>) -> Text {
    match &context.keyed {
        Some(keyed) => format!("invoke/{}", keyed.claim().key).into(),
        None => format!("invoke/{}", Uuid::now_v7()).into(),
    }
}

fn find(app: &App, wanted: &str) -> Result<(Text, RegisteredModule), Problem> {
    let registry = app.engine.registry();
    if let Some((name, module)) = registry.get(wanted) {
        return Ok((name.clone(), module.clone()));
    }
    let names = registry.iter().map(|(name, _)| name.as_str());
    let help = did_you_mean(wanted, names)
        .unwrap_or_else(|| "`GET /modules` lists those that there are.".to_owned());
    let detail = format!("there is no module `{}`. {help}", quote(wanted));
    Err(Problem::new(ProblemKind::NotFound, detail))
}
