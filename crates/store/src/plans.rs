//! How SQLite finds the rows of each statement, asked of its planner.

use rusqlite::Connection;

use crate::{aliases, claims, events, executions, filters, images, retention};

/// Every statement goes straight to its rows: no table is read as a whole, nothing is sorted.
#[test]
fn every_query_is_one_range_of_an_index() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("schema.sql")).unwrap();
    let rooms = [
        aliases::STATEMENTS,
        claims::STATEMENTS,
        events::STATEMENTS,
        executions::STATEMENTS,
        filters::STATEMENTS,
        images::STATEMENTS,
        retention::STATEMENTS,
    ];
    for sql in rooms.into_iter().flatten() {
        let plan = plan(&connection, sql);
        let mut ranges = 0;
        for step in plan.iter().filter(|step| !step.contains("SUBQUERY")) {
            assert!(step.starts_with("SEARCH"), "{sql}\n{step}");
            assert!(step.contains("PRIMARY KEY") || step.contains("INDEX"), "{sql}\n{step}");
            assert!(step.contains("=?") || step.contains(">?") || step.contains("<?"), "{step}");
            ranges += 1;
        }
        assert!(ranges > 0, "{sql}");
    }
}

/// The ranges are as narrow as they can be.
#[test]
fn listings_read_only_what_they_list() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("schema.sql")).unwrap();
    for (sql, range) in [
        (filters::EXECUTION_IDS, "(pipeline=? AND missing=? AND status=? AND execution_id<?)"),
        (executions::RECORDS, "(execution_id=? AND seq>?)"),
        (executions::TIMERS, "COVERING INDEX executions_by_due (due>?)"),
        (events::LISTENERS, "COVERING INDEX listening_by_event (event_type=? AND key=?)"),
        (events::EVENTS, "INTEGER PRIMARY KEY (rowid>?)"),
        (events::EVENTS_OF_TYPE, "INDEX events_by_type (event_type=? AND rowid>?)"),
        (events::EVENTS_OF_KEY, "INDEX events_by_key (key=? AND rowid>?)"),
        (
            events::EVENTS_OF_TYPE_AND_KEY,
            "INDEX events_by_type_and_key (event_type=? AND key=? AND rowid>?)",
        ),
        (aliases::VERSIONS, "(name=? AND version<?)"),
        (aliases::NEWEST_OF_IMAGE, "INDEX aliases_by_digest (digest=?)"),
        (images::DELETE_UNUSED, "COVERING INDEX executions_by_image (image=?)"),
        (images::DELETE_UNUSED, "COVERING INDEX aliases_by_digest (digest=?)"),
        (retention::ENDED, "INDEX executions_by_end (status=? AND updated_at<?)"),
        (retention::DELETE_EVENTS, "INDEX events_by_time (at<?)"),
        (retention::DELETE_IDENTITIES, "PRIMARY KEY (source=? AND id=?)"),
        (retention::DELETE_IDENTITIES, "INDEX event_identities_by_time (at<?)"),
        (retention::DELETE_CLAIMS, "INDEX claims_by_time (at<?)"),
    ] {
        let plan = plan(&connection, sql).join("\n");
        assert!(plan.contains(range), "{sql}\n{plan}");
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = statement.parameter_count();
    let arguments = rusqlite::params_from_iter(vec![rusqlite::types::Null; count]);
    let steps = statement.query_map(arguments, |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}
