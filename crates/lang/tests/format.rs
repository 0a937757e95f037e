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
    let is_long = |line: &&str| line.chars().count() > 100 && !line.contains('"');
    let long: Vec<&str> = examples
        .iter()
        .skip(1)
        .step_by(2)
        .flat_map(|it| it.source.lines())
        .filter(is_long)
        .collect();
    assert_eq!(long, [""; 0]);
}

#[test]
fn lines_end_with_a_line_feed() {
    let source =
        "in x: Int # one\r\n\r\n\r\nout y = [\r\n\r\n  x, # two\r\n]\r\nout x\r\n# three\r\n";
    let usual = "in x: Int # one\n\nout y = [\n  x, # two\n]\nout x\n# three\n";
    assert_eq!(formatted(source), usual);
    // Those of a string are a part of its value.
    assert_eq!(formatted("out x = \"a\r\nb\"\r\n"), "out x = \"a\r\nb\"\n");
}

#[test]
fn one_hundred_columns_are_used() {
    for (length, breaks) in [(99, false), (100, false), (101, true)] {
        let long = |start: &str, end: &str| {
            format!("{start}{}{end}", "n".repeat(length - start.len() - end.len()))
        };
        for source in [
            long("x = f(", ")"),
            long("x = [", ", 2]"),
            long("x = { a: ", " }"),
            long("x = ", " + 1"),
            long("x = f(1, { a: ", " })"),
            long("x = f(a) with lazy, fallback: ", ""),
            long("x = if (a) b else ", ""),
            long("in x: List<{ a: ", " }> = 1"),
        ] {
            assert_eq!(formatted(&source).lines().count() > 1, breaks, "{source}");
        }
        // What is broken around it adds a comma.
        let name = "n".repeat(length - "  [],".len());
        let lines = formatted(&format!("x = [\n  # c\n  [{name}]\n]")).lines().count();
        assert_eq!(lines > 4, breaks, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_not_formatted() {
    for wrong in [
        "x = (1",
        "x = 1 +",
        "out 1 + 2",
        "x = f(y) with retyr: 1",
        "@title(\"a\") x = 1",
        "x = \"open",
        "x = a && b",
        "x = 1 # fine\n;",
    ] {
        let errors = lang::format(wrong).expect_err(wrong);
        assert!(errors.iter().all(model::Diagnostic::is_error), "{errors:?}");
    }
    // Programs that are not finished, or do not compile, have a form all the same.
    assert_eq!(lang::format(""), Ok(String::new()));
    assert_eq!(lang::format("x=nope(1)").as_deref(), Ok("x = nope(1)\n"));
}
