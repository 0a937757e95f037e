//! Whatever a manifest says, loading it ends with modules or faults, never with a panic.

mod support;

use proptest::prelude::*;
use support::{Folder, WRITABLE, module};

/// A manifest that names an existing database and has no script: whatever a mutation makes of its
/// path, nothing is written.
fn manifest() -> String {
    let source = "[source.db]\nkind = \"sqlite\"\npath = \"db.sqlite\"\nwrite = true\ntimeout = \"3s\"\nmax_running = 4\n";
    let signature = "(id: String, n: Optional<Int>) -> Optional<{ id: String, tier: \"gold\" | \"silver\", total: Float }>";
    let sql = "select o.id, o.tier, total from orders o where id = :id or paid < :n";
    let http = "[source.web]\nkind = \"http\"\nbase_url = \"http://example.com/v1\"\nheaders = { A = \"b\" }\n\
                [module.Web]\nsource = \"web\"\nsignature = \"(id: String, n: Optional<Int>) -> Optional<{ id: String }>\"\n\
                request = \"PUT /a/{id}?b={id}\"\nquery = { n = \"{n}\" }\nheaders = { X-Id = \"{id}\" }\n\
                body = \"{ a: [id], b: n ?? 2 }\"\nresponse = \"{ x: List<String> }\"\n\
                result = \"{ id: first(response.x) ?? id }\"\nabsent_on = [404]\n";
    let sql = module(signature, sql);
    format!("{source}{sql}doc = \"x\"\neffect = \"read\"\n{http}")
}

fn snippets() -> impl Strategy<Value = String> {
    let telling = [
        "[",
        "]",
        "\"",
        "'''",
        "\\",
        ":",
        ";",
        "\n",
        "\0",
        "é",
        ".",
        "=",
        "{",
        "}",
        "<",
        "|",
        "?1",
        "--",
        "/*",
        "select",
        "[module.N]\n",
        "sql = 1\n",
        "\"\"\"",
    ];
    prop_oneof![
        proptest::sample::select(telling.to_vec()).prop_map(str::to_string),
        "\\PC{0,8}",
        Just(String::new()),
    ]
}

#[test]
fn what_is_mutated_is_a_manifest() {
    let folder = Folder::new();
    folder.write("m.toml", WRITABLE);
    assert!(folder.load().is_ok());
    folder.write("m.toml", &manifest());
    assert!(folder.load().is_ok(), "{}", folder.faults());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_manifests_never_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..12, snippets()), 1..4),
    ) {
        let folder = Folder::new();
        folder.write("m.toml", WRITABLE);
        prop_assert!(folder.load().is_ok());
        let mut chars: Vec<char> = manifest().chars().collect();
        for (at, length, snippet) in edits {
            let start = at.index(chars.len() + 1);
            let end = (start + length).min(chars.len());
            chars.splice(start..end, snippet.chars());
        }
        folder.write("m.toml", &chars.into_iter().collect::<String>());
        if let Err(faults) = folder.load() {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                let shown = fault.to_string();
                prop_assert!(!shown.replace("\n  help: ", "").contains(char::is_control), "{shown}");
            }
        }
    }
}

#[test]
fn deep_and_long_manifests_are_faults() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        "[module.M]\n".repeat(20_000),
        format!("[module.{}]\n", "x.".repeat(50_000)),
        format!("[module.M]\nsignature = \"{}\"\n", "(".repeat(100_000)),
        (0..50_000).map(|at| format!("k{at} = 1\n")).collect(),
        format!(
            "[module.M]\nx = 1\n[module]\nN = {{ {} }}\n",
            (0..50_000).map(|at| format!("k{at} = 1,")).collect::<String>()
        ),
        (0..9_000).map(|at| format!("[module.M{at}]\n")).collect(),
        "x".repeat(2 << 20),
        module("() -> Int", &"select 1;".repeat(7_000)),
        module("() -> Int", &format!("select {}1{}", "(".repeat(30_000), ")".repeat(30_000))),
        module("() -> Int", &format!("select {}", vec!["?"; 900].join("+"))),
    ] {
        let folder = Folder::new();
        folder.write("m.toml", &text);
        folder.write("s.toml", WRITABLE);
        let faults = folder.load().expect_err("a fault");
        assert!(faults.len() <= 101 && faults.iter().all(|fault| fault.to_string().len() < 2_000));
    }
}
