//! Listings of executions: by what an execution is found, and the pages that are found by it.

use engine::ports::{ExecutionQuery, ExecutionRow, Status, Summary};
use engine::{ExecutionId, Timestamp};
use model::{Digest, Text};
use rusqlite::{Connection, Row, params};

use crate::row;

pub(crate) const EXECUTION_IDS: &str = "SELECT execution_id FROM execution_filters
    WHERE pipeline = ?1 AND missing = ?2 AND status = ?3 AND execution_id < ?4
    ORDER BY execution_id DESC LIMIT ?5";
const EXECUTION: &str = "SELECT id, image, pipeline, status, missing, resumption_count,
    created_at, updated_at FROM executions WHERE id = ?1";
const REMOVE: &str = "DELETE FROM execution_filters
    WHERE pipeline = ?1 AND missing = ?2 AND status = ?3 AND execution_id = ?4";

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
    let limit = row::count(query.limit);
    let mut statement = connection.prepare_cached(EXECUTION_IDS)?;
    let mut ids = Vec::new();
    for status in Status::ALL.into_iter().filter(|&one| query.status.is_none_or(|s| s == one)) {
        let arguments = params![pipeline, missing, row::status_number(status), before, limit];
        for id in statement.query_map(arguments, |row| row.get::<_, [u8; 16]>(0))? {
            ids.push(id?);
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(query.limit);
    Ok(ids)
}

fn execution_row(row: &Row<'_>) -> rusqlite::Result<ExecutionRow> {
    Ok(ExecutionRow {
        id: ExecutionId::from_bytes(row.get(0)?),
        summary: Summary {
            image: Digest(row.get(1)?),
            pipeline: row::pipeline(row, 2)?,
            status: row::status(row, 3)?,
            missing: row::missing(row, 4)?,
            resumption_count: row.get(5)?,
            created_at: Timestamp(row.get(6)?),
            updated_at: Timestamp(row.get(7)?),
        },
    })
}

/// By what an execution is found in listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filters {
    pub(crate) status: Status,
    pub(crate) pipeline: Option<Text>,
    pub(crate) missing: Vec<Text>,
}

impl Filters {
    /// Lets an execution be found by these instead of by those.
    pub(crate) fn replace(
        &self,
        old: Option<&Filters>,
        connection: &Connection,
        id: &[u8; 16],
    ) -> rusqlite::Result<()> {
        if old == Some(self) {
            return Ok(());
        }
        if let Some(old) = old {
            old.remove(connection, id)?;
        }
        self.for_each_entry(
            connection,
            id,
            "INSERT OR IGNORE INTO execution_filters (pipeline, missing, status, execution_id)
             VALUES (?1, ?2, ?3, ?4)",
        )
    }

    /// Lets an execution not be found by these any more.
    pub(crate) fn remove(&self, connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<()> {
        self.for_each_entry(connection, id, REMOVE)
    }

    /// The entries are all pairs of a pipeline and a missing input, either of them or '' for any.
    fn for_each_entry(
        &self,
        connection: &Connection,
        id: &[u8; 16],
        sql: &str,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let status = row::status_number(self.status);
        for pipeline in std::iter::once("").chain(self.pipeline.as_deref()) {
            for missing in std::iter::once("").chain(self.missing.iter().map(Text::as_str)) {
                statement.execute(params![pipeline, missing, status, id])?;
            }
        }
        Ok(())
    }
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[EXECUTION_IDS, EXECUTION, REMOVE];
