//! The shell around the heart: starts, resumes and recovers executions, and keeps pipelines.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use model::plan::InputId;
use model::{Digest, Image, Text, Value};
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, mpsc, watch};

use crate::driver::{Driver, Request, Waiter, Waiting};
use crate::error::EngineError;
use crate::loaded::LoadedImage;
use crate::log::{Event, StoredValue};
use crate::ports::{
    AliasRow, Clock, ExecutionQuery, ExecutionRow, SavePipeline, SavedPipeline, Status, Store,
    StoredImage,
};
use crate::reference::{PipelineName, Reference};
use crate::registry::Registry;
use crate::resume::Resume;
use crate::view::ExecutionView;
use crate::{ExecutionId, limits};

/// Runs executions on one store. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
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
    /// Answer as Running after this time.
    pub wait: Duration,
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
        let shared = Shared {
            store,
            clock,
            registry: RwLock::new(Arc::new(registry)),
            live: Mutex::default(),
            images: Mutex::default(),
            aliases: Mutex::default(),
            phase: watch::Sender::new(Phase::Open),
            busy: AtomicUsize::new(0),
            idle: Notify::new(),
        };
        Engine { shared: Arc::new(shared) }
    }

    /// The modules that this host offers now.
    pub fn registry(&self) -> Arc<Registry> {
        self.shared.registry()
    }

    /// Starts an execution and answers at its first rest, or when `start.wait` is over. It is
    /// kept as soon as it suspends, fails, is answered as Running or is about to make a `write`
    /// call; one that completes before that touches no disk.
    pub async fn start(&self, start: Start) -> Result<ExecutionView, EngineError> {
        let shared = &self.shared;
        if shared.is_draining() {
            return Err(EngineError::Draining);
        }
        let Start { loaded, source, pipeline, inputs, keep, wait } = start;
        let inputs = inputs.into_iter().map(|(id, value)| (id, StoredValue(value))).collect();
        let event = Event::Started { image: loaded.digest(), pipeline, inputs };
        let image = source.map(|source| shared.stored_image(&loaded.image, source));
        let mut driver = Driver::start(shared, loaded, image, event);
        let may_end_here =
            |driver: &Driver| !keep && driver.execution().status() == Status::Completed;
        if may_end_here(&driver) {
            return Ok(driver.view());
        }
        let over = shared.clock.sleep(wait).shared();
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
        self.keep(driver, over).await
    }

    /// Makes a started execution durable, and waits for its rest. From here on it belongs to a
    /// task of its own, and goes on when its caller goes away.
    async fn keep(
        &self,
        driver: Driver,
        over: impl Future<Output = ()>,
    ) -> Result<ExecutionView, EngineError> {
        let id = driver.id();
        let (waiter, waiting) = Waiter::new();
        let (sender, mailbox) = mpsc::unbounded_channel();
        self.shared.live().insert(id, sender);
        tokio::spawn(driver.run(mailbox, vec![waiter]));
        self.answer(id, waiting, over).await
    }

    /// Supplies values to an execution and answers at its next rest, or when `wait` is over.
    /// Concurrent resumes merge; what is already known is no news.
    pub async fn resume(
        &self,
        id: ExecutionId,
        resume: Resume,
        wait: Duration,
    ) -> Result<ExecutionView, EngineError> {
        if self.shared.is_draining() {
            return Err(EngineError::Draining);
        }
        let (waiter, waiting) = Waiter::new();
        self.shared.send(id, Request::Resume(resume, waiter));
        self.answer(id, waiting, self.shared.clock.sleep(wait)).await
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
    ) -> Result<SavedPipeline, EngineError> {
        let name = name.map(|name| name.as_text().clone());
        let image = self.shared.stored_image(image, source);
        let save = SavePipeline { image, name: name.clone(), is_file };
        // A task of its own: what is written is known here, also when the caller goes away.
        let shared = self.shared.clone();
        let saved = tokio::spawn(async move {
            let saved = shared.store.save_pipeline(save).await;
            if let Some(name) = name {
                shared.aliases().forget(&name);
            }
            saved
        });
        Ok(saved.await.map_err(|_| ended_early())??)
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

    /// Goes on with every execution that was running when the process ended. Answers how many.
    pub async fn recover(&self) -> Result<usize, EngineError> {
        let mut count = 0;
        let mut before = None;
        loop {
            let query = ExecutionQuery {
                status: Some(Status::Running),
                before,
                limit: limits::PAGE_MAX,
                ..ExecutionQuery::default()
            };
            let page = self.executions(query).await?;
            let Some(last) = page.last() else { return Ok(count) };
            before = Some(last.id);
            count += page.len();
            for row in page {
                self.shared.send(row.id, Request::Wake);
            }
        }
    }

    /// Takes no further work, and gives what runs `grace` to come to rest; then what still runs is
    /// made durable as Running and stops. Returns when nothing runs any more.
    pub async fn drain(&self, grace: Duration) {
        let shared = &self.shared;
        shared.phase.send_replace(Phase::Draining);
        tokio::select! {
            () = shared.idle() => {}
            () = shared.clock.sleep(grace) => {}
        }
        shared.phase.send_replace(Phase::Halting);
        tokio::select! {
            () = shared.idle() => {}
            () = shared.clock.sleep(limits::HALT_MAX) => {}
        }
    }

    /// Whether the engine still takes work.
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }
}

