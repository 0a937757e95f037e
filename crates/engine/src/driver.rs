//! Runs one execution: performs what [`step`] asks for and turns what happens into events.
//!
//! An execution begins *transient*: it lives in its caller's future and touches no disk. Once it
//! is *durable* it belongs to a task of its own, and every event is in the store before anything
//! that follows from it is done outside.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use model::Effect;
use tokio::sync::{mpsc, oneshot};

use crate::call::perform;
use crate::engine::{Busy, Shared};
use crate::error::EngineError;
use crate::execution::{Action, CallAction, Execution};
use crate::loaded::LoadedImage;
use crate::log::{CallNode, Event, Record};
use crate::ports::{Append, Status, StoreError, StoredImage};
use crate::resume::{Resume, decide};
use crate::view::{self, ExecutionView, Kept};
use crate::{ExecutionId, Timestamp, limits, step};

/// Somebody who waits for an execution.
pub(crate) struct Waiter {
    /// Told when what they brought is durable.
    accepted: Option<oneshot::Sender<()>>,
    /// Told at the next rest, or why there is none.
    reply: oneshot::Sender<Answer>,
}

/// The other end of a [`Waiter`].
pub(crate) struct Waiting {
    pub(crate) accepted: oneshot::Receiver<()>,
    pub(crate) reply: oneshot::Receiver<Answer>,
}

pub(crate) type Answer = Result<ExecutionView, EngineError>;

impl Waiter {
    pub(crate) fn new() -> (Waiter, Waiting) {
        let (accept, accepted) = oneshot::channel();
        let (sender, reply) = oneshot::channel();
        (Waiter { accepted: Some(accept), reply: sender }, Waiting { accepted, reply })
    }

    /// Gives the answer. A caller who went away needs none.
    pub(crate) fn answer(self, answer: Answer) {
        drop(self.reply.send(answer));
    }

    fn accept(&mut self) {
        if let Some(accepted) = self.accepted.take() {
            accepted.send(()).unwrap_or_default();
        }
    }
}

/// What others ask of a durable execution.
pub(crate) enum Request {
    /// Take these values, and answer at the next rest.
    Resume(Resume, Waiter),
    /// Go on with what is owed.
    Wake,
}

/// One execution and all that belongs to running it.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    id: ExecutionId,
    execution: Execution,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// How many records the store has.
    written: u64,
    /// Records that the store does not have yet.
    unwritten: Vec<Record>,
    /// The image, where the store may not have it yet.
    image: Option<Arc<StoredImage>>,
    /// Calls to make.
    owed: VecDeque<CallAction>,
    /// A `write` call was to be made, at any time.
    owes_write: bool,
    /// Calls that run.
    calls: FuturesUnordered<BoxFuture<'static, Event>>,
    /// How many of them are of `write` modules.
    writes_running: usize,
    /// Requests that are refused; told when what the refusal rests on is in the store.
    refused: Vec<(Waiter, EngineError)>,
    _busy: Busy,
}

