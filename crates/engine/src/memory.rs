//! A [`Store`] in memory: for tests, for `tidegate run`, for embedders who keep nothing. It passes
//! the same contract suite as the stores on disk; what it is told is gone with its last owner.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Digest, Text};

use crate::ExecutionId;
use crate::ports::{
    AliasRow, Append, ExecutionQuery, ExecutionRow, SavePipeline, SavedPipeline, Store, StoreError,
    StoreFuture, StoredImage, Summary,
};

/// Keeps everything in memory. Every verb is done when it returns; its future is ready at once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    executions: BTreeMap<ExecutionId, Execution>,
    images: HashMap<Digest, StoredImage>,
    /// All versions of each alias, the newest last; never empty.
    aliases: BTreeMap<Text, Vec<AliasRow>>,
    /// What each pipeline file held when it was last loaded.
    pipeline_files: HashMap<Text, Digest>,
}

#[derive(Debug)]
struct Execution {
    records: Vec<Vec<u8>>,
    summary: Summary,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// The maps are whole between any two statements that can panic, so a poisoned lock is none.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn append(&self, append: Append) -> StoreFuture<()> {
        ready(self.kept().append(append))
    }

    fn records(&self, id: ExecutionId) -> StoreFuture<Option<Vec<Vec<u8>>>> {
        ready(Ok(self.kept().executions.get(&id).map(|execution| execution.records.clone())))
    }

    fn executions(&self, query: ExecutionQuery) -> StoreFuture<Vec<ExecutionRow>> {
        ready(Ok(self.kept().executions(&query)))
    }

    fn save_pipeline(&self, save: SavePipeline) -> StoreFuture<SavedPipeline> {
        ready(Ok(self.kept().save_pipeline(save)))
    }

    fn image(&self, digest: Digest) -> StoreFuture<Option<StoredImage>> {
        ready(Ok(self.kept().images.get(&digest).cloned()))
    }

    fn alias(&self, name: Text, version: Option<u32>) -> StoreFuture<Option<AliasRow>> {
        let kept = self.kept();
        let rows = kept.aliases.get(&name).map_or(&[][..], Vec::as_slice);
        let row = match version {
            None => rows.last(),
            Some(version) => rows.iter().find(|row| row.version == version),
        };
        ready(Ok(row.cloned()))
    }

    fn aliases(&self, after: Option<Text>, limit: usize) -> StoreFuture<Vec<AliasRow>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let kept = self.kept();
        let newest =
            kept.aliases.range((start, Bound::Unbounded)).filter_map(|(_, rows)| rows.last());
        ready(Ok(newest.take(limit).cloned().collect()))
    }
}

impl Kept {
    fn append(&mut self, append: Append) -> Result<(), StoreError> {
        let kept = self.executions.get(&append.id).map_or(0, |execution| execution.records.len());
        if u64::try_from(kept) != Ok(append.after) {
            return Err(StoreError::Conflict);
        }
        if let Some(image) = append.image {
            self.images.entry(image.digest).or_insert_with(|| (*image).clone());
        }
        let mut records = self
            .executions
            .remove(&append.id)
            .map(|execution| execution.records)
            .unwrap_or_default();
        records.extend(append.records);
        self.executions.insert(append.id, Execution { records, summary: append.summary });
        Ok(())
    }

    fn executions(&self, query: &ExecutionQuery) -> Vec<ExecutionRow> {
        let end = query.before.map_or(Bound::Unbounded, Bound::Excluded);
        self.executions
            .range((Bound::Unbounded, end))
            .rev()
            .filter(|(_, execution)| is_wanted(query, &execution.summary))
            .take(query.limit)
            .map(|(&id, execution)| ExecutionRow { id, summary: execution.summary.clone() })
            .collect()
    }

    fn save_pipeline(&mut self, save: SavePipeline) -> SavedPipeline {
        let digest = save.image.digest;
        let is_new = !self.images.contains_key(&digest);
        self.images.entry(digest).or_insert_with(|| (*save.image).clone());
        let Some(name) = save.name else {
            return SavedPipeline { is_new, version: None };
        };
        let is_loaded_before =
            save.is_file && self.pipeline_files.insert(name.clone(), digest) == Some(digest);
        let rows = self.aliases.entry(name.clone()).or_default();
        let newest = rows.last().map_or(0, |row| row.version);
        let points_there = rows.last().is_some_and(|row| row.digest == digest);
        if is_loaded_before || points_there {
            return SavedPipeline { is_new, version: Some(newest) };
        }
        let version = newest.saturating_add(1);
        rows.push(AliasRow { name, digest, version, moved_at: save.image.created_at });
        SavedPipeline { is_new, version: Some(version) }
    }
}

fn is_wanted(query: &ExecutionQuery, summary: &Summary) -> bool {
    query.status.is_none_or(|status| status == summary.status)
        && query.pipeline.as_ref().is_none_or(|name| summary.pipeline.as_ref() == Some(name))
        && query.missing.as_ref().is_none_or(|name| summary.missing.contains(name))
}

fn ready<T: Send + 'static>(result: Result<T, StoreError>) -> StoreFuture<T> {
    Box::pin(std::future::ready(result))
}
