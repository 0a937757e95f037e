//! Tasks of this repository: `cargo xtask ci` and those that its usage lists.
//!
//! Uses the standard library only, so that it builds in a moment.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are its user interface")]

mod ci;
mod demo;
mod fuzz_api;
mod rooms;
mod server;
mod tidy;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "\
Usage: cargo xtask TASK

  ci     formatting, lints, tests, documentation and tidiness: all that must hold
  tidy   the rooms' dependencies, and the form of source files
  simulate --seeds N [--from SEED] | --seed SEED
         the engine in N simulated worlds that fail at every turn, or in one of them with its logs
  torment [--rounds N] [--seed S] [--full | --read-only]
         a real server killed N times under load, or on a disk that is full or read-only
  demo   builds the binary and plays all three modes on the example shop
  fuzz-api [EXAMPLES [SEED]]
         a server against which schemathesis holds what its OpenAPI document says; installs it
         from PyPI at first";

fn main() -> ExitCode {
    let tasks: Vec<String> = std::env::args().skip(1).collect();
    let done = match tasks.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["ci"] => ci::run(&root()),
        ["tidy"] => tidy::run(&root()),
        ["demo"] => demo::run(&root()),
        ["fuzz-api", rest @ ..] => fuzz_api::run(&root(), rest),
        ["simulate", rest @ ..] => built("tidegate-simulation", rest),
        ["torment", rest @ ..] => torment(rest),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Builds a binary of this repository for release and runs it.
fn built(package: &str, arguments: &[&str]) -> Result<(), String> {
    let status = Command::new(cargo())
        .args(["run", "--release", "--quiet", "-p", package, "--"])
        .args(arguments)
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{package} failed")) }
}

/// Torments the release binary.
fn torment(arguments: &[&str]) -> Result<(), String> {
    let binary = demo::build(&root(), "release")?;
    let binary = binary.to_str().ok_or("the path of the binary is not UTF-8")?;
    built("tidegate-torment", &[&[binary], arguments].concat())
}

/// The cargo that runs this.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
