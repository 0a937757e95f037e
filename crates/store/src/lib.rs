//! The engine's [`Store`] on disk: one SQLite file in a data folder.
//!
//! The store is dumb on purpose. It appends records, reads them and compares their number; it knows
//! neither what the bytes mean nor which status may follow which. One thread writes, a few read;
//! SQLite's write-ahead log lets them work beside each other.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use engine::ExecutionId;
use engine::ports::{
    AliasRow, Append, Appended, Claim, DeletedImage, Delivered, Delivery, EventQuery,
    ExecutionQuery, ExecutionRow, KeptEvent, MoveAlias, MovedAlias, SavePipeline, SavedPipeline,
    Store, StoreError, StoreFuture, StoredImage, Sweep, Swept, Timer,
};
use model::{Digest, Text};
use rusqlite::Connection;
use tokio::sync::oneshot;

use database::{Access, Database};
use write::{Fault, Pending, Write};

mod aliases;
mod claims;
mod database;
mod error;
mod events;
mod executions;
mod filters;
mod images;
pub mod limits;
#[cfg(test)]
mod plans;
mod retention;
mod row;
mod write;

pub use error::OpenError;

/// The database's file in its folder.
const DATABASE_FILE: &str = "tidegate.db";
/// The file whose lock says that a process uses the folder. It is another file than the database,
/// because closing that one would drop the locks that SQLite itself holds on it.
const LOCK_FILE: &str = "tidegate.lock";

/// Keeps images, aliases, executions, events and answers in `tidegate.db` of a folder that it has for itself.
///
/// Every verb is handed to a thread at once, also if its future is never polled; dropping the future
/// does not take it back. Dropping the store blocks until everything asked for is done.
#[derive(Debug)]
pub struct SqliteStore {
    /// Both are there until the store is dropped.
    queues: Option<Queues>,
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    /// Locked as long as it is open; the last to go.
    _lock: File,
}

#[derive(Debug)]
struct Queues {
    reads: SyncSender<Read>,
    writes: SyncSender<Box<dyn Write>>,
}

/// A query, with its reply inside.
type Read = Box<dyn FnOnce(&mut Database) + Send>;

impl SqliteStore {
    /// Opens the store in `folder`, creating both if they are not there.
    pub fn open(folder: &Path) -> Result<SqliteStore, OpenError> {
        fs::create_dir_all(folder).map_err(|error| io_refusal(folder, &error))?;
        let lock = lock(folder)?;
        let path = folder.join(DATABASE_FILE);
        database::prepare(&path)?;
        let (writes, queue) = sync_channel(limits::WRITES_QUEUED_MAX);
        let database = Database::open(&path, Access::Write)?;
        let writer = spawn(&path, "store-writer", move || write::run(database, queue))?;
        let (reads, queue) = sync_channel(limits::READS_QUEUED_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let readers = (0..limits::READERS)
            .map(|_| {
                let database = Database::open(&path, Access::Read)?;
                let queue = Arc::clone(&queue);
                spawn(&path, "store-reader", move || run_reads(database, &queue))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let queues = Some(Queues { reads, writes });
        Ok(SqliteStore { queues, readers, writer: Some(writer), _lock: lock })
    }

    fn write<T: Send + 'static>(
        &self,
        act: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> StoreFuture<T> {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(Pending::new(act, reply));
        self.ask(|queues| queues.writes.try_send(write).map_err(refused), answer)
    }

    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |database| {
            // A caller who has gone away costs nothing more.
            if !reply.is_closed() {
                drop(reply.send(database.with(query).map_err(|error| unavailable(&error))));
            }
        });
        self.ask(|queues| queues.reads.try_send(read).map_err(refused), answer)
    }

    fn ask<T: Send + 'static>(
        &self,
        send: impl FnOnce(&Queues) -> Result<(), StoreError>,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> StoreFuture<T> {
        let sent = self.queues.as_ref().ok_or_else(stopped).and_then(send);
        Box::pin(async move {
            sent?;
            answer.await.unwrap_or_else(|_| Err(stopped()))
        })
    }
}

impl Store for SqliteStore {
    fn append(&self, append: Append) -> StoreFuture<Appended> {
        self.write(move |connection| executions::append(connection, &append))
    }

    fn records(&self, id: ExecutionId, from: u64) -> StoreFuture<Option<Vec<Vec<u8>>>> {
        self.read(move |connection| executions::records(connection, id, from))
    }

