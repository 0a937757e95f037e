//! The one writer: what is queued goes to the disk together, in one transaction.
//!
//! The writer takes what is there when its last commit is done and never waits for more, so one
//! write alone is as fast as the disk, and many at once share one sync. Each write has its own
//! savepoint: one that conflicts leaves the others of its transaction alone. Nobody is answered
//! before the commit has returned.

use std::sync::mpsc::Receiver;

use engine::ports::{Append, SavePipeline, SavedPipeline, Status, StoreError, StoredImage};
use model::{Digest, Text};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tokio::sync::oneshot;

use crate::database::Database;
use crate::{limits, read, unavailable};

/// What [`run`] does: some [`Pending`] write, whatever it answers.
pub(crate) trait Write: Send {
    /// Does it in the open transaction, to be committed or not. Fails if that transaction is lost.
    fn perform(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// Tells what became of it, after the commit.
    fn answer(self: Box<Self>);
    /// Tells that the transaction was not committed.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// A write that waits for its commit.
pub(crate) struct Pending<T, F> {
    act: F,
    outcome: Result<T, StoreError>,
    reply: Reply<T>,
}

/// Where an answer goes. That its caller has gone away is no error.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Why a write was not done.
pub(crate) enum Fault {
    /// The execution has another number of records.
    Conflict,
    /// SQLite says no.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sqlite(error)
    }
}

/// Writes until nobody can ask any more and the queue is empty.
pub(crate) fn run(mut database: Database, queue: Receiver<Box<dyn Write>>) {
    let mut is_failing = false;
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(limits::WRITES_PER_COMMIT_MAX - 1));
        let result = commit(&mut database, batch);
        // Said once when it begins and once when it ends, not for every write of a bad hour.
        match &result {
            Err(error) if !is_failing => tracing::error!("writing fails: {error}"),
            Ok(()) if is_failing => tracing::info!("writing works again"),
            _ => {}
        }
        is_failing = result.is_err();
    }
    let checkpoint = database
        .with(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    if let Err(error) = checkpoint {
        // Nothing is lost by it: the next start reads the write-ahead log.
        tracing::warn!("the last checkpoint failed: {error}");
    }
}

/// Does all writes of a batch in one transaction and answers them.
fn commit(database: &mut Database, mut batch: Vec<Box<dyn Write>>) -> rusqlite::Result<()> {
    let result = database.with(|connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for write in &mut batch {
            write.perform(&transaction)?;
        }
        transaction.commit()
    });
    for write in batch {
        match &result {
            Ok(()) => write.answer(),
            Err(error) => write.refuse(unavailable(error)),
        }
    }
    result
}

impl<T, F> Pending<T, F>
where
    F: Fn(&Connection) -> Result<T, Fault>,
{
    /// A write that `act` does.
    pub(crate) fn new(act: F, reply: Reply<T>) -> Pending<T, F> {
        let outcome = Err(StoreError::Unavailable("it was not tried".to_owned()));
        Pending { act, outcome, reply }
    }
}

impl<T: Send, F> Write for Pending<T, F>
where
    F: Fn(&Connection) -> Result<T, Fault> + Send,
{
    fn perform(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let run = |sql| connection.prepare_cached(sql)?.execute([]);
        run("SAVEPOINT one_write")?;
        self.outcome = match (self.act)(connection) {
            Ok(done) => Ok(done),
            // SQLite has rolled everything back by itself, as it does when the disk is full.
            Err(Fault::Sqlite(error)) if connection.is_autocommit() => return Err(error),
            Err(fault) => {
                run("ROLLBACK TO one_write")?;
                Err(match fault {
                    Fault::Conflict => StoreError::Conflict,
                    Fault::Sqlite(error) => unavailable(&error),
                })
            }
        };
        run("RELEASE one_write")?;
        Ok(())
    }

    fn answer(self: Box<Self>) {
        drop(self.reply.send(self.outcome));
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        drop(self.reply.send(Err(error)));
    }
}

/// Appends records to one execution, if it has exactly `append.after` records by now.
pub(crate) fn append(connection: &Connection, append: &Append) -> Result<(), Fault> {
    let id = append.id.as_bytes();
    let before: Option<(i64, Filters)> = connection
        .prepare_cached("SELECT records, status, pipeline, missing FROM executions WHERE id = ?1")?
        .query_one([id], |row| Ok((row.get(0)?, Filters::read(row)?)))
        .optional()?;
    let count = before.as_ref().map_or(0, |(count, _)| *count);
    if u64::try_from(count) != Ok(append.after) {
        return Err(Fault::Conflict);
    }
    if let Some(image) = &append.image {
        keep_image(connection, image)?;
    }
    let mut insert = connection
        .prepare_cached("INSERT INTO records (execution_id, seq, bytes) VALUES (?1, ?2, ?3)")?;
    let mut next = count;
    for record in &append.records {
        insert.execute(params![id, next, record])?;
        next += 1;
    }
    put_summary(connection, append, next)?;
    let filters = Filters::of(append);
    match before {
        Some((_, old)) if old == filters => {}
        Some((_, old)) => {
            old.remove(connection, id)?;
            filters.add(connection, id)?;
        }
        None => filters.add(connection, id)?,
    }
    Ok(())
}

fn put_summary(connection: &Connection, append: &Append, records: i64) -> rusqlite::Result<()> {
    let summary = &append.summary;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO executions (id, records, image, pipeline, status, missing,
                resumption_count, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            append.id.as_bytes(),
            records,
            summary.image.0,
            summary.pipeline.as_deref(),
            read::status_number(summary.status),
            serde_json::json!(summary.missing).to_string(),
            summary.resumption_count,
            summary.created_at.0,
            summary.updated_at.0,
        ])?;
    Ok(())
}

