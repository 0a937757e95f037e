//! What the parser says of mistakes, and where it goes on.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use tidegate_lang as lang;

/// Every diagnostic of the parser as `line:column code message (help)`.
fn check(source: &str, expected: Expect) {
    let (_, diagnostics) = lang::parser::parse(source);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.span.locate(source);
        let (code, message) = (diagnostic.code, diagnostic.message);
        let help = diagnostic.help.map_or(String::new(), |help| format!(" ({help})"));
        writeln!(text, "{}:{} {code} {message}{help}", place.line, place.column).expect("a String");
    }
    expected.assert_eq(&text);
}

#[test]
fn words_and_signs_of_other_languages() {
    check(
        "out a = b && c\n",
        expect![[r#"
            1:11 E020 unexpected `&&` (write `and`)
        "#]],
    );
    check(
        "out a = !b\n",
        expect![[r#"
        1:9 E020 unexpected `!` (write `not`)
    "#]],
    );
    check(
        "out a = b || c\n",
        expect![[r#"
            1:11 E020 unexpected `||` (write `or`)
        "#]],
    );
    check(
        "let a = 1\nout a\n",
        expect![[r#"
        1:1 E021 expected a declaration (`in`, `out`, `type`, `use` or `name = ..`), found `let` (write `name = ..` alone)
    "#]],
    );
    check(
        "a = 1; out a\n",
        expect![[r#"
        1:6 E020 unexpected `;` (nothing separates declarations; leave it out)
    "#]],
    );
    check(
        "a = 1 // one\nout a\n",
        expect![[r#"
        1:7 E020 unexpected `//` (a comment begins with `#`)
    "#]],
    );
    check(
        "out a = 'x'\n",
        expect![[r#"
            1:9 E020 a string stands in double quotes (write `"x"`)
        "#]],
    );
    check(
        "in x: Int\nout a = if (x = 1) 2 else 3\n",
        expect![[r#"
        2:15 E021 expected `)`, found `=` (`==` compares, `=` declares)
    "#]],
    );
    check(
        "in x: Int\nout a = if (x == 1) 2\nout b = x\n",
        expect![[r#"
        3:1 E021 expected `else`, found the reserved word `out` (`if` is an expression: both sides have a value)
    "#]],
    );
}

#[test]
fn places_where_something_is_missing() {
    check(
        "in x\nout x\n",
        expect![[r#"
        1:4 E021 the input `x` has no type (write `in x: String`, or another type)
    "#]],
    );
    check(
        "out a = f(1, 2\nout b = 3\n",
        expect![[r#"
        2:1 E021 expected `)`, found the reserved word `out`
    "#]],
    );
    check(
        "out a = { b: 1\nin c: Int\nout c\n",
        expect![[r#"
        2:1 E021 expected `}`, found the reserved word `in`
    "#]],
    );
    check(
        "out a = \"never\nout b = 1\n",
        expect![[r#"
        1:9 E020 this string never ends (close it with `"`)
    "#]],
    );
    check(
        "out a = \"x ${ 1 \nout b = 1\n",
        expect![[r#"
        1:9 E020 this string never ends (close it with `"`)
    "#]],
    );
    check(
        "in x: Int",
        expect![[r#"
        1:10 E020 the program delivers nothing (deliver a value with `out name`)
    "#]],
    );
    check(
        "out\n",
        expect![[r#"
        2:1 E021 expected the name of an output, found the end of the file
    "#]],
    );
    check(
        "out f(1)\n",
        expect![[r#"
        1:5 E025 `out` delivers a name, this is an expression (name it: `out result = f(1)`)
    "#]],
    );
    check(
        "",
        expect![[r#"
        1:1 E020 the program delivers nothing (deliver a value with `out name`)
    "#]],
    );
}

#[test]
fn operators_that_do_not_go_together() {
    check(
        "out a = b < c < d\n",
        expect![[r#"
        1:15 E021 comparisons cannot be chained (compare twice: `a < b and b < c`)
    "#]],
    );
    check(
        "out a = b when c when d\n",
        expect![[r#"
        1:18 E021 `when` cannot be chained (combine the conditions with `and`)
    "#]],
    );
    check(
        "out a = b == not c\n",
        expect![[r#"
        1:14 E021 `not` cannot stand here (put it in parentheses: `(not ..)`)
    "#]],
    );
    check(
        "out a = f(x)(y)\n",
        expect![[r#"
        1:13 E021 only a function or module can be called, by its name (give the inner result a name, and use that)
    "#]],
    );
    check(
        "out a = f(x).g(y)\n",
        expect![[r#"
        1:15 E021 only a function or module can be called, by its name (did you forget an operator before `(`?)
    "#]],
    );
    check(
        "out a = match x { y-> 1 }\n",
        expect![[r#"
        1:21 E021 expected `->`, found `>` (write `y ->`, with a space)
    "#]],
    );
    check(
        "out a = f(x) with retyr: 1\n",
        expect![[r#"
        1:19 E022 there is no option `retyr` (Did you mean `retry`?)
    "#]],
    );
    check(
        "out a = x.y with retry: 1\n",
        expect![[r#"
        1:13 E021 expected a declaration (`in`, `out`, `type`, `use` or `name = ..`), found the reserved word `with` (`with` stands directly behind a call: `f(x) with retry: 3`)
    "#]],
    );
    check(
        "in type: Int\nout type\n",
        expect![[r#"
        1:4 E021 `type` is a reserved word and cannot be the name of an input (choose another name, such as `type_`)
        2:5 E021 expected an expression, found the reserved word `type`
    "#]],
    );
}

#[test]
fn numbers_and_strings() {
    check(
        "out a = 007\n",
        expect![[r#"
        1:9 E020 `007` is no number (a number has no leading zero)
    "#]],
    );
    check(
        "out a = 9223372036854775808\nout b = -9223372036854775808\n",
        expect![[r#"
        1:9 E020 `9223372036854775808` does not fit into 64 bits (the highest Int is 9223372036854775807)
    "#]],
    );
    check(
        "out a = 3x\n",
        expect![[r#"
        1:9 E020 `3x` is no number (a duration is a whole number and `ms`, `s`, `min`, `h` or `d`; a name does not begin with a digit)
    "#]],
    );
    check(
        "out a = 5s\n",
        expect![[r#"
        1:9 E021 expected an expression, found `5s` (durations are values of options such as `delay`)
    "#]],
    );
    check(
        "out a = \"\\q \\u{d800}\"\n",
        expect![[r#"
        1:10 E020 `\q` is no escape (escapes are `\n \t \r \\ \" \$ \u{…}`)
        1:13 E020 this is no Unicode escape (write `\u{…}` with 1 to 6 hexadecimal digits of a Unicode scalar value)
    "#]],
    );
    check(
        "out a = \u{201c}x\u{201d}\n",
        expect![[r#"
        1:9 E020 unexpected `“` (a string stands in plain double quotes, `"`)
        1:11 E020 unexpected `”` (a string stands in plain double quotes, `"`)
    "#]],
    );
}

#[test]
fn every_declaration_is_reported_once() {
    check(
        "out a = (\nout b = )\nout c = 1 +\nin d: \nout e = [1, 2\nout f = 1\n",
        expect![[r#"
            2:1 E021 expected an expression, found the reserved word `out`
            2:9 E021 expected an expression, found `)`
            4:1 E021 expected an expression, found the reserved word `in`
            5:1 E021 expected a type, found the reserved word `out`
            6:1 E021 expected `]`, found the reserved word `out`
        "#]],
    );
}

#[test]
fn what_is_too_deep_is_refused_on_the_stack_of_a_worker() {
    let deep = |open: &str, count: usize| format!("out a = {}", open.repeat(count));
    let sources = [
        deep("(", 100_000),
        deep("[", 100_000),
        deep("{ a: ", 100_000),
        deep("\"${", 100_000),
        deep("-", 100_000),
        deep("not ", 100_000),
        deep("if (a) ", 100_000),
        deep("x => ", 100_000),
        deep("a ?? ", 100_000),
        deep("f(", 100_000),
        format!("out a = 1{}", " + 1".repeat(100_000)),
        format!("out a = b{}", ".c".repeat(100_000)),
        format!("in a: {}Int", "List<".repeat(100_000)),
        format!("out a = match b {{ {}c", "some(".repeat(100_000)),
        format!("out a = {}1{}", "(1 + ".repeat(127), ")".repeat(127)),
        format!("out a = {}", format!("({} ", "1 + ".repeat(100)).repeat(100)),
    ];
    let parse_all = move || {
        for source in sources {
            let (_, diagnostics) = lang::parser::parse(&source);
            assert!(diagnostics.iter().any(|d| d.is_error()), "{}", &source[..60]);
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(parse_all);
    thread.expect("a thread").join().expect("no overflow and no panic");
}
