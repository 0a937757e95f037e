//! Forgetting what is past its time, a bounded number of rows at once so that other writes go on.

use std::collections::BTreeSet;

use engine::Timestamp;
use engine::ports::{DeletedImage, Status, Sweep, Swept};
use model::Digest;
use rusqlite::{Connection, params};

use crate::executions::Head;
use crate::write::Fault;
use crate::{images, row};

/// `status >= 2` is the condition of the index.
pub(crate) const ENDED: &str = "SELECT id, image FROM executions
    WHERE status >= 2 AND status = ?1 AND updated_at < ?2 ORDER BY updated_at, id LIMIT ?3";
pub(crate) const DELETE_EVENTS: &str = "DELETE FROM events WHERE number IN
    (SELECT number FROM events WHERE at < ?1 ORDER BY at LIMIT ?2)";
pub(crate) const DELETE_IDENTITIES: &str = "DELETE FROM event_identities WHERE (source, id) IN
    (SELECT source, id FROM event_identities WHERE at < ?1 ORDER BY at LIMIT ?2)";
pub(crate) const DELETE_CLAIMS: &str = "DELETE FROM claims WHERE rowid IN
    (SELECT rowid FROM claims WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Forgets what is past its time.
pub(crate) fn sweep(connection: &Connection, sweep: &Sweep) -> Result<Swept, Fault> {
    let limit = sweep.limit;
    let finished = [Status::Completed, Status::Cancelled];
    let mut past = ended(connection, &finished, sweep.finished_before, limit)?;
    let failed = ended(connection, &[Status::Failed], sweep.failed_before, limit)?;
    let mut is_more = past.len() == limit || failed.len() == limit;
    past.extend(failed);
    let mut swept_images = BTreeSet::new();
    for (id, image) in &past {
        if let Some(head) = Head::read(connection, id)? {
            head.forget(connection, id)?;
        }
        swept_images.insert(Digest(*image));
    }
    let mut images = Vec::new();
    for image in swept_images {
        if images::is_asked_for(connection, image)? == Some(false)
            && images::delete(connection, image)? == DeletedImage::Deleted
        {
            images.push(image);
        }
    }
    for (sql, before) in [
        (DELETE_EVENTS, sweep.events_before),
        (DELETE_IDENTITIES, sweep.events_before),
        (DELETE_CLAIMS, sweep.claims_before),
    ] {
        let arguments = params![before.0, row::count(limit)];
        is_more |= connection.prepare_cached(sql)?.execute(arguments)? == limit;
    }
    Ok(Swept { executions: past.len(), images, is_more })
}

/// Executions with one of these statuses that last changed before a time, with their images; at
/// most `limit` together.
fn ended(
    connection: &Connection,
    statuses: &[Status],
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<([u8; 16], [u8; 32])>> {
    let mut statement = connection.prepare_cached(ENDED)?;
    let mut ended = Vec::new();
    for &status in statuses {
        let room = row::count(limit - ended.len());
        let arguments = params![row::status_number(status), before.0, room];
        for execution in statement.query_map(arguments, |row| Ok((row.get(0)?, row.get(1)?)))? {
            ended.push(execution?);
        }
    }
    Ok(ended)
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[ENDED, DELETE_EVENTS, DELETE_IDENTITIES, DELETE_CLAIMS];
