//! A store that does not work: what callers are told, and what they are not.

use std::sync::Arc;

use engine::ports::{
    AliasRow, Append, ExecutionQuery, ExecutionRow, SavePipeline, SavedPipeline, StoreFuture,
    StoredImage,
};
use engine::{ExecutionId, Store, StoreError};
use expect_test::expect;
use model::{Digest, Text};

use crate::host::Host;

/// It fails, and its listing of aliases panics.
struct BrokenStore;

fn fail<T: Send + 'static>() -> StoreFuture<T> {
    let cause = "no space left on /srv/tidegate".to_owned();
    Box::pin(std::future::ready(Err(StoreError::Unavailable(cause))))
}

impl Store for BrokenStore {
    fn append(&self, _: Append) -> StoreFuture<()> {
        fail()
    }

    fn records(&self, _: ExecutionId) -> StoreFuture<Option<Vec<Vec<u8>>>> {
        fail()
    }

    fn executions(&self, _: ExecutionQuery) -> StoreFuture<Vec<ExecutionRow>> {
        fail()
    }

    fn save_pipeline(&self, _: SavePipeline) -> StoreFuture<SavedPipeline> {
        fail()
    }

    fn image(&self, _: Digest) -> StoreFuture<Option<StoredImage>> {
        fail()
    }

    fn alias(&self, _: Text, _: Option<u32>) -> StoreFuture<Option<AliasRow>> {
        fail()
    }

    fn aliases(&self, _: Option<Text>, _: usize) -> StoreFuture<Vec<AliasRow>> {
        panic!("the store is broken")
    }
}

#[tokio::test]
async fn callers_are_told_to_come_back() {
    let host = Host::start_on(Arc::new(BrokenStore)).await;
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
    let host = Host::start_on(Arc::new(BrokenStore)).await;
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
