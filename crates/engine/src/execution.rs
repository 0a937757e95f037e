//! The state of one execution: a set of cells that only ever go from empty to full.
//!
//! State changes here and nowhere else, by [`step`](crate::step). What is kept is what the log
//! says; the values of bindings, closing and the status follow from it.

use std::sync::Arc;

use eval::{Evaluator, Stop};
use model::plan::{BindingId, BindingKind, CallId, InputId, Source};
use model::{Code, Failure, Text, Value, json, limits};
use rustc_hash::FxHashSet;

use crate::Timestamp;
use crate::cells::{BindingCell, CallCell, Cells, InputCell, Provided, Provider};
use crate::demand::{Demand, Level, Runnable, Through, missing};
use crate::loaded::LoadedImage;
use crate::log::{CallNode, Received};
use crate::ports::{Listening, Status};

/// What the shell shall do next.
#[derive(Clone, Debug)]
pub enum Action {
    /// Make this call, and report its end as an event.
    Call(CallAction),
}

/// A call to make.
#[derive(Clone, Debug)]
pub struct CallAction {
    /// Which.
    pub node: CallNode,
    /// One value a parameter.
    pub arguments: Arc<[Value]>,
}

/// One execution.
#[derive(Debug)]
pub struct Execution {
    pub(crate) loaded: Arc<LoadedImage>,
    pub(crate) cells: Cells,
    /// The alias by which it was started.
    pub(crate) pipeline: Option<Text>,
    pub(crate) resumption_count: u32,
    pub(crate) status: Status,
    /// When the last event happened.
    pub(crate) now: Timestamp,
    /// Bindings to evaluate again because a cell that they read was filled.
    stale: Stale,
    /// Open Optional inputs were closed.
    closed: bool,
    /// For each binding, how many plain calls in it run; see [`LoadedImage::is_plain`].
    plain_running: Vec<usize>,
    /// At least so many certain calls run, unless failed ones were run anew: then a binding may have
    /// its value while a call in it runs whose failure was caught before.
    certain_running: usize,
    is_retried: bool,
    /// Bytes of all values held, the measure of `max_execution_bytes`.
    held_bytes: usize,
    /// One for each input; none at all where no input has one.
    deadlines: Vec<Deadline>,
}

/// How far the deadline of an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    /// The execution has not yet rested with the input missing.
    Ahead,
    /// It passes at this time.
    Due(Timestamp),
    /// It has passed.
    Passed,
}

impl Execution {
    /// An execution of which nothing happened yet: its first event is still to come.
    pub fn new(loaded: Arc<LoadedImage>) -> Execution {
        let plan = loaded.plan();
        Execution {
            cells: Cells::new(plan),
            pipeline: None,
            resumption_count: 0,
            status: Status::Running,
            now: Timestamp::default(),
            stale: Stale::all(plan.bindings.len()),
            closed: false,
            plain_running: vec![0; plan.bindings.len()],
            certain_running: 0,
            is_retried: false,
            held_bytes: 0,
            deadlines: match plan.inputs.iter().any(|input| input.deadline_ms.is_some()) {
                true => vec![Deadline::Ahead; plan.inputs.len()],
                false => Vec::new(),
            },
            loaded,
        }
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The image it runs.
    pub fn image(&self) -> &Arc<LoadedImage> {
        &self.loaded
    }

    /// What an input holds, if it is supplied or closed.
    pub fn provided(&self, id: InputId) -> Option<&Provided> {
        match &self.cells.inputs[id as usize] {
            InputCell::Filled(provided) => Some(provided),
            InputCell::Empty | InputCell::Failed(_) => None,
        }
    }

    /// The value of a binding, if it has one.
    pub fn binding(&self, id: BindingId) -> Option<&Value> {
        self.cells.bindings[id as usize].value()
    }

    /// When the next deadline passes.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.pending_deadlines().map(|(due, _)| due).min()
    }

    /// The inputs whose deadlines have passed by `now`, in the order in which they fell due.
    pub fn passed_deadlines(&self, now: Timestamp) -> Vec<InputId> {
        let mut passed: Vec<_> = self.pending_deadlines().filter(|(due, _)| *due <= now).collect();
        passed.sort_unstable();
        passed.into_iter().map(|(_, id)| id).collect()
    }

    fn pending_deadlines(&self) -> impl Iterator<Item = (Timestamp, InputId)> {
        let deadlines = if self.is_finished() { &[] } else { self.deadlines.as_slice() };
        (0..).zip(deadlines).filter_map(|(id, deadline)| match deadline {
            Deadline::Due(due) if self.provided(id).is_none() => Some((*due, id)),
            _ => None,
        })
    }

