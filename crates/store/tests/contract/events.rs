//! Events: who gets them, which are kept, which are known already.

use std::sync::Arc;

use engine::Timestamp;
use engine::ports::{
    Delivered, Delivery, EventQuery, ExecutionQuery, Status, Store, StoreError, Summary,
};
use model::Text;

use crate::common::*;

contract! {
    gives_an_event_to_who_listens,
    keeps_an_event_for_who_listens_later,
    gives_the_oldest_to_the_first_input,
    gives_one_event_to_one_input,
    gives_an_event_to_every_execution,
    takes_nothing_where_it_listened_before,
    looks_again_after_an_event_was_taken,
    changes_what_is_listened_for,
    lists_who_got_an_event_as_running,
    conflicts_after_an_event,
    knows_events_by_their_identity,
    keeps_no_more_than_it_may,
    answers_deliveries,
    pages_kept_events,
}

fn taken_by(numbers: &[u64]) -> Delivered {
    let executions = numbers.iter().map(|&number| id(number)).collect();
    Delivered { executions, ..Delivered::default() }
}

fn is_kept() -> Delivered {
    Delivered { is_kept: true, ..Delivered::default() }
}

async fn deliver(store: &Arc<dyn Store>, delivery: Delivery) -> Delivered {
    store.deliver(delivery).await.unwrap()
}

async fn gives_an_event_to_who_listens(store: Arc<dyn Store>) {
    let done = store.append(listen(id(1), 0, &[("a", "paid", "7")])).await.unwrap();
    assert_eq!(done.received, Vec::<Vec<u8>>::new());
    assert_eq!(deliver(&store, event("paid", "8", b"no")).await, is_kept());
    assert_eq!(deliver(&store, event("sent", "7", b"no")).await, is_kept());
    assert_eq!(deliver(&store, event("Paid", "7", b"no")).await, is_kept());
    assert_eq!(deliver(&store, event("paid", "7", b"yes")).await, taken_by(&[1]));
    assert_eq!(records(&store, id(1)).await, [b"r".as_slice(), b"yes"]);
    assert_eq!(deliver(&store, event("paid", "7", b"next")).await, is_kept(), "one was enough");
    assert_eq!(kept(&store).await, [b"no".as_slice(), b"no", b"no", b"next"]);
}

async fn keeps_an_event_for_who_listens_later(store: Arc<dyn Store>) {
    for record in [b"1", b"2"] {
        assert_eq!(deliver(&store, event("paid", "7", record)).await, is_kept());
    }
    let done = store.append(listen(id(1), 0, &[("a", "paid", "7")])).await.unwrap();
    assert_eq!(done.received, [b"1"]);
    assert_eq!(records(&store, id(1)).await, [b"r", b"1"]);
    assert_eq!(kept(&store).await, [b"2"]);
    // The input does not listen any more: it was filled.
    assert_eq!(deliver(&store, event("paid", "7", b"3")).await, is_kept());
    // Nothing is taken by an append that is refused.
    let late = store.append(listen(id(1), 1, &[("b", "paid", "7")])).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(kept(&store).await, [b"2", b"3"]);
}

async fn gives_the_oldest_to_the_first_input(store: Arc<dyn Store>) {
    for (key, record) in [("7", b"1"), ("8", b"2"), ("7", b"3"), ("7", b"4")] {
        deliver(&store, event("paid", key, record)).await;
    }
    let inputs = [("a", "paid", "8"), ("b", "paid", "7"), ("c", "sent", "7"), ("d", "paid", "7")];
    let done = store.append(listen(id(1), 0, &inputs)).await.unwrap();
    assert_eq!(done.received, [b"2", b"1", b"3"], "in the order of the inputs");
    assert_eq!(records(&store, id(1)).await, [b"r", b"2", b"1", b"3"]);
    assert_eq!(kept(&store).await, [b"4"]);
    assert_eq!(deliver(&store, event("sent", "7", b"5")).await, taken_by(&[1]));
}

