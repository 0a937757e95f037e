//! What each type accepts, and how its values are written.

use model::json::{entries, escape_pointer, read, to_string, write};
use model::{Code, KeyType, Type, Value};

use super::common::{accepts, literal, map, optional, record, refuses, union};

#[test]
fn scalars_take_their_own_kind_only() {
    accepts(&Type::String, &[("\"\"", "\"\""), (r#" "\u00e9\ud83d\ude42\/" "#, r#""é🙂/""#)]);
    accepts(&Type::String, &[(r#""\"\\\n\u0001""#, r#""\"\\\n\u0001""#)]);
    accepts(&Type::Boolean, &[("true", "true"), ("false", "false")]);
    accepts(&literal("gold"), &[("\"gold\"", "\"gold\""), (r#""g\u006fld""#, "\"gold\"")]);
    refuses(&Type::String, &["1", "true", "null", "[]", "{}"]);
    refuses(&Type::Boolean, &["1", "0", "\"true\"", "null", "[]", "{}"]);
    refuses(&Type::Int, &["\"1\"", "true", "null", "[]", "{}"]);
    refuses(&Type::Float, &["\"1\"", "true", "null", "[]", "{}", "\"NaN\""]);
    refuses(&literal("gold"), &["\"Gold\"", "1", "null"]);
    refuses(&Type::Nothing, &["null", "1", "\"\"", "[]", "{}"]);
}

#[test]
fn numbers_are_exact() {
    accepts(
        &Type::Int,
        &[
            ("3.0", "3"),
            ("1e3", "1000"),
            ("-0", "0"),
            ("9007199254740993.0", "9007199254740993"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
        ],
    );
    refuses(&Type::Int, &["3.5", "1e400", "9223372036854775808", "-9223372036854775809", "1e-1"]);
    accepts(
        &Type::Float,
        &[
            ("3", "3.0"),
            ("-0", "-0.0"),
            ("0.1", "0.1"),
            ("9007199254740993", "9007199254740992.0"),
            ("1e-400", "0.0"),
            ("5e-324", "5e-324"),
        ],
    );
    refuses(&Type::Float, &["1e400", "-1e400"]);
}

#[test]
fn floats_are_written_as_floats() {
    for float in [1e16, 1e21, 1e300, 123_456_789_012_345_680.0, -4.0, 1e-7] {
        let text = to_string(&Type::Float, &Value::Float(float));
        assert!(text.contains(['.', 'e']), "{text}");
        assert_eq!(text.parse(), Ok(float));
    }
}

#[test]
fn lists_records_and_optionals() {
    let list = Type::list(optional(Type::Int));
    accepts(&list, &[("[]", "[]"), ("[ 1 , null ]", "[1,null]")]);
    refuses(&list, &["{}", "1", "null", "[[]]", "[\"1\"]"]);
    let ty = record(&[("z", Type::Int), ("a", optional(Type::Int)), ("m", Type::Boolean)]);
    accepts(
        &ty,
        &[
            (r#"{"m":true,"z":1}"#, r#"{"z":1,"a":null,"m":true}"#),
            (r#"{"a":2,"m":true,"x":[{}],"x":"\ud800","z":1}"#, r#"{"z":1,"a":2,"m":true}"#),
            (r#"{"\u007a":1,"m":true,"a":null}"#, r#"{"z":1,"a":null,"m":true}"#),
        ],
    );
    // Slots are in the order of the names.
    let Ok(Value::Record(slots)) = read(&ty, r#"{"z":1,"m":true}"#) else { panic!("a record") };
    assert!(matches!(*slots, [Value::None, Value::Boolean(true), Value::Int(1)]));
    refuses(&ty, &["{}", "[]", "null", r#"{"z":null,"m":true}"#, r#"{"z":1,"z":1,"m":true}"#]);
    accepts(&record(&[]), &[("{}", "{}"), (r#"{"a":1}"#, "{}")]);
    accepts(&optional(record(&[])), &[("null", "null"), ("{}", "{}")]);
    accepts(&optional(Type::Nothing), &[("null", "null")]);
}

#[test]
fn maps_are_in_the_order_of_their_keys() {
    let text = map(KeyType::String, Type::Int);
    accepts(
        &text,
        &[
            ("{}", "{}"),
            ("[]", "{}"),
            (r#"{"b":1,"a":2,"é":3,"B":4}"#, r#"{"B":4,"a":2,"b":1,"é":3}"#),
            (r#"[["b",1],["a",2]]"#, r#"{"a":2,"b":1}"#),
        ],
    );
    refuses(&text, &[r#"{"a":1,"\u0061":1}"#, "[[1,1]]", r#"{"a":null}"#, "1", "null"]);
    let int = map(KeyType::Int, optional(Type::String));
    accepts(
        &int,
        &[("[]", "[]"), (r#"[[10,"x"],[9,null],[-1e1,"y"]]"#, r#"[[-10,"y"],[9,null],[10,"x"]]"#)],
    );
    refuses(&int, &["{}", r#"{"1":"x"}"#, "[[1,\"\"],[1.0,\"\"]]", "[[1]]", "[[1,\"\",2]]", "[1]"]);
}

#[test]
fn a_union_takes_what_fits_one_member() {
    let ok = record(&[("value", Type::Int)]);
    let result = union(&[("Ok", ok.clone()), ("Err", record(&[("error", Type::String)]))]);
    accepts(
        &result,
        &[
            (r#"{"value":1}"#, r#"{"value":1}"#),
            (r#"{"tag":"Ok","value":{"value":1}}"#, r#"{"value":1}"#),
            (r#"{"value":{"value":1},"tag":"{ value: Int }"}"#, r#"{"value":1}"#),
            (r#"{"error":"x","more":1}"#, r#"{"error":"x"}"#),
        ],
    );
    refuses(&result, &[r#"{"tag":"{value: Int}","value":{"value":1}}"#, "{}", "null", "1"]);
    refuses(&result, &[r#"{"tag":"Err","value":{"value":1}}"#]);
    // Exactly these two keys, each once, make the tagged form.
    refuses(&result, &[r#"{"tag":"Ok","value":{"value":1},"other":1}"#]);
    refuses(&result, &[r#"{"tag":"Ok","tag":"Ok","value":{"value":1}}"#]);
    let numbers = union(&[("", Type::Int), ("", Type::Float)]);
    accepts(&numbers, &[("3", "3"), ("3.0", "3.0"), ("1e2", "100.0"), ("-0", "0")]);
    refuses(&numbers, &["9223372036854775808", "1e400"]);
    accepts(&union(&[("", Type::Float), ("", Type::String)]), &[("3", "3.0"), ("\"3\"", "\"3\"")]);
    accepts(&union(&[("", Type::Int), ("", Type::String)]), &[("3.0", "3")]);
    accepts(&optional(result.clone()), &[("null", "null"), (r#"{"value":1}"#, r#"{"value":1}"#)]);
    accepts(&result, &[(r#"{"tag":"Ok","value":{"value":1,"x":2}}"#, r#"{"value":1}"#)]);
}

#[test]
fn the_richer_record_is_meant() {
    let a = record(&[("a", Type::Int)]);
    let ab = record(&[("a", Type::Int), ("b", Type::Int)]);
    let ac = record(&[("a", Type::Int), ("c", optional(Type::Int))]);
    let ty = union(&[("A", a.clone()), ("AB", ab.clone())]);
    accepts(&ty, &[(r#"{"a":1}"#, r#"{"a":1}"#), (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#)]);
    // A `null` is given all the same, and counts as used.
    let ty = union(&[("A", a), ("AC", ac.clone())]);
    accepts(&ty, &[(r#"{"a":1,"c":null}"#, r#"{"a":1,"c":null}"#)]);
    accepts(&ty, &[(r#"{"tag":"A","value":{"a":1}}"#, r#"{"tag":"A","value":{"a":1}}"#)]);
    let three = union(&[("AB", ab), ("AC", ac)]);
    for (ty, text) in [(&ty, r#"{"a":1}"#), (&three, r#"{"a":1,"b":1,"c":1}"#)] {
        assert_eq!(read(ty, text).expect_err("ambiguous")[0].code, Code::V003, "{text}");
    }
}

#[test]
fn the_tag_is_written_where_the_bare_form_is_not_enough() {
    let int = record(&[("a", Type::Int)]);
    let either = union(&[("", int.clone()), ("M", map(KeyType::String, Type::Int))]);
    accepts(
        &either,
        &[
            (r#"{"b":1}"#, r#"{"b":1}"#),
            (r#"{"tag":"M","value":{"a":1}}"#, r#"{"tag":"M","value":{"a":1}}"#),
            (r#"{"tag":"{ a: Int }","value":{"a":1}}"#, r#"{"tag":"{ a: Int }","value":{"a":1}}"#),
        ],
    );
    let lists = union(&[("", Type::list(Type::Int)), ("", Type::list(Type::String))]);
    let tagged = r#"{"tag":"List<Int>","value":[]}"#;
    accepts(&lists, &[("[1]", "[1]"), ("[\"\"]", "[\"\"]"), (tagged, tagged)]);
    // The smallest alias of several.
    let named = union(&[("Z", int.clone()), ("B", int), ("", record(&[("a", Type::Float)]))]);
    let tagged = r#"{"tag":"B","value":{"a":1}}"#;
    accepts(&named, &[(r#"{"tag":"Z","value":{"a":1}}"#, tagged)]);
}

#[test]
fn a_record_that_looks_tagged_is_written_with_its_tag() {
    let looks = record(&[("tag", Type::String), ("value", Type::Int)]);
    let ty = union(&[("Looks", looks), ("", Type::Int)]);
    let bare = r#"{"tag":"other","value":1}"#;
    let tagged = r#"{"tag":"Looks","value":{"tag":"Int","value":1}}"#;
    accepts(&ty, &[(bare, bare), (tagged, tagged), (r#"{"tag":"Int","value":1}"#, "1")]);
    let maps = union(&[("M", map(KeyType::String, Type::String)), ("", Type::Int)]);
    let tagged = r#"{"tag":"M","value":{"tag":"M","value":"x"}}"#;
    accepts(&maps, &[(tagged, tagged)]);
}

#[test]
fn writing_appends() {
    let mut out = b"x=".to_vec();
    write(&Type::Boolean, &Value::Boolean(true), &mut out);
    assert_eq!(out, b"x=true");
}

#[test]
fn entries_keep_order_and_repetition() {
    let found = entries(r#" {"b": [1, 2], "a": {}, "\u0062": 1.0} "#).expect("an object");
    let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_ref(), v.get())).collect();
    assert_eq!(found, [("b", "[1, 2]"), ("a", "{}"), ("b", "1.0")]);
    let error = entries("{\"a\": 1,\n \"b\" 2}").expect_err("a colon is missing");
    assert_eq!((error.line(), error.column()), (2, 6));
    assert!(entries("[]").is_err());
    assert!(entries("{} {}").is_err());
    assert_eq!(escape_pointer("a/b~c"), "a~1b~0c");
}