    fn executions(&self, query: ExecutionQuery) -> StoreFuture<Vec<ExecutionRow>> {
        self.read(move |connection| filters::executions(connection, &query))
    }

    fn delete(&self, id: ExecutionId, records: u64) -> StoreFuture<()> {
        self.write(move |connection| executions::delete(connection, id, records))
    }

    fn timers(&self, limit: usize) -> StoreFuture<Vec<Timer>> {
        self.read(move |connection| executions::timers(connection, limit))
    }

    fn deliver(&self, delivery: Delivery) -> StoreFuture<Delivered> {
        self.write(move |connection| events::deliver(connection, &delivery))
    }

    fn kept_events(&self, query: EventQuery) -> StoreFuture<Vec<KeptEvent>> {
        self.read(move |connection| events::kept_events(connection, &query))
    }

    fn claim(&self, key: Text) -> StoreFuture<Option<Claim>> {
        self.read(move |connection| claims::claim(connection, key))
    }

    fn put_claim(&self, claim: Claim) -> StoreFuture<()> {
        self.write(move |connection| Ok(claims::put(connection, &claim)?))
    }

    fn save_pipeline(&self, save: SavePipeline) -> StoreFuture<SavedPipeline> {
        self.write(move |connection| aliases::save_pipeline(connection, &save))
    }

    fn image(&self, digest: Digest) -> StoreFuture<Option<StoredImage>> {
        self.read(move |connection| images::image(connection, digest))
    }

    fn images(&self, after: Option<Digest>, limit: usize) -> StoreFuture<Vec<Digest>> {
        self.read(move |connection| images::images(connection, after, limit))
    }

    fn alias(&self, name: Text, version: Option<u32>) -> StoreFuture<Option<AliasRow>> {
        self.read(move |connection| aliases::alias(connection, &name, version))
    }

    fn aliases(&self, after: Option<Text>, limit: usize) -> StoreFuture<Vec<AliasRow>> {
        self.read(move |connection| aliases::aliases(connection, after.as_deref(), limit))
    }

    fn aliases_of(&self, digest: Digest, limit: usize) -> StoreFuture<Vec<AliasRow>> {
        self.read(move |connection| aliases::aliases_of(connection, digest, limit))
    }

    fn versions(
        &self,
        name: Text,
        before: Option<u32>,
        limit: usize,
    ) -> StoreFuture<Vec<AliasRow>> {
        self.read(move |connection| aliases::versions(connection, &name, before, limit))
    }

    fn move_alias(&self, shift: MoveAlias) -> StoreFuture<MovedAlias> {
        self.write(move |connection| aliases::move_alias(connection, &shift))
    }

    fn delete_alias(&self, name: Text) -> StoreFuture<bool> {
        self.write(move |connection| aliases::delete(connection, &name))
    }

    fn delete_image(&self, digest: Digest) -> StoreFuture<DeletedImage> {
        self.write(move |connection| Ok(images::delete(connection, digest)?))
    }

    fn sweep(&self, sweep: Sweep) -> StoreFuture<Swept> {
        self.write(move |connection| retention::sweep(connection, &sweep))
    }
}

impl Drop for SqliteStore {
    /// The threads end when their queues are empty and closed. The writer is the last, so that its
    /// checkpoint finds no reader in its way; then the lock goes.
    fn drop(&mut self) {
        if let Some(Queues { reads, writes }) = self.queues.take() {
            drop(reads);
            for reader in self.readers.drain(..) {
                drop(reader.join());
            }
            drop(writes);
        }
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

/// Takes the lock that keeps a second process away. The system drops it when this process ends,
/// however it ends.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| io_refusal(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(io_refusal(&path, &error)),
    }
}

fn spawn(
    path: &Path,
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|error| io_refusal(path, &error))
}

/// Reads until nobody can ask any more. One reader waits at the queue, the others for its place.
fn run_reads(mut database: Database, queue: &Mutex<Receiver<Read>>) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(read) = next() {
        read(&mut database);
    }
}

fn io_refusal(path: &Path, error: &io::Error) -> OpenError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::NotPermitted { path }
        }
        _ => OpenError::Unusable { path, cause: error.to_string() },
    }
}

fn refused<T>(error: TrySendError<T>) -> StoreError {
    match error {
        TrySendError::Full(_) => StoreError::Overloaded,
        TrySendError::Disconnected(_) => stopped(),
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("it has stopped".to_owned())
}

fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
