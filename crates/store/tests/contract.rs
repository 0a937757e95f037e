//! What every store promises. Each test runs against every store.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::memory::MemoryStore;
use engine::ports::{
    Append, ExecutionQuery, SavePipeline, SavedPipeline, Status, Store, StoreError, Summary,
};
use engine::{ExecutionId, Timestamp};
use model::Text;
use tidegate_store::SqliteStore;

use common::*;

mod common;

/// Runs each of these functions as a test of each store.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Arc::new(super::MemoryStore::new())).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(super::Arc::new(super::SqliteStore::open(folder.path()).unwrap())).await;
            })*
        }
    };
}

contract! {
    appends_in_order,
    appends_nothing_on_a_wrong_count,
    lets_one_of_many_win,
    answers_many_at_once,
    keeps_the_image_with_the_append,
    shows_the_last_summary,
    pages_newest_first,
    filters_by_every_combination,
    forgets_old_filters,
    keeps_images_once,
    moves_aliases_to_other_images_only,
    loads_files_without_undoing_a_rollback,
    finds_aliases_by_version,
    pages_aliases_by_name,
    keeps_odd_texts_and_bytes,
    knows_nothing_at_first,
}

async fn appends_in_order(store: Arc<dyn Store>) {
    let running = || summary(Status::Running);
    store.append(append_all(id(1), 0, &[b"a", b"b"], running())).await.unwrap();
    store.append(append_all(id(1), 2, &[], running())).await.unwrap();
    store.append(append_all(id(1), 2, &[b"c"], running())).await.unwrap();
    store.append(append(id(2), 0, b"other")).await.unwrap();
    let records = store.records(id(1)).await.unwrap();
    assert_eq!(records, Some(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]));
}

async fn appends_nothing_on_a_wrong_count(store: Arc<dyn Store>) {
    store.append(append(id(1), 0, b"first")).await.unwrap();
    let new = image("new", 1);
    for after in [0, 2, u64::MAX] {
        let append = Append {
            image: Some(Arc::clone(&new)),
            ..append_all(id(1), after, &[b"late"], suspended("p", &["a"]))
        };
        assert_eq!(store.append(append).await, Err(StoreError::Conflict));
    }
    assert_eq!(store.append(append(id(2), 1, b"unborn")).await, Err(StoreError::Conflict));
    assert_eq!(store.records(id(1)).await.unwrap(), Some(vec![b"first".to_vec()]));
    assert_eq!(store.records(id(2)).await.unwrap(), None);
    assert_eq!(store.image(new.digest).await.unwrap(), None);
    let rows = store.executions(everything()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].summary, summary(Status::Running));
}

async fn lets_one_of_many_win(store: Arc<dyn Store>) {
    store.append(append(id(1), 0, b"start")).await.unwrap();
    let racers: Vec<_> =
        (0..100_u8).map(|racer| store.append(append(id(1), 1, &[racer]))).collect();
    let mut winners = Vec::new();
    for (racer, answer) in (0_u8..).zip(racers) {
        match answer.await {
            Ok(()) => winners.push(racer),
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!(winners.len(), 1);
    let records = store.records(id(1)).await.unwrap().unwrap();
    assert_eq!(records, [b"start".to_vec(), winners]);
}

async fn answers_many_at_once(store: Arc<dyn Store>) {
    const EXECUTIONS: u64 = 200;
    const APPENDS: u64 = 10;
    let tasks: Vec<_> = (0..EXECUTIONS)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for after in 0..APPENDS {
                    store.append(append(id(number), after, &after.to_be_bytes())).await?;
                    // A write that was answered is seen by every read.
                    let records = store.records(id(number)).await?.unwrap_or_default();
                    assert_eq!(records.len() as u64, after + 1);
                }
                Ok::<(), StoreError>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let expected: Vec<Vec<u8>> = (0..APPENDS).map(|after| after.to_be_bytes().to_vec()).collect();
    for number in 0..EXECUTIONS {
        assert_eq!(store.records(id(number)).await.unwrap().as_ref(), Some(&expected));
    }
}

async fn keeps_the_image_with_the_append(store: Arc<dyn Store>) {
    let first = image("program", 1);
    let with_image = Append { image: Some(Arc::clone(&first)), ..append(id(1), 0, b"a") };
    store.append(with_image).await.unwrap();
    let again = Append { image: Some(image("program", 2)), ..append(id(2), 0, b"a") };
    store.append(again).await.unwrap();
    assert_eq!(store.image(first.digest).await.unwrap().as_ref(), Some(&*first));
}

async fn shows_the_last_summary(store: Arc<dyn Store>) {
    let first = suspended("onboarding", &["email", "approval"]);
    store.append(append_all(id(1), 0, &[b"a"], first.clone())).await.unwrap();
    let second = Summary {
        status: Status::Completed,
        missing: Vec::new(),
        resumption_count: 7,
        updated_at: Timestamp(i64::MAX),
        created_at: Timestamp(-5),
        ..first.clone()
    };
    assert_eq!(store.executions(everything()).await.unwrap()[0].summary, first);
    store.append(append_all(id(1), 1, &[b"b"], second.clone())).await.unwrap();
    let rows = store.executions(everything()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].id, &rows[0].summary), (id(1), &second));
}

