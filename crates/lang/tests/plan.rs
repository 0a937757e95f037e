//! The plan: valid, the same whatever the order of declarations, linear in the source.

mod common;

use std::fmt::Write as _;

use common::image;
use expect_test::{Expect, expect};
use model::plan::{Expr, Plan, Reshape};
use model::{Image, Value};
use tidegate_lang as lang;

#[track_caller]
fn check(source: &str, expected: Expect) {
    expected.assert_eq(&print(&valid(source).plan));
}

/// The image of a source, read back from its bytes.
#[track_caller]
fn valid(source: &str) -> Image {
    let image = image(source);
    let read = Image::decode(&image.encode()).expect("the plan is valid");
    assert_eq!(read.digest, image.digest);
    read
}

fn print(plan: &Plan) -> String {
    let mut out = String::new();
    let mut start = 0;
    for binding in &plan.bindings {
        let end = binding.root as usize + 1;
        writeln!(out, "{}: {}", binding.name, plan.ty(binding.ty)).expect("a String");
        for (at, expr) in plan.exprs[start..end].iter().enumerate() {
            writeln!(out, "  {} {}", start + at, one(plan, expr)).expect("a String");
        }
        start = end;
    }
    for output in &plan.outputs {
        writeln!(out, "out {} {:?}", output.name, output.source).expect("a String");
    }
    out
}

fn one(plan: &Plan, expr: &Expr) -> String {
    match expr {
        Expr::Constant(id) => format!("{:?}", plan.constant(*id)),
        Expr::Reshape(value, reshape) => {
            format!("Reshape({value}, {})", shape(plan, *reshape))
        }
        other => format!("{other:?}"),
    }
}

