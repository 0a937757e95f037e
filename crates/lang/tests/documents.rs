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
    let told = run_all("language", |_| true);
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// The pages about errors and warnings; those about runs are read where programs run.
#[test]
fn the_pages_about_codes_hold() {
    let told = run_all("codes", |page| page.starts_with(['E', 'W']));
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

/// The faults of the documents of a folder whose names are wanted.
fn run_all(folder: &str, is_wanted: fn(&str) -> bool) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(folder);
    let mut told = Vec::new();
    for path in std::fs::read_dir(folder).expect("a folder of documents").flatten() {
        let path = path.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|extension| extension == "md") && is_wanted(&name) {
            let text = std::fs::read_to_string(&path).expect("a document in UTF-8");
            told.extend(run(&text).into_iter().map(|fault| format!("{}: {fault}", path.display())));
        }
    }
    told
}

fn run(markdown: &str) -> Vec<String> {
    common::examples(markdown).iter().flat_map(common::faults).collect()
}
