//! Queries. Each is served by the range of one index; a test below asks SQLite's planner.

use engine::ports::{AliasRow, ExecutionQuery, ExecutionRow, Status, StoredImage, Summary};
use engine::{ExecutionId, Timestamp};
use model::{Digest, Text};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

const RECORDS: &str = "SELECT records.bytes
    FROM executions LEFT JOIN records ON records.execution_id = executions.id
    WHERE executions.id = ?1 ORDER BY records.seq";
const EXECUTION_IDS: &str = "SELECT execution_id FROM execution_filters
    WHERE pipeline = ?1 AND missing = ?2 AND status = ?3 AND execution_id < ?4
    ORDER BY execution_id DESC LIMIT ?5";
const EXECUTION: &str = "SELECT id, image, pipeline, status, missing, resumption_count,
    created_at, updated_at FROM executions WHERE id = ?1";
const IMAGE: &str = "SELECT digest, bytes, source, created_at FROM images WHERE digest = ?1";
const ALIAS_NEWEST: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name = ?1 ORDER BY version DESC LIMIT 1";
const ALIAS_AT: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name = ?1 AND version = ?2";
const ALIAS_FROM: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name >= ?1 ORDER BY name, version DESC LIMIT 1";

/// All records of an execution, in order.
pub(crate) fn records(
    connection: &Connection,
    id: ExecutionId,
) -> rusqlite::Result<Option<Vec<Vec<u8>>>> {
    let mut statement = connection.prepare_cached(RECORDS)?;
    let mut rows = statement.query([id.as_bytes()])?;
    // One statement, so one moment: an execution without records yields one row without bytes.
    let mut records = None;
    while let Some(row) = rows.next()? {
        records.get_or_insert_with(Vec::new).extend(row.get::<_, Option<Vec<u8>>>(0)?);
    }
    Ok(records)
}

/// A page of executions, newest first.
pub(crate) fn executions(
    connection: &mut Connection,
    query: &ExecutionQuery,
) -> rusqlite::Result<Vec<ExecutionRow>> {
    let is_nameless = |name: &Option<Text>| name.as_ref().is_some_and(|name| name.is_empty());
    if is_nameless(&query.pipeline) || is_nameless(&query.missing) {
        return Ok(Vec::new());
    }
    let moment = connection.transaction()?;
    let rows = execution_ids(&moment, query)?
        .into_iter()
        .map(|id| moment.prepare_cached(EXECUTION)?.query_one([id], execution_row))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    moment.commit()?;
    Ok(rows)
}