fn shape(plan: &Plan, id: u32) -> String {
    match &plan.reshapes[id as usize] {
        Reshape::Keep => "keep".to_string(),
        Reshape::Float => "float".to_string(),
        Reshape::Field(slot, next) => format!("field {slot} {}", shape(plan, *next)),
        Reshape::List(next) => format!("list({})", shape(plan, *next)),
        Reshape::Map(next) => format!("map({})", shape(plan, *next)),
        Reshape::Optional(next) => format!("optional({})", shape(plan, *next)),
        Reshape::Mark(member, next) => format!("mark {member} {}", shape(plan, *next)),
        Reshape::Record(slots) => {
            let slot = |slot: &Option<(u32, u32)>| match slot {
                Some((from, next)) => format!("{from} {}", shape(plan, *next)),
                None => "none".to_string(),
            };
            format!("record({})", slots.iter().map(slot).collect::<Vec<_>>().join(", "))
        }
        Reshape::Union(cases) => {
            let case = |case: &model::plan::MemberCase| {
                format!("{:?} => {}", case.test, shape(plan, case.reshape))
            };
            format!("union({})", cases.iter().map(case).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn conversions_are_explicit() {
    check(
        "in c: Boolean out r = if (c) { a: 1, b: 2 } else { a: 3 }",
        expect![[r#"
        r: { a: Int }
          0 Input(0)
          1 Int(1)
          2 Int(2)
          3 Record([1, 2])
          4 Reshape(3, record(0 keep))
          5 Int(3)
          6 Record([5])
          7 If { condition: 0, then: 4, otherwise: 6 }
        out r Binding(0)
    "#]],
    );
    check(
        "in i: Int out r = i * 1.5 + 2",
        expect![[r#"
        r: Float
          0 Input(0)
          1 Reshape(0, float)
          2 Float(1.5)
          3 Arithmetic(Multiply, 1, 2)
          4 Float(2.0)
          5 Arithmetic(Add, 3, 4)
        out r Binding(0)
    "#]],
    );
    check(
        "in xs: List<{ a: Int, b: Int }> out r = xs[b] + { c: xs.a }",
        expect![[r#"
        r: List<{ b: Int, c: List<Int> }>
          0 Input(0)
          1 Reshape(0, list(record(1 keep)))
          2 Input(0)
          3 Reshape(2, list(field 0 keep))
          4 Record([3])
          5 Merge(Merge { left: 1, right: 4, left_is_list: true, right_is_list: false, slots: [(Left, 0), (Right, 0)] })
        out r Binding(0)
    "#]],
    );
}

#[test]
fn unions_are_marked() {
    check(
        "in c: Boolean out r = if (c) { a: 1 } else if (c) [1] else \"x\"",
        expect![[r#"
            r: List<Int> | String | { a: Int }
              0 Input(0)
              1 Int(1)
              2 Record([1])
              3 Reshape(2, mark 2 keep)
              4 Input(0)
              5 Int(1)
              6 List([5])
              7 Reshape(6, mark 0 keep)
              8 String("x")
              9 If { condition: 4, then: 7, otherwise: 8 }
              10 If { condition: 0, then: 3, otherwise: 9 }
            out r Binding(0)
        "#]],
    );
    check(
        "in u: { a: Int, k: String } | { a: String } out r = u.a",
        expect![[r#"
        r: Int | String
          0 Input(0)
          1 Reshape(0, union(Tag(0) => field 0 keep, Tag(1) => field 0 keep))
        out r Binding(0)
    "#]],
    );
}

#[test]
fn patterns_narrow() {
    check(
        "type Ok = { value: Int } type Err = { error: String } in r: Ok | Err
         out a = match r { is Ok -> r.value, {error} -> 0 }
         out b = match r { {value: 0} -> \"zero\", {value} -> \"${value}\", o -> o.error }",
        expect![[r#"
            a: Int
              0 Input(0)
              1 Local(0)
              2 Reshape(1, field 0 keep)
              3 Int(0)
              4 Match { subject: 0, arms: [Arm { pattern: 2, guard: None, body: 2 }, Arm { pattern: 7, guard: None, body: 3 }] }
            b: String
              5 Input(0)
              6 String("zero")
              7 Local(1)
              8 Text([Value(7, 1)])
              9 Local(3)
              10 Reshape(9, field 0 keep)
              11 Match { subject: 5, arms: [Arm { pattern: 11, guard: None, body: 6 }, Arm { pattern: 16, guard: None, body: 8 }, Arm { pattern: 19, guard: None, body: 10 }] }
            out a Binding(0)
            out b Binding(1)
        "#]],
    );
}

#[test]
fn calls_are_nodes() {
    check(
        "in c: Boolean in m: String
         draft = Slow(Upper(m)) with retry: 2, delay: 5ms
         out draft when c
         out sum = list-sum([1, 2])
         never = Send(m)",
        expect![[r#"
            draft: String
              0 Input(1)
              1 Call(0)
              2 Call(1)
            draft.when: Optional<String>
              3 Binding(0)
              4 Input(0)
              5 When { value: 3, condition: 4 }
            sum: Int
              6 Int(1)
              7 Int(2)
              8 List([6, 7])
              9 Apply { function: 0, ty: Some(3), arguments: [8] }
            out draft Binding(1)
            out sum Binding(2)
        "#]],
    );
    let plan = image("in m: String out x = Slow(Upper(m)) out y = Slow(m) with lazy").plan;
    let calls: Vec<(u32, u32)> = plan.calls.iter().map(|call| (call.binding, call.place)).collect();
    assert_eq!(calls, [(0, 2), (0, 1), (1, 1)]);
    assert!(plan.calls[2].options.lazy);
    assert_eq!(plan.modules.len(), 2);
}

#[test]
fn the_order_of_declarations_does_not_matter() {
    let lines = [
        "in a: Int = 3",
        "in b: { x: Int, y: String }",
        "type T = { x: Int }",
        "sum = a + b.x",
        "text = \"${sum} and ${b.y}\"",
        "other = if (sum > 3) text else Upper(text)",
        "out other",
        "out sum when a > 1",
    ];
    let without_places = |source: &str| {
        let mut plan = valid(source).plan;
        plan.spans.clear();
        plan.inputs.iter_mut().for_each(|input| input.span = Default::default());
        plan.bindings.iter_mut().for_each(|binding| binding.span = Default::default());
        plan.calls.iter_mut().for_each(|call| call.span = Default::default());
        format!("{plan:?}")
    };
    let forward = without_places(&lines.join("\n"));
    let backward: Vec<&str> = lines.iter().rev().copied().collect();
    assert_eq!(forward, without_places(&backward.join("\n")));
}

#[test]
fn defaults_and_examples_are_values() {
    let plan = valid(
        "@example({ id: \"x\" }) @title(\"T\") ## Not a doc of anything.
         in a: { id: String, n: Optional<Int> } | Int = { id: \"a\" }
         in f: List<Float> = [1, 2.5]
         in m: Map<String, Int> = { b: 1, a: 1 + 1 }
         in t: Int = -(2 + 3) * 4
         in s: String = \"a ${[1.5]}\"
         out a out f out m out t out s",
    )
    .plan;
    let default = |name: &str| {
        let input = plan.input(name).expect("an input");
        let constant = plan.inputs[input as usize].default.expect("a default");
        plan.constant(constant).clone()
    };
    assert!(matches!(default("a"), Value::Tagged(1, _)));
    expect![[r#"Tagged(1, Record([String("a"), None]))"#]]
        .assert_eq(&format!("{:?}", default("a")));
    expect!["List([Float(1.0), Float(2.5)])"].assert_eq(&format!("{:?}", default("f")));
    expect![[r#"Map([(String("a"), Int(2)), (String("b"), Int(1))])"#]]
        .assert_eq(&format!("{:?}", default("m")));
    expect!["Int(-20)"].assert_eq(&format!("{:?}", default("t")));
    expect![[r#"String("a [1.5]")"#]].assert_eq(&format!("{:?}", default("s")));
    assert_eq!(plan.inputs[0].title.as_deref(), Some("T"));
    assert_eq!(plan.inputs[0].examples.len(), 1);
}

/// Three letters for each number below 52³.
fn short_name(number: usize) -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let letter = |place: u32| LETTERS[number / 52_usize.pow(place) % 52] as char;
    format!("_{}{}{}", letter(2), letter(1), letter(0))
}

#[test]
fn a_chain_of_a_hundred_thousand_bindings() {
    const LENGTH: usize = 99_999;
    let mut source = String::from("out r = ");
    source.push_str(&short_name(0));
    for number in 0..LENGTH - 1 {
        write!(source, "\n{}={}", short_name(number), short_name(number + 1)).expect("a String");
    }
    write!(source, "\n{}=1", short_name(LENGTH - 1)).expect("a String");
    let plan = valid(&source).plan;
    assert_eq!(plan.bindings.len(), LENGTH + 1);
    let cycle = source.replace(
        &format!("\n{}=1", short_name(LENGTH - 1)),
        &format!("\n{}={}", short_name(LENGTH - 1), short_name(0)),
    );
    let compilation = lang::compile(&cycle, &common::catalog());
    let codes: Vec<&str> =
        compilation.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
    assert_eq!(codes, ["E031"]);
}

#[test]
fn more_nodes_than_allowed() {
    let mut source = String::from("out r = 1");
    for number in 0..100_000 {
        write!(source, "\n{}=1", short_name(number)).expect("a String");
    }
    let compilation = lang::compile(&source, &common::catalog());
    assert_eq!(compilation.diagnostics[0].code, model::Code::E040);
}

#[test]
fn types_that_explode_are_refused() {
    let mut source = String::from("type T0 = { a: Int, b: Int }\n");
    for number in 1..60 {
        let before = number - 1;
        writeln!(source, "type T{number} = {{ a: T{before}, b: T{before} }}").expect("a String");
    }
    source.push_str("in x: T59\nout x\nb0 = [1]\n");
    for number in 1..300 {
        let before = number - 1;
        writeln!(source, "b{number} = [b{before}, b{before}]").expect("a String");
    }
    source.push_str("out deep = b299\n");
    let compilation = lang::compile(&source, &common::catalog());
    let errors: Vec<_> = compilation.diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(!errors.is_empty());
    assert!(errors.iter().all(|error| error.code == model::Code::E040));
}

#[test]
fn many_large_types_are_refused() {
    let fields: Vec<String> = (0..9_000).map(|number| format!("f{number}: Int")).collect();
    let mut source = format!("in x: {{ {} }}\n", fields.join(", "));
    for number in 0..20_000 {
        writeln!(source, "b{number} = x + {{ g{number}: \"${{x}}\" }}").expect("a String");
    }
    source.push_str("out b0\n");
    let compilation = lang::compile(&source, &common::catalog());
    let errors: Vec<_> = compilation.diagnostics.iter().filter(|d| d.is_error()).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code, model::Code::E040);
}
