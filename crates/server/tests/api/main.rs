//! The HTTP API over a real loopback socket, as transcripts of requests and answers.

mod aliases;
mod arrivals;
mod backpressure;
mod broken;
mod check;
mod contract;
mod events;
mod five_inputs;
mod history;
mod host;
mod idempotency;
mod lifecycle;
mod listing;
mod metrics;
mod modes;
mod modules;
mod problems;
mod shutdown;
