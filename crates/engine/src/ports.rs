//! What the engine needs from outside: a store, a clock, modules. Each has more than one
//! implementation, so that the whole engine runs in memory and in simulated time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use model::{Digest, Effect, Signature, Text, Value};

use crate::gate::Gate;
use crate::{ExecutionId, Timestamp};

/// Tells the time and lets it pass.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
    /// The time since some moment that stays the same. It does not go back, as that of the day may.
    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().0).unwrap_or_default())
    }
    /// Is ready when `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// A new id; ids sort by the time of their creation.
    fn new_id(&self) -> ExecutionId {
        ExecutionId::random()
    }
}

/// A way to do one thing in the outside world.
pub trait Module: Send + Sync + 'static {
    /// Calls it once. Dropping the future tells the module that nobody waits any more.
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>>;
}

/// One attempt of a call.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    /// One value a parameter, of exactly its type.
    pub arguments: Arc<[Value]>,
    /// Execution and node, the same for every attempt, also after a crash: by it the outside world
    /// can recognise a call that is repeated.
    pub key: Text,
    /// From 1.
    pub attempt: u32,
    /// The trace that the call belongs to, as W3C Trace Context writes it in `traceparent`.
    pub trace: Option<Text>,
}

/// Why an attempt gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleError {
    /// R001 in general; R010 for a result that does not fit, R011 for an argument that cannot be
    /// used.
    pub code: model::Code,
    /// For people, already cut and escaped.
    pub message: String,
    /// Whether another attempt may succeed.
    pub retryable: bool,
    /// How long the next attempt must wait at least.
    pub retry_after: Option<Duration>,
}

impl ModuleError {
    /// A failure of this kind.
    pub fn new(code: model::Code, message: impl Into<String>, retryable: bool) -> ModuleError {
        ModuleError { code, message: message.into(), retryable, retry_after: None }
    }
}

/// A module that this host offers.
#[derive(Clone)]
pub struct RegisteredModule {
    /// Parameters and result.
    pub signature: Signature,
    /// What a call may do.
    pub effect: Effect,
    /// One line for people; may be empty.
    pub doc: Text,
    /// Where it was declared, for people: a file, or `embedded`.
    pub origin: Text,
    /// Names what was declared, so that kept results of another module of this name are not used.
    pub declaration: Digest,
    /// Bounds how many calls run at once, of this module and of others that share the gate.
    pub gate: Option<Arc<Gate>>,
    /// Its implementation.
    pub module: Arc<dyn Module>,
}

impl RegisteredModule {
    /// A module of the program that embeds the engine.
    pub fn embedded(signature: Signature, effect: Effect, module: Arc<dyn Module>) -> Self {
        let declaration = Digest::of(signature.to_string().as_bytes());
        let (doc, origin) = (Text::default(), Text::new_static("embedded"));
        RegisteredModule { signature, effect, doc, origin, declaration, gate: None, module }
    }
}

impl fmt::Debug for RegisteredModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.effect, self.signature)
    }
}

/// The result of a store's verb, when it is durable.
pub type StoreFuture<T> = BoxFuture<'static, Result<T, StoreError>>;

/// Keeps images, aliases, execution logs, events and answers. It is dumb: it appends, reads and
/// compares, and knows nothing of what the bytes mean. Every verb is atomic; a write that returned is
/// durable.
pub trait Store: Send + Sync + 'static {
    /// Appends records to one execution, if it has exactly `append.after` records by now. An input
    /// that begins to listen takes the oldest kept event of its type and key at once.
    fn append(&self, append: Append) -> StoreFuture<Appended>;
    /// The records of an execution behind the first `from`, in order; `None` if there is no such
    /// execution.
    fn records(&self, id: ExecutionId, from: u64) -> StoreFuture<Option<Vec<Vec<u8>>>>;
    /// A page of executions, newest first.
    fn executions(&self, query: ExecutionQuery) -> StoreFuture<Vec<ExecutionRow>>;
    /// Forgets an execution, if it has exactly so many records by now.
    fn delete(&self, id: ExecutionId, records: u64) -> StoreFuture<()>;
    /// Executions with their next timers, the earliest first, at most `limit`.
    fn timers(&self, limit: usize) -> StoreFuture<Vec<Timer>>;
    /// Appends an event to the log of every execution that listens for it, or keeps it.
    fn deliver(&self, delivery: Delivery) -> StoreFuture<Delivered>;
    /// A page of kept events, the oldest first.
    fn kept_events(&self, query: EventQuery) -> StoreFuture<Vec<KeptEvent>>;
    /// What is known under an idempotency key.
    fn claim(&self, key: Text) -> StoreFuture<Option<Claim>>;
    /// Puts a claim in the place of what was known under its key.
    fn put_claim(&self, claim: Claim) -> StoreFuture<()>;
    /// Keeps an image and, with a name, moves the alias to it.
    fn save_pipeline(&self, save: SavePipeline) -> StoreFuture<SavedPipeline>;
    /// The image of this name.
    fn image(&self, digest: Digest) -> StoreFuture<Option<StoredImage>>;
    /// The names of all images, sorted, behind `after`, at most `limit`.
    fn images(&self, after: Option<Digest>, limit: usize) -> StoreFuture<Vec<Digest>>;
    /// Where an alias points, at its newest version or at `version`.
    fn alias(&self, name: Text, version: Option<u32>) -> StoreFuture<Option<AliasRow>>;
    /// Aliases with their newest versions, sorted by name, behind `after`, at most `limit`.
    fn aliases(&self, after: Option<Text>, limit: usize) -> StoreFuture<Vec<AliasRow>>;
    /// Aliases whose newest version points to this image, sorted by name, at most `limit`.
    fn aliases_of(&self, digest: Digest, limit: usize) -> StoreFuture<Vec<AliasRow>>;
    /// Versions of an alias older than `before`, the newest first, at most `limit`.
    fn versions(&self, name: Text, before: Option<u32>, limit: usize)
    -> StoreFuture<Vec<AliasRow>>;
    /// Moves an alias.
    fn move_alias(&self, shift: MoveAlias) -> StoreFuture<MovedAlias>;
    /// Forgets an alias with all its versions; tells whether it was there.
    fn delete_alias(&self, name: Text) -> StoreFuture<bool>;
    /// Forgets an image that no version of an alias and no execution needs.
    fn delete_image(&self, digest: Digest) -> StoreFuture<DeletedImage>;
    /// Forgets what is past its time.
    fn sweep(&self, sweep: Sweep) -> StoreFuture<Swept>;
}

