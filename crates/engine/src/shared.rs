//! What all executions of an engine share: the tasks that run them, the images they run, and the
//! engine's own life.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use model::{Catalog, Digest, Image, Text};
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, mpsc, watch};

use crate::bounds::Bounds;
use crate::call::Host;
use crate::driver::Driver;
use crate::error::EngineError;
use crate::loaded::LoadedImage;
use crate::mailbox::Request;
use crate::needs::Needs;
use crate::ports::{AliasRow, Clock, ExecutionQuery, Status, Store, StoredImage};
use crate::reference::PipelineName;
use crate::registry::Registry;
use crate::timers::Timers;
use crate::traffic::Traffic;
use crate::{ExecutionId, Timestamp, limits};

/// The life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
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
    bounds: Bounds,
    /// The modules of now, and what pipelines can call because of them.
    modules: RwLock<(Arc<Registry>, Arc<Catalog>)>,
    /// Durable executions that have a task. Messages are sent and entries are removed under this
    /// lock, so no message reaches a task that has decided to end.
    live: Mutex<Mailboxes>,
    images: Mutex<FxHashMap<Digest, Arc<LoadedImage>>>,
    pub(crate) needs: Needs,
    aliases: Mutex<Aliases>,
    phase: watch::Sender<Phase>,
    pub(crate) timers: Timers,
    pub(crate) traffic: Arc<Traffic>,
    /// Executions that somebody watches.
    watched: Mutex<FxHashMap<ExecutionId, Arc<Notify>>>,
    /// Requests that wait for durable executions.
    requests: Arc<AtomicUsize>,
    /// Executions in memory.
    busy: AtomicUsize,
    idle: Notify,
}

