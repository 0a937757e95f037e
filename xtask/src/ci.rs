//! `cargo xtask ci`: every check, in the order in which they fail fastest.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::tidy;

/// What it is for, the arguments for cargo, and flags for rustdoc.
const STEPS: [(&str, &[&str], &str); 4] = [
    ("The code is formatted", &["fmt", "--all", "--check"], ""),
    (
        "Nothing to warn about",
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        "",
    ),
    ("The tests pass", &["test", "--workspace"], ""),
    ("The documentation builds", &["doc", "--workspace", "--no-deps"], "-D warnings"),
];

/// Runs all checks and stops at the first one that fails.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let started = Instant::now();
    println!("==> The tree is tidy: cargo xtask tidy");
    tidy::run(root)?;
    for (purpose, arguments, rustdoc_flags) in STEPS {
        let line = arguments.join(" ");
        println!("\n==> {purpose}: cargo {line}");
        let status = Command::new(crate::cargo())
            .args(arguments)
            .current_dir(root)
            .env("RUSTDOCFLAGS", rustdoc_flags)
            .env("TIDEGATE_TESTS_MUST_RUN", "1")
            .status()
            .map_err(|error| format!("cargo cannot be started: {error}"))?;
        if !status.success() {
            return Err(format!("\nfailed: cargo {line}"));
        }
    }
    println!("\nAll good, in {} s.", started.elapsed().as_secs());
    Ok(())
}
