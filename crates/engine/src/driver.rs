//! Runs one execution: performs what [`step`] asks for and turns what happens into events.
//!
//! An execution begins *transient*: it lives in its caller's future and touches no disk. Once it
//! is *durable* it belongs to a task of its own, and every event is in the store before anything
//! that follows from it is done outside.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use model::{Effect, Text};
use rustc_hash::FxHashSet;
use tokio::sync::mpsc;

use crate::call::perform;
use crate::error::EngineError;
use crate::execution::{Action, CallAction, Execution};
use crate::loaded::LoadedImage;
use crate::log::{CallNode, Event, Record};
use crate::mailbox::{Request, Waiter};
use crate::ports::{Append, Claim, Status, StoreError, StoredImage};
use crate::resume::{Resume, decide};
use crate::shared::{Busy, Shared};
use crate::view::{self, ExecutionView, Kept};
use crate::{ExecutionId, Timestamp, limits, step};

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
    /// What the store lists of the execution does not follow from its records yet.
    is_listed_wrongly: bool,
    /// The image, where the store may not have it yet.
    image: Option<Arc<StoredImage>>,
    /// Calls to make.
    owed: VecDeque<CallAction>,
    /// A `write` call was to be made, at any time.
    owes_write: bool,
    /// Calls that run.
    calls: FuturesUnordered<RunningCall>,
    in_flight: FxHashSet<CallNode>,
    /// What was asked since the last commit, and why it is refused, where it is.
    asked: Vec<(Request, Result<(), EngineError>)>,
    /// Those who wait for the next rest; what they brought is in the store.
    waiting: Vec<Waiter>,
    /// The trace of whoever asked last.
    trace: Option<Text>,
    _busy: Busy,
}

