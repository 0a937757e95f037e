//! Events and the inputs that listen for them. An event goes to all who listen when it comes; with
//! nobody there it is kept for the first who begins to.

use engine::ExecutionId;
use engine::ports::{Delivered, Delivery, EventQuery, KeptEvent, Listening, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::write::Fault;
use crate::{claims, executions, row};

pub(crate) const LISTENERS: &str = "SELECT execution_id, min(input) FROM listening
    WHERE event_type = ?1 AND key = ?2 GROUP BY execution_id ORDER BY execution_id";
const LISTENING: &str = "SELECT input, event_type, key FROM listening
    WHERE execution_id = ?1 ORDER BY input";
const STOP: &str = "DELETE FROM listening WHERE execution_id = ?1 AND input = ?2";
const STOP_ALL: &str = "DELETE FROM listening WHERE execution_id = ?1";
pub(crate) const EVENTS: &str = "SELECT number, record FROM events
    WHERE number > ?1 ORDER BY number LIMIT ?2";
pub(crate) const EVENTS_OF_TYPE: &str = "SELECT number, record FROM events
    WHERE event_type = ?3 AND number > ?1 ORDER BY number LIMIT ?2";
pub(crate) const EVENTS_OF_KEY: &str = "SELECT number, record FROM events
    WHERE key = ?3 AND number > ?1 ORDER BY number LIMIT ?2";
pub(crate) const EVENTS_OF_TYPE_AND_KEY: &str = "SELECT number, record FROM events
    WHERE event_type = ?3 AND key = ?4 AND number > ?1 ORDER BY number LIMIT ?2";
const TOTAL: &str = "SELECT total FROM event_total WHERE one = 1";
const FORGET: &str = "DELETE FROM events WHERE number = ?1";

/// Smaller than the number of every event.
const BEFORE_ALL_EVENTS: i64 = 0;

/// Appends an event to the log of every execution that listens for it, or keeps it.
pub(crate) fn deliver(connection: &Connection, delivery: &Delivery) -> Result<Delivered, Fault> {
    let delivered = if is_first(connection, delivery)? {
        hand_out(connection, delivery)?
    } else {
        Delivered { is_repeated: true, ..Delivered::default() }
    };
    if let Some(answering) = &delivery.claim {
        claims::put(connection, &answering.answered(&delivered))?;
    }
    Ok(delivered)
}

/// Remembers an event's identity; tells whether it is new.
fn is_first(connection: &Connection, delivery: &Delivery) -> rusqlite::Result<bool> {
    let Some((source, id)) = &delivery.identity else { return Ok(true) };
    let added = connection
        .prepare_cached(
            "INSERT INTO event_identities (source, id, at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![source.as_str(), id.as_str(), delivery.at.0])?;
    Ok(added == 1)
}

fn hand_out(connection: &Connection, delivery: &Delivery) -> Result<Delivered, Fault> {
    let mut delivered = Delivered::default();
    for (id, input) in listeners(connection, delivery)? {
        executions::receive(connection, &id, &delivery.record, delivery.at)?;
        connection.prepare_cached(STOP)?.execute(params![id, input])?;
        delivered.executions.push(ExecutionId::from_bytes(id));
    }
    if delivered.executions.is_empty() {
        keep(connection, delivery)?;
        delivered.is_kept = true;
    }
    Ok(delivered)
}

/// The executions that listen for an event, each with the first input that does.
fn listeners(
    connection: &Connection,
    delivery: &Delivery,
) -> rusqlite::Result<Vec<([u8; 16], String)>> {
    let arguments = [delivery.event_type.as_str(), delivery.key.as_str()];
    let listener = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.prepare_cached(LISTENERS)?.query_map(arguments, listener)?.collect()
}

fn keep(connection: &Connection, delivery: &Delivery) -> Result<(), Fault> {
    let total: i64 = connection.prepare_cached(TOTAL)?.query_one([], |row| row.get(0))?;
    if total >= row::count(delivery.kept_max) {
        return Err(StoreError::Overloaded.into());
    }
    connection
        .prepare_cached("INSERT INTO events (at, event_type, key, record) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            delivery.at.0,
            delivery.event_type.as_str(),
            delivery.key.as_str(),
            delivery.record,
        ])?;
    Ok(())
}

/// Lets an execution listen for exactly this, sorted by input. Gives the records of the kept events
/// that were taken: inputs that begin to listen look for one, and with one do not listen any more.
pub(crate) fn listen(
    connection: &Connection,
    id: &[u8; 16],
    listening: &[Listening],
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let before = listening_of(connection, id)?;
    if before == listening {
        return Ok(Vec::new());
    }
    stop_listening(connection, id)?;
    let mut received = Vec::new();
    for one in listening {
        // Where somebody has listened before, no event can wait.
        let taken = if before.contains(one) { None } else { take(connection, one)? };
        match taken {
            Some(record) => received.push(record),
            None => add_listening(connection, id, one)?,
        }
    }
    Ok(received)
}

/// Lets an execution not listen any more.
pub(crate) fn stop_listening(connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<()> {
    connection.prepare_cached(STOP_ALL)?.execute([id])?;
    Ok(())
}

fn listening_of(connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<Vec<Listening>> {
    let listening = |row: &Row<'_>| {
        Ok(Listening {
            input: row::text(row, 0)?,
            event_type: row::text(row, 1)?,
            key: row::text(row, 2)?,
        })
    };
    connection.prepare_cached(LISTENING)?.query_map([id], listening)?.collect()
}

fn add_listening(connection: &Connection, id: &[u8; 16], one: &Listening) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO listening (execution_id, input, event_type, key) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, one.input.as_str(), one.event_type.as_str(), one.key.as_str()])?;
    Ok(())
}

