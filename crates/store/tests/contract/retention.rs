//! What a sweep forgets, and what it leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::Timestamp;
use engine::ports::{
    Append, Delivered, Delivery, MoveAlias, SavePipeline, Status, Store, StoredImage, Summary,
    Sweep, Swept, Target,
};
use model::Digest;

use crate::common::*;

contract! {
    sweeps_what_ended_before,
    sweeps_images_that_nobody_needs,
    keeps_images_that_somebody_asked_for,
    sweeps_events_and_their_identities,
    sweeps_claims,
    sweeps_in_steps,
}

/// A sweep of nothing at all.
fn nothing() -> Sweep {
    let never = Timestamp(i64::MIN);
    Sweep {
        finished_before: never,
        failed_before: never,
        events_before: never,
        claims_before: never,
        limit: 100,
    }
}

fn executions(before: i64) -> Sweep {
    Sweep { finished_before: Timestamp(before), failed_before: Timestamp(before), ..nothing() }
}

/// An execution that runs `image`, with this status since this time.
async fn run(
    store: &Arc<dyn Store>,
    number: u64,
    image: &Arc<StoredImage>,
    status: Status,
    at: i64,
) {
    let row = Summary { image: image.digest, updated_at: Timestamp(at), ..summary(status) };
    let image = Some(Arc::clone(image));
    let append = Append { image, ..append_all(id(number), 0, &[b"r"], row) };
    store.append(append).await.unwrap();
}

async fn listed(store: &Arc<dyn Store>) -> Vec<u64> {
    let rows = store.executions(everything()).await.unwrap();
    let number = |row: engine::ports::ExecutionRow| (0..99).find(|&number| id(number) == row.id);
    rows.into_iter().rev().filter_map(number).collect()
}

async fn sweeps_what_ended_before(store: Arc<dyn Store>) {
    let program = image("program", 1);
    let mut number = 0;
    for status in Status::ALL {
        for at in [9, 10] {
            run(&store, number, &program, status, at).await;
            number += 1;
        }
    }
    // In the order of `Status::ALL`: 0 and 1 run, 2 and 3 are suspended, 4 and 5 are completed, 6
    // and 7 have failed, 8 and 9 are cancelled.
    assert_eq!(store.sweep(nothing()).await.unwrap(), Swept::default());
    let finished = Sweep { finished_before: Timestamp(10), ..nothing() };
    let two = Swept { executions: 2, ..Swept::default() };
    assert_eq!(store.sweep(finished).await.unwrap(), two);
    assert_eq!(listed(&store).await, [0, 1, 2, 3, 5, 6, 7, 9]);
    let failed = Sweep { failed_before: Timestamp(11), ..nothing() };
    assert_eq!(store.sweep(failed).await.unwrap(), two);
    assert_eq!(listed(&store).await, [0, 1, 2, 3, 5, 9]);
    let all = executions(i64::MAX);
    assert_eq!(store.sweep(all).await.unwrap(), two);
    assert_eq!(listed(&store).await, [0, 1, 2, 3]);
    assert_eq!(store.sweep(all).await.unwrap(), Swept::default());
    assert_eq!(store.records(id(4), 0).await.unwrap(), None);
    // It listens no more and has no timer, and its id is free again.
    let due = Some(Timestamp(1));
    let row = summary(Status::Failed);
    let listening = listening(&[("a", "t", "k")]);
    let last = Append { due, listening, ..append_all(id(4), 0, &[b"r"], row) };
    store.append(last).await.unwrap();
    assert_eq!(store.sweep(all).await.unwrap().executions, 1);
    assert_eq!(store.timers(9).await.unwrap(), []);
    assert!(store.deliver(event("t", "k", b"e")).await.unwrap().is_kept);
}

async fn sweeps_images_that_nobody_needs(store: Arc<dyn Store>) {
    let (one, two, three) = (image("1", 1), image("2", 1), image("3", 1));
    run(&store, 1, &one, Status::Completed, 10).await;
    run(&store, 2, &one, Status::Failed, 20).await;
    run(&store, 3, &two, Status::Cancelled, 10).await;
    run(&store, 4, &three, Status::Completed, 10).await;
    run(&store, 5, &three, Status::Suspended, 10).await;
    let first = store.sweep(executions(15)).await.unwrap();
    assert_eq!(first, Swept { executions: 3, images: vec![two.digest], is_more: false });
    assert_eq!(store.image(two.digest).await.unwrap(), None);
    let second = store.sweep(executions(i64::MAX)).await.unwrap();
    assert_eq!(second, Swept { executions: 1, images: vec![one.digest], is_more: false });
    assert!(store.image(three.digest).await.unwrap().is_some(), "5 runs it");
}

