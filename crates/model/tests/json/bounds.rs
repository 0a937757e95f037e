//! Hostile texts and types: bounded faults, memory and stack.

use model::json::{read, read_at};
use model::limits::{FAULTS_MAX, LIST_LENGTH_MAX, STRING_BYTES_MAX};
use model::{KeyType, Type};

use super::common::{accepts, again, map, optional, record, refuses, union};

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
    let long = format!("\"{}\"", "x".repeat(STRING_BYTES_MAX + 1));
    let told = "the string is longer than 16777216 bytes";
    assert_eq!(again(&Type::list(Type::String), &format!("[{long}]")), format!("V002 /0: {told}"));
    assert!(read(&map(KeyType::String, Type::Int), &format!("{{{long}:1}}")).is_err());
    let just = format!("\"{}\"", "x".repeat(STRING_BYTES_MAX));
    assert!(read(&Type::String, &just).is_ok());
    let list = |length: usize| format!("[{}1]", "1,".repeat(length - 1));
    let too_long = list(LIST_LENGTH_MAX + 1);
    let told = "V002 : there are more than 1000000 elements";
    assert_eq!(again(&Type::list(Type::Int), &too_long), told);
    assert_eq!(again(&map(KeyType::Int, Type::Int), &too_long.replace('1', "[1,1]")), told);
    assert!(read(&Type::list(Type::Int), &list(LIST_LENGTH_MAX)).is_ok());
}

#[test]
fn a_short_text_makes_no_large_value() {
    let names: Vec<String> = (0..1000).map(|at| format!("f{at}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (name.as_str(), optional(Type::Int))).collect();
    let wide = record(&fields);
    let text = format!("[{}{{}}]", "{},".repeat(5_000));
    let told = "the value holds more than 67108864 bytes";
    assert_eq!(again(&Type::list(wide.clone()), &text), format!("V002 /2793: {told}"));
    let either = union(&[("", Type::list(wide)), ("", Type::list(Type::Int))]);
    assert_eq!(again(&either, &text), format!("V002 : {told}"));
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
            Type::Union(both) => {
                let first = both.members()[0].ty.clone();
                union(&[("L", first), ("R", map(KeyType::String, Type::Int))])
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
    let faults = read(&deeper, &brackets("[", "1", "]", 136)).expect_err("too deep");
    assert_eq!(faults[0].message, "the value is nested deeper than 128 levels");
}
