//! One execution of a documented program, run through `step` alone.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use engine::log::{CallTiming, Event, Received, Record, StoredValue};
use engine::{
    Action, CallAction, Execution, ExecutionId, ExecutionView, LoadedImage, Status, Timestamp,
    step, supply,
};
use model::plan::InputId;
use model::{Catalog, Code, Effect, Failure, Function, Origin, Text, Value, json};
use serde_json::json;

use super::claims::Claim;
use super::stored;

/// The modules that the documentation names.
const MODULES: [(&str, Effect, &str); 9] = [
    ("Load", Effect::Read, "(id: String) -> { id: String, score: Int }"),
    ("Upper", Effect::Read, "(text: String) -> String"),
    ("Slow", Effect::Read, "(text: String) -> String"),
    ("Broken", Effect::Read, "(text: String) -> String"),
    ("Send", Effect::Write, "(message: String) -> String"),
    ("Total", Effect::Read, "(numbers: List<Int>) -> Int"),
    ("Weigh", Effect::Read, "(x: Float) -> Float"),
    ("shop.Price", Effect::Read, "(id: String) -> Float"),
    ("crm.Price", Effect::Read, "(id: String) -> Float"),
];

/// The standard library, the documented modules and the pipelines of `pipelines.md`.
pub(crate) fn catalog() -> Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        let mut catalog = modules();
        let compile = |source: &str, catalog: &Catalog| lang::compile(source, catalog).image;
        stored::insert_documented(&mut catalog, compile);
        catalog
    });
    CATALOG.clone()
}

fn modules() -> Catalog {
    let mut catalog = engine::Registry::default().catalog();
    for (qualified, effect, signature) in MODULES {
        let (namespace, name) = qualified.rsplit_once('.').unwrap_or(("", qualified));
        catalog.insert(Function {
            namespace: namespace.into(),
            name: name.into(),
            signature: lang::signature(signature).expect("a signature"),
            effect,
            origin: Origin::Host,
            doc: Text::default(),
            overloads: Vec::new(),
        });
    }
    catalog
}

fn answer(module: &str, arguments: &[Value]) -> Result<Value, Failure> {
    match (module, arguments) {
        ("Load", [Value::String(id)]) => {
            Ok(Value::Record([Value::String(id.clone()), Value::Int(id.len() as i64)].into()))
        }
        ("Upper", [Value::String(text)]) => Ok(Value::string(text.to_uppercase())),
        ("Slow", [Value::String(text)]) => Ok(Value::string(format!("slow {text}"))),
        ("Send", [Value::String(text)]) => Ok(Value::string(format!("sent {text}"))),
        ("Total", [Value::List(items)]) => {
            let int = |item: &Value| if let Value::Int(int) = item { *int } else { 0 };
            Ok(Value::Int(items.iter().map(int).sum()))
        }
        ("Weigh", [Value::Float(x)]) => Ok(Value::Float(x * 2.0)),
        _ => Err(Failure::new(Code::R001, "it is broken")),
    }
}

/// An execution and its log.
pub(crate) struct Session {
    loaded: Arc<LoadedImage>,
    execution: Execution,
    log: Vec<Record>,
    calls: Vec<String>,
    now: i64,
    /// Events that nobody has listened for yet.
    kept: Vec<Received>,
    /// Decides which of the running calls is answered next.
    order: u64,
}

impl Session {
    /// Starts an execution and runs it to its first rest.
    pub(crate) fn start(image: model::Image, inputs: &str, order: u64) -> Result<Session, String> {
        let digest = image.digest;
        let loaded = Arc::new(LoadedImage::new(image).map_err(|unknown| unknown.0.to_string())?);
        let inputs = read(&loaded, inputs)?;
        let execution = Execution::new(loaded.clone());
        let (log, calls, kept) = (Vec::new(), Vec::new(), Vec::new());
        let mut session = Session { loaded, execution, log, calls, now: 0, kept, order };
        session.happen(Event::Started { image: digest, pipeline: None, inputs })?;
        Ok(session)
    }

