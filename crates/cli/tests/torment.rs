//! The binary killed under load, and on a full disk, for a moment; `cargo xtask torment` does it for
//! long.

use std::path::Path;

use torment::{Fault, disk, kill};

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate");

#[test]
fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let report = kill(Path::new(BINARY), 10, 1).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(report.facts > 100, "{report:?}");
}

#[test]
fn a_full_disk_loses_nothing_and_is_recovered_from() {
    let report =
        disk(Path::new(BINARY), Fault::Full, 1, 1).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(report.facts > 100, "{report:?}");
}
