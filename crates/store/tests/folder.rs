//! The data folder: what it keeps over restarts, crashes and faults, and what it refuses.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use engine::Timestamp;
use engine::ports::{Append, Claim, Delivery, ExecutionQuery, Status, Store, StoreError, Timer};
use rusqlite::Connection;
use tempfile::tempdir;
use tidegate_store::{OpenError, SqliteStore, limits};

use common::*;

mod common;

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempdir().unwrap();
    let program = image("program", 1);
    {
        let store = SqliteStore::open(&folder.path().join("deep/er")).unwrap();
        store.save_pipeline(load(&program, "p")).await.unwrap();
        store.append(append_all(id(1), 0, &[b"a"], suspended("p", &["x"]))).await.unwrap();
        // Asked for but not awaited: dropping the store finishes it.
        drop(store.append(append_all(id(1), 1, &[b"b"], suspended("p", &["y"]))));
    }
    assert!(!folder.path().join("deep/er/tidegate.db-wal").exists(), "all is in one file");
    let store = SqliteStore::open(&folder.path().join("deep/er")).unwrap();
    assert_eq!(store.records(id(1), 0).await.unwrap().unwrap(), [b"a", b"b"]);
    let query = ExecutionQuery { missing: Some("y".into()), ..everything() };
    let rows = store.executions(query).await.unwrap();
    assert_eq!(rows[0].summary, suspended("p", &["y"]));
    assert_eq!(store.image(program.digest).await.unwrap().unwrap(), *program);
    assert_eq!(store.alias("p".into(), None).await.unwrap().unwrap().version, 1);
    assert_eq!(store.save_pipeline(load(&program, "p")).await.unwrap().version, Some(1));
}

#[tokio::test]
async fn a_copy_made_while_it_runs_is_whole() {
    let (folder, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let store = SqliteStore::open(folder.path()).unwrap();
    for after in 0..20 {
        store.append(append(id(1), after, b"record")).await.unwrap();
    }
    for file in ["tidegate.db", "tidegate.db-wal"] {
        fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let copied = SqliteStore::open(copy.path()).unwrap();
    assert_eq!(copied.records(id(1), 0).await.unwrap().unwrap().len(), 20);
    copied.append(append(id(1), 20, b"record")).await.unwrap();
}

/// A process that was killed has kept all that it acknowledged, and leaves no lock behind.
#[tokio::test]
async fn a_killed_process_keeps_what_it_acknowledged() {
    let folder = tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_appends", "--nocapture", "--test-threads=1"])
        .env(CHILD_FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged = lines
        .map(|line| line.unwrap())
        .filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<usize>().ok())
        .find(|&count| count >= 50)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let records = store.records(id(1), 0).await.unwrap().unwrap();
    assert!(records.len() >= acknowledged, "{} of {acknowledged}", records.len());
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record, &number.to_be_bytes());
    }
}

const CHILD_FOLDER: &str = "TIDEGATE_TEST_CHILD_FOLDER";

/// The other half of the test above: appends until it is killed. Alone, it does nothing.
#[tokio::test]
async fn child_that_appends() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let store = SqliteStore::open(Path::new(&folder)).unwrap();
    for after in 0_u64.. {
        store.append(append(id(1), after, &after.to_be_bytes())).await.unwrap();
        let mut stdout = std::io::stdout().lock();
        if writeln!(stdout, "acknowledged {}", after + 1).and_then(|()| stdout.flush()).is_err() {
            return; // nobody listens any more
        }
    }
}

#[test]
fn a_folder_has_one_owner() {
    let folder = tempdir().unwrap();
    let first = SqliteStore::open(folder.path()).unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(&error, OpenError::Locked { folder: path } if path == folder.path()));
    assert!(error.to_string().contains("in use by another tidegate process"), "{error}");
    drop(first);
    SqliteStore::open(folder.path()).unwrap();
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    drop(SqliteStore::open(folder.path()).unwrap());
    let path = folder.path().join("tidegate.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 2, supported: 1, .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    fs::write(&path, "this is a letter, not a database\n".repeat(200)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE orders (id INTEGER)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_cut_off_database_is_refused() {
    let folder = tempdir().unwrap();
    drop(SqliteStore::open(folder.path()).unwrap());
    let path = folder.path().join("tidegate.db");
    let half = fs::metadata(&path).unwrap().len() / 2;
    fs::File::options().write(true).open(&path).unwrap().set_len(half).unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, "").unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
}

/// A fault in one write spoils no other write of its transaction; a fault that SQLite answers by
/// rolling everything back is answered to everybody; both end when their cause ends.
#[tokio::test]
async fn faults_are_answered_and_end_with_their_cause() {
    let folder = tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let saboteur = Connection::open(folder.path().join("tidegate.db")).unwrap();
    let mut number = 0;
    for kind in ["ABORT", "ROLLBACK"] {
        saboteur
            .execute_batch(&format!(
                "CREATE TRIGGER fault BEFORE INSERT ON records WHEN new.bytes = x'00'
                 BEGIN SELECT RAISE({kind}, 'disk full'); END"
            ))
            .unwrap();
        let mut answers = Vec::new();
        for _ in 0..20 {
            number += 1;
            answers.push((id(number), store.append(append(id(number), 0, &[0]))));
        }
        for (id, answer) in answers {
            let error = answer.await.unwrap_err();
            assert!(
                matches!(&error, StoreError::Unavailable(cause) if cause.contains("disk full"))
            );
            assert_eq!(store.records(id, 0).await.unwrap(), None);
        }
        store.append(append(id(number), 0, &[1])).await.unwrap();
        saboteur.execute_batch("DROP TRIGGER fault").unwrap();
        store.append(append(id(number), 1, &[0])).await.unwrap();
    }
    assert_eq!(store.executions(everything()).await.unwrap().len(), 2);
}

