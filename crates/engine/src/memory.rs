//! A [`Store`] in memory: for tests, for `tidegate run`, for embedders who keep nothing. It passes
//! the same contract suite as the stores on disk; what it is told is gone with its last owner.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Digest, Text};

use crate::ports::{
    AliasRow, Append, Appended, Claim, DeletedImage, Delivered, Delivery, EventQuery,
    ExecutionQuery, ExecutionRow, Expected, KeptEvent, Listening, MoveAlias, MovedAlias,
    SavePipeline, SavedPipeline, Status, Store, StoreError, StoreFuture, StoredImage, Summary,
    Sweep, Swept, Target, Timer,
};
use crate::{ExecutionId, Timestamp};

/// Keeps everything in memory. Every verb is done when it returns; its future is ready at once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    executions: BTreeMap<ExecutionId, Execution>,
    images: HashMap<Digest, StoredImage>,
    /// Images that somebody asked to keep, and not only an execution.
    wanted_images: HashSet<Digest>,
    /// All versions of each alias, the newest last; never empty.
    aliases: BTreeMap<Text, Vec<AliasRow>>,
    /// What each pipeline file held when it was last loaded.
    pipeline_files: HashMap<Text, Digest>,
    timers: BTreeSet<Timer>,
    /// Who listens, by type and key: executions with their inputs.
    listeners: HashMap<(Text, Text), BTreeSet<(ExecutionId, Text)>>,
    /// Events that nobody has taken, by their number.
    events: BTreeMap<u64, Event>,
    events_seen: u64,
    /// When events with these sources and ids came.
    identities: HashMap<(Text, Text), Timestamp>,
    claims: HashMap<Text, Claim>,
}

#[derive(Debug)]
struct Execution {
    records: Vec<Vec<u8>>,
    summary: Summary,
    due: Option<Timestamp>,
    listening: Vec<Listening>,
}

#[derive(Debug)]
struct Event {
    event_type: Text,
    key: Text,
    record: Vec<u8>,
    at: Timestamp,
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
    fn append(&self, append: Append) -> StoreFuture<Appended> {
        ready(self.kept().append(append))
    }

    fn records(&self, id: ExecutionId, from: u64) -> StoreFuture<Option<Vec<Vec<u8>>>> {
        let kept = self.kept();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let records = kept.executions.get(&id).map(|execution| &execution.records);
        ready(Ok(records.map(|records| records.get(from..).unwrap_or_default().to_vec())))
    }

    fn executions(&self, query: ExecutionQuery) -> StoreFuture<Vec<ExecutionRow>> {
        ready(Ok(self.kept().executions(&query)))
    }

    fn delete(&self, id: ExecutionId, records: u64) -> StoreFuture<()> {
        let mut kept = self.kept();
        if !kept.executions.contains_key(&id) || kept.count(id) != records {
            return ready(Err(StoreError::Conflict));
        }
        kept.forget(id);
        ready(Ok(()))
    }

    fn timers(&self, limit: usize) -> StoreFuture<Vec<Timer>> {
        ready(Ok(self.kept().timers.iter().take(limit).copied().collect()))
    }

    fn deliver(&self, delivery: Delivery) -> StoreFuture<Delivered> {
        ready(self.kept().deliver(delivery))
    }

    fn kept_events(&self, query: EventQuery) -> StoreFuture<Vec<KeptEvent>> {
        let kept = self.kept();
        let start = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = kept.events.range((start, Bound::Unbounded)).filter(|(_, event)| {
            query.event_type.as_ref().is_none_or(|wanted| *wanted == event.event_type)
                && query.key.as_ref().is_none_or(|wanted| *wanted == event.key)
        });
        let page = found.take(query.limit);
        ready(Ok(page
            .map(|(&number, event)| KeptEvent { number, record: event.record.clone() })
            .collect()))
    }

    fn claim(&self, key: Text) -> StoreFuture<Option<Claim>> {
        ready(Ok(self.kept().claims.get(&key).cloned()))
    }

    fn put_claim(&self, claim: Claim) -> StoreFuture<()> {
        self.kept().put_claim(Some(claim));
        ready(Ok(()))
    }

    fn save_pipeline(&self, save: SavePipeline) -> StoreFuture<SavedPipeline> {
        ready(Ok(self.kept().save_pipeline(save)))
    }

    fn image(&self, digest: Digest) -> StoreFuture<Option<StoredImage>> {
        ready(Ok(self.kept().images.get(&digest).cloned()))
    }

