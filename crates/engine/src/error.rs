//! Why the engine did not do what it was asked. Each variant is something else for the caller to
//! do; nothing was changed.

use std::fmt;

use model::{Code, Text};

use crate::Timestamp;
use crate::cells::Provider;
use crate::ports::StoreError;

/// A request that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// There is no such execution: correct the id.
    NotFound,
    /// What was supplied conflicts with what is there (V004, V005, V006).
    Rejected(Vec<Rejection>),
    /// The execution has finished and takes nothing new.
    Finished,
    /// It runs, or something needs it: try again when that has ended.
    InUse,
    /// The image was deleted meanwhile: compile it again.
    NoImage,
    /// Too much is going on: try again later.
    Overloaded,
    /// The server is shutting down: try again later.
    Draining,
    /// The store did not answer: try again later. The cause is for the log.
    Unavailable(String),
    /// What is stored cannot be run by this build. The cause is for the log.
    Unusable(String),
}

/// One supplied value that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// V004, V005 or V006.
    pub code: Code,
    /// The input or binding.
    pub name: Text,
    /// Where its value came from, for an input.
    pub provided: Option<(Timestamp, Provider)>,
}

impl EngineError {
    /// Whether the store may do later what it did not do now.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self, EngineError::Unavailable(_) | EngineError::Overloaded)
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> EngineError {
        match error {
            StoreError::Conflict => EngineError::Unavailable(error.to_string()),
            StoreError::NoImage => EngineError::NoImage,
            StoreError::Overloaded => EngineError::Overloaded,
            StoreError::Unavailable(cause) => EngineError::Unavailable(cause),
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EngineError::NotFound => f.write_str("there is no such execution"),
            EngineError::Rejected(rejections) => {
                write!(f, "{} of the supplied values conflict", rejections.len())
            }
            EngineError::Finished => f.write_str("the execution has finished"),
            EngineError::InUse => f.write_str("it is in use"),
            EngineError::NoImage => f.write_str("the image was deleted"),
            EngineError::Overloaded => f.write_str("too much is going on"),
            EngineError::Draining => f.write_str("the server is shutting down"),
            EngineError::Unavailable(cause) => write!(f, "the store is unavailable: {cause}"),
            EngineError::Unusable(cause) => write!(f, "the stored data cannot be used: {cause}"),
        }
    }
}

impl std::error::Error for EngineError {}
