//! The shell around the heart: starts, resumes and recovers executions, and keeps pipelines.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use model::plan::InputId;
use model::{Catalog, Digest, Image, Text, Value, text};
use tokio::sync::{mpsc, oneshot};

use crate::bounds::Bounds;
use crate::driver::Driver;
use crate::error::EngineError;
use crate::history::History;
use crate::loaded::LoadedImage;
use crate::log::{Event, Received, Record, StoredValue};
use crate::mailbox::{Request, Waiter, Waiting};
use crate::needs::{self, MissingModule};
use crate::ports::{
    AliasRow, Answering, Claim, Clock, DeletedImage, Delivered, Delivery, EventQuery,
    ExecutionQuery, ExecutionRow, Expected, KeptEvent, MoveAlias, MovedAlias, SavePipeline,
    SavedPipeline, Status, Store, StoreFuture, StoredImage, Sweep, Target,
};
use crate::reference::{PipelineName, Reference};
use crate::registry::Registry;
use crate::resume::Resume;
use crate::shared::{Changes, Phase, Shared, ended_early};
use crate::view::ExecutionView;
use crate::{ExecutionId, Timestamp, limits};

/// Runs executions on one store. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// How an execution starts.
#[derive(Clone, Debug)]
pub struct Start {
    /// What runs.
    pub loaded: Arc<LoadedImage>,
    /// The source of an image that the store may not have yet: it is kept with the execution.
    pub source: Option<Text>,
    /// The alias by which it was named.
    pub pipeline: Option<Text>,
    /// Values of inputs, of their types.
    pub inputs: Vec<(InputId, Value)>,
    /// Keep it from the start, whatever becomes of it.
    pub keep: bool,
}

/// How whoever asks wants to be served.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Answer as Running after this time.
    pub wait: Duration,
    /// The idempotency key of the request: it is stored with what the request brings, and its answer
    /// with the rest that it tells of.
    pub claim: Option<Answering<ExecutionView>>,
    /// The W3C trace context that calls belong to.
    pub trace: Option<Text>,
}

impl Caller {
    /// A caller without anything special, who waits so long.
    pub fn waiting(wait: Duration) -> Caller {
        Caller { wait, claim: None, trace: None }
    }
}

/// How long things are kept that have come to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completed and cancelled executions.
    pub finished: Duration,
    /// Failed executions.
    pub failed: Duration,
}

/// A pipeline that a reference names.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its image.
    pub loaded: Arc<LoadedImage>,
    /// The alias that named it.
    pub alias: Option<AliasRow>,
}

