//! Whatever is written: the compiler answers, and what it compiles is valid.

mod common;

use model::Image;
use proptest::prelude::*;
use tidegate_lang as lang;

/// Programs to damage.
const CASES: &str = include_str!("cases.md");

fn check(source: &str) {
    let compilation = lang::compile(source, &common::catalog());
    let is_sound = !compilation.diagnostics.iter().any(model::Diagnostic::is_error);
    assert_eq!(compilation.image.is_some(), is_sound, "{source}");
    assert!(compilation.diagnostics.is_sorted_by_key(|diagnostic| diagnostic.span));
    for diagnostic in &compilation.diagnostics {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(source.get(start..end).is_some(), "{diagnostic:?} in {source}");
    }
    if let Some(image) = compilation.image {
        assert!(Image::decode(&image.encode()).is_ok(), "{source}");
    }
}

/// Words, signs and spaces, each a piece of its own.
fn pieces(source: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 128;
    let bytes = source.as_bytes();
    for at in 1..=bytes.len() {
        if at == bytes.len() || !is_word(bytes[at]) || !is_word(bytes[at - 1]) {
            pieces.push(&source[start..at]);
            start = at;
        }
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_programs_are_answered(
        program in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3_u8), 1..6),
    ) {
        let examples = common::examples(CASES);
        let source = &program.get(&examples).source;
        let mut pieces = pieces(source);
        for (at, from, kind) in damage {
            let (at, from) = (at.index(pieces.len()), from.index(pieces.len()));
            match kind {
                0 => drop(pieces.remove(at)),
                1 => pieces.insert(at, pieces[from]),
                _ => pieces.swap(at, from),
            }
            if pieces.is_empty() {
                break;
            }
        }
        check(&pieces.concat());
    }
}

#[test]
fn deep_programs_are_answered() {
    for depth in [10, 40, 60, 100, 120, 126, 127, 128, 129, 200, 5_000] {
        let nested = |open: &str, inner: &str, close: &str| {
            format!(
                "in c: Boolean in x: Int\nout r = {}{inner}{}",
                open.repeat(depth),
                close.repeat(depth)
            )
        };
        check(&nested("[", "1", "]"));
        check(&nested("(", "x", ")"));
        check(&nested("{ a: ", "x", " }"));
        check(&nested("-", "x", ""));
        check(&nested("not ", "c", ""));
        check(&nested("if (c) x else ", "x", ""));
        check(&nested("if (c) { a: x, b: 1 } else ", "{ a: x }", ""));
        check(&nested("Weigh(1 + ", "1.5", ")"));
        check(&nested("match x { 1 -> ", "x", ", _ -> 2.5 }"));
        check(&nested("\"${", "x", "}\""));
        check(&nested("none ?? ", "x", ""));
        check(&nested("branch { c -> 1, otherwise -> ", "x", "}"));
        check(&format!("in x: Int\nout r = x{}", " + 1".repeat(depth)));
        check(&format!("in x: Int\nout r = 1.5{}", " + x".repeat(depth)));
        check(&format!("in x: {}Int{}\nout x", "List<".repeat(depth), ">".repeat(depth)));
        let types = format!("{}Int{}", "Optional<{ a: ".repeat(depth), " }>".repeat(depth));
        check(&format!("in x: {types}\nout x"));
        let pattern = format!("{}v{}", "{a: ".repeat(depth), "}".repeat(depth));
        let value = format!("{}1{}", "{a: ".repeat(depth), "}".repeat(depth));
        check(&format!("out r = match {value} {{ {pattern} -> v }}"));
    }
}
