//! The invariants. Each has the name under which it is promised.

use std::collections::{BTreeMap, BTreeSet};

use engine::log::{CallNode, CallTiming, Event, Record, StoredValue};
use engine::ports::{EventQuery, ExecutionQuery, Listening, Timer};
use engine::{Action, Execution, ExecutionId, Provider, Status, Timestamp, step};
use model::plan::{BindingId, CallId, Expr, InputId};
use model::{Failure, Plan, Text, Value};

use crate::facts::Told;
use crate::modules;
use crate::world::World;

/// All executions in the store.
pub(crate) fn stored(world: &World) -> Vec<ExecutionId> {
    let query = ExecutionQuery { limit: usize::MAX, ..ExecutionQuery::default() };
    let rows = world.around.store.look(|store| engine::Store::executions(store, query));
    rows.into_iter().map(|row| row.id).collect()
}

fn log(world: &World, id: ExecutionId) -> Result<Vec<Record>, String> {
    world.around.store.log(id).ok_or_else(|| format!("{id} is listed and has no log"))
}

fn empty(world: &World, id: ExecutionId) -> Result<Execution, String> {
    let at = world.program_of(id).ok_or_else(|| format!("{id} runs no known program"))?;
    Ok(Execution::new(world.programs[at].loaded.clone()))
}

/// The state that follows from the log.
pub(crate) fn folded(world: &World, id: ExecutionId) -> Result<Execution, String> {
    let mut execution = empty(world, id)?;
    for record in log(world, id)? {
        step(&mut execution, &record);
    }
    Ok(execution)
}

/// What the store lists of each execution follows from its log, and nothing that can run is stuck.
pub(crate) fn everything_rests(world: &World) -> Result<(), String> {
    let query = ExecutionQuery { limit: usize::MAX, ..ExecutionQuery::default() };
    let rows = world.around.store.look(|store| engine::Store::executions(store, query));
    let mut timers = BTreeSet::new();
    for row in rows {
        let execution = folded(world, row.id)?;
        let (status, id) = (execution.status(), row.id);
        if row.summary.status != status {
            let listed = row.summary.status;
            return Err(format!("the listing says {listed:?} and the log {status:?} of {id}"));
        }
        if status == Status::Running {
            return Err(format!("nothing that can run stays stuck: {id} still runs"));
        }
        if status == Status::Suspended && row.summary.missing.is_empty() {
            return Err(format!("nothing that can run stays stuck: {id} waits for nothing"));
        }
        timers.extend(execution.next_deadline().map(|due| Timer { due, id }));
        for Listening { event_type, key, input } in execution.listening() {
            let query = EventQuery {
                event_type: Some(event_type),
                key: Some(key),
                limit: 1,
                ..EventQuery::default()
            };
            let kept = world.around.store.look(|store| engine::Store::kept_events(store, query));
            if !kept.is_empty() {
                return Err(format!("no event is lost: `{input}` of {id} waits beside a kept one"));
            }
        }
    }
    let kept = world.around.store.look(|store| engine::Store::timers(store, usize::MAX));
    if timers != kept.iter().copied().collect() {
        return Err(format!("the timers are {kept:?} and should be {timers:?}"));
    }
    let now = engine::Clock::now(&*world.around.clock);
    match timers.first() {
        Some(timer) if timer.due <= now => Err(format!("a deadline did not pass: {timer:?}")),
        _ => Ok(()),
    }
}

/// All invariants, at the end.
pub(crate) fn all(world: &mut World) -> Result<(), String> {
    everything_rests(world)?;
    accepted_inputs_are_there(world)?;
    recorded_results_are_not_computed_again(world)?;
    events_are_delivered_or_kept(world)?;
    claims_lead_to_one_execution(world)?;
    for id in stored(world) {
        let log = log(world, id)?;
        filled_cells_do_not_change(world, id, &log)?;
        any_order_gives_the_same_outputs(world, id, &log)?;
        note(world, &log);
    }
    Ok(())
}

