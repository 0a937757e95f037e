//! Logs of executions, timers, and the listings that find them.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::ports::{
    Append, Appended, Claim, ExecutionQuery, Status, Store, StoreError, Summary, Timer,
};
use engine::{ExecutionId, Timestamp};
use model::{Digest, Text};

use crate::common::*;

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
    keeps_odd_texts_and_bytes,
    knows_nothing_at_first,
    gives_the_records_behind_others,
    refuses_what_has_no_image,
    orders_timers,
    deletes_executions_whole,
    writes_claims_with_the_append,
}

async fn appends_in_order(store: Arc<dyn Store>) {
    let running = || summary(Status::Running);
    store.append(append_all(id(1), 0, &[b"a", b"b"], running())).await.unwrap();
    store.append(append_all(id(1), 2, &[], running())).await.unwrap();
    store.append(append_all(id(1), 2, &[b"c"], running())).await.unwrap();
    store.append(append(id(2), 0, b"other")).await.unwrap();
    let records = store.records(id(1), 0).await.unwrap();
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
    assert_eq!(store.records(id(1), 0).await.unwrap(), Some(vec![b"first".to_vec()]));
    assert_eq!(store.records(id(2), 0).await.unwrap(), None);
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
            Ok(_) => winners.push(racer),
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!(winners.len(), 1);
    let records = store.records(id(1), 0).await.unwrap().unwrap();
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
                    let records = store.records(id(number), 0).await?.unwrap_or_default();
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
        assert_eq!(store.records(id(number), 0).await.unwrap().as_ref(), Some(&expected));
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

async fn keeps_odd_texts_and_bytes(store: Arc<dyn Store>) {
    let odd = "\"'; DROP TABLE images; --\0\u{1f600}\\%_";
    let row = suspended(odd, &[odd, "[]"]);
    let large = vec![0xa5; 3 << 20];
    let records: [&[u8]; 3] = [b"", b"\0\xff", &large];
    store.append(append_all(id(1), 0, &records, row.clone())).await.unwrap();
    store.save_pipeline(save(&image(odd, 1), odd)).await.unwrap();
    assert_eq!(store.records(id(1), 0).await.unwrap().unwrap(), records.map(<[u8]>::to_vec));
    let query = ExecutionQuery { missing: Some(odd.into()), ..everything() };
    assert_eq!(store.executions(query).await.unwrap()[0].summary, row);
    assert_eq!(store.image(image(odd, 1).digest).await.unwrap().unwrap(), *image(odd, 1));
    assert_eq!(store.alias(odd.into(), None).await.unwrap().unwrap().name, odd);
}

async fn knows_nothing_at_first(store: Arc<dyn Store>) {
    assert_eq!(store.records(id(1), 0).await.unwrap(), None);
    assert_eq!(store.executions(everything()).await.unwrap(), []);
    assert_eq!(store.image(image("x", 1).digest).await.unwrap(), None);
    assert_eq!(store.alias("p".into(), None).await.unwrap(), None);
    assert_eq!(store.aliases(None, 10).await.unwrap(), []);
    // An execution may have no records; then it has none, rather than not being there.
    store.append(append_all(id(1), 0, &[], summary(Status::Running))).await.unwrap();
    assert_eq!(store.records(id(1), 0).await.unwrap(), Some(Vec::new()));
}

async fn gives_the_records_behind_others(store: Arc<dyn Store>) {
    let all: [&[u8]; 3] = [b"a", b"b", b"c"];
    store.append(append_all(id(1), 0, &all, summary(Status::Running))).await.unwrap();
    for from in 0..5 {
        let behind = all.iter().skip(from).map(|record| record.to_vec()).collect();
        assert_eq!(store.records(id(1), from as u64).await.unwrap(), Some(behind));
    }
    assert_eq!(store.records(id(1), u64::MAX).await.unwrap(), Some(Vec::new()));
    assert_eq!(store.records(id(2), 1).await.unwrap(), None);
}

async fn refuses_what_has_no_image(store: Arc<dyn Store>) {
    let without =
        |number| Append { image: None, claims: vec![claim("k", 1)], ..append(id(number), 0, b"a") };
    assert_eq!(store.append(without(1)).await, Err(StoreError::NoImage));
    let other = image("other", 1);
    let with_other = Append { image: Some(Arc::clone(&other)), ..without(1) };
    assert_eq!(store.append(with_other).await, Err(StoreError::NoImage));
    assert_eq!(store.records(id(1), 0).await.unwrap(), None);
    assert_eq!(store.image(other.digest).await.unwrap(), None, "nothing was changed");
    assert_eq!(store.claim("k".into()).await.unwrap(), None);
    store.append(append(id(1), 0, b"a")).await.unwrap();
    store.append(without(2)).await.unwrap();
    // A count that is wrong is the first thing to say.
    let wrong = Append { after: 3, ..without(3) };
    assert_eq!(store.append(wrong).await, Err(StoreError::Conflict));
}

async fn orders_timers(store: Arc<dyn Store>) {
    let timer = |number, due| Timer { due: Timestamp(due), id: id(number) };
    let set = async |number, after, due: Option<i64>| {
        let due = due.map(Timestamp);
        store.append(Append { due, ..append(id(number), after, b"r") }).await.unwrap();
    };
    for (number, due) in [(3, Some(50)), (1, Some(70)), (2, Some(50)), (4, None), (5, Some(-9))] {
        set(number, 0, due).await;
    }
    let all = [timer(5, -9), timer(2, 50), timer(3, 50), timer(1, 70)];
    assert_eq!(store.timers(10).await.unwrap(), all);
    assert_eq!(store.timers(2).await.unwrap(), all[..2]);
    assert_eq!(store.timers(0).await.unwrap(), []);
    set(5, 1, None).await;
    set(1, 1, Some(40)).await;
    store.delete(id(2), 1).await.unwrap();
    assert_eq!(store.timers(usize::MAX).await.unwrap(), [timer(1, 40), timer(3, 50)]);
    let early = timer(6, i64::MIN);
    set(6, 0, Some(i64::MIN)).await;
    assert_eq!(store.timers(1).await.unwrap(), [early]);
    // An event leaves the timer as it is.
    let listening = Append { due: Some(Timestamp(9)), ..listen(id(7), 0, &[("a", "t", "k")]) };
    store.append(listening).await.unwrap();
    store.deliver(event("t", "k", b"e")).await.unwrap();
    assert_eq!(store.timers(2).await.unwrap(), [early, timer(7, 9)]);
}

async fn deletes_executions_whole(store: Arc<dyn Store>) {
    let with_claim = Append { claims: vec![claim("k", 1)], ..listen(id(1), 0, &[("a", "t", "k")]) };
    store.append(with_claim).await.unwrap();
    store.append(append_all(id(2), 0, &[], summary(Status::Failed))).await.unwrap();
    for (number, records) in [(1, 0), (1, 2), (1, u64::MAX), (2, 1), (3, 0), (3, 1)] {
        assert_eq!(store.delete(id(number), records).await, Err(StoreError::Conflict));
    }
    store.delete(id(1), 1).await.unwrap();
    store.delete(id(2), 0).await.unwrap();
    assert_eq!(store.records(id(1), 0).await.unwrap(), None);
    assert_eq!(store.executions(everything()).await.unwrap(), []);
    let by_input = ExecutionQuery { missing: Some("a".into()), ..everything() };
    assert_eq!(ids(&store, by_input).await, []);
    assert!(store.deliver(event("t", "k", b"e")).await.unwrap().is_kept, "nobody listens");
    assert_eq!(store.claim("k".into()).await.unwrap(), Some(claim("k", 1)), "claims outlive it");
    assert_eq!(store.delete(id(1), 1).await, Err(StoreError::Conflict));
    // The same id may begin anew, with an empty log.
    store.append(append(id(1), 0, b"again")).await.unwrap();
    assert_eq!(records(&store, id(1)).await, [b"again"]);
}

async fn writes_claims_with_the_append(store: Arc<dyn Store>) {
    let open = Claim { execution: Some(id(1)), ..claim("k", 5) };
    let answered = Claim { answer: Some(b"\0done".to_vec()), ..open.clone() };
    let other = Claim { digest: Digest::of(b"other"), ..claim("other", i64::MIN) };
    store.append(Append { claims: vec![open.clone()], ..append(id(1), 0, b"a") }).await.unwrap();
    assert_eq!(store.claim("k".into()).await.unwrap().as_ref(), Some(&open));
    let late = Append { claims: vec![claim("k", 9)], ..append(id(1), 0, b"b") };
    assert_eq!(store.append(late).await, Err(StoreError::Conflict));
    assert_eq!(store.claim("k".into()).await.unwrap(), Some(open));
    let both = vec![answered.clone(), other.clone()];
    let done = store.append(Append { claims: both, ..append(id(1), 1, b"b") }).await.unwrap();
    assert_eq!(done, Appended::default());
    assert_eq!(store.claim("k".into()).await.unwrap(), Some(answered));
    assert_eq!(store.claim("other".into()).await.unwrap(), Some(other));
    assert_eq!(store.claim("nobody's".into()).await.unwrap(), None);
    store.put_claim(claim("k", 7)).await.unwrap();
    assert_eq!(store.claim("k".into()).await.unwrap(), Some(claim("k", 7)));
}

async fn ids(store: &Arc<dyn Store>, query: ExecutionQuery) -> Vec<ExecutionId> {
    let distinct: BTreeSet<ExecutionId> =
        store.executions(query.clone()).await.unwrap().iter().map(|row| row.id).collect();
    let rows = store.executions(query).await.unwrap();
    assert_eq!(rows.len(), distinct.len(), "an execution is listed once");
    rows.into_iter().map(|row| row.id).collect()
}
