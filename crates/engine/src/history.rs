//! What happened to an execution, for people: a view of its log. What follows from the log (a node
//! failed, the execution rests) comes at the same place whenever the log is read, so that the numbers
//! of items never change.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::plan::{BindingId, InputId};
use model::{Digest, Failure, Text, Value};

use crate::cells::Provider;
use crate::error::EngineError;
use crate::execution::Execution;
use crate::loaded::LoadedImage;
use crate::log::{CallNode, CallTiming, Event, Received, Record};
use crate::ports::Status;
use crate::shared::Shared;
use crate::view::ExecutionView;
use crate::{ExecutionId, Timestamp, step};

/// The history of one execution, as far as it has been read.
pub struct History {
    shared: Arc<Shared>,
    id: ExecutionId,
    execution: Execution,
    /// How many records were read.
    read: u64,
    /// The failures that were told of.
    failed: BTreeMap<Text, Arc<Failure>>,
    items: Vec<HistoryItem>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct HistoryItem {
    /// Its place in the history, from 1.
    pub number: u64,
    /// When the log says that it happened.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Happened {
    /// It began.
    Started {
        /// The image that it runs.
        image: Digest,
        /// The alias by which it was started.
        pipeline: Option<Text>,
    },
    /// A resume brought something new.
    Resumed {
        /// Failed calls were run anew.
        retry_failed: bool,
    },
    /// An input got its value.
    InputProvided {
        /// Which.
        input: InputId,
        /// The value.
        value: Value,
        /// By what.
        by: Provider,
    },
    /// A binding got its value by hand.
    NodeResolved {
        /// Which.
        binding: BindingId,
        /// The value.
        value: Value,
    },
    /// A call gave its result.
    CallCompleted {
        /// Which.
        node: CallNode,
        /// How many attempts it took; none if the result was there already.
        attempts: u32,
        /// How long it took.
        timing: CallTiming,
    },
    /// A call failed for good.
    CallFailed {
        /// Which.
        node: CallNode,
        /// Why.
        failure: Failure,
        /// How long it took.
        timing: CallTiming,
    },
    /// The time for an input was over.
    DeadlinePassed {
        /// Which.
        input: InputId,
    },
    /// An event came.
    EventReceived {
        /// The event.
        received: Received,
        /// The input that listened for it.
        input: Option<InputId>,
        /// Whether its data fits that input.
        fits: bool,
    },
    /// A needed node has failed.
    NodeFailed {
        /// Its name.
        name: Text,
        /// Why.
        failure: Arc<Failure>,
    },
    /// It waits for these inputs.
    Suspended {
        /// Those that are missing for certain.
        missing: Vec<InputId>,
    },
    /// An output has failed.
    Failed,
    /// Every output has a value.
    Completed,
    /// It was ended by hand.
    Cancelled,
}

impl History {
    pub(crate) async fn load(
        shared: &Arc<Shared>,
        id: ExecutionId,
    ) -> Result<History, EngineError> {
        let records = shared.store.records(id, 0).await?.ok_or(EngineError::NotFound)?;
        let first = records.first().and_then(|bytes| Record::decode(bytes).ok());
        let Some(Record { event: Event::Started { image, .. }, .. }) = first else {
            return Err(unusable(id));
        };
        let loaded = shared.image(image).await?.ok_or_else(|| unusable(id))?;
        let execution = Execution::new(loaded);
        let (shared, failed, items) = (shared.clone(), BTreeMap::new(), Vec::new());
        let mut history = History { shared, id, execution, read: 0, failed, items };
        history.take(records)?;
        Ok(history)
    }

    /// The image that gives names and types to what the items tell of.
    pub fn loaded(&self) -> &Arc<LoadedImage> {
        self.execution.image()
    }

    /// The items behind the one with this number.
    pub fn after(&self, number: u64) -> &[HistoryItem] {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        self.items.get(number..).unwrap_or_default()
    }

    /// Whether nothing can come any more.
    pub fn is_finished(&self) -> bool {
        self.execution.is_finished()
    }

    /// Reads on.
    pub async fn update(&mut self) -> Result<(), EngineError> {
        let records = self.shared.store.records(self.id, self.read).await?;
        self.take(records.ok_or(EngineError::NotFound)?)
    }

    fn take(&mut self, records: Vec<Vec<u8>>) -> Result<(), EngineError> {
        for bytes in records {
            let record = Record::decode(&bytes).map_err(|_| unusable(self.id))?;
            if !record.event.fits(self.loaded().plan()) {
                return Err(unusable(self.id));
            }
            self.read += 1;
            self.tell(record);
        }
        Ok(())
    }

    fn tell(&mut self, record: Record) {
        let at = record.at;
        let inputs = 0..self.loaded().plan().inputs.len() as InputId;
        let was_empty: Vec<InputId> =
            inputs.filter(|id| self.execution.provided(*id).is_none()).collect();
        let was_finished = self.execution.is_finished();
        let listener = match &record.event {
            Event::Received(received) => self.execution.listener(received),
            _ => None,
        };
        step(&mut self.execution, &record);
        let mut told = match record.event {
            Event::Started { image, pipeline, .. } => vec![Happened::Started { image, pipeline }],
            Event::Resumed { resolved, retry_failed, .. } => {
                let resolved = resolved
                    .into_iter()
                    .map(|(binding, value)| Happened::NodeResolved { binding, value: value.0 });
                std::iter::once(Happened::Resumed { retry_failed }).chain(resolved).collect()
            }
            Event::CallCompleted { node, attempts, timing, .. } => {
                vec![Happened::CallCompleted { node, attempts, timing }]
            }
            Event::CallFailed { node, failure, timing } => {
                vec![Happened::CallFailed { node, failure, timing }]
            }
            Event::DeadlinePassed { input } => vec![Happened::DeadlinePassed { input }],
            Event::Received(received) => {
                let fits = listener.is_some_and(|id| self.execution.provided(id).is_some());
                vec![Happened::EventReceived { received, input: listener, fits }]
            }
            Event::Cancelled => Vec::new(),
        };
        for input in was_empty {
            if let Some(provided) = self.execution.provided(input) {
                let (value, by) = (provided.value.clone(), provided.by);
                told.push(Happened::InputProvided { input, value, by });
            }
        }
        if !was_finished {
            self.tell_rest(&mut told);
        }
        for what in told {
            let number = self.items.len() as u64 + 1;
            self.items.push(HistoryItem { number, at, what });
        }
    }

    fn tell_rest(&mut self, told: &mut Vec<Happened>) {
        let status = self.execution.status();
        if status == Status::Running {
            return;
        }
        let view = ExecutionView::of(&self.execution, self.id, None);
        let failed: BTreeMap<Text, Arc<Failure>> = view.failed.into_iter().collect();
        for (name, failure) in &failed {
            if self.failed.get(name) != Some(failure) {
                let (name, failure) = (name.clone(), failure.clone());
                told.push(Happened::NodeFailed { name, failure });
            }
        }
        self.failed = failed;
        told.push(match status {
            Status::Suspended | Status::Running => Happened::Suspended { missing: view.missing },
            Status::Failed => Happened::Failed,
            Status::Completed => Happened::Completed,
            Status::Cancelled => Happened::Cancelled,
        });
    }
}

fn unusable(id: ExecutionId) -> EngineError {
    EngineError::Unusable(format!("{id}: its log cannot be read"))
}
