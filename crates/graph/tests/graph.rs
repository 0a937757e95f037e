//! What is a node, and who reads whom how.

mod common;

use common::{RECEIPT, edges, graph_of};
use expect_test::{Expect, expect};
use tidegate_graph::Kind;

fn check(source: &str, expected: Expect) {
    let graph = graph_of(source);
    let ids: Vec<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
    expected.assert_eq(&format!("{}\n{}", ids.join(" "), edges(&graph)));
    assert!(graph.edges.is_sorted() && graph.edges.iter().all(|edge| edge.from < edge.to));
}

#[test]
fn a_guard_belongs_to_its_output() {
    check(
        RECEIPT,
        expect![[r#"
        in:approval in:order in:rate n:discount n:total call:receipt.1 n:receipt out:receipt out:total
        in:approval -when-> out:receipt
        in:order -> n:discount
        in:order -> n:total
        in:order -> call:receipt.1
        in:rate -?-> n:discount
        n:discount -> n:total
        n:total -> call:receipt.1
        n:total -> out:total
        call:receipt.1 -> n:receipt
        n:receipt -?-> out:receipt
    "#]],
    );
}

#[test]
fn the_key_of_events_leads_to_its_input() {
    check(
        r#"in order: String
           @event("paid", key: Slow(order))
           in amount: Int
           out r = amount + 1"#,
        expect![[r#"
            in:order call:amount.key.1 in:amount n:r out:r
            in:order -> call:amount.key.1
            call:amount.key.1 -> in:amount
            in:amount -> n:r
            n:r -> out:r
        "#]],
    );
}

#[test]
fn every_occurrence_of_a_call_is_a_node() {
    check(
        r#"in a: String
           in b: String
           both = Join(Slow(a), Slow(Join(a, "x")))
           out r = Join(both, "${both} ${b}")"#,
        expect![[r#"
            in:a in:b call:both.2 call:both.4 call:both.3 call:both.1 n:both call:r.1 n:r out:r
            in:a -> call:both.2
            in:a -> call:both.4
            in:b -> call:r.1
            call:both.2 -> call:both.1
            call:both.4 -> call:both.3
            call:both.3 -> call:both.1
            call:both.1 -> n:both
            n:both -> call:r.1
            call:r.1 -> n:r
            n:r -> out:r
        "#]],
    );
}

#[test]
fn a_call_for_each_element_reads_the_list() {
    check(
        r#"in ids: List<String>
           in note: String
           out found = map(ids, id => Find(id))
           out joined = fold(["a"], note, (all, x) => Join(all, x) with fallback: note)"#,
        expect![[r#"
            in:ids in:note call:found.1 n:found call:joined.1 n:joined out:found out:joined
            in:ids -> call:found.1
            in:ids -> n:found
            in:note -> call:joined.1
            in:note -> n:joined
            call:found.1 -?-> n:found
            n:found -> out:found
            call:joined.1 -?-> n:joined
            n:joined -> out:joined
        "#]],
    );
}

#[test]
fn conditional_positions_make_conditional_edges() {
    check(
        r#"in c: Boolean
           in d: Boolean
           in a: String
           in o: Optional<String>
           out if-else = if (c) Slow(a) else a
           out both = c and d
           out either = (c or d) == c
           out value = o ?? Slow("x")
           out guarded = (a when d) ?? "none"
           out chosen = match o { some(s) if d -> s, some(_) -> a, none -> "none" }"#,
        expect![[r#"
            in:a in:c in:d in:o n:both n:chosen n:either n:guarded call:if-else.1 n:if-else call:value.1 n:value out:both out:chosen out:either out:guarded out:if-else out:value
            in:a -?-> n:chosen
            in:a -?-> n:guarded
            in:a -> call:if-else.1
            in:a -?-> n:if-else
            in:c -> n:both
            in:c -> n:either
            in:c -> n:if-else
            in:d -?-> n:both
            in:d -?-> n:chosen
            in:d -?-> n:either
            in:d -when-> n:guarded
            in:o -> n:chosen
            in:o -> n:value
            n:both -> out:both
            n:chosen -> out:chosen
            n:either -> out:either
            n:guarded -> out:guarded
            call:if-else.1 -?-> n:if-else
            n:if-else -> out:if-else
            call:value.1 -?-> n:value
            n:value -> out:value
        "#]],
    );
}

#[test]
fn the_least_conditional_use_counts() {
    check(
        r#"in c: Boolean
           in a: Int
           out x = (if (c) a else 0) + a
           out y = a when a > 3 and c
           out z = if (c) (if (a > 1) 1 else 2) else a"#,
        expect![[r#"
            in:a in:c n:x n:y n:z out:x out:y out:z
            in:a -> n:x
            in:a -when-> n:y
            in:a -?-> n:z
            in:c -> n:x
            in:c -?-> n:y
            in:c -> n:z
            n:x -> out:x
            n:y -> out:y
            n:z -> out:z
        "#]],
    );
}

#[test]
fn what_nothing_reaches_is_no_node_but_an_input_is_one() {
    check(
        r#"in a: String
           in unread: Int
           unused = Send(a)
           out copy = a
           out a
           out sent = Slow("x") when Slow(a) == "y""#,
        expect![[r#"
            in:a in:unread n:copy call:sent.1 call:sent.2 n:sent out:a out:copy out:sent
            in:a -> n:copy
            in:a -> call:sent.2
            in:a -> out:a
            n:copy -> out:copy
            call:sent.1 -?-> n:sent
            call:sent.2 -when-> n:sent
            n:sent -> out:sent
        "#]],
    );
}

#[test]
fn nodes_say_what_they_are() {
    let graph = graph_of(RECEIPT);
    let node = |id: &str| graph.nodes.iter().find(|node| node.id == id).expect("a node");
    assert_eq!(node("in:rate").kind, Kind::Input { required: false });
    assert_eq!(node("in:approval").kind, Kind::Input { required: true });
    assert_eq!(node("out:receipt").ty, "Optional<String>");
    let Kind::Call(call) = &node("call:receipt.1").kind else { panic!("not a call") };
    assert_eq!((call.module.as_str(), call.effect.as_str()), ("Send", "write"));
    assert_eq!(call.options, "retry: 3, delay: 200ms");
    let span = node("call:receipt.1").span.expect("a place");
    assert!(RECEIPT[span.start as usize..span.end as usize].starts_with("Send("));
}

#[test]
fn a_long_branch_needs_no_stack() {
    let arms: String = (0..20_000).map(|at| format!("x == {at} -> y, ")).collect();
    let graph =
        graph_of(&format!("in x: Int\nin y: Int\nout r = branch {{ {arms} otherwise -> 1 }}"));
    assert_eq!(edges(&graph), "in:x -> n:r\nin:y -?-> n:r\nn:r -> out:r\n");
}
