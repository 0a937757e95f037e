//! One execution by the engine and by the reference, side by side: after every event both must
//! start the same calls, and whenever nothing runs they must be in the same state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::log::{CallTiming, Event, Record, StoredValue};
use engine::{
    Action, CallAction, Execution, ExecutionId, ExecutionView, LoadedImage, Provider, Status,
    Timestamp, step,
};
use model::plan::BindingKind;
use model::{Code, Effect, Failure, Type, Value};

use super::demand::{Level, State};
use super::meaning::{Failed, Known, Node, Scope, World};
use super::modules::{self, Module};
use super::program::Program;
use super::random::Random;
use super::value::Plain;

/// A program, compiled and parsed.
pub(crate) struct Case {
    pub(crate) program: Program,
    pub(crate) loaded: Arc<LoadedImage>,
}

impl Case {
    /// Reads a program; it fails where that does not compile.
    pub(crate) fn of(source: &str) -> Result<Case, String> {
        let compilation = lang::compile(source, &modules::catalog());
        let image = compilation
            .image
            .ok_or_else(|| format!("it does not compile: {:?}", compilation.diagnostics))?;
        let loaded = LoadedImage::new(image).map_err(|unknown| unknown.0.to_string())?;
        let (file, diagnostics) = lang::parser::parse(source);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        Ok(Case { program: Program::of(file), loaded: loaded.into() })
    }
}

/// Inputs that are supplied together.
pub(crate) type Group = Vec<(String, Plain)>;

/// What went wrong.
pub(crate) type Checked<T = ()> = Result<T, String>;

/// What arrival must not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) status: Status,
    pub(crate) missing: Vec<String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) failed: BTreeSet<String>,
}

/// An execution under way.
pub(crate) struct Run<'a> {
    case: &'a Case,
    execution: Execution,
    log: Vec<Record>,
    /// Calls that the engine started and that did not end.
    pending: Vec<CallAction>,
    known: Known,
    running: BTreeSet<Node>,
    /// Calls that began, without those that a retry made anew.
    begun: BTreeSet<Node>,
    /// Calls of `write` modules with their arguments, sorted.
    pub(crate) writes: Vec<String>,
    /// Inputs that were accepted.
    pub(crate) accepted: BTreeSet<String>,
    /// Modules no longer fail.
    healed: bool,
    /// Something that failed may have its value now.
    repaired: bool,
}