/// The life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It takes work.
    Open,
    /// It finishes what it has.
    Draining,
    /// It stops what it has.
    Halting,
}

type Mailboxes = FxHashMap<ExecutionId, mpsc::UnboundedSender<Request>>;

/// What all executions of an engine share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    registry: RwLock<Arc<Registry>>,
    /// Durable executions that have a task. Messages are sent and entries are removed under this
    /// lock, so no message reaches a task that has decided to end.
    live: Mutex<Mailboxes>,
    images: Mutex<FxHashMap<Digest, Arc<LoadedImage>>>,
    aliases: Mutex<Aliases>,
    phase: watch::Sender<Phase>,
    /// Executions in memory.
    busy: AtomicUsize,
    idle: Notify,
}

impl Shared {
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn live(&self) -> MutexGuard<'_, Mailboxes> {
        lock(&self.live)
    }

    fn aliases(&self) -> MutexGuard<'_, Aliases> {
        lock(&self.aliases)
    }

    fn stored_image(&self, image: &Image, source: Text) -> Arc<StoredImage> {
        let created_at = self.clock.now();
        Arc::new(StoredImage { digest: image.digest, bytes: image.encode(), source, created_at })
    }

    /// The image of this name, from memory or from the store.
    pub(crate) async fn image(
        &self,
        digest: Digest,
    ) -> Result<Option<Arc<LoadedImage>>, EngineError> {
        if let Some(loaded) = lock(&self.images).get(&digest) {
            return Ok(Some(loaded.clone()));
        }
        let Some(stored) = self.store.image(digest).await? else { return Ok(None) };
        let unusable = |cause: String| EngineError::Unusable(format!("{digest}: {cause}"));
        let image = Image::decode(&stored.bytes).map_err(|fault| unusable(fault.to_string()))?;
        if image.digest != digest {
            return Err(unusable("the image says it has another digest".to_owned()));
        }
        let loaded = LoadedImage::new(image)
            .map_err(|unknown| unusable(format!("it uses the unknown function {}", unknown.0)))?;
        let loaded = Arc::new(loaded);
        let mut images = lock(&self.images);
        if images.len() >= limits::IMAGES_CACHED_MAX {
            images.clear();
        }
        images.insert(digest, loaded.clone());
        Ok(Some(loaded))
    }

    async fn alias(
        &self,
        name: &PipelineName,
        version: Option<u32>,
    ) -> Result<Option<AliasRow>, EngineError> {
        if version.is_some() {
            return Ok(self.store.alias(name.as_text().clone(), version).await?);
        }
        let moves = {
            let aliases = self.aliases();
            if let Some(row) = aliases.rows.get(name.as_text()) {
                return Ok(Some(row.clone()));
            }
            aliases.moves
        };
        let row = self.store.alias(name.as_text().clone(), None).await?;
        if let Some(row) = &row {
            self.aliases().remember(row, moves);
        }
        Ok(row)
    }

    /// Gives `request` to the execution's task, which is made if there is none.
    fn send(self: &Arc<Self>, id: ExecutionId, request: Request) {
        let mut live = self.live();
        let request = match live.get(&id) {
            Some(sender) => match sender.send(request) {
                Ok(()) => return,
                // The task panicked: a new one takes over.
                Err(mpsc::error::SendError(request)) => request,
            },
            None => request,
        };
        let (sender, mailbox) = mpsc::unbounded_channel();
        if sender.send(request).is_ok() {
            live.insert(id, sender);
            tokio::spawn(self.clone().load_and_run(id, mailbox, self.busy()));
        }
    }

    async fn load_and_run(
        self: Arc<Self>,
        id: ExecutionId,
        mailbox: mpsc::UnboundedReceiver<Request>,
        _busy: Busy,
    ) {
        match Driver::load(&self, id).await {
            Ok(driver) => driver.run(mailbox, Vec::new()).await,
            Err(error) => self.abandon(id, mailbox, error),
        }
    }

    /// Takes the execution's task out of the live ones, unless something came for it.
    pub(crate) fn leave(
        &self,
        id: ExecutionId,
        mailbox: &mpsc::UnboundedReceiver<Request>,
    ) -> bool {
        let mut live = self.live();
        let leaves = mailbox.is_empty();
        if leaves {
            live.remove(&id);
        }
        leaves
    }

    /// Ends the execution's task whatever came for it, which is answered with `error`.
    pub(crate) fn abandon(
        self: &Arc<Self>,
        id: ExecutionId,
        mut mailbox: mpsc::UnboundedReceiver<Request>,
        error: EngineError,
    ) {
        self.live().remove(&id);
        while let Ok(request) = mailbox.try_recv() {
            match request {
                Request::Resume(_, waiter) => waiter.answer(Err(error.clone())),
                Request::Wake if matches!(error, EngineError::Unavailable(_)) => {
                    self.wake_later(id)
                }
                Request::Wake => {
                    tracing::error!(execution = %id, %error, "the execution does not go on");
                }
            }
        }
    }

    /// Goes on with an execution when the store may be back.
    pub(crate) fn wake_later(self: &Arc<Self>, id: ExecutionId) {
        let shared = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shared.clock.sleep(limits::STORE_RETRY) => shared.send(id, Request::Wake),
                () = shared.halted() => {}
            }
        });
    }

    fn is_draining(&self) -> bool {
        *self.phase.borrow() != Phase::Open
    }

    /// Whether everything has to stop.
    pub(crate) fn is_halting(&self) -> bool {
        *self.phase.borrow() == Phase::Halting
    }

    /// Is ready when everything has to stop.
    pub(crate) async fn halted(&self) {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as `self`.
        drop(phase.wait_for(|phase| *phase == Phase::Halting).await);
    }

    /// Counts an execution as busy as long as the answer lives.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy { shared: self.clone() }
    }

    async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.busy.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// Where aliases point now. This process is the only writer of its store.
#[derive(Default)]
struct Aliases {
    rows: FxHashMap<Text, AliasRow>,
    /// How many were moved: what was read before a move is not remembered after it.
    moves: u64,
}

impl Aliases {
    fn forget(&mut self, name: &Text) {
        self.moves += 1;
        self.rows.remove(name);
    }

    /// Keeps a row that was read when `moves` aliases had been moved.
    fn remember(&mut self, row: &AliasRow, moves: u64) {
        if self.moves != moves {
            return;
        }
        if self.rows.len() >= limits::ALIASES_CACHED_MAX {
            self.rows.clear();
        }
        self.rows.insert(row.name.clone(), row.clone());
    }
}

fn ended_early() -> EngineError {
    EngineError::Unavailable("the execution's task ended early".to_owned())
}

/// An execution in memory.
pub(crate) struct Busy {
    shared: Arc<Shared>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.shared.busy.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.idle.notify_waiters();
        }
    }
}

/// A lock that a panic elsewhere does not poison: what it guards is a cache or a table of
/// senders, whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
