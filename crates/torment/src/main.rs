//! `tidegate-torment BINARY [--rounds N] [--seed S] [--disk]`: see the library.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are its user interface")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let Some(binary) = arguments.first().map(Path::new) else {
        eprintln!("Usage: cargo xtask torment [--rounds N] [--seed S] [--disk]");
        return ExitCode::from(2);
    };
    let seed = number("--seed", 1);
    let is_disk = arguments.iter().any(|argument| argument == "--disk");
    let started = Instant::now();
    let report = match is_disk {
        true => tidegate_torment::fill(binary, number("--rounds", 20), seed),
        false => tidegate_torment::kill(binary, number("--rounds", 1_000), seed),
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