fn note(world: &mut World, log: &[Record]) {
    world.seen.executions += 1;
    for record in log {
        match record.event {
            Event::DeadlinePassed { .. } => world.seen.deadlines += 1,
            Event::Resumed { .. } => world.seen.resumes += 1,
            Event::Received(_) => world.seen.events += 1,
            _ => {}
        }
    }
}

fn accepted_inputs_are_there(world: &World) -> Result<(), String> {
    let told = world.facts.told();
    let gone: BTreeSet<ExecutionId> = told
        .iter()
        .filter_map(|told| match told {
            Told::MayBeDeleted { id } | Told::Deleted { id } => Some(*id),
            _ => None,
        })
        .collect();
    let there: BTreeSet<ExecutionId> = stored(world).into_iter().collect();
    for told in told {
        let is_cancel = matches!(told, Told::Cancelled { .. });
        let (id, inputs, resolved) = match told {
            Told::Started { id, inputs, .. } => (id, inputs, Vec::new()),
            Told::Resumed { id, inputs, resolved } => (id, inputs, resolved),
            Told::Cancelled { id } => (id, Vec::new(), Vec::new()),
            Told::Deleted { id } if there.contains(&id) => {
                return Err(format!("{id} was deleted and is there"));
            }
            Told::Deleted { .. } | Told::MayBeDeleted { .. } | Told::Delivered { .. } => continue,
        };
        if gone.contains(&id) {
            continue;
        }
        if !there.contains(&id) {
            return Err(format!("an accepted input is never lost: {id} is gone"));
        }
        let execution = folded(world, id)?;
        if is_cancel && execution.status() != Status::Cancelled {
            return Err(format!("{id} was cancelled and is not"));
        }
        for (input, value) in inputs {
            if execution.provided(input).is_none_or(|one| shown(&one.value) != shown(&value)) {
                let found = execution.provided(input);
                return Err(format!(
                    "an accepted input is never lost: {id} was given {value:?} for input {input} \
                     and has {found:?}"
                ));
            }
        }
        for (binding, value) in resolved {
            let log = log(world, id)?;
            let is_recorded = log.iter().any(|record| match &record.event {
                Event::Resumed { resolved, .. } => resolved
                    .iter()
                    .any(|(id, stored)| *id == binding && shown(&stored.0) == shown(&value)),
                _ => false,
            });
            // Equal to what was computed, it is no news.
            if !is_recorded && execution.binding(binding).map(shown) != Some(shown(&value)) {
                return Err(format!("an accepted value of a node is never lost: {id}"));
            }
        }
    }
    Ok(())
}

/// The value as text that is equal only for equal values.
fn shown(value: &Value) -> String {
    format!("{value:?}")
}

fn recorded_results_are_not_computed_again(world: &World) -> Result<(), String> {
    for begun in world.facts.begun() {
        for recorded in &begun.recorded {
            // What was deleted has no log to compare with.
            let Ok(execution) = empty(world, recorded.id) else { continue };
            let key = engine::call_key(execution.image().plan(), &recorded.node, recorded.id);
            if key == begun.key {
                return Err(format!("a recorded result is never recomputed: {key} was called"));
            }
        }
    }
    for id in stored(world) {
        let mut completed: BTreeSet<CallNode> = BTreeSet::new();
        for record in log(world, id)? {
            if let Event::CallCompleted { node, .. } = record.event
                && !completed.insert(node.clone())
            {
                return Err(format!("a result is recorded twice: {node:?} of {id}"));
            }
        }
    }
    Ok(())
}

