//! The engine in a simulated world: random programs, inputs, events and deadlines, modules and a store
//! that fail, a process that is killed at any moment, and clients who ask again. A seed decides
//! everything, so a failure is reproduced by one number.
//!
//! What runs is the engine itself. Only what surrounds it is a model: the store in memory answers when
//! the scheduler lets it, time passes when it says so, and modules end when it says so. After each
//! world the invariants of `check` are held against what its clients were told.

mod check;
mod clock;
mod facts;
mod modules;
mod process;
mod program;
mod random;
mod store;
mod world;

pub use world::{Seen, simulate, tell};
