-- The database of one data folder, schema version 1.
--
-- Ids are the 16 bytes of a UUIDv7, digests the 32 bytes of a SHA-256, times milliseconds since
-- 1970-01-01T00:00:00Z. Names of pipelines and of inputs are never empty.

-- Compiled programs.
CREATE TABLE images (
    digest       BLOB PRIMARY KEY,
    created_at   INTEGER NOT NULL,
    is_asked_for INTEGER NOT NULL,     -- 0: it came with an execution and goes with the last one
    source       TEXT NOT NULL,        -- what it was first compiled from, for people
    bytes        BLOB NOT NULL
) STRICT;

-- Where each alias points and pointed. The newest version comes first, so that one step into the
-- index finds it.
CREATE TABLE aliases (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,        -- from 1, without gaps
    digest   BLOB NOT NULL,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (name, version DESC)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_digest ON aliases (digest, name);

-- The image of each pipeline file when it was last loaded: loading the same again moves nothing.
CREATE TABLE pipeline_files (
    name   TEXT PRIMARY KEY,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row an execution: what listings show, how many records its log has, its next timer.
CREATE TABLE executions (
    id               BLOB PRIMARY KEY,
    records          INTEGER NOT NULL,
    status           INTEGER NOT NULL, -- 0 Running, 1 Suspended, 2 Completed, 3 Failed, 4 Cancelled
    resumption_count INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    due              INTEGER,
    image            BLOB NOT NULL,
    pipeline         TEXT,             -- the alias by which it was started
    missing          TEXT NOT NULL     -- names of missing inputs, a JSON array
) STRICT, WITHOUT ROWID;
CREATE INDEX executions_by_image ON executions (image);
CREATE INDEX executions_by_due ON executions (due) WHERE due IS NOT NULL;
-- Those that may be past their time.
CREATE INDEX executions_by_end ON executions (status, updated_at) WHERE status >= 2;

-- The log of each execution, in order. Rows are only added; `seq` counts from 0 without gaps.
CREATE TABLE records (
    execution_id BLOB NOT NULL,
    seq          INTEGER NOT NULL,
    bytes        BLOB NOT NULL,
    PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID;

-- An index for listings, written by hand because no index of SQLite reaches into `missing`. An
-- execution is entered under every pair of filters that finds it: its pipeline or '' for any, one
-- of its missing inputs or '' for any. So each combination of filters is one range of this table,
-- newest last, however many executions there are and however few of them fit.
CREATE TABLE execution_filters (
    pipeline     TEXT NOT NULL,
    missing      TEXT NOT NULL,
    status       INTEGER NOT NULL,
    execution_id BLOB NOT NULL,
    PRIMARY KEY (pipeline, missing, status, execution_id)
) STRICT, WITHOUT ROWID;

-- The inputs that an event may fill. A row goes when its event comes.
CREATE TABLE listening (
    execution_id BLOB NOT NULL,
    input        TEXT NOT NULL,
    event_type   TEXT NOT NULL,
    key          TEXT NOT NULL,
    PRIMARY KEY (execution_id, input)
) STRICT, WITHOUT ROWID;
CREATE INDEX listening_by_event ON listening (event_type, key, execution_id);

-- Events that nobody has listened for yet, in the order of their arrival. No number comes twice.
CREATE TABLE events (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    key        TEXT NOT NULL,
    record     BLOB NOT NULL          -- for the log of whoever takes it
) STRICT;
CREATE INDEX events_by_type ON events (event_type);
CREATE INDEX events_by_key ON events (key);
CREATE INDEX events_by_type_and_key ON events (event_type, key);
CREATE INDEX events_by_time ON events (at);

-- How many rows `events` has, since counting them would read them all. One row.
CREATE TABLE event_total (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    total INTEGER NOT NULL
) STRICT;
INSERT INTO event_total (one, total) VALUES (1, 0);
CREATE TRIGGER event_kept AFTER INSERT ON events
    BEGIN UPDATE event_total SET total = total + 1 WHERE one = 1; END;
CREATE TRIGGER event_gone AFTER DELETE ON events
    BEGIN UPDATE event_total SET total = total - 1 WHERE one = 1; END;

-- Source and id of the events that came, kept or not.
CREATE TABLE event_identities (
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_identities_by_time ON event_identities (at);

-- What callers asked for under their idempotency keys, and what they were answered.
CREATE TABLE claims (
    key          TEXT PRIMARY KEY,
    at           INTEGER NOT NULL,
    digest       BLOB NOT NULL,       -- of the request
    execution_id BLOB,
    answer       BLOB
) STRICT;
CREATE INDEX claims_by_time ON claims (at);
