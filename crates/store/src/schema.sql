-- The database of one data folder, schema version 1.
--
-- Ids are the 16 bytes of a UUIDv7, digests the 32 bytes of a SHA-256, times milliseconds since
-- 1970-01-01T00:00:00Z. Names of pipelines and of inputs are never empty.

-- Compiled programs. Rows are only added.
CREATE TABLE images (
    digest     BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL,
    source     TEXT NOT NULL,         -- what it was first compiled from, for people
    bytes      BLOB NOT NULL
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

-- The image of each pipeline file when it was last loaded: loading the same again moves nothing.
CREATE TABLE pipeline_files (
    name   TEXT PRIMARY KEY,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row an execution: what listings show, and how many records its log has.
CREATE TABLE executions (
    id               BLOB PRIMARY KEY,
    records          INTEGER NOT NULL,
    status           INTEGER NOT NULL, -- 0 Running, 1 Suspended, 2 Completed, 3 Failed, 4 Cancelled
    resumption_count INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    image            BLOB NOT NULL,
    pipeline         TEXT,             -- the alias by which it was started
    missing          TEXT NOT NULL     -- names of missing inputs, a JSON array
) STRICT, WITHOUT ROWID;

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