impl<'a> Run<'a> {
    /// Starts an execution with these inputs.
    pub(crate) fn start(case: &'a Case, group: &Group) -> Checked<Run<'a>> {
        let mut run = Run {
            case,
            execution: Execution::new(case.loaded.clone()),
            log: Vec::new(),
            pending: Vec::new(),
            known: Known::default(),
            running: BTreeSet::new(),
            begun: BTreeSet::new(),
            writes: Vec::new(),
            accepted: BTreeSet::new(),
            healed: false,
            repaired: false,
        };
        let inputs = run.take(group);
        for (name, input) in &case.program.inputs {
            if let (Some(default), false) = (&input.default, run.known.inputs.contains_key(name)) {
                let nothing = Known::default();
                let value = World::new(&case.program, &nothing).value(default, &Scope::default());
                run.known.inputs.insert(name.clone(), value.expect("a constant"));
            }
        }
        run.happen(Event::Started { image: case.loaded.digest(), pipeline: None, inputs })?;
        Ok(run)
    }

    /// Supplies those of the inputs that are not filled yet.
    pub(crate) fn supply(&mut self, group: &Group) -> Checked {
        let open: Group = group.iter().filter(|(name, _)| !self.is_filled(name)).cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        let inputs = self.take(&open);
        self.happen(Event::Resumed { inputs, resolved: Vec::new(), retry_failed: false })
    }

    fn is_filled(&self, name: &str) -> bool {
        let id = self.case.loaded.plan().input(name).expect("an input");
        self.execution.provided(id).is_some()
    }

    /// Tells the reference of these inputs; gives them as the engine takes them.
    fn take(&mut self, group: &Group) -> Vec<(u32, StoredValue)> {
        let plan = self.case.loaded.plan();
        let mut inputs = Vec::new();
        for (name, value) in group {
            let id = plan.input(name).expect("an input");
            let ty = plan.ty(plan.inputs[id as usize].ty);
            inputs.push((id, StoredValue(value.to_model(ty).expect("a value of the type"))));
            self.known.inputs.insert(name.clone(), value.clone());
            self.accepted.insert(name.clone());
        }
        inputs
    }

    /// Gives a binding a value by hand.
    pub(crate) fn resolve(&mut self, name: &str) -> Checked {
        let plan = self.case.loaded.plan();
        let id = plan.binding(name).expect("a binding");
        let value = some_value(plan.ty(plan.bindings[id as usize].ty));
        let shown = Plain::of(plan.ty(plan.bindings[id as usize].ty), &value);
        self.keep_values();
        self.known.resolved.insert(name.to_owned(), shown);
        let resolved = vec![(id, StoredValue(value))];
        self.happen(Event::Resumed { inputs: Vec::new(), resolved, retry_failed: false })
    }

    /// Makes failed calls anew; from now on they succeed.
    pub(crate) fn retry(&mut self) -> Checked {
        self.healed = true;
        self.keep_values();
        // A binding that has its value keeps it, and its failed calls.
        let state = State::of(&self.case.program, &self.known);
        let plan = self.case.loaded.plan();
        let mut kept = self.known.calls.clone();
        kept.retain(|node, result| {
            let call = plan.calls.iter().find(|call| call.span.start == node.0);
            let binding = &plan.bindings[call.expect("a call").binding as usize].name;
            result.is_ok() || state.world.cell(binding).is_ok()
        });
        self.begun.retain(|node| kept.contains_key(node));
        self.known.calls = kept;
        let (inputs, resolved) = (Vec::new(), Vec::new());
        self.happen(Event::Resumed { inputs, resolved, retry_failed: true })
    }

    /// What has a value keeps it, even if that came instead of something that failed and is about
    /// to be repaired. It needs nothing any more.
    fn keep_values(&mut self) {
        let state = State::of(&self.case.program, &self.known);
        let bindings = self.case.program.bindings.keys();
        let done = bindings.filter_map(|name| Some((name.clone(), state.world.cell(name).ok()?)));
        let done: Vec<(String, Plain)> = done.collect();
        self.known.resolved.extend(done);
        self.repaired = true;
    }

    /// How many calls began.
    pub(crate) fn begun(&self) -> usize {
        self.begun.len()
    }

    /// Whether nothing runs.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.pending.is_empty()
    }

    /// Ends one of the running calls.
    pub(crate) fn answer(&mut self, random: &mut Random) -> Checked {
        let call = random.take(&mut self.pending);
        let node = self.node(&call);
        let plan = self.case.loaded.plan();
        let module_use = &plan.modules[plan.calls[call.node.call as usize].module as usize];
        let module = Module::named(&module_use.name).expect("a module");
        let arguments = self.arguments(&call);
        let given = module.answer(&arguments).or(self.healed.then(module.zero));
        self.running.remove(&node);
        let event = match &given {
            Some(value) => Event::CallCompleted {
                node: call.node,
                value: value.to_model(&module_use.signature.result).expect("a result"),
                attempts: 1,
                timing: CallTiming::default(),
            },
            None => Event::CallFailed {
                node: call.node,
                failure: Failure::new(Code::R001, modules::MESSAGE),
                timing: CallTiming::default(),
            },
        };
        let failed = Failed { code: Code::R001, message: modules::MESSAGE.to_owned() };
        self.known.calls.insert(node, given.ok_or(failed));
        self.happen(event)
    }

    /// Ends all calls, in a random order.
    pub(crate) fn finish(&mut self, random: &mut Random) -> Checked {
        while !self.is_at_rest() {
            self.answer(random)?;
        }
        Ok(())
    }

    fn node(&self, call: &CallAction) -> Node {
        let plan = self.case.loaded.plan();
        (plan.calls[call.node.call as usize].span.start, call.node.path.clone())
    }

    fn arguments(&self, call: &CallAction) -> Vec<Plain> {
        let plan = self.case.loaded.plan();
        let module = &plan.modules[plan.calls[call.node.call as usize].module as usize];
        let parameters = module.signature.parameters.iter();
        parameters.zip(call.arguments.iter()).map(|(p, value)| Plain::of(&p.ty, value)).collect()
    }

