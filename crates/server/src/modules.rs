//! Modules: list, read, and call one by itself.

use std::sync::Arc;

use engine::{ModuleCall, RegisteredModule};
use model::json::{self, Fault};
use model::text::{did_you_mean, quote};
use model::{Code, Signature, Text, Value};
use uuid::Uuid;

use crate::error::engine;
use crate::members::{Member, Members};
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
    let body = wire::page(&items, next.as_deref(), |object, (name, module)| {
        wire::module(object, name, module);
    });
    Ok(Reply::ok(body))
}

/// `GET /modules/{name}`.
pub(crate) fn read(context: &Context<'_>) -> Result<Reply, Problem> {
    let (name, module) = find(context.app, &context.name)?;
    Ok(Reply::ok(wire::whole(|object| wire::module(object, &name, &module))))
}

/// `POST /modules/{name}/invoke`: call it once, outside any execution.
pub(crate) async fn invoke(mut context: Context<'_>) -> Result<Reply, Problem> {
    let (name, module) = find(context.app, &context.name)?;
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["inputs"])?;
    let inputs = members.object("inputs")?;
    let arguments = arguments(&module.signature, &inputs).map_err(Problem::input_invalid)?;
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
    let found = registry.iter().find(|(name, _)| name.as_str() == wanted);
    if let Some((name, module)) = found {
        return Ok((name.clone(), module.clone()));
    }
    let names = registry.iter().map(|(name, _)| name.as_str());
    let help = did_you_mean(wanted, names)
        .unwrap_or_else(|| "`GET /modules` lists those that there are.".to_owned());
    let detail = format!("there is no module `{}`. {help}", quote(wanted));
    Err(Problem::new(ProblemKind::NotFound, detail))
}

/// One value a parameter, read at its type. All faults are collected.
fn arguments(signature: &Signature, given: &[Member<'_>]) -> Result<Arc<[Value]>, Vec<Fault>> {
    let parameters = &signature.parameters;
    let mut faults = Vec::new();
    for (name, _) in given {
        if !parameters.iter().any(|parameter| *parameter.name == **name) {
            faults.push(unknown(signature, name));
        }
    }
    let mut values = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let pointer = format!("/inputs/{}", json::escape_pointer(&parameter.name));
        match given.iter().find(|(name, _)| **name == *parameter.name) {
            Some((_, raw)) => {
                values.extend(json::read_at(&parameter.ty, raw.get(), &pointer, &mut faults));
            }
            None if matches!(parameter.ty, model::Type::Optional(_)) => values.push(Value::None),
            None => {
                let message = format!("the module needs `{}`", parameter.name);
                let help = Some(format!("Add a value of the type `{}`.", parameter.ty));
                faults.push(Fault { code: Code::V002, pointer, message, help });
            }
        }
    }
    if faults.is_empty() { Ok(values.into()) } else { Err(faults) }
}

fn unknown(signature: &Signature, name: &str) -> Fault {
    let names = || signature.parameters.iter().map(|parameter| parameter.name.as_str());
    let help = did_you_mean(name, names()).or_else(|| {
        let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("It has the inputs {}.", names.join(", ")))
    });
    let pointer = format!("/inputs/{}", json::escape_pointer(name));
    let message = format!("the module has no input `{}`", quote(name));
    Fault { code: Code::V001, pointer, message, help }
}
