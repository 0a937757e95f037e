//! The cells of an execution: inputs, bindings and calls, each filled at most once.

use std::sync::Arc;

use eval::Cell;
use model::plan::{BindingId, CallId, InputId, Source};
use model::{Failure, Plan, Value};
use rustc_hash::FxHashMap;

use crate::Timestamp;
use crate::log::CallNode;

/// All cells of one execution, by their index in the plan.
#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) inputs: Vec<InputCell>,
    pub(crate) bindings: Vec<BindingCell>,
    calls: Vec<Calls>,
    /// How many calls run.
    running: usize,
    /// How many calls in lambdas have begun.
    in_lambdas: usize,
}

/// The cells of one call in the program.
#[derive(Debug)]
enum Calls {
    /// Outside lambdas there is one.
    One(CallCell),
    /// In lambdas there is one for the elements with these indices; what is not there is idle.
    Many(FxHashMap<Box<[u32]>, CallCell>),
}

/// An input.
#[derive(Debug)]
pub(crate) enum InputCell {
    Empty,
    /// Its deadline passed (R014), or the key of its events failed (R013). A value repairs it.
    Failed(Arc<Failure>),
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
    /// Its deadline passed: the default, or `none`.
    Deadline,
    /// An event.
    Event,
}

impl Provider {
    /// As users see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Start => "start",
            Provider::Resume => "resume",
            Provider::Default => "default",
            Provider::Closing => "closing",
            Provider::Deadline => "deadline",
            Provider::Event => "event",
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
        let calls = plan.calls.iter().map(|call| match call.depth {
            0 => Calls::One(CallCell::Idle),
            _ => Calls::Many(FxHashMap::default()),
        });
        Cells {
            inputs: plan.inputs.iter().map(|_| InputCell::Empty).collect(),
            bindings: plan.bindings.iter().map(|_| BindingCell::Open).collect(),
            calls: calls.collect(),
            running: 0,
            in_lambdas: 0,
        }
    }

    pub(crate) fn call(&self, id: CallId, path: &[u32]) -> &CallCell {
        match &self.calls[id as usize] {
            Calls::One(cell) => cell,
            Calls::Many(cells) => cells.get(path).unwrap_or(&CallCell::Idle),
        }
    }

    pub(crate) fn set_call(&mut self, node: &CallNode, cell: CallCell) {
        let is_running = matches!(cell, CallCell::Running);
        let before = match &mut self.calls[node.call as usize] {
            Calls::One(known) => std::mem::replace(known, cell),
            Calls::Many(cells) => match cells.insert(node.path.as_slice().into(), cell) {
                Some(before) => before,
                None => {
                    self.in_lambdas += 1;
                    CallCell::Idle
                }
            },
        };
        self.running -= usize::from(matches!(before, CallCell::Running));
        self.running += usize::from(is_running);
    }

    pub(crate) fn running_count(&self) -> usize {
        self.running
    }

    /// All calls that run.
    pub(crate) fn running(&self) -> Vec<CallNode> {
        let is_running = |cell: &CallCell| matches!(cell, CallCell::Running);
        let mut running = Vec::new();
        for (call, calls) in (0..).zip(&self.calls) {
            match calls {
                Calls::One(cell) => {
                    running.extend(is_running(cell).then(|| CallNode { call, path: Vec::new() }));
                }
                Calls::Many(cells) => {
                    let paths = cells.iter().filter(|(_, cell)| is_running(cell));
                    running.extend(paths.map(|(path, _)| CallNode { call, path: path.to_vec() }));
                }
            }
        }
        running
    }

    /// Makes the failed calls idle again that `is_meant` accepts; gives those calls.
    pub(crate) fn forget_failures(&mut self, is_meant: impl Fn(CallId) -> bool) -> Vec<CallId> {
        let mut forgotten = Vec::new();
        for (id, calls) in (0..).zip(&mut self.calls).filter(|(id, _)| is_meant(*id)) {
            let has_failed = match calls {
                Calls::One(cell) => cell.forget_failure(),
                Calls::Many(cells) => {
                    cells
                        .values_mut()
                        .filter_map(|cell| cell.forget_failure().then_some(()))
                        .count()
                        > 0
                }
            };
            forgotten.extend(has_failed.then_some(id));
        }
        forgotten
    }

    pub(crate) fn has_failed_call(&self, id: CallId) -> bool {
        let is_failed = |cell: &CallCell| matches!(cell, CallCell::Failed(_));
        match &self.calls[id as usize] {
            Calls::One(cell) => is_failed(cell),
            Calls::Many(cells) => cells.values().any(is_failed),
        }
    }

    /// How many calls in lambdas have begun.
    pub(crate) fn in_lambdas(&self) -> usize {
        self.in_lambdas
    }

    /// The value of an input or binding, if it has one.
    pub(crate) fn value(&self, source: Source) -> Option<&Value> {
        match source {
            Source::Input(id) => self.inputs[id as usize].value(),
            Source::Binding(id) => self.bindings[id as usize].value(),
        }
    }
}

impl eval::Cells for Cells {
    fn input(&self, id: InputId) -> Cell<'_> {
        match &self.inputs[id as usize] {
            InputCell::Filled(provided) => Cell::Done(&provided.value),
            InputCell::Empty => Cell::Open,
            InputCell::Failed(failure) => Cell::Failed(failure),
        }
    }

    fn binding(&self, id: BindingId) -> Cell<'_> {
        match &self.bindings[id as usize] {
            BindingCell::Done(value) | BindingCell::Resolved(value) => Cell::Done(value),
            BindingCell::Open => Cell::Open,
            BindingCell::Failed(failure) => Cell::Failed(failure),
        }
    }

    fn call(&self, id: CallId, path: &[u32]) -> Cell<'_> {
        match self.call(id, path) {
            CallCell::Done(value) => Cell::Done(value),
            CallCell::Failed(failure) => Cell::Failed(failure),
            CallCell::Idle | CallCell::Running => Cell::Open,
        }
    }
}

impl CallCell {
    fn forget_failure(&mut self) -> bool {
        let is_failed = matches!(self, CallCell::Failed(_));
        if is_failed {
            *self = CallCell::Idle;
        }
        is_failed
    }
}

impl InputCell {
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            InputCell::Filled(provided) => Some(&provided.value),
            InputCell::Empty | InputCell::Failed(_) => None,
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
