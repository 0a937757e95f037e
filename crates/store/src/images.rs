//! Images: kept once, forgotten when nothing needs them.

use engine::Timestamp;
use engine::ports::{DeletedImage, StoredImage};
use model::Digest;
use rusqlite::{Connection, OptionalExtension, params};

use crate::row;

const IMAGE: &str = "SELECT digest, bytes, source, created_at FROM images WHERE digest = ?1";
const NAMES: &str = "SELECT digest FROM images WHERE digest > ?1 ORDER BY digest LIMIT ?2";
const IS_ASKED_FOR: &str = "SELECT is_asked_for FROM images WHERE digest = ?1";
const ASK_FOR: &str = "UPDATE images SET is_asked_for = 1 WHERE digest = ?1 AND is_asked_for = 0";
pub(crate) const DELETE_UNUSED: &str = "DELETE FROM images WHERE digest = ?1
    AND NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.digest = ?1)
    AND NOT EXISTS (SELECT 1 FROM executions WHERE executions.image = ?1)";

/// The names of all images, sorted, behind `after`.
pub(crate) fn images(
    connection: &Connection,
    after: Option<Digest>,
    limit: usize,
) -> rusqlite::Result<Vec<Digest>> {
    // Nothing is sorted before the empty name.
    let after = after.map_or(Vec::new(), |digest| digest.0.to_vec());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut names = connection.prepare_cached(NAMES)?;
    names.query_map(params![after, limit], |row| Ok(Digest(row.get(0)?)))?.collect()
}

/// The image of this name.
pub(crate) fn image(
    connection: &Connection,
    digest: Digest,
) -> rusqlite::Result<Option<StoredImage>> {
    connection
        .prepare_cached(IMAGE)?
        .query_one([digest.0], |row| {
            Ok(StoredImage {
                digest: Digest(row.get(0)?),
                bytes: row.get(1)?,
                source: row::text(row, 2)?,
                created_at: Timestamp(row.get(3)?),
            })
        })
        .optional()
}

/// Keeps an image unless it is there, as long as something needs it; tells whether it is new.
pub(crate) fn keep(connection: &Connection, image: &StoredImage) -> rusqlite::Result<bool> {
    let added = connection
        .prepare_cached(
            "INSERT INTO images (digest, created_at, is_asked_for, source, bytes)
             VALUES (?1, ?2, 0, ?3, ?4) ON CONFLICT (digest) DO NOTHING",
        )?
        .execute(params![image.digest.0, image.created_at.0, image.source.as_str(), image.bytes])?;
    Ok(added == 1)
}

/// Notes that somebody wants an image for its own sake; tells whether it is there.
pub(crate) fn ask_for(connection: &Connection, digest: Digest) -> rusqlite::Result<bool> {
    let is_asked_for = is_asked_for(connection, digest)?;
    if is_asked_for == Some(false) {
        connection.prepare_cached(ASK_FOR)?.execute([digest.0])?;
    }
    Ok(is_asked_for.is_some())
}

/// Whether somebody wants an image for its own sake; `None` if it is not there.
pub(crate) fn is_asked_for(
    connection: &Connection,
    digest: Digest,
) -> rusqlite::Result<Option<bool>> {
    connection.prepare_cached(IS_ASKED_FOR)?.query_one([digest.0], |row| row.get(0)).optional()
}

/// Forgets an image that no version of an alias and no execution needs.
pub(crate) fn delete(connection: &Connection, digest: Digest) -> rusqlite::Result<DeletedImage> {
    if is_asked_for(connection, digest)?.is_none() {
        return Ok(DeletedImage::NotFound);
    }
    Ok(match connection.prepare_cached(DELETE_UNUSED)?.execute([digest.0])? {
        0 => DeletedImage::InUse,
        _ => DeletedImage::Deleted,
    })
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[IMAGE, IS_ASKED_FOR, ASK_FOR, DELETE_UNUSED];
