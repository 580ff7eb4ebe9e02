//! The catalogue's tables, in one place. Numbers of fragments are 20-byte blobs, big-endian, so that SQLite's order is
//! theirs; times are Unix milliseconds.

/// Raised with every change of the tables; a newer catalogue is refused.
pub(super) const FORMAT: i64 = 1;

/// Run on an empty database.
pub(super) const TABLES: &str = "
CREATE TABLE store (
    format INTEGER NOT NULL,
    epoch  INTEGER NOT NULL              -- grows with every opening
) STRICT;

CREATE TABLE stream (
    id                 BLOB    PRIMARY KEY,
    account            TEXT    NOT NULL,
    region             TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    created_ms         INTEGER NOT NULL,
    device_name        TEXT,
    media_type         TEXT,
    kms_key_id         TEXT    NOT NULL,
    retention_hours    INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    tags               TEXT    NOT NULL, -- a JSON object
    reserved_through   INTEGER NOT NULL, -- sequence numbers up to this one are never given out again
    chunked_through    BLOB    NOT NULL, -- journal records up to this number are dead
    newest_server_ms   INTEGER NOT NULL, -- in a chunk
    expired_through_ms INTEGER NOT NULL, -- expired for good, whatever the retention becomes
    finished           INTEGER NOT NULL  -- whether the last session ended as such
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX stream_by_name ON stream (account, region, name);

CREATE TABLE data_key (
    stream     BLOB    NOT NULL REFERENCES stream (id),
    number     INTEGER NOT NULL,
    wrapped    BLOB    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (stream, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunk (
    stream          BLOB    NOT NULL REFERENCES stream (id),
    last            BLOB    NOT NULL,
    first           BLOB    NOT NULL,
    object          TEXT    NOT NULL,    -- path below chunks/
    fragments       INTEGER NOT NULL,
    bytes           INTEGER NOT NULL,
    index_offset    INTEGER NOT NULL,
    producer_min_ms INTEGER NOT NULL,
    producer_max_ms INTEGER NOT NULL,
    server_min_ms   INTEGER NOT NULL,
    server_max_ms   INTEGER NOT NULL,
    longest_ms      INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL,    -- server_max_ms plus the stream's retention
    PRIMARY KEY (stream, last)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunk_by_expiry ON chunk (expires_at_ms);

CREATE TABLE garbage (                   -- bytes that no row names any more
    object TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
";
