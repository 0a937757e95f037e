//! The value of an expression: operators, conversions, patterns, lambdas and the standard library.
//!
//! [`Evaluator`] computes over what is known and says *open* where something is not known yet. What
//! is known comes through [`Cells`]: the engine gives the cells of an execution, the compiler gives
//! [`NoCells`] to compute constants. There are no calls, no time and no IO here, and everything that
//! can grow is bounded.

mod each;
mod evaluator;
mod operators;
mod pattern;
mod reshape;

pub mod limits;
pub mod stdlib;

pub use evaluator::{Cell, Cells, Evaluator, NoCells, Outcome, Stop};
pub use stdlib::{Builtins, Each, UnknownFunction};
