//! The cells of an execution: inputs, bindings and calls, each filled at most once.

use std::sync::Arc;

use model::plan::{BindingId, CallId, InputId, Source};
use model::{Failure, Plan, Value};

use crate::Timestamp;

/// All cells of one execution, by their index in the plan.
#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) inputs: Vec<InputCell>,
    pub(crate) bindings: Vec<BindingCell>,
    pub(crate) calls: Vec<CallCell>,
}

/// An input.
#[derive(Debug)]
pub(crate) enum InputCell {
    Empty,
    Filled(Provided),
}

/// The value of an input, with its history.
#[derive(Clone, Debug)]
pub struct Provided {
    /// The value.
    pub value: Value,
    /// When it was provided.
    pub at: Timestamp,
    /// By what.
    pub by: Provider,
}

/// What provides an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The request that started the execution.
    Start,
    /// A resume.
    Resume,
    /// The input's default, taken at the start.
    Default,
    /// Closing: an Optional input that was left out.
    Closing,
}

impl Provider {
    /// As users see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Start => "start",
            Provider::Resume => "resume",
            Provider::Default => "default",
            Provider::Closing => "closing",
        }
    }
}

/// A binding. Only `Resolved` comes from outside; the others follow from the other cells.
#[derive(Debug)]
pub(crate) enum BindingCell {
    /// Something that it needs has no value yet.
    Open,
    Done(Value),
    Failed(Arc<Failure>),
    /// Supplied by hand: it demands nothing.
    Resolved(Value),
}

/// A module call.
#[derive(Debug)]
pub(crate) enum CallCell {
    Idle,
    Running,
    Done(Value),
    Failed(Arc<Failure>),
}

impl Cells {
    pub(crate) fn new(plan: &Plan) -> Cells {
        Cells {
            inputs: plan.inputs.iter().map(|_| InputCell::Empty).collect(),
            bindings: plan.bindings.iter().map(|_| BindingCell::Open).collect(),
            calls: plan.calls.iter().map(|_| CallCell::Idle).collect(),
        }
    }

    pub(crate) fn input(&self, id: InputId) -> Option<&Value> {
        match &self.inputs[id as usize] {
            InputCell::Filled(provided) => Some(&provided.value),
            InputCell::Empty => None,
        }
    }

    pub(crate) fn binding(&self, id: BindingId) -> &BindingCell {
        &self.bindings[id as usize]
    }

    pub(crate) fn call(&self, id: CallId) -> &CallCell {
        &self.calls[id as usize]
    }

    /// The value of an input or binding, if it has one.
    pub(crate) fn value(&self, source: Source) -> Option<&Value> {
        match source {
            Source::Input(id) => self.input(id),
            Source::Binding(id) => self.binding(id).value(),
        }
    }
}

impl BindingCell {
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            BindingCell::Done(value) | BindingCell::Resolved(value) => Some(value),
            BindingCell::Open | BindingCell::Failed(_) => None,
        }
    }
}
