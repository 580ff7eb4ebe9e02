//! What one account, stream or connection may use.
//!
//! Source: the page "Amazon Kinesis Video Streams service quotas".

use std::time::Duration;

/// The limits; `None` is unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Streams of one account in one region.
    pub streams_per_account: Option<u32>,
    /// Calls a second of one account, for each of DescribeStream and GetDataEndpoint.
    pub lookups_per_account_per_s: Option<u32>,
    /// Calls a second of one account, for each other operation of the control plane.
    pub changes_per_account_per_s: Option<u32>,
    /// Calls a second to one stream, for each operation of the control plane.
    pub control_calls_per_stream_per_s: Option<u32>,
    /// PutMedia requests a second to one stream.
    pub put_media_calls_per_stream_per_s: Option<u32>,
    /// PutMedia connections to one stream at a time.
    pub put_media_connections_per_stream: Option<u32>,
    /// How long a PutMedia connection beyond the limit waits for an earlier one to end before it is refused: a
    /// producer that renews its token opens the next connection a moment before it has closed the last one.
    pub put_media_overlap: Duration,
    /// A PutMedia session ends at the first end of a fragment after so long.
    pub put_media_lifetime: Option<Duration>,
    /// Bytes a second of one PutMedia connection; what comes faster waits in the socket.
    pub put_media_bytes_per_s: Option<u32>,
    /// Fragments a second of one PutMedia connection; what comes faster waits in the socket.
    pub put_media_fragments_per_s: Option<u32>,
    /// GetMedia requests a second to one stream.
    pub get_media_calls_per_stream_per_s: Option<u32>,
    /// GetMedia connections to one stream at a time.
    pub get_media_connections_per_stream: Option<u32>,
    /// Bytes a second of one GetMedia connection.
    pub get_media_bytes_per_s: Option<u32>,
    /// Fragments a second of one GetMedia connection.
    pub get_media_fragments_per_s: Option<u32>,
    /// GetMediaForFragmentList connections to one stream at a time.
    pub fragment_list_connections_per_stream: Option<u32>,
    /// Bytes a second of one GetMediaForFragmentList connection.
    pub fragment_list_bytes_per_s: Option<u32>,
    /// Points a second of one stream, of which ListFragments spends its MaxResults.
    pub list_points_per_stream_per_s: Option<u32>,
    /// Points a second of one stream, of which archived media spends one for each fragment.
    pub read_points_per_stream_per_s: Option<u32>,
    /// Session URLs a second of one stream, for each of HLS and DASH.
    pub session_urls_per_stream_per_s: Option<u32>,
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
    /// Acks that wait for a client to read them, and fragments that wait for the disk; beyond it the producer waits.
    pub waiting_acks: usize,
}

impl Limits {
    /// The limits of fragments and metadata, and the stream quota of the time when Connect began to stream media;
    /// any number of calls, connections and bytes. This is the default.
    pub fn open() -> Self {
        Self {
            streams_per_account: Some(100),
            lookups_per_account_per_s: None,
            changes_per_account_per_s: None,
            control_calls_per_stream_per_s: None,
            put_media_calls_per_stream_per_s: None,
            put_media_connections_per_stream: None,
            put_media_overlap: Duration::ZERO,
            put_media_lifetime: None,
            put_media_bytes_per_s: None,
            put_media_fragments_per_s: None,
            get_media_calls_per_stream_per_s: None,
            get_media_connections_per_stream: None,
            get_media_bytes_per_s: None,
            get_media_fragments_per_s: None,
            fragment_list_connections_per_stream: None,
            fragment_list_bytes_per_s: None,
            list_points_per_stream_per_s: None,
            read_points_per_stream_per_s: None,
            session_urls_per_stream_per_s: None,
            fragment_bytes: 50 * 1024 * 1024,
            fragment_duration: Duration::from_secs(20),
            head_bytes: 16 * 1024 * 1024,
            tracks: 3,
            fragment_tags: 10,
            tag_name_bytes: 128,
            tag_value_bytes: 256,
            stream_tags: 50,
            retention_hours: 87_600,
            waiting_acks: 1024,
        }
    }

    /// As [`Self::open`], with the rates, connections and lifetimes that AWS publishes.
    pub fn aws() -> Self {
        Self {
            lookups_per_account_per_s: Some(300),
            changes_per_account_per_s: Some(50),
            control_calls_per_stream_per_s: Some(5),
            put_media_calls_per_stream_per_s: Some(5),
            put_media_connections_per_stream: Some(1),
            put_media_overlap: Duration::from_secs(2),
            put_media_lifetime: Some(Duration::from_secs(45 * 60)),
            put_media_bytes_per_s: Some(12_500_000),
            put_media_fragments_per_s: Some(5),
            get_media_calls_per_stream_per_s: Some(5),
            get_media_connections_per_stream: Some(3),
            get_media_bytes_per_s: Some(25_000_000),
            get_media_fragments_per_s: Some(5),
            fragment_list_connections_per_stream: Some(5),
            fragment_list_bytes_per_s: Some(25_000_000),
            list_points_per_stream_per_s: Some(10_000),
            read_points_per_stream_per_s: Some(500),
            session_urls_per_stream_per_s: Some(25),
            ..Self::open()
        }
    }

    /// The same sizes and quotas, without rates, connections and lifetimes.
    #[must_use]
    pub(crate) fn without_rates(&self) -> Self {
        Self {
            streams_per_account: self.streams_per_account,
            fragment_bytes: self.fragment_bytes,
            fragment_duration: self.fragment_duration,
            head_bytes: self.head_bytes,
            tracks: self.tracks,
            fragment_tags: self.fragment_tags,
            tag_name_bytes: self.tag_name_bytes,
            tag_value_bytes: self.tag_value_bytes,
            stream_tags: self.stream_tags,
            retention_hours: self.retention_hours,
            waiting_acks: self.waiting_acks,
            ..Self::open()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::open()
    }
}
