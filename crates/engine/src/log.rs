//! The execution log: what happened to one execution, in order, and nothing that can be computed
//! again. Folding [`step`](crate::step) over it gives the execution's state.
//!
//! Each record is stored as one byte of version and postcard's encoding of [`Record`]. The numbers
//! of inputs, bindings and calls are those of the execution's image, which never changes.

use model::plan::{BindingId, CallId, InputId};
use model::value::fits;
use model::{Digest, Failure, Plan, Text, Value, codec};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The version of the record format that this build writes.
pub const LOG_VERSION: u8 = 1;

/// One entry of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What can happen to an execution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// It began. Always the first event, and only that.
    Started {
        /// The image that it runs from now to its end.
        image: Digest,
        /// The alias by which it was started.
        pipeline: Option<Text>,
        /// What the request supplied, by input.
        inputs: Vec<(InputId, StoredValue)>,
    },
    /// A resume brought something new.
    Resumed {
        /// Inputs that were not supplied before.
        inputs: Vec<(InputId, StoredValue)>,
        /// Values given to bindings by hand.
        resolved: Vec<(BindingId, StoredValue)>,
        /// Failed calls are run anew.
        retry_failed: bool,
    },
    /// A call gave its result.
    CallCompleted {
        /// Which call.
        node: CallNode,
        /// The result.
        #[serde(with = "codec::value")]
        value: Value,
        /// How many attempts it took; none if the result was there already.
        attempts: u32,
        /// How long it took.
        timing: CallTiming,
    },
    /// A call failed for good.
    CallFailed {
        /// Which call.
        node: CallNode,
        /// Why.
        failure: Failure,
        /// How long it took.
        timing: CallTiming,
    },
    /// It was ended by hand. What running calls still give is recorded behind it and changes
    /// nothing.
    Cancelled,
    /// The deadline of an input has passed.
    DeadlinePassed {
        /// Which input.
        input: InputId,
    },
    /// An event from outside, for an input that listens.
    Received(Received),
}

/// An event from outside. It is the same in the log of every execution that gets it: which input it
/// fills follows from the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Where it comes from, if its sender said so.
    pub source: Option<Text>,
    /// Its name there.
    pub id: Option<Text>,
    /// Its type.
    pub event_type: Text,
    /// Its key, as text.
    pub key: Text,
    /// JSON.
    pub data: Text,
}

impl Event {
    /// Whether the numbers in this event exist in `plan`. Stored bytes may lie.
    pub fn fits(&self, plan: &Plan) -> bool {
        let inputs_fit = |inputs: &[(InputId, StoredValue)]| {
            inputs.iter().all(|(id, value)| {
                let input = plan.inputs.get(*id as usize);
                input.is_some_and(|input| fits(plan.ty(input.ty), &value.0))
            })
        };
        match self {
            Event::Started { inputs, .. } => inputs_fit(inputs),
            Event::Resumed { inputs, resolved, .. } => {
                inputs_fit(inputs)
                    && resolved.iter().all(|(id, value)| {
                        let binding = plan.bindings.get(*id as usize);
                        binding.is_some_and(|binding| fits(plan.ty(binding.ty), &value.0))
                    })
            }
            Event::CallCompleted { node, value, .. } => {
                plan.calls.get(node.call as usize).is_some_and(|call| {
                    node.path.len() == call.depth as usize
                        && fits(&plan.modules[call.module as usize].signature.result, value)
                })
            }
            Event::CallFailed { node, .. } => plan
                .calls
                .get(node.call as usize)
                .is_some_and(|call| node.path.len() == call.depth as usize),
            Event::DeadlinePassed { input } => {
                let input = plan.inputs.get(*input as usize);
                input.is_some_and(|input| input.deadline_ms.is_some())
            }
            Event::Cancelled | Event::Received(_) => true,
        }
    }
}

/// How long a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTiming {
    /// From its begin to its end, all waits included, in milliseconds.
    pub duration_ms: u64,
    /// How much of that its attempts waited for limits, in milliseconds.
    pub waited_ms: u64,
    /// The result is that of another call: of an earlier one, kept in a cache, or of an equal one
    /// that was being made.
    pub cached: bool,
}

/// One call of one execution: an occurrence in the program and, in lambdas, the element indices
/// from the outermost in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallNode {
    /// The occurrence.
    pub call: CallId,
    /// One index for every enclosing lambda; empty outside lambdas.
    pub path: Vec<u32>,
}

/// A value as a part of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredValue(#[serde(with = "codec::value")] pub Value);

/// Why stored bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// A version that this build does not know.
    Version(u8),
    /// The bytes are cut off or damaged.
    Malformed,
}

impl Record {
    /// The bytes of this record.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![LOG_VERSION]).unwrap_or_default()
    }

    /// Reads a record.
    pub fn decode(bytes: &[u8]) -> Result<Record, RecordFault> {
        match bytes.split_first() {
            Some((&LOG_VERSION, rest)) => {
                postcard::from_bytes(rest).map_err(|_| RecordFault::Malformed)
            }
            Some((&version, _)) => Err(RecordFault::Version(version)),
            None => Err(RecordFault::Malformed),
        }
    }
}

impl std::fmt::Display for RecordFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RecordFault::Version(version) => {
                write!(f, "the record has format version {version}, this build reads {LOG_VERSION}")
            }
            RecordFault::Malformed => f.write_str("the record is damaged"),
        }
    }
}

impl std::error::Error for RecordFault {}
