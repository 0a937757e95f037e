//! The load: clients that start, resume, cancel and delete executions and send events, as fast as they
//! are answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::random::Random;
use crate::record::Record;
use crate::server::Server;

/// The pipelines with their inputs. Every input comes out again under its own name.
pub(crate) const PIPELINES: [(&str, &str, &[&str]); 5] = [
    ("pair", "in a: Int\nin b: Int\nout a\nout b\nout sum = a + b", &["a", "b"]),
    (
        "approval",
        "in id: String\nin ok: Boolean\nseen = Look(id)\nnoted = Note(id)\n\
         out id\nout ok\nout seen\nout noted when ok",
        &["id", "ok"],
    ),
    (
        "paid",
        "in id: String\n@event(\"paid\", key: id)\nin amount: Int\nout id\nout amount",
        &["id", "amount"],
    ),
    (
        "deadline",
        "@deadline(300ms)\nin ok: Boolean = false\nin a: Int\nout ok\nout a",
        &["ok", "a"],
    ),
    (
        "many",
        "in n: Int\nin ok: Boolean\nscores = map(range(0, n), i => Score(i))\n\
         out n\nout ok\nout total = sum(scores) when ok",
        &["n", "ok"],
    ),
];

pub(crate) fn compile(client: &Client) -> Result<(), String> {
    let noted = ("noted", "in id: String\nout times = Noted(id)", &["id"][..]);
    for (name, source, _) in PIPELINES.into_iter().chain([noted]) {
        let answer = client.post("/compile", &json!({ "source": source, "name": name }));
        match answer {
            Some(Answer { status: 200, .. }) => {}
            other => return Err(format!("`{name}` is not compiled: {other:?}")),
        }
    }
    Ok(())
}

/// Loads the server from so many clients, for a time or until a request is refused with 503.
pub(crate) fn run(server: &Server, record: &Record, clients: u64, time: Option<Duration>) -> bool {
    let (is_over, is_refused) = (AtomicBool::new(false), AtomicBool::new(false));
    let round = record.round.fetch_add(1, Ordering::Relaxed);
    thread::scope(|scope| {
        for number in 0..clients {
            let (is_over, is_refused) = (&is_over, &is_refused);
            let client = server.client();
            scope.spawn(move || {
                let seed = record.seed ^ (round << 16) ^ number;
                let mut load = Load { client, record, random: Random::new(seed) };
                while !is_over.load(Ordering::Relaxed) {
                    match load.step() {
                        // Nobody answers: the server is dead or busy dying.
                        None => thread::sleep(Duration::from_millis(1)),
                        Some(503) => {
                            is_refused.store(true, Ordering::Relaxed);
                            if time.is_none() {
                                is_over.store(true, Ordering::Relaxed);
                            }
                        }
                        Some(_) => {}
                    }
                }
            });
        }
        if let Some(time) = time {
            thread::sleep(time);
            // The server is killed while they ask.
            kill_now(server);
            is_over.store(true, Ordering::Relaxed);
        }
    });
    is_refused.into_inner()
}

fn kill_now(server: &Server) {
    if let Some(id) = server.process_id() {
        let killed = std::process::Command::new("kill").args(["-9", &id.to_string()]).status();
        drop(killed);
    }
}

struct Load<'a> {
    client: Client,
    record: &'a Record,
    random: Random,
}

