//! The heart: what an event does to an execution. Pure: no clock, no IO, no randomness. Folding it
//! over a log and ignoring the actions gives the state that wrote the log.

use std::sync::Arc;

use model::plan::InputId;

use crate::cells::{CallCell, Provided, Provider};
use crate::execution::{Action, Execution};
use crate::log::{Event, Record};

/// Takes `record` into the execution's state and says what is to be done next.
pub fn step(execution: &mut Execution, record: &Record) -> Vec<Action> {
    // A kept event is older than the record before it.
    execution.now = execution.now.max(record.at);
    if execution.is_finished() {
        return Vec::new();
    }
    match &record.event {
        Event::Started { pipeline, inputs, .. } => {
            execution.pipeline.clone_from(pipeline);
            for (id, stored) in inputs {
                let (value, at) = (stored.0.clone(), execution.now);
                execution.fill_input(*id, Provided { value, at, by: Provider::Start });
            }
            take_defaults(execution);
            execution.close_early();
        }
        Event::Resumed { inputs, resolved, retry_failed } => {
            execution.resumption_count += 1;
            for (id, stored) in inputs {
                let (value, at) = (stored.0.clone(), execution.now);
                execution.fill_input(*id, Provided { value, at, by: Provider::Resume });
            }
            for (id, stored) in resolved {
                execution.resolve(*id, stored.0.clone());
            }
            if *retry_failed {
                execution.forget_failed_calls();
            }
        }
        Event::CallCompleted { node, value, .. } => {
            execution.end_call(node, CallCell::Done(value.clone()));
            if execution.still_waits(node) {
                return Vec::new();
            }
        }
        Event::CallFailed { node, failure, .. } => {
            execution.end_call(node, CallCell::Failed(Arc::new(failure.clone())));
            if execution.still_waits(node) {
                return Vec::new();
            }
        }
        Event::Cancelled => {
            execution.cancel();
            return Vec::new();
        }
        Event::DeadlinePassed { input } => execution.pass_deadline(*input),
        Event::Received(received) => {
            if !execution.receive(received) {
                return Vec::new();
            }
        }
    }
    let actions = execution.settle();
    execution.start_deadlines();
    actions
}

/// An input with a default takes it at the start or never, unless it has a deadline.
fn take_defaults(execution: &mut Execution) {
    let loaded = execution.loaded.clone();
    for (id, input) in loaded.plan().inputs.iter().enumerate() {
        let id = id as InputId;
        if let (Some(default), None) = (input.default, input.deadline_ms)
            && execution.provided(id).is_none()
        {
            let (value, at) = (loaded.plan().constant(default).clone(), execution.now);
            execution.fill_input(id, Provided { value, at, by: Provider::Default });
        }
    }
}
