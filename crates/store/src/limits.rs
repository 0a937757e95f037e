//! Bounds of this room, with what a caller sees when one is reached.

use std::time::Duration;

/// Writes that wait for a commit; with more, the store is overloaded.
pub const WRITES_QUEUED_MAX: usize = 4_096;
/// Writes of one commit; further ones go into the next.
pub const WRITES_PER_COMMIT_MAX: usize = 1_024;
/// Reads that wait for a reader; with more, the store is overloaded.
pub const READS_QUEUED_MAX: usize = 4_096;
/// Threads that read, each with its own connection.
pub const READERS: usize = 4;
/// How long another program (a backup, the `sqlite3` shell) may lock the database before the store
/// is unavailable.
pub const FOREIGN_LOCK_WAIT: Duration = Duration::from_secs(5);
/// Bytes of the write-ahead log that stay on disk after a checkpoint; a burst's excess is given
/// back.
pub const WAL_BYTES_KEPT: i64 = 64 << 20;
/// Statements that each connection keeps compiled; more than there are.
pub const STATEMENTS_CACHED: usize = 64;
