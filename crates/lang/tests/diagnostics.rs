//! What the compiler says: places, words and helps.

mod common;

use expect_test::{Expect, expect};
use tidegate_lang as lang;

#[track_caller]
fn check(source: &str, expected: Expect) {
    let compilation = lang::compile(source, &common::catalog());
    let is_sound = !compilation.diagnostics.iter().any(model::Diagnostic::is_error);
    assert_eq!(compilation.image.is_some(), is_sound);
    expected.assert_eq(&common::render(source, &compilation.diagnostics));
}

#[test]
fn unknown_names() {
    check(
        "in userId: String\nout a = usrId\nout b = UserID\nout c = userId-1",
        expect![[r#"
            2:9 E001 `usrId`: there is no input or binding `usrId`
              help: Did you mean `userId`?
            3:9 E001 `UserID`: there is no input or binding `UserID`
              help: Did you mean `userId`?
            4:9 E001 `userId-1`: there is no input or binding `userId-1`
              help: write `userId - 1`
        "#]],
    );
    check(
        "out a = Uper(\"x\")\nout b = stdlib.strin.trim(\"x\")\nin x: Strin",
        expect![[r#"
            1:9 E002 `Uper`: there is no function or module `Uper`
              help: Did you mean `Upper` or `upper`?
            2:9 E004 `stdlib.strin.trim`: there is no namespace `stdlib.strin`
              help: Did you mean `stdlib.string`?
            3:4 W001 `x`: no output depends on the input `x`
              help: remove it, or call it `_x`
            3:7 E003 `Strin`: there is no type `Strin`
              help: Did you mean `String`?
        "#]],
    );
    check(
        "in r: { name: String, age: Int }\nout a = r.nmae\nout b = r[nam, age]",
        expect![[r#"
            2:11 E007 `nmae`: `{ name: String, age: Int }` has no field `nmae`
              help: Did you mean `name`?
            3:11 E006 `nam`: `{ name: String, age: Int }` has no field `nam`
              help: Did you mean `name`?
        "#]],
    );
}

#[test]
fn types_that_do_not_fit() {
    check(
        "in i: Int\nout a = Weigh(i)\nout b = Upper(i)\nout c = [Weigh(1), Upper(\"x\")]",
        expect![[r#"
        2:15 E010 `i`: expected `Float`, found `Int`
          2:9 this is the parameter `x` of `Weigh`
          help: write `to-float(..)`, or a literal with a fraction such as `1.0`
        3:15 E010 `i`: expected `String`, found `Int`
          3:9 this is the parameter `text` of `Upper`
          help: write `"${ .. }"` around it
    "#]],
    );
    check(
        "in o: Optional<{ n: Int }>\nout a = o.n\nout b = o + 1\nout c = Upper(o)",
        expect![[r#"
            2:11 E015 `n`: `n` cannot be read from `Optional<{ n: Int }>`
              help: it may be `none`: reach into it with `?.`, or give a replacement with `?? ..`
            3:11 E014 `+`: `+` cannot be applied to `Optional<{ n: Int }>` and `Int`
              3:9 of type `Optional<{ n: Int }>`
              3:13 of type `Int`
              help: it may be `none`: reach into it with `?.`, or give a replacement with `?? ..`
            4:15 E010 `o`: expected `String`, found `Optional<{ n: Int }>`
              4:9 this is the parameter `text` of `Upper`
        "#]],
    );
    check(
        "in t: \"gold\" | \"silver\" = \"glod\"\nout t",
        expect![[r#"
        1:27 E010 `"glod"`: expected `"gold" | "silver"`, found `String`
          help: Did you mean "gold"?
    "#]],
    );
    check(
        "in r: { name: String, tags: List<Int> } = { nme: \"x\", tags: [1, \"b\"] }\nout r",
        expect![[r#"
        1:43 E015 `{ nme: "x", tags: [1, "b"] }`: the field `name` is missing here
          help: is `nme` meant to be `name`?
        1:65 E010 `"b"`: expected `Int`, found `String`
    "#]],
    );
    check(
        "out a = \"x\" + \"y\"\nout b = 1 == \"x\"\nout c = [1] < [2]",
        expect![[r#"
        1:13 E014 `+`: `+` cannot be applied to `String` and `String`
          1:9 of type `String`
          1:15 of type `String`
          help: put texts together with `"${a}${b}"`
        2:11 E011 `==`: a value of type `Int` never equals one of type `String`
        3:13 E013 `<`: `List<Int>` and `List<Int>` have no order
          help: compare two numbers or two Strings
    "#]],
    );
}

#[test]
fn one_mistake_is_reported_once() {
    check(
        "a = nope\nb = a + 1\nc = b.field\nout d = Upper(c)\nout e = \"${d}\"",
        expect![[r#"
        1:5 E001 `nope`: there is no input or binding `nope`
    "#]],
    );
}

#[test]
fn circles() {
    check(
        "out a = b + 1\nb = c\nc = a",
        expect![[r#"
        1:5 E031 `a`: these are defined by each other: a -> b -> c -> a
          2:1 part of the circle
          3:1 part of the circle
          help: break the circle: a value can only be made from others
    "#]],
    );
    check(
        "type A = { b: B }\ntype B = List<A>\nin a: A\nout a",
        expect![[r#"
        1:6 E031 `A`: the type is defined by itself: A -> B -> A
          help: a type cannot contain itself; name the inner value by an id instead
    "#]],
    );
}

#[test]
fn declared_twice() {
    check(
        "in a: Int\na = 3\nout a\nout a",
        expect![[r#"
        2:1 E030 `a`: there is already an input or binding `a`
          1:4 first declared here
          help: choose another name, or remove one of the two
        4:5 E030 `a`: there is already an output `a`
          3:5 first declared here
          help: choose another name, or remove one of the two
    "#]],
    );
}

#[test]
fn matches() {
    check(
        "type Ok = { value: Int } in r: Ok | { error: String } | Int
         out a = match r { is Ok -> 1 }
         out b = match r { is Boolean -> 1, _ -> 2 }",
        expect![[r#"
            2:24 E015 `r`: no arm fits `is Int`, `{error}` of `Int | { error: String } | { value: Int }`
              help: add `is Int -> .., {error} -> ..`, or `_ -> ..` for all the rest
            3:28 E010 `is Boolean`: this pattern never fits a value of type `Int | { error: String } | { value: Int }`
        "#]],
    );
    check(
        "in o: Optional<Boolean>\nout a = match o { some(true) -> 1 }",
        expect![[r#"
            2:15 E015 `o`: no arm fits `none`, `some(false)` of `Optional<Boolean>`
              help: add `none -> .., some(false) -> ..`, or `_ -> ..` for all the rest
        "#]],
    );
}

#[test]
fn options() {
    check(
        "out a = Slow(\"x\") with retry: 1, delay: 0s, retry: 2\nout b = Slow(\"x\") with cache: 5s",
        expect![[r#"
            1:41 E016 `0s`: `delay` takes a duration above zero, such as `200ms`
            1:45 E032 `retry`: the option `retry` is given twice
              1:24 first given here
              help: remove one of the two
        "#]],
    );
}

#[test]
fn nothing_delivered() {
    check(
        "in a: Int\n",
        expect![[r#"
        2:1 E020 ``: the program delivers nothing
          help: deliver a value with `out name`
    "#]],
    );
}

#[test]
fn signatures_and_types() {
    let signature = lang::signature("(id: String, n: Optional<Int>) -> List<{ a: Int }>");
    let text = signature.map(|signature| signature.to_string());
    assert_eq!(text.as_deref(), Ok("(id: String, n: Optional<Int>) -> List<{ a: Int }>"));
    let codes = |source: &str| -> Vec<String> {
        let faults = lang::signature(source).err().unwrap_or_default();
        faults.iter().map(|fault| fault.code.to_string()).collect()
    };
    assert_eq!(codes("(id: Strng) -> Int"), ["E003"]);
    assert_eq!(codes("(a: Int, a: Int) -> Int"), ["E030"]);
    assert_eq!(lang::ty("Int | String").map(|ty| ty.to_string()).as_deref(), Ok("Int | String"));
    assert!(lang::ty("Order").is_err());
}