fn events_are_delivered_or_kept(world: &World) -> Result<(), String> {
    // Where each event is, by its id.
    let mut in_logs: BTreeMap<Text, Vec<ExecutionId>> = BTreeMap::new();
    let there = stored(world);
    for id in &there {
        for record in log(world, *id)? {
            if let Event::Received(received) = record.event {
                in_logs.entry(received.id.unwrap_or_default()).or_default().push(*id);
            }
        }
    }
    let query = EventQuery { limit: usize::MAX, ..EventQuery::default() };
    let mut kept = BTreeSet::new();
    for event in world.around.store.look(|store| engine::Store::kept_events(store, query)) {
        let record = Record::decode(&event.record).map_err(|fault| fault.to_string())?;
        let Event::Received(received) = record.event else { continue };
        if !kept.insert(received.id.clone().unwrap_or_default()) {
            return Err(format!("an event is kept twice: {:?}", received.id));
        }
    }
    for (event, logs) in &in_logs {
        let once: BTreeSet<_> = logs.iter().collect();
        if once.len() < logs.len() || kept.contains(event) {
            return Err(format!("an event is delivered twice: {event}"));
        }
    }
    let is_any_deleted =
        world.facts.told().iter().any(|told| matches!(told, Told::MayBeDeleted { .. }));
    for told in world.facts.told() {
        let Told::Delivered { number, delivered } = told else { continue };
        let name = Text::from(number.to_string());
        let logs = in_logs.get(&name).map(Vec::as_slice).unwrap_or_default();
        let is_there = kept.contains(&name) || !logs.is_empty() || is_any_deleted;
        let got_it = |id: &ExecutionId| logs.contains(id) || !there.contains(id);
        if !is_there || !delivered.executions.iter().all(got_it) {
            return Err(format!("no event is lost: {number} was accepted as {delivered:?}"));
        }
    }
    Ok(())
}

/// However often a client asks again with its key, also after a crash.
fn claims_lead_to_one_execution(world: &World) -> Result<(), String> {
    let mut claimed: BTreeMap<String, ExecutionId> = BTreeMap::new();
    for number in 0..=world.claims() {
        let key = Text::from(format!("key-{number}"));
        let claim = world.around.store.look(|store| engine::Store::claim(store, key.clone()));
        if let Some(id) = claim.and_then(|claim| claim.execution)
            && let Some(other) = claimed.insert(id.to_string(), id)
        {
            return Err(format!("two keys stand for {other}"));
        }
    }
    let keyed = world.facts.keyed_starts();
    let there = stored(world);
    for (key, ids) in keyed {
        let alive = ids.iter().filter(|id| there.contains(id)).count();
        if alive > 1 {
            return Err(format!("{key} stands for {alive} executions"));
        }
    }
    Ok(())
}

/// A timer never overwrites, and neither does anything else.
fn filled_cells_do_not_change(
    world: &World,
    id: ExecutionId,
    log: &[Record],
) -> Result<(), String> {
    let mut execution = empty(world, id)?;
    let inputs = 0..execution.image().plan().inputs.len() as InputId;
    let mut filled: BTreeMap<InputId, (String, Provider)> = BTreeMap::new();
    for record in log {
        step(&mut execution, record);
        for input in inputs.clone() {
            let now = execution.provided(input).map(|one| (shown(&one.value), one.by));
            let before = filled.get(&input);
            if before.is_some() && before != now.as_ref() {
                return Err(format!("a timer never overwrites: {before:?} became {now:?} in {id}"));
            }
            filled.extend(now.map(|now| (input, now)));
        }
    }
    Ok(())
}

