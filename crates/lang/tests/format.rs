//! The formatter: what it prints, and what it never changes.

mod common;
mod formatting;

use std::path::{Path, PathBuf};

use formatting::formatted;
use tidegate_lang as lang;

/// Programs with all that the checker knows.
const CASES: &str = include_str!("cases.md");
/// Programs before and after.
const PAIRS: &str = include_str!("format.md");

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|it| it == extension) => files.push(path),
                _ => {}
            }
        }
    }
    assert!(!files.is_empty(), "{folder}");
    files.sort();
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a text of the repository")
}

/// Formats it if its syntax is right; whether it was. Its meaning stays the same.
fn survives(source: &str) -> bool {
    if lang::format(source).is_err() {
        return false;
    }
    let text = formatted(source);
    let digest = |source: &str| {
        let compilation = lang::compile(source, &common::catalog());
        compilation.image.map(|image| image.digest)
    };
    assert_eq!(digest(source), digest(&text), "{source}");
    true
}

#[test]
fn examples_are_formatted() {
    for path in files("examples", "cst") {
        let source = read(&path);
        assert_eq!(formatted(&source), source, "{}", path.display());
    }
}

#[test]
fn programs_of_the_documents_keep_their_meaning() {
    let documents = files("docs/language", "md").iter().map(|path| read(path)).collect::<String>();
    for markdown in [CASES, &documents, PAIRS] {
        let examples = common::examples(markdown);
        let survivors = examples.iter().filter(|example| survives(&example.source)).count();
        assert!(survivors * 2 > examples.len(), "{survivors} of {}", examples.len());
    }
}

#[test]
fn pairs() {
    let examples = common::examples(PAIRS);
    let mut told = String::new();
    for pair in examples.chunks(2) {
        let [before, after] = pair else { panic!("a pair is incomplete") };
        let found = formatted(&before.source);
        if found != after.source {
            told.push_str(&format!("line {}:\n{found}\n", after.line));
        }
    }
    assert!(told.is_empty(), "\n{told}");
}
