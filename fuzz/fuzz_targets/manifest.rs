//! Any text is a manifest or refused with faults; loading never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Paths that lead out of the folder are not followed here.
    if text.contains('/') {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("modules.toml"), text).expect("a file");
    if let Err(faults) = modules::load(folder.path()) {
        assert!(!faults.is_empty());
    }
});
