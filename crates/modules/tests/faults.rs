//! What is wrong with a manifest: the text of every fault.

mod support;

use expect_test::{Expect, expect};
use support::{Folder, SOURCE, WRITABLE, faults_of, module};

fn check(module: &str, expected: Expect) {
    expected.assert_eq(&faults_of(SOURCE, module));
}

fn check_sql(signature: &str, sql: &str, expected: Expect) {
    check(&module(signature, sql), expected);
}

fn check_source(source: &str, expected: Expect) {
    expected.assert_eq(&faults_of(source, ""));
}

#[test]
fn all_faults_of_all_files_are_found_at_once() {
    let folder = Folder::new();
    folder.write("a.toml", &format!("{SOURCE}\n{}", module("() -> Int", "select nobody")));
    folder.write(
        "b.toml",
        "[module.N]\nsignature = \"() -> Int\"\nsource = \"dbb\"\nsql = \"select 1\"\n[modul.X]\n",
    );
    folder.write(
        "c.toml",
        &module("() -> Int", "select 1").replace("module.M", "module.\"a.M\"").replace("1", "2,"),
    );
    folder.write(".d.toml", "not read");
    folder.write("e.txt", "not read");
    expect![[r#"
        modules/a.toml:9: module.M.sql: no such column: nobody
        modules/b.toml:3: module.N.source: no source is called `dbb`
          help: Did you mean `db`?
        modules/b.toml:5: unknown key `modul`
          help: Did you mean `module`?
        modules/c.toml:4: module.a.M.sql: incomplete input
    "#]]
    .assert_eq(&folder.faults());
}

#[test]
fn text_that_is_not_toml() {
    check(
        "[module.X",
        expect![[r#"
        modules/m.toml:6: unclosed table, expected `]`
    "#]],
    );
    check(
        "a = 1\na = 2\n[module.M]\nx = \"\\q\"\n",
        expect![[r#"
        modules/m.toml:7: duplicate key
        modules/m.toml:9: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\`, `"`, `x`, `u`, `U`
    "#]],
    );
    let folder = Folder::new();
    std::fs::write(folder.path().join("m.toml"), b"\xff").unwrap();
    expect![[r#"
        modules/m.toml: cannot be read: stream did not contain valid UTF-8
    "#]]
    .assert_eq(&folder.faults());
}

#[test]
fn a_file_that_is_not_read_hides_no_other_fault_and_causes_none() {
    let folder = Folder::new();
    folder.write("a.toml", "[source.db\n");
    folder.write("b.toml", &(module("() -> Int", "select 1") + "sgnature = 1"));
    expect![[r#"
        modules/a.toml:1: unclosed table, expected `]`
        modules/b.toml:5: module.M: unknown key `sgnature`
          help: Did you mean `signature`?
    "#]]
    .assert_eq(&folder.faults());
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = Folder::new();
    let faults = tidegate_modules::load(&folder.path().join("nowhere")).expect_err("a fault");
    assert_eq!(faults.len(), 1);
    assert!(faults[0].to_string().contains("nowhere: the folder cannot be read"), "{}", faults[0]);
}

#[test]
fn unknown_keys() {
    check(
        "[module.M]\nsignatur = \"() -> Int\"\nsource = \"db\"\nsql = \"select 1\"\n",
        expect![[r#"
        modules/m.toml:6: module.M: `signature` is missing
          help: Write what it takes and gives: `signature = "(id: String) -> Optional<{ id: String }>"`
        modules/m.toml:7: module.M: unknown key `signatur`
          help: Did you mean `signature`?
    "#]],
    );
    check(
        "[module.M]\nsignature = \"() -> Int\"\nsource = \"db\"\nrequest = \"GET /\"\nresponse = \"Int\"\n",
        expect![[r#"
            modules/m.toml:8: module.M.source: the source `db` is a database
              help: Write `sql = ".."`
        "#]],
    );
    check(
        &(module("() -> Int", "select 1") + "[[module.M.test]]\ncall = 1\n"),
        expect![[r#"
            modules/m.toml:10: module.M.test: `reply` is missing
              help: Write what the database gave: `reply = { rows = [{ .. }] }`
            modules/m.toml:10: module.M.test: expected one of `expect`, `absent = true` and `fails`
            modules/m.toml:11: module.M.test: unknown key `call`
        "#]],
    );
    check(
        "[module.crm.Fetch]\nsignature = \"() -> Int\"\n",
        expect![[r#"
        modules/m.toml:6: module.crm: `Fetch` is not a part of a module
          help: A module in a namespace is written with quotes: `[module."crm.Fetch"]`
    "#]],
    );
    check(
        "[module]\nM = 3\n",
        expect![[r#"
        modules/m.toml:7: module.M: expected a table `[module.M]`, got an integer
    "#]],
    );
    check(
        "module = 3\n[other]\n",
        expect![[r#"
        modules/m.toml:6: source.db: unknown key `module`
        modules/m.toml:7: unknown key `other`
    "#]],
    );
}

#[test]
fn values_of_the_wrong_kind() {
    check(
        "[module.M]\nsignature = 1\nsource = [\"db\"]\nsql = true\ndoc = 1.5\neffect = \"wirte\"\n",
        expect![[r#"
        modules/m.toml:7: module.M.signature: expected a text, got an integer
        modules/m.toml:8: module.M.source: expected a text, got an array
        modules/m.toml:9: module.M.sql: expected a text, got a Boolean
        modules/m.toml:10: module.M.doc: expected a text, got a float
        modules/m.toml:11: module.M.effect: unknown effect `wirte`
          help: Did you mean `write`?
    "#]],
    );
}

#[test]
fn sources() {
    check_source(
        "[source.db]\npath = \"x\"\n",
        expect![[r#"
        modules/m.toml:1: source.db: `kind` is missing
          help: A SQLite database is `kind = "sqlite"`
    "#]],
    );
    check_source(
        "[source.db]\nkind = \"sqlit\"\n",
        expect![[r#"
        modules/m.toml:2: source.db.kind: unknown kind `sqlit`
          help: Did you mean `sqlite`?
    "#]],
    );
    check_source(
        "[source.db]\nkind = \"postgres\"\nurl = \"https://x\"\n",
        expect![[r#"
            modules/m.toml:3: source.db.url: invalid connection string
        "#]],
    );
    check_source(
        "[source.db]\nkind = \"mysql\"\n",
        expect![[r#"
            modules/m.toml:2: source.db.kind: unknown kind `mysql`
              help: Expected one of `sqlite`, `postgres`, `http`, `process`
        "#]],
    );
    check_source(
        "[source.db]\nkind = \"sqlite\"\nurl = \"x\"\npaht = \"x\"\n",
        expect![[r#"
            modules/m.toml:1: source.db: `path` is missing
              help: Give the database file: `path = "shop.db"`
            modules/m.toml:3: source.db: unknown key `url`
            modules/m.toml:4: source.db: unknown key `paht`
              help: Did you mean `path`?
        "#]],
    );
    check_source(
        &(SOURCE.to_string() + "timeout = \"3 s\"\nmax_running = 0\nwrite = 1\n"),
        expect![[r#"
        modules/m.toml:5: source.db.timeout: `3 s` is not a duration up to a day
          help: A duration is a whole number and `ms`, `s`, `min` or `h`: `"30s"`
        modules/m.toml:6: source.db.max_running: expected an integer from 1 to 10000
        modules/m.toml:7: source.db.write: expected true or false, got an integer
    "#]],
    );
    check_source(
        "[source.db]\nkind = \"sqlite\"\npath = \"db.sql\"\n",
        expect![[r#"
        modules/m.toml:3: source.db.path: the database cannot be opened: file is not a database
    "#]],
    );
}

#[test]
fn databases_that_cannot_be_built() {
    check_source(
        "[source.db]\nkind = \"sqlite\"\npath = \"x.db\"\n",
        expect![[r#"
        modules/m.toml:3: source.db.path: there is no database file `modules/x.db`
          help: A script that builds it can be given: `init = "shop.sql"`
    "#]],
    );
    let source = "[source.db]\nkind = \"sqlite\"\npath = \"x.db\"\ninit = \"x.sql\"\n";
    let folder = Folder::new();
    folder.write("m.toml", source);
    let mut all = folder.faults();
    for script in [
        "create table a (x);\n\ncreate tabel b (x);",
        "begin;",
        "create table a (x unique);\ninsert into a values (1), (1);",
    ] {
        folder.write("x.sql", script);
        all += &folder.faults();
        assert!(!folder.path().join("x.db").exists());
    }
    expect![[r#"
        modules/m.toml:4: source.db.init: modules/x.sql cannot be read: No such file or directory (os error 2)
        modules/m.toml:4: source.db.init: modules/x.sql:3: near "tabel": syntax error
        modules/m.toml:4: source.db.init: modules/x.sql: the script begins a transaction and does not commit it
        modules/m.toml:4: source.db.init: modules/x.sql: UNIQUE constraint failed: a.x
    "#]].assert_eq(&all);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left behind");
}

#[test]
fn names() {
    for (name, expected) in [
        (
            "\"3x\"",
            expect![[r#"
            modules/m.toml:6: module.3x: `3x` is not a name that a pipeline can call
              help: A name is letters, digits, `_` and `-`, not beginning with a digit or `-`; a namespace goes in front with a dot
        "#]],
        ),
        (
            "match",
            expect![[r#"
            modules/m.toml:6: module.match: `match` is a reserved word
              help: Choose another name
        "#]],
        ),
        (
            "\"stdlib.math.add\"",
            expect![[r#"
            modules/m.toml:6: module.stdlib.math.add: the namespace `stdlib` belongs to Tidegate
              help: Choose another namespace
        "#]],
        ),
    ] {
        check(
            &module("() -> Int", "select 1").replace("module.M", &format!("module.{name}")),
            expected,
        );
    }
}

#[test]
fn names_are_declared_once_in_all_files() {
    let folder = Folder::new();
    folder.write("a.toml", &format!("{SOURCE}\n{}", module("() -> Int", "select 1")));
    folder.write("b.toml", &format!("{SOURCE}\n{}", module("() -> Int", "select 1")));
    expect![[r#"
        modules/b.toml:1: source.db: this source is declared twice
          help: The first is in modules/a.toml
        modules/b.toml:6: module.M: this module is declared twice
          help: The first is in modules/a.toml
    "#]]
    .assert_eq(&folder.faults());
}

#[test]
fn statements_that_sqlite_refuses() {
    check_sql(
        "() -> Float",
        "select\n  totl\nfrom orders",
        expect![[r#"
        modules/m.toml:10: module.M.sql: no such column: totl
          help: Did you mean `total`?
    "#]],
    );
    check_sql(
        "() -> Float",
        "select o.totl from orders o",
        expect![[r#"
        modules/m.toml:9: module.M.sql: no such column: o.totl
          help: Did you mean `total`?
    "#]],
    );
    check_sql(
        "() -> Float",
        "select total from order",
        expect![[r#"
        modules/m.toml:9: module.M.sql: near "order": syntax error
    "#]],
    );
    check_sql(
        "() -> Float",
        "select total from ordrs",
        expect![[r#"
        modules/m.toml:9: module.M.sql: no such table: ordrs
          help: Did you mean `orders`?
    "#]],
    );
    check_sql(
        "() -> Float",
        "select lenght(1)",
        expect![[r#"
        modules/m.toml:9: module.M.sql: no such function: lenght
    "#]],
    );
}

#[test]
fn one_statement_that_asks_or_changes_rows() {
    check_sql(
        "() -> Int",
        " -- nothing\n",
        expect![[r#"
        modules/m.toml:9: module.M.sql: there is no statement
    "#]],
    );
    check_sql(
        "() -> Int",
        "select 1; select 2",
        expect![[r#"
        modules/m.toml:9: module.M.sql: there is more than one statement
          help: Declare a module for each
    "#]],
    );
    check_sql(
        "() -> Int",
        "pragma user_version",
        expect![[r#"
        modules/m.toml:9: module.M.sql: a module cannot run a statement that begins with `pragma`
          help: It must be a `select`, `insert`, `update` or `delete`
    "#]],
    );
    check_sql(
        "() -> Int",
        "begin",
        expect![[r#"
        modules/m.toml:9: module.M.sql: a module cannot run a statement that begins with `begin`
          help: It must be a `select`, `insert`, `update` or `delete`
    "#]],
    );
    check_sql(
        "() -> Int",
        "attach 'x' as x",
        expect![[r#"
        modules/m.toml:9: module.M.sql: a module cannot run a statement that begins with `attach`
          help: It must be a `select`, `insert`, `update` or `delete`
    "#]],
    );
    check_sql(
        "() -> Int",
        &format!("select 1 --{}", "x".repeat(70_000)),
        expect![[r#"
        modules/m.toml:9: module.M.sql: the statement is longer than 65536 bytes
    "#]],
    );
}

#[test]
fn only_a_write_module_of_a_writable_source_writes() {
    let delete = module("() -> Int", "delete from orders");
    check(
        &delete,
        expect![[r#"
        modules/m.toml:9: module.M.sql: the statement writes, but the effect of the module is `read`
          help: Write `effect = "write"`, and `write = true` in `[source.db]`
    "#]],
    );
    expect![[r#"
        modules/m.toml:10: module.M.sql: the statement writes, but the effect of the module is `read`
          help: Write `effect = "write"`
    "#]].assert_eq(&faults_of(WRITABLE, &delete));
    check(
        &(delete.clone() + "effect = \"write\"\n"),
        expect![[r#"
        modules/m.toml:10: module.M.effect: the source `db` is opened read-only
          help: Write `write = true` in `[source.db]`
    "#]],
    );
    expect![[r#"
        modules/m.toml:10: module.M.sql: the statement writes, but the effect of the module is `pure`
          help: Write `effect = "write"`
    "#]].assert_eq(&faults_of(WRITABLE, &(delete + "effect = \"pure\"\n")));
}

#[test]
fn signatures_that_are_none() {
    let folder = Folder::new();
    folder.write("m.toml", &format!("{SOURCE}[module.M]\nsignature = \"\"\"\n(id: String)\n  -> ]\"\"\"\nsource = \"db\"\nsql = \"select\"\n"));
    let faults = folder.load().expect_err("a fault");
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].key, "module.M.signature");
    assert_eq!(faults[0].place.map(|place| (place.line, place.column)), Some((8, 6)));
}

#[test]
fn arguments() {
    check_sql(
        "(orderId: String) -> Int",
        "select 1 where :orderID = 1",
        expect![[r#"
        modules/m.toml:7: module.M.signature: the statement never uses the argument `orderId`
          help: Use it as `:orderId`, or remove it from the signature
        modules/m.toml:9: module.M.sql: the signature has no parameter `orderID`
          help: Did you mean `orderId`?
    "#]],
    );
    check_sql(
        "(a: Int) -> Int",
        "select ? + @a + $a",
        expect![[r#"
        modules/m.toml:7: module.M.signature: the statement never uses the argument `a`
          help: Use it as `:a`, or remove it from the signature
        modules/m.toml:9: module.M.sql: the parameter `?` has no name that an argument could have
          help: Write an argument `orderId` as `:orderId`
        modules/m.toml:9: module.M.sql: the parameter `@a` has no name that an argument could have
          help: Write an argument `orderId` as `:orderId`
        modules/m.toml:9: module.M.sql: the parameter `$a` has no name that an argument could have
          help: Write an argument `orderId` as `:orderId`
    "#]],
    );
    check_sql(
        "(order-id: String) -> Int",
        "select 1",
        expect![[r#"
        modules/m.toml:7: module.M.signature: SQL cannot name the argument `order-id`
          help: Write `orderId`
    "#]],
    );
    check_sql(
        "(a: List<Int>) -> Int",
        "select :a",
        expect![[r#"
        modules/m.toml:7: module.M.signature: an argument of type `List<Int>` is not available in this version
    "#]],
    );
}

#[test]
fn results() {
    check_sql(
        "() -> { customerId: String, totl: Float }",
        "select customer_id, total from orders",
        expect![[r#"
        modules/m.toml:9: module.M.sql: the statement gives no column `customerId`
          help: Write `customer_id as customerId`, or name the field `customer_id`
        modules/m.toml:9: module.M.sql: the statement gives no column `totl`
          help: Write `total as totl`, or name the field `total`
    "#]],
    );
    check_sql(
        "() -> { id: String }",
        "select a.id, b.id from orders a join orders b",
        expect![[r#"
        modules/m.toml:9: module.M.sql: two columns are called `id`
          help: Give one of them another name with `as`
    "#]],
    );
    check_sql(
        "() -> { zzzzzz: String }",
        "select 1 as a, 2 as b",
        expect![[r#"
        modules/m.toml:9: module.M.sql: the statement gives no column `zzzzzz`
          help: The columns are `a`, `b`
    "#]],
    );
    check_sql(
        "() -> String",
        "select id, tier from orders",
        expect![[r#"
        modules/m.toml:9: module.M.sql: the statement gives 2 columns, but `String` takes exactly one
    "#]],
    );
    check_sql(
        "() -> Map<String, Int>",
        "select 1",
        expect![[r#"
        modules/m.toml:7: module.M.signature: rows cannot become `Map<String, Int>`
          help: A record is one row, `Optional<..>` none or one, `List<..>` all of them; in place of the record may stand the type of a single column
    "#]],
    );
    check_sql(
        "() -> List<Optional<{ a: Int }>>",
        "select 1 as a",
        expect![[r#"
        modules/m.toml:7: module.M.signature: rows cannot become `List<Optional<{ a: Int }>>`
          help: A record is one row, `Optional<..>` none or one, `List<..>` all of them; in place of the record may stand the type of a single column
    "#]],
    );
    check_sql(
        "() -> { a: Int | String }",
        "select 1 as a",
        expect![[r#"
        modules/m.toml:7: module.M.signature: a field of type `Int | String` is not available in this version
    "#]],
    );
    let update = module("() -> String", "update orders set paid = 1") + "effect = \"write\"\n";
    expect![[r#"
        modules/m.toml:8: module.M.signature: the statement gives no columns, so its result cannot be `String`
          help: The result of such a statement is `Int`, the rows that it changed; `returning` gives columns
    "#]].assert_eq(&faults_of(WRITABLE, &update));
}

#[test]
fn what_is_shown_is_harmless() {
    check(
        "\"mod\\u001b[2J\" = 1\n",
        expect![[r#"
        modules/m.toml:6: source.db: unknown key `mod\u{1b}[2J`
    "#]],
    );
}
