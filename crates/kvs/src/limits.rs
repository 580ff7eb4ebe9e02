//! What one account, stream or connection may use.
//!
//! Source: the page "Amazon Kinesis Video Streams service quotas". Rates (calls and bytes per second) are not limited.

use std::time::Duration;

/// The limits; `None` is unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Streams of one account in one region.
    pub streams_per_account: Option<u32>,
    /// PutMedia connections to one stream at a time.
    pub put_media_connections_per_stream: Option<u32>,
    /// GetMedia connections to one stream at a time.
    pub get_media_connections_per_stream: Option<u32>,
    /// GetMediaForFragmentList connections to one stream at a time.
    pub fragment_list_connections_per_stream: Option<u32>,
    /// Bytes of one fragment: document head, Cluster and what follows it.
    pub fragment_bytes: usize,
    /// From the first to the last block of a fragment.
    pub fragment_duration: Duration,
    /// Bytes of a document before its first Cluster.
    pub head_bytes: usize,
    /// Tracks of a document.
    pub tracks: usize,
    /// Producer tags of one fragment.
    pub fragment_tags: usize,
    /// Bytes of a producer tag's name.
    pub tag_name_bytes: usize,
    /// Bytes of a producer tag's value.
    pub tag_value_bytes: usize,
    /// Tags of a stream.
    pub stream_tags: usize,
    /// The longest retention.
    pub retention_hours: u32,
    /// Acks waiting for a client that does not read them; beyond it the oldest are forgotten.
    pub waiting_acks: usize,
}

impl Limits {
    /// The limits of fragments and metadata, and the stream quota of the time when Connect began to stream media;
    /// any number of connections. This is the default.
    pub fn open() -> Self {
        Self {
            streams_per_account: Some(100),
            put_media_connections_per_stream: None,
            get_media_connections_per_stream: None,
            fragment_list_connections_per_stream: None,
            fragment_bytes: 50 * 1024 * 1024,
            fragment_duration: Duration::from_secs(20),
            head_bytes: 1024 * 1024,
            tracks: 3,
            fragment_tags: 10,
            tag_name_bytes: 128,
            tag_value_bytes: 256,
            stream_tags: 50,
            retention_hours: 87_600,
            waiting_acks: 1024,
        }
    }

    /// As [`Self::open`], with the connection limits of AWS.
    pub fn aws() -> Self {
        Self {
            put_media_connections_per_stream: Some(1),
            get_media_connections_per_stream: Some(3),
            fragment_list_connections_per_stream: Some(5),
            ..Self::open()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::open()
    }
}
