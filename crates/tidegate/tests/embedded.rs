//! Modules of the program itself: signatures from types, values both ways, failures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tidegate::{BuildError, Effect, Embedded, Failed, Output, Status, Tidegate, Typed};

tidegate::record! {
    /// Fields whose order is not that of their names.
    #[derive(Clone, Debug, PartialEq)]
    struct Order {
        id: String,
        customer as "Customer": Option<i32>,
        lines: Vec<Line>,
        by_day: BTreeMap<i64, f64>,
    }
}

tidegate::record! {
    #[derive(Clone, Debug, PartialEq)]
    struct Line { sku: String, is_gift: bool, count: u32 }
}

fn line() -> impl Strategy<Value = Line> {
    (any::<String>(), any::<bool>(), any::<u32>()).prop_map(|(sku, is_gift, count)| Line {
        sku,
        is_gift,
        count,
    })
}

fn order() -> impl Strategy<Value = Order> {
    let days = proptest::collection::btree_map(any::<i64>(), -1e9..1e9, 0..4);
    let lines = proptest::collection::vec(line(), 0..4);
    (any::<String>(), any::<Option<i32>>(), lines, days)
        .prop_map(|(id, customer, lines, by_day)| Order { id, customer, lines, by_day })
}

proptest! {
    #[test]
    fn values_come_back_as_they_were(order in order()) {
        let value = order.clone().into_value();
        prop_assert!(tidegate::model::value::fits(&Order::ty(), &value));
        prop_assert_eq!(Order::from_value(&value), Some(order));
    }
}

#[test]
fn a_type_is_written_as_the_language_has_it() {
    assert_eq!(
        Order::ty().to_string(),
        "{ id: String, Customer: Optional<Int>, lines: List<{ sku: String, is_gift: Boolean, count: Int }>, \
         by_day: Map<Int, Float> }"
    );
}

#[tokio::test]
async fn functions_are_called_with_their_arguments() {
    let tidegate = Tidegate::builder()
        .module("Zero", async || 7i64)
        .module("Six", async |a: i64, b: i64, c: i64, d: i64, e: i64, f: i64| {
            vec![a, b, c, d, e, f]
        })
        .module("shop.Count", async |order: Order| order.lines.len() as i64)
        .build()
        .expect("modules");
    let source = "out zero = Zero()  out six = Six(1, 2, 3, 4, 5, 6)\n\
        out count = shop.Count({ id: \"a\", Customer: none, by_day: {}, \
        lines: [{ sku: \"s\", is_gift: true, count: 2 }] })";
    let view = tidegate.run(source, "{}").await.expect("a view");
    assert_eq!(view.output("zero"), Ok(7i64));
    assert_eq!(view.output("six"), Ok(vec![1i64, 2, 3, 4, 5, 6]));
    assert_eq!(view.output("count"), Ok(1i64));
    assert_eq!(
        view.output::<String>("zero"),
        Err("the output `zero` is `Int`, not `String`".into())
    );
    assert_eq!(view.output::<i64>("other"), Err("there is no output `other`".into()));
}

#[tokio::test]
async fn failures_are_retried_where_they_say_so() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let flaky = move |id: String| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => Err(Failed::passing("not yet")),
                1 => Err(Failed::new("never")),
                _ => Ok(id),
            }
        }
    };
    let tidegate = Tidegate::builder()
        .module("Flaky", Embedded::new(flaky).effect(Effect::Write).max_running(1))
        .module("Small", async |n: i32| n)
        .build()
        .expect("modules");
    let view = tidegate.run("out a = Flaky(\"x\") with retry: 5", "{}").await.expect("a view");
    assert_eq!((view.status, calls.load(Ordering::SeqCst)), (Status::Failed, 2));
    assert_eq!(view.failed[0].1.message, "never");
    let view = tidegate.run("out a = Small(5000000000)", "{}").await.expect("a view");
    assert_eq!(view.failed[0].1.code.as_str(), "R011");
    assert_eq!(view.output::<i32>("a"), Err("`a` has no value yet".into()));
}

#[test]
fn names_are_checked() {
    let twice = || Tidegate::builder().module("A", async || 1i64);
    assert!(matches!(twice().module("A", async || 2i64).build(), Err(BuildError::Name(_))));
    for bad in ["", "in", "a b", "stdlib.x", "pipeline.x"] {
        let built = Tidegate::builder().module(bad, async || 1i64).build();
        assert!(matches!(built, Err(BuildError::Name(_))), "{bad}");
    }
}
