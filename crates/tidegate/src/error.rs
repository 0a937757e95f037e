//! Why a request to [`Tidegate`](crate::Tidegate) was not carried out.

use std::fmt;

use engine::{EngineError, UnknownFunction};
use model::json::{self, Fault};
use model::plan::InputId;
use model::text::quote;
use model::{Code, Diagnostic, Plan, Value};

/// Each variant is something else for the caller to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The source does not compile: correct it.
    DoesNotCompile(Vec<Diagnostic>),
    /// The inputs do not fit: correct them.
    Inputs(Vec<Fault>),
    /// This cannot be the name of a pipeline.
    Name(String),
    /// There is no such pipeline.
    UnknownPipeline(String),
    /// The engine refused.
    Engine(EngineError),
}

impl Error {
    pub(crate) fn unknown_function(unknown: UnknownFunction) -> Error {
        let cause = format!("the pipeline uses the unknown function {}", quote(&unknown.0));
        Error::Engine(EngineError::Unusable(cause))
    }
}

/// Reads a JSON object as inputs of `plan`.
pub(crate) fn read_inputs(plan: &Plan, object: &str) -> Result<Vec<(InputId, Value)>, Error> {
    let members = json::entries(object).map_err(|error| {
        let (pointer, message) = (String::new(), quote(&error.to_string()));
        Error::Inputs(vec![Fault { code: Code::V002, pointer, message, help: None }])
    })?;
    engine::supply::inputs(plan, &members, "").map_err(Error::Inputs)
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Error {
        Error::Engine(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::DoesNotCompile(diagnostics) => {
                let first = diagnostics.iter().find(|diagnostic| diagnostic.is_error());
                match first {
                    Some(Diagnostic { code, message, .. }) => {
                        write!(f, "the source does not compile: {code}: {message}")
                    }
                    None => f.write_str("the source does not compile"),
                }
            }
            Error::Inputs(faults) => match faults.first() {
                Some(fault) => write!(f, "{}: {}", fault.pointer, fault.message),
                None => f.write_str("the inputs do not fit"),
            },
            Error::Name(name) => write!(f, "`{}` cannot be the name of a pipeline", quote(name)),
            Error::UnknownPipeline(name) => write!(f, "there is no pipeline `{}`", quote(name)),
            Error::Engine(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}
