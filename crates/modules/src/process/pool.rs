//! The replicas of a worker as calls see them: which one takes a call, what is on its way to it,
//! and who waits for which answer.
//!
//! Ids are given once for the whole pool and never again, so an answer that comes late, to a call
//! that was given up or to an earlier child, cannot be taken for another one. Nothing here does
//! IO, and the lock is never held across an `.await`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::ModuleError;
use model::Code;
use tokio::sync::{Notify, oneshot};

use super::protocol::{Answer, Reply, Request, cancel};
use crate::limits::{LINE_BYTES_MAX, OUTBOX_BYTES_MAX};

/// What a queued line takes beside its text.
const LINE_OVERHEAD: usize = 64;
/// As much as is written at once, if more than one line waits.
const WRITE_BYTES: usize = 64 << 10;

/// All replicas of one source.
pub(super) struct Pool {
    state: Mutex<State>,
    /// A replica came up or went down.
    changed: Notify,
    /// One a replica: a line waits to be written.
    posted: Vec<Notify>,
}

struct State {
    last_id: u64,
    replicas: Vec<Replica>,
}

struct Replica {
    phase: Phase,
    /// Ids above this one and up to `written` were sent to the child that runs now.
    before: u64,
    written: u64,
    calls: HashMap<u64, oneshot::Sender<Reply>>,
    /// How many calls were given up and not answered since: it may still be busy with them.
    given_up: usize,
    outbox: VecDeque<Line>,
    outbox_bytes: usize,
}

/// Where a replica stands.
enum Phase {
    /// It will be up in a moment, so calls wait for it.
    Starting,
    Up,
    /// It keeps failing and is not even started for a while; why.
    Resting(String),
}

struct Line {
    /// The call that it requests.
    id: Option<u64>,
    text: Vec<u8>,
}

/// A call that waits for its answer. Dropped before that, it tells the worker to stop.
pub(super) struct Running {
    pool: Arc<Pool>,
    replica: usize,
    id: u64,
    pub(super) reply: oneshot::Receiver<Reply>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pool.give_up(self.replica, self.id);
    }
}

/// Which replica takes a call.
enum Choice {
    Replica(usize),
    /// None yet.
    Wait,
    Fail(String),
}

impl Pool {
    pub(super) fn new(replicas: usize) -> Pool {
        let replica = || Replica {
            phase: Phase::Starting,
            before: 0,
            written: 0,
            calls: HashMap::new(),
            given_up: 0,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
        };
        Pool {
            state: Mutex::new(State {
                last_id: 0,
                replicas: std::iter::repeat_with(replica).take(replicas).collect(),
            }),
            changed: Notify::new(),
            posted: std::iter::repeat_with(Notify::new).take(replicas).collect(),
        }
    }