    /// When the deadline of an input passes, if its time runs.
    pub fn deadline(&self, id: InputId) -> Option<Timestamp> {
        self.pending_deadlines().find(|(_, pending)| *pending == id).map(|(due, _)| due)
    }

    /// What the inputs listen for: those that are needed, have no value, and whose key is known.
    pub fn listening(&self) -> Vec<Listening> {
        let plan = self.loaded.plan();
        if self.is_finished() || !self.loaded.has_events() {
            return Vec::new();
        }
        let demand = Demand::of(&self.loaded, &self.cells, Through::Empty);
        let listening = plan.inputs.iter().enumerate().filter_map(|(id, input)| {
            let event = input.event.as_ref()?;
            let key = match self.cells.bindings[event.key as usize].value()? {
                Value::Int(key) => Text::from(key.to_string()),
                Value::String(key) => key.clone(),
                _ => return None,
            };
            let is_wanted =
                demand.inputs[id] > Level::Unneeded && self.provided(id as u32).is_none();
            let (name, event_type) = (input.name.clone(), event.event_type.clone());
            is_wanted.then_some(Listening { input: name, event_type, key })
        });
        listening.collect()
    }

    /// Whether nothing can happen any more.
    pub fn is_finished(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Cancelled)
    }

    /// Whether anything failed that [`Event::Resumed`](crate::log::Event) with `retry_failed`
    /// would run anew.
    pub fn has_failed_call(&self) -> bool {
        let calls = 0..self.loaded.plan().calls.len() as CallId;
        calls.into_iter().any(|id| self.may_retry(id) && self.cells.has_failed_call(id))
    }

    /// Failed calls of a binding that has its value all the same are not run again.
    fn may_retry(&self, call: CallId) -> bool {
        let binding = self.loaded.plan().calls[call as usize].binding;
        self.cells.bindings[binding as usize].value().is_none()
    }

    /// The calls that were started and have not ended: what recovery owes.
    pub fn running_calls(&self) -> Vec<CallAction> {
        if self.status != Status::Running {
            return Vec::new();
        }
        let demand = Demand::of(&self.loaded, &self.cells, Through::Running);
        demand.runnable.into_iter().map(action).collect()
    }

    /// Whether a call was started and has not ended.
    pub(crate) fn runs(&self, node: &CallNode) -> bool {
        matches!(self.cells.call(node.call, &node.path), CallCell::Running)
    }

    /// Calls that nothing needs any more do not count as running. Their ends are taken all the same;
    /// what is needed again before that is begun anew.
    fn abandon_unneeded(&mut self) {
        let demand = Demand::of(&self.loaded, &self.cells, Through::Running);
        let needed: FxHashSet<CallNode> =
            demand.runnable.into_iter().map(|runnable| runnable.node).collect();
        for node in self.cells.running() {
            if !needed.contains(&node) {
                self.stop(&node);
                self.cells.set_call(&node, CallCell::Idle);
            }
        }
    }

    /// Notes that a call does not run any more, if it did.
    fn stop(&mut self, node: &CallNode) {
        if self.runs(node) {
            let binding = self.loaded.plan().calls[node.call as usize].binding;
            let is_plain = self.loaded.is_plain(node.call);
            self.certain_running = self.certain_running.saturating_sub(1);
            self.plain_running[binding as usize] -= usize::from(is_plain);
        }
    }

    /// Fills an input, once: what is full stays as it is.
    pub(crate) fn fill_input(&mut self, id: InputId, provided: Provided) {
        let cell = &mut self.cells.inputs[id as usize];
        if !matches!(cell, InputCell::Filled(_)) {
            self.held_bytes += provided.value.bytes();
            *cell = InputCell::Filled(provided);
            if self.loaded.plan().inputs[id as usize].event.is_some() {
                // A call in its key that runs is not needed any more.
                self.certain_running = 0;
            }
            self.stale.mark(self.loaded.readers(Source::Input(id)));
        }
    }

    /// The time for an input is over: it takes its default, is `none`, or fails.
    pub(crate) fn pass_deadline(&mut self, id: InputId) {
        self.deadlines[id as usize] = Deadline::Passed;
        let loaded = self.loaded.clone();
        let (plan, input) = (loaded.plan(), &loaded.plan().inputs[id as usize]);
        let value = match input.default {
            Some(default) => plan.constant(default).clone(),
            None if plan.ty(input.ty).is_optional() => Value::None,
            None if self.provided(id).is_some() => return,
            None => {
                let message = format!("`{}` was not provided in time", input.name);
                let failure = Failure { span: input.span, ..Failure::new(Code::R014, message) };
                return self.set_unsupplied(id, InputCell::Failed(failure.into()));
            }
        };
        self.fill_input(id, Provided { value, at: self.now, by: Provider::Deadline });
    }

    /// The input that an event would fill: the first by name that listens for it.
    pub(crate) fn listener(&self, received: &Received) -> Option<InputId> {
        let listening = self.listening();
        let listener = listening.iter().find(|listening| {
            listening.event_type == received.event_type && listening.key == received.key
        })?;
        self.loaded.plan().input(&listener.input)
    }

    /// Takes an event into the input that listens for it. Data that does not fit leaves it missing.
    /// Says whether anything changed.
    pub(crate) fn receive(&mut self, received: &Received) -> bool {
        let Some(id) = self.listener(received) else { return false };
        let loaded = self.loaded.clone();
        let ty = loaded.plan().ty(loaded.plan().inputs[id as usize].ty);
        let Ok(value) = json::read(ty, &received.data) else { return false };
        self.fill_input(id, Provided { value, at: self.now, by: Provider::Event });
        true
    }

    pub(crate) fn cancel(&mut self) {
        self.status = Status::Cancelled;
    }

    /// Starts the time of each input that is missing now, at rest, for the first time.
    pub(crate) fn start_deadlines(&mut self) {
        let is_resting = matches!(self.status, Status::Suspended | Status::Failed);
        if !is_resting || !self.deadlines.contains(&Deadline::Ahead) {
            return;
        }
        let demand = Demand::of(&self.loaded, &self.cells, Through::Empty);
        for id in missing(&self.loaded, &self.cells, &demand) {
            let allowed = self.loaded.plan().inputs[id as usize].deadline_ms;
            if let (Some(allowed), Deadline::Ahead) = (allowed, self.deadlines[id as usize]) {
                let allowed = i64::try_from(allowed).unwrap_or(i64::MAX);
                let due = Timestamp(self.now.0.saturating_add(allowed));
                self.deadlines[id as usize] = Deadline::Due(due);
            }
        }
    }

    /// An input whose key fails has failed by dependency, as long as the key has; a deadline that has
    /// passed outlasts that.
    fn follow_key(&mut self, key: BindingId) {
        let plan = self.loaded.plan();
        let Some(id) = self.loaded.key_owner(key) else { return };
        let cell = match &self.cells.bindings[key as usize] {
            BindingCell::Failed(failure) => {
                let name = &plan.bindings[key as usize].name;
                InputCell::Failed(Failure::by_dependency(name, failure).into())
            }
            BindingCell::Open | BindingCell::Done(_) | BindingCell::Resolved(_) => InputCell::Empty,
        };
        match (&self.cells.inputs[id as usize], &cell) {
            (InputCell::Empty, InputCell::Empty) | (InputCell::Filled(_), _) => {}
            (InputCell::Failed(failure), _) if failure.code == Code::R014 => {}
            _ => self.set_unsupplied(id, cell),
        }
    }

    fn set_unsupplied(&mut self, id: InputId, cell: InputCell) {
        self.cells.inputs[id as usize] = cell;
        self.stale.mark(self.loaded.readers(Source::Input(id)));
    }

    pub(crate) fn resolve(&mut self, id: BindingId, value: Value) {
        self.held_bytes += value.bytes();
        // What runs in it may not be needed any more.
        self.certain_running = 0;
        self.cells.bindings[id as usize] = BindingCell::Resolved(value);
        self.stale.mark(self.loaded.readers(Source::Binding(id)));
    }

    pub(crate) fn end_call(&mut self, node: &CallNode, cell: CallCell) {
        if let CallCell::Done(value) = &cell {
            self.held_bytes += value.bytes();
        }
        self.stop(node);
        self.cells.set_call(node, cell);
        self.stale.mark(&[self.loaded.plan().calls[node.call as usize].binding]);
    }

    /// Whether the end of a call changes nothing yet: its binding waits for other calls. So a lambda
    /// over many elements is evaluated when all of them are there, and not for each of them.
    pub(crate) fn still_waits(&self, ended: &CallNode) -> bool {
        let binding = self.loaded.plan().calls[ended.call as usize].binding as usize;
        let has_failed = match self.cells.call(ended.call, &ended.path) {
            CallCell::Failed(_) => true,
            CallCell::Idle | CallCell::Running | CallCell::Done(_) => false,
        };
        let is_known = matches!(self.cells.bindings[binding], BindingCell::Failed(_));
        self.loaded.is_plain(ended.call)
            && self.plain_running[binding] > 0
            && (is_known || !has_failed)
    }

    pub(crate) fn forget_failed_calls(&mut self) {
        self.is_retried = true;
        let calls = 0..self.loaded.plan().calls.len() as CallId;
        let may_retry: Vec<bool> = calls.map(|id| self.may_retry(id)).collect();
        for id in self.cells.forget_failures(|id| may_retry[id as usize]) {
            self.stale.mark(&[self.loaded.plan().calls[id as usize].binding]);
        }
    }

    /// Makes all pure progress that follows from what is known, closes what is to be closed, and
    /// starts the calls that may run (specification, section 6).
    pub(crate) fn settle(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut is_left = false;
        loop {
            is_left |= self.evaluate();
            if self.is_completed() {
                if self.fail_oversized_output() {
                    is_left = true;
                    continue;
                }
                self.status = Status::Completed;
                return actions;
            }
            if !is_left && self.closed && self.certain_running > 0 && !self.is_retried {
                self.status = Status::Running;
                return actions;
            }
            let demand = Demand::of(&self.loaded, &self.cells, Through::Empty);
            if !self.closed && self.may_close(&demand) {
                self.close();
                continue;
            }
            if demand.running < self.cells.running_count() {
                self.abandon_unneeded();
            }
            let is_calling = demand.running > 0;
            if self.start_calls(demand, &mut actions) {
                continue;
            }
            self.status = match is_calling || !actions.is_empty() {
                true => Status::Running,
                false if self.has_failed_output() => Status::Failed,
                false => Status::Suspended,
            };
            return actions;
        }
    }

    /// Closes open inputs before anything is evaluated, where it is plain that nothing required
    /// can be missing. It spares most executions a second round.
    pub(crate) fn close_early(&mut self) {
        let plan = self.loaded.plan();
        let is_missing = |(id, cell): (usize, &InputCell)| {
            matches!(cell, InputCell::Empty) && plan.is_required(id as InputId)
        };
        if !self.cells.inputs.iter().enumerate().any(is_missing) {
            self.close();
        }
    }

    fn close(&mut self) {
        self.closed = true;
        for id in 0..self.cells.inputs.len() as InputId {
            let is_open = matches!(self.cells.inputs[id as usize], InputCell::Empty);
            if is_open && !self.loaded.plan().is_required(id) {
                let none = Provided { value: Value::None, at: self.now, by: Provider::Closing };
                self.fill_input(id, none);
            }
        }
    }

    /// Specification 6.8: no required input is missing or possible; or nothing certain runs or can
    /// run, no input is missing and no output has failed.
    fn may_close(&self, demand: &Demand) -> bool {
        let plan = self.loaded.plan();
        // What failed can still be supplied.
        let is_needed = |id: InputId| {
            demand.inputs[id as usize] > Level::Unneeded
                && plan.is_required(id)
                && self.provided(id).is_none()
        };
        if !(0..plan.inputs.len() as InputId).any(is_needed) {
            return true;
        }
        let missing = !missing(&self.loaded, &self.cells, demand).is_empty();
        let can_run = demand.runnable.iter().any(|runnable| runnable.level == Level::Certain);
        !missing && !can_run && demand.certain_running == 0 && !self.has_failed_output()
    }

    /// Starts what may run. Says whether a call failed instead, because there are too many.
    fn start_calls(&mut self, demand: Demand, actions: &mut Vec<Action>) -> bool {
        let is_certain = |runnable: &Runnable| runnable.level == Level::Certain;
        let settled = demand.certain_running == 0 && !demand.runnable.iter().any(is_certain);
        self.certain_running = demand.certain_running;
        let mut too_many = None;
        for runnable in demand.runnable {
            if !settled && !is_certain(&runnable) {
                continue;
            }
            let node = &runnable.node;
            if node.path.is_empty() || self.cells.in_lambdas() < limits::NODES_MAX {
                let binding = self.loaded.plan().calls[node.call as usize].binding;
                let is_plain = self.loaded.is_plain(node.call);
                self.plain_running[binding as usize] += usize::from(is_plain);
                self.certain_running += usize::from(is_certain(&runnable));
                self.cells.set_call(node, CallCell::Running);
                actions.push(Action::Call(action(runnable)));
            } else {
                let failure = too_many.get_or_insert_with(too_many_nodes).clone();
                self.end_call(node, CallCell::Failed(failure));
            }
        }
        too_many.is_some()
    }

    /// Evaluates what may have changed. Says whether anything is left without a value: only that
    /// can need more, or less, than before.
    fn evaluate(&mut self) -> bool {
        let loaded = self.loaded.clone();
        let mut is_left = false;
        while let Some(id) = self.stale.take() {
            // What is full stays as it is.
            if self.cells.bindings[id as usize].value().is_some() {
                continue;
            }
            let binding = &loaded.plan().bindings[id as usize];
            let mut evaluator = Evaluator::new(loaded.plan(), &loaded.builtins, &self.cells);
            evaluator.enter(binding.locals);
            let cell = match evaluator.eval(binding.root) {
                Ok(value) => self.hold(value, id),
                Err(Stop::Open) => BindingCell::Open,
                Err(Stop::Failed(failure)) => BindingCell::Failed(failure),
            };
            is_left |= cell.value().is_none();
            // An open binding that stays open tells its readers nothing new.
            let was_open = matches!(self.cells.bindings[id as usize], BindingCell::Open);
            if !(was_open && matches!(cell, BindingCell::Open)) {
                self.cells.bindings[id as usize] = cell;
                self.stale.mark(loaded.readers(Source::Binding(id)));
                if binding.kind == BindingKind::Key {
                    self.follow_key(id);
                }
            }
        }
        is_left
    }

    /// A cell for `value`, or a failure where it, or all values together, are too large.
    fn hold(&mut self, value: Value, id: BindingId) -> BindingCell {
        let bytes = value.bytes();
        let exceeded = |limit: &str, bound: usize| {
            let span = self.loaded.plan().bindings[id as usize].span;
            BindingCell::Failed(Arc::new(Failure { span, ..exceeded(limit, bound) }))
        };
        if bytes > limits::VALUE_BYTES_MAX {
            return exceeded("max_value_bytes", limits::VALUE_BYTES_MAX);
        }
        if self.held_bytes + bytes > limits::EXECUTION_BYTES_MAX {
            return exceeded("max_execution_bytes", limits::EXECUTION_BYTES_MAX);
        }
        self.held_bytes += bytes;
        BindingCell::Done(value)
    }

    fn is_completed(&self) -> bool {
        let mut outputs = self.loaded.plan().outputs.iter();
        outputs.all(|output| self.cells.value(output.source).is_some())
    }

    /// Where the JSON of all outputs is too large, the first by name that is too much fails. Says
    /// whether one does.
    fn fail_oversized_output(&mut self) -> bool {
        const MAX: usize = limits::OUTPUT_BYTES_MAX;
        let loaded = self.loaded.clone();
        let plan = loaded.plan();
        // Names and punctuation make JSON larger than values are, but within reason.
        if self.held_bytes < MAX / 64 {
            return false;
        }
        let mut total = 0;
        for output in &plan.outputs {
            let Some(value) = self.cells.value(output.source) else { continue };
            total += json::length_within(plan.output_type(output), value, MAX);
            if let (Source::Binding(id), true) = (output.source, total > MAX) {
                let failure = exceeded("max_output_bytes", MAX);
                let span = plan.bindings[id as usize].span;
                let failure = Failure { span, ..failure };
                self.cells.bindings[id as usize] = BindingCell::Failed(failure.into());
                return true;
            }
        }
        false
    }

    pub(crate) fn has_failed_output(&self) -> bool {
        self.loaded.plan().outputs.iter().any(|output| match output.source {
            Source::Binding(id) => {
                matches!(self.cells.bindings[id as usize], BindingCell::Failed(_))
            }
            Source::Input(id) => matches!(self.cells.inputs[id as usize], InputCell::Failed(_)),
        })
    }
}