async fn gives_one_event_to_one_input(store: Arc<dyn Store>) {
    let inputs = [("a", "paid", "7"), ("b", "paid", "7")];
    store.append(listen(id(1), 0, &inputs)).await.unwrap();
    assert_eq!(deliver(&store, event("paid", "7", b"1")).await, taken_by(&[1]));
    assert_eq!(records(&store, id(1)).await, [b"r", b"1"]);
    assert_eq!(deliver(&store, event("paid", "7", b"2")).await, taken_by(&[1]));
    assert_eq!(deliver(&store, event("paid", "7", b"3")).await, is_kept());
    assert_eq!(records(&store, id(1)).await, [b"r", b"1", b"2"]);
}

async fn gives_an_event_to_every_execution(store: Arc<dyn Store>) {
    for number in [3, 1, 2] {
        store.append(listen(id(number), 0, &[("a", "paid", "7")])).await.unwrap();
    }
    store.append(listen(id(4), 0, &[("a", "paid", "8")])).await.unwrap();
    assert_eq!(deliver(&store, event("paid", "7", b"e")).await, taken_by(&[1, 2, 3]));
    for number in [1, 2, 3] {
        assert_eq!(records(&store, id(number)).await, [b"r", b"e"]);
    }
    assert_eq!(records(&store, id(4)).await, [b"r"]);
    assert_eq!(kept(&store).await, Vec::<Vec<u8>>::new());
}

async fn takes_nothing_where_it_listened_before(store: Arc<dyn Store>) {
    let two = [("a", "paid", "7"), ("b", "paid", "7")];
    store.append(listen(id(1), 0, &two)).await.unwrap();
    store.append(listen(id(1), 1, &two)).await.unwrap();
    assert_eq!(deliver(&store, event("paid", "7", b"1")).await, taken_by(&[1]));
    assert_eq!(records(&store, id(1)).await, [b"r", b"r", b"1"]);
    // The first input has its event; the second listens as before.
    store.append(listen(id(1), 3, &two[1..])).await.unwrap();
    store.append(listen(id(1), 4, &two[1..])).await.unwrap();
    assert_eq!(deliver(&store, event("paid", "7", b"2")).await, taken_by(&[1]));
    assert_eq!(deliver(&store, event("paid", "7", b"3")).await, is_kept());
    // With none left, an append takes nothing.
    let done = store.append(listen(id(1), 6, &[])).await.unwrap();
    assert_eq!(done.received, Vec::<Vec<u8>>::new());
    assert_eq!(kept(&store).await, [b"3"]);
}

async fn looks_again_after_an_event_was_taken(store: Arc<dyn Store>) {
    let input = [("a", "paid", "7")];
    store.append(listen(id(1), 0, &input)).await.unwrap();
    deliver(&store, event("paid", "7", b"1")).await;
    deliver(&store, event("paid", "7", b"2")).await;
    assert_eq!(store.append(listen(id(1), 2, &input)).await.unwrap().received, [b"2"]);
    assert_eq!(store.append(listen(id(1), 4, &input)).await.unwrap().received, [[0; 0]; 0]);
    assert_eq!(deliver(&store, event("paid", "7", b"3")).await, taken_by(&[1]));
    assert_eq!(records(&store, id(1)).await, [b"r", b"1", b"r", b"2", b"r", b"3"]);
}

async fn changes_what_is_listened_for(store: Arc<dyn Store>) {
    deliver(&store, event("paid", "8", b"1")).await;
    store.append(listen(id(1), 0, &[("a", "paid", "7"), ("b", "sent", "7")])).await.unwrap();
    let done = store.append(listen(id(1), 1, &[("a", "paid", "8"), ("b", "sent", "7")])).await;
    assert_eq!(done.unwrap().received, [b"1"]);
    assert_eq!(deliver(&store, event("paid", "7", b"2")).await, is_kept());
    assert_eq!(deliver(&store, event("sent", "7", b"3")).await, taken_by(&[1]));
    assert_eq!(records(&store, id(1)).await, [b"r", b"r", b"1", b"3"]);
    assert_eq!(kept(&store).await, [b"2"]);
}