async fn pages_newest_first(store: Arc<dyn Store>) {
    for number in [3, 1, 5, 2, 4] {
        let status = Status::ALL[usize::try_from(number).unwrap() % 5];
        store.append(append_all(id(number), 0, &[b"a"], summary(status))).await.unwrap();
    }
    let mut query = ExecutionQuery { limit: 2, ..ExecutionQuery::default() };
    let mut pages = Vec::new();
    loop {
        let page = ids(&store, query.clone()).await;
        match page.last() {
            Some(&last) => query.before = Some(last),
            None => break,
        }
        pages.push(page);
    }
    assert_eq!(pages, [vec![id(5), id(4)], vec![id(3), id(2)], vec![id(1)]]);
    query = ExecutionQuery { limit: 0, ..ExecutionQuery::default() };
    assert_eq!(ids(&store, query).await, []);
    let newest = ExecutionId::from_bytes([0xff; 16]);
    store.append(append(newest, 0, b"a")).await.unwrap();
    let all = ExecutionQuery { limit: usize::MAX, ..ExecutionQuery::default() };
    assert_eq!(ids(&store, all).await.first(), Some(&newest));
}

async fn filters_by_every_combination(store: Arc<dyn Store>) {
    let mut kept: Vec<(ExecutionId, Summary)> = Vec::new();
    let pipelines = ["", "p", "q"];
    let missing: [&[&str]; 4] = [&[], &["a"], &["b", "a"], &["b", "b"]];
    for status in Status::ALL {
        for pipeline in pipelines {
            for names in missing {
                let id = id(kept.len() as u64);
                let summary = Summary { status, ..suspended(pipeline, names) };
                store.append(append_all(id, 0, &[b"r"], summary.clone())).await.unwrap();
                kept.push((id, summary));
            }
        }
    }
    let name = |name: &str| Some(Text::new(name));
    for status in Status::ALL.into_iter().map(Some).chain([None]) {
        for pipeline in [None, name("p"), name("q"), name("nobody"), name("")] {
            for missing in [None, name("a"), name("b"), name("nothing"), name("")] {
                let query = ExecutionQuery {
                    status,
                    pipeline: pipeline.clone(),
                    missing: missing.clone(),
                    before: Some(id(50)),
                    limit: 7,
                };
                let fits = |summary: &Summary| {
                    status.is_none_or(|status| summary.status == status)
                        && (pipeline.is_none() || summary.pipeline == pipeline)
                        && missing.as_ref().is_none_or(|name| summary.missing.contains(name))
                };
                let before = kept.iter().rev().filter(|(id, _)| *id < self::id(50));
                let expected: Vec<_> = before.filter(|row| fits(&row.1)).take(7).collect();
                let rows = store.executions(query.clone()).await.unwrap();
                let rows: Vec<_> = rows.into_iter().map(|row| (row.id, row.summary)).collect();
                assert_eq!(rows.iter().collect::<Vec<_>>(), expected, "{query:?}");
            }
        }
    }
}

