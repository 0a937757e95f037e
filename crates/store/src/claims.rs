//! Idempotency keys, with what they stand for.

use engine::ports::Claim;
use engine::{ExecutionId, Timestamp};
use model::{Digest, Text};
use rusqlite::{Connection, OptionalExtension, params};

const CLAIM: &str = "SELECT digest, at, execution_id, answer FROM claims WHERE key = ?1";

/// What is known under an idempotency key.
pub(crate) fn claim(connection: &Connection, key: Text) -> rusqlite::Result<Option<Claim>> {
    connection
        .prepare_cached(CLAIM)?
        .query_one([key.as_str()], |row| {
            let execution: Option<[u8; 16]> = row.get(2)?;
            Ok(Claim {
                key: key.clone(),
                digest: Digest(row.get(0)?),
                at: Timestamp(row.get(1)?),
                execution: execution.map(ExecutionId::from_bytes),
                answer: row.get(3)?,
            })
        })
        .optional()
}

/// Puts a claim in the place of what was known under its key.
pub(crate) fn put(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO claims (key, at, digest, execution_id, answer)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            claim.key.as_str(),
            claim.at.0,
            claim.digest.0,
            claim.execution.as_ref().map(ExecutionId::as_bytes),
            claim.answer,
        ])?;
    Ok(())
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[CLAIM];
