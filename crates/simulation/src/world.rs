//! One world: programs, clients, a server that is killed now and then, and a store that outlives it.
//! A seeded scheduler decides what happens next.

use std::sync::Arc;
use std::time::Duration;

use engine::log::Received;
use engine::ports::{Answering, Claim};
use engine::{Caller, Clock, Engine, ExecutionId, LoadedImage, Resume, Start, Status};
use model::plan::InputId;
use model::{Digest, Text, Type, Value};

use crate::check;
use crate::clock::SimClock;
use crate::facts::{Facts, Told};
use crate::modules::{Ending, SimModules};
use crate::process::Process;
use crate::program;
use crate::random::Random;
use crate::store::{Outcome, SimStore};

/// Things that the scheduler does before it lets everything come to rest.
const STEPS: usize = 70;
/// What it may take until everything rests.
const SETTLE_STEPS_MAX: usize = 20_000;

/// What a world has seen, so that a simulation of nothing is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Worlds in which everything held.
    pub worlds: u64,
    /// Executions that are in the store at the end.
    pub executions: u64,
    /// Of these, those that completed.
    pub completed: u64,
    /// Times that the process was killed.
    pub crashes: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Calls of modules.
    pub calls: u64,
    /// Events that were accepted.
    pub events: u64,
    /// Deadlines that passed.
    pub deadlines: u64,
    /// Resumes that were accepted.
    pub resumes: u64,
}

/// What stays when a process dies.
pub(crate) struct Surroundings {
    pub(crate) store: Arc<SimStore>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) modules: Arc<SimModules>,
}

impl Surroundings {
    pub(crate) fn engine(&self) -> Engine {
        let registry = SimModules::registry(&self.modules);
        Engine::new(self.store.clone(), self.clock.clone(), registry)
    }
}

/// A program that was compiled.
pub(crate) struct Program {
    pub(crate) loaded: Arc<LoadedImage>,
    pub(crate) source: Text,
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) around: Surroundings,
    pub(crate) programs: Vec<Program>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) seen: Seen,
    process: Process,
    claims: u64,
    events: u64,
}

/// Runs the world of one seed. The error names the invariant that does not hold.
pub fn simulate(seed: u64) -> Result<Seen, String> {
    let mut world = World::new(seed)?;
    world.live()?;
    world.seen.worlds = 1;
    Ok(world.seen)
}

/// The same with all that can be told of it: programs, logs, and what was seen or does not hold.
pub fn tell(seed: u64) -> Result<String, String> {
    let mut world = World::new(seed)?;
    let lived = world.live();
    let mut text = String::new();
    for program in &world.programs {
        text += &format!("{}\n{}\n", program.loaded.digest(), program.source);
    }
    for id in check::stored(&world) {
        text += &format!("{id}\n");
        for record in world.around.store.log(id).unwrap_or_default() {
            text += &format!("  {} {:?}\n", record.at.0, record.event);
        }
    }
    match lived {
        Ok(()) => Ok(format!("{text}{:#?}", world.seen)),
        Err(fault) => Err(format!("{text}{fault}")),
    }
}

impl Seen {
    /// Adds what another world has seen.
    pub fn add(&mut self, other: &Seen) {
        self.worlds += other.worlds;
        self.executions += other.executions;
        self.completed += other.completed;
        self.crashes += other.crashes;
        self.failed_writes += other.failed_writes;
        self.calls += other.calls;
        self.events += other.events;
        self.deadlines += other.deadlines;
        self.resumes += other.resumes;
    }
}

impl World {
    fn new(seed: u64) -> Result<World, String> {
        let mut random = Random::new(seed);
        let around = Surroundings {
            store: Arc::new(SimStore::new()),
            clock: Arc::new(SimClock::new()),
            modules: Arc::default(),
        };
        let catalog = SimModules::registry(&around.modules).catalog();
        let programs = (0..1 + random.below(2)).map(|_| {
            let source = program::source(&mut random);
            let compilation = lang::compile(&source, &catalog);
            let image = compilation.image.ok_or_else(|| {
                format!(
                    "a random program does not compile: {:?}\n{source}",
                    compilation.diagnostics
                )
            })?;
            let loaded = LoadedImage::new(image).map_err(|unknown| unknown.0.to_string())?;
            Ok(Program { loaded: Arc::new(loaded), source: source.into() })
        });
        let programs = programs.collect::<Result<_, String>>()?;
        let process = Process::start(&around);
        let (facts, seen) = (Arc::default(), Seen::default());
        Ok(World { random, around, programs, facts, seen, process, claims: 0, events: 0 })
    }

