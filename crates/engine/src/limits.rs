//! Bounds of this room, with what a user sees when one is reached.

use std::time::Duration;

/// Items of one page of a listing.
pub const PAGE_MAX: usize = 1_000;
/// Items of a page when the caller does not say.
pub const PAGE_DEFAULT: usize = 50;
/// Decoded images kept in memory; further ones are decoded again from the store.
pub const IMAGES_CACHED_MAX: usize = 10_000;
/// How long a request waits for its execution to come to rest, where it does not say: then it is
/// answered as Running.
pub const WAIT_DEFAULT: Duration = Duration::from_secs(60);
/// Calls of one execution that run at once; the others wait.
pub const CALLS_RUNNING_MAX: usize = 1_000;
/// Aliases kept in memory; further ones are read from the store.
pub const ALIASES_CACHED_MAX: usize = 10_000;
/// How long to wait before an execution that the store failed is taken up again.
pub const STORE_RETRY: Duration = Duration::from_secs(1);
/// How long a halting engine waits for its last commits.
pub const HALT_MAX: Duration = Duration::from_secs(5);
/// Longest wait before a further attempt to which `backoff` grows a shorter `delay`, in
/// milliseconds.
pub const BACKOFF_MAX_MS: u64 = 30_000;
/// Steps that following the demand of one binding may take: conditions are evaluated once for each
/// condition around them, so it takes a few times as many as evaluating the binding. A binding that
/// needs more exceeds `max_steps` itself, or nests its conditions beyond all reason.
pub const DEMAND_STEPS_MAX: u64 = 4 * model::limits::STEPS_MAX;
/// Bytes of the results that one cache keeps; the least recently used are forgotten first.
pub const CACHE_BYTES_MAX: usize = 64 << 20;
/// Limits of calls that are remembered before those that nobody uses are looked for.
pub const CALL_LIMITS_SWEPT: usize = 1_024;
/// Stored pipelines that one source may call; it is told that further ones do not exist.
pub const PIPELINES_CALLED_MAX: usize = 1_000;
/// How long a module that is invoked by itself may take: then it failed with R002.
pub const INVOKE_MAX: Duration = Duration::from_secs(60);
/// Requests that wait for durable executions at once: one more is refused as overloaded.
pub const REQUESTS_MAX: usize = 10_000;
/// Executions in memory at once: a start beyond is refused as overloaded.
pub const EXECUTIONS_MAX: usize = 10_000;
/// Events that are kept until somebody listens: one more is refused as overloaded.
pub const EVENTS_KEPT_MAX: usize = 100_000;
/// How long events are kept, and how long an event with the identity of an earlier one is ignored.
pub const EVENTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the answer to a request with an idempotency key is repeated.
pub const CLAIMS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Timers that are read from the store at once.
pub const TIMERS_READ: usize = 256;
/// Rows of each kind that one step of a sweep forgets.
pub const SWEEP_MAX: usize = 500;

/// So many modules are named that images need and that are not there.
pub const MODULES_MISSING_MAX: usize = 100;

/// Names of images that are read from the store at once.
pub const PAGE_OF_IMAGES: usize = 1_000;
