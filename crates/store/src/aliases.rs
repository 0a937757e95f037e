//! Aliases: where they point and pointed, and how they move. Versions are only added, until the
//! whole alias is forgotten.

use engine::Timestamp;
use engine::ports::{
    AliasRow, Expected, MoveAlias, MovedAlias, SavePipeline, SavedPipeline, Target,
};
use model::{Digest, Text};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::write::Fault;
use crate::{claims, images, row};

const NEWEST: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name = ?1 ORDER BY version DESC LIMIT 1";
const AT: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name = ?1 AND version = ?2";
const FROM: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name >= ?1 ORDER BY name, version DESC LIMIT 1";
pub(crate) const VERSIONS: &str = "SELECT name, digest, version, moved_at FROM aliases
    WHERE name = ?1 AND version < ?2 ORDER BY version DESC LIMIT ?3";
pub(crate) const NEWEST_OF_IMAGE: &str =
    "SELECT name, digest, version, moved_at FROM aliases AS alias
    WHERE digest = ?1 AND version = (SELECT version FROM aliases
        WHERE aliases.name = alias.name ORDER BY version DESC LIMIT 1)
    ORDER BY name LIMIT ?2";
const DELETE: &str = "DELETE FROM aliases WHERE name = ?1";
const DELETE_FILE: &str = "DELETE FROM pipeline_files WHERE name = ?1";

/// Where an alias points, at its newest version or at `version`.
pub(crate) fn alias(
    connection: &Connection,
    name: &str,
    version: Option<u32>,
) -> rusqlite::Result<Option<AliasRow>> {
    match version {
        None => connection.prepare_cached(NEWEST)?.query_one([name], alias_row),
        Some(version) => {
            connection.prepare_cached(AT)?.query_one(params![name, version], alias_row)
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
        match moment.prepare_cached(FROM)?.query_one([&from], alias_row).optional()? {
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

/// Aliases whose newest version points to this image, sorted by name. One step a version that
/// points or pointed there.
pub(crate) fn aliases_of(
    connection: &Connection,
    digest: Digest,
    limit: usize,
) -> rusqlite::Result<Vec<AliasRow>> {
    let arguments = params![digest.0, row::count(limit)];
    connection.prepare_cached(NEWEST_OF_IMAGE)?.query_map(arguments, alias_row)?.collect()
}

/// Versions of an alias older than `before`, the newest first.
pub(crate) fn versions(
    connection: &Connection,
    name: &str,
    before: Option<u32>,
    limit: usize,
) -> rusqlite::Result<Vec<AliasRow>> {
    let before = before.map_or(i64::MAX, i64::from);
    let arguments = params![name, before, row::count(limit)];
    connection.prepare_cached(VERSIONS)?.query_map(arguments, alias_row)?.collect()
}

/// Keeps an image and, with a name, moves the alias to it.
pub(crate) fn save_pipeline(
    connection: &Connection,
    save: &SavePipeline,
) -> Result<SavedPipeline, Fault> {
    let digest = save.image.digest;
    let is_new = images::keep(connection, &save.image)?;
    images::ask_for(connection, digest)?;
    let version = match &save.name {
        None => None,
        Some(name) => {
            let newest = alias(connection, name, None)?;
            let is_loaded_before = save.is_file && put_file(connection, name, digest)?;
            match newest {
                Some(row) if is_loaded_before => Some(row.version),
                newest => {
                    let at = save.image.created_at;
                    Some(point(connection, name, newest, digest, at)?.version)
                }
            }
        }
    };
    let saved = SavedPipeline { is_new, version };
    if let Some(answering) = &save.claim {
        claims::put(connection, &answering.answered(&saved))?;
    }
    Ok(saved)
}

/// Moves an alias. A refusal does not use the idempotency key up.
pub(crate) fn move_alias(connection: &Connection, shift: &MoveAlias) -> Result<MovedAlias, Fault> {
    let moved = moved(connection, shift)?;
    if let (Some(answering), MovedAlias::Moved(_)) = (&shift.claim, &moved) {
        claims::put(connection, &answering.answered(&moved))?;
    }
    Ok(moved)
}

fn moved(connection: &Connection, shift: &MoveAlias) -> rusqlite::Result<MovedAlias> {
    let newest = alias(connection, &shift.name, None)?;
    let is_expected = match (&shift.expected, &newest) {
        (None, _) | (Some(Expected::Anything), Some(_)) => true,
        (Some(Expected::OneOf(places)), Some(row)) => places.contains(&(row.version, row.digest)),
        (Some(_), None) => false,
    };
    if !is_expected {
        return Ok(MovedAlias::Stale);
    }
    let version = match shift.to {
        Target::Image(digest) => {
            if !images::ask_for(connection, digest)? {
                return Ok(MovedAlias::NoImage);
            }
            let row = point(connection, &shift.name, newest, digest, shift.at)?;
            return Ok(MovedAlias::Moved(row));
        }
        Target::Version(version) => version,
        // There is no version 0.
        Target::Previous => newest.as_ref().map_or(0, |row| row.version.saturating_sub(1)),
    };
    let Some(target) = alias(connection, &shift.name, Some(version))? else {
        return Ok(MovedAlias::NoVersion);
    };
    let row = point(connection, &shift.name, newest, target.digest, shift.at)?;
    Ok(MovedAlias::Moved(row))
}

/// Forgets an alias with all its versions; tells whether it was there.
pub(crate) fn delete(connection: &Connection, name: &str) -> Result<bool, Fault> {
    connection.prepare_cached(DELETE_FILE)?.execute([name])?;
    Ok(connection.prepare_cached(DELETE)?.execute([name])? > 0)
}

/// Lets an alias whose newest version is `newest` point to an image: by a new version, unless it
/// points there already.
fn point(
    connection: &Connection,
    name: &Text,
    newest: Option<AliasRow>,
    digest: Digest,
    moved_at: Timestamp,
) -> rusqlite::Result<AliasRow> {
    let version = match newest {
        Some(row) if row.digest == digest => return Ok(row),
        Some(row) => row.version.saturating_add(1),
        None => 1,
    };
    connection
        .prepare_cached(
            "INSERT INTO aliases (name, version, digest, moved_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![name.as_str(), version, digest.0, moved_at.0])?;
    Ok(AliasRow { name: name.clone(), digest, version, moved_at })
}

/// Notes what a pipeline file holds; tells whether it held the same when it was last loaded.
fn put_file(connection: &Connection, name: &str, digest: Digest) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO pipeline_files (name, digest) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET digest = ?2 WHERE digest <> ?2",
        )?
        .execute(params![name, digest.0])?;
    Ok(changed == 0)
}

fn alias_row(row: &Row<'_>) -> rusqlite::Result<AliasRow> {
    Ok(AliasRow {
        name: row::text(row, 0)?,
        digest: Digest(row.get(1)?),
        version: row.get(2)?,
        moved_at: Timestamp(row.get(3)?),
    })
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[NEWEST, AT, FROM, VERSIONS, NEWEST_OF_IMAGE, DELETE, DELETE_FILE];
