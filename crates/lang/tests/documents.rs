//! Runs the programs in the language's documents: what their comments promise must hold.

mod common;

use std::path::Path;

/// Programs that show the checker at work, beside those of `docs/language`.
const CASES: &str = include_str!("cases.md");

#[test]
fn the_cases_hold() {
    let told = run(CASES);
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn the_language_documents_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut told = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(&path).expect("a document in UTF-8");
            told.extend(run(&text).into_iter().map(|fault| format!("{}: {fault}", path.display())));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn a_broken_promise_is_told() {
    let wrong = [
        "in a: Int\nout b = a + 1   # type: Float",
        "in a: Int\nout b = a + 1   # error: E010",
        "in a: Int\nout b = nope",
        "in a: Int\nout b = a       # warning: W006",
    ];
    for source in wrong {
        let told = run(&format!("```cst\n{source}\n```\n"));
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

fn run(markdown: &str) -> Vec<String> {
    common::examples(markdown).iter().flat_map(common::faults).collect()
}
