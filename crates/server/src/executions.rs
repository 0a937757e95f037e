//! Executions: start, resume, cancel, list, read, delete.

use std::time::{Duration, Instant};

use engine::ports::ExecutionQuery;
use engine::{Caller, ExecutionId, ExecutionView, Resume, Start, Status, supply};

use crate::compile::compile;
use crate::error::{engine, no_execution};
use crate::idempotency::Answer;
use crate::members::Members;
use crate::page;
use crate::pipelines;
use crate::prefer::{Prefer, clamped};
use crate::query::unusable;
use crate::reply::Reply;
use crate::service::Context;
use crate::trace::trace;
use crate::wire::{self, Problem, Timings};

/// `POST /run`: compile and execute; only an execution that has to is kept.
pub(crate) async fn run(mut context: Context<'_>) -> Result<Reply, Problem> {
    let prefer = Prefer::of(&context.head.headers)?;
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["source", "inputs", "keep"])?;
    let keep = members.boolean("keep")?;
    let inputs = members.object("inputs")?;
    let compiled = compile(context.app, members.required_string("source")?).await?;
    let loaded = compiled.loaded;
    let inputs =
        supply::inputs(loaded.plan(), &inputs, "/inputs").map_err(Problem::input_invalid)?;
    drop(members);
    drop(body);
    let source = Some(compiled.source.into());
    let start = Start { loaded, source, pipeline: None, inputs, keep };
    self::start(&context, start, prefer, Some(compiled.time)).await
}

/// `POST /execute`: execute what was compiled before.
pub(crate) async fn execute(mut context: Context<'_>) -> Result<Reply, Problem> {
    let prefer = Prefer::of(&context.head.headers)?;
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["ref", "inputs", "keep"])?;
    let keep = members.boolean("keep")?;
    let inputs = members.object("inputs")?;
    let found = pipelines::find(context.app, &members.required_string("ref")?).await?;
    let loaded = found.loaded;
    let inputs =
        supply::inputs(loaded.plan(), &inputs, "/inputs").map_err(Problem::input_invalid)?;
    drop(members);
    drop(body);
    let pipeline = found.alias.map(|alias| alias.name);
    let start = Start { loaded, source: None, pipeline, inputs, keep };
    self::start(&context, start, prefer, None).await
}

async fn start(
    context: &Context<'_>,
    mut start: Start,
    prefer: Prefer,
    compile: Option<Duration>,
) -> Result<Reply, Problem> {
    start.keep |= prefer.respond_async;
    let answer = answer_from_now(context, prefer, compile);
    let view = context.app.engine.start(start, caller(context, prefer, &answer)).await;
    let view = view.map_err(|error| engine(error, None))?;
    Ok(reply(answer, &view))
}

/// The answer to a request whose execution begins to run now.
fn answer_from_now(
    context: &Context<'_>,
    prefer: Prefer,
    compile: Option<Duration>,
) -> Answer<ExecutionView> {
    let started = Instant::now();
    context.answer(move |view: &ExecutionView| {
        let timings = Timings { compile, execute: Some(started.elapsed()) };
        self::answer(view, prefer, &timings)
    })
}

fn caller(context: &Context<'_>, prefer: Prefer, answer: &Answer<ExecutionView>) -> Caller {
    let trace = trace(&context.head.headers);
    Caller { wait: prefer.wait, claim: answer.claim(), trace }
}

/// Only what is said at a rest is stored: until then, a key leads to the execution.
fn reply(answer: Answer<ExecutionView>, view: &ExecutionView) -> Reply {
    match view.status {
        Status::Running => answer.unstored(view),
        Status::Suspended | Status::Completed | Status::Failed | Status::Cancelled => {
            answer.stored(view)
        }
    }
}