async fn lists_who_got_an_event_as_running(store: Arc<dyn Store>) {
    let input = [("a", "paid", "7")];
    let query = |status| ExecutionQuery {
        status: Some(status),
        pipeline: Some("p".into()),
        missing: Some("a".into()),
        ..everything()
    };
    let listed = async |status| -> Option<Summary> {
        let rows = store.executions(query(status)).await.unwrap();
        rows.into_iter().next().map(|row| row.summary)
    };
    let row = suspended("p", &["a"]);
    store.append(listen(id(1), 0, &input)).await.unwrap();
    assert_eq!(listed(Status::Suspended).await.as_ref(), Some(&row));
    deliver(&store, event("paid", "7", b"1")).await;
    let running = Summary { status: Status::Running, updated_at: Timestamp(3_000), ..row.clone() };
    assert_eq!(listed(Status::Suspended).await, None);
    assert_eq!(listed(Status::Running).await, Some(running));
    // An older clock does not turn the time back.
    store.append(listen(id(1), 2, &input)).await.unwrap();
    assert_eq!(listed(Status::Suspended).await.as_ref(), Some(&row));
    deliver(&store, Delivery { at: Timestamp(1), ..event("paid", "7", b"2") }).await;
    let running = Summary { status: Status::Running, ..row.clone() };
    assert_eq!(listed(Status::Running).await, Some(running.clone()));
    // So too with a kept event.
    deliver(&store, event("paid", "7", b"3")).await;
    store.append(listen(id(1), 4, &input)).await.unwrap();
    assert_eq!(listed(Status::Suspended).await, None);
    assert_eq!(listed(Status::Running).await, Some(running));
    store.append(listen(id(1), 6, &[])).await.unwrap();
    assert_eq!(listed(Status::Running).await, None);
    assert_eq!(listed(Status::Suspended).await, Some(row));
}

async fn conflicts_after_an_event(store: Arc<dyn Store>) {
    store.append(listen(id(1), 0, &[("a", "paid", "7")])).await.unwrap();
    deliver(&store, event("paid", "7", b"e")).await;
    assert_eq!(store.append(append(id(1), 1, b"late")).await, Err(StoreError::Conflict));
    assert_eq!(store.delete(id(1), 1).await, Err(StoreError::Conflict));
    assert_eq!(store.records(id(1), 1).await.unwrap(), Some(vec![b"e".to_vec()]));
    store.append(append(id(1), 2, b"b")).await.unwrap();
    assert_eq!(records(&store, id(1)).await, [b"r", b"e", b"b"]);
}

async fn knows_events_by_their_identity(store: Arc<dyn Store>) {
    let from = |source: &str, id: &str, record: &[u8]| Delivery {
        identity: Some((source.into(), id.into())),
        ..event("paid", "7", record)
    };
    let repeated = Delivered { is_repeated: true, ..Delivered::default() };
    assert_eq!(deliver(&store, from("shop", "1", b"1")).await, is_kept());
    assert_eq!(deliver(&store, from("shop", "1", b"2")).await, repeated);
    assert_eq!(deliver(&store, from("shop", "2", b"3")).await, is_kept());
    assert_eq!(deliver(&store, from("bank", "1", b"4")).await, is_kept());
    assert_eq!(deliver(&store, from("shop1", "", b"5")).await, is_kept());
    assert_eq!(deliver(&store, event("paid", "7", b"6")).await, is_kept());
    assert_eq!(deliver(&store, event("paid", "7", b"6")).await, is_kept());
    // Repeated is what has the same identity, whatever else it says, also once it was taken.
    store.append(listen(id(1), 0, &[("a", "paid", "7"), ("b", "sent", "7")])).await.unwrap();
    let other = Delivery { event_type: "sent".into(), ..from("shop", "1", b"7") };
    assert_eq!(deliver(&store, other).await, repeated);
    assert_eq!(records(&store, id(1)).await, [b"r", b"1"]);
    assert_eq!(deliver(&store, from("new", "1", b"8")).await, is_kept());
    let sent = Delivery { event_type: "sent".into(), ..from("new", "2", b"9") };
    assert_eq!(deliver(&store, sent.clone()).await, taken_by(&[1]));
    assert_eq!(deliver(&store, sent).await, repeated);
    assert_eq!(kept(&store).await, [b"3", b"4", b"5", b"6", b"6", b"8"]);
}

