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
fn names_of_variables_do_not_matter() {
    same(
        "in xs: List<Int> out r = map(xs, x => map(xs, y => x * y))",
        "in xs: List<Int> out r = map(xs, one => map(xs, (two: Int) => one * two))",
    );
    same(
        "in xs: List<Int> out r = fold(xs, 0, (a, _) => a + 1)",
        "in xs: List<Int> out r = fold(xs, 0, (count, x) => count + 1)",
    );
    other(
        "in xs: List<Int> out r = map(xs, x => map(xs, y => x - y))",
        "in xs: List<Int> out r = map(xs, x => map(xs, y => y - x))",
    );
}

#[test]
fn every_option_matters() {
    let options = [
        "retry: 1",
        "retry: 2",
        "retry: 1, delay: 1s",
        "retry: 1, delay: 1s, backoff: linear",
        "retry: 1, delay: 1s, backoff: exponential",
        "timeout: 1s",
        "timeout: 2s",
        "cache: 1s",
        "cache: 1min",
        "cache: 1s, cache_backend: \"redis\"",
        "throttle: 1/1s",
        "throttle: 2/2s",
        "concurrency: 1",
        "concurrency: 2",
        "priority: high",
        "priority: 81",
        "lazy",
        "on_error: skip",
        "on_error: log",
        "on_error: wrap",
        "fallback: \"a\"",
        "fallback: \"b\"",
        "fallback: \"b\", on_error: log",
    ];
    let digest = |option: &str| image(&format!("out b = Slow(\"x\") with {option}")).digest;
    let mut digests: Vec<_> = options.iter().map(|option| digest(option)).collect();
    digests.push(image("out b = Slow(\"x\")").digest);
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), options.len() + 1);
    // What says nothing is nothing.
    for idle in ["retry: 0", "lazy: false", "priority: normal", "on_error: propagate"] {
        same("out b = Slow(\"x\")", &format!("out b = Slow(\"x\") with {idle}"));
    }
    same("out b = Slow(\"x\") with priority: high", "out b = Slow(\"x\") with priority: 80");
}

/// Every documented program that compiles keeps its name whatever the order of its declarations,
/// its layout, its comments and the spelling of its functions.
#[test]
fn documented_programs_keep_their_names() {
    let (mut count, mut changed) = (0, 0);
    for source in documented() {
        let Some(image) = lang::compile(&source, &common::catalog()).image else { continue };
        count += 1;
        let digest = |source: &str| {
            let compilation = lang::compile(source, &common::catalog());
            compilation.image.unwrap_or_else(|| panic!("{source}")).digest
        };
        let formatted = lang::format(&source).expect("it has no syntax errors");
        let declarations = split(&formatted);
        let backwards: Vec<&str> = declarations.iter().rev().map(String::as_str).collect();
        let rotated = [&declarations[1..], &declarations[..1]].concat();
        let respelt = camel_cased(&formatted);
        changed += usize::from(respelt != formatted);
        let commented = declarations.join("\t\r\n# more\n");
        let others = [formatted.clone(), backwards.concat(), rotated.concat(), respelt, commented];
        for other in others {
            assert_eq!(digest(&other), image.digest, "{source}\n---\n{other}");
        }
        // One declaration more, used or not, is another program.
        assert_ne!(digest(&format!("{formatted}\nin one-input-more: Int\n")), image.digest);
        assert_ne!(digest(&format!("{formatted}\n_one-binding-more = 1\n")), image.digest);
    }
    assert!(count > 300 && changed > 10, "{count} programs, {changed} with hyphenated functions");
}

/// The programs of the documentation, delivering something.
fn documented() -> Vec<String> {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["docs/language", "docs/codes", "crates/tidegate/tests/corpus"];
    let files = folders.iter().flat_map(|folder| {
        std::fs::read_dir(docs.join(folder)).expect("a folder of documents").flatten()
    });
    files
        .flat_map(|file| {
            let text = std::fs::read_to_string(file.path()).expect("a document");
            common::examples(&text).into_iter().map(|example| example.source).collect::<Vec<_>>()
        })
        .collect()
}

/// The declarations of a formatted program: each begins at the start of a line, behind the comments
/// and annotations that belong to it.
fn split(formatted: &str) -> Vec<String> {
    let mut declarations: Vec<String> = vec![String::new()];
    let (mut is_open, mut strings) = (false, 0);
    for line in formatted.split_inclusive('\n') {
        let begins = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !line.starts_with("else");
        let ends_another = begins || line.starts_with(['#', '@']);
        if ends_another && is_open && strings % 2 == 0 {
            declarations.push(String::new());
            is_open = false;
        }
        is_open |= begins;
        strings += line.matches('"').count() - line.matches("\\\"").count();
        declarations.last_mut().expect("never empty").push_str(line);
    }
    declarations
}

/// Hyphenated calls of standard functions in their other spelling.
fn camel_cased(source: &str) -> String {
    let mut respelt = source.to_owned();
    for (name, camel) in [
        ("list-sum(", "listSum("),
        ("to-float(", "toFloat("),
        ("string-length(", "stringLength("),
        ("sort-by(", "sortBy("),
        ("group-by(", "groupBy("),
        ("list-concat(", "listConcat("),
        ("parse-int(", "parseInt("),
    ] {
        respelt = respelt.replace(name, camel);
    }
    respelt
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