/// `POST /executions/{id}/resume`: supply what is missing, repair or retry what failed.
pub(crate) async fn resume(mut context: Context<'_>) -> Result<Reply, Problem> {
    let prefer = Prefer::of(&context.head.headers)?;
    let id = id(&context.name)?;
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["inputs", "resolvedNodes", "retryFailed"])?;
    let retry_failed = members.boolean("retryFailed")?;
    let (inputs, nodes) = (members.object("inputs")?, members.object("resolvedNodes")?);
    let view = context.app.engine.execution(id).await.map_err(|error| engine(error, Some(id)))?;
    let plan = view.loaded.plan();
    let inputs = supply::inputs(plan, &inputs, "/inputs");
    let resolved = supply::nodes(plan, &nodes, "/resolvedNodes");
    let resume = match (inputs, resolved) {
        (Ok(inputs), Ok(resolved)) => Resume { inputs, resolved, retry_failed },
        (inputs, resolved) => {
            let faults = inputs.err().into_iter().chain(resolved.err()).flatten();
            return Err(Problem::input_invalid(faults.collect()));
        }
    };
    drop(members);
    drop(body);
    let answer = answer_from_now(&context, prefer, None);
    let caller = caller(&context, prefer, &answer);
    let view = context.app.engine.resume(id, resume, caller).await;
    let view = view.map_err(|error| engine(error, Some(id)))?;
    Ok(reply(answer, &view))
}

/// `POST /executions/{id}/cancel`: end it for good.
pub(crate) async fn cancel(mut context: Context<'_>) -> Result<Reply, Problem> {
    let id = id(&context.name)?;
    let body = context.body().await?;
    Members::read(body.bytes(), &[])?;
    drop(body);
    let answer = context.answer(whole);
    let view = context.app.engine.cancel(id, answer.claim()).await;
    let view = view.map_err(|error| engine(error, Some(id)))?;
    Ok(answer.stored(&view))
}

/// `DELETE /executions/{id}`: forget it.
pub(crate) async fn delete(context: Context<'_>) -> Result<Reply, Problem> {
    let id = id(&context.name)?;
    context.app.engine.delete(id).await.map_err(|error| engine(error, Some(id)))?;
    Ok(Reply::no_content().about(id))
}

/// Whoever asks for an answer at once gets one form of it: accepted, look there.
pub(crate) fn answer(view: &ExecutionView, prefer: Prefer, timings: &Timings) -> Reply {
    let mut document = wire::answer(view, timings);
    if prefer.respond_async && document.status != 202 {
        document.status = 202;
        document.is_problem = false;
        document.body = wire::execution(view, timings);
    }
    Reply::execution(document, view.id)
}

/// `GET /executions`: those that are kept, newest first.
pub(crate) async fn list(context: Context<'_>) -> Result<Reply, Problem> {
    let query = &context.query;
    let limit = page::limit(query)?;
    let wanted = ExecutionQuery {
        status: query.get("status").map(status).transpose()?,
        pipeline: query.get("pipeline").map(Into::into),
        missing: query.get("missing").map(Into::into),
        before: query.get("cursor").map(cursor).transpose()?,
        limit: limit + 1,
    };
    let rows = context.app.engine.executions(wanted).await;
    let mut rows = rows.map_err(|error| engine(error, None))?;
    let next = page::cut(&mut rows, limit, |row| row.id.to_string());
    Ok(Reply::ok(wire::page(&rows, next.as_deref(), wire::item)))
}

/// `GET /executions/{id}`: 200 whatever became of it; with `wait`, when it does not run any more.
pub(crate) async fn read(context: Context<'_>) -> Result<Reply, Problem> {
    let id = id(&context.name)?;
    let wait = match context.query.get("wait") {
        Some(text) => {
            clamped(text).ok_or_else(|| unusable("wait", text, "a whole number of seconds"))?
        }
        None => Duration::ZERO,
    };
    let view = context.app.engine.rest(id, wait).await.map_err(|error| engine(error, Some(id)))?;
    Ok(whole(&view))
}

/// The execution as it stands, whatever its status.
fn whole(view: &ExecutionView) -> Reply {
    let body = wire::execution(view, &Timings::default());
    Reply::execution(wire::Document::ok(body), view.id)
}

/// What is no id is the id of nothing.
pub(crate) fn id(text: &str) -> Result<ExecutionId, Problem> {
    text.parse().map_err(|()| no_execution(text))
}

fn status(text: &str) -> Result<Status, Problem> {
    let found = Status::ALL.into_iter().find(|status| status.as_str() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        unusable("status", text, &format!("one of {}", names.join(", ")))
    })
}

fn cursor(text: &str) -> Result<ExecutionId, Problem> {
    text.parse().map_err(|()| unusable("cursor", text, "the `nextCursor` of a page before"))
}
