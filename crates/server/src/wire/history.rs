//! What happened to an execution, as JSON.

use engine::log::{CallNode, CallTiming, Received};
use engine::{ExecutionId, Happened, History, HistoryItem, call_key};
use model::plan::InputId;
use model::{Plan, Text};

use super::execution::failure;
use super::object::{Object, append};

/// One item as a server-sent event. JSON has no line ends of its own.
pub(crate) fn server_sent(
    out: &mut Vec<u8>,
    item: &HistoryItem,
    history: &History,
    id: ExecutionId,
) {
    append(out, format_args!("id: {}\nevent: {}\ndata: ", item.number, name(&item.what)));
    let mut object = Object::begin(out);
    history_item(&mut object, item, history, id);
    object.end();
    out.extend(b"\n\n");
}

/// One item: its number, its time, its type, and what belongs to that.
pub(crate) fn history_item(
    object: &mut Object<'_>,
    item: &HistoryItem,
    history: &History,
    id: ExecutionId,
) {
    let plan = history.loaded().plan();
    object.number("number", item.number);
    object.time("at", item.at);
    object.text("type", name(&item.what));
    match &item.what {
        Happened::Started { image, pipeline } => {
            object.id("structuralHash", image);
            object.maybe_text("pipeline", pipeline.as_deref());
        }
        Happened::Resumed { retry_failed } => object.boolean("retryFailed", *retry_failed),
        Happened::InputProvided { input, value, by } => {
            let input = &plan.inputs[*input as usize];
            object.text("input", &input.name);
            object.value("value", plan.ty(input.ty), value);
            object.text("by", by.as_str());
        }
        Happened::NodeResolved { binding, value } => {
            let binding = &plan.bindings[*binding as usize];
            object.text("node", &binding.name);
            object.value("value", plan.ty(binding.ty), value);
            object.text("origin", "manual");
        }
        Happened::CallCompleted { node, attempts, timing } => {
            call(object, plan, node, id);
            times(object, timing);
            object.number("attempts", attempts);
            object.boolean("cacheHit", timing.cached);
            object.text("origin", "module");
        }
        Happened::CallFailed { node, failure, timing } => {
            call(object, plan, node, id);
            times(object, timing);
            object.object("failure", |object| self::failure(object, failure));
        }
        Happened::DeadlinePassed { input } => object.text("input", input_name(plan, *input)),
        Happened::EventReceived { received, input, fits } => {
            event(object, received);
            object.maybe_text("input", input.map(|input| input_name(plan, input)));
            object.boolean("fits", *fits);
        }
        Happened::NodeFailed { name, failure } => {
            object.text("node", name);
            object.object("failure", |object| self::failure(object, failure));
        }
        Happened::Suspended { missing } => {
            object.texts("missingInputs", missing.iter().map(|input| input_name(plan, *input)));
        }
        Happened::Failed | Happened::Completed | Happened::Cancelled => {}
    }
}

fn name(what: &Happened) -> &'static str {
    match what {
        Happened::Started { .. } => "started",
        Happened::Resumed { .. } => "resumed",
        Happened::InputProvided { .. } => "inputProvided",
        Happened::NodeResolved { .. } => "nodeResolved",
        Happened::CallCompleted { .. } => "callCompleted",
        Happened::CallFailed { .. } => "callFailed",
        Happened::DeadlinePassed { .. } => "deadlinePassed",
        Happened::EventReceived { .. } => "eventReceived",
        Happened::NodeFailed { .. } => "nodeFailed",
        Happened::Suspended { .. } => "suspended",
        Happened::Failed => "failed",
        Happened::Completed => "completed",
        Happened::Cancelled => "cancelled",
    }
}

/// Which call: the binding it is in, the module, and the key by which the module knows it.
fn call(object: &mut Object<'_>, plan: &Plan, node: &CallNode, id: ExecutionId) {
    let call = &plan.calls[node.call as usize];
    object.text("node", &plan.bindings[call.binding as usize].name);
    object.text("module", &plan.modules[call.module as usize].name);
    object.text("callKey", &call_key(plan, node, id));
}

fn times(object: &mut Object<'_>, timing: &CallTiming) {
    object.number("durationMs", timing.duration_ms);
    object.number("waitedMs", timing.waited_ms);
}

fn event(object: &mut Object<'_>, received: &Received) {
    let Received { source, id, event_type, key, data: _ } = received;
    object.maybe_text("id", id.as_deref());
    object.maybe_text("source", source.as_deref());
    object.text("eventType", event_type);
    object.text("key", key);
}

fn input_name(plan: &Plan, id: InputId) -> &str {
    Text::as_str(&plan.inputs[id as usize].name)
}