/// What was supplied in the end gives the same outputs at once, and with repairs before and after
/// the inputs.
fn any_order_gives_the_same_outputs(
    world: &mut World,
    id: ExecutionId,
    log: &[Record],
) -> Result<(), String> {
    let execution = folded(world, id)?;
    let plan = execution.image().plan();
    if execution.status() != Status::Completed || changed_its_answer(plan, log) {
        return Ok(());
    }
    world.seen.completed += 1;
    let inputs = (0..plan.inputs.len() as InputId)
        .filter_map(|input| Some((input, StoredValue(execution.provided(input)?.value.clone()))));
    let inputs: Vec<_> = inputs.collect();
    let resolved: Vec<(BindingId, StoredValue)> = log
        .iter()
        .flat_map(|record| match &record.event {
            Event::Resumed { resolved, .. } => resolved.clone(),
            _ => Vec::new(),
        })
        .collect();
    let expected = outputs(&execution);
    let ends = last_ends(log);
    let image = execution.image().digest();
    let started = |inputs| Event::Started { image, pipeline: None, inputs };
    let resumed = |inputs, resolved| Event::Resumed { inputs, resolved, retry_failed: false };
    // Optional inputs and defaults count only at the start.
    let (first, later): (Vec<_>, Vec<_>) = inputs
        .iter()
        .cloned()
        .partition(|(input, _)| !plan.is_required(*input) || world.random.percent(50));
    let ways = [
        ("all at once", vec![started(inputs.clone()), resumed(Vec::new(), resolved.clone())]),
        (
            "repair then resume",
            vec![
                started(first.clone()),
                resumed(Vec::new(), resolved.clone()),
                resumed(later.clone(), Vec::new()),
            ],
        ),
        (
            "resume then repair",
            vec![started(first), resumed(later, Vec::new()), resumed(Vec::new(), resolved)],
        ),
    ];
    for (name, events) in ways {
        let mut other = empty(world, id)?;
        let is_accepted = events.into_iter().all(|event| {
            let is_accepted = accepts(&other, &event);
            if is_accepted {
                happen(&mut other, event, &ends);
            }
            is_accepted
        });
        if !is_accepted {
            continue;
        }
        let found = outputs(&other);
        if other.status() != Status::Completed || found != expected {
            return Err(format!(
                "any order gives the same outputs: {id} has {expected:?}, {name} gives {:?} {found:?}",
                other.status()
            ));
        }
    }
    Ok(())
}

/// Whether the nodes that an event resolves have no value yet.
fn accepts(execution: &Execution, event: &Event) -> bool {
    match event {
        Event::Resumed { resolved, .. } => {
            resolved.iter().all(|(binding, _)| execution.binding(*binding).is_none())
        }
        _ => true,
    }
}

/// Whether a call whose failure is caught failed and was retried with success. What followed from its
/// fallback by then stays, so the moment of the retry counts.
fn changed_its_answer(plan: &Plan, log: &[Record]) -> bool {
    let is_caught = |call: CallId| {
        plan.exprs.iter().any(|expr| match expr {
            Expr::Rescue(rescue) => plan.exprs[rescue.of as usize] == Expr::Call(call),
            _ => false,
        })
    };
    let mut failed = BTreeSet::new();
    log.iter().any(|record| match &record.event {
        Event::CallFailed { node, .. } => {
            failed.insert(node);
            false
        }
        Event::CallCompleted { node, .. } => failed.contains(node) && is_caught(node.call),
        _ => false,
    })
}

type Ends = BTreeMap<CallNode, Result<Value, Failure>>;

/// How each call ended in the end.
fn last_ends(log: &[Record]) -> Ends {
    let mut ends = Ends::new();
    for record in log {
        match &record.event {
            Event::CallCompleted { node, value, .. } => {
                ends.insert(node.clone(), Ok(value.clone()));
            }
            Event::CallFailed { node, failure, .. } => {
                ends.insert(node.clone(), Err(failure.clone()));
            }
            _ => {}
        }
    }
    ends
}

/// Lets an event happen, and ends every call that follows from it at once, as it ended before.
fn happen(execution: &mut Execution, event: Event, ends: &Ends) {
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        let record = Record { at: Timestamp(0), event };
        for Action::Call(call) in step(execution, &record) {
            let end = ends.get(&call.node).cloned().unwrap_or_else(|| {
                let plan = execution.image().plan();
                let module = plan.calls[call.node.call as usize].module;
                let argument = match &call.arguments[0] {
                    Value::Int(argument) => *argument,
                    _ => 0,
                };
                let name = &plan.modules[module as usize].name;
                Ok(Value::Int(modules::answer(name, argument)))
            });
            let node = call.node;
            events.push(match end {
                Ok(value) => {
                    Event::CallCompleted { node, value, attempts: 1, timing: CallTiming::default() }
                }
                Err(failure) => Event::CallFailed { node, failure, timing: CallTiming::default() },
            });
        }
    }
}

fn outputs(execution: &Execution) -> Vec<(Text, String)> {
    let view = engine::ExecutionView::of(execution, ExecutionId::from_bytes([0; 16]), None);
    view.named_outputs().map(|(name, _, value)| (name.clone(), shown(value))).collect()
}