    /// Whether the claim is true; supplies what it supplies.
    pub(crate) fn check(&mut self, claim: &Claim) -> Result<(), String> {
        match claim {
            Claim::Resume(inputs) => {
                let inputs = read(&self.loaded, inputs)?;
                self.resume(inputs, Vec::new(), false)
            }
            Claim::Resolve(nodes) => {
                let members = json::entries(nodes).map_err(|fault| format!("{fault:?}"))?;
                let nodes = supply::nodes(self.loaded.plan(), &members, "")
                    .map_err(|faults| format!("{faults:?}"))?;
                let resolved = nodes.into_iter().map(|(id, value)| (id, StoredValue(value)));
                self.resume(Vec::new(), resolved.collect(), false)
            }
            Claim::Retry => self.resume(Vec::new(), Vec::new(), true),
            Claim::After(milliseconds) => self.pass(*milliseconds),
            Claim::Event(event) => {
                self.kept.push(received(event)?);
                self.take_kept()
            }
            Claim::Out(outputs) => same("out", outputs, self.outputs()),
            Claim::Status(status) => {
                let found = self.execution.status().as_str().to_lowercase();
                if &found == status { Ok(()) } else { Err(format!("the status is {found}")) }
            }
            Claim::Missing(names) => {
                let missing: Vec<String> =
                    self.view().missing_names().map(|name| name.to_string()).collect();
                same("missing", names, json!(missing))
            }
            Claim::Calls(names) => {
                let mut calls = self.calls.clone();
                calls.sort();
                let mut claimed: Vec<String> =
                    serde_json::from_str(names).map_err(|fault| fault.to_string())?;
                claimed.sort();
                if claimed == calls { Ok(()) } else { Err(format!("the calls are {calls:?}")) }
            }
            Claim::Ok
            | Claim::Diagnostic(_)
            | Claim::Type(_)
            | Claim::Fails(_)
            | Claim::In(_)
            | Claim::Rejected(_) => Err(format!("{claim:?} is not about a running execution")),
        }
    }

    /// Whether the binding failed with this code.
    pub(crate) fn fails(&self, name: &str, code: &str) -> Result<(), String> {
        let view = self.view();
        let failure = view.failed.iter().find(|(failed, _)| failed == name);
        match failure {
            Some((_, failure)) if failure.code.as_str() == code => Ok(()),
            other => Err(format!("`{name}` should fail with {code}, found {other:?}")),
        }
    }

    fn resume(
        &mut self,
        inputs: Vec<(InputId, StoredValue)>,
        resolved: Vec<(u32, StoredValue)>,
        retry_failed: bool,
    ) -> Result<(), String> {
        self.happen(Event::Resumed { inputs, resolved, retry_failed })
    }