/// Takes the oldest kept event that fits.
fn take(connection: &Connection, one: &Listening) -> rusqlite::Result<Option<Vec<u8>>> {
    let arguments = params![BEFORE_ALL_EVENTS, 1, one.event_type.as_str(), one.key.as_str()];
    let oldest = connection
        .prepare_cached(EVENTS_OF_TYPE_AND_KEY)?
        .query_one(arguments, kept_event)
        .optional()?;
    let Some(KeptEvent { number, record }) = oldest else { return Ok(None) };
    connection.prepare_cached(FORGET)?.execute([row::count(number)])?;
    Ok(Some(record))
}

/// A page of kept events, the oldest first.
pub(crate) fn kept_events(
    connection: &Connection,
    query: &EventQuery,
) -> rusqlite::Result<Vec<KeptEvent>> {
    let after = query.after.map_or(BEFORE_ALL_EVENTS, row::count);
    let limit = row::count(query.limit);
    let (sql, filters) = match (&query.event_type, &query.key) {
        (None, None) => (EVENTS, vec![]),
        (Some(event_type), None) => (EVENTS_OF_TYPE, vec![event_type.as_str()]),
        (None, Some(key)) => (EVENTS_OF_KEY, vec![key.as_str()]),
        (Some(event_type), Some(key)) => {
            (EVENTS_OF_TYPE_AND_KEY, vec![event_type.as_str(), key.as_str()])
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    statement.raw_bind_parameter(1, after)?;
    statement.raw_bind_parameter(2, limit)?;
    for (at, filter) in (3..).zip(filters) {
        statement.raw_bind_parameter(at, filter)?;
    }
    statement.raw_query().mapped(kept_event).collect()
}

fn kept_event(row: &Row<'_>) -> rusqlite::Result<KeptEvent> {
    let number: i64 = row.get(0)?;
    let number =
        u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))?;
    Ok(KeptEvent { number, record: row.get(1)? })
}

/// All statements of this file that look for rows.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LISTENERS,
    LISTENING,
    STOP,
    STOP_ALL,
    EVENTS,
    EVENTS_OF_TYPE,
    EVENTS_OF_KEY,
    EVENTS_OF_TYPE_AND_KEY,
    TOTAL,
    FORGET,
];
