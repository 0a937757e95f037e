//! Modules on a real PostgreSQL, which each test starts for itself.

mod support;

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Module;
use expect_test::{Expect, expect};
use model::Value;
use support::programs::Postgres;
use support::{Folder, call, show, text};

const SCRIPT: &str = "
create sequence counter;
create table orders (id text primary key, total numeric, lines int, paid boolean, at timestamptz,
    note jsonb, tags text[], weight float8, kind uuid);
insert into orders values
  ('o1', 12.50, 3, true, '2026-01-02T03:04:05Z', '{\"a\": [1, null]}', '{x,\"y z\"}', 1.5,
   '00000000-0000-0000-0000-000000000001'),
  ('o2', 0.1, 1, false, null, null, '{}', 'NaN', null);
";

/// A server with the tables above.
struct Database(Postgres);

impl Database {
    /// `None`, said aloud, where there is no PostgreSQL.
    fn start() -> Option<Database> {
        Postgres::start(SCRIPT).map(Database)
    }

    fn manifest(&self, source: &str, module: &str) -> Folder {
        let folder = Folder::new();
        folder.write("url", &self.0.url());
        folder.write(
            "m.toml",
            &format!(
                "[source.db]\nkind = \"postgres\"\nurl = \"${{file:url}}\"\n{source}\n\
                 [module.M]\nsource = \"db\"\n{module}\n"
            ),
        );
        folder
    }

    fn module(&self, source: &str, module: &str) -> Arc<dyn Module> {
        let folder = self.manifest(source, module);
        let loaded = folder.load().unwrap_or_else(|faults| panic!("{module}: {faults:#?}"));
        loaded.modules["M"].module.clone()
    }

    async fn told(&self, signature: &str, sql: &str, arguments: &[Value]) -> String {
        let module = format!("signature = '''{signature}'''\nsql = '''{sql}'''");
        show(call(&self.module("", &module), arguments).await)
    }
}

#[tokio::test]
async fn values_of_every_type() {
    let Some(postgres) = Database::start() else { return };
    let order = "select * from orders where id = :id";
    for (signature, sql, argument, expected) in [
        (
            "(id: String) -> Optional<{ id: String, total: Float, lines: Int, paid: Boolean, weight: Float }>",
            order,
            "o1",
            r#"Record([String("o1"), Int(3), Boolean(true), Float(12.5), Float(1.5)])"#,
        ),
        ("(id: String) -> Optional<{ id: String }>", order, "none", "None"),
        (
            "(id: String) -> { at: Optional<String>, kind: Optional<String>, total: String }",
            order,
            "o1",
            r#"Record([String("2026-01-02 03:04:05+00"), String("00000000-0000-0000-0000-000000000001"), String("12.50")])"#,
        ),
        (
            "(id: String) -> { note: Optional<{ a: List<Optional<Int>> }>, tags: List<String> }",
            order,
            "o1",
            r#"Record([Record([List([Int(1), None])]), List([String("x"), String("y z")])])"#,
        ),
        (
            "(id: String) -> List<String>",
            "select id from orders where id <> :id order by id desc",
            "x",
            r#"List([String("o2"), String("o1")])"#,
        ),
        ("(id: String) -> Int", "select count(*) from orders where id = :id", "o1", "Int(1)"),
        (
            "(id: String) -> { id: String }",
            order,
            "none",
            "R010 expected exactly one row, got none",
        ),
        (
            "(id: String) -> { at: String }",
            order,
            "o2",
            "R010 row 1, column `at`: expected String, got null",
        ),
        (
            "(id: String) -> { id: String }",
            "select id from orders where id <> :id",
            "x",
            "R010 expected exactly one row, got more",
        ),
    ] {
        assert_eq!(postgres.told(signature, sql, &[text(argument)]).await, expected, "{signature}");
    }
    let weight = "select weight from orders where id = :id";
    let nan = postgres.told("(id: String) -> Float", weight, &[text("o2")]).await;
    assert!(nan.starts_with("R010 row 1: "), "{nan}");
    let many = "select :n + 1 as n, :f * 2.0::float8 as f, not :b as b, :xs::int[] as xs, :r::jsonb as r, :s::uuid as s";
    let signature = "(n: Int, f: Float, b: Boolean, xs: List<Int>, r: { a: String }, s: Optional<String>) -> \
                     { n: Int, f: Float, b: Boolean, xs: List<Int>, r: { a: String }, s: Optional<String> }";
    let arguments = [
        Value::Int(1),
        Value::Float(1.5),
        Value::Boolean(true),
        Value::List([Value::Int(1), Value::Int(-2)].into()),
        Value::Record([text("x\"\\")].into()),
        Value::None,
    ];
    assert_eq!(
        postgres.told(signature, many, &arguments).await,
        r#"Record([Boolean(false), Float(3.0), Int(2), Record([String("x\"\\")]), None, List([Int(1), Int(-2)])])"#
    );
}