    /// Lets time pass, and every deadline that falls due meanwhile.
    fn pass(&mut self, milliseconds: i64) -> Result<(), String> {
        let end = self.now + milliseconds;
        while let Some(due) = self.execution.next_deadline().filter(|due| due.0 <= end) {
            self.now = due.0;
            for input in self.execution.passed_deadlines(due) {
                self.happen(Event::DeadlinePassed { input })?;
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    /// Gives the kept events to inputs that listen for them, the oldest first.
    fn take_kept(&mut self) -> Result<(), String> {
        loop {
            let listening = self.execution.listening();
            let is_taken = |event: &Received| {
                listening
                    .iter()
                    .any(|one| one.event_type == event.event_type && one.key == event.key)
            };
            let Some(at) = self.kept.iter().position(is_taken) else { return Ok(()) };
            let event = self.kept.remove(at);
            self.answer_all(Event::Received(event))?;
        }
    }

    /// Takes one event in and all that follows from it.
    fn happen(&mut self, event: Event) -> Result<(), String> {
        self.answer_all(event)?;
        self.take_kept()
    }

    /// Takes one event in and answers all calls that follow from it.
    fn answer_all(&mut self, event: Event) -> Result<(), String> {
        let mut running = self.step(event);
        while !running.is_empty() {
            self.order = self.order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let call = running.swap_remove((self.order >> 33) as usize % running.len());
            let event = self.answer(&call);
            running.extend(self.step(event));
        }
        self.check_replay()
    }

    fn step(&mut self, event: Event) -> Vec<CallAction> {
        self.now += 1;
        let record = Record { at: Timestamp(self.now), event };
        let actions = step(&mut self.execution, &record);
        self.log.push(record);
        actions.into_iter().map(|Action::Call(call)| call).collect()
    }

    fn answer(&mut self, action: &CallAction) -> Event {
        let plan = self.loaded.plan();
        let module = &plan.modules[plan.calls[action.node.call as usize].module as usize].name;
        self.calls.push(module.to_string());
        match answer(module, &action.arguments) {
            Ok(value) => Event::CallCompleted {
                node: action.node.clone(),
                value,
                attempts: 1,
                timing: CallTiming::default(),
            },
            Err(failure) => Event::CallFailed {
                node: action.node.clone(),
                failure,
                timing: CallTiming::default(),
            },
        }
    }

    /// The log, written and read back, must fold to the state that wrote it.
    fn check_replay(&self) -> Result<(), String> {
        let mut replayed = Execution::new(self.loaded.clone());
        for record in &self.log {
            let record = Record::decode(&record.encode()).map_err(|fault| fault.to_string())?;
            step(&mut replayed, &record);
        }
        let (live, replayed) = (describe(&self.view()), describe(&view(&replayed)));
        if live == replayed { Ok(()) } else { Err(format!("{live}\nis replayed as\n{replayed}")) }
    }

    fn view(&self) -> ExecutionView {
        view(&self.execution)
    }

    fn outputs(&self) -> serde_json::Value {
        let view = self.view();
        let outputs: BTreeMap<String, serde_json::Value> = view
            .named_outputs()
            .map(|(name, ty, value)| {
                let text = json::to_string(ty, value);
                (name.to_string(), serde_json::from_str(&text).expect("our own JSON"))
            })
            .collect();
        json!(outputs)
    }

    /// What the order of events must not change: status, missing inputs, outputs, which outputs
    /// failed, and the `write` calls.
    pub(crate) fn summary(&self) -> String {
        let view = self.view();
        let missing: Vec<&Text> = view.missing_names().collect();
        let mut failed: Vec<&Text> = view.pending_names().collect();
        if view.failed.is_empty() {
            failed.clear();
        }
        let writes = self.calls.iter().filter(|name| *name == "Send").count();
        let (status, outputs) = (view.status, self.outputs());
        format!("{status:?} {missing:?} {outputs} without a value: {failed:?} writes: {writes}")
    }

    /// Whether every output has a value.
    pub(crate) fn is_completed(&self) -> bool {
        self.execution.status() == Status::Completed
    }
}

/// An event from its JSON.
fn received(event: &str) -> Result<Received, String> {
    let event: serde_json::Value =
        serde_json::from_str(event).map_err(|fault| fault.to_string())?;
    let key = match &event["key"] {
        serde_json::Value::String(key) => key.clone(),
        other => other.to_string(),
    };
    let event_type = event["type"].as_str().ok_or("an event has a type")?;
    let data = event["data"].to_string();
    Ok(Received {
        source: None,
        id: None,
        event_type: event_type.into(),
        key: key.into(),
        data: data.into(),
    })
}

fn view(execution: &Execution) -> ExecutionView {
    ExecutionView::of(execution, ExecutionId::from_bytes([0; 16]), None)
}

fn describe(view: &ExecutionView) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        view.status, view.outputs, view.missing, view.possible, view.computed, view.failed
    )
}

/// What is wrong with a request that starts an execution, as `V002 /items/0`.
pub(crate) fn rejections(image: model::Image, inputs: &str) -> Result<Vec<String>, String> {
    let loaded = LoadedImage::new(image).map_err(|unknown| unknown.0.to_string())?;
    let members = json::entries(inputs).map_err(|fault| format!("{fault:?}"))?;
    let faults = supply::inputs(loaded.plan(), &members, "").err().unwrap_or_default();
    Ok(faults.iter().map(|fault| format!("{} {}", fault.code, fault.pointer)).collect())
}

fn read(loaded: &LoadedImage, inputs: &str) -> Result<Vec<(InputId, StoredValue)>, String> {
    let members = json::entries(inputs).map_err(|fault| format!("{fault:?}"))?;
    let inputs =
        supply::inputs(loaded.plan(), &members, "").map_err(|faults| format!("{faults:?}"))?;
    Ok(inputs.into_iter().map(|(id, value)| (id, StoredValue(value))).collect())
}

fn same(what: &str, claimed: &str, found: serde_json::Value) -> Result<(), String> {
    let claimed: serde_json::Value =
        serde_json::from_str(claimed).map_err(|fault| format!("{what}: {fault}"))?;
    if claimed == found { Ok(()) } else { Err(format!("{what} is {found}")) }
}
