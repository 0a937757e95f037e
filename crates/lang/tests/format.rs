//! The formatter: what it prints, and what it never changes.

mod common;

use std::path::{Path, PathBuf};

use tidegate_lang as lang;

/// Programs with all that the checker knows.
const CASES: &str = include_str!("cases.md");
/// Programs before and after.
const PAIRS: &str = include_str!("format.md");

/// The formatted text, after all that must hold for it was checked.
#[track_caller]
fn formatted(source: &str) -> String {
    let text = lang::format(source).unwrap_or_else(|errors| {
        panic!("{}\n{source}", common::render(source, &errors));
    });
    let again = lang::format(&text).unwrap_or_else(|errors| {
        panic!("{}\n{source}\n--- formatted\n{text}", common::render(&text, &errors));
    });
    assert_eq!(text, again, "formatting is idempotent\n{source}");
    assert_eq!(tree(source), tree(&text), "the tree stays\n{source}\n--- formatted\n{text}");
    assert_eq!(comments(source), comments(&text), "comments stay\n{source}\n--- formatted\n{text}");
    text
}

/// The syntax tree without places, and documentation comments with it.
fn tree(source: &str) -> String {
    let text = format!("{:#?}", lang::parser::parse(source).0);
    let mut kept = String::new();
    let mut is_span = false;
    for line in text.lines() {
        is_span |= line.ends_with("Span {");
        if !is_span {
            kept.push_str(line);
            kept.push('\n');
        }
        is_span &= !line.trim_start().starts_with('}');
    }
    kept
}

/// All comments in order, as one text: two of one line may become one.
fn comments(source: &str) -> String {
    let mut found: Vec<&str> = Vec::new();
    // Braces of interpolations, innermost last; none in a string.
    let mut strings: Vec<Option<usize>> = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match (strings.last_mut(), c) {
            (Some(None), '"') => drop(strings.pop()),
            (Some(None), '\\') => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            (Some(inside @ None), '$') if rest[1..].starts_with('{') => {
                *inside = Some(0);
                length = 2;
            }
            (Some(None), _) => {}
            (Some(Some(braces)), '{') => *braces += 1,
            (Some(inside), '}') => *inside = inside.and_then(|braces| braces.checked_sub(1)),
            (_, '"') => strings.push(None),
            (_, '#') => {
                length = rest.find('\n').unwrap_or(rest.len());
                found.push(rest[..length].trim_end());
            }
            _ => {}
        }
        rest = &rest[length..];
    }
    found.join(" ")
}

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