    fn live(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            self.step();
        }
        self.settle()?;
        check::everything_rests(self)?;
        self.supply_all()?;
        self.crash();
        self.settle()?;
        check::all(self)
    }

    /// The highest number of an idempotency key.
    pub(crate) fn claims(&self) -> u64 {
        self.claims
    }

    fn step(&mut self) {
        self.run();
        match self.random.below(100) {
            0..2 => self.crash(),
            2..12 => self.let_time_pass(),
            12..34 => self.client(),
            34..60 if self.around.modules.waiting() > 0 => self.end_call(),
            _ if self.around.store.is_asked() => self.answer_store(),
            _ if self.around.modules.waiting() > 0 => self.end_call(),
            _ => self.client(),
        }
    }

    fn run(&mut self) {
        self.process.run();
        let begun = self.around.modules.take_begun();
        self.seen.calls += begun.len() as u64;
        self.facts.note_calls(begun, &self.around.store);
    }

    fn crash(&mut self) {
        self.seen.crashes += 1;
        self.around.store.crash(&mut self.random);
        self.around.modules.crash();
        self.facts.crash();
        self.process = Process::start(&self.around);
    }

    fn let_time_pass(&mut self) {
        match self.around.clock.next() {
            Some(next) if self.random.percent(60) => self.around.clock.advance_to(next),
            _ => self.around.clock.advance_by(1 + self.random.below(20_000) as i64),
        }
    }

    fn end_call(&mut self) {
        let at = self.random.below(self.around.modules.waiting());
        let ending = match self.random.below(100) {
            0..15 => Ending::Retryable,
            15..25 => Ending::Final,
            _ => Ending::Success,
        };
        self.around.modules.end(at, ending);
    }

    fn answer_store(&mut self) {
        let outcome = match self.random.below(100) {
            0..3 => Outcome::Refused,
            3 => Outcome::DoneButRefused,
            _ => Outcome::Done,
        };
        self.seen.failed_writes += u64::from(outcome != Outcome::Done);
        self.around.store.answer(&mut self.random, outcome);
    }

    /// Lets everything that goes on by itself come to its end: nothing fails any more.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..SETTLE_STEPS_MAX {
            self.run();
            if self.around.store.is_asked() {
                self.around.store.answer(&mut self.random, Outcome::Done);
            } else if self.around.modules.waiting() > 0 {
                let at = self.random.below(self.around.modules.waiting());
                self.around.modules.end(at, Ending::Success);
            } else if let Some(next) = self.around.clock.next() {
                self.around.clock.advance_to(next);
            } else {
                return Ok(());
            }
        }
        Err("nothing that can run stays stuck: it never comes to rest".to_owned())
    }

    fn client(&mut self) {
        let known = self.facts.executions();
        match self.random.below(100) {
            0..35 => self.start(),
            35..75 if !known.is_empty() => self.resume(*self.random.clone().pick(&known)),
            75..90 => self.deliver(),
            90..93 if !known.is_empty() => self.cancel(*self.random.clone().pick(&known)),
            93..94 if !known.is_empty() => self.delete(*self.random.clone().pick(&known)),
            _ => self.deliver(),
        }
        self.random.next();
    }

    fn caller(&mut self) -> Caller {
        let wait = *self.random.pick(&[0, 1, 60_000]);
        Caller::waiting(Duration::from_millis(wait))
    }

    fn start(&mut self) {
        let at = self.random.below(self.programs.len());
        let chance = *self.random.pick(&[0, 40, 100]);
        let inputs = self.values(at, chance);
        let mut caller = self.caller();
        let keep = self.random.percent(30);
        if self.random.percent(20) {
            // Some keys are used again, as after an answer that was lost.
            self.claims += u64::from(self.random.percent(70));
            caller.claim = Some(self.claim());
        }
        let program = &self.programs[at];
        let (loaded, source) = (program.loaded.clone(), Some(program.source.clone()));
        let start = Start { loaded, source, pipeline: None, inputs: inputs.clone(), keep };
        let (engine, facts) = (self.process.engine.clone(), self.facts.clone());
        self.process.spawn(async move {
            if let Some(claim) = &caller.claim {
                // What the server does: a key that is in use begins nothing.
                match engine.claim(claim.claim.key.clone()).await {
                    Ok(None) if facts.begin(&claim.claim.key) => {}
                    Ok(_) | Err(_) => return,
                }
            }
            let key = caller.claim.as_ref().map(|claim| claim.claim.key.clone());
            let started = engine.start(start, caller).await;
            key.iter().for_each(|key| facts.end(key));
            if let Ok(view) = started
                && view.kept.is_some()
            {
                facts.tell(Told::Started { id: view.id, inputs, key });
            }
        });
    }

    fn claim(&self) -> Answering<engine::ExecutionView> {
        let key = Text::from(format!("key-{}", self.claims));
        let claim = Claim {
            key,
            digest: Digest([0; 32]),
            at: self.around.clock.now(),
            execution: None,
            answer: None,
        };
        let answer = Arc::new(|view: &engine::ExecutionView| view.id.to_string().into_bytes());
        Answering { claim, answer }
    }

    fn resume(&mut self, id: ExecutionId) {
        let Some(at) = self.program_of(id) else { return };
        let chance = *self.random.pick(&[30, 60, 100]);
        let inputs = self.values(at, chance);
        let plan = self.programs[at].loaded.plan();
        let mut resolved = Vec::new();
        if self.random.percent(10) {
            let named = 0..plan.bindings.len() as u32;
            let named: Vec<u32> =
                named.filter(|id| plan.bindings[*id as usize].name.starts_with('b')).collect();
            if !named.is_empty() {
                let value = Value::Int(self.random.below(3) as i64);
                resolved.push((*self.random.pick(&named), value));
            }
        }
        let is_int = |id: &u32| *plan.ty(plan.bindings[*id as usize].ty) == Type::Int;
        resolved.retain(|(id, _)| is_int(id));
        let retry_failed = self.random.percent(30);
        let resume = Resume { inputs, resolved, retry_failed };
        let caller = self.caller();
        let (engine, facts) = (self.process.engine.clone(), self.facts.clone());
        self.process.spawn(async move {
            if engine.resume(id, resume.clone(), caller).await.is_ok() {
                let Resume { inputs, resolved, .. } = resume;
                facts.tell(Told::Resumed { id, inputs, resolved });
            }
        });
    }

    fn deliver(&mut self) {
        self.events += 1;
        let number = match self.random.percent(20) {
            true => 1 + self.random.below(self.events as usize) as u64,
            false => self.events,
        };
        // What has the same id is the same event.
        let key = number % 4;
        let data = if number % 7 == 0 { "\"no number\"" } else { "8" };
        let received = Received {
            source: None,
            id: Some(number.to_string().into()),
            event_type: "e".into(),
            key: key.to_string().into(),
            data: data.into(),
        };
        let (engine, facts) = (self.process.engine.clone(), self.facts.clone());
        self.process.spawn(async move {
            if let Ok(delivered) = engine.deliver(received, None).await {
                facts.tell(Told::Delivered { number, delivered });
            }
        });
    }

    fn cancel(&mut self, id: ExecutionId) {
        let (engine, facts) = (self.process.engine.clone(), self.facts.clone());
        self.process.spawn(async move {
            if engine.cancel(id, None).await.is_ok() {
                facts.tell(Told::Cancelled { id });
            }
        });
    }

    fn delete(&mut self, id: ExecutionId) {
        let (engine, facts) = (self.process.engine.clone(), self.facts.clone());
        facts.tell(Told::MayBeDeleted { id });
        self.process.spawn(async move {
            if engine.delete(id).await.is_ok() {
                facts.tell(Told::Deleted { id });
            }
        });
    }

    /// Which program an execution runs.
    pub(crate) fn program_of(&self, id: ExecutionId) -> Option<usize> {
        let rows = self.around.store.log(id)?;
        let engine::log::Event::Started { image, .. } = rows.first()?.event else { return None };
        self.programs.iter().position(|program| program.loaded.digest() == image)
    }

    /// Values for some of the inputs of a program. Most are always the same.
    fn values(&mut self, at: usize, chance: usize) -> Vec<(InputId, Value)> {
        let plan = self.programs[at].loaded.plan();
        let mut values = Vec::new();
        for (id, input) in plan.inputs.iter().enumerate() {
            if self.random.percent(chance) {
                let usual = if self.random.percent(85) { 0 } else { 1 + self.random.below(2) };
                values.push((id as InputId, value_of(plan.ty(input.ty), id + usual)));
            }
        }
        values
    }

    /// Supplies whatever is still missing and retries what failed, until nothing of it helps.
    fn supply_all(&mut self) -> Result<(), String> {
        for _ in 0..20 {
            let mut is_any_left = false;
            for id in check::stored(self) {
                let Some(at) = self.program_of(id) else { continue };
                let execution = check::folded(self, id)?;
                if matches!(execution.status(), Status::Completed | Status::Cancelled) {
                    continue;
                }
                let plan = self.programs[at].loaded.plan();
                let unsupplied = (0..plan.inputs.len() as InputId)
                    .filter(|id| execution.provided(*id).is_none())
                    .map(|id| (id, value_of(plan.ty(plan.inputs[id as usize].ty), id as usize)));
                let inputs: Vec<_> = unsupplied.collect();
                if inputs.is_empty() && !execution.has_failed_call() {
                    continue;
                }
                is_any_left = true;
                let resume = Resume { inputs, resolved: Vec::new(), retry_failed: true };
                let caller = Caller::waiting(Duration::from_secs(60));
                let engine = self.process.engine.clone();
                self.process.spawn(async move { drop(engine.resume(id, resume, caller).await) });
            }
            self.settle()?;
            if !is_any_left {
                return Ok(());
            }
        }
        Err("nothing that can run stays stuck: supplying everything does not help".to_owned())
    }
}

/// A small value of a type.
fn value_of(ty: &Type, number: usize) -> Value {
    match ty {
        Type::Boolean => Value::Boolean(number.is_multiple_of(2)),
        _ => Value::Int(number as i64 % 4),
    }
}
