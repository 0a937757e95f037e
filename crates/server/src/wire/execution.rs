//! Executions as JSON: the answer of `/run`, `/execute` and `/resume`, and a line of the listing.

use std::time::Duration;

use engine::ports::ExecutionRow;
use engine::{ExecutionView, Status};
use model::plan::InputId;
use model::{Failure, Text};

use super::object::{Object, list};
use super::{Document, Problem, ProblemKind, pipeline};
use crate::clock::milliseconds;

/// How long the parts of a request took, where it had them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// From the source to the image.
    pub compile: Option<Duration>,
    /// From the start to the first rest.
    pub execute: Option<Duration>,
}

/// The answer to whoever started or resumed an execution: 200, 202, or a problem document with the
/// same members when it failed.
pub fn answer(view: &ExecutionView, timings: &Timings) -> Document {
    let status = match view.status {
        Status::Completed | Status::Cancelled => 200,
        Status::Suspended | Status::Running => 202,
        Status::Failed => return failed(view, timings),
    };
    Document { status, is_problem: false, body: execution(view, timings) }
}

/// The execution as it stands, whatever its status.
pub fn execution(view: &ExecutionView, timings: &Timings) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut object = Object::begin(&mut out);
    object.text("status", view.status.as_str());
    members(&mut object, view, timings);
    object.end();
    out
}

/// A failed execution. Its `status` is the HTTP status, as in every problem document; the type says
/// the rest.
fn failed(view: &ExecutionView, timings: &Timings) -> Document {
    let kind = match view.is_failed_by_module() {
        true => ProblemKind::ModuleFailed,
        false => ProblemKind::ExecutionFailed,
    };
    let problem = Problem::new(kind, failed_detail(view));
    let mut body = Vec::with_capacity(512);
    let mut object = Object::begin(&mut body);
    problem.head(&mut object);
    members(&mut object, view, timings);
    object.end();
    Document { status: kind.status(), is_problem: true, body }
}

/// What failed first: a failure that has no other as its cause.
fn failed_detail(view: &ExecutionView) -> String {
    let first = view.failed.iter().find(|(_, failure)| failure.cause.is_none());
    match first.or(view.failed.first()) {
        Some((name, failure)) => failure_detail(name, failure),
        None => "the execution failed".to_owned(),
    }
}

/// What failed, and why.
pub(super) fn failure_detail(name: &str, failure: &Failure) -> String {
    let Failure { code, message, .. } = failure;
    format!("`{name}` failed with {code} ({}): {message}", code.title())
}

fn members(object: &mut Object<'_>, view: &ExecutionView, timings: &Timings) {
    object.id("executionId", view.id);
    object.id("structuralHash", view.loaded.digest());
    object.object("outputs", |outputs| {
        view.named_outputs().for_each(|(name, ty, value)| outputs.value(name, ty, value));
    });
    wanted(object, view);
    if view.status != Status::Completed {
        object.object("computedNodes", |nodes| {
            view.named_computed().for_each(|(name, ty, value)| nodes.value(name, ty, value));
        });
    }
    object.object("failedNodes", |nodes| {
        for (name, failure) in &view.failed {
            nodes.object(name, |node| self::failure(node, failure));
        }
    });
    object.texts("pendingOutputs", view.pending_names().map(Text::as_str));
    object.number("resumptionCount", view.resumption_count);
    if let Some(kept) = view.kept {
        object.time("createdAt", kept.created_at);
        object.time("updatedAt", kept.updated_at);
    }
    if let Some(compile) = timings.compile {
        object.number("compileTimeMs", milliseconds(compile));
    }
    if let Some(execute) = timings.execute {
        object.number("executeTimeMs", milliseconds(execute));
    }
}

/// The inputs that are missing, and those that may be asked for.
fn wanted(object: &mut Object<'_>, view: &ExecutionView) {
    if !view.missing.is_empty() {
        object.texts("missingInputs", view.missing_names().map(Text::as_str));
    }
    if !view.missing.is_empty() || !view.possible.is_empty() {
        let plan = view.loaded.plan();
        let deadlines = view.deadlines.iter().copied();
        let missing = view.missing.iter().zip(deadlines).map(|(&id, due)| (id, true, due));
        let possible = view.possible.iter().map(|&id| (id, false, None));
        list(
            object.key("missing"),
            missing.chain(possible),
            |out, (id, required, deadline): (InputId, _, _)| {
                let mut object = Object::begin(out);
                pipeline::input(&mut object, plan, id, required);
                if let Some(deadline) = deadline {
                    object.time("deadline", deadline);
                }
                object.end();
            },
        );
    }
    if !view.possible.is_empty() {
        object.texts("possibleInputs", view.possible_names().map(Text::as_str));
    }
}

/// Why something failed.
pub(super) fn failure(object: &mut Object<'_>, failure: &Failure) {
    object.text("code", failure.code.as_str());
    object.maybe_text("module", failure.module.as_deref());
    object.text("message", &failure.message);
    if failure.attempts > 0 {
        object.number("attempts", failure.attempts);
    }
    object.maybe_text("cause", failure.cause.as_deref());
}

/// An execution in a listing: everything but values.
pub(crate) fn item(object: &mut Object<'_>, row: &ExecutionRow) {
    let summary = &row.summary;
    object.id("executionId", row.id);
    object.text("status", summary.status.as_str());
    object.maybe_text("pipeline", summary.pipeline.as_deref());
    object.id("structuralHash", summary.image);
    if !summary.missing.is_empty() {
        object.texts("missingInputs", summary.missing.iter().map(Text::as_str));
    }
    object.number("resumptionCount", summary.resumption_count);
    object.time("createdAt", summary.created_at);
    object.time("updatedAt", summary.updated_at);
}
