//! Executions: their logs, which only grow, and the row that says where each stands.

use engine::ports::{Append, Appended, Status, StoreError, Timer};
use engine::{ExecutionId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::filters::Filters;
use crate::write::Fault;
use crate::{claims, events, images, row};

pub(crate) const RECORDS: &str = "SELECT records.bytes
    FROM executions LEFT JOIN records
        ON records.execution_id = executions.id AND records.seq >= ?2
    WHERE executions.id = ?1 ORDER BY records.seq";
const HEAD: &str = "SELECT records, status, pipeline, missing FROM executions WHERE id = ?1";
pub(crate) const TIMERS: &str = "SELECT due, id FROM executions WHERE due IS NOT NULL AND due >= ?1
    ORDER BY due, id LIMIT ?2";
const RECEIVE: &str = "UPDATE executions
    SET records = records + 1, status = ?2, updated_at = max(updated_at, ?3) WHERE id = ?1";
const DELETE: &str = "DELETE FROM executions WHERE id = ?1";
const DELETE_RECORDS: &str = "DELETE FROM records WHERE execution_id = ?1";

/// The records of an execution behind the first `from`, in order.
pub(crate) fn records(
    connection: &Connection,
    id: ExecutionId,
    from: u64,
) -> rusqlite::Result<Option<Vec<Vec<u8>>>> {
    let mut statement = connection.prepare_cached(RECORDS)?;
    let mut rows = statement.query(params![id.as_bytes(), row::count(from)])?;
    // One statement, so one moment: an execution without records yields one row without bytes.
    let mut records = None;
    while let Some(row) = rows.next()? {
        records.get_or_insert_with(Vec::new).extend(row.get::<_, Option<Vec<u8>>>(0)?);
    }
    Ok(records)
}

/// Executions with their next timers, the earliest first.
pub(crate) fn timers(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Timer>> {
    let arguments = params![i64::MIN, row::count(limit)];
    let timer = |row: &rusqlite::Row<'_>| {
        Ok(Timer { due: Timestamp(row.get(0)?), id: ExecutionId::from_bytes(row.get(1)?) })
    };
    connection.prepare_cached(TIMERS)?.query_map(arguments, timer)?.collect()
}

/// Appends records to one execution, if it has exactly `append.after` records by now.
pub(crate) fn append(connection: &Connection, append: &Append) -> Result<Appended, Fault> {
    let id = append.id.as_bytes();
    let before = Head::read(connection, id)?;
    let count = before.as_ref().map_or(0, |head| head.records);
    if u64::try_from(count) != Ok(append.after) {
        return Err(StoreError::Conflict.into());
    }
    if let Some(image) = &append.image {
        images::keep(connection, image)?;
    }
    if append.after == 0 && images::is_asked_for(connection, append.summary.image)?.is_none() {
        return Err(StoreError::NoImage.into());
    }
    let received = events::listen(connection, id, &append.listening)?;
    let mut next = count;
    for record in append.records.iter().chain(&received) {
        add_record(connection, id, next, record)?;
        next += 1;
    }
    let filters = Filters {
        status: if received.is_empty() { append.summary.status } else { Status::Running },
        pipeline: append.summary.pipeline.clone(),
        missing: append.summary.missing.clone(),
    };
    filters.replace(before.as_ref().map(|head| &head.filters), connection, id)?;
    put(connection, append, filters.status, next)?;
    for claim in &append.claims {
        claims::put(connection, claim)?;
    }
    Ok(Appended { received })
}

/// Appends a record that came from outside: whoever owns the execution has to look at it.
pub(crate) fn receive(
    connection: &Connection,
    id: &[u8; 16],
    record: &[u8],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let head = Head::read(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    add_record(connection, id, head.records, record)?;
    let filters = Filters { status: Status::Running, ..head.filters.clone() };
    filters.replace(Some(&head.filters), connection, id)?;
    let status = row::status_number(filters.status);
    connection.prepare_cached(RECEIVE)?.execute(params![id, status, at.0])?;
    Ok(())
}

/// Forgets an execution, if it has exactly so many records by now.
pub(crate) fn delete(connection: &Connection, id: ExecutionId, records: u64) -> Result<(), Fault> {
    match Head::read(connection, id.as_bytes())? {
        Some(head) if u64::try_from(head.records) == Ok(records) => {
            Ok(head.forget(connection, id.as_bytes())?)
        }
        Some(_) | None => Err(StoreError::Conflict.into()),
    }
}

/// What must be known of an execution to change it.
#[derive(Debug)]
pub(crate) struct Head {
    records: i64,
    filters: Filters,
}

impl Head {
    /// Of this execution, if it is there.
    pub(crate) fn read(connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<Option<Head>> {
        connection
            .prepare_cached(HEAD)?
            .query_one([id], |row| {
                let status = row::status(row, 1)?;
                let pipeline = row::pipeline(row, 2)?;
                let missing = row::missing(row, 3)?;
                Ok(Head { records: row.get(0)?, filters: Filters { status, pipeline, missing } })
            })
            .optional()
    }

    /// Forgets the execution with all that belongs to it alone.
    pub(crate) fn forget(&self, connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<()> {
        self.filters.remove(connection, id)?;
        events::stop_listening(connection, id)?;
        connection.prepare_cached(DELETE_RECORDS)?.execute([id])?;
        connection.prepare_cached(DELETE)?.execute([id])?;
        Ok(())
    }
}

fn add_record(
    connection: &Connection,
    id: &[u8; 16],
    seq: i64,
    record: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO records (execution_id, seq, bytes) VALUES (?1, ?2, ?3)")?
        .execute(params![id, seq, record])?;
    Ok(())
}

fn put(
    connection: &Connection,
    append: &Append,
    status: Status,
    records: i64,
) -> rusqlite::Result<()> {
    let summary = &append.summary;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO executions (id, records, image, pipeline, status, missing,
                resumption_count, created_at, updated_at, due)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            append.id.as_bytes(),
            records,
            summary.image.0,
            summary.pipeline.as_deref(),
            row::status_number(status),
            serde_json::json!(summary.missing).to_string(),
            summary.resumption_count,
            summary.created_at.0,
            summary.updated_at.0,
            append.due.map(|due| due.0),
        ])?;
    Ok(())
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[RECORDS, HEAD, TIMERS, RECEIVE, DELETE, DELETE_RECORDS];
