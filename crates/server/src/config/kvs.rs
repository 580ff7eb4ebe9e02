//! `[kvs]`: quotas and timings of Kinesis Video Streams.

use super::choices::LimitProfile;
use super::limit::Limit;
use serde::{Deserialize, Serialize};

/// `[kvs]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kvs {
    /// Profile of the limits below that say `profile`: `open` or `aws`.
    pub limits: LimitProfile,
    /// Streams per account.
    pub streams_per_account: u32,
    /// Tags of a stream.
    pub tags_per_stream: usize,
    /// Largest fragment.
    pub fragment_limit_bytes: usize,
    /// Longest fragment.
    pub fragment_limit_ms: u64,
    /// Calls a second of one account, for each of DescribeStream and GetDataEndpoint.
    pub lookups_per_account_per_s: Limit,
    /// Calls a second of one account, for each other operation on streams.
    pub changes_per_account_per_s: Limit,
    /// Calls a second to one stream, for each operation on streams.
    pub control_calls_per_stream_per_s: Limit,
    /// PutMedia requests a second to one stream.
    pub put_media_calls_per_stream_per_s: Limit,
    /// PutMedia connections to one stream at a time.
    pub put_media_connections_per_stream: Limit,
    /// How long a PutMedia connection beyond the limit waits for an earlier one to end, in milliseconds.
    pub put_media_overlap_ms: Limit,
    /// Longest life of a PutMedia connection, in seconds.
    pub put_media_lifetime_s: Limit,
    /// Bytes a second of one PutMedia connection.
    pub put_media_bytes_per_s: Limit,
    /// Fragments a second of one PutMedia connection.
    pub put_media_fragments_per_s: Limit,
    /// GetMedia requests a second to one stream.
    pub get_media_calls_per_stream_per_s: Limit,
    /// GetMedia connections to one stream at a time.
    pub get_media_connections_per_stream: Limit,
    /// Bytes a second of one GetMedia connection.
    pub get_media_bytes_per_s: Limit,
    /// Fragments a second of one GetMedia connection.
    pub get_media_fragments_per_s: Limit,
    /// GetMediaForFragmentList connections to one stream at a time.
    pub fragment_list_connections_per_stream: Limit,
    /// Bytes a second of one GetMediaForFragmentList connection.
    pub fragment_list_bytes_per_s: Limit,
    /// Points a second of one stream, of which ListFragments spends its MaxResults.
    pub list_points_per_stream_per_s: Limit,
    /// Points a second of one stream, of which archived media spends one a fragment.
    pub read_points_per_stream_per_s: Limit,
    /// Session URLs a second of one stream, for each of HLS and DASH.
    pub session_urls_per_stream_per_s: Limit,
    /// How long a stream is said to be CREATING, UPDATING or DELETING.
    pub status_delay_ms: u64,
    /// How long GetMedia waits at the tail of a quiet stream before it ends.
    pub get_media_idle_ms: u64,
    /// How long a GetMedia connection may live.
    pub get_media_lifetime_s: u64,
    /// How long a reader of GetMedia may take nothing.
    pub get_media_stall_ms: u64,
    /// How long a PutMedia connection may stay silent.
    pub put_media_idle_ms: u64,
    /// How long a fragment that was cut off waits for the upload that goes on with it.
    pub put_media_resume_ms: u64,
}

impl Default for Kvs {
    fn default() -> Self {
        Self {
            limits: LimitProfile::Open,
            streams_per_account: 100,
            tags_per_stream: 50,
            fragment_limit_bytes: 50 * 1024 * 1024,
            fragment_limit_ms: 20_000,
            lookups_per_account_per_s: Limit::Profile,
            changes_per_account_per_s: Limit::Profile,
            control_calls_per_stream_per_s: Limit::Profile,
            put_media_calls_per_stream_per_s: Limit::Profile,
            put_media_connections_per_stream: Limit::Profile,
            put_media_overlap_ms: Limit::Profile,
            put_media_lifetime_s: Limit::Profile,
            put_media_bytes_per_s: Limit::Profile,
            put_media_fragments_per_s: Limit::Profile,
            get_media_calls_per_stream_per_s: Limit::Profile,
            get_media_connections_per_stream: Limit::Profile,
            get_media_bytes_per_s: Limit::Profile,
            get_media_fragments_per_s: Limit::Profile,
            fragment_list_connections_per_stream: Limit::Profile,
            fragment_list_bytes_per_s: Limit::Profile,
            list_points_per_stream_per_s: Limit::Profile,
            read_points_per_stream_per_s: Limit::Profile,
            session_urls_per_stream_per_s: Limit::Profile,
            status_delay_ms: 0,
            get_media_idle_ms: 3_000,
            get_media_lifetime_s: 2_700,
            get_media_stall_ms: 30_000,
            put_media_idle_ms: 30_000,
            put_media_resume_ms: 10_000,
        }
    }
}