/// The ids of a page. Without a status, the newest of each status are merged: at most five pages
/// are read for one.
fn execution_ids(
    connection: &Connection,
    query: &ExecutionQuery,
) -> rusqlite::Result<Vec<[u8; 16]>> {
    const BEHIND_ALL_IDS: &[u8] = &[0xff; 17];
    let any = Text::default();
    let pipeline = query.pipeline.as_ref().unwrap_or(&any).as_str();
    let missing = query.missing.as_ref().unwrap_or(&any).as_str();
    let before = query.before.as_ref().map_or(BEHIND_ALL_IDS, |id| id.as_bytes());
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(EXECUTION_IDS)?;
    let mut ids = Vec::new();
    for status in Status::ALL.into_iter().filter(|&one| query.status.is_none_or(|s| s == one)) {
        let arguments = params![pipeline, missing, status_number(status), before, limit];
        for id in statement.query_map(arguments, |row| row.get::<_, [u8; 16]>(0))? {
            ids.push(id?);
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(query.limit);
    Ok(ids)
}

/// The image of this name.
pub(crate) fn image(
    connection: &Connection,
    digest: Digest,
) -> rusqlite::Result<Option<StoredImage>> {
    let read = |row: &Row<'_>| {
        Ok(StoredImage {
            digest: Digest(row.get(0)?),
            bytes: row.get(1)?,
            source: text(row, 2)?,
            created_at: Timestamp(row.get(3)?),
        })
    };
    connection.prepare_cached(IMAGE)?.query_one([digest.0], read).optional()
}

/// Where an alias points, at its newest version or at `version`.
pub(crate) fn alias(
    connection: &Connection,
    name: &str,
    version: Option<u32>,
) -> rusqlite::Result<Option<AliasRow>> {
    match version {
        None => connection.prepare_cached(ALIAS_NEWEST)?.query_one([name], alias_row),
        Some(version) => {
            connection.prepare_cached(ALIAS_AT)?.query_one(params![name, version], alias_row)
        }
    }
    .optional()
}

/// Aliases with their newest versions, sorted by name. One step an alias, over all its versions.
pub(crate) fn aliases(
    connection: &mut Connection,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<AliasRow>> {
    // No text lies between a name and the same name with a zero behind it.
    let behind = |name: &str| format!("{name}\0");
    let moment = connection.transaction()?;
    let mut from = after.map(behind).unwrap_or_default();
    let mut rows: Vec<AliasRow> = Vec::new();
    while rows.len() < limit {
        match moment.prepare_cached(ALIAS_FROM)?.query_one([&from], alias_row).optional()? {
            Some(row) => {
                from = behind(&row.name);
                rows.push(row);
            }
            None => break,
        }
    }
    moment.commit()?;
    Ok(rows)
}

/// The number that stands for a status in the database; never to be changed.
pub(crate) fn status_number(status: Status) -> i64 {
    match status {
        Status::Running => 0,
        Status::Suspended => 1,
        Status::Completed => 2,
        Status::Failed => 3,
        Status::Cancelled => 4,
    }
}

/// The status of a row.
pub(crate) fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let number: i64 = row.get(column)?;
    Status::ALL
        .into_iter()
        .find(|&status| status_number(status) == number)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// The pipeline of a row.
pub(crate) fn pipeline(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Text>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(Text::new))
}

/// The names of missing inputs of a row.
pub(crate) fn missing(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Text>> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

fn execution_row(row: &Row<'_>) -> rusqlite::Result<ExecutionRow> {
    Ok(ExecutionRow {
        id: ExecutionId::from_bytes(row.get(0)?),
        summary: Summary {
            image: Digest(row.get(1)?),
            pipeline: pipeline(row, 2)?,
            status: status(row, 3)?,
            missing: missing(row, 4)?,
            resumption_count: row.get(5)?,
            created_at: Timestamp(row.get(6)?),
            updated_at: Timestamp(row.get(7)?),
        },
    })
}

fn alias_row(row: &Row<'_>) -> rusqlite::Result<AliasRow> {
    Ok(AliasRow {
        name: text(row, 0)?,
        digest: Digest(row.get(1)?),
        version: row.get(2)?,
        moved_at: Timestamp(row.get(3)?),
    })
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Text> {
    Ok(Text::new(row.get_ref(column)?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every query goes straight to its rows: no table is read as a whole, nothing is sorted.
    #[test]
    fn every_query_is_one_range_of_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        for sql in [RECORDS, EXECUTION_IDS, EXECUTION, IMAGE, ALIAS_NEWEST, ALIAS_AT, ALIAS_FROM] {
            let plan = plan(&connection, sql);
            assert!(!plan.is_empty());
            for step in plan {
                assert!(step.starts_with("SEARCH"), "{sql}\n{step}");
                assert!(step.contains("PRIMARY KEY") || step.contains("INDEX"), "{sql}\n{step}");
            }
        }
        let listing = plan(&connection, EXECUTION_IDS).join("\n");
        assert!(
            listing.contains("(pipeline=? AND missing=? AND status=? AND execution_id<?)"),
            "{listing}"
        );
    }

    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = statement.parameter_count();
        let arguments = rusqlite::params_from_iter(vec![rusqlite::types::Null; count]);
        let steps = statement.query_map(arguments, |row| row.get(3)).unwrap();
        steps.collect::<Result<_, _>>().unwrap()
    }
}
