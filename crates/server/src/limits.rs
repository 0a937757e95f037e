//! Bounds of this room, with what a user sees when one is reached.

use std::time::Duration;

/// Bytes of a request body, counted while reading: 413 `too-large`.
pub(crate) const BODY_BYTES_MAX: usize = 10 << 20;
/// How long a caller may take to send a body: 408 `request-timeout`.
pub(crate) const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// Bodies up to this size are read at once; of larger ones only [`LARGE_BODIES_MAX`] are in memory
/// at a time.
pub(crate) const SMALL_BODY_BYTES: usize = 64 << 10;
/// Larger bodies in memory at once: the others are read a little later, within their time.
pub(crate) const LARGE_BODIES_MAX: usize = 16;
/// What is still read of a refused body, so that its sender comes to read the answer; then the
/// connection is closed.
pub(crate) const DISCARD_BYTES_MAX: usize = 20 << 20;
/// How long a refused body is still read.
pub(crate) const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a caller may take to send a request's head, and how long a connection may idle between
/// two requests: it is closed.
pub(crate) const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// Bytes of a request's head: 431, and the connection is closed.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Connections at once: further ones wait in the system's queue until one ends.
pub(crate) const CONNECTIONS_MAX: usize = 4_096;
/// Pause after the system refuses a connection (no file handles left): new ones wait meanwhile.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a source that is compiled in place; larger ones go to a thread of their own, so that a
/// slow one delays nobody else.
pub(crate) const INLINE_SOURCE_BYTES: usize = 16 << 10;
/// The longest `Prefer: wait=N`: whoever asks for more is answered 202 after this.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(600);
/// How long running executions have to come to rest once the server is told to stop; then they are
/// answered as Running.
pub(crate) const DRAIN_GRACE: Duration = Duration::from_secs(10);
/// How long connections have to take their last answers; then they are cut.
pub(crate) const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a stream of server-sent events is silent before a comment keeps it alive.
pub(crate) const STREAM_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Items of an event stream that are written at once.
pub(crate) const STREAM_CHUNK_ITEMS: usize = 64;
/// Streams of server-sent events at once: 429 `overloaded`. The other connections stay free for
/// requests.
pub(crate) const STREAMS_MAX: usize = 1_024;
/// Characters of an `Idempotency-Key`: 400 `malformed-request`.
pub(crate) const IDEMPOTENCY_KEY_MAX: usize = 255;
/// Characters of the type, key, id and source of an event: 400 `malformed-request`.
pub(crate) const EVENT_NAME_MAX: usize = 256;
/// Bytes of the data of an event: 413 `too-large`.
pub(crate) const EVENT_DATA_BYTES_MAX: usize = 1 << 20;
/// Kept events that are read from the store at once, for a page of them.
pub(crate) const EVENTS_READ: usize = 16;
/// Bytes of data behind which no further event comes on a page.
pub(crate) const EVENTS_PAGE_BYTES: usize = 4 << 20;
/// Characters of a caller's `X-Request-Id`; a longer one is replaced.
pub(crate) const REQUEST_ID_MAX: usize = 128;
