//! Connections to the database file: how they are set up, what file is accepted, and how a
//! connection that has met a fault is replaced by a fresh one.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::{OpenError, limits};

/// The schema of a new database; its comments are its documentation.
const SCHEMA: &str = include_str!("schema.sql");
/// The schema version that this build writes, the newest that it reads; in `user_version`.
const SCHEMA_VERSION: i64 = 1;
/// Marks a file as ours, in `application_id`: the letters `Tide`.
const APPLICATION_ID: i64 = 0x5469_6465;

/// Whether a connection may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// For the one writer.
    Write,
    /// For the readers.
    Read,
}

/// A connection that heals: after a fault the next use opens a new one.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    access: Access,
    connection: Option<Connection>,
}

impl Database {
    /// A connection to a database that [`prepare`] has accepted.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Database, OpenError> {
        let connection = connect(path, access).map_err(|error| refusal(path, &error))?;
        Ok(Database { path: path.to_owned(), access, connection: Some(connection) })
    }

    /// Uses the connection; if that fails, it is closed, since what is wrong with it (a full disk, a
    /// file that became read-only) may last as long as it does.
    pub(crate) fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let connection = match self.connection.take() {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(connect(&self.path, self.access)?),
        };
        let result = act(connection);
        if result.is_err() {
            self.connection = None;
        }
        result
    }
}

/// Creates the database, or checks that the one that is there can be used.
pub(crate) fn prepare(path: &Path) -> Result<(), OpenError> {
    let refuse = |error| refusal(path, &error);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(refuse)?;
    // SQLite opens a file that it may only read without a complaint until the first write.
    if connection.is_readonly("main").map_err(refuse)? {
        return Err(OpenError::NotPermitted { path: path.to_owned() });
    }
    connection.busy_timeout(limits::FOREIGN_LOCK_WAIT).map_err(refuse)?;
    let number = |connection: &Connection, sql| connection.query_row(sql, [], |row| row.get(0));
    let found: i64 = number(&connection, "PRAGMA user_version").map_err(refuse)?;
    let application_id: i64 = number(&connection, "PRAGMA application_id").map_err(refuse)?;
    let tables: i64 = number(&connection, "SELECT count(*) FROM sqlite_schema").map_err(refuse)?;
    match (application_id, found) {
        (APPLICATION_ID, 1..=SCHEMA_VERSION) => {}
        (APPLICATION_ID, _) if found > SCHEMA_VERSION => {
            let supported = SCHEMA_VERSION;
            return Err(OpenError::Newer { path: path.to_owned(), found, supported });
        }
        (0, 0) if tables == 0 => create(&mut connection).map_err(refuse)?,
        _ => return Err(OpenError::Foreign { path: path.to_owned() }),
    }
    // The mode is a property of the file; all further connections find it there.
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
        .map_err(refuse)?;
    // Recovers what a crash left in the write-ahead log, now rather than at the first request.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(refuse)
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

/// Opens a database that [`prepare`] has accepted. It is never created here: a file that vanished
/// under a running process is a fault, not an empty store.
fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = match access {
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(limits::FOREIGN_LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(limits::STATEMENTS_CACHED);
    // In WAL mode only FULL makes a commit durable: it syncs the log before it returns.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(
        None,
        "journal_size_limit",
        limits::WAL_BYTES_KEPT,
        |_| Ok(()),
    )?;
    // Undo information of savepoints stays in memory; it is small, and no durable state.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn refusal(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path, cause: error.to_string() }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::NotPermitted { path },
        _ => OpenError::Unusable { path, cause: error.to_string() },
    }
}