async fn keeps_no_more_than_it_may(store: Arc<dyn Store>) {
    let up_to = |kept_max, record: &[u8]| Delivery {
        kept_max,
        identity: Some(("shop".into(), Text::new(String::from_utf8_lossy(record)))),
        claim: answering("key"),
        ..event("paid", "7", record)
    };
    assert_eq!(store.deliver(up_to(0, b"1")).await, Err(StoreError::Overloaded));
    assert_eq!(deliver(&store, up_to(2, b"1")).await, is_kept(), "nothing was remembered");
    assert_eq!(deliver(&store, up_to(2, b"2")).await, is_kept());
    store.put_claim(claim("key", 1)).await.unwrap();
    assert_eq!(store.deliver(up_to(2, b"3")).await, Err(StoreError::Overloaded));
    assert_eq!(store.claim("key".into()).await.unwrap(), Some(claim("key", 1)));
    assert!(deliver(&store, up_to(2, b"2")).await.is_repeated, "a repetition needs no room");
    store.append(listen(id(1), 0, &[("a", "paid", "7"), ("b", "sent", "7")])).await.unwrap();
    let sent = Delivery { event_type: "sent".into(), ..up_to(0, b"4") };
    assert_eq!(deliver(&store, sent).await, taken_by(&[1]), "nor does what is taken");
    assert_eq!(deliver(&store, up_to(2, b"3")).await, is_kept());
    assert_eq!(store.deliver(up_to(2, b"5")).await, Err(StoreError::Overloaded));
    assert_eq!(kept(&store).await, [b"2", b"3"]);
}

async fn answers_deliveries(store: Arc<dyn Store>) {
    store.append(listen(id(1), 0, &[("a", "paid", "7")])).await.unwrap();
    let repeated = Delivered { is_repeated: true, ..Delivered::default() };
    let identity = |id: &str| Some(("shop".into(), id.into()));
    for (key, event_id, expected) in
        [("x", "1", taken_by(&[1])), ("y", "2", is_kept()), ("z", "1", repeated)]
    {
        let delivery = Delivery {
            identity: identity(event_id),
            claim: answering(key),
            ..event("paid", "7", b"e")
        };
        assert_eq!(deliver(&store, delivery).await, expected);
        assert_eq!(answer(&store, key).await, Some(format!("{expected:?}")));
    }
    assert_eq!(store.claim("x".into()).await.unwrap().unwrap().at, Timestamp(1_000));
}

async fn pages_kept_events(store: Arc<dyn Store>) {
    let all = [("a", "1", b"0"), ("b", "1", b"1"), ("a", "2", b"2"), ("a", "1", b"3")];
    for (event_type, key, record) in all {
        deliver(&store, event(event_type, key, record)).await;
    }
    let listed = async |event_type: Option<&str>, key: Option<&str>, after, limit| {
        let (event_type, key) = (event_type.map(Text::new), key.map(Text::new));
        let query = EventQuery { event_type, key, after, limit };
        store.kept_events(query).await.unwrap()
    };
    let everything = listed(None, None, None, usize::MAX).await;
    let numbers: Vec<u64> = everything.iter().map(|event| event.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    for event_type in [None, Some("a"), Some("b"), Some("c"), Some("")] {
        for key in [None, Some("1"), Some("2"), Some("3")] {
            for after in numbers.iter().copied().map(Some).chain([None, Some(0), Some(u64::MAX)]) {
                for limit in [0, 1, 2, 100] {
                    let fits = |at: &usize| {
                        event_type.is_none_or(|wanted| wanted == all[*at].0)
                            && key.is_none_or(|wanted| wanted == all[*at].1)
                            && after.is_none_or(|after| numbers[*at] > after)
                    };
                    let fitting: Vec<_> =
                        (0..4).filter(fits).take(limit).map(|at| everything[at].clone()).collect();
                    assert_eq!(listed(event_type, key, after, limit).await, fitting);
                }
            }
        }
    }
    // A number is never given again, so that a page that was begun goes on behind it.
    let inputs = [("x", "a", "1"), ("y", "a", "1"), ("z", "a", "2"), ("zz", "b", "1")];
    store.append(listen(id(1), 0, &inputs)).await.unwrap();
    assert_eq!(listed(None, None, None, 9).await, []);
    deliver(&store, event("a", "1", b"4")).await;
    let newest = listed(None, None, numbers.last().copied(), 9).await;
    assert_eq!((newest.len(), newest[0].record.as_slice()), (1, b"4".as_slice()));
}
