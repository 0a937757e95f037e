//! The one writer: what is queued goes to the disk together, in one transaction.
//!
//! The writer takes what is there when its last commit is done and never waits for more, so one
//! write alone is as fast as the disk, and many at once share one sync. Each write has its own
//! savepoint: one that conflicts leaves the others of its transaction alone. Nobody is answered
//! before the commit has returned.

use std::sync::mpsc::Receiver;

use engine::ports::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::database::Database;
use crate::{limits, unavailable};

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
    /// What is in the store is not as the write needs it.
    Refused(StoreError),
    /// SQLite says no.
    Sqlite(rusqlite::Error),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Refused(error)
    }
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
                    Fault::Refused(error) => error,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::ports::{Append, Appended, Status, StoredImage, Summary};
    use engine::{ExecutionId, Timestamp};
    use model::{Digest, Text};

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
        let done = commit_appends(&mut database, sizes);
        assert_eq!(done, [(); 3].map(|()| Ok(Appended::default())));
    }

    /// One append to each of three new executions in one transaction, with a record of this size.
    fn commit_appends(
        database: &mut Database,
        sizes: [usize; 3],
    ) -> [Result<Appended, StoreError>; 3] {
        let mut batch: Vec<Box<dyn Write>> = Vec::new();
        let mut number = 0;
        let answers = sizes.map(|size| {
            number += 1;
            let append = an_append(number, size);
            let (reply, answer) = oneshot::channel();
            batch.push(Box::new(Pending::new(
                move |c: &Connection| crate::executions::append(c, &append),
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
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let image = StoredImage {
            digest: Digest([0; 32]),
            bytes: Vec::new(),
            source: Text::default(),
            created_at: Timestamp(0),
        };
        Append {
            id: ExecutionId::from_bytes([number; 16]),
            after: 0,
            records: vec![vec![0; size]],
            summary,
            due: None,
            listening: Vec::new(),
            image: Some(Arc::new(image)),
            claims: Vec::new(),
        }
    }
}
