//! What is told of a value that does not fit, and where.

use expect_test::{Expect, expect};
use model::json::{Fault, read_at};
use model::{KeyType, Type};

use super::common::{again, literal, map, optional, record, union};

fn check(ty: &Type, text: &str, faults: Expect) {
    faults.assert_eq(&again(ty, text));
}

#[test]
fn all_faults_are_told_each_with_its_place() {
    let tier = union(&[("", literal("gold")), ("", literal("silver"))]);
    let item = record(&[("name", Type::String), ("tier", tier), ("n~/1", optional(Type::Int))]);
    check(
        &record(&[("xs", Type::list(item)), ("m", map(KeyType::Int, Type::Boolean))]),
        r#"{
            "xs": [
                {"name": 1, "tier": "glod", "n~/1": 3.5},
                {"nmae": "x", "tier": "bronze"},
                {"name": "x", "tier": 1, "name": "y"},
                "x"
            ],
            "m": [[1, "true"], ["2", true], [3], 4, [1.0, true]]
        }"#,
        expect![[r#"
            V002 /xs/0/name: expected String, got number
            V002 /xs/0/tier: expected "gold" | "silver", got "glod"
              Did you mean `gold`?
            V002 /xs/0/n~0~11: expected Optional<Int>, got 3.5
              An Int is a whole number of 64 bits.
            V002 /xs/1/tier: expected "gold" | "silver", got "bronze"
            V002 /xs/1: the field `name` is missing
              There is `nmae`: did you mean `name`?
            V002 /xs/2/tier: expected "gold" | "silver", got 1
            V002 /xs/2/name: this field is given twice
            V002 /xs/3: expected { name: String, tier: "gold" | "silver", n~/1: Optional<Int> }, got string
            V002 /m/0/1: expected Boolean, got string
              Write it without the quotes.
            V002 /m/1/0: expected Int, got string
              Write it without the quotes.
            V002 /m/2: expected a pair [key, value], got an array of another length
            V002 /m/3: expected a pair [key, value], got number"#]],
    );
}

#[test]
fn faults_of_scalars() {
    check(&Type::Int, "\"x\"", expect!["V002 : expected Int, got string"]);
    check(
        &Type::Int,
        "null",
        expect![[r#"
        V002 : expected Int, got null
          Only an Optional can be null."#]],
    );
    check(
        &Type::Int,
        "9223372036854775808",
        expect![[r#"
        V002 : expected Int, got 9223372036854775808
          An Int is a whole number of 64 bits."#]],
    );
    check(
        &Type::Float,
        "1e400",
        expect![[r#"
        V002 : expected Float, got 1e400
          The largest Float is about 1.8e308."#]],
    );
    check(&literal("gold"), "\"g\\u001b\"", expect![[r#"V002 : expected "gold", got "g\u{1b}""#]]);
    check(
        &Type::String,
        r#""\ud800""#,
        expect!["V002 : the string has one half of an escaped surrogate pair"],
    );
    check(
        &Type::list(Type::String),
        r#"["a", "\ud800", "b", 1]"#,
        expect![[r#"
        V002 /1: the string has one half of an escaped surrogate pair
        V002 /3: expected String, got number"#]],
    );
    check(
        &map(KeyType::String, Type::Int),
        r#"{"a": 1, "b": 2, "a": 3}"#,
        expect![[r#"V002 /a: the key "a" is given twice"#]],
    );
    check(
        &map(KeyType::Int, Type::Int),
        "[[1, 1], [2, 2], [1, 3]]",
        expect!["V002 /2/0: the key 1 is given twice"],
    );
}

#[test]
fn faults_of_unions() {
    let ok = record(&[("value", Type::Int)]);
    let result = union(&[("Ok", ok.clone()), ("Err", record(&[("error", Type::String)]))]);
    check(
        &result,
        r#"{"valeu": 1}"#,
        expect![[r#"
        V002 : expected { error: String } | { value: Int }, got object
          There is `valeu`: did you mean `value`?"#]],
    );
    check(
        &result,
        r#"{"value": "1"}"#,
        expect![[r#"
        V002 /value: expected Int, got string
          Write it without the quotes."#]],
    );
    check(
        &result,
        r#"{"tag": "Ok", "value": {"value": "1"}}"#,
        expect![[r#"
        V002 /value/value: expected Int, got string
          Write it without the quotes."#]],
    );
    check(
        &result,
        r#"{"tag": "ok", "value": {"value": 1}}"#,
        expect![[r#"
        V002 /tag: no member of the union is called "ok"
          Did you mean `Ok`?"#]],
    );
    check(
        &result,
        r#"{"tag": "Result", "value": {"value": 1}}"#,
        expect![[r#"
        V002 /tag: no member of the union is called "Result"
          The members are `Err`, `Ok`."#]],
    );
    let lone = union(&[("Ok", ok), ("", Type::Int)]);
    check(
        &lone,
        r#"{"tag": "ok", "value": {"value": 1}}"#,
        expect![[r#"
        V002 /tag: no member of the union is called "ok"
          Did you mean `Ok`?"#]],
    );
    check(&lone, r#"{"tag": "ok"}"#, expect!["V002 : the field `value` is missing"]);
    check(&result, "[]", expect!["V002 : expected { error: String } | { value: Int }, got array"]);
    let several = union(&[
        ("", record(&[("a", Type::Int)])),
        ("", map(KeyType::String, Type::Int)),
        ("", Type::list(union(&[("", Type::Int), ("", Type::String)]))),
    ]);
    check(
        &several,
        r#"{"a": 1}"#,
        expect![[r#"
        V003 : the value fits `Map<String, Int>` and `{ a: Int }`
          Say which one is meant: {"tag": "Map<String, Int>", "value": …}."#]],
    );
    check(
        &several,
        "[1, true]",
        expect!["V002 : expected List<Int | String> | Map<String, Int> | { a: Int }, got array"],
    );
    let nested = union(&[
        ("", record(&[("at", several.clone())])),
        ("", record(&[("at", several), ("b", Type::Int)])),
    ]);
    check(
        &nested,
        r#"{"at": {"a": 1}}"#,
        expect![[r#"
        V003 /at: the value fits `Map<String, Int>` and `{ a: Int }`
          Say which one is meant: {"tag": "Map<String, Int>", "value": …}."#]],
    );
}

#[test]
fn what_is_no_json_is_one_fault() {
    let ty = Type::list(Type::list(Type::Int));
    check(
        &ty,
        "",
        expect!["V002 : this is not JSON: EOF while parsing a value at line 1 column 0"],
    );
    check(
        &ty,
        "[[\"x\"], [1",
        expect!["V002 : this is not JSON: EOF while parsing a list at line 1 column 10"],
    );
    check(
        &ty,
        "[[1]] x",
        expect!["V002 : this is not JSON: trailing characters at line 1 column 7"],
    );
    check(&Type::Int, "01", expect!["V002 : this is not JSON: invalid number at line 1 column 2"]);
    check(
        &Type::String,
        "\"\n\"",
        expect![[
            r#"V002 : this is not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 1"#
        ]],
    );
    check(
        &Type::Int,
        "\u{feff}1",
        expect!["V002 : this is not JSON: expected value at line 1 column 1"],
    );
    // JSON, but nothing that the library gives us.
    check(
        &ty,
        "[[1], [\"x\"], [1e400], [2]]",
        expect![[r#"
        V002 /1/0: expected Int, got string
        V002 /2/0: expected Int, got 1e400
          An Int is a whole number of 64 bits."#]],
    );
    check(
        &ty,
        r#"[["x"], "\ud800", [1]]"#,
        expect![[r#"
        V002 /0/0: expected Int, got string
        V002 /1: this cannot be read: unexpected end of hex escape at line 1 column 16"#]],
    );
    check(
        &record(&[("a", Type::Int)]),
        r#"{"a": 1, "\ud800": 1}"#,
        expect!["V002 : this cannot be read: unexpected end of hex escape at line 1 column 17"],
    );
}

#[test]
fn places_lie_below_the_given_one() {
    let mut faults = vec![];
    let read =
        |ty: &Type, text: &str, faults: &mut Vec<Fault>| read_at(ty, text, "/inputs/x", faults);
    assert!(read(&Type::list(Type::Int), "[true]", &mut faults).is_none());
    assert!(read(&Type::Int, "1", &mut faults).is_some());
    assert!(read(&Type::Int, "{", &mut faults).is_none());
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/inputs/x/0", "/inputs/x"]);
}
