//! `tidegate-simulation --seeds N [--from SEED]`: runs that many worlds on all cores, and says how many
//! a second. `--seed SEED` runs one and tells all about it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are its user interface")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use tidegate_simulation::{Seen, simulate, tell};

const USAGE: &str = "Usage: cargo xtask simulate --seeds N [--from SEED] | --seed SEED";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    match (number("--seed"), number("--seeds")) {
        (Some(seed), None) => one(seed),
        (None, Some(count)) => many(number("--from").unwrap_or(0), count),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64) -> ExitCode {
    let (text, code) = match tell(seed) {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(text) => (text, ExitCode::FAILURE),
    };
    println!("{text}\nseed {seed}");
    code
}

fn many(from: u64, count: u64) -> ExitCode {
    let started = Instant::now();
    let (next, has_failed) = (AtomicU64::new(from), AtomicBool::new(false));
    let run = || {
        let mut seen = Seen::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + count || has_failed.load(Ordering::Relaxed) {
                return seen;
            }
            match simulate(seed) {
                Ok(one) => seen.add(&one),
                Err(fault) => {
                    has_failed.store(true, Ordering::Relaxed);
                    println!(
                        "seed {seed} fails: {fault}\nagain: cargo xtask simulate --seed {seed}"
                    );
                }
            }
        }
    };
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(run)).collect();
        for worker in workers {
            match worker.join() {
                Ok(one) => seen.add(&one),
                Err(_) => has_failed.store(true, Ordering::Relaxed),
            }
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    println!("{seen:#?}");
    let run = seen.worlds;
    println!("{run} seeds in {seconds:.1} s: {:.0} seeds/s", run as f64 / seconds);
    if has_failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
