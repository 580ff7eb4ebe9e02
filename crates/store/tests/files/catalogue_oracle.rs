//! Any values in the catalogue's rows, with their checksums right: an error or an answer, never a panic.
//!
//! Shared with the fuzz target. The input is a list of edits: table, column, type of value, length, value. An edit that
//! SQLite refuses is skipped.

use rusqlite::Connection;
use rusqlite::types::Value;
use std::path::Path;
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions, add_row_checksum};
use tympan_store::{Backend, FirstMatch, StreamPage};
use tympan_types::{AccountId, FragmentNumber, Region, WallTime};

const TABLES: [(&str, &[&str]); 6] = [
    ("store", &["format", "epoch"]),
    (
        "stream",
        &[
            "id",
            "account",
            "region",
            "name",
            "created_ms",
            "device_name",
            "media_type",
            "kms_key_id",
            "retention_hours",
            "version",
            "tags",
            "reserved_through",
            "chunked_through",
            "newest_server_ms",
            "expired_through_ms",
            "finished",
            "storage_tier",
        ],
    ),
    ("data_key", &["stream", "number", "wrapped", "created_ms"]),
    (
        "chunk",
        &[
            "stream",
            "last",
            "first",
            "object",
            "fragments",
            "bytes",
            "index_offset",
            "producer_min_ms",
            "producer_max_ms",
            "server_min_ms",
            "server_max_ms",
            "longest_ms",
            "expires_at_ms",
        ],
    ),
    ("garbage", &["object"]),
    ("deletion", &["id"]),
];

/// Edits a copy of the directory `template`, made in `place`, and opens it.
pub fn check_catalogue(template: &Path, place: &Path, input: &[u8]) {
    let copy = place.join("data");
    // The last run's.
    let _ = std::fs::remove_dir_all(&copy);
    copy_dir(template, &copy).expect("the temporary folder takes a copy");
    edit(&copy.join("catalog.db"), input).expect("the copy is intact");
    let Ok(backend) = EmbeddedBackend::open(&copy, EmbeddedOptions::default()) else { return };
    for region in ["us-west-2", "eu-central-1"] {
        let page = StreamPage {
            account: AccountId::parse("111122223333").expect("twelve digits"),
            region: Region::parse(region).expect("a region"),
            prefix: String::new(),
            after: None,
            limit: 10,
        };
        for stream in backend.list_streams(&page).unwrap_or_default() {
            // Errors are answers.
            let _ = backend.keys(stream.id);
            let _ = backend.reserve(stream.id, true);
            let mut after = FragmentNumber::MIN;
            while let Ok(Some(chunk)) = backend.find_chunk(stream.id, after, FirstMatch::Any) {
                assert!(chunk.last > after, "a search goes forward");
                after = chunk.last;
                for part in backend.chunk_parts(&chunk).ok().flatten().unwrap_or_default() {
                    let _ = backend.read_chunk(&chunk, part.offset, part.length);
                }
            }
        }
    }
    let _ = backend.recovered();
    let _ = backend.expire(WallTime::from_unix_ms(i64::MAX));
    let _ = backend.tend();
    backend.close();
}

fn edit(path: &Path, mut input: &[u8]) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    add_row_checksum(&connection)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")?;
    while let [table, column, kind, length, rest @ ..] = input {
        let (table, columns) = TABLES[usize::from(*table) % TABLES.len()];
        let column = columns[usize::from(*column) % columns.len()];
        let (bytes, after) = rest.split_at(rest.len().min(usize::from(*length)));
        input = after;
        let number = bytes.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
        let value = match kind % 4 {
            0 => Value::Null,
            1 => Value::Integer(number),
            2 => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            _ => Value::Blob(bytes.to_vec()),
        };
        // STRICT tables and keys refuse many values.
        let _ = connection.execute(&format!("UPDATE {table} SET {column} = ?1"), [value]);
    }
    Ok(())
}

fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_name().to_str() {
            // Four megabytes that only a full disk needs.
            Some("CLOCK" | "RESERVE" | "LOCK") => {}
            _ if entry.file_type()?.is_dir() => copy_dir(&entry.path(), &target)?,
            _ => drop(std::fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}
