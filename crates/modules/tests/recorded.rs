//! Tests that a manifest holds: what passes, what differs, and what is no test at all.

mod support;

use expect_test::{Expect, expect};
use support::Folder;
use tidegate_modules::test;

/// Neither the service nor the databases are there, and the secret is not set.
const SOURCES: &str = r#"
[source.crm]
kind = "http"
base_url = "https://crm.invalid/v2"
headers = { Authorization = "Bearer ${env:TIDEGATE_NO_SUCH_VARIABLE}" }
[source.shop]
kind = "sqlite"
path = "nowhere.db"
[source.ledger]
kind = "postgres"
url = "${env:TIDEGATE_NO_SUCH_VARIABLE}"

[module.Fetch]
signature = "(id: String) -> Optional<{ name: String, tier: String }>"
source = "crm"
request = "GET /customers/{id}"
query = { expand = "tier" }
response = "{ full_name: String, tier: { code: String } }"
result = "{ name: response.full_name, tier: response.tier.code }"
absent_on = [404]

[module.Send]
signature = "(to: String, count: Int) -> { messageId: String }"
effect = "write"
source = "crm"
request = "POST /receipts"

[module.Orders]
signature = "(customer: String) -> List<{ id: String, total: Float, paid: Boolean, note: Optional<String> }>"
source = "shop"
sql = "select * from orders where customer = :customer"

[module.Count]
signature = "() -> Int"
source = "shop"
sql = "select count(*) from orders"

[module.Balance]
signature = "(id: Int) -> Optional<{ amount: String, tags: List<String> }>"
source = "ledger"
sql = "select amount, tags from accounts where id = :id"

[module.Rate]
signature = "() -> Optional<Float>"
source = "ledger"
sql = "select rate from rates"
"#;

fn played(tests: &str) -> String {
    let folder = Folder::new();
    folder.write("m.toml", &format!("{SOURCES}{tests}"));
    let shown = folder.path().to_string_lossy().into_owned();
    match test(folder.path(), None) {
        Ok(tested) => tested
            .iter()
            .map(|test| match test.differences.as_slice() {
                [] => format!("{} {}: passed\n", test.module, test.number),
                all => format!("{} {}: {}\n", test.module, test.number, all.join("; ")),
            })
            .collect(),
        Err(faults) => {
            faults.iter().map(|it| it.to_string().replace(&shown, "modules") + "\n").collect()
        }
    }
}

fn check(tests: &str, expected: Expect) {
    expected.assert_eq(&played(tests));
}

