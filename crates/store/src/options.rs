use crate::BodyCodec;
use std::sync::Arc;

/// Sizes and times of a [`MediaStore`](crate::MediaStore). The defaults suit thousands of telephone calls.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// At most this much is written under one fdatasync, unless one record alone is larger.
    pub commit_group_bytes: usize,
    /// Groups begin this far apart at least, unless a whole one waits: what a promise may take longer where many fragments come.
    pub commit_interval_ms: u64,
    /// Above this much waiting for the disk, [`Writer::ready`](crate::Writer::ready) waits.
    pub commit_queue_bytes: usize,
    /// A stream's journalled fragments become a chunk at this size...
    pub chunk_bytes: u64,
    /// ... or at this age of the oldest of them, or when its last writer closes.
    pub chunk_age_ms: i64,
    /// How long a fragment of a stream without retention is kept for live readers (KVS: 5 minutes).
    pub live_buffer_ms: i64,
    /// How much of a stream without retention is kept for live readers (KVS: 200 MB).
    pub live_buffer_bytes: u64,
    /// A reader takes at most about this much of history at a time.
    pub read_ahead_bytes: usize,
    /// The housekeeping thread looks for chunks to make this often; 0 never, so that tests decide by
    /// [`MediaStore::chunk`](crate::MediaStore::chunk) and [`MediaStore::sweep`](crate::MediaStore::sweep).
    pub housekeeping_ms: u64,
    /// Retention is enforced on disk this often; what has expired is never served, however late the sweep.
    pub sweep_ms: i64,
    /// How long an opened data key is trusted without asking the key provider again.
    pub key_cache_ms: i64,
    /// How many opened data keys are kept for readers.
    pub key_cache_entries: usize,
    /// A session that begins when the stream's data key is older than this gets a new one.
    pub key_rotation_ms: i64,
    /// The form in which bodies are kept where it is smaller. Needed for good once it was used: without it, what stands
    /// in its form cannot be read.
    pub body_codec: Option<Arc<dyn BodyCodec>>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        const MINUTE_MS: i64 = 60_000;
        Self {
            commit_group_bytes: 4 << 20,
            commit_interval_ms: 20,
            commit_queue_bytes: 64 << 20,
            chunk_bytes: 8 << 20,
            chunk_age_ms: 5 * MINUTE_MS,
            live_buffer_ms: 5 * MINUTE_MS,
            live_buffer_bytes: 200_000_000,
            read_ahead_bytes: 512 << 10,
            housekeeping_ms: 500,
            sweep_ms: 10_000,
            key_cache_ms: 5 * MINUTE_MS,
            key_cache_entries: 1_024,
            key_rotation_ms: 24 * 60 * MINUTE_MS,
            body_codec: None,
        }
    }
}