impl Driver {
    /// A new execution, as far as it comes without calling anything.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        loaded: Arc<LoadedImage>,
        image: Option<Arc<StoredImage>>,
        trace: Option<Text>,
        event: Event,
    ) -> Driver {
        let id = shared.clock.new_id();
        let mut driver = Driver::new(shared, id, Execution::new(loaded), shared.clock.now());
        driver.image = image;
        driver.trace = trace;
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
            is_listed_wrongly: false,
            image: None,
            owed: VecDeque::new(),
            owes_write: false,
            calls: FuturesUnordered::new(),
            in_flight: FxHashSet::default(),
            asked: Vec::new(),
            waiting: Vec::new(),
            trace: None,
            _busy: shared.busy(),
        }
    }

    /// The execution that the store has: a fold over its log. What it owes is not yet performed.
    pub(crate) async fn load(shared: &Arc<Shared>, id: ExecutionId) -> Result<Driver, EngineError> {
        let stored = shared.store.records(id, 0).await?.ok_or(EngineError::NotFound)?;
        let unusable = |cause: &str| EngineError::Unusable(format!("{id}: {cause}"));
        let first = stored.first().ok_or_else(|| unusable("its log is empty"))?;
        let first = Record::decode(first).map_err(|fault| unusable(&fault.to_string()))?;
        let Event::Started { image, .. } = first.event else {
            return Err(unusable("its log does not begin with its start"));
        };
        let loaded = shared.image(image).await?.ok_or_else(|| unusable("its image is gone"))?;
        let mut driver = Driver::new(shared, id, Execution::new(loaded), first.at);
        for bytes in &stored {
            driver.fold(bytes)?;
        }
        driver.owed = driver.execution.running_calls().into();
        Ok(driver)
    }

    /// Takes the next record that the store has.
    fn fold(&mut self, bytes: &[u8]) -> Result<Vec<Action>, EngineError> {
        let unusable = |cause: String| EngineError::Unusable(format!("{}: {cause}", self.id));
        let record = Record::decode(bytes).map_err(|fault| unusable(fault.to_string()))?;
        let is_start = matches!(record.event, Event::Started { .. });
        if is_start != (self.written == 0) {
            return Err(unusable("its log has a start that is not its first record".to_owned()));
        }
        if !record.event.fits(self.execution.image().plan()) {
            return Err(unusable("its log does not fit its image".to_owned()));
        }
        self.written += 1;
        self.updated_at = self.updated_at.max(record.at);
        Ok(step(&mut self.execution, &record))
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
        ExecutionView::of(&self.execution, self.id, (self.written > 0).then_some(self.kept()))
    }

    fn kept(&self) -> Kept {
        Kept { created_at: self.created_at, updated_at: self.updated_at }
    }

    /// Takes the end of a call.
    fn end(&mut self, event: Event) {
        if let Event::CallCompleted { node, .. } | Event::CallFailed { node, .. } = &event {
            self.in_flight.remove(node);
        }
        self.happen(event);
    }

    fn happen(&mut self, event: Event) {
        let record = Record { at: self.shared.clock.now(), event };
        let actions = step(&mut self.execution, &record);
        self.updated_at = self.updated_at.max(record.at);
        self.unwritten.push(record);
        self.owe(actions);
    }

    fn owe(&mut self, actions: Vec<Action>) {
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
            // It may have been begun when it was needed before, and may have ended since.
            if !self.execution.runs(&action.node) || !self.in_flight.insert(action.node.clone()) {
                continue;
            }
            let (node, is_write) = (action.node.clone(), self.is_write(&action.node));
            let loaded = self.execution.image().clone();
            let (host, trace) = (self.shared.host(), self.trace.clone());
            let end = perform(action, self.id, loaded, host, trace).boxed();
            self.calls.push(RunningCall { node, is_write, end });
        }
    }

    fn is_writing(&self) -> bool {
        self.calls.iter().any(|call| call.is_write)
    }

    /// Makes everything that happened durable, and takes in what happened elsewhere meanwhile.
    pub(crate) async fn commit(&mut self) -> Result<(), EngineError> {
        let mut view = None;
        loop {
            let claims = self.claims(&mut view);
            if self.unwritten.is_empty() && !self.is_listed_wrongly && claims.is_empty() {
                return Ok(());
            }
            match self.append(claims).await {
                Ok(received) if received.is_empty() => {}
                Ok(received) => {
                    for bytes in received {
                        let actions = self.fold(&bytes)?;
                        self.owe(actions);
                    }
                    self.is_listed_wrongly = true;
                    view = None;
                }
                Err(StoreError::Conflict) if self.written > 0 => {
                    self.decide_again().await?;
                    view = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn append(&mut self, claims: Vec<Claim>) -> Result<Vec<Vec<u8>>, StoreError> {
        let due = self.execution.next_deadline();
        let append = Append {
            id: self.id,
            after: self.written,
            records: self.unwritten.iter().map(Record::encode).collect(),
            summary: view::summary(&self.execution, self.kept()),
            due,
            listening: self.execution.listening(),
            image: self.image.clone(),
            claims,
        };
        let appended = self.shared.store.append(append).await?;
        self.written += self.unwritten.len() as u64;
        self.unwritten.clear();
        self.is_listed_wrongly = false;
        self.image = None;
        self.asked.iter_mut().for_each(|(request, _)| request.note_claim());
        // What was received leads on from here: then this was no rest yet.
        if self.is_at_rest() && appended.received.is_empty() {
            self.waiting.iter_mut().for_each(Waiter::note_answer);
            self.asked.iter_mut().for_each(|(request, _)| request.note_answer());
        }
        self.shared.changed(self.id, due);
        Ok(appended.received)
    }

    /// The claims of those who ask and wait that the next commit has to write: with their answers,
    /// if this is a rest.
    fn claims(&self, view: &mut Option<ExecutionView>) -> Vec<Claim> {
        let accepted = self.asked.iter().filter(|(_, verdict)| verdict.is_ok());
        let waiters = self.waiting.iter().chain(accepted.filter_map(|(asked, _)| asked.waiter()));
        let is_at_rest = self.is_at_rest();
        let claims = waiters.filter_map(|waiter| {
            let answering = waiter.unwritten_claim(is_at_rest)?;
            Some(if is_at_rest {
                // Who reads the answer finds the execution kept.
                let kept = Some(self.kept());
                let view =
                    view.get_or_insert_with(|| ExecutionView::of(&self.execution, self.id, kept));
                answering.answered(view)
            } else {
                answering.claim.clone()
            })
        });
        claims.collect()
    }

    /// Somebody else appended first: an event came, or the execution was deleted. What was decided
    /// rests on an old state and is decided again; that calls have ended stays true.
    async fn decide_again(&mut self) -> Result<(), EngineError> {
        let unwritten = std::mem::take(&mut self.unwritten);
        let asked = std::mem::take(&mut self.asked);
        if !unwritten.is_empty() {
            self.execution = Execution::new(self.execution.image().clone());
            self.written = 0;
        }
        let news = self.shared.store.records(self.id, self.written).await?;
        for bytes in news.ok_or(EngineError::NotFound)? {
            self.fold(&bytes)?;
        }
        for Record { event, .. } in unwritten {
            if matches!(event, Event::CallCompleted { .. } | Event::CallFailed { .. }) {
                self.happen(event);
            }
        }
        for (request, _) in asked {
            self.take(request);
        }
        self.owed = self.execution.running_calls().into();
        self.is_listed_wrongly = true;
        Ok(())
    }

    /// Runs a durable execution until it rests and nobody asks anything more. `first` is told when
    /// everything up to now is in the store, and again at the next rest.
    pub(crate) async fn run(
        mut self,
        mut mailbox: mpsc::UnboundedReceiver<Request>,
        first: Option<Request>,
    ) {
        let shared = self.shared.clone();
        if let Some(first) = first {
            self.take(first);
        }
        loop {
            if let Err(error) = self.commit().await {
                return self.give_up(mailbox, error);
            }
            if self.tell().await {
                let error = EngineError::NotFound;
                self.refuse(&error);
                return shared.abandon(self.id, mailbox, error);
            }
            if !shared.is_halting() {
                self.perform_owed();
            }
            if self.is_at_rest() {
                self.answer();
                // A write that is not needed any more is waited for all the same.
                if !self.is_writing() && shared.leave(self.id, &mailbox) {
                    return;
                }
            }
            tokio::select! {
                biased;
                () = shared.halted() => {
                    // What happened is durable; the next start goes on with the rest.
                    self.answer();
                    return shared.abandon(self.id, mailbox, EngineError::Draining);
                }
                Some(event) = self.calls.next() => self.end(event),
                Some(request) = mailbox.recv() => self.take(request),
            }
            self.take_ready(&mut mailbox);
        }
    }

    /// Takes whatever else happened already, so that one commit serves all of it.
    fn take_ready(&mut self, mailbox: &mut mpsc::UnboundedReceiver<Request>) {
        while let Some(Some(event)) = self.calls.next().now_or_never() {
            self.end(event);
        }
        while let Ok(request) = mailbox.try_recv() {
            self.take(request);
        }
    }

    fn take(&mut self, request: Request) {
        let verdict = match &request {
            Request::Resume(resume, trace, _) => {
                self.trace.clone_from(trace);
                self.resume(resume)
            }
            Request::Cancel(_) => match self.execution.status() {
                Status::Completed => Err(EngineError::Finished),
                Status::Cancelled => Ok(()),
                Status::Running | Status::Suspended | Status::Failed => {
                    self.happen(Event::Cancelled);
                    Ok(())
                }
            },
            Request::Timer(_) => {
                for input in self.execution.passed_deadlines(self.shared.clock.now()) {
                    self.happen(Event::DeadlinePassed { input });
                }
                self.is_listed_wrongly = true;
                Ok(())
            }
            Request::Wake => {
                self.is_listed_wrongly = true;
                Ok(())
            }
            Request::Delete(_) | Request::Watch(_) => Ok(()),
        };
        self.asked.push((request, verdict));
    }

    fn resume(&mut self, resume: &Resume) -> Result<(), EngineError> {
        match decide(&self.execution, resume) {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) if self.execution.is_finished() => Err(EngineError::Finished),
            Ok(Some(event)) => {
                self.happen(event);
                Ok(())
            }
            Err(rejections) => Err(EngineError::Rejected(rejections)),
        }
    }

    /// Tells everybody who asked what became of it, now that the store has it. Says whether the
    /// execution is deleted.
    async fn tell(&mut self) -> bool {
        let mut is_deleted = false;
        for (request, verdict) in std::mem::take(&mut self.asked) {
            match (request, verdict) {
                (Request::Resume(_, _, mut waiter) | Request::Watch(mut waiter), Ok(())) => {
                    waiter.accept();
                    self.waiting.push(waiter);
                }
                (Request::Cancel(mut waiter), Ok(())) => {
                    // Dropping a call tells its module to stop; what a write did is to be known.
                    let calls = std::mem::take(&mut self.calls);
                    self.calls = calls.into_iter().filter(|call| call.is_write).collect();
                    self.in_flight = self.calls.iter().map(|call| call.node.clone()).collect();
                    self.owed.clear();
                    waiter.accept();
                    self.waiting.push(waiter);
                }
                (Request::Delete(reply), Ok(())) => {
                    let deleted = self.delete().await;
                    is_deleted |= deleted.is_ok();
                    drop(reply.send(deleted));
                }
                (request, Ok(())) => request.done(),
                (request, Err(error)) => request.refuse(&error),
            }
        }
        if is_deleted {
            self.shared.changed(self.id, None);
        }
        is_deleted
    }

    async fn delete(&mut self) -> Result<(), EngineError> {
        if !self.is_at_rest() || self.is_writing() {
            return Err(EngineError::InUse);
        }
        let deleted = self.shared.store.delete(self.id, self.written).await;
        deleted.map_err(|error| match error {
            // An event came for it: it runs.
            StoreError::Conflict => EngineError::InUse,
            error => error.into(),
        })
    }

    /// Tells those who wait for a rest that this is one.
    fn answer(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let view = self.view();
        for waiter in self.waiting.drain(..) {
            waiter.answer(Ok(view.clone()));
        }
    }

    fn refuse(&mut self, error: &EngineError) {
        self.waiting.drain(..).for_each(|waiter| waiter.answer(Err(error.clone())));
        self.asked.drain(..).for_each(|(request, _)| request.refuse(error));
    }

    /// The store failed: what is in memory is thrown away, since the log decides what happened.
    fn give_up(mut self, mailbox: mpsc::UnboundedReceiver<Request>, error: EngineError) {
        tracing::warn!(execution = %self.id, %error, "the execution stops until the store is back");
        self.refuse(&error);
        let (shared, is_temporary) = (self.shared.clone(), error.is_temporary());
        shared.abandon(self.id, mailbox, error);
        if is_temporary {
            // Also after the first append: a commit may be durable although its answer was lost.
            shared.wake_later(self.id);
        }
    }
}

/// A call that runs. It gives the event that ends it.
struct RunningCall {
    node: CallNode,
    is_write: bool,
    end: BoxFuture<'static, Event>,
}

impl Future for RunningCall {
    type Output = Event;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Event> {
        self.end.poll_unpin(context)
    }
}
