//! `tidegate-torment BINARY [--rounds N] [--seed S] [--full | --read-only]`: see the library.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are its user interface")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tidegate_torment::{Fault, disk, kill};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let Some(binary) = arguments.first().map(Path::new) else {
        eprintln!("Usage: cargo xtask torment [--rounds N] [--seed S] [--full | --read-only]");
        return ExitCode::from(2);
    };
    let seed = number("--seed", 1);
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    let fault = match (is_given("--full"), is_given("--read-only")) {
        (true, _) => Some(Fault::Full),
        (_, true) => Some(Fault::ReadOnly),
        _ => None,
    };
    let started = Instant::now();
    let report = match fault {
        Some(fault) => disk(binary, fault, number("--rounds", 20), seed),
        None => kill(binary, number("--rounds", 1_000), seed),
    };
    match report {
        Ok(report) => {
            println!(
                "{report:#?}\nseed {seed}, {} s: nothing is lost",
                started.elapsed().as_secs()
            );
            ExitCode::SUCCESS
        }
        Err(fault) => {
            println!("seed {seed}: {fault}");
            ExitCode::FAILURE
        }
    }
}
