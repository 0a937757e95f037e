//! Things to store, for the tests of this folder.
#![allow(dead_code, reason = "each test file uses some of these")]

use std::sync::Arc;

use engine::ports::{Append, ExecutionQuery, SavePipeline, Status, StoredImage, Summary};
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

/// More records for an execution that has `after`.
pub(crate) fn append_all(
    id: ExecutionId,
    after: u64,
    records: &[&[u8]],
    summary: Summary,
) -> Append {
    let records = records.iter().map(|record| record.to_vec()).collect();
    Append { id, after, records, summary, image: None }
}

/// All executions.
pub(crate) fn everything() -> ExecutionQuery {
    ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() }
}

/// An image under a name.
pub(crate) fn save(image: &Arc<StoredImage>, name: &str) -> SavePipeline {
    SavePipeline { image: Arc::clone(image), name: Some(name.into()), is_file: false }
}

/// A pipeline file under its name.
pub(crate) fn load(image: &Arc<StoredImage>, name: &str) -> SavePipeline {
    SavePipeline { is_file: true, ..save(image, name) }
}
