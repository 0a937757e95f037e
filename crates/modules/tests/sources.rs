//! How a database is built, locked, given up and kept from writing.

mod support;

use std::time::Duration;

use model::{Code, Value};
use support::{Declared, Folder, SOURCE, WRITABLE, module, text};

/// Counts to its argument; the greatest Int takes longer than anybody waits.
const COUNT: &str = "with recursive n(x) as (select 1 union all select x + 1 from n where x < :n) \
                     select count(*) from n";

#[test]
fn a_database_is_built_once_by_however_many() {
    let folder = Folder::new();
    folder.write(
        "m.toml",
        &(SOURCE.to_string() + &module("() -> Int", "select count(*) from orders")),
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(folder.load().is_ok()));
        }
    });
    let names = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["db.sql", "db.sqlite", "m.toml"]);
}

#[tokio::test]
async fn a_database_that_is_there_is_not_built_again() {
    let declared = Declared::new(&module("() -> Int", "select count(*) from orders"));
    declared.folder().write("db.sql", "create tabel");
    assert!(declared.folder().load().is_ok());
    assert_eq!(declared.shown(&[]).await, "Int(3)");
}

/// What a killed process leaves: a database half written, and the journal that undoes it.
#[tokio::test]
async fn a_write_that_a_killed_process_left_half_done_is_undone() {
    let folder = Folder::new();
    folder.write("m.toml", &(WRITABLE.to_string() + &module("() -> Int", "select sum(x) from n")));
    folder.write("db.sql", "create table n (x); with recursive i(x) as (select 1 union all select x + 1 from i where x < 5000) insert into n select 1 from i");
    assert!(folder.load().is_ok());
    let [file, journal] = ["db.sqlite", "db.sqlite-journal"].map(|name| folder.path().join(name));
    let writer = rusqlite::Connection::open(&file).unwrap();
    writer.execute_batch("pragma cache_size = 1; begin; update n set x = 2").unwrap();
    let left = [&file, &journal].map(|path| std::fs::read(path).unwrap());
    writer.execute_batch("rollback").unwrap();
    drop(writer);
    std::fs::write(file, &left[0]).unwrap();
    std::fs::write(journal, &left[1]).unwrap();
    let manifest = folder.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
    let sum = support::call(&manifest.modules["M"].module, &[]).await;
    assert_eq!(support::show(sum), "Int(5000)");
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_and_frees_its_place() {
    let source = SOURCE.to_string() + "timeout = \"30ms\"\nmax_running = 1\n";
    let declared = Declared::with_source(&source, &module("(n: Int) -> Int", COUNT));
    let error = declared.call(&[Value::Int(i64::MAX)]).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::R002, true));
    assert_eq!(error.message, "the database gave no answer within 30ms");
    assert_eq!(declared.shown(&[Value::Int(10)]).await, "Int(10)");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_frees_its_place() {
    let source = SOURCE.to_string() + "max_running = 1\n";
    let declared = Declared::with_source(&source, &module("(n: Int) -> Int", COUNT));
    let forever = declared.call(&[Value::Int(i64::MAX)]);
    assert!(tokio::time::timeout(Duration::ZERO, forever).await.is_err());
    assert_eq!(declared.shown(&[Value::Int(10)]).await, "Int(10)");
}

#[tokio::test]
async fn many_calls_share_few_connections() {
    let source = SOURCE.to_string() + "max_running = 2\n";
    let declared = Declared::with_source(&source, &module("(n: Int) -> Int", COUNT));
    let arguments: Vec<[Value; 1]> = (1..=50).map(|n| [Value::Int(n)]).collect();
    let calls = arguments.iter().map(|arguments| declared.shown(arguments));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers, (1..=50).map(|n| format!("Int({n})")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_database_locked_by_somebody_else_is_worth_another_attempt() {
    let source = SOURCE.to_string() + "timeout = \"20ms\"\n";
    let declared =
        Declared::with_source(&source, &module("() -> Int", "select count(*) from orders"));
    let other = rusqlite::Connection::open(declared.folder().path().join("db.sqlite")).unwrap();
    other.execute_batch("begin exclusive").unwrap();
    assert!(declared.call(&[]).await.unwrap_err().retryable);
    other.execute_batch("rollback").unwrap();
    assert_eq!(declared.shown(&[]).await, "Int(3)");
}

#[tokio::test]
async fn a_write_whose_result_does_not_fit_is_undone() {
    let insert = "insert into orders (id, tier) values (:id, 'new') returning tier";
    let insert = module("(id: String) -> Int", insert) + "effect = \"write\"\n";
    let count = module("() -> Int", "select count(*) from orders").replace("module.M", "module.N");
    let declared = Declared::new(&(insert + &count));
    let refused = "R010 row 1, column `tier`: expected Int, got the text \"new\"";
    assert_eq!(declared.shown(&[text("o9")]).await, refused);
    let manifest = declared.folder().load().unwrap();
    let count = support::call(&manifest.modules["N"].module, &[]).await;
    assert_eq!(support::show(count), "Int(3)");
}

#[tokio::test]
async fn a_broken_constraint_is_not_worth_another_attempt() {
    let insert = module("(id: String) -> Int", "insert into orders (id) values (:id)");
    let declared = Declared::with_source(WRITABLE, &(insert + "effect = \"write\"\n"));
    assert_eq!(declared.shown(&[text("o1")]).await, "R001 UNIQUE constraint failed: orders.id");
    assert_eq!(declared.shown(&[text("o9")]).await, "Int(1)");
}

#[tokio::test]
async fn a_changed_table_is_noticed() {
    let declared =
        Declared::new(&module("() -> List<{ id: String, tier: String }>", "select * from orders"));
    let other = rusqlite::Connection::open(declared.folder().path().join("db.sqlite")).unwrap();
    other.execute_batch("alter table orders add column more").unwrap();
    assert!(declared.call(&[]).await.is_ok());
    other.execute_batch("alter table orders drop column paid").unwrap();
    let changed = "R010 the columns have changed since the manifest was loaded";
    assert_eq!(declared.shown(&[]).await, changed);
}
