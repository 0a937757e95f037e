//! A store that does not work: what callers are told, and what they are not.

use std::sync::Arc;

use engine::ports::{
    AliasRow, Append, Appended, Claim, DeletedImage, Delivered, Delivery, EventQuery,
    ExecutionQuery, ExecutionRow, KeptEvent, MoveAlias, MovedAlias, SavePipeline, SavedPipeline,
    StoreFuture, StoredImage, Sweep, Swept, Timer,
};
use engine::{ExecutionId, Store, StoreError};
use expect_test::expect;
use model::{Digest, Text};

use crate::host::Host;

/// It fails in this way, and its listing of aliases panics.
struct BrokenStore(StoreError);

impl BrokenStore {
    fn unavailable() -> Arc<BrokenStore> {
        Arc::new(BrokenStore(StoreError::Unavailable("no space left on /srv/tidegate".to_owned())))
    }
}

macro_rules! fails {
    ($($verb:ident($($ty:ty),*) -> $result:ty;)*) => {
        $(fn $verb(&self, $(_: $ty),*) -> StoreFuture<$result> {
            Box::pin(std::future::ready(Err(self.0.clone())))
        })*
    };
}

impl Store for BrokenStore {
    fails! {
        append(Append) -> Appended;
        records(ExecutionId, u64) -> Option<Vec<Vec<u8>>>;
        executions(ExecutionQuery) -> Vec<ExecutionRow>;
        delete(ExecutionId, u64) -> ();
        timers(usize) -> Vec<Timer>;
        deliver(Delivery) -> Delivered;
        kept_events(EventQuery) -> Vec<KeptEvent>;
        claim(Text) -> Option<Claim>;
        put_claim(Claim) -> ();
        save_pipeline(SavePipeline) -> SavedPipeline;
        image(Digest) -> Option<StoredImage>;
        images(Option<Digest>, usize) -> Vec<Digest>;
        alias(Text, Option<u32>) -> Option<AliasRow>;
        aliases_of(Digest, usize) -> Vec<AliasRow>;
        versions(Text, Option<u32>, usize) -> Vec<AliasRow>;
        move_alias(MoveAlias) -> MovedAlias;
        delete_alias(Text) -> bool;
        delete_image(Digest) -> DeletedImage;
        sweep(Sweep) -> Swept;
    }

    fn aliases(&self, _: Option<Text>, _: usize) -> StoreFuture<Vec<AliasRow>> {
        panic!("the store is broken")
    }
}

#[tokio::test]
async fn callers_are_told_to_come_back() {
    let host = Host::start_on(BrokenStore::unavailable()).await;
    expect![[r#"
        503
        content-type: application/problem+json
        retry-after: 1
        x-request-id: …
        type: "/problems/store-unavailable"
        title: "The store does not answer"
        status: 503
        detail: "what the request asked for could not be stored or read; ask again"
    "#]]
    .assert_eq(&host.get("/executions").await.transcript());
    let id = "exec-01928f6e-5c1a-7000-8000-0123456789ab";
    expect![[r#"
        503
        content-type: application/problem+json
        tidegate-execution-id: exec-…
        retry-after: 1
        x-request-id: …
        type: "/problems/store-unavailable"
        title: "The store does not answer"
        status: 503
        detail: "what the request asked for could not be stored or read; ask again"
        executionId: "exec-…"
    "#]]
    .assert_eq(&host.post(&format!("/executions/{id}/resume"), "{}").await.transcript());
    let suspends = r#"{ "source": "in x: Int\nout x" }"#;
    assert_eq!(host.post("/run", suspends).await.status, 503);
    // What keeps nothing needs no store.
    assert_eq!(host.post("/run", r#"{ "source": "out x = 1" }"#).await.status, 200);
}

#[tokio::test]
async fn a_panic_is_answered_and_harms_nobody_else() {
    let host = Host::start_on(BrokenStore::unavailable()).await;
    expect![[r#"
        500
        content-type: application/problem+json
        x-request-id: …
        type: "/problems/internal"
        title: "Something went wrong in the server"
        status: 500
        detail: "the log of the server has more about it, under the id in `X-Request-Id`"
    "#]]
    .assert_eq(&host.get("/pipelines").await.transcript());
    assert_eq!(host.get("/health/ready").await.status, 200);
}

#[tokio::test]
async fn what_is_full_is_told_to_whoever_brings_more() {
    let host = Host::start_on(Arc::new(BrokenStore(StoreError::Overloaded))).await;
    expect![[r#"
        429
        content-type: application/problem+json
        retry-after: 1
        x-request-id: …
        type: "/problems/overloaded"
        title: "The server has too much to do"
        status: 429
        detail: "the server has as much to do as it can take; ask again in a moment"
    "#]]
    .assert_eq(
        &host.post("/events", r#"{ "type": "a", "key": "b", "data": 1 }"#).await.transcript(),
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_is_not_ignored() {
    let host = Host::start_on(BrokenStore::unavailable()).await;
    let body = r#"{ "source": "out x = 1" }"#;
    let answer = host.post_with("/run", &[("Idempotency-Key", "a")], body).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}
