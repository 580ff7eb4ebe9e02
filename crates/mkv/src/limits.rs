/// What a reader accepts before it refuses its input: the bound of its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Masters inside masters, the outermost counted as one; values above [`Limits::DEPTH_CAPACITY`] mean that.
    pub max_depth: usize,
    /// The largest element whose value is collected (names, tags, codec private data), in bytes.
    /// Media payloads are passed through and not subject to it.
    pub max_value_bytes: usize,
    /// TrackEntry elements in one document.
    pub max_tracks: usize,
    /// The largest block that [`consume::MediaReader`](crate::consume::MediaReader) assembles, in bytes.
    pub max_block_bytes: usize,
    /// SimpleTag elements that [`consume::MediaReader`](crate::consume::MediaReader) keeps for one fragment.
    pub max_tags: usize,
}

impl Limits {
    /// The nesting that a reader has room for.
    pub const DEPTH_CAPACITY: usize = 16;
}

impl Default for Limits {
    /// Far above what a producer of KVS writes, far below what hurts: 16 levels, 1 MiB values (what the C producer
    /// SDK takes as codec private data), 32 tracks,
    /// 64 MiB blocks, 256 tags.
    fn default() -> Self {
        Self {
            max_depth: Self::DEPTH_CAPACITY,
            max_value_bytes: 1 << 20,
            max_tracks: 32,
            max_block_bytes: 64 << 20,
            max_tags: 256,
        }
    }
}