    /// Gives the request to the replica that has least to do, as soon as one is up.
    pub(super) async fn begin(self: Arc<Pool>, request: Request) -> Result<Running, ModuleError> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            {
                let mut state = self.state();
                match state.choose() {
                    Choice::Replica(replica) => {
                        let (id, reply) = state.post(replica, request);
                        drop(state);
                        self.posted[replica].notify_one();
                        return Ok(Running { pool: self.clone(), replica, id, reply });
                    }
                    Choice::Fail(message) => {
                        return Err(ModuleError::new(Code::R001, message, true));
                    }
                    Choice::Wait => {}
                }
            }
            changed.await;
        }
    }

    fn give_up(&self, replica: usize, id: u64) {
        if self.state().replicas[replica].give_up(id) {
            self.posted[replica].notify_one();
        }
    }

    /// The next lines for a child to read.
    pub(super) async fn next_lines(&self, replica: usize) -> Vec<u8> {
        loop {
            let lines = self.state().replicas[replica].take_lines();
            if !lines.is_empty() {
                return lines;
            }
            self.posted[replica].notified().await;
        }
    }

    /// Passes an answer on; else says what is wrong with it.
    pub(super) fn answer(&self, replica: usize, answer: Answer) -> Result<(), String> {
        self.state().replicas[replica].answer(answer)
    }

    /// A new child of this replica waits for requests.
    pub(super) fn up(&self, replica: usize) {
        let mut state = self.state();
        let last_id = state.last_id;
        let replica = &mut state.replicas[replica];
        (replica.before, replica.written) = (last_id, last_id);
        (replica.phase, replica.given_up) = (Phase::Up, 0);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The child of this replica is gone; its calls fail. With `is_resting` another one will not be
    /// started at once.
    pub(super) fn down(&self, replica: usize, why: &str, is_resting: bool) {
        let mut state = self.state();
        let replica = &mut state.replicas[replica];
        replica.phase = if is_resting { Phase::Resting(why.to_owned()) } else { Phase::Starting };
        replica.outbox = VecDeque::new();
        replica.outbox_bytes = 0;
        for (_, waiter) in replica.calls.drain() {
            // Who has gone meanwhile needs no answer.
            let _ = waiter.send(Reply::Lost(why.to_owned()));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// How many there are.
    pub(super) fn replicas(&self) -> usize {
        self.posted.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn choose(&self) -> Choice {
        let mut is_starting = false;
        let mut failure = None;
        let mut best: Option<(usize, (usize, usize))> = None;
        for (at, replica) in self.replicas.iter().enumerate() {
            let load = (replica.calls.len(), replica.given_up);
            match &replica.phase {
                // So that one more line of any length is within the bound.
                Phase::Up if replica.outbox_bytes > OUTBOX_BYTES_MAX - LINE_BYTES_MAX => {
                    failure.get_or_insert("the worker does not read its requests");
                }
                Phase::Up if best.is_none_or(|(_, least)| load < least) => best = Some((at, load)),
                Phase::Up => {}
                Phase::Starting => is_starting = true,
                Phase::Resting(why) => {
                    failure.get_or_insert(why);
                }
            }
        }
        match (best, failure) {
            (Some((at, _)), _) => Choice::Replica(at),
            (None, _) if is_starting => Choice::Wait,
            (None, why) => Choice::Fail(why.unwrap_or("the worker is not running").to_owned()),
        }
    }

    fn post(&mut self, replica: usize, request: Request) -> (u64, oneshot::Receiver<Reply>) {
        self.last_id += 1;
        let id = self.last_id;
        let (waiter, reply) = oneshot::channel();
        let replica = &mut self.replicas[replica];
        replica.calls.insert(id, waiter);
        replica.push(Line { id: Some(id), text: request.line(id) });
        (id, reply)
    }
}

impl Replica {
    fn push(&mut self, line: Line) {
        self.outbox_bytes += line.text.len() + LINE_OVERHEAD;
        self.outbox.push_back(line);
    }

    fn take_lines(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        while lines.len() < WRITE_BYTES
            && let Some(line) = self.outbox.pop_front()
        {
            self.outbox_bytes -= line.text.len() + LINE_OVERHEAD;
            self.written = line.id.unwrap_or(self.written);
            lines.extend(line.text);
        }
        lines
    }

    fn answer(&mut self, Answer { id, reply }: Answer) -> Result<(), String> {
        if id <= self.before || id > self.written {
            return Err(format!("it answers the request {id}, which it was never sent"));
        }
        match self.calls.remove(&id) {
            // Who has gone meanwhile needs no answer.
            Some(waiter) => drop(waiter.send(reply)),
            None => self.given_up = self.given_up.saturating_sub(1),
        }
        Ok(())
    }

    /// Forgets a call that has no answer; whether there is something to tell the child.
    fn give_up(&mut self, id: u64) -> bool {
        if self.calls.remove(&id).is_none() {
            return false;
        }
        if id > self.written {
            let queued = self.outbox.iter().position(|line| line.id == Some(id));
            if let Some(line) = queued.and_then(|at| self.outbox.remove(at)) {
                self.outbox_bytes -= line.text.len() + LINE_OVERHEAD;
            }
            return false;
        }
        self.given_up += 1;
        // A child that has not read for so long will not read this either.
        let has_room = self.outbox_bytes < OUTBOX_BYTES_MAX;
        if has_room {
            self.push(Line { id: None, text: cancel(id) });
        }
        has_room
    }
}
