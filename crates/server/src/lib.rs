//! The network room: routes, wire documents, one table of problems, limits.
//!
//! A request comes in through [`Server`], is looked up in the table of routes, is read from JSON
//! into typed values, and is put to the [`Engine`](engine::Engine); what the engine says is written
//! straight into a JSON document ([`wire`]). There is no SQL here and no rule about what an
//! execution may do: a handler reads, asks and writes.

mod aliases;
mod body;
mod clock;
mod compile;
mod error;
mod events;
mod executions;
mod guard;
mod health;
mod history;
mod idempotency;
mod limits;
mod members;
mod metrics;
mod modules;
mod openapi;
mod page;
mod pipelines;
mod prefer;
mod query;
mod reply;
mod routes;
mod serve;
mod service;
mod trace;

pub mod wire;

pub use serve::{Config, Server, bind};