impl Driver {
    /// A new execution, as far as it comes without calling anything.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        loaded: Arc<LoadedImage>,
        image: Option<Arc<StoredImage>>,
        event: Event,
    ) -> Driver {
        let now = shared.clock.now();
        let mut driver = Driver::new(shared, ExecutionId::random(), Execution::new(loaded), now);
        driver.image = image;
        driver.happen(event);
        driver.created_at = driver.updated_at;
        driver
    }

    fn new(
        shared: &Arc<Shared>,
        id: ExecutionId,
        execution: Execution,
        created_at: Timestamp,
    ) -> Driver {
        Driver {
            shared: shared.clone(),
            id,
            execution,
            created_at,
            updated_at: created_at,
            written: 0,
            unwritten: Vec::new(),
            image: None,
            owed: VecDeque::new(),
            owes_write: false,
            calls: FuturesUnordered::new(),
            writes_running: 0,
            refused: Vec::new(),
            _busy: shared.busy(),
        }
    }

    /// The execution that the store has: a fold over its log. What it owes is not yet performed.
    pub(crate) async fn load(shared: &Arc<Shared>, id: ExecutionId) -> Result<Driver, EngineError> {
        let stored = shared.store.records(id).await?.ok_or(EngineError::NotFound)?;
        let unusable = |cause: String| EngineError::Unusable(format!("{id}: {cause}"));
        let mut driver: Option<Driver> = None;
        for bytes in &stored {
            let record = Record::decode(bytes).map_err(|fault| unusable(fault.to_string()))?;
            let driver = match (&mut driver, &record.event) {
                (None, Event::Started { image, .. }) => {
                    let loaded = shared.image(*image).await?;
                    let loaded = loaded.ok_or_else(|| unusable("its image is gone".to_owned()))?;
                    driver.insert(Driver::new(shared, id, Execution::new(loaded), record.at))
                }
                (Some(driver), event) if !matches!(event, Event::Started { .. }) => driver,
                _ => return Err(unusable("its log does not begin with its start".to_owned())),
            };
            if !record.event.fits(driver.execution.image().plan()) {
                return Err(unusable("its log does not fit its image".to_owned()));
            }
            step(&mut driver.execution, &record);
            driver.updated_at = record.at;
        }
        let mut driver = driver.ok_or_else(|| unusable("its log is empty".to_owned()))?;
        driver.written = stored.len() as u64;
        driver.owed = driver.execution.running_calls().into();
        Ok(driver)
    }

    pub(crate) fn id(&self) -> ExecutionId {
        self.id
    }

    pub(crate) fn execution(&self) -> &Execution {
        &self.execution
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        self.execution.status() != Status::Running
    }

    /// What can be said of it now.
    pub(crate) fn view(&self) -> ExecutionView {
        let kept = Kept { created_at: self.created_at, updated_at: self.updated_at };
        ExecutionView::of(&self.execution, self.id, (self.written > 0).then_some(kept))
    }

    /// Takes the end of a call.
    fn end(&mut self, event: Event) {
        if let Event::CallCompleted { node, .. } | Event::CallFailed { node, .. } = &event {
            self.writes_running -= usize::from(self.is_write(node));
        }
        self.happen(event);
    }

    fn happen(&mut self, event: Event) {
        let record = Record { at: self.shared.clock.now(), event };
        let actions = step(&mut self.execution, &record);
        self.updated_at = record.at;
        self.unwritten.push(record);
        for Action::Call(call) in actions {
            self.owes_write |= self.is_write(&call.node);
            self.owed.push_back(call);
        }
    }

    /// Runs without touching the store, until the execution rests or is about to write to the
    /// outside world. May be dropped at any time without losing anything.
    pub(crate) async fn run_transient(&mut self) {
        while !self.is_at_rest() && !self.owes_write {
            self.perform_owed();
            match self.calls.next().await {
                Some(event) => self.end(event),
                None => return,
            }
        }
    }

    fn is_write(&self, node: &CallNode) -> bool {
        let plan = self.execution.image().plan();
        let call = &plan.calls[node.call as usize];
        plan.modules[call.module as usize].effect == Effect::Write
    }

    fn perform_owed(&mut self) {
        while self.calls.len() < limits::CALLS_RUNNING_MAX
            && let Some(action) = self.owed.pop_front()
        {
            self.writes_running += usize::from(self.is_write(&action.node));
            let loaded = self.execution.image().clone();
            let (registry, clock) = (self.shared.registry(), self.shared.clock.clone());
            self.calls.push(perform(action, self.id, loaded, registry, clock).boxed());
        }
    }

    /// Makes everything that happened durable.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let kept = Kept { created_at: self.created_at, updated_at: self.updated_at };
        let append = Append {
            id: self.id,
            after: self.written,
            records: self.unwritten.iter().map(Record::encode).collect(),
            summary: view::summary(&self.execution, kept),
            image: self.image.take(),
        };
        self.shared.store.append(append).await?;
        self.written += self.unwritten.len() as u64;
        self.unwritten.clear();
        Ok(())
    }

    /// Runs a durable execution until it rests and nobody asks anything more. `waiting` are told
    /// when everything up to now is in the store, and again at the next rest.
    pub(crate) async fn run(
        mut self,
        mut mailbox: mpsc::UnboundedReceiver<Request>,
        mut waiting: Vec<Waiter>,
    ) {
        let shared = self.shared.clone();
        loop {
            if let Err(error) = self.commit().await {
                return self.give_up(mailbox, waiting, error.into());
            }
            waiting.iter_mut().for_each(Waiter::accept);
            for (waiter, error) in self.refused.drain(..) {
                waiter.answer(Err(error));
            }
            if !shared.is_halting() {
                self.perform_owed();
            }
            if self.is_at_rest() {
                self.answer(&mut waiting);
                // A write that is not needed any more is waited for all the same.
                if self.writes_running == 0 && shared.leave(self.id, &mailbox) {
                    return;
                }
            }
            tokio::select! {
                biased;
                () = shared.halted() => {
                    // What happened is durable; the next start goes on with the rest.
                    self.answer(&mut waiting);
                    return shared.abandon(self.id, mailbox, EngineError::Draining);
                }
                Some(event) = self.calls.next() => self.end(event),
                Some(request) = mailbox.recv() => self.take(request, &mut waiting),
            }
            self.take_ready(&mut mailbox, &mut waiting);
        }
    }

    /// Takes whatever else happened already, so that one commit serves all of it.
    fn take_ready(
        &mut self,
        mailbox: &mut mpsc::UnboundedReceiver<Request>,
        waiting: &mut Vec<Waiter>,
    ) {
        while let Some(Some(event)) = self.calls.next().now_or_never() {
            self.end(event);
        }
        while let Ok(request) = mailbox.try_recv() {
            self.take(request, waiting);
        }
    }

    fn take(&mut self, request: Request, waiting: &mut Vec<Waiter>) {
        let (resume, waiter) = match request {
            Request::Resume(resume, waiter) => (resume, waiter),
            Request::Wake => return,
        };
        let decision = match decide(&self.execution, resume) {
            Ok(Some(_)) | Err(_) if self.is_finished() => Err(EngineError::Finished),
            Ok(event) => Ok(event),
            Err(rejections) => Err(EngineError::Rejected(rejections)),
        };
        match decision {
            Ok(event) => {
                if let Some(event) = event {
                    self.happen(event);
                }
                waiting.push(waiter);
            }
            Err(error) => self.refused.push((waiter, error)),
        }
    }

    fn is_finished(&self) -> bool {
        matches!(self.execution.status(), Status::Completed | Status::Cancelled)
    }

    fn answer(&self, waiting: &mut Vec<Waiter>) {
        if waiting.is_empty() {
            return;
        }
        let view = self.view();
        for waiter in waiting.drain(..) {
            waiter.answer(Ok(view.clone()));
        }
    }

    /// The store failed: what is in memory is thrown away, since the log decides what happened.
    fn give_up(
        self,
        mailbox: mpsc::UnboundedReceiver<Request>,
        waiting: Vec<Waiter>,
        error: EngineError,
    ) {
        tracing::warn!(execution = %self.id, %error, "the execution stops until the store is back");
        let refused = self.refused.into_iter().map(|(waiter, _)| waiter);
        for waiter in waiting.into_iter().chain(refused) {
            waiter.answer(Err(error.clone()));
        }
        let shared = self.shared.clone();
        shared.abandon(self.id, mailbox, error);
        if self.written > 0 {
            shared.wake_later(self.id);
        }
    }
}
