//! Named bounds of manifests and of the sources that they declare.

use std::time::Duration;

/// Manifest files of one folder.
pub const FILES_MAX: usize = 1_000;
/// Bytes of one manifest file.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// Modules of one folder.
pub const MODULES_MAX: usize = 10_000;
/// Bytes of one SQL statement.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// Bytes of one secret that is read from a file.
pub const SECRET_BYTES_MAX: u64 = 64 << 10;
/// Bytes of an answer over HTTP, counted unpacked.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Bytes of an answer that is a failure that are read.
pub const ERROR_BODY_BYTES: usize = 4 << 10;
/// How long they are waited for.
pub const ERROR_BODY_TIME: Duration = Duration::from_millis(500);
/// Characters of it that are shown.
pub const ERROR_BODY_CHARS: usize = 300;
/// The longest `Retry-After` that is waited for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Redirects that are followed for one request.
pub const REDIRECTS_MAX: usize = 5;
/// Bytes of the script that builds a database.
pub const INIT_BYTES_MAX: u64 = 64 << 20;
/// Greatest `max_running` of a source.
pub const MAX_RUNNING_MAX: i64 = 10_000;
/// `max_running` of a source that gives none.
pub const MAX_RUNNING_DEFAULT: usize = 64;
/// `timeout` of a source that gives none.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// Greatest `timeout` of a source.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Connections on which one database is read at the same time; more calls than this do not make a
/// local file faster. Written is on one connection, because SQLite has one writer at a time.
pub const READERS_MAX: usize = 8;
/// Calls that may wait for a connection of one database; another one fails at once.
pub const WAITING_MAX: usize = 10_000;
/// How long a statement waits while another process has the database locked.
pub const BUSY_MAX: Duration = Duration::from_secs(5);
/// SQLite instructions between two looks at whether anybody still waits for the statement.
pub const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 1_000;
/// Prepared statements that one connection keeps.
pub const STATEMENTS_KEPT_MAX: usize = 64;
/// Connections to one PostgreSQL database.
pub const CONNECTIONS_MAX: usize = 16;
/// How long connecting to a database may take.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Greatest `replicas` of a process source.
pub const REPLICAS_MAX: i64 = 64;
/// How long a worker may take for its first line.
pub const HELLO_MAX: Duration = Duration::from_secs(10);
/// Bytes of one line from or to a worker.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// Bytes of requests that wait until a worker reads them; a call beyond fails at once.
pub const OUTBOX_BYTES_MAX: usize = 32 << 20;
/// Bytes of one line in the log that a worker writes to its stderr; the rest is another line.
pub const STDERR_LINE_BYTES_MAX: usize = 4 << 10;
/// Wait before a worker that ended is started again, if it has answered something before.
pub const RESTART_FIRST: Duration = Duration::from_millis(100);
/// Longest wait before a worker that keeps ending is started again.
pub const RESTART_MAX: Duration = Duration::from_secs(30);
/// How long a worker may take to end when its stdin has closed; then it is killed.
pub const FAREWELL_MAX: Duration = Duration::from_secs(3);
/// How long the last lines of a worker that has ended are read.
pub const LAST_LINES_MAX: Duration = Duration::from_secs(1);

/// An OpenAPI document to import.
pub const OPENAPI_BYTES_MAX: u64 = 64 << 20;
/// How deep a schema of such a document may be, references included.
pub const DEPTH_MAX: usize = 48;
/// Schemas that are looked at for one operation.
pub const SCHEMAS_MAX: usize = 5_000;
/// Texts of an enumeration that are written as a union; a longer one is any text.
pub const LITERALS_MAX: usize = 100;
/// Notes that are kept of one operation.
pub const NOTES_MAX: usize = 20;
