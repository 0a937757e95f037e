//! JSON at types, row by row: what each type accepts and how its values are written, what is told
//! of what does not fit, and the bounds.

extern crate tidegate_model as model;

mod common;

use common::{literal, map, optional, record, union};
use expect_test::{Expect, expect};
use model::json::{Fault, entries, escape_pointer, read, read_at, to_string, write};
use model::limits::{FAULTS_MAX, LIST_LENGTH_MAX, STRING_BYTES_MAX};
use model::{Code, KeyType, Type, Value};

/// The value written again, or the faults.
fn again(ty: &Type, text: &str) -> String {
    match read(ty, text) {
        Ok(value) => to_string(ty, &value),
        Err(faults) => faults.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

fn line(fault: &Fault) -> String {
    let help = fault.help.iter().map(|help| format!("\n  {help}")).collect::<String>();
    format!("{} {}: {}{help}", fault.code, fault.pointer, fault.message)
}

#[track_caller]
fn accepts(ty: &Type, rows: &[(&str, &str)]) {
    for (text, written) in rows {
        assert_eq!(again(ty, text), *written, "{ty}: {text}");
    }
}

#[track_caller]
fn refuses(ty: &Type, texts: &[&str]) {
    for text in texts {
        let faults = read(ty, text).expect_err(text);
        assert_eq!(faults[0].code, Code::V002, "{ty}: {text}");
    }
}

fn check(ty: &Type, text: &str, faults: Expect) {
    faults.assert_eq(&again(ty, text));
}

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
    check(&Type::Int, "null", expect![[r#"
        V002 : expected Int, got null
          Only an Optional can be null."#]]);
    check(&Type::Int, "9223372036854775808", expect![[r#"
        V002 : expected Int, got 9223372036854775808
          An Int is a whole number of 64 bits."#]]);
    check(&Type::Float, "1e400", expect![[r#"
        V002 : expected Float, got 1e400
          The largest Float is about 1.8e308."#]]);
    check(&literal("gold"), "\"g\\u001b\"", expect![[r#"V002 : expected "gold", got "g\u{1b}""#]]);
    check(&Type::String, r#""\ud800""#, expect!["V002 : this string is not JSON: unexpected end of hex escape at line 1 column 8"]);
    check(&Type::list(Type::String), r#"["a", "\ud800", "b", 1]"#, expect![[r#"
        V002 /1: this string is not JSON: unexpected end of hex escape at line 1 column 8
        V002 /3: expected String, got number"#]]);
    check(&map(KeyType::String, Type::Int), r#"{"a": 1, "b": 2, "a": 3}"#, expect![[r#"V002 /a: the key "a" is given twice"#]]);
    check(&map(KeyType::Int, Type::Int), "[[1, 1], [2, 2], [1, 3]]", expect!["V002 /2/0: the key 1 is given twice"]);
}

#[test]
fn faults_of_unions() {
    let ok = record(&[("value", Type::Int)]);
    let result = union(&[("Ok", ok.clone()), ("Err", record(&[("error", Type::String)]))]);
    check(&result, r#"{"valeu": 1}"#, expect!["V002 : expected { error: String } | { value: Int }, got object"]);
    check(&result, r#"{"value": "1"}"#, expect![[r#"
        V002 /value: expected Int, got string
          Write it without the quotes."#]]);
    check(&result, r#"{"tag": "Ok", "value": {"value": "1"}}"#, expect![[r#"
        V002 /value/value: expected Int, got string
          Write it without the quotes."#]]);
    check(&result, r#"{"tag": "ok", "value": {"value": 1}}"#, expect![[r#"
        V002 /tag: no member of the union is called "ok"
          Did you mean `Ok`?"#]]);
    check(&result, r#"{"tag": "Result", "value": {"value": 1}}"#, expect![[r#"
        V002 /tag: no member of the union is called "Result"
          The members are `Err`, `Ok`."#]]);
    check(&result, "[]", expect!["V002 : expected { error: String } | { value: Int }, got array"]);
    let several = union(&[
        ("", record(&[("a", Type::Int)])),
        ("", map(KeyType::String, Type::Int)),
        ("", Type::list(union(&[("", Type::Int), ("", Type::String)]))),
    ]);
    check(&several, r#"{"a": 1}"#, expect![[r#"
        V003 : the value fits `Map<String, Int>` and `{ a: Int }`
          Say which one is meant: {"tag": "Map<String, Int>", "value": …}."#]]);
    check(&several, "[1, true]", expect!["V002 : expected List<Int | String> | Map<String, Int> | { a: Int }, got array"]);
    let nested = union(&[
        ("", record(&[("at", several.clone())])),
        ("", record(&[("at", several), ("b", Type::Int)])),
    ]);
    check(&nested, r#"{"at": {"a": 1}}"#, expect![[r#"
        V003 /at: the value fits `Map<String, Int>` and `{ a: Int }`
          Say which one is meant: {"tag": "Map<String, Int>", "value": …}."#]]);
}

#[test]
fn what_is_no_json_is_one_fault() {
    let ty = Type::list(Type::list(Type::Int));
    check(&ty, "", expect!["V002 : this is not JSON: EOF while parsing a value at line 1 column 0"]);
    check(&ty, "[[\"x\"], [1", expect!["V002 : this is not JSON: EOF while parsing a list at line 1 column 10"]);
    check(&ty, "[[1]] x", expect!["V002 : this is not JSON: trailing characters at line 1 column 7"]);
    check(&Type::Int, "01", expect!["V002 : this is not JSON: invalid number at line 1 column 2"]);
    check(&Type::String, "\"\n\"", expect![[r#"V002 : this is not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 1"#]]);
    check(&Type::Int, "\u{feff}1", expect!["V002 : this is not JSON: expected value at line 1 column 1"]);
    // JSON, but nothing that the library gives us.
    check(&ty, "[[1], [\"x\"], [1e400], [2]]", expect![[r#"
        V002 /1/0: expected Int, got string
        V002 /2/0: expected Int, got 1e400
          An Int is a whole number of 64 bits."#]]);
    check(&ty, r#"[["x"], "\ud800", [1]]"#, expect![[r#"
        V002 /0/0: expected Int, got string
        V002 /1: this is not JSON: unexpected end of hex escape at line 1 column 16"#]]);
    check(&record(&[("a", Type::Int)]), r#"{"a": 1, "\ud800": 1}"#, expect!["V002 : this is not JSON: unexpected end of hex escape at line 1 column 17"]);
}

#[test]
fn places_lie_below_the_given_one() {
    let mut faults = vec![];
    let read = |ty: &Type, text: &str, faults: &mut Vec<Fault>| read_at(ty, text, "/inputs/x", faults);
    assert!(read(&Type::list(Type::Int), "[true]", &mut faults).is_none());
    assert!(read(&Type::Int, "1", &mut faults).is_some());
    assert!(read(&Type::Int, "{", &mut faults).is_none());
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/inputs/x/0", "/inputs/x"]);
}

#[test]
fn faults_are_bounded() {
    let ty = Type::list(record(&[("a", Type::Int)]));
    let text = format!("[{}]", vec![r#"{"a":""}"#; 3 * FAULTS_MAX].join(","));
    let mut faults = read(&ty, &text).expect_err("not one fits");
    assert_eq!(faults.len(), FAULTS_MAX);
    // The list being full makes nothing fit.
    assert!(read_at(&ty, r#"[{"a":""}]"#, "/x", &mut faults).is_none());
    assert!(read_at(&ty, r#"[{"a":1}]"#, "/x", &mut faults).is_some());
    assert_eq!(faults.len(), FAULTS_MAX);
}

#[test]
fn sizes_are_bounded() {
    let text = format!("[\"{}\"]", "x".repeat(STRING_BYTES_MAX + 1));
    check(&Type::list(Type::String), &text, expect!["V002 /0: the string is longer than 16777216 bytes"]);
    let text = format!("{{\"{}\":1}}", "x".repeat(STRING_BYTES_MAX + 1));
    assert!(read(&map(KeyType::String, Type::Int), &text).is_err());
    let text = format!("[{}1]", "1,".repeat(LIST_LENGTH_MAX));
    check(&Type::list(Type::Int), &text, expect!["V002 : there are more than 1000000 elements"]);
    check(&map(KeyType::Int, Type::Int), &text.replace('1', "[1,1]"), expect!["V002 : there are more than 1000000 elements"]);
    let full = format!("[{}1]", "1,".repeat(LIST_LENGTH_MAX - 1));
    assert!(read(&Type::list(Type::Int), &full).is_ok());
}

#[test]
fn a_short_text_makes_no_large_value() {
    let names: Vec<String> = (0..1000).map(|at| format!("f{at}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (name.as_str(), optional(Type::Int))).collect();
    let wide = record(&fields);
    let text = format!("[{}{{}}]", "{},".repeat(5_000));
    check(&Type::list(wide.clone()), &text, expect![[r#"
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes
        V002 /2793: the value holds more than 67108864 bytes"#]]);
    let ty = union(&[("", Type::list(wide)), ("", Type::list(Type::Int))]);
    check(&ty, &text, expect!["V002 : the value holds more than 67108864 bytes"]);
}

#[test]
fn deep_types_take_a_bounded_stack() {
    let mut list = Type::Int;
    let mut both = Type::Int;
    let mut pairs = Type::Int;
    for _ in 0..126 {
        list = Type::list(list);
        pairs = map(KeyType::Int, pairs);
    }
    for _ in 0..63 {
        both = union(&[("L", Type::list(both.clone())), ("R", map(KeyType::String, both))]);
        // Only one side goes on, or the type would double each time.
        both = match both {
            Type::Union(union) => {
                let first = union.members()[0].ty.clone();
                common::union(&[("L", first), ("R", map(KeyType::String, Type::Int))])
            }
            other => other,
        };
    }
    let brackets = |open: &str, inner: &str, close: &str, depth| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    accepts(&list, &[(&brackets("[", "1", "]", 126), &brackets("[", "1", "]", 126))]);
    let text = brackets("[[1,", "1", "]]", 126);
    accepts(&pairs, &[(&text, &text)]);
    let bare = brackets("[", "1", "]", 63);
    let tagged = brackets(r#"{"value":["#, "1", r#"],"tag":"L"}"#, 63);
    accepts(&both, &[(&bare, &bare), (&tagged, &bare)]);
    // Text is deeper than any type only where it fits none, or is dropped.
    let deep = brackets("[", "", "]", 100_000);
    refuses(&list, &[&deep]);
    refuses(&both, &[&deep, &"[".repeat(100_000)]);
    accepts(&record(&[]), &[(&format!("{{\"a\":{deep}}}"), "{}")]);
    let mut deeper = list;
    for _ in 0..10 {
        deeper = Type::list(deeper);
    }
    check(&deeper, &brackets("[", "1", "]", 136), expect!["V002 /0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0: the value is nested deeper than 128 levels"]);
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
