//! Torments a real server: clients load it, it is killed with SIGKILL at random moments and started
//! again, its disk fills up or becomes read-only, and every acknowledged fact is held against the clients' own record.
//!
//! What a client was told must be true for ever after. What it asked without being answered may have
//! happened or not.

mod check;
mod client;
mod disk;
mod load;
mod random;
mod record;
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

pub use disk::{Fault, disk};
use record::Record;
use server::Server;

/// Clients that ask at once.
const CLIENTS: u64 = 6;

/// What a torment has seen, so that one in which nothing happened is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Times that the server was killed, or that its disk refused.
    pub rounds: u64,
    /// Requests that were answered.
    pub answers: u64,
    /// Requests that were not, since the server died or refused.
    pub unanswered: u64,
    /// Executions that clients know of.
    pub executions: usize,
    /// Values, events and endings that were acknowledged.
    pub facts: usize,
    /// The longest time from a start of the process until it was ready, in milliseconds.
    pub slowest_start_ms: u128,
}

/// Kills the server that `binary` starts this many times under load. The error tells which fact does
/// not hold.
pub fn kill(binary: &Path, rounds: u64, seed: u64) -> Result<Report, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::new(binary, folder.path())?;
    let record = Record::new(seed);
    let mut report = Report::default();
    server.start(&[])?;
    load::compile(&server.client())?;
    let mut random = random::Random::new(seed);
    for _ in 0..rounds {
        let life = Duration::from_millis(10 + random.below(140));
        load::run(&server, &record, CLIENTS, Some(life));
        server.kill();
        report.rounds += 1;
        let started = Instant::now();
        server.start(&[])?;
        report.slowest_start_ms = report.slowest_start_ms.max(started.elapsed().as_millis());
        check::some(&server.client(), &record, &mut random)?;
    }
    check::all(&server.client(), &record)?;
    report.count(&record);
    Ok(report)
}

impl Report {
    fn count(&mut self, record: &Record) {
        (self.answers, self.unanswered) = record.answers();
        (self.executions, self.facts) = (record.len(), record.facts());
    }
}