async fn keeps_images_that_somebody_asked_for(store: Arc<dyn Store>) {
    let names = ["saved", "saved later", "alias", "moved", "passed by", "swept"];
    let images = names.map(|name| image(name, 1));
    let [saved, saved_later, alias, moved, passed_by, swept] = &images;
    let anonymous = |image| SavePipeline { name: None, ..save(image, "") };
    store.save_pipeline(anonymous(saved)).await.unwrap();
    for (number, image) in (0..).zip(&images) {
        run(&store, number, image, Status::Completed, 10).await;
    }
    assert!(!store.save_pipeline(anonymous(saved_later)).await.unwrap().is_new);
    store.save_pipeline(save(alias, "p")).await.unwrap();
    let shift = |name: &str, digest| MoveAlias {
        name: name.into(),
        to: Target::Image(digest),
        expected: None,
        at: Timestamp(5),
        claim: None,
    };
    store.move_alias(shift("q", passed_by.digest)).await.unwrap();
    store.move_alias(shift("q", moved.digest)).await.unwrap();
    // Also without its alias, an image that was asked for stays until it is deleted.
    store.delete_alias("p".into()).await.unwrap();
    let done = store.sweep(executions(11)).await.unwrap();
    assert_eq!(done, Swept { executions: 6, images: vec![swept.digest], is_more: false });
    for image in &images[..5] {
        assert!(store.image(image.digest).await.unwrap().is_some(), "{}", image.source);
    }
    assert_eq!(store.image(swept.digest).await.unwrap(), None);
}

async fn sweeps_events_and_their_identities(store: Arc<dyn Store>) {
    let came = |id: &str, at| Delivery {
        identity: Some(("shop".into(), id.into())),
        at: Timestamp(at),
        kept_max: 3,
        ..event("paid", "7", id.as_bytes())
    };
    store.append(listen(id(1), 0, &[("a", "paid", "7")])).await.unwrap();
    // A clock may go back: what counts is the time, not the order.
    for (id, at) in [("taken", 10), ("new", 30), ("old", 10), ("newer", 40)] {
        store.deliver(came(id, at)).await.unwrap();
    }
    let events = Sweep { events_before: Timestamp(30), ..nothing() };
    assert_eq!(store.sweep(events).await.unwrap(), Swept::default());
    assert_eq!(kept(&store).await, [b"new".as_slice(), b"newer"]);
    assert!(store.deliver(came("new", 50)).await.unwrap().is_repeated);
    let again = store.deliver(came("old", 50)).await.unwrap();
    assert_eq!(again, Delivered { is_kept: true, ..Delivered::default() }, "there is room again");
    assert!(store.deliver(came("taken", 50)).await.is_err(), "but not for more");
    assert_eq!(records(&store, id(1)).await, [b"r".as_slice(), b"taken"], "logs stay");
}

async fn sweeps_claims(store: Arc<dyn Store>) {
    for (key, at) in [("a", 30), ("b", 10), ("c", 29)] {
        store.put_claim(claim(key, at)).await.unwrap();
    }
    store.put_claim(claim("b", 31)).await.unwrap();
    let claims = Sweep { claims_before: Timestamp(30), ..nothing() };
    assert_eq!(store.sweep(claims).await.unwrap(), Swept::default());
    assert_eq!(store.claim("a".into()).await.unwrap(), Some(claim("a", 30)));
    assert_eq!(store.claim("b".into()).await.unwrap(), Some(claim("b", 31)));
    assert_eq!(store.claim("c".into()).await.unwrap(), None);
}

async fn sweeps_in_steps(store: Arc<dyn Store>) {
    let images: Vec<_> = (0..7_u8).map(|number| image(&number.to_string(), 1)).collect();
    let statuses = [Status::Completed, Status::Failed, Status::Cancelled];
    for (number, image) in (0..).zip(&images) {
        run(&store, number, image, statuses[number as usize % 3], 10).await;
    }
    for number in 0..5 {
        store.put_claim(claim(&number.to_string(), 10)).await.unwrap();
        let identity = Some(("shop".into(), number.to_string().into()));
        let at = Timestamp(10);
        store.deliver(Delivery { identity, at, ..event("t", "k", b"e") }).await.unwrap();
    }
    let all = Timestamp(11);
    let step = Sweep {
        finished_before: all,
        failed_before: all,
        events_before: all,
        claims_before: all,
        limit: 2,
    };
    let (mut executions, mut forgotten, mut steps) = (0, BTreeSet::new(), 0);
    loop {
        let swept = store.sweep(step).await.unwrap();
        assert!(swept.executions <= 4, "at most two of each kind: {swept:?}");
        executions += swept.executions;
        forgotten.extend(swept.images);
        steps += 1;
        assert!(kept(&store).await.len() + 2 * steps >= 5, "at most two events a step");
        if !swept.is_more {
            break;
        }
    }
    assert_eq!(steps, 3);
    assert_eq!(executions, 7);
    let digests: BTreeSet<Digest> = images.iter().map(|image| image.digest).collect();
    assert_eq!(forgotten, digests);
    assert_eq!(listed(&store).await, [0; 0]);
    assert_eq!(kept(&store).await, Vec::<Vec<u8>>::new());
    for number in 0..5 {
        assert_eq!(store.claim(number.to_string().into()).await.unwrap(), None);
        let identity = Some(("shop".into(), number.to_string().into()));
        let delivered = store.deliver(Delivery { identity, ..event("t", "k", b"e") }).await;
        assert!(delivered.unwrap().is_kept, "its identity is forgotten");
    }
}