/// Keeps an image and, with a name, moves the alias to it.
pub(crate) fn save_pipeline(
    connection: &Connection,
    save: &SavePipeline,
) -> Result<SavedPipeline, Fault> {
    let digest = save.image.digest;
    let is_new = keep_image(connection, &save.image)?;
    let Some(name) = save.name.as_deref() else {
        return Ok(SavedPipeline { is_new, version: None });
    };
    let is_loaded_before = save.is_file && put_file(connection, name, digest)?;
    let newest = read::alias(connection, name, None)?;
    let points_there = newest.as_ref().is_some_and(|row| row.digest == digest);
    let version = newest.map_or(0, |row| row.version);
    if is_loaded_before || points_there {
        return Ok(SavedPipeline { is_new, version: Some(version) });
    }
    let version = version.saturating_add(1);
    connection
        .prepare_cached(
            "INSERT INTO aliases (name, version, digest, moved_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![name, version, digest.0, save.image.created_at.0])?;
    Ok(SavedPipeline { is_new, version: Some(version) })
}

/// Notes what a pipeline file holds; tells whether it held the same when it was last loaded.
fn put_file(connection: &Connection, name: &str, digest: Digest) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO pipeline_files (name, digest) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET digest = ?2 WHERE digest <> ?2",
        )?
        .execute(params![name, digest.0])?;
    Ok(changed == 0)
}

/// Keeps an image unless it is there; tells whether it is new.
fn keep_image(connection: &Connection, image: &StoredImage) -> rusqlite::Result<bool> {
    let added = connection
        .prepare_cached(
            "INSERT INTO images (digest, created_at, source, bytes) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (digest) DO NOTHING",
        )?
        .execute(params![image.digest.0, image.created_at.0, image.source.as_str(), image.bytes])?;
    Ok(added == 1)
}

/// By what an execution is found in listings.
#[derive(Debug, PartialEq, Eq)]
struct Filters {
    status: Status,
    pipeline: Option<Text>,
    missing: Vec<Text>,
}

impl Filters {
    fn of(append: &Append) -> Filters {
        Filters {
            status: append.summary.status,
            pipeline: append.summary.pipeline.clone(),
            missing: append.summary.missing.clone(),
        }
    }

    /// Of the row `records, status, pipeline, missing`.
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Filters> {
        Ok(Filters {
            status: read::status(row, 1)?,
            pipeline: read::pipeline(row, 2)?,
            missing: read::missing(row, 3)?,
        })
    }

    fn add(&self, connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<()> {
        self.for_each_entry(
            connection,
            id,
            "INSERT OR IGNORE INTO execution_filters (pipeline, missing, status, execution_id)
             VALUES (?1, ?2, ?3, ?4)",
        )
    }

    fn remove(&self, connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<()> {
        self.for_each_entry(
            connection,
            id,
            "DELETE FROM execution_filters
             WHERE pipeline = ?1 AND missing = ?2 AND status = ?3 AND execution_id = ?4",
        )
    }

    /// The entries are all pairs of a pipeline and a missing input, either of them or '' for any.
    fn for_each_entry(
        &self,
        connection: &Connection,
        id: &[u8; 16],
        sql: &str,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let status = read::status_number(self.status);
        for pipeline in std::iter::once("").chain(self.pipeline.as_deref()) {
            for missing in std::iter::once("").chain(self.missing.iter().map(Text::as_str)) {
                statement.execute(params![pipeline, missing, status, id])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use engine::ExecutionId;
    use engine::ports::Summary;

    use super::*;
    use crate::database::{self, Access};

    /// A full disk refuses the whole transaction, and the first one after it has room again works.
    #[test]
    fn a_full_disk_is_no_lasting_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.db");
        database::prepare(&path).unwrap();
        let mut database = Database::open(&path, Access::Write).unwrap();
        let fill = |connection: &mut Connection| {
            let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        };
        database.with(fill).unwrap();
        let sizes = [10, 100_000, 10];
        let refused = commit_appends(&mut database, sizes);
        for answer in refused {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
        let none: i64 = database
            .with(|connection| {
                connection.query_row("SELECT count(*) FROM executions", [], |row| row.get(0))
            })
            .unwrap();
        assert_eq!(none, 0);
        assert_eq!(commit_appends(&mut database, sizes), [Ok(()), Ok(()), Ok(())]);
    }

    /// One append to each of three new executions in one transaction, with a record of this size.
    fn commit_appends(database: &mut Database, sizes: [usize; 3]) -> [Result<(), StoreError>; 3] {
        let mut batch: Vec<Box<dyn Write>> = Vec::new();
        let mut number = 0;
        let answers = sizes.map(|size| {
            number += 1;
            let append = an_append(number, size);
            let (reply, answer) = oneshot::channel();
            batch.push(Box::new(Pending::new(
                move |c: &Connection| super::append(c, &append),
                reply,
            )));
            answer
        });
        drop(commit(database, batch));
        answers.map(|mut answer| answer.try_recv().expect("everybody is answered"))
    }

    fn an_append(number: u8, size: usize) -> Append {
        let summary = Summary {
            image: Digest([0; 32]),
            pipeline: None,
            status: Status::Running,
            missing: Vec::new(),
            resumption_count: 0,
            created_at: engine::Timestamp(0),
            updated_at: engine::Timestamp(0),
        };
        let id = ExecutionId::from_bytes([number; 16]);
        Append { id, after: 0, records: vec![vec![0; size]], summary, image: None }
    }
}