#[tokio::test]
async fn writes_are_allowed_by_both_and_undone_if_they_do_not_fit() {
    let Some(postgres) = Database::start() else { return };
    let add = "signature = \"(id: String) -> Int\"\neffect = \"write\"\nsql = \"insert into orders (id) values (:id)\"";
    let writing = postgres.module("write = true", add);
    assert_eq!(show(call(&writing, &[text("n1")]).await), "Int(1)");
    let twice = show(call(&writing, &[text("n1")]).await);
    assert!(twice.starts_with("R001 duplicate key value"), "{twice}");
    let misfit = "signature = \"(id: String) -> { total: Float }\"\neffect = \"write\"\n\
                  sql = \"insert into orders (id) values (:id) returning total\"";
    let undone = postgres.module("write = true", misfit);
    assert!(show(call(&undone, &[text("n2")]).await).starts_with("R010 row 1"));
    let count = "select count(*)::int from orders where id = :id";
    assert_eq!(postgres.told("(id: String) -> Int", count, &[text("n2")]).await, "Int(0)");
    let hidden =
        "with gone as (delete from orders where id = :id returning id) select id from gone";
    let hidden = format!("signature = \"(id: String) -> List<String>\"\nsql = \"{hidden}\"");
    let told = postgres.manifest("", &hidden).faults();
    assert!(told.contains("data-modifying statement must be at the top level"), "{told}");
    let sly = "select nextval('counter') where :id <> ''";
    let refused = postgres.told("(id: String) -> Int", sly, &[text("o1")]).await;
    assert!(refused.contains("read-only transaction"), "{refused}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_in_the_database() {
    let Some(postgres) = Database::start() else { return };
    let sleep = "signature = \"(s: Float) -> Boolean\"\nsql = \"select pg_sleep(:s) is not null\"";
    let module = postgres.module("timeout = \"300ms\"", sleep);
    let told = show(call(&module, &[Value::Float(60.0)]).await);
    assert!(told.starts_with("R002 (retryable) the database"), "{told}");
    let patient = postgres.module("", sleep);
    let arguments = [Value::Float(60.0)];
    let forever = call(&patient, &arguments);
    assert!(tokio::time::timeout(Duration::from_millis(200), forever).await.is_err());
    let running = "select count(*)::int from pg_stat_activity where state = 'active' and query like '%pg_sleep%' and query not like '%activity%'";
    while postgres.told("() -> Int", running, &[]).await != "Int(0)" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let Some(postgres) = Database::start() else { return };
    let module = postgres.module("", "signature = \"() -> Int\"\nsql = \"select 1\"");
    assert_eq!(show(call(&module, &[]).await), "Int(1)");
    let end = postgres.module(
        "write = true",
        "signature = \"() -> List<Boolean>\"\neffect = \"write\"\n\
         sql = \"select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = 'tester'\"",
    );
    assert!(show(call(&end, &[]).await).contains("true"));
    let first = show(call(&module, &[]).await);
    assert!(first == "Int(1)" || first.starts_with("R001 (retryable)"), "{first}");
    while show(call(&module, &[]).await) != "Int(1)" {}
}

#[test]
fn what_does_not_fit_is_found_when_the_manifest_loads() {
    let Some(postgres) = Database::start() else { return };
    let check = |module: &str, expected: Expect| {
        expected.assert_eq(&postgres.manifest("", module).faults());
    };
    let sql =
        |signature: &str, sql: &str| format!("signature = '''{signature}'''\nsql = '''{sql}'''");
    check(
        &sql("() -> Int", "select totl from orders"),
        expect![[r#"
        modules/m.toml:8: module.M.sql: column "totl" does not exist
    "#]],
    );
    check(
        &sql("(id: String) -> { idd: String }", "select id from orders where id = :id"),
        expect![[r#"
            modules/m.toml:8: module.M.sql: the statement gives no column `idd`
              help: Write `id as "idd"`, or name the field so
        "#]],
    );
    check(
        &sql("(id: String, n: Int) -> { id: Int }", "select id from orders where id = :di"),
        expect![[r#"
            modules/m.toml:7: module.M.signature: the statement never uses the argument `id`
              help: Use it as `:id`, or remove it from the signature
            modules/m.toml:7: module.M.signature: the statement never uses the argument `n`
              help: Use it as `:n`, or remove it from the signature
            modules/m.toml:8: module.M.sql: the column `id` is `text`, and cannot be `Int`
            modules/m.toml:8: module.M.sql: the signature has no parameter `di`
        "#]],
    );
    check(
        &sql("(id: Boolean) -> String", "select id from orders where id = :id"),
        expect![[r#"
            modules/m.toml:8: module.M.sql: `:id` is `Boolean`, but the database wants `text`
              help: Cast it if that is what you mean: `:id::text`
        "#]],
    );
    check(
        &sql("() -> Int", "select id, total from orders"),
        expect![[r#"
        modules/m.toml:8: module.M.sql: the statement gives 2 columns, but `Int` takes exactly one
    "#]],
    );
    check(
        &sql("() -> Int", "drop table orders"),
        expect![[r#"
        modules/m.toml:8: module.M.sql: a module cannot run a statement that begins with `drop`
          help: It must be a `select`, `insert`, `update` or `delete`
    "#]],
    );
    check(
        &sql("() -> Int", "delete from orders"),
        expect![[r#"
        modules/m.toml:8: module.M.sql: the statement writes, but the effect of the module is `read`
          help: Write `effect = "write"`, and `write = true` in the source
    "#]],
    );
    check(
        &sql("() -> Int", "select 1; select 2"),
        expect![[r#"
        modules/m.toml:8: module.M.sql: cannot insert multiple commands into a prepared statement
    "#]],
    );
    let write = "effect = \"write\"\n".to_owned() + &sql("() -> Int", "delete from orders");
    check(
        &write,
        expect![[r#"
        modules/m.toml:7: module.M.effect: the source `db` is opened read-only
          help: Write `write = true` in `[source.db]`
    "#]],
    );
    let folder = postgres.manifest("", &sql("() -> Int", "select 1"));
    folder.write("url", "postgres://tester:s3cret@127.0.0.1:1/postgres");
    let told = folder.faults();
    assert!(told.contains("source.db.url: the database cannot be reached"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}
