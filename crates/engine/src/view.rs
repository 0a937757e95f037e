//! What can be said of an execution at one moment: the state as data, for answers of any kind.

use std::sync::Arc;

use model::plan::{BindingId, BindingKind, CallId, InputId};
use model::{Code, Failure, Text, Type, Value};

use crate::cells::{BindingCell, InputCell};
use crate::demand::{Demand, Level, Through, missing, unsupplied};
use crate::execution::Execution;
use crate::loaded::LoadedImage;
use crate::ports::{Status, Summary};
use crate::{ExecutionId, Timestamp};

/// An execution as its user sees it.
#[derive(Clone, Debug)]
pub struct ExecutionView {
    /// Its id.
    pub id: ExecutionId,
    /// The image it runs: names and types of everything below.
    pub loaded: Arc<LoadedImage>,
    /// The alias by which it was started.
    pub pipeline: Option<Text>,
    /// Where it stands.
    pub status: Status,
    /// Outputs that have a value, by their index in the plan.
    pub outputs: Vec<(usize, Value)>,
    /// Outputs that have none, by their index in the plan.
    pub pending_outputs: Vec<usize>,
    /// Required inputs that are missing for certain.
    pub missing: Vec<InputId>,
    /// When the time of each of them is over, in the same order.
    pub deadlines: Vec<Option<Timestamp>>,
    /// Inputs that may be asked for, and open Optional ones.
    pub possible: Vec<InputId>,
    /// Needed bindings that have a value; empty once completed.
    pub computed: Vec<(BindingId, Value)>,
    /// Needed bindings that failed, by name; `n.when` for a guarded output.
    pub failed: Vec<(Text, Arc<Failure>)>,
    /// How many resumes changed something.
    pub resumption_count: u32,
    /// When it started and last changed; only where the execution is kept.
    pub kept: Option<Kept>,
}

/// Times of an execution that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// When it started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl ExecutionView {
    /// The state of `execution` now.
    pub fn of(execution: &Execution, id: ExecutionId, kept: Option<Kept>) -> ExecutionView {
        let mut view = ExecutionView {
            id,
            loaded: execution.loaded.clone(),
            pipeline: execution.pipeline.clone(),
            status: execution.status,
            outputs: Vec::new(),
            pending_outputs: Vec::new(),
            missing: Vec::new(),
            deadlines: Vec::new(),
            possible: Vec::new(),
            computed: Vec::new(),
            failed: Vec::new(),
            resumption_count: execution.resumption_count,
            kept,
        };
        for (at, output) in execution.loaded.plan().outputs.iter().enumerate() {
            match execution.cells.value(output.source) {
                Some(value) => view.outputs.push((at, value.clone())),
                None => view.pending_outputs.push(at),
            }
        }
        if execution.status != Status::Completed {
            view.look_inside(execution);
        }
        view
    }

    /// What is needed, has a value, is missing or has failed.
    fn look_inside(&mut self, execution: &Execution) {
        let (cells, plan) = (&execution.cells, execution.loaded.plan());
        let demand = Demand::of(&execution.loaded, cells, Through::All);
        if execution.status != Status::Cancelled {
            self.look_for_inputs(execution, &demand);
        }
        let mut has_failed_call = vec![false; plan.bindings.len()];
        for (id, call) in plan.calls.iter().enumerate() {
            has_failed_call[call.binding as usize] |= cells.has_failed_call(id as CallId);
        }
        for (id, binding) in plan.bindings.iter().enumerate() {
            let level = demand.bindings[id];
            match &cells.bindings[id] {
                _ if level == Level::Unneeded => {}
                BindingCell::Done(value) | BindingCell::Resolved(value) => {
                    if binding.kind == BindingKind::Named {
                        self.computed.push((id as BindingId, value.clone()));
                    }
                }
                // Pure work that only may be needed was done early, and nobody asked for it.
                BindingCell::Failed(failure) if level == Level::Certain || has_failed_call[id] => {
                    self.failed.push((binding.name.clone(), failure.clone()));
                }
                BindingCell::Failed(_) | BindingCell::Open => {}
            }
        }
        self.failed.sort_by(|a, b| a.0.cmp(&b.0));
        self.computed.sort_by(|a, b| {
            plan.bindings[a.0 as usize].name.cmp(&plan.bindings[b.0 as usize].name)
        });
    }

    /// The inputs that are missing, may be asked for or were not provided in time.
    fn look_for_inputs(&mut self, execution: &Execution, demand: &Demand) {
        let (cells, plan) = (&execution.cells, execution.loaded.plan());
        self.missing = missing(&execution.loaded, cells, demand);
        self.deadlines = self.missing.iter().map(|id| execution.deadline(*id)).collect();
        self.possible = unsupplied(demand, cells, |id, level| {
            level == Level::Possible || level == Level::Certain && !plan.is_required(id)
        });
        for (id, input) in plan.inputs.iter().enumerate() {
            if let InputCell::Failed(failure) = &cells.inputs[id]
                && failure.code == Code::R014
                && demand.inputs[id] == Level::Certain
            {
                self.failed.push((input.name.clone(), failure.clone()));
            }
        }
    }

    /// Whether a module is to blame for the failure, whatever else failed.
    pub fn is_failed_by_module(&self) -> bool {
        self.failed.iter().any(|(_, failure)| failure.is_of_module())
    }

    /// The name, type and value of each output that has a value, in name order.
    pub fn named_outputs(&self) -> impl Iterator<Item = (&Text, &Type, &Value)> {
        let plan = self.loaded.plan();
        self.outputs.iter().map(move |(at, value)| {
            let output = &plan.outputs[*at];
            (&output.name, plan.output_type(output), value)
        })
    }

    /// The name, type and value of each computed binding, in name order.
    pub fn named_computed(&self) -> impl Iterator<Item = (&Text, &Type, &Value)> {
        let plan = self.loaded.plan();
        self.computed.iter().map(move |(id, value)| {
            let binding = &plan.bindings[*id as usize];
            (&binding.name, plan.ty(binding.ty), value)
        })
    }

    /// The names of outputs that have no value, in name order.
    pub fn pending_names(&self) -> impl Iterator<Item = &Text> {
        self.pending_outputs.iter().map(|at| &self.loaded.plan().outputs[*at].name)
    }

    /// The names of missing inputs, in name order.
    pub fn missing_names(&self) -> impl Iterator<Item = &Text> {
        self.missing.iter().map(|id| &self.loaded.plan().inputs[*id as usize].name)
    }

    /// The names of possible inputs, in name order.
    pub fn possible_names(&self) -> impl Iterator<Item = &Text> {
        self.possible.iter().map(|id| &self.loaded.plan().inputs[*id as usize].name)
    }
}

/// What a listing shows of an execution. What is missing is not looked for while it runs.
pub(crate) fn summary(execution: &Execution, kept: Kept) -> Summary {
    let plan = execution.loaded.plan();
    let missing = match execution.status {
        Status::Running | Status::Completed | Status::Cancelled => Vec::new(),
        Status::Suspended | Status::Failed => {
            let (loaded, cells) = (&execution.loaded, &execution.cells);
            missing(loaded, cells, &Demand::of(loaded, cells, Through::Empty))
        }
    };
    Summary {
        image: execution.loaded.digest(),
        pipeline: execution.pipeline.clone(),
        status: execution.status,
        missing: missing.into_iter().map(|id| plan.inputs[id as usize].name.clone()).collect(),
        resumption_count: execution.resumption_count,
        created_at: kept.created_at,
        updated_at: kept.updated_at,
    }
}
