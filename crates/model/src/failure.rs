//! Why a node failed: data that is shown to users and, for calls, kept in the execution log.

use serde::{Deserialize, Serialize};

use crate::{Code, Span, Text};

/// A runtime failure (R codes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which kind.
    pub code: Code,
    /// What happened, for people; text from outside is already cut and escaped.
    pub message: String,
    /// The module whose call failed (R001–R003, R010–R012).
    pub module: Option<Text>,
    /// How many attempts were made; 0 where nothing was called.
    pub attempts: u32,
    /// The node that failed first (R013).
    pub cause: Option<Text>,
    /// The place in the source that was being evaluated.
    pub span: Span,
}

impl Failure {
    /// A failure of pure evaluation, without a place yet.
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            module: None,
            attempts: 0,
            cause: None,
            span: Span::default(),
        }
    }

    /// The failure of what needs `name`, which failed: it names the node where it all began.
    pub fn by_dependency(name: &Text, failure: &Failure) -> Failure {
        let cause = failure.cause.as_ref().unwrap_or(name);
        let mut dependent = Failure::new(Code::R013, format!("`{cause}` failed"));
        dependent.cause = Some(cause.clone());
        dependent
    }

    /// Whether a module is to blame (HTTP 502) and not the data (422); language 6.11.
    pub fn is_of_module(&self) -> bool {
        matches!(self.code, Code::R001 | Code::R002 | Code::R003 | Code::R010 | Code::R012)
    }
}
