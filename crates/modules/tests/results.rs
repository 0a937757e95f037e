//! What rows become: every shape of result, every type of cell, every argument.

mod support;

use expect_test::{Expect, expect};
use model::Value;
use support::{Declared, module, text};

async fn check(signature: &str, sql: &str, arguments: &[Value], expected: Expect) {
    expected.assert_eq(&Declared::new(&module(signature, sql)).shown(arguments).await);
}

#[tokio::test]
async fn a_record_is_exactly_one_row_in_slot_order() {
    let signature = "(id: String) -> { total: Float, id: String, paid: Boolean }";
    let sql = "select *, 1 as ignored from orders where id = :id or :id = 'all'";
    check(
        signature,
        sql,
        &[text("o1")],
        expect![[r#"Record([String("o1"), Boolean(true), Float(12.5)])"#]],
    )
    .await;
    check(signature, sql, &[text("none")], expect!["R010 expected exactly one row, got none"])
        .await;
    check(signature, sql, &[text("all")], expect!["R010 expected exactly one row, got more"]).await;
}

#[tokio::test]
async fn an_optional_record_is_at_most_one_row() {
    let signature = "(id: String) -> Optional<{ id: String, owner: Optional<String> }>";
    let sql = "select id, customer_id as owner from orders where id = :id or :id = 'all'";
    check(signature, sql, &[text("o3")], expect![[r#"Record([String("o3"), None])"#]]).await;
    check(signature, sql, &[text("none")], expect!["None"]).await;
    check(signature, sql, &[text("all")], expect!["R010 expected at most one row, got more"]).await;
}

#[tokio::test]
async fn a_list_is_all_rows() {
    let sql = "select id from orders where id < :id order by id";
    check(
        "(id: String) -> List<{ id: String }>",
        sql,
        &[text("o3")],
        expect![[r#"List([Record([String("o1")]), Record([String("o2")])])"#]],
    )
    .await;
    check(
        "(id: String) -> List<String>",
        sql,
        &[text("o3")],
        expect![[r#"List([String("o1"), String("o2")])"#]],
    )
    .await;
    check("(id: String) -> List<String>", sql, &[text("")], expect!["List([])"]).await;
    let owners = "select customer_id from orders order by id";
    check(
        "() -> List<Optional<String>>",
        owners,
        &[],
        expect![[r#"List([String("c1"), String("c1"), None])"#]],
    )
    .await;
    check(
        "() -> List<String>",
        owners,
        &[],
        expect!["R010 row 3, column `customer_id`: expected String, got null"],
    )
    .await;
}

#[tokio::test]
async fn a_scalar_is_one_row_and_column() {
    check("() -> Int", "select count(*) from orders", &[], expect!["Int(3)"]).await;
    check(
        "() -> Int",
        "select 1 where false",
        &[],
        expect!["R010 expected exactly one row, got none"],
    )
    .await;
    check("() -> Optional<Int>", "select 1 where false", &[], expect!["None"]).await;
    check("() -> Optional<Int>", "select null", &[], expect!["None"]).await;
    check("() -> Optional<Int>", "select 1", &[], expect!["Int(1)"]).await;
}

#[tokio::test]
async fn without_columns_the_result_is_the_rows_changed() {
    let update = module("(tier: String) -> Int", "update orders set paid = 1 where tier = :tier");
    let declared = Declared::new(&(update + "effect = 'write'\n"));
    assert_eq!(declared.shown(&[text("gold")]).await, "Int(1)");
    assert_eq!(declared.shown(&[text("none")]).await, "Int(0)");
}

#[tokio::test]
async fn tiers_are_checked_row_by_row() {
    let signature = r#"(id: String) -> "gold" | "silver""#;
    let sql = "select tier from orders where id = :id";
    check(signature, sql, &[text("o2")], expect![[r#"String("silver")"#]]).await;
    check(
        signature,
        sql,
        &[text("o3")],
        expect![[r#"R010 row 1, column `tier`: expected "gold" | "silver", got the text "lead""#]],
    )
    .await;
    check(r#"(id: String) -> "gold""#, sql, &[text("o1")], expect![[r#"String("gold")"#]]).await;
}

#[tokio::test]
async fn cells_are_of_the_declared_type_or_refused() {
    for (ty, cell, expected) in [
        ("Int", "int", expect!["Int(3)"]),
        ("Int", "real", expect!["R010 row 1, column `cell`: expected Int, got the real 2.5"]),
        ("Float", "real", expect!["Float(2.5)"]),
        ("Float", "int", expect!["Float(3.0)"]),
        (
            "Float",
            "huge",
            expect!["R010 row 1, column `cell`: expected Float, got the integer 9007199254740993"],
        ),
        ("Float", "inf", expect!["R010 row 1, column `cell`: expected Float, got the real inf"]),
        (
            "Float",
            "text",
            expect![[r#"R010 row 1, column `cell`: expected Float, got the text "12,50""#]],
        ),
        (
            "Boolean",
            "int",
            expect!["R010 row 1, column `cell`: expected Boolean, got the integer 3"],
        ),
        ("String", "text", expect![[r#"String("12,50")"#]]),
        ("String", "int", expect!["R010 row 1, column `cell`: expected String, got the integer 3"]),
        ("String", "blob", expect!["R010 row 1, column `cell`: expected String, got a blob"]),
        (
            "String",
            "broken",
            expect!["R010 row 1, column `cell`: expected String, got a text that is not UTF-8"],
        ),
        ("Optional<Int>", "null", expect!["None"]),
        (
            "Optional<Int>",
            "text",
            expect![[r#"R010 row 1, column `cell`: expected Int, got the text "12,50""#]],
        ),
    ] {
        let signature = format!("(name: String) -> {ty}");
        check(&signature, "select cell from odd where name = :name", &[text(cell)], expected).await;
    }
}

#[tokio::test]
async fn arguments_are_bound_by_name_and_never_pasted() {
    let signature =
        "(a: Int, b: Boolean, c: Optional<String>, d: Float) -> { t: String, c: Optional<String> }";
    let sql = "select :c as c, typeof(:d) || ' ' || :d || ' ' || :b || ' ' || (:a + :a) as t";
    let arguments = [Value::Int(2), Value::Boolean(true), Value::None, Value::Float(0.5)];
    check(signature, sql, &arguments, expect![[r#"Record([None, String("real 0.5 1 4")])"#]]).await;
    let quoted = text("'; drop table orders; --");
    check(
        "(x: String) -> String",
        "select :x",
        &[quoted],
        expect![[r#"String("'; drop table orders; --")"#]],
    )
    .await;
}