    fn alias(&self, name: Text, version: Option<u32>) -> StoreFuture<Option<AliasRow>> {
        ready(Ok(self.kept().alias(&name, version)))
    }

    fn images(&self, after: Option<Digest>, limit: usize) -> StoreFuture<Vec<Digest>> {
        let kept = self.kept();
        let mut behind: Vec<Digest> = kept.images.keys().copied().collect();
        behind.retain(|digest| after.is_none_or(|after| *digest > after));
        behind.sort_unstable();
        behind.truncate(limit);
        ready(Ok(behind))
    }

    fn aliases(&self, after: Option<Text>, limit: usize) -> StoreFuture<Vec<AliasRow>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let kept = self.kept();
        let newest =
            kept.aliases.range((start, Bound::Unbounded)).filter_map(|(_, rows)| rows.last());
        ready(Ok(newest.take(limit).cloned().collect()))
    }

    fn aliases_of(&self, digest: Digest, limit: usize) -> StoreFuture<Vec<AliasRow>> {
        let kept = self.kept();
        let newest = kept.aliases.values().filter_map(|rows| rows.last());
        ready(Ok(newest.filter(|row| row.digest == digest).take(limit).cloned().collect()))
    }

    fn versions(
        &self,
        name: Text,
        before: Option<u32>,
        limit: usize,
    ) -> StoreFuture<Vec<AliasRow>> {
        let kept = self.kept();
        let rows = kept.aliases.get(&name).map_or(&[][..], Vec::as_slice).iter().rev();
        let older = rows.filter(|row| before.is_none_or(|before| row.version < before));
        ready(Ok(older.take(limit).cloned().collect()))
    }

    fn move_alias(&self, shift: MoveAlias) -> StoreFuture<MovedAlias> {
        ready(Ok(self.kept().move_alias(&shift)))
    }

    fn delete_alias(&self, name: Text) -> StoreFuture<bool> {
        let mut kept = self.kept();
        kept.pipeline_files.remove(&name);
        ready(Ok(kept.aliases.remove(&name).is_some()))
    }

    fn delete_image(&self, digest: Digest) -> StoreFuture<DeletedImage> {
        let mut kept = self.kept();
        let deleted = if !kept.images.contains_key(&digest) {
            DeletedImage::NotFound
        } else if kept.is_needed(digest) {
            DeletedImage::InUse
        } else {
            kept.images.remove(&digest);
            kept.wanted_images.remove(&digest);
            DeletedImage::Deleted
        };
        ready(Ok(deleted))
    }

    fn sweep(&self, sweep: Sweep) -> StoreFuture<Swept> {
        ready(Ok(self.kept().sweep(sweep)))
    }
}

impl Kept {
    fn count(&self, id: ExecutionId) -> u64 {
        self.executions.get(&id).map_or(0, |execution| execution.records.len() as u64)
    }

    fn append(&mut self, append: Append) -> Result<Appended, StoreError> {
        if self.count(append.id) != append.after {
            return Err(StoreError::Conflict);
        }
        let image = append.summary.image;
        let is_there = self.images.contains_key(&image)
            || append.image.as_ref().is_some_and(|given| given.digest == image);
        if append.after == 0 && !is_there {
            return Err(StoreError::NoImage);
        }
        if let Some(image) = append.image {
            self.images.entry(image.digest).or_insert_with(|| (*image).clone());
        }
        append.claims.into_iter().for_each(|claim| self.put_claim(Some(claim)));
        let mut execution = self.executions.remove(&append.id).unwrap_or_else(|| Execution {
            records: Vec::new(),
            summary: append.summary.clone(),
            due: None,
            listening: Vec::new(),
        });
        execution.records.extend(append.records);
        execution.summary = append.summary;
        self.set_timer(append.id, &mut execution, append.due);
        let received = self.listen(append.id, &mut execution, append.listening);
        self.executions.insert(append.id, execution);
        Ok(Appended { received })
    }

    fn set_timer(&mut self, id: ExecutionId, execution: &mut Execution, due: Option<Timestamp>) {
        if let Some(due) = execution.due {
            self.timers.remove(&Timer { due, id });
        }
        self.timers.extend(due.map(|due| Timer { due, id }));
        execution.due = due;
    }