async fn forgets_old_filters(store: Arc<dyn Store>) {
    store.append(append_all(id(1), 0, &[b"a"], suspended("p", &["a", "b"]))).await.unwrap();
    store.append(append_all(id(1), 1, &[b"b"], suspended("q", &["b", "c"]))).await.unwrap();
    let query = |pipeline: &str, missing: &str, status| ExecutionQuery {
        pipeline: Some(pipeline.into()),
        missing: Some(missing.into()),
        status: Some(status),
        ..everything()
    };
    assert_eq!(ids(&store, query("q", "c", Status::Suspended)).await, [id(1)]);
    assert_eq!(ids(&store, query("p", "b", Status::Suspended)).await, []);
    assert_eq!(ids(&store, query("q", "a", Status::Suspended)).await, []);
    let done = Summary { status: Status::Completed, ..suspended("q", &["b"]) };
    store.append(append_all(id(1), 2, &[b"c"], done)).await.unwrap();
    assert_eq!(ids(&store, query("q", "b", Status::Suspended)).await, []);
    assert_eq!(ids(&store, query("q", "b", Status::Completed)).await, [id(1)]);
    assert_eq!(ids(&store, everything()).await, [id(1)]);
}

async fn keeps_images_once(store: Arc<dyn Store>) {
    let anonymous = |image| SavePipeline { image, name: None, is_file: false };
    let first = store.save_pipeline(anonymous(image("x", 1))).await.unwrap();
    assert_eq!(first, SavedPipeline { is_new: true, version: None });
    let second = store.save_pipeline(anonymous(image("x", 2))).await.unwrap();
    assert_eq!(second, SavedPipeline { is_new: false, version: None });
    let kept = store.image(image("x", 0).digest).await.unwrap().unwrap();
    assert_eq!(kept, *image("x", 1));
    assert_eq!(store.aliases(None, 10).await.unwrap(), []);
}

async fn moves_aliases_to_other_images_only(store: Arc<dyn Store>) {
    let (one, two, one_later) = (image("1", 10), image("2", 20), image("1", 30));
    let saved = |is_new, version| SavedPipeline { is_new, version: Some(version) };
    assert_eq!(store.save_pipeline(save(&one, "p")).await.unwrap(), saved(true, 1));
    assert_eq!(store.save_pipeline(save(&one, "p")).await.unwrap(), saved(false, 1));
    assert_eq!(store.save_pipeline(save(&two, "p")).await.unwrap(), saved(true, 2));
    assert_eq!(store.save_pipeline(save(&one_later, "p")).await.unwrap(), saved(false, 3));
    assert_eq!(store.save_pipeline(save(&one, "q")).await.unwrap(), saved(false, 1));
    let row = store.alias("p".into(), None).await.unwrap().unwrap();
    assert_eq!((row.digest, row.version, row.moved_at), (one.digest, 3, Timestamp(30)));
}

async fn loads_files_without_undoing_a_rollback(store: Arc<dyn Store>) {
    let (old, new, newer) = (image("old", 1), image("new", 2), image("newer", 3));
    let version = async |save| store.save_pipeline(save).await.unwrap().version;
    assert_eq!(version(load(&old, "p")).await, Some(1));
    assert_eq!(version(load(&new, "p")).await, Some(2));
    assert_eq!(version(save(&old, "p")).await, Some(3)); // somebody rolls back by hand
    assert_eq!(version(load(&new, "p")).await, Some(3)); // a restart leaves that alone
    let digest = async || store.alias("p".into(), None).await.unwrap().unwrap().digest;
    assert_eq!(digest().await, old.digest);
    assert_eq!(version(load(&newer, "p")).await, Some(4)); // the file was edited
    assert_eq!(digest().await, newer.digest);
    assert_eq!(version(save(&newer, "p")).await, Some(4));
    // The file catches up with what was set by hand: nothing moves, but it counts as loaded.
    assert_eq!(version(save(&new, "p")).await, Some(5));
    assert_eq!(version(load(&new, "p")).await, Some(5));
    assert_eq!(version(save(&old, "p")).await, Some(6));
    assert_eq!(version(load(&new, "p")).await, Some(6));
    assert_eq!(digest().await, old.digest);
}

