//! Ids of executions, and times.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one execution from its first answer to its last: `exec-` and a UUIDv7 (RFC 9562). Ids
/// sort by the time of their creation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutionId(Uuid);

impl ExecutionId {
    /// A new id.
    pub fn random() -> ExecutionId {
        ExecutionId(Uuid::now_v7())
    }

    /// The 16 bytes of the UUID.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> ExecutionId {
        ExecutionId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exec-{}", self.0.hyphenated())
    }
}

impl fmt::Debug for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ExecutionId {
    type Err = ();

    /// Reads exactly what `Display` writes; other spellings of a UUID are no ids of ours.
    fn from_str(text: &str) -> Result<ExecutionId, ()> {
        let uuid =
            text.strip_prefix("exec-").and_then(|text| Uuid::try_parse(text).ok()).ok_or(())?;
        let id = ExecutionId(uuid);
        (id.to_string() == text).then_some(id).ok_or(())
    }
}

/// A time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub i64);
