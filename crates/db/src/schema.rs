//! Tables of `control.db`. `docs/control-database.md` describes them.

use crate::row::{ColumnType, Kind, Kinds};
use rusqlite::Connection;

/// "TYMD", in the header of the file.
pub(crate) const APPLICATION: i64 = 0x5459_4d44;
/// Raised by a change of a table that an earlier build cannot live with.
pub(crate) const SCHEMA: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID, STRICT;

CREATE TABLE IF NOT EXISTS change (
    revision  INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    row       INTEGER NOT NULL,
    key       TEXT,
    operation INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS change_row ON change (row);

CREATE TABLE IF NOT EXISTS outbox (
    entry       INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    format      INTEGER NOT NULL,
    payload     BLOB NOT NULL,
    attempts    INTEGER NOT NULL,
    next_due_ms INTEGER NOT NULL,
    checksum    INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (next_due_ms);
CREATE INDEX IF NOT EXISTS outbox_kind ON outbox (kind, next_due_ms);
CREATE INDEX IF NOT EXISTS outbox_contact ON outbox (payload) WHERE kind >= 'record-' AND kind < 'record.';
CREATE INDEX IF NOT EXISTS outbox_event ON outbox (substr(payload, 1, 36)) WHERE kind >= 'event-' AND kind < 'event.';

CREATE TABLE IF NOT EXISTS flow_log (
    line     INTEGER PRIMARY KEY AUTOINCREMENT,
    contact  TEXT NOT NULL,
    payload  BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS flow_log_contact ON flow_log (contact);

CREATE TABLE IF NOT EXISTS unreadable (
    serial  INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    origin  TEXT NOT NULL,
    format  INTEGER NOT NULL,
    payload BLOB NOT NULL,
    reason  TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS unreadable_key ON unreadable (kind, key);

CREATE TABLE IF NOT EXISTS contact (
    row          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    account      TEXT NOT NULL,
    instance     TEXT NOT NULL,
    initiated    INTEGER NOT NULL,
    connected    INTEGER,
    disconnected INTEGER,
    is_live      INTEGER NOT NULL,
    delivered    INTEGER NOT NULL,
    number       TEXT,
    flow         TEXT,
    queue        TEXT,
    has_stream   INTEGER NOT NULL,
    expires      INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS contact_instance ON contact (instance);
CREATE INDEX IF NOT EXISTS contact_account ON contact (account);
CREATE INDEX IF NOT EXISTS contact_connected ON contact (connected) WHERE connected IS NOT NULL;
CREATE INDEX IF NOT EXISTS contact_disconnected ON contact (disconnected) WHERE disconnected IS NOT NULL;
CREATE INDEX IF NOT EXISTS contact_live ON contact (row) WHERE is_live = 1;
CREATE INDEX IF NOT EXISTS contact_undelivered ON contact (row) WHERE delivered = 0;
CREATE INDEX IF NOT EXISTS contact_flow ON contact (flow) WHERE flow IS NOT NULL;
CREATE INDEX IF NOT EXISTS contact_queue ON contact (queue) WHERE queue IS NOT NULL;
CREATE INDEX IF NOT EXISTS contact_expires ON contact (expires) WHERE expires IS NOT NULL;

CREATE TABLE IF NOT EXISTS contact_payload (
    row      INTEGER PRIMARY KEY,
    format   INTEGER NOT NULL,
    payload  BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS contact_number_part (
    part INTEGER NOT NULL,
    row  INTEGER NOT NULL,
    PRIMARY KEY (part, row)
) WITHOUT ROWID, STRICT;

CREATE TABLE IF NOT EXISTS contact_agent (
    row   INTEGER PRIMARY KEY,
    agent TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS contact_agent_row ON contact_agent (agent, row);

CREATE TABLE IF NOT EXISTS contact_loss (row INTEGER PRIMARY KEY) STRICT;

CREATE TABLE IF NOT EXISTS contact_attribute (
    row   INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (row, name)
) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS contact_attribute_value ON contact_attribute (name, substr(value, 1, 64), row);
";

/// Makes the tables that are not there yet.
pub(crate) fn create(connection: &Connection, kinds: &Kinds) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    for kind in crate::kinds::MIGRATED.iter().copied().chain(kinds.kinds.values().map(|(kind, ..)| *kind)) {
        create_kind(&transaction, kind)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}

fn create_kind(connection: &Connection, kind: &Kind) -> rusqlite::Result<()> {
    let table = kind.table();
    let mut columns = String::new();
    let mut indexes = String::new();
    for column in kind.columns {
        let name = column.name;
        let column_type = match column.column_type {
            ColumnType::Text => "TEXT",
            ColumnType::Integer => "INTEGER",
        };
        columns.push_str(&format!("{name} {column_type}, "));
        indexes.push_str(&format!(
            "CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({name}, key) WHERE {name} IS NOT NULL;"
        ));
    }
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {table} (
            row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, {columns}
            format INTEGER NOT NULL, payload BLOB NOT NULL, checksum INTEGER NOT NULL
        ) STRICT; {indexes}"
    ))
}
