//! An [`Image`](model::Image) in time: scheduling, suspension, call options, the execution log.
//!
//! The heart is [`step`]: pure, without clock, IO or randomness. The shell around it
//! ([`Engine`]) appends events to a [`Store`], performs the actions that `step` asks for, and turns
//! what happens into the next event. There is no SQL, no HTTP and no file here, and no knowledge of
//! source text.

mod adapted;
mod bounds;
mod call;
mod cells;
mod demand;
mod driver;
mod engine;
mod error;
mod execution;
mod gate;
mod history;
mod invoke;
mod loaded;
mod mailbox;
mod needs;
mod reference;
mod registry;
mod resume;
mod shared;
mod step;
mod timers;
mod traffic;
mod view;

pub mod id;
pub mod limits;
pub mod log;
pub mod memory;
pub mod ports;
pub mod supply;

pub use bounds::Bounds;
pub use call::call_key;
pub use cells::{Provided, Provider};
pub use engine::{Caller, Engine, Found, Retention, Start};
pub use error::{EngineError, Rejection};
pub use execution::{Action, CallAction, Execution};
pub use gate::{Gate, Permit};
pub use history::{Happened, History, HistoryItem};
pub use id::{ExecutionId, Timestamp};
pub use loaded::{LoadedImage, UnknownFunction};
pub use memory::MemoryStore;
pub use needs::MissingModule;
pub use ports::{
    Clock, Module, ModuleCall, ModuleError, RegisteredModule, Status, Store, StoreError,
};
pub use reference::{PipelineName, Reference};
pub use registry::Registry;
pub use resume::Resume;
pub use shared::Changes;
pub use step::step;
pub use view::{ExecutionView, Kept};