    /// Lets the engine and the reference go on, and compares them.
    fn happen(&mut self, event: Event) -> Checked {
        let record = Record { at: Timestamp(self.log.len() as i64), event };
        let actions = step(&mut self.execution, &record);
        self.log.push(record);
        let mut by_engine = BTreeMap::new();
        for Action::Call(call) in actions {
            let arguments: Vec<String> = self.arguments(&call).iter().map(Plain::exact).collect();
            by_engine.insert(self.node(&call), arguments);
            self.pending.push(call);
        }
        let by_reference = self.advance()?;
        if by_engine != by_reference {
            return Err(format!(
                "calls started: {by_engine:?}, by the reference: {by_reference:?}"
            ));
        }
        self.check_closing()?;
        if self.is_at_rest() { self.check_rest() } else { Ok(()) }
    }

    /// The calls that the reference starts now, with their arguments.
    fn advance(&mut self) -> Checked<BTreeMap<Node, Vec<String>>> {
        let mut started = BTreeMap::new();
        let state = State::of(&self.case.program, &self.known);
        if state.is_completed() {
            return Ok(started);
        }
        if state.closes(&self.running) {
            self.known.closed = true;
            return self.advance();
        }
        let starts = state.starts(&self.running);
        let level = |node: &Node| state.reached[node].level;
        for (node, module, arguments) in starts {
            let arguments: Vec<String> = arguments.iter().map(Plain::exact).collect();
            if !self.begun.insert(node.clone()) {
                return Err(format!("the call {node:?} is made twice"));
            }
            if module.effect == Effect::Write {
                if level(&node) != Level::Certain {
                    return Err(format!("{node:?} writes while it is only possible"));
                }
                self.writes.push(format!("{}({})", module.name, arguments.join(", ")));
                self.writes.sort();
            }
            self.running.insert(node.clone());
            started.insert(node, arguments);
        }
        Ok(started)
    }

    /// Open inputs are closed where the reference closes them. Of a completed execution it cannot
    /// be told.
    fn check_closing(&self) -> Checked {
        let plan = self.case.loaded.plan();
        for (id, input) in (0..).zip(&plan.inputs) {
            let closes = self.case.program.inputs[input.name.as_str()].closes();
            let provided = self.execution.provided(id);
            let by_closing = provided.is_some_and(|provided| provided.by == Provider::Closing);
            let is_open = provided.is_none() || by_closing;
            let is_over = self.execution.status() == Status::Completed;
            if closes && is_open && !is_over && by_closing != self.known.closed {
                return Err(format!("{} is closed: {by_closing}", input.name));
            }
        }
        Ok(())
    }

    fn check_rest(&mut self) -> Checked {
        let view = view(&self.execution);
        let state = State::of(&self.case.program, &self.known);
        let (by_engine, by_reference) = (self.summary(), summary_of(&state));
        if by_engine != by_reference {
            return Err(format!("{by_engine:?}\nby the reference:\n{by_reference:?}"));
        }
        if by_engine.status == Status::Suspended && by_engine.missing.is_empty() {
            return Err("it is suspended, and nothing is missing".to_owned());
        }
        if by_engine.status != Status::Completed {
            let possible: Vec<&str> = view.possible_names().map(|name| name.as_str()).collect();
            same("possible inputs", &possible, &state.possible())?;
            if !self.repaired {
                same("computed bindings", &computed(&view), &self.computed_by(&state))?;
            }
            self.check_failures(&view, &state)?;
        }
        self.check_replay()
    }

    /// Needed named bindings that have a value.
    fn computed_by(&self, state: &State<'_>) -> BTreeMap<String, String> {
        let needed = state.levels.keys().filter(|name| {
            self.case.program.bindings.contains_key(*name) && !name.ends_with(".when")
        });
        let value = |name: &String| Some((name.clone(), state.world.cell(name).ok()?.exact()));
        needed.filter_map(value).collect()
    }

    /// Certain bindings that failed are reported, with the code of their failure.
    fn check_failures(&self, view: &ExecutionView, state: &State<'_>) -> Checked {
        for name in state.levels.iter().filter(|(_, l)| **l == Level::Certain).map(|(n, _)| n) {
            let reported = view.failed.iter().find(|(failed, _)| failed == name);
            let by_engine = reported.map(|(_, failure)| failure.code);
            let is_binding = self.case.program.bindings.contains_key(name);
            let by_reference = match state.world.cell(name) {
                Err(super::meaning::Stop::Failed(failed)) if is_binding => Some(failed.code),
                _ => None,
            };
            same(&format!("the failure of {name}"), &by_engine, &by_reference)?;
        }
        Ok(())
    }

