//! The catalogue's tables, in one place. Numbers of fragments are 20-byte blobs, big-endian, so that SQLite's order is
//! theirs; times are Unix milliseconds.

/// Raised with every change of the tables; a newer catalogue is refused, an older one is upgraded.
pub(super) const FORMAT: i64 = 3;

/// A table of which every row carries a checksum of its other columns; triggers keep it right.
pub(super) struct Sealed {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    /// Finds the row that a trigger is about.
    key: &'static str,
}

pub(super) const STREAM: Sealed = Sealed {
    table: "stream",
    columns: "id, account, region, name, created_ms, device_name, media_type, kms_key_id, retention_hours, version, tags,
        reserved_through, chunked_through, newest_server_ms, expired_through_ms, finished, storage_tier, kms_key_arn",
    key: "id = new.id",
};

/// As format 2 had it.
const STREAM_2: Sealed = Sealed {
    table: "stream",
    columns: "id, account, region, name, created_ms, device_name, media_type, kms_key_id, retention_hours, version, tags,
        reserved_through, chunked_through, newest_server_ms, expired_through_ms, finished, storage_tier",
    key: "id = new.id",
};

pub(super) const DATA_KEY: Sealed = Sealed {
    table: "data_key",
    columns: "stream, number, wrapped, created_ms",
    key: "stream = new.stream AND number = new.number",
};

pub(super) const CHUNK: Sealed = Sealed {
    table: "chunk",
    columns: "stream, first, last, object, fragments, bytes, index_offset, producer_min_ms, producer_max_ms,
        server_min_ms, server_max_ms, longest_ms, expires_at_ms",
    key: "stream = new.stream AND last = new.last",
};

pub(super) const GARBAGE: Sealed = Sealed { table: "garbage", columns: "object", key: "object = new.object" };

pub(super) const STORE: Sealed =
    Sealed { table: "store", columns: "format, epoch", key: "rowid = new.rowid" };

pub(super) const DELETION: Sealed = Sealed {
    table: "deletion",
    columns: "id, account, region, name, created_ms, deleted_ms, kms_key_id, data_keys, chunks, fragments, bytes",
    key: "id = new.id",
};

pub(super) const ERASURE: Sealed = Sealed {
    table: "erasure",
    columns: "stream, first, last, segment",
    key: "stream = new.stream AND first = new.first AND last = new.last",
};

pub(super) const ALL: [Sealed; 7] = [STORE, STREAM, DATA_KEY, CHUNK, GARBAGE, DELETION, ERASURE];
const ALL_2: [Sealed; 6] = [STORE, STREAM_2, DATA_KEY, CHUNK, GARBAGE, DELETION];

/// What makes tables of the format before into those of this format.
///
/// # Panics
/// Never: formats are few.
pub(super) fn step_to(format: i64) -> String {
    match format {
        2 => ALL_2.iter().fold(ADDED_BY_FORMAT_2.to_owned(), |step, table| step + &table.seal()),
        3 => {
            let (before, now) = (STREAM_2.intact(), STREAM.columns);
            // A row that is damaged stays so.
            let seal_again = format!("UPDATE stream SET checksum = row_checksum({now}) WHERE {before};");
            [ADDED_BY_FORMAT_3, &seal_again, &STREAM.keep_sealed(), &ERASURE.seal()].concat()
        }
        _ => String::new(),
    }
}

impl Sealed {
    /// An expression that is true of a row that is what was written.
    pub(super) fn intact(&self) -> String {
        format!("(checksum = row_checksum({}))", self.columns)
    }

    /// Adds the column, seals what is there and keeps it sealed from now on.
    pub(super) fn seal(&self) -> String {
        let Self { table, columns, .. } = self;
        format!(
            "ALTER TABLE {table} ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
             UPDATE {table} SET checksum = row_checksum({columns});
             {}",
            self.keep_sealed()
        )
    }

    fn keep_sealed(&self) -> String {
        let Self { table, columns, key } = self;
        let seal = format!("UPDATE {table} SET checksum = row_checksum({columns})");
        format!(
            "CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {seal} WHERE {key}; END;
             CREATE TRIGGER {table}_updated AFTER UPDATE OF {columns} ON {table} BEGIN {seal} WHERE {key}; END;"
        )
    }
}

/// Run on an empty database: these are the tables of format 1, and what is added to them follows.
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

/// What format 2 has beside the seals; run on tables of format 1.
const ADDED_BY_FORMAT_2: &str = "
ALTER TABLE stream ADD COLUMN storage_tier TEXT NOT NULL DEFAULT 'HOT';

CREATE TABLE deletion (                  -- which streams there were
    id         TEXT    PRIMARY KEY,      -- as text: its sixteen bytes in the file mean that a row of the stream is left
    account    TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER NOT NULL,
    kms_key_id TEXT    NOT NULL,
    data_keys  INTEGER NOT NULL,         -- wrapped keys that were destroyed
    chunks     INTEGER NOT NULL,         -- chunks that became garbage
    fragments  INTEGER NOT NULL,         -- fragments in them
    bytes      INTEGER NOT NULL          -- their sizes
) STRICT, WITHOUT ROWID;
CREATE TRIGGER deletion_is_not_changed
    BEFORE UPDATE OF id, account, region, name, created_ms, deleted_ms, kms_key_id, data_keys, chunks, fragments, bytes
    ON deletion BEGIN SELECT RAISE(ABORT, 'the log of deletions is only added to'); END;
CREATE TRIGGER deletion_is_not_removed BEFORE DELETE ON deletion
    BEGIN SELECT RAISE(ABORT, 'the log of deletions is only added to'); END;
";

/// What format 3 has beside its seals; run on tables of format 2.
const ADDED_BY_FORMAT_3: &str = "
DROP TRIGGER stream_inserted;
DROP TRIGGER stream_updated;
ALTER TABLE stream ADD COLUMN kms_key_arn TEXT; -- the key that an alias meant when the stream was created

CREATE TABLE erasure (                   -- fragments that are erased and of which something may be left
    stream  BLOB    NOT NULL REFERENCES stream (id),
    first   BLOB    NOT NULL,
    last    BLOB    NOT NULL,
    segment INTEGER,                     -- the newest segment of the journal that may hold one of them; null while one may still come
    PRIMARY KEY (stream, first, last)
) STRICT, WITHOUT ROWID;
";