async fn finds_aliases_by_version(store: Arc<dyn Store>) {
    for (source, at) in [("a", 10), ("b", 20), ("c", 30)] {
        store.save_pipeline(save(&image(source, at), "p")).await.unwrap();
    }
    let second = store.alias("p".into(), Some(2)).await.unwrap().unwrap();
    assert_eq!((second.name.as_str(), second.version), ("p", 2));
    assert_eq!((second.digest, second.moved_at), (image("b", 0).digest, Timestamp(20)));
    assert_eq!(store.alias("p".into(), None).await.unwrap().unwrap().version, 3);
    for version in [0, 4, u32::MAX] {
        assert_eq!(store.alias("p".into(), Some(version)).await.unwrap(), None);
    }
    assert_eq!(store.alias("P".into(), None).await.unwrap(), None);
}

async fn pages_aliases_by_name(store: Arc<dyn Store>) {
    for name in ["b", "a", "a-b", "B", "ä", "a"] {
        store.save_pipeline(save(&image("old", 0), name)).await.unwrap();
        store.save_pipeline(save(&image(name, 0), name)).await.unwrap();
    }
    let names = async |after: Option<&str>, limit| -> Vec<(String, u32)> {
        let rows = store.aliases(after.map(Text::new), limit).await.unwrap();
        rows.into_iter().map(|row| (row.name.to_string(), row.version)).collect()
    };
    let all =
        ["B", "a", "a-b", "b", "ä"].map(|name| (name.to_owned(), if name == "a" { 4 } else { 2 }));
    assert_eq!(names(None, 10).await, all);
    assert_eq!(names(None, 2).await, all[..2]);
    assert_eq!(names(Some("a"), 2).await, all[2..4]);
    assert_eq!(names(Some("aa"), usize::MAX).await, all[3..]);
    assert_eq!(names(Some("ä"), 2).await, []);
    assert_eq!(names(None, 0).await, []);
}

async fn keeps_odd_texts_and_bytes(store: Arc<dyn Store>) {
    let odd = "\"'; DROP TABLE images; --\0\u{1f600}\\%_";
    let row = suspended(odd, &[odd, "[]"]);
    let large = vec![0xa5; 3 << 20];
    let records: [&[u8]; 3] = [b"", b"\0\xff", &large];
    store.append(append_all(id(1), 0, &records, row.clone())).await.unwrap();
    store.save_pipeline(save(&image(odd, 1), odd)).await.unwrap();
    assert_eq!(store.records(id(1)).await.unwrap().unwrap(), records.map(<[u8]>::to_vec));
    let query = ExecutionQuery { missing: Some(odd.into()), ..everything() };
    assert_eq!(store.executions(query).await.unwrap()[0].summary, row);
    assert_eq!(store.image(image(odd, 1).digest).await.unwrap().unwrap(), *image(odd, 1));
    assert_eq!(store.alias(odd.into(), None).await.unwrap().unwrap().name, odd);
}

async fn knows_nothing_at_first(store: Arc<dyn Store>) {
    assert_eq!(store.records(id(1)).await.unwrap(), None);
    assert_eq!(store.executions(everything()).await.unwrap(), []);
    assert_eq!(store.image(image("x", 1).digest).await.unwrap(), None);
    assert_eq!(store.alias("p".into(), None).await.unwrap(), None);
    assert_eq!(store.aliases(None, 10).await.unwrap(), []);
    // An execution may have no records; then it has none, rather than not being there.
    store.append(append_all(id(1), 0, &[], summary(Status::Running))).await.unwrap();
    assert_eq!(store.records(id(1)).await.unwrap(), Some(Vec::new()));
}

async fn ids(store: &Arc<dyn Store>, query: ExecutionQuery) -> Vec<ExecutionId> {
    let distinct: BTreeSet<ExecutionId> =
        store.executions(query.clone()).await.unwrap().iter().map(|row| row.id).collect();
    let rows = store.executions(query).await.unwrap();
    assert_eq!(rows.len(), distinct.len(), "an execution is listed once");
    rows.into_iter().map(|row| row.id).collect()
}