/// Why a store did not do what it was asked; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Somebody else appended first: read again and decide again.
    Conflict,
    /// The image that the execution runs is not there.
    NoImage,
    /// Too many writes wait, or too many events are kept: try later.
    Overloaded,
    /// The disk is full, the file is gone, the database is locked: try later. For the log, not for
    /// callers.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict => f.write_str("the execution was changed by somebody else"),
            StoreError::NoImage => f.write_str("the image was deleted"),
            StoreError::Overloaded => f.write_str("the store has too much to do"),
            StoreError::Unavailable(cause) => write!(f, "the store is unavailable: {cause}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Records to append to one execution, in one transaction.
#[derive(Clone, Debug)]
pub struct Append {
    /// Which execution.
    pub id: ExecutionId,
    /// How many records it must have now; 0 creates it.
    pub after: u64,
    /// The new records, encoded. There may be none: then only what follows from them is new.
    pub records: Vec<Vec<u8>>,
    /// What listings shall show from now on.
    pub summary: Summary,
    /// When its next timer is due.
    pub due: Option<Timestamp>,
    /// What its inputs listen for from now on, sorted by input.
    pub listening: Vec<Listening>,
    /// The image, to be kept in the same transaction if it is not there yet.
    pub image: Option<Arc<StoredImage>>,
    /// Idempotency keys that are claimed or answered in the same transaction.
    pub claims: Vec<Claim>,
}

/// What an append did beside what it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Kept events that inputs took as they began to listen, appended behind the new records. The
    /// execution is listed as Running until it has appended again.
    pub received: Vec<Vec<u8>>,
}

/// An input that an event may fill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listening {
    /// Its name.
    pub input: Text,
    /// The type of the events.
    pub event_type: Text,
    /// Their key, as text.
    pub key: Text,
}

/// A timer of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// When it is due.
    pub due: Timestamp,
    /// Whose it is.
    pub id: ExecutionId,
}

/// An event from outside.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its type.
    pub event_type: Text,
    /// Its key, as text.
    pub key: Text,
    /// Source and id: of events with the same ones, only the first counts.
    pub identity: Option<(Text, Text)>,
    /// The record for the log of whoever takes it, encoded.
    pub record: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
    /// How many events may be kept: one more is [`StoreError::Overloaded`].
    pub kept_max: usize,
    /// The idempotency key of the request that brought it.
    pub claim: Option<Answering<Delivered>>,
}

/// What became of an event. An execution that got it is listed as Running until it has appended
/// again; the input that it fills, the first by name, does not listen any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The executions whose logs have it, in the order of their ids.
    pub executions: Vec<ExecutionId>,
    /// It is kept for whoever listens first.
    pub is_kept: bool,
    /// An event with its identity was here before; nothing was done.
    pub is_repeated: bool,
}

/// Which kept events to list.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Only of this type.
    pub event_type: Option<Text>,
    /// Only with this key.
    pub key: Option<Text>,
    /// Only behind this one.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// An event that nobody has listened for yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its place in the order of arrival.
    pub number: u64,
    /// The record of the [`Delivery`].
    pub record: Vec<u8>,
}

/// An idempotency key with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The caller's key.
    pub key: Text,
    /// Of the request: another request must not use the key.
    pub digest: Digest,
    /// When the key was first used.
    pub at: Timestamp,
    /// The execution that the request started or resumed.
    pub execution: Option<ExecutionId>,
    /// The answer that was given; opaque.
    pub answer: Option<Vec<u8>>,
}

/// A claim whose answer is written in the transaction that it tells of.
#[derive(Clone)]
pub struct Answering<T> {
    /// The claim, without its answer.
    pub claim: Claim,
    /// Gives the answer.
    pub answer: Answer<T>,
}