    /// The log, written and read back, must fold to the state that wrote it.
    fn check_replay(&self) -> Checked {
        let mut replayed = Execution::new(self.case.loaded.clone());
        for record in &self.log {
            let record = Record::decode(&record.encode()).map_err(|fault| fault.to_string())?;
            step(&mut replayed, &record);
        }
        let describe = |view: ExecutionView| {
            let ExecutionView { status, outputs, missing, possible, computed, failed, .. } = view;
            format!("{status:?} {outputs:?} {missing:?} {possible:?} {computed:?} {failed:?}")
        };
        same("the state", &describe(view(&self.execution)), &describe(view(&replayed)))
    }

    /// What can be said of the engine's execution now.
    pub(crate) fn summary(&self) -> Summary {
        let view = view(&self.execution);
        let plan = self.case.loaded.plan();
        let output = |(at, value): &(usize, Value)| {
            (plan.outputs[*at].name.to_string(), Plain::of_output(plan, *at, value).exact())
        };
        let failed_cells: BTreeSet<&str> =
            view.failed.iter().map(|(name, _)| name.as_str()).collect();
        let failed = view
            .pending_names()
            .map(|name| name.to_string())
            .filter(|name| failed_cells.contains(self.case.program.outputs[name].as_str()));
        Summary {
            status: view.status,
            missing: view.missing_names().map(|name| name.to_string()).collect(),
            outputs: view.outputs.iter().map(output).collect(),
            failed: failed.collect(),
        }
    }

    /// Named bindings that failed, needed for certain.
    pub(crate) fn failed_bindings(&self) -> Vec<String> {
        let plan = self.case.loaded.plan();
        let is_named = |name: &str| {
            plan.binding(name)
                .is_some_and(|id| plan.bindings[id as usize].kind == BindingKind::Named)
        };
        let view = view(&self.execution);
        view.failed.iter().map(|(name, _)| name.to_string()).filter(|name| is_named(name)).collect()
    }
}

fn view(execution: &Execution) -> ExecutionView {
    ExecutionView::of(execution, ExecutionId::from_bytes([0; 16]), None)
}

fn computed(view: &ExecutionView) -> BTreeMap<String, String> {
    let named = view.named_computed();
    named.map(|(name, ty, value)| (name.to_string(), Plain::of(ty, value).exact())).collect()
}

fn summary_of(state: &State<'_>) -> Summary {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let failed = state.failed_outputs();
    let is_completed = state.is_completed();
    Summary {
        status: match is_completed {
            true => Status::Completed,
            false if failed.is_empty() => Status::Suspended,
            false => Status::Failed,
        },
        missing: if is_completed { Vec::new() } else { owned(state.missing()) },
        outputs: state.outputs().iter().map(|(n, v)| ((*n).to_owned(), v.exact())).collect(),
        failed: failed.into_iter().map(str::to_owned).collect(),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, by_engine: &T, by_reference: &T) -> Checked {
    if by_engine == by_reference {
        return Ok(());
    }
    Err(format!("{what}: {by_engine:?}, by the reference: {by_reference:?}"))
}

/// Some value of the type.
fn some_value(ty: &Type) -> Value {
    match ty {
        Type::Int => Value::Int(4),
        Type::Float => Value::Float(0.5),
        Type::Boolean => Value::Boolean(true),
        Type::String => Value::string("by hand"),
        Type::Literal(text) => Value::String(text.clone()),
        Type::List(element) => Value::List([some_value(element)].into()),
        Type::Record(record) => {
            Value::Record(record.slots().map(|field| some_value(&field.ty)).collect())
        }
        Type::Map(_, ty) => Value::Map([(Value::string("k"), some_value(ty))].into()),
        Type::Optional(content) => some_value(content),
        Type::Union(union) => match some_value(&union.members()[0].ty) {
            value @ (Value::List(_) | Value::Record(_) | Value::Map(_)) => {
                Value::Tagged(0, Arc::new(value))
            }
            scalar => scalar,
        },
        other => panic!("no value of type {other}"),
    }
}