impl Load<'_> {
    /// One request. Gives the status of its answer.
    fn step(&mut self) -> Option<u16> {
        let known = self.record.pick(&mut self.random);
        match (self.random.below(100), known) {
            (0..40, _) | (_, None) => self.start(),
            (40..75, Some(id)) => self.resume(&id),
            (75..90, Some(id)) => self.event(&id),
            (90..95, Some(id)) => self.look(&id),
            (95..98, Some(id)) => self.cancel(&id),
            (_, Some(id)) => self.delete(&id),
        }
    }

    fn told(&self, answer: Option<Answer>) -> Option<Answer> {
        self.record.count(answer.as_ref());
        answer
    }

    fn start(&mut self) -> Option<u16> {
        let (name, _, inputs) = PIPELINES[self.random.below(PIPELINES.len() as u64) as usize];
        let mut given = serde_json::Map::new();
        for input in inputs {
            if self.random.percent(50) {
                given.insert((*input).to_owned(), value(input, &mut self.random));
            }
        }
        let mut body = json!({ "ref": name, "inputs": given });
        if self.random.percent(30) {
            body["keep"] = true.into();
        }
        let mut headers = Vec::new();
        let key = format!("key-{}", self.random.below(1 << 20));
        let is_claimed = self.random.percent(25);
        if is_claimed {
            body = self.record.claim(&key, &body);
            headers.push(("idempotency-key", key.as_str()));
        }
        if self.random.percent(10) {
            headers.push(("prefer", "respond-async"));
        }
        let answer = self.client.ask(Method::POST, "/execute", Some(&body), &headers);
        let answer = self.told(answer)?;
        if answer.is_taken()
            && let Some(id) = answer.id()
        {
            if is_claimed {
                self.record.claimed(&key, &id);
            }
            // One that completed at once left nothing behind.
            if !answer.body["createdAt"].is_null() {
                let name = body["ref"].as_str().unwrap_or_default().to_owned();
                self.note(&id, &name, &body["inputs"], &answer);
            }
        }
        Some(answer.status)
    }

    fn note(&self, id: &str, name: &str, given: &Value, answer: &Answer) {
        let pipeline = PIPELINES.iter().find(|(known, ..)| *known == name);
        self.record.know(id, |known| {
            if let Some((name, _, inputs)) = pipeline {
                known.pipeline = name;
                for input in *inputs {
                    if let Some(value) = given.get(input) {
                        known.inputs.insert(input, value.clone());
                    }
                }
            }
            if answer.body["status"] == "Completed" {
                known.outputs = Some(answer.body["outputs"].clone());
            }
        });
    }

    fn resume(&mut self, id: &str) -> Option<u16> {
        let known = self.record.known(id)?;
        let (name, _, inputs) = *PIPELINES.iter().find(|(name, ..)| *name == known.pipeline)?;
        let input = inputs[self.random.below(inputs.len() as u64) as usize];
        let value = match known.inputs.get(input) {
            Some(value) if self.random.percent(80) => value.clone(),
            _ => value(input, &mut self.random),
        };
        let body = json!({ "inputs": { input: value } });
        let answer = self.client.post(&format!("/executions/{id}/resume"), &body);
        let answer = self.told(answer)?;
        if answer.is_taken() {
            self.note(id, name, &body["inputs"], &answer);
        }
        Some(answer.status)
    }

    fn event(&mut self, id: &str) -> Option<u16> {
        let known = self.record.known(id)?;
        // For somebody who may wait for it, or for nobody yet.
        let key = match known.inputs.get("id") {
            Some(key) if self.random.percent(80) => key.as_str().unwrap_or_default().to_owned(),
            _ => value("id", &mut self.random).as_str().unwrap_or_default().to_owned(),
        };
        let name = self.random.next().to_string();
        let body = json!({ "id": name, "type": "paid", "key": key, "data": 7 });
        let answer = self.told(self.client.post("/events", &body))?;
        if answer.status == 202 {
            let ids = answer.body["delivered"].as_array().cloned().unwrap_or_default();
            let ids = ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
            self.record.event(&key, ids);
        }
        Some(answer.status)
    }

    fn look(&mut self, id: &str) -> Option<u16> {
        let answer = self.told(self.client.get(&format!("/executions/{id}")))?;
        Some(answer.status)
    }

    fn cancel(&mut self, id: &str) -> Option<u16> {
        self.record.know(id, |known| known.cancelled = known.cancelled.or(Some(false)));
        let answer = self.client.post(&format!("/executions/{id}/cancel"), &json!({}));
        let answer = self.told(answer)?;
        if answer.status == 200 {
            self.record.know(id, |known| known.cancelled = Some(true));
        }
        Some(answer.status)
    }

    fn delete(&mut self, id: &str) -> Option<u16> {
        self.record.know(id, |known| known.deleted = known.deleted.or(Some(false)));
        let answer = self.client.ask(Method::DELETE, &format!("/executions/{id}"), None, &[]);
        let answer = self.told(answer)?;
        if answer.status == 204 {
            self.record.know(id, |known| known.deleted = Some(true));
        }
        Some(answer.status)
    }
}

/// A value of an input, by its name.
fn value(input: &str, random: &mut Random) -> Value {
    match input {
        "ok" => random.percent(70).into(),
        "id" => format!("id-{}", random.next() % 1_000_000).into(),
        "n" => random.below(12).into(),
        _ => random.below(50).into(),
    }
}
