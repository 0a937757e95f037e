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
/// Characters of a caller's `X-Request-Id`; a longer one is replaced.
pub(crate) const REQUEST_ID_MAX: usize = 128;