/// Writes an answer; opaque to the engine.
pub type Answer<T> = Arc<dyn Fn(&T) -> Vec<u8> + Send + Sync>;

impl<T> Answering<T> {
    /// The claim with the answer to `result`.
    pub fn answered(&self, result: &T) -> Claim {
        Claim { answer: Some((self.answer)(result)), ..self.claim.clone() }
    }
}

impl<T> fmt::Debug for Answering<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claim.fmt(f)
    }
}

/// What a listing shows of an execution without folding its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The image it runs.
    pub image: Digest,
    /// The alias by which it was started.
    pub pipeline: Option<Text>,
    /// Its status.
    pub status: Status,
    /// Names of missing inputs.
    pub missing: Vec<Text>,
    /// How many resumes changed something.
    pub resumption_count: u32,
    /// When it started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Something runs or can run.
    Running,
    /// It waits for missing inputs.
    Suspended,
    /// Every output has a value.
    Completed,
    /// An output has failed; it can be repaired or retried.
    Failed,
    /// It was ended by hand.
    Cancelled,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 5] =
        [Status::Running, Status::Suspended, Status::Completed, Status::Failed, Status::Cancelled];

    /// As users see it, `Suspended`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "Running",
            Status::Suspended => "Suspended",
            Status::Completed => "Completed",
            Status::Failed => "Failed",
            Status::Cancelled => "Cancelled",
        }
    }
}

/// One execution of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionRow {
    /// Its id.
    pub id: ExecutionId,
    /// What is known without its log.
    pub summary: Summary,
}

/// Which executions to list.
#[derive(Clone, Debug, Default)]
pub struct ExecutionQuery {
    /// Only with this status.
    pub status: Option<Status>,
    /// Only started by this alias.
    pub pipeline: Option<Text>,
    /// Only where this input is missing.
    pub missing: Option<Text>,
    /// Only older than this one.
    pub before: Option<ExecutionId>,
    /// At most so many.
    pub limit: usize,
}

/// An image with what is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// Its name.
    pub digest: Digest,
    /// [`Image::encode`](model::Image::encode)d.
    pub bytes: Vec<u8>,
    /// What it was first compiled from, for people.
    pub source: Text,
    /// When it was first kept.
    pub created_at: Timestamp,
}

/// An image to keep, and an alias to move.
#[derive(Clone, Debug)]
pub struct SavePipeline {
    /// The image.
    pub image: Arc<StoredImage>,
    /// The alias to move to it.
    pub name: Option<Text>,
    /// The alias is that of a pipeline file: it moves only if the file's image is another than
    /// when it was last loaded, so that loading it again does not undo a rollback.
    pub is_file: bool,
    /// The idempotency key of the request.
    pub claim: Option<Answering<SavedPipeline>>,
}

/// What keeping an image did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedPipeline {
    /// Whether the image is new.
    pub is_new: bool,
    /// The alias's version now, if a name was given.
    pub version: Option<u32>,
}

/// Where an alias points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRow {
    /// Its name.
    pub name: Text,
    /// The image.
    pub digest: Digest,
    /// From 1, one more with every move to another image.
    pub version: u32,
    /// When it moved there.
    pub moved_at: Timestamp,
}

/// A move of an alias.
#[derive(Clone, Debug)]
pub struct MoveAlias {
    /// The alias.
    pub name: Text,
    /// Where it shall point.
    pub to: Target,
    /// Only if it points here: the version with its image.
    pub expected: Option<Expected>,
    /// Now.
    pub at: Timestamp,
    /// The idempotency key of the request.
    pub claim: Option<Answering<MovedAlias>>,
}

/// Where an alias shall point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this image; an alias that is not there is made.
    Image(Digest),
    /// Where its version of this number points.
    Version(u32),
    /// Where the version before its newest one points.
    Previous,
}

/// What an alias must be for a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There.
    Anything,
    /// At one of these versions, pointing to these images.
    OneOf(Vec<(u32, Digest)>),
}

/// What became of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MovedAlias {
    /// It points there now, or did already.
    Moved(AliasRow),
    /// The alias is not as expected.
    Stale,
    /// There is no such alias, or no such version of it.
    NoVersion,
    /// There is no such image.
    NoImage,
}

/// What became of an image that was to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedImage {
    /// It is gone.
    Deleted,
    /// A version of an alias or an execution needs it.
    InUse,
    /// It was not there.
    NotFound,
}

/// What is past its time. Everything that last changed, or came, before the time given is
/// forgotten, with the images that only it needs and that nobody asked to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Completed and cancelled executions.
    pub finished_before: Timestamp,
    /// Failed executions.
    pub failed_before: Timestamp,
    /// Kept events, and the identities of all events.
    pub events_before: Timestamp,
    /// Idempotency keys.
    pub claims_before: Timestamp,
    /// At most so many of each kind.
    pub limit: usize,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many executions are forgotten.
    pub executions: usize,
    /// Images that went with them.
    pub images: Vec<Digest>,
    /// Something reached the limit: there may be more.
    pub is_more: bool,
}
