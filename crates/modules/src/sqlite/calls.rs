//! Calls of SQL modules: which thread and connection runs a statement, how long, and what a
//! failure of SQLite means to the caller.
//!
//! A call takes a seat (there are as many as connections), runs its statement on a thread where
//! blocking is allowed, and gives the connection back. When nobody waits for it any more, because
//! its future was dropped or its time is over, a flag tells SQLite to stop, and the seat is free
//! as soon as it has.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::ports::{Module, ModuleCall, ModuleError};
use futures_util::future::BoxFuture;
use model::limits::VALUE_BYTES_MAX;
use model::text::quote;
use model::{Code, Value};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::Semaphore;

use super::statement::Statement;
use crate::limits::{BUSY_MAX, INSTRUCTIONS_BETWEEN_LOOKS, STATEMENTS_KEPT_MAX, WAITING_MAX};

/// What connections of a lane may do; SQLite enforces it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Connections to one database, with those who wait for them.
pub(crate) struct Lane {
    path: PathBuf,
    access: Access,
    timeout: Duration,
    seats: Arc<Semaphore>,
    waiting: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Lane {
    pub(crate) fn new(path: PathBuf, access: Access, timeout: Duration, seats: usize) -> Lane {
        Lane {
            path,
            access,
            timeout,
            seats: Arc::new(Semaphore::new(seats)),
            waiting: Semaphore::new(WAITING_MAX),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs `job` on a connection that nobody else uses meanwhile.
    pub(crate) fn with_connection<T>(
        &self,
        job: impl FnOnce(&mut Connection) -> T,
    ) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => self.connect()?,
        };
        let result = job(&mut conn);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        Ok(result)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let access = match self.access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(BUSY_MAX.min(self.timeout / 2))?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT_MAX);
        conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX as i32)?;
        Ok(conn)
    }

    /// Waits for a seat, then runs the statement for at most the source's timeout.
    async fn run(self: Arc<Lane>, statement: Arc<Statement>, call: ModuleCall) -> CallResult {
        let Ok(place) = self.waiting.try_acquire() else {
            let message = format!("more than {WAITING_MAX} calls wait for the database");
            return Err(failure(message, true));
        };
        // It is never closed.
        let seat = self.seats.clone().acquire_owned().await;
        drop(place);
        let caller = Caller::default();
        let (lane, gone) = (self.clone(), caller.gone.clone());
        let work = tokio::task::spawn_blocking(move || {
            let result = lane.attend(&statement, &call, gone);
            drop(seat);
            result
        });
        match tokio::time::timeout(self.timeout, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                Err(ModuleError::new(Code::R900, "the call of the database broke off", false))
            }
            Err(_) => {
                let message = format!("the database gave no answer within {:?}", self.timeout);
                Err(ModuleError::new(Code::R002, message, true))
            }
        }
    }

    fn attend(
        &self,
        statement: &Statement,
        call: &ModuleCall,
        gone: Arc<AtomicBool>,
    ) -> CallResult {
        if gone.load(Ordering::Relaxed) {
            return Err(failure("nobody waits for this call any more", true));
        }
        let ran = self.with_connection(|conn| {
            let is_gone = move || gone.load(Ordering::Relaxed);
            conn.progress_handler(INSTRUCTIONS_BETWEEN_LOOKS, Some(is_gone))
                .map_err(|error| explain(&error))?;
            match self.access {
                Access::Read => statement.run(conn, &call.arguments),
                Access::Write => statement.run_in_transaction(conn, &call.arguments),
            }
        });
        ran.unwrap_or_else(|error| Err(explain(&error)))
    }
}

/// Tells the statement, by being dropped, that nobody waits for it.
#[derive(Default)]
struct Caller {
    gone: Arc<AtomicBool>,
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

pub(crate) type CallResult = Result<Value, ModuleError>;

/// A statement as the engine calls it.
pub(crate) struct SqlModule {
    lane: Arc<Lane>,
    statement: Arc<Statement>,
}

impl SqlModule {
    pub(crate) fn new(lane: Arc<Lane>, statement: Statement) -> SqlModule {
        SqlModule { lane, statement: Arc::new(statement) }
    }
}

impl Module for SqlModule {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, CallResult> {
        Box::pin(self.lane.clone().run(self.statement.clone(), call))
    }
}

fn failure(message: impl Into<String>, retryable: bool) -> ModuleError {
    ModuleError::new(Code::R001, message, retryable)
}

/// What a failure of SQLite means: whether another attempt may succeed.
pub(crate) fn explain(error: &rusqlite::Error) -> ModuleError {
    let message = quote(&error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            failure("the database is locked by somebody else", true)
        }
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationInterrupted,
        ) => failure(message, true),
        Some(ErrorCode::TooBig) => {
            let message = format!("a text or row is longer than {VALUE_BYTES_MAX} bytes");
            ModuleError::new(Code::R009, message, false)
        }
        _ => failure(message, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_reads_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch("create table a (x)").unwrap();
        let lane = |access| Lane::new(path.clone(), access, Duration::from_secs(1), 1);
        let insert = |conn: &mut Connection| conn.execute("insert into a values (1)", []);
        let refused = lane(Access::Read).with_connection(insert).unwrap().unwrap_err();
        assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ReadOnly));
        assert!(!explain(&refused).retryable);
        assert_eq!(lane(Access::Write).with_connection(insert).unwrap(), Ok(1));
    }

    #[test]
    fn a_locked_database_is_worth_another_attempt() {
        let error = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        assert!(explain(&error(rusqlite::ffi::SQLITE_BUSY)).retryable);
        assert!(explain(&error(rusqlite::ffi::SQLITE_IOERR)).retryable);
        assert!(!explain(&error(rusqlite::ffi::SQLITE_CONSTRAINT)).retryable);
        assert_eq!(explain(&error(rusqlite::ffi::SQLITE_TOOBIG)).code, Code::R009);
    }
}
