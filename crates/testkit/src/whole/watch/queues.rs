//! No queue is longer than its bound.

use crate::whole::node::BACKLOG_BYTES;
use tympan_contact::REQUESTS_MAX;
use tympan_store::{StoreOptions, StoreStats};

pub(crate) const NAME: &str = "no queue is past its bound";

/// The largest piece that a capture hands on at once: what it held for its upload.
const PIECE_BYTES: usize = tympan_capture::Capture::PENDING_LIMIT_BYTES;
/// Rows that no live contact waits for: of contacts that were interrupted, and of late attributes.
const ROWS_BESIDE: usize = 64;

/// The queues of the node.
pub(crate) fn node(upload_bytes: usize, rows: usize, requests: usize, contacts: usize) -> Result<(), String> {
    if upload_bytes > BACKLOG_BYTES + PIECE_BYTES {
        return Err(format!("{upload_bytes} bytes wait for one upload"));
    }
    if rows > contacts + ROWS_BESIDE {
        return Err(format!("{rows} rows wait, of {contacts} contacts"));
    }
    if requests > (contacts + 1) * REQUESTS_MAX {
        return Err(format!("{requests} requests wait, of {contacts} contacts"));
    }
    Ok(())
}

/// The queues of the store, with so many uploads.
pub(crate) fn store(stats: &StoreStats, uploads: usize) -> Result<(), String> {
    // A fragment that has begun is taken to its end.
    let beyond = (uploads + 1) * BACKLOG_BYTES;
    let bound = StoreOptions::default().commit_queue_bytes + beyond;
    let waiting = usize::try_from(stats.commit_queue_bytes).unwrap_or(usize::MAX);
    if waiting > bound {
        return Err(format!("{waiting} bytes wait for the disk"));
    }
    Ok(())
}
