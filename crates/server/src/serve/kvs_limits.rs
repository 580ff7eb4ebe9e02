//! The limits of Kinesis Video Streams from the configuration: a profile, and single keys over it.

use crate::config::{Kvs, Limit, LimitProfile};
use std::time::Duration;
use tympan_kvs::Limits;

/// What `[kvs]` says.
pub(super) fn kvs_limits(config: &Kvs) -> Limits {
    let profile = match config.limits {
        LimitProfile::Open => Limits::open(),
        LimitProfile::Aws => Limits::aws(),
    };
    let ms = |limit: Limit, profile: Option<Duration>| {
        let profile_ms = profile.and_then(|profile| u32::try_from(profile.as_millis()).ok());
        limit.over(profile_ms).map(|ms| Duration::from_millis(u64::from(ms)))
    };
    let seconds = |limit: Limit, profile: Option<Duration>| {
        let profile_s = profile.and_then(|profile| u32::try_from(profile.as_secs()).ok());
        limit.over(profile_s).map(|seconds| Duration::from_secs(u64::from(seconds)))
    };
    // A profile without connections to wait for has no use for an overlap either.
    let overlap = ms(config.put_media_overlap_ms, Some(profile.put_media_overlap));
    Limits {
        streams_per_account: Some(config.streams_per_account),
        stream_tags: config.tags_per_stream,
        fragment_bytes: config.fragment_limit_bytes,
        fragment_duration: Duration::from_millis(config.fragment_limit_ms),
        put_media_overlap: overlap.unwrap_or_default(),
        put_media_lifetime: seconds(config.put_media_lifetime_s, profile.put_media_lifetime),
        lookups_per_account_per_s: config.lookups_per_account_per_s.over(profile.lookups_per_account_per_s),
        changes_per_account_per_s: config.changes_per_account_per_s.over(profile.changes_per_account_per_s),
        control_calls_per_stream_per_s: config
            .control_calls_per_stream_per_s
            .over(profile.control_calls_per_stream_per_s),
        put_media_calls_per_stream_per_s: config
            .put_media_calls_per_stream_per_s
            .over(profile.put_media_calls_per_stream_per_s),
        put_media_connections_per_stream: config
            .put_media_connections_per_stream
            .over(profile.put_media_connections_per_stream),
        put_media_bytes_per_s: config.put_media_bytes_per_s.over(profile.put_media_bytes_per_s),
        put_media_fragments_per_s: config.put_media_fragments_per_s.over(profile.put_media_fragments_per_s),
        get_media_calls_per_stream_per_s: config
            .get_media_calls_per_stream_per_s
            .over(profile.get_media_calls_per_stream_per_s),
        get_media_connections_per_stream: config
            .get_media_connections_per_stream
            .over(profile.get_media_connections_per_stream),
        get_media_bytes_per_s: config.get_media_bytes_per_s.over(profile.get_media_bytes_per_s),
        get_media_fragments_per_s: config.get_media_fragments_per_s.over(profile.get_media_fragments_per_s),
        fragment_list_connections_per_stream: config
            .fragment_list_connections_per_stream
            .over(profile.fragment_list_connections_per_stream),
        fragment_list_bytes_per_s: config.fragment_list_bytes_per_s.over(profile.fragment_list_bytes_per_s),
        list_points_per_stream_per_s: config
            .list_points_per_stream_per_s
            .over(profile.list_points_per_stream_per_s),
        read_points_per_stream_per_s: config
            .read_points_per_stream_per_s
            .over(profile.read_points_per_stream_per_s),
        session_urls_per_stream_per_s: config
            .session_urls_per_stream_per_s
            .over(profile.session_urls_per_stream_per_s),
        ..profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_open_profile_and_a_single_key_wins_over_any() {
        assert_eq!(kvs_limits(&Kvs::default()), Limits::open());
        let aws = Kvs { limits: LimitProfile::Aws, ..Kvs::default() };
        assert_eq!(kvs_limits(&aws), Limits::aws());
        let mixed = Kvs {
            get_media_connections_per_stream: Limit::Unlimited,
            put_media_calls_per_stream_per_s: Limit::At(9),
            put_media_lifetime_s: Limit::At(1),
            put_media_overlap_ms: Limit::At(250),
            ..aws
        };
        let expected = Limits {
            get_media_connections_per_stream: None,
            put_media_calls_per_stream_per_s: Some(9),
            put_media_lifetime: Some(Duration::from_secs(1)),
            put_media_overlap: Duration::from_millis(250),
            ..Limits::aws()
        };
        assert_eq!(kvs_limits(&mixed), expected);
    }
}