#[test]
fn an_answer_becomes_a_result() {
    check(
        r#"
[[module.Fetch.test]]
name = "a customer"
given = { id = "c 1/2" }
sends = "GET /customers/c%201%2F2?expand=tier"
reply = { body = { full_name = "Ann", tier = { code = "gold" }, more = 1 } }
expect = { name = "Ann", tier = "gold" }
[[module.Fetch.test]]
given = { id = "c-1" }
reply = { status = 404, text = "not JSON" }
absent = true
[[module.Fetch.test]]
given = { id = "c-1" }
reply = { status = 503, text = "later" }
fails = "R001"
[[module.Fetch.test]]
given = { id = "c-1" }
reply = { text = "{" }
fails = "R010"
[[module.Fetch.test]]
given = { id = ".." }
reply = {}
fails = "R011"
[[module.Send.test]]
given = { to = "ann@example.com", count = 2 }
sends = "POST /receipts"
sends_body = { to = "ann@example.com", count = 2.0 }
reply = { status = 201, body = { messageId = "m-1" } }
expect = { messageId = "m-1" }
"#,
        expect![[r#"
            Fetch 1: passed
            Fetch 2: passed
            Fetch 3: passed
            Fetch 4: passed
            Fetch 5: passed
            Send 1: passed
        "#]],
    );
}

#[test]
fn rows_become_a_result() {
    check(
        r#"
[[module.Orders.test]]
given = { customer = "c-1" }
reply = { rows = [{ id = "o1", total = 3, paid = 1, note = "x" }, { id = "o2", total = 2.5, paid = false }] }
expect = [{ id = "o1", total = 3.0, paid = true, note = "x" }, { id = "o2", total = 2.5, paid = false }]
[[module.Orders.test]]
given = { customer = "c-1" }
reply = { rows = [] }
expect = []
[[module.Orders.test]]
given = { customer = "c-1" }
reply = { rows = [{ id = "o1", total = "many", paid = 1 }] }
fails = "R010"
[[module.Count.test]]
reply = { rows = [{ n = 4 }] }
expect = 4
[[module.Count.test]]
reply = { rows = [] }
fails = "R010"
[[module.Balance.test]]
given = { id = 1 }
reply = { rows = [{ amount = "12.50", tags = ["a"] }] }
expect = { amount = "12.50", tags = ["a"] }
[[module.Balance.test]]
given = { id = 1 }
reply = { rows = [{ amount = "1", tags = [] }, { amount = "2", tags = [] }] }
fails = "R010"
[[module.Rate.test]]
reply = { rows = [{ rate = 0.5 }] }
expect = 0.5
[[module.Rate.test]]
reply = { rows = [{}] }
absent = true
"#,
        expect![[r#"
            Balance 1: passed
            Balance 2: passed
            Count 1: passed
            Count 2: passed
            Orders 1: passed
            Orders 2: passed
            Orders 3: passed
            Rate 1: passed
            Rate 2: passed
        "#]],
    );
}

#[test]
fn what_differs_is_told() {
    check(
        r#"
[[module.Fetch.test]]
given = { id = "c-1" }
sends = "GET /customers/c-2?expand=tier"
reply = { body = { full_name = "Ann", tier = { code = "gold" } } }
expect = { name = "Ann", tier = "silver" }
[[module.Fetch.test]]
given = { id = "c-1" }
reply = { status = 500, text = "oh" }
expect = { name = "Ann", tier = "silver" }
[[module.Fetch.test]]
given = { id = "c-1" }
reply = { status = 404 }
fails = "R001"
[[module.Send.test]]
given = { to = "a", count = 2 }
sends_body = { to = "a", count = 3 }
reply = { body = { messageId = 1 } }
fails = "R001"
"#,
        expect![[r#"
            Fetch 1: expected to send GET /customers/c-2?expand=tier, got GET /customers/c-1?expand=tier; expected {"name":"Ann","tier":"silver"}, got {"name":"Ann","tier":"gold"}
            Fetch 2: expected {"name":"Ann","tier":"silver"}, got failure R001: the answer is 500 Internal Server Error: oh
            Fetch 3: expected failure R001, got null
            Send 1: expected to send the body {"count":3,"to":"a"}, got {"to":"a","count":2}; expected failure R001, got failure R010: the answer does not fit: /messageId: expected String, got number
        "#]],
    );
}

#[test]
fn a_test_that_is_none() {
    check(
        r#"
[[module.Fetch.test]]
given = { ident = "c-1" }
expect = { name = "Ann" }
[[module.Fetch.test]]
given = { id = 3 }
reply = { status = 99, body = 1 }
[[module.Fetch.test]]
given = { id = "c-1" }
reply = { body = 1, text = "1" }
fails = "R1"
expekt = 1
[[module.Orders.test]]
given = { customer = 2026-01-01 }
reply = { affected = 3 }
absent = true
[[module.Orders.test]]
given = { customer = "c" }
reply = { rows = [3], sends = 1 }
expect = [{}]
"#,
        expect![[r#"
            modules/m.toml:48: module.Fetch.test: `reply` is missing
              help: Write what the service answered: `reply = { status = 200, body = { .. } }`
            modules/m.toml:49: module.Fetch.test.given: ident: the module has no input `ident`
              help: It has the inputs `id`.
            modules/m.toml:49: module.Fetch.test.given: id: the module needs `id`
              help: Add a value of the type `String`.
            modules/m.toml:50: module.Fetch.test.expect: the field `tier` is missing
            modules/m.toml:51: module.Fetch.test: expected one of `expect`, `absent = true` and `fails`
            modules/m.toml:52: module.Fetch.test.given: id: expected String, got number
            modules/m.toml:53: module.Fetch.test.reply: `status` is not the status of an HTTP answer
              help: Write what the service answered: `reply = { status = 200, body = { .. } }`
            modules/m.toml:56: module.Fetch.test.reply: there are `body` and `text`; one of them is sent
              help: Write what the service answered: `reply = { status = 200, body = { .. } }`
            modules/m.toml:57: module.Fetch.test.fails: `R1` is no code of a failure
              help: A reply that does not fit is R010, one that tells of a failure R001
            modules/m.toml:58: module.Fetch.test: unknown key `expekt`
              help: Did you mean `expect`?
            modules/m.toml:59: module.Orders.test.absent: a `List<{ id: String, total: Float, paid: Boolean, note: Optional<String> }>` is never absent
            modules/m.toml:60: module.Orders.test.given: a date, `inf` or `nan` has no form in JSON
              help: Write a date as a text
            modules/m.toml:61: module.Orders.test.reply: `affected` needs a module whose result is `Int`
              help: Write what the database gave: `reply = { rows = [{ .. }] }`
            modules/m.toml:65: module.Orders.test.reply: each of `rows` is a table of columns
              help: Write what the database gave: `reply = { rows = [{ .. }] }`
            modules/m.toml:66: module.Orders.test.expect: 0: the field `id` is missing
            modules/m.toml:66: module.Orders.test.expect: 0: the field `total` is missing
            modules/m.toml:66: module.Orders.test.expect: 0: the field `paid` is missing
        "#]],
    );
    check(
        "[module.X]\ntest = 3\n",
        expect![[r#"
        modules/m.toml:47: module.X: `signature` is missing
          help: Write what it takes and gives: `signature = "(id: String) -> Optional<{ id: String }>"`
        modules/m.toml:47: module.X: `source` is missing
          help: Name the `[source.NAME]` that it asks
        modules/m.toml:47: module.X: `sql` is missing
          help: Write one statement, with an argument `orderId` as `:orderId`
        modules/m.toml:48: module.X.test: expected tables `[[module.X.test]]`
    "#]],
    );
}

#[test]
fn a_result_that_rows_cannot_become() {
    check(
        r#"
[module.Odd]
signature = "() -> List<List<Int>>"
source = "shop"
sql = "select 1"
[[module.Odd.test]]
reply = { rows = [] }
expect = []
[module.Lost]
signature = "() -> Int"
source = "nobody"
sql = "select 1"
[[module.Lost.test]]
reply = { rows = [] }
expect = 1
"#,
        expect![[r#"
            modules/m.toml:49: module.Odd.signature: rows cannot become `List<List<Int>>`
              help: A record is one row, `Optional<..>` none or one, `List<..>` all of them; in place of the record may stand the type of a single column
            modules/m.toml:57: module.Lost.source: the source is no database of this folder
        "#]],
    );
}

#[test]
fn one_module_can_be_named() {
    let folder = Folder::new();
    folder.write(
        "m.toml",
        &format!("{SOURCES}[[module.Count.test]]\nreply = {{ affected = 1 }}\nexpect = 1\n"),
    );
    assert_eq!(test(folder.path(), Some("Fetch")), Ok(vec![]));
    assert_eq!(test(folder.path(), Some("Count")).map(|tested| tested.len()), Ok(1));
    let faults = test(folder.path(), Some("Cuont")).expect_err("a fault");
    assert_eq!(faults[0].help.as_deref(), Some("Did you mean `Count`?"));
}