impl Engine {
    /// An engine on this store and clock, with these modules.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, registry: Registry) -> Engine {
        Engine::with_bounds(store, clock, registry, Bounds::default())
    }

    /// What pipelines can call on this host now, stored pipelines aside.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog()
    }

    /// Offers other modules from now on. Calls that run are finished with those that they began with.
    pub fn replace_modules(&self, registry: Registry) {
        self.shared.replace_modules(registry);
    }

    /// The modules that this host offers now.
    pub fn registry(&self) -> Arc<Registry> {
        self.shared.registry()
    }

    /// Starts an execution and answers at its first rest, or when `caller.wait` is over. It is
    /// kept as soon as it suspends, fails, is answered as Running or is about to make a `write`
    /// call, and from the start where the caller has a claim; one that completes before that touches
    /// no disk.
    pub async fn start(&self, start: Start, caller: Caller) -> Result<ExecutionView, EngineError> {
        let shared = &self.shared;
        if shared.is_draining() {
            return Err(EngineError::Draining);
        }
        if shared.is_full() {
            return Err(EngineError::Overloaded);
        }
        let Start { loaded, source, pipeline, inputs, keep } = start;
        let keep = keep || caller.claim.is_some();
        let inputs = inputs.into_iter().map(|(id, value)| (id, StoredValue(value))).collect();
        let event = Event::Started { image: loaded.digest(), pipeline, inputs };
        let image = source.map(|source| shared.stored_image(&loaded.image, source));
        let mut driver = Driver::start(shared, loaded, image, caller.trace, event);
        let may_end_here =
            |driver: &Driver| !keep && driver.execution().status() == Status::Completed;
        if may_end_here(&driver) {
            return Ok(driver.view());
        }
        let over = shared.clock.sleep(caller.wait).shared();
        if !keep && !driver.is_at_rest() {
            tokio::select! {
                biased;
                () = shared.halted() => {}
                () = driver.run_transient() => {}
                () = over.clone() => {}
            }
            if may_end_here(&driver) {
                return Ok(driver.view());
            }
        }
        self.keep(driver, caller.claim, over).await
    }

    /// Makes a started execution durable, and waits for its rest. From here on it belongs to a
    /// task of its own, and goes on when its caller goes away.
    async fn keep(
        &self,
        driver: Driver,
        claim: Option<Answering<ExecutionView>>,
        over: impl Future<Output = ()>,
    ) -> Result<ExecutionView, EngineError> {
        let id = driver.id();
        let (waiter, waiting) = Waiter::new(self.shared.place()?, id, claim);
        let (sender, mailbox) = mpsc::unbounded_channel();
        self.shared.live().insert(id, sender);
        tokio::spawn(driver.run(mailbox, Some(Request::Watch(waiter))));
        self.answer(id, waiting, over).await
    }

    /// Supplies values to an execution and answers at its next rest, or when `caller.wait` is over.
    /// Concurrent resumes merge; what is already known is no news.
    pub async fn resume(
        &self,
        id: ExecutionId,
        resume: Resume,
        caller: Caller,
    ) -> Result<ExecutionView, EngineError> {
        let Caller { wait, claim, trace } = caller;
        self.ask(id, claim, wait, |waiter| Request::Resume(resume, trace, waiter)).await
    }

    /// Ends an execution for good. Calls that run are told to stop.
    pub async fn cancel(
        &self,
        id: ExecutionId,
        claim: Option<Answering<ExecutionView>>,
    ) -> Result<ExecutionView, EngineError> {
        self.ask(id, claim, limits::WAIT_DEFAULT, Request::Cancel).await
    }

    /// The state of an execution at its next rest, or when `wait` is over.
    pub async fn rest(
        &self,
        id: ExecutionId,
        wait: Duration,
    ) -> Result<ExecutionView, EngineError> {
        let view = self.execution(id).await?;
        if view.status != Status::Running || wait.is_zero() || self.is_draining() {
            return Ok(view);
        }
        self.ask(id, None, wait, Request::Watch).await
    }

    async fn ask(
        &self,
        id: ExecutionId,
        claim: Option<Answering<ExecutionView>>,
        wait: Duration,
        request: impl FnOnce(Waiter) -> Request,
    ) -> Result<ExecutionView, EngineError> {
        if self.shared.is_draining() {
            return Err(EngineError::Draining);
        }
        let (waiter, waiting) = Waiter::new(self.shared.place()?, id, claim);
        self.shared.send(id, request(waiter));
        self.answer(id, waiting, self.shared.clock.sleep(wait)).await
    }

    /// Forgets an execution that rests.
    pub async fn delete(&self, id: ExecutionId) -> Result<(), EngineError> {
        if self.shared.is_draining() {
            return Err(EngineError::Draining);
        }
        let (reply, deleted) = oneshot::channel();
        self.shared.send(id, Request::Delete(reply));
        deleted.await.unwrap_or_else(|_| Err(ended_early()))
    }

    /// Gives an event to every execution that listens for it, or keeps it for the first that will.
    pub async fn deliver(
        &self,
        received: Received,
        claim: Option<Answering<Delivered>>,
    ) -> Result<Delivered, EngineError> {
        let shared = self.shared.clone();
        if shared.is_draining() {
            return Err(EngineError::Draining);
        }
        let at = shared.clock.now();
        let Received { source, id, event_type, key, .. } = &received;
        let delivery = Delivery {
            event_type: event_type.clone(),
            key: key.clone(),
            identity: id.clone().map(|id| (source.clone().unwrap_or_default(), id)),
            at,
            kept_max: limits::EVENTS_KEPT_MAX,
            claim,
            record: Record { at, event: Event::Received(received) }.encode(),
        };
        // A task of its own: who got it goes on, also when the caller goes away.
        let delivered = tokio::spawn(async move {
            let delivered = match shared.store.deliver(delivery).await {
                Ok(delivered) => delivered,
                Err(error) => {
                    // Somebody may have got it all the same.
                    shared.wake_running_later();
                    return Err(error.into());
                }
            };
            for id in &delivered.executions {
                shared.send(*id, Request::Wake);
            }
            Ok(delivered)
        });
        delivered.await.unwrap_or_else(|_| Err(ended_early()))
    }

    /// A page of events that nobody has listened for yet, the oldest first.
    pub async fn kept_events(
        &self,
        query: EventQuery,
    ) -> Result<Vec<(u64, Timestamp, Received)>, EngineError> {
        let kept = self.shared.store.kept_events(query).await?;
        let event = |kept: KeptEvent| match Record::decode(&kept.record) {
            Ok(Record { at, event: Event::Received(received) }) => Ok((kept.number, at, received)),
            Ok(_) => Err(EngineError::Unusable("a kept event is none".to_owned())),
            Err(fault) => Err(EngineError::Unusable(fault.to_string())),
        };
        kept.into_iter().map(event).collect()
    }

    /// What happened to an execution behind the item with the number `after`.
    pub async fn history(&self, id: ExecutionId) -> Result<History, EngineError> {
        History::load(&self.shared, id).await
    }

    /// Is ready when the store has more of an execution than when the answer was given.
    pub fn changes(&self, id: ExecutionId) -> Changes {
        self.shared.changes(id)
    }

    /// What is known under an idempotency key.
    pub async fn claim(&self, key: Text) -> Result<Option<Claim>, EngineError> {
        let claim = self.shared.store.claim(key).await?;
        let oldest = self.shared.clock.now().0 - limits::CLAIMS_KEPT.as_millis() as i64;
        Ok(claim.filter(|claim| claim.at.0 > oldest))
    }

    /// Stores an answer under an idempotency key, or that the key is in use.
    pub async fn put_claim(&self, claim: Claim) -> Result<(), EngineError> {
        Ok(self.shared.store.put_claim(claim).await?)
    }

    /// Now, as the engine's clock has it.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Forgets what is past its time. Answers how many executions that were.
    pub async fn sweep(&self, retention: Retention) -> Result<usize, EngineError> {
        let now = self.shared.clock.now();
        let before = |kept: Duration| {
            Timestamp(now.0.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)))
        };
        let sweep = Sweep {
            finished_before: before(retention.finished),
            failed_before: before(retention.failed),
            events_before: before(limits::EVENTS_KEPT),
            claims_before: before(limits::CLAIMS_KEPT),
            limit: limits::SWEEP_MAX,
        };
        let mut count = 0;
        loop {
            let swept = self.shared.store.sweep(sweep).await?;
            self.shared.forget_images(&swept.images);
            count += swept.executions;
            if !swept.is_more {
                return Ok(count);
            }
        }
    }

    /// The state at the next rest, or as it is when the wait is over; in any case after what was
    /// brought is durable.
    async fn answer(
        &self,
        id: ExecutionId,
        waiting: Waiting,
        over: impl Future<Output = ()>,
    ) -> Result<ExecutionView, EngineError> {
        let Waiting { accepted, reply } = waiting;
        if accepted.await.is_err() {
            // It was not taken; the reply says why.
            return reply.await.unwrap_or_else(|_| Err(ended_early()));
        }
        tokio::select! {
            biased;
            answer = reply => answer.unwrap_or_else(|_| Err(ended_early())),
            () = over => self.execution(id).await,
        }
    }

    /// An execution as the store has it.
    pub async fn execution(&self, id: ExecutionId) -> Result<ExecutionView, EngineError> {
        Ok(Driver::load(&self.shared, id).await?.view())
    }

    /// A page of kept executions, newest first.
    pub async fn executions(
        &self,
        query: ExecutionQuery,
    ) -> Result<Vec<ExecutionRow>, EngineError> {
        Ok(self.shared.store.executions(query).await?)
    }

    /// Keeps an image with its source; with a name, moves the alias to it.
    pub async fn save(
        &self,
        image: &Image,
        source: Text,
        name: Option<&PipelineName>,
        is_file: bool,
        claim: Option<Answering<SavedPipeline>>,
    ) -> Result<SavedPipeline, EngineError> {
        let name = name.map(|name| name.as_text().clone());
        let image = self.shared.stored_image(image, source);
        let save = SavePipeline { image, name: name.clone(), is_file, claim };
        // Without a name, an alias that cannot be is forgotten.
        self.change_alias(name.unwrap_or_default(), move |store| store.save_pipeline(save)).await
    }

    /// The pipeline that `reference` names.
    pub async fn find(&self, reference: &Reference) -> Result<Option<Found>, EngineError> {
        let alias = match reference {
            Reference::Digest(digest) => {
                let loaded = self.shared.image(*digest).await?;
                return Ok(loaded.map(|loaded| Found { loaded, alias: None }));
            }
            Reference::Alias(name, version) => self.shared.alias(name, *version).await?,
        };
        let Some(alias) = alias else { return Ok(None) };
        let loaded = self.shared.image(alias.digest).await?;
        Ok(loaded.map(|loaded| Found { loaded, alias: Some(alias) }))
    }

    /// The modules that stored images call and that are gone, have another effect or no
    /// longer fit: calls of them fail with R012. By name, at most [`limits::MODULES_MISSING_MAX`].
    pub async fn missing_modules(&self) -> Result<Vec<MissingModule>, EngineError> {
        needs::missing(&self.shared).await
    }

    /// The [catalog](Engine::catalog) with the stored pipelines of these names. Where there is none,
    /// those are added whose names are similar, for the compiler to suggest.
    pub async fn catalog_with(&self, names: &BTreeSet<Text>) -> Result<Arc<Catalog>, EngineError> {
        let catalog = self.catalog();
        if names.is_empty() {
            return Ok(catalog);
        }
        let mut extended = (*catalog).clone();
        let mut unknown = Vec::new();
        for name in names.iter().take(limits::PIPELINES_CALLED_MAX) {
            if !self.insert_pipeline(&mut extended, name).await? {
                unknown.push(name);
            }
        }
        if !unknown.is_empty() {
            let known = self.aliases(None, limits::PIPELINES_CALLED_MAX).await?;
            for name in unknown {
                let known = known.iter().map(|row| row.name.as_str());
                for similar in text::suggestions(name, known) {
                    self.insert_pipeline(&mut extended, &similar.into()).await?;
                }
            }
        }
        Ok(Arc::new(extended))
    }

    async fn insert_pipeline(
        &self,
        catalog: &mut Catalog,
        name: &Text,
    ) -> Result<bool, EngineError> {
        let Ok(alias) = name.parse() else { return Ok(false) };
        let found = self.find(&Reference::Alias(alias, None)).await?;
        let image = found.map(|found| found.loaded.image.clone());
        let is_found = image.is_some();
        image.into_iter().for_each(|image| catalog.insert_pipeline(name.clone(), image));
        Ok(is_found)
    }

    /// The image with what is kept beside it.
    pub async fn stored_image(&self, digest: Digest) -> Result<Option<StoredImage>, EngineError> {
        Ok(self.shared.store.image(digest).await?)
    }

    /// Aliases behind `after`, sorted by name, at most `limit`.
    pub async fn aliases(
        &self,
        after: Option<Text>,
        limit: usize,
    ) -> Result<Vec<AliasRow>, EngineError> {
        Ok(self.shared.store.aliases(after, limit).await?)
    }

    /// Aliases that point to this image now, sorted by name, at most `limit`.
    pub async fn aliases_of(
        &self,
        digest: Digest,
        limit: usize,
    ) -> Result<Vec<AliasRow>, EngineError> {
        Ok(self.shared.store.aliases_of(digest, limit).await?)
    }

    /// Versions of an alias older than `before`, the newest first, at most `limit`.
    pub async fn versions(
        &self,
        name: &PipelineName,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<AliasRow>, EngineError> {
        Ok(self.shared.store.versions(name.as_text().clone(), before, limit).await?)
    }

    /// Moves an alias.
    pub async fn move_alias(
        &self,
        name: &PipelineName,
        to: Target,
        expected: Option<Expected>,
        claim: Option<Answering<MovedAlias>>,
    ) -> Result<MovedAlias, EngineError> {
        let (name, at) = (name.as_text().clone(), self.shared.clock.now());
        let shift = MoveAlias { name: name.clone(), to, expected, at, claim };
        self.change_alias(name, move |store| store.move_alias(shift)).await
    }

    /// Forgets an alias with all its versions. Answers whether it was there.
    pub async fn delete_alias(&self, name: &PipelineName) -> Result<bool, EngineError> {
        let name = name.as_text().clone();
        self.change_alias(name.clone(), move |store| store.delete_alias(name)).await
    }

    /// Forgets an image that nothing needs.
    pub async fn delete_image(&self, digest: Digest) -> Result<DeletedImage, EngineError> {
        let deleted = self.shared.store.delete_image(digest).await?;
        if deleted == DeletedImage::Deleted {
            self.shared.forget_images(&[digest]);
        }
        Ok(deleted)
    }

    /// Does what changes an alias in a task of its own: what is written is known here, also when the
    /// caller goes away.
    async fn change_alias<T: Send + 'static>(
        &self,
        name: Text,
        change: impl FnOnce(&dyn Store) -> StoreFuture<T>,
    ) -> Result<T, EngineError> {
        let shared = self.shared.clone();
        let changed = change(&*shared.store);
        let changed = tokio::spawn(async move {
            let changed = changed.await;
            shared.aliases().forget(&name);
            changed
        });
        Ok(changed.await.map_err(|_| ended_early())??)
    }

    /// Goes on with every execution that was running when the process ended, and with the deadlines
    /// that passed meanwhile. Answers how many were running.
    pub async fn recover(&self) -> Result<usize, EngineError> {
        self.shared.timers.set(&self.shared, Timestamp(i64::MIN));
        self.shared.wake_running().await
    }

    /// Takes no further work, and gives what runs `grace` to come to rest; then what still runs is
    /// made durable as Running and stops. Returns when nothing runs any more.
    pub async fn drain(&self, grace: Duration) {
        let shared = &self.shared;
        shared.enter(Phase::Draining);
        tokio::select! {
            biased;
            () = shared.idle() => {}
            () = shared.clock.sleep(grace) => {}
        }
        shared.enter(Phase::Halting);
        tokio::select! {
            biased;
            () = shared.idle() => {}
            () = shared.clock.sleep(limits::HALT_MAX) => {}
        }
    }

    /// Whether the engine still takes work.
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }
}
