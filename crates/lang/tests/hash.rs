//! The structural hash: what changes it and what does not (specification, section 13).

mod common;

use common::image;
use tidegate_lang as lang;

#[track_caller]
fn same(a: &str, b: &str) {
    assert_eq!(image(a).digest, image(b).digest, "{a}\n---\n{b}");
}

#[track_caller]
fn other(a: &str, b: &str) {
    assert_ne!(image(a).digest, image(b).digest, "{a}\n---\n{b}");
}

#[test]
fn writing_does_not_matter() {
    same("in a: Int  b = a + 1  out b", "out b = (a+1)   # comment\nin a : Int");
    same("in a: List<Int> out a", "## Some numbers.\n@title(\"A\") in a: Seq<Int>\nout a");
    same("in r: { f: Int, g: Int } out p = r[f, g]", "in r: { f: Int, g: Int } out p = r{f,g,}");
    same("in x: String out y = \"caf\\u{e9}\"", "in x: String out y = \"café\"");
    same(
        "in x: String out y = Slow(x) with retry: 1, delay: 1s",
        "in x: String out y = Slow(x) with { delay: 1000ms, retry: 1 }",
    );
}

#[test]
fn ways_to_a_name_do_not_matter() {
    same("out y = stdlib.string.trim(\"a\")", "use stdlib.string as s out y = s.trim(\"a\")");
    same("out y = trim(\"a\")", "use stdlib.string out y = string.trim(\"a\")");
    same("out y = string-length(\"a\")", "out y = stringLength(\"a\")");
    same("type T = { a: Int } in a: T out a", "in a: { a: Int } out a");
    same(
        "in o: Optional<Int> out r = match o { some(x) -> x, none -> 0 }",
        "in o: Optional<Int> out r = match o { some(other) -> other, none -> 0 }",
    );
}

#[test]
fn the_interface_matters() {
    other("in a: Int out b = 1", "in c: Int out b = 1");
    other("in a: Int out b = 1", "in a: Float out b = 1");
    other("in a: { x: Int, y: Int } out a", "in a: { y: Int, x: Int } out a");
    other("in a: Int out b = 1", "in a: Int out c = 1");
    other("in a: Int = 1 out a", "in a: Int = 2 out a");
    other("in a: Int = 1 out a", "in a: Int out a");
    other("type A = { x: Int } in a: A | Int out a", "type B = { x: Int } in a: B | Int out a");
}

#[test]
fn what_is_computed_matters() {
    other("out b = 1", "out b = 2");
    other("out b = 1", "out b = 1.0");
    other("in a: Int out b = a + 1", "in a: Int out b = a - 1");
    other("in a: Int out b = a + 2 * 3", "in a: Int out b = (a + 2) * 3");
    other("in a: Int out b = a", "in a: Int out b = a unused = a");
    other("in c: Boolean in a: Int out a when c", "in c: Boolean in a: Int out a");
    other("out b = Slow(\"x\")", "out b = Upper(\"x\")");
    other("out b = Slow(\"x\")", "out b = Slow(\"x\") with retry: 1");
    other("out b = Slow(\"x\") with retry: 1", "out b = Slow(\"x\") with retry: 2");
}

#[test]
fn a_modules_declaration_matters() {
    let source = "out b = Slow(\"x\")";
    let mut changed = common::catalog();
    changed.insert(common::module("Slow", "(text: String) -> String", model::Effect::Write));
    let image = lang::compile(source, &changed).image.expect("it compiles");
    assert_ne!(image.digest, common::image(source).digest);
}

#[test]
fn the_hash_is_the_same_everywhere() {
    // A promise: this program keeps its name over all versions of the compiler.
    let source = "in a: Int\nout b = a + 1\n";
    expect_test::expect!["sha256:7d8999d87497fe5dc5c3d503d7fb85470c2238010e6358a48c569b78581de9d8"]
        .assert_eq(&image(source).digest.to_string());
}