/// While the disk stands still, the queue fills and then refuses at once; what it took is done later.
#[tokio::test]
async fn a_full_queue_refuses() {
    let folder = tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let holder = Connection::open(folder.path().join("tidegate.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let room = limits::WRITES_QUEUED_MAX + limits::WRITES_PER_COMMIT_MAX;
    let answers: Vec<_> =
        (0..=room as u64).map(|number| store.append(append(id(number), 0, b"a"))).collect();
    holder.execute_batch("ROLLBACK").unwrap();
    let mut refused = 0;
    for (number, answer) in (0..).zip(answers) {
        let kept = match answer.await {
            Ok(_) => Some(vec![b"a".to_vec()]),
            Err(error) => {
                assert_eq!(error, StoreError::Overloaded);
                refused += 1;
                None
            }
        };
        assert_eq!(store.records(id(number), 0).await.unwrap(), kept);
    }
    assert!((1..=limits::WRITES_PER_COMMIT_MAX + 1).contains(&refused), "{refused}");
}

/// What the first released build wrote. It is never written anew once that build is released.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tidegate-1.db");

/// A folder that an earlier build has written is read as it was meant. `UPDATE_FIXTURE=1` writes it
/// with this build.
#[tokio::test]
async fn a_folder_of_version_1_is_read() {
    if std::env::var_os("UPDATE_FIXTURE").is_some() {
        write_fixture().await;
    }
    let folder = tempdir().unwrap();
    fs::copy(FIXTURE, folder.path().join("tidegate.db")).unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    assert_eq!(records(&store, id(1)).await, [b"r"]);
    let rows = store.executions(everything()).await.unwrap();
    assert_eq!((rows.len(), rows[0].id), (1, id(1)));
    assert_eq!(rows[0].summary, suspended("p", &["a"]));
    let timer = Timer { due: Timestamp(5_000), id: id(1) };
    assert_eq!(store.timers(9).await.unwrap(), [timer]);
    let versions = store.versions("p".into(), None, 9).await.unwrap();
    let versions: Vec<_> = versions.into_iter().map(|row| (row.version, row.digest)).collect();
    let (first, program) = (image("first", 1), image("program", 2));
    assert_eq!(versions, [(2, program.digest), (1, first.digest)]);
    for image in [&first, &program] {
        assert_eq!(store.image(image.digest).await.unwrap().as_ref(), Some(&**image));
    }
    assert_eq!(store.save_pipeline(load(&first, "p")).await.unwrap().version, Some(2));
    assert_eq!(kept(&store).await, [b"kept"]);
    assert!(store.deliver(fixture_event()).await.unwrap().is_repeated);
    let known = Claim { execution: Some(id(1)), answer: Some(b"done".to_vec()), ..claim("k", 7) };
    assert_eq!(store.claim("k".into()).await.unwrap(), Some(known));
    let delivered = store.deliver(event("paid", "7", b"taken")).await.unwrap();
    assert_eq!(delivered.executions, [id(1)]);
    assert_eq!(records(&store, id(1)).await, [b"r".as_slice(), b"taken"]);
}

async fn write_fixture() {
    let folder = tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    store.save_pipeline(load(&image("first", 1), "p")).await.unwrap();
    store.save_pipeline(save(&image("program", 2), "p")).await.unwrap();
    let known = Claim { execution: Some(id(1)), answer: Some(b"done".to_vec()), ..claim("k", 7) };
    let listening = Append {
        due: Some(Timestamp(5_000)),
        claims: vec![known],
        ..listen(id(1), 0, &[("a", "paid", "7")])
    };
    store.append(listening).await.unwrap();
    store.deliver(fixture_event()).await.unwrap();
    drop(store);
    fs::create_dir_all(Path::new(FIXTURE).parent().unwrap()).unwrap();
    fs::copy(folder.path().join("tidegate.db"), FIXTURE).unwrap();
}

fn fixture_event() -> Delivery {
    Delivery { identity: Some(("shop".into(), "1".into())), ..event("sent", "7", b"kept") }
}

/// The promise of small suspended executions, with two short records and one missing input each.
#[tokio::test]
async fn a_suspended_execution_takes_less_than_a_kibibyte() {
    const COUNT: u64 = 4_000;
    let folder = tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let row = suspended("customer-onboarding", &["approval"]);
    let (started, completed) = ([0x55; 120], [0x77; 120]);
    let records: [&[u8]; 2] = [&started, &completed];
    let answers: Vec<_> = (0..COUNT)
        .map(|number| store.append(append_all(id(number), 0, &records, row.clone())))
        .collect();
    for answer in answers {
        answer.await.unwrap();
    }
    let query = ExecutionQuery { status: Some(Status::Suspended), ..everything() };
    assert_eq!(store.executions(query).await.unwrap().len(), 1_000);
    drop(store);
    let bytes = fs::metadata(folder.path().join("tidegate.db")).unwrap().len();
    assert!(bytes / COUNT < 1_024, "{} bytes each", bytes / COUNT);
}