    /// Puts what an execution listens for in the place of what it listened for, and gives it the
    /// kept events that it newly listens for.
    fn listen(
        &mut self,
        id: ExecutionId,
        execution: &mut Execution,
        listening: Vec<Listening>,
    ) -> Vec<Vec<u8>> {
        let before = std::mem::take(&mut execution.listening);
        before.iter().for_each(|one| self.stop_listening(id, one));
        let mut received = Vec::new();
        for one in listening {
            let kept = self
                .events
                .iter()
                .find(|(_, event)| event.event_type == one.event_type && event.key == one.key);
            match kept.map(|(number, _)| *number).filter(|_| !before.contains(&one)) {
                Some(number) => {
                    received.extend(self.events.remove(&number).map(|event| event.record));
                }
                None => {
                    let what = (one.event_type.clone(), one.key.clone());
                    self.listeners.entry(what).or_default().insert((id, one.input.clone()));
                    execution.listening.push(one);
                }
            }
        }
        if !received.is_empty() {
            execution.records.extend(received.iter().cloned());
            execution.summary.status = Status::Running;
        }
        received
    }

    fn stop_listening(&mut self, id: ExecutionId, listening: &Listening) {
        let what = (listening.event_type.clone(), listening.key.clone());
        if let Some(listeners) = self.listeners.get_mut(&what) {
            listeners.remove(&(id, listening.input.clone()));
            if listeners.is_empty() {
                self.listeners.remove(&what);
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) -> Result<Delivered, StoreError> {
        let delivered = self.delivered(&delivery)?;
        self.put_claim(delivery.claim.map(|claim| claim.answered(&delivered)));
        Ok(delivered)
    }

    fn delivered(&mut self, delivery: &Delivery) -> Result<Delivered, StoreError> {
        let identity = delivery.identity.as_ref();
        if identity.is_some_and(|identity| self.identities.contains_key(identity)) {
            return Ok(Delivered { is_repeated: true, ..Delivered::default() });
        }
        let what = (delivery.event_type.clone(), delivery.key.clone());
        // The first input of each execution, by name.
        let mut takers: Vec<(ExecutionId, Text)> =
            self.listeners.get(&what).into_iter().flatten().cloned().collect();
        takers.dedup_by_key(|(id, _)| *id);
        if takers.is_empty() && self.events.len() >= delivery.kept_max {
            return Err(StoreError::Overloaded);
        }
        self.identities.extend(identity.map(|identity| (identity.clone(), delivery.at)));
        if takers.is_empty() {
            let Delivery { event_type, key, record, at, .. } = delivery.clone();
            self.events_seen += 1;
            self.events.insert(self.events_seen, Event { event_type, key, record, at });
            return Ok(Delivered { is_kept: true, ..Delivered::default() });
        }
        for (id, input) in &takers {
            if let Some(mut execution) = self.executions.remove(id) {
                execution.records.push(delivery.record.clone());
                execution.summary.status = Status::Running;
                let updated_at = &mut execution.summary.updated_at;
                *updated_at = delivery.at.max(*updated_at);
                execution.listening.retain(|one| {
                    let is_taken = one.input == *input;
                    if is_taken {
                        self.stop_listening(*id, one);
                    }
                    !is_taken
                });
                self.executions.insert(*id, execution);
            }
        }
        let executions = takers.into_iter().map(|(id, _)| id).collect();
        Ok(Delivered { executions, ..Delivered::default() })
    }

    fn put_claim(&mut self, claim: Option<Claim>) {
        self.claims.extend(claim.map(|claim| (claim.key.clone(), claim)));
    }

    fn forget(&mut self, id: ExecutionId) {
        if let Some(mut execution) = self.executions.remove(&id) {
            self.set_timer(id, &mut execution, None);
            execution.listening.iter().for_each(|one| self.stop_listening(id, one));
        }
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

    fn alias(&self, name: &Text, version: Option<u32>) -> Option<AliasRow> {
        let rows = self.aliases.get(name)?;
        match version {
            None => rows.last().cloned(),
            Some(version) => rows.iter().find(|row| row.version == version).cloned(),
        }
    }

    fn save_pipeline(&mut self, save: SavePipeline) -> SavedPipeline {
        let digest = save.image.digest;
        let is_new = !self.images.contains_key(&digest);
        self.images.entry(digest).or_insert_with(|| (*save.image).clone());
        self.wanted_images.insert(digest);
        let version = save.name.map(|name| {
            let is_loaded_before =
                save.is_file && self.pipeline_files.insert(name.clone(), digest) == Some(digest);
            match self.alias(&name, None) {
                Some(row) if is_loaded_before => row.version,
                _ => self.point(name, digest, save.image.created_at).version,
            }
        });
        let saved = SavedPipeline { is_new, version };
        self.put_claim(save.claim.map(|claim| claim.answered(&saved)));
        saved
    }

    /// Points an alias to an image, in a new version unless it does already.
    fn point(&mut self, name: Text, digest: Digest, moved_at: Timestamp) -> AliasRow {
        let newest = self.alias(&name, None);
        if let Some(row) = newest.as_ref().filter(|row| row.digest == digest) {
            return row.clone();
        }
        let version = newest.map_or(0, |row| row.version).saturating_add(1);
        let row = AliasRow { name: name.clone(), digest, version, moved_at };
        self.aliases.entry(name).or_default().push(row.clone());
        row
    }

    fn move_alias(&mut self, shift: &MoveAlias) -> MovedAlias {
        let newest = self.alias(&shift.name, None);
        let is_expected = match &shift.expected {
            None => true,
            Some(Expected::Anything) => newest.is_some(),
            Some(Expected::OneOf(listed)) => {
                newest.as_ref().is_some_and(|row| listed.contains(&(row.version, row.digest)))
            }
        };
        if !is_expected {
            return MovedAlias::Stale;
        }
        let version = match shift.to {
            Target::Image(digest) if !self.images.contains_key(&digest) => {
                return MovedAlias::NoImage;
            }
            Target::Image(digest) => {
                self.wanted_images.insert(digest);
                return self.moved(shift, digest);
            }
            Target::Version(version) => version,
            Target::Previous => newest.map_or(0, |row| row.version.saturating_sub(1)),
        };
        match self.alias(&shift.name, Some(version)) {
            Some(row) => self.moved(shift, row.digest),
            None => MovedAlias::NoVersion,
        }
    }

    fn moved(&mut self, shift: &MoveAlias, digest: Digest) -> MovedAlias {
        let moved = MovedAlias::Moved(self.point(shift.name.clone(), digest, shift.at));
        self.put_claim(shift.claim.as_ref().map(|claim| claim.answered(&moved)));
        moved
    }

    fn is_needed(&self, digest: Digest) -> bool {
        self.aliases.values().flatten().any(|row| row.digest == digest)
            || self.executions.values().any(|execution| execution.summary.image == digest)
    }

    fn sweep(&mut self, sweep: Sweep) -> Swept {
        let mut swept = Swept::default();
        for statuses in [&[Status::Completed, Status::Cancelled][..], &[Status::Failed]] {
            let before = match statuses {
                [Status::Failed] => sweep.failed_before,
                _ => sweep.finished_before,
            };
            let has_ended = |execution: &Execution| {
                statuses.contains(&execution.summary.status)
                    && execution.summary.updated_at < before
            };
            let past = self.executions.iter().filter(|(_, execution)| has_ended(execution));
            let past: Vec<(ExecutionId, Digest)> =
                past.map(|(id, one)| (*id, one.summary.image)).take(sweep.limit).collect();
            swept.is_more |= past.len() == sweep.limit;
            swept.executions += past.len();
            past.iter().for_each(|(id, _)| self.forget(*id));
            for (_, image) in past {
                if !self.wanted_images.contains(&image) && !self.is_needed(image) {
                    swept.images.extend(self.images.remove(&image).map(|image| image.digest));
                }
            }
        }
        let [mut events, mut identities, mut claims] = [sweep.limit; 3];
        self.events.retain(|_, event| !is_past(event.at, sweep.events_before, &mut events));
        self.identities.retain(|_, at| !is_past(*at, sweep.events_before, &mut identities));
        self.claims.retain(|_, claim| !is_past(claim.at, sweep.claims_before, &mut claims));
        swept.is_more |= [events, identities, claims].contains(&0);
        swept
    }
}

/// Whether something from `at` is to be forgotten; `room` is how many more may be.
fn is_past(at: Timestamp, before: Timestamp, room: &mut usize) -> bool {
    let is_past = at < before && *room > 0;
    *room -= usize::from(is_past);
    is_past
}

fn is_wanted(query: &ExecutionQuery, summary: &Summary) -> bool {
    query.status.is_none_or(|status| status == summary.status)
        && query.pipeline.as_ref().is_none_or(|name| summary.pipeline.as_ref() == Some(name))
        && query.missing.as_ref().is_none_or(|name| summary.missing.contains(name))
}

fn ready<T: Send + 'static>(result: Result<T, StoreError>) -> StoreFuture<T> {
    Box::pin(std::future::ready(result))
}