fn exceeded(limit: &str, bound: usize) -> Failure {
    Failure::new(Code::R009, format!("the limit `{limit}` of {bound} bytes is exceeded"))
}

fn too_many_nodes() -> Arc<Failure> {
    let message = format!("the limit `max_nodes` of {} is exceeded", limits::NODES_MAX);
    Failure::new(Code::R009, message).into()
}

fn action(runnable: Runnable) -> CallAction {
    CallAction { node: runnable.node, arguments: runnable.arguments.into() }
}

/// A set of bindings, taken out in dependency order.
#[derive(Debug)]
struct Stale {
    words: Vec<u64>,
    /// No member lies in a word before this one.
    first: usize,
}

impl Stale {
    fn all(count: usize) -> Stale {
        let mut words = vec![u64::MAX; count / 64];
        words.push((1 << (count % 64)) - 1);
        Stale { words, first: 0 }
    }

    fn mark(&mut self, ids: &[BindingId]) {
        for id in ids {
            let word = *id as usize / 64;
            self.words[word] |= 1 << (id % 64);
            self.first = self.first.min(word);
        }
    }

    fn take(&mut self) -> Option<BindingId> {
        while let Some(word) = self.words.get_mut(self.first) {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                return Some(self.first as u32 * 64 + bit);
            }
            self.first += 1;
        }
        None
    }
}
