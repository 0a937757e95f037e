//! What the engine needs from outside: a store, a clock, modules. Each has more than one
//! implementation, so that the whole engine runs in memory and in simulated time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use model::{Digest, Effect, Signature, Text, Value};

use crate::{ExecutionId, Timestamp};

/// Tells the time and lets it pass.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Is ready when `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
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
    /// Its implementation.
    pub module: Arc<dyn Module>,
}

impl fmt::Debug for RegisteredModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.effect, self.signature)
    }
}

/// The result of a store's verb, when it is durable.
pub type StoreFuture<T> = BoxFuture<'static, Result<T, StoreError>>;

/// Keeps images, aliases and execution logs. It is dumb: it appends, reads and compares, and knows
/// nothing of what the bytes mean. Every verb is atomic; a write that returned is durable.
pub trait Store: Send + Sync + 'static {
    /// Appends records to one execution, if it has exactly `append.after` records by now.
    fn append(&self, append: Append) -> StoreFuture<()>;
    /// All records of an execution, in order; `None` if there is no such execution.
    fn records(&self, id: ExecutionId) -> StoreFuture<Option<Vec<Vec<u8>>>>;
    /// A page of executions, newest first.
    fn executions(&self, query: ExecutionQuery) -> StoreFuture<Vec<ExecutionRow>>;
    /// Keeps an image and, with a name, moves the alias to it.
    fn save_pipeline(&self, save: SavePipeline) -> StoreFuture<SavedPipeline>;
    /// The image of this name.
    fn image(&self, digest: Digest) -> StoreFuture<Option<StoredImage>>;
    /// Where an alias points, at its newest version or at `version`.
    fn alias(&self, name: Text, version: Option<u32>) -> StoreFuture<Option<AliasRow>>;
    /// Aliases with their newest versions, sorted by name, behind `after`, at most `limit`.
    fn aliases(&self, after: Option<Text>, limit: usize) -> StoreFuture<Vec<AliasRow>>;
}

/// Why a store did not do what it was asked; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Somebody else appended first: read again and decide again.
    Conflict,
    /// The disk is full, the file is gone, the database is locked: try later. For the log, not for
    /// callers.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict => f.write_str("the execution was changed by somebody else"),
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
    /// The new records, encoded.
    pub records: Vec<Vec<u8>>,
    /// What listings shall show from now on.
    pub summary: Summary,
    /// The image, to be kept in the same transaction if it is not there yet.
    pub image: Option<Arc<StoredImage>>,
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