impl Shared {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        registry: Registry,
        bounds: Bounds,
    ) -> Shared {
        Shared {
            store,
            clock,
            bounds,
            modules: RwLock::new(with_catalog(registry)),
            live: Mutex::default(),
            images: Mutex::default(),
            needs: Needs::default(),
            aliases: Mutex::default(),
            phase: watch::Sender::new(Phase::Open),
            timers: Timers::new(),
            traffic: Arc::default(),
            watched: Mutex::default(),
            requests: Arc::default(),
            busy: AtomicUsize::new(0),
            idle: Notify::new(),
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.modules.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.modules.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Calls that begin from now on are made with these modules.
    pub(crate) fn replace_modules(&self, registry: Registry) {
        let modules = with_catalog(registry);
        *self.modules.write().unwrap_or_else(PoisonError::into_inner) = modules;
    }

    /// What calls are made with now.
    pub(crate) fn host(&self) -> Host {
        let (clock, traffic) = (self.clock.clone(), self.traffic.clone());
        Host { registry: self.registry(), clock, traffic }
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Mailboxes> {
        lock(&self.live)
    }

    pub(crate) fn aliases(&self) -> MutexGuard<'_, Aliases> {
        lock(&self.aliases)
    }

    pub(crate) fn stored_image(&self, image: &Image, source: Text) -> Arc<StoredImage> {
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
        let Some(image) = self.read_image(digest).await? else { return Ok(None) };
        let loaded = LoadedImage::new(image).map_err(|unknown| {
            EngineError::Unusable(format!("{digest}: it uses the unknown function {}", unknown.0))
        })?;
        let loaded = Arc::new(loaded);
        let mut images = lock(&self.images);
        if images.len() >= limits::IMAGES_CACHED_MAX {
            images.clear();
        }
        images.insert(digest, loaded.clone());
        Ok(Some(loaded))
    }

    /// An image as the store has it.
    pub(crate) async fn read_image(&self, digest: Digest) -> Result<Option<Image>, EngineError> {
        let Some(stored) = self.store.image(digest).await? else { return Ok(None) };
        let unusable = |cause: String| EngineError::Unusable(format!("{digest}: {cause}"));
        let image = Image::decode(&stored.bytes).map_err(|fault| unusable(fault.to_string()))?;
        if image.digest != digest {
            return Err(unusable("the image says it has another digest".to_owned()));
        }
        Ok(Some(image))
    }

    pub(crate) async fn alias(
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

    pub(crate) fn forget_images(&self, digests: &[Digest]) {
        let mut images = lock(&self.images);
        digests.iter().for_each(|digest| drop(images.remove(digest)));
    }

    /// A place among the requests that wait.
    pub(crate) fn place(&self) -> Result<Place, EngineError> {
        let place = Place { taken: self.requests.clone() };
        let others = place.taken.fetch_add(1, Ordering::SeqCst);
        if others >= self.bounds.requests { Err(EngineError::Overloaded) } else { Ok(place) }
    }

    /// The store has something new of an execution, whose next timer is due then.
    pub(crate) fn changed(self: &Arc<Self>, id: ExecutionId, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.timers.set(self, due);
        }
        if let Some(watched) = lock(&self.watched).get(&id) {
            watched.notify_waiters();
        }
    }

    pub(crate) fn changes(self: &Arc<Self>, id: ExecutionId) -> Changes {
        let notify = lock(&self.watched).entry(id).or_default().clone();
        Changes { shared: self.clone(), id, notify }
    }

    /// Gives `request` to the execution's task, which is made if there is none.
    pub(crate) fn send(self: &Arc<Self>, id: ExecutionId, request: Request) {
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
            Ok(driver) => driver.run(mailbox, None).await,
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
                Request::Wake if error.is_temporary() => self.wake_later(id),
                // It never came into the store, or was deleted.
                Request::Wake | Request::Timer(_) if error == EngineError::NotFound => {}
                Request::Wake | Request::Timer(_) if !error.is_temporary() => {
                    tracing::error!(execution = %id, %error, "the execution does not go on");
                }
                request => request.refuse(&error),
            }
        }
    }

    /// Goes on with every execution that the store lists as running. Answers how many.
    pub(crate) async fn wake_running(self: &Arc<Self>) -> Result<usize, EngineError> {
        let mut count = 0;
        let mut before = None;
        loop {
            let query = ExecutionQuery {
                status: Some(Status::Running),
                before,
                limit: limits::PAGE_MAX,
                ..ExecutionQuery::default()
            };
            let page = self.store.executions(query).await?;
            let Some(last) = page.last() else { return Ok(count) };
            before = Some(last.id);
            count += page.len();
            for row in page {
                self.send(row.id, Request::Wake);
            }
        }
    }

    /// The same when the store may be back, as often as it takes.
    pub(crate) fn wake_running_later(self: &Arc<Self>) {
        let shared = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    () = shared.halted() => return,
                    () = shared.clock.sleep(limits::STORE_RETRY) => {}
                }
                if shared.wake_running().await.is_ok() {
                    return;
                }
            }
        });
    }

    /// Goes on with an execution when the store may be back.
    pub(crate) fn wake_later(self: &Arc<Self>, id: ExecutionId) {
        let shared = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = shared.clock.sleep(limits::STORE_RETRY) => shared.send(id, Request::Wake),
                () = shared.halted() => {}
            }
        });
    }

    pub(crate) fn is_draining(&self) -> bool {
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

    /// Is ready when no more work is taken, or the engine is gone.
    pub(crate) fn draining(&self) -> impl Future<Output = ()> + use<> {
        let mut phase = self.phase.subscribe();
        async move { drop(phase.wait_for(|phase| *phase != Phase::Open).await) }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Whether as many executions are in memory as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.load() >= self.bounds.executions
    }

    /// How many executions are in memory.
    pub(crate) fn load(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Counts an execution as busy as long as the answer lives.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy { shared: self.clone() }
    }

    pub(crate) async fn idle(&self) {
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
pub(crate) struct Aliases {
    rows: FxHashMap<Text, AliasRow>,
    /// How many were moved: what was read before a move is not remembered after it.
    moves: u64,
}

impl Aliases {
    pub(crate) fn forget(&mut self, name: &Text) {
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

pub(crate) fn ended_early() -> EngineError {
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

/// One of the requests that may wait at once.
pub(crate) struct Place {
    taken: Arc<AtomicUsize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells of changes of one execution.
pub struct Changes {
    shared: Arc<Shared>,
    id: ExecutionId,
    notify: Arc<Notify>,
}

impl Changes {
    /// The next change after this call, whenever the answer is awaited.
    pub fn next(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut next = Box::pin(self.notify.clone().notified_owned());
        next.as_mut().enable();
        next
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let mut watched = lock(&self.shared.watched);
        // The table holds one, this is the other.
        if Arc::strong_count(&self.notify) == 2 {
            watched.remove(&self.id);
        }
    }
}

/// A lock that a panic elsewhere does not poison: what it guards is a cache or a table of
/// senders, whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_catalog(registry: Registry) -> (Arc<Registry>, Arc<Catalog>) {
    let catalog = registry.catalog();
    (Arc::new(registry), Arc::new(catalog))
}
