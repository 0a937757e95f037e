//! Things to store, for the tests of this folder.
#![allow(dead_code, reason = "each test file uses some of these")]

use std::sync::Arc;

use engine::ports::{
    Answering, Append, Claim, Delivery, EventQuery, ExecutionQuery, Listening, SavePipeline,
    Status, Store, StoredImage, Summary,
};
use engine::{ExecutionId, Timestamp};
use model::{Digest, Text};

/// The id with this number; a higher number is a newer execution.
pub(crate) fn id(number: u64) -> ExecutionId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    ExecutionId::from_bytes(bytes)
}

/// An image whose bytes are its source.
pub(crate) fn image(source: &str, created_at: i64) -> Arc<StoredImage> {
    Arc::new(StoredImage {
        digest: Digest::of(source.as_bytes()),
        bytes: source.as_bytes().to_vec(),
        source: source.into(),
        created_at: Timestamp(created_at),
    })
}

/// A summary that has `status` and nothing else of note.
pub(crate) fn summary(status: Status) -> Summary {
    Summary {
        image: Digest::of(b"program"),
        pipeline: None,
        status,
        missing: Vec::new(),
        resumption_count: 0,
        created_at: Timestamp(1_000),
        updated_at: Timestamp(2_000),
    }
}

/// A suspended execution of `pipeline` that waits for `missing`.
pub(crate) fn suspended(pipeline: &str, missing: &[&str]) -> Summary {
    let pipeline = Some(Text::new(pipeline)).filter(|name| !name.is_empty());
    let missing = missing.iter().map(Text::new).collect();
    Summary { pipeline, missing, ..summary(Status::Suspended) }
}

/// One more record for an execution that has `after`.
pub(crate) fn append(id: ExecutionId, after: u64, record: &[u8]) -> Append {
    append_all(id, after, &[record], summary(Status::Running))
}

/// More records for an execution that has `after`; the first ones come with the image.
pub(crate) fn append_all(
    id: ExecutionId,
    after: u64,
    records: &[&[u8]],
    summary: Summary,
) -> Append {
    let records = records.iter().map(|record| record.to_vec()).collect();
    Append {
        id,
        after,
        records,
        summary,
        due: None,
        listening: Vec::new(),
        image: (after == 0).then(|| image("program", 1)),
        claims: Vec::new(),
    }
}

/// All executions.
pub(crate) fn everything() -> ExecutionQuery {
    ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() }
}

/// Inputs that listen, each for a type and a key.
pub(crate) fn listening(inputs: &[(&str, &str, &str)]) -> Vec<Listening> {
    let listening = |&(input, event_type, key): &(&str, &str, &str)| Listening {
        input: input.into(),
        event_type: event_type.into(),
        key: key.into(),
    };
    inputs.iter().map(listening).collect()
}

/// A suspended execution, with one more record behind `after`, that listens.
pub(crate) fn listen(id: ExecutionId, after: u64, inputs: &[(&str, &str, &str)]) -> Append {
    let row = suspended("p", &["a"]);
    Append { listening: listening(inputs), ..append_all(id, after, &[b"r"], row) }
}

/// An event without an identity, from time 3 000.
pub(crate) fn event(event_type: &str, key: &str, record: &[u8]) -> Delivery {
    Delivery {
        event_type: event_type.into(),
        key: key.into(),
        identity: None,
        record: record.to_vec(),
        at: Timestamp(3_000),
        kept_max: 100,
        claim: None,
    }
}

/// The records of all events that a store has kept.
pub(crate) async fn kept(store: &Arc<dyn Store>) -> Vec<Vec<u8>> {
    let query = EventQuery { limit: 1_000, ..EventQuery::default() };
    let events = store.kept_events(query).await.unwrap();
    events.into_iter().map(|event| event.record).collect()
}

/// All records of an execution.
pub(crate) async fn records(store: &Arc<dyn Store>, id: ExecutionId) -> Vec<Vec<u8>> {
    store.records(id, 0).await.unwrap().unwrap()
}

/// A claim that has no answer yet.
pub(crate) fn claim(key: &str, at: i64) -> Claim {
    Claim {
        key: key.into(),
        digest: Digest::of(key.as_bytes()),
        at: Timestamp(at),
        execution: None,
        answer: None,
    }
}

/// A claim that is answered with what became of the request, as text.
pub(crate) fn answering<T: std::fmt::Debug>(key: &str) -> Option<Answering<T>> {
    let answer = Arc::new(|result: &T| format!("{result:?}").into_bytes());
    Some(Answering { claim: claim(key, 1_000), answer })
}

/// What was answered under a key, as text.
pub(crate) async fn answer(store: &Arc<dyn Store>, key: &str) -> Option<String> {
    let claim = store.claim(key.into()).await.unwrap()?;
    Some(String::from_utf8(claim.answer.unwrap()).unwrap())
}

/// An image under a name.
pub(crate) fn save(image: &Arc<StoredImage>, name: &str) -> SavePipeline {
    SavePipeline { image: Arc::clone(image), name: Some(name.into()), is_file: false, claim: None }
}

/// A pipeline file under its name.
pub(crate) fn load(image: &Arc<StoredImage>, name: &str) -> SavePipeline {
    SavePipeline { is_file: true, ..save(image, name) }
}
