//! HLS, DASH, clips and images: the error that fits what the stream holds.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::{Value, json};
use support::{Bench, bench, cluster, recorded, tag};
use tympan_kvs::{KvsErrorCode, TimecodeType};
use tympan_mkv::write::{DocumentHead, TrackHead};

const HLS: &str = "/getHLSStreamingSessionURL";
const DASH: &str = "/getDASHStreamingSessionURL";
const CLIP: &str = "/getClip";
const IMAGES: &str = "/getImages";
const ALL: [&str; 4] = [HLS, DASH, CLIP, IMAGES];

fn requested(path: &str) -> Value {
    let range = json!({"StartTimestamp": 0, "EndTimestamp": 60});
    match path {
        CLIP => json!({"StreamName": "s", "ClipFragmentSelector":
            {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": range}}),
        IMAGES => json!({"StreamName": "s", "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": 0,
            "EndTimestamp": 60, "Format": "JPEG"}),
        _ => json!({"StreamName": "s"}),
    }
}

async fn refusal(bench: &Bench, path: &str) -> KvsErrorCode {
    bench.call(path, requested(path)).await.unwrap_err().code()
}

/// What a call answers about the media: GetImages has none of these errors in its model.
fn about_media(path: &str, code: KvsErrorCode) -> KvsErrorCode {
    if path == IMAGES { KvsErrorCode::InvalidArgument } else { code }
}

/// A stream with one fragment of one track.
async fn holding(codec_id: &str, codec_private: &[u8], kind: u8, tags: &[u8]) -> Bench {
    let bench = bench();
    bench.create("s", 24).await;
    let track = TrackHead { kind, codec_id, codec_private, ..TrackHead::connect(1, "a") };
    let mut body = Vec::new();
    DocumentHead::connect([7; 16], &[track]).write(&mut body);
    body.extend(cluster(1000, &[1], &[0, 20]));
    body.extend(tags);
    let acks = bench.produce("s", TimecodeType::Absolute, &body).await;
    assert_eq!(support::events(&acks).last().unwrap(), "PERSISTED", "{codec_id}");
    bench
}

#[tokio::test]
async fn streams_that_keep_nothing_or_hold_nothing_say_so_first() {
    let bench = bench();
    bench.create("s", 0).await;
    for path in ALL {
        assert_eq!(refusal(&bench, path).await, KvsErrorCode::NoDataRetention, "{path}");
    }
    let bench = support::bench();
    bench.create("s", 24).await;
    for path in ALL {
        assert_eq!(refusal(&bench, path).await, KvsErrorCode::ResourceNotFound, "{path}");
    }
}

#[tokio::test]
async fn a_live_session_needs_a_fragment_of_the_last_half_minute() {
    let bench = holding("A_PCM/INT/LIT", b"", 2, b"").await;
    assert_eq!(refusal(&bench, HLS).await, KvsErrorCode::UnsupportedStreamMediaType);
    bench.clock.advance_ms(31_000);
    assert_eq!(refusal(&bench, HLS).await, KvsErrorCode::ResourceNotFound);
    let replay = json!({"StreamName": "s", "PlaybackMode": "LIVE_REPLAY", "HLSFragmentSelector":
        {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {"StartTimestamp": 0}}});
    let error = bench.call(HLS, replay).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::UnsupportedStreamMediaType);
}

#[tokio::test]
async fn audio_alone_is_no_media_for_any_of_them_but_aac_for_hls() {
    use KvsErrorCode::{InvalidCodecPrivateData, MissingCodecPrivateData, UnsupportedStreamMediaType};
    for (codec, private, tags, hls) in [
        ("A_PCM/INT/LIT", &b""[..], vec![], UnsupportedStreamMediaType),
        ("A_MS/ACM", &[7; 18], vec![], UnsupportedStreamMediaType),
        ("A_AAC", &[], vec![], MissingCodecPrivateData),
        ("A_AAC", &[0x00, 0x00], vec![], InvalidCodecPrivateData),
        // Connect's: the label says AAC, the tag says what the frames are.
        ("A_AAC", &[0x15, 0x88], tag("MimeType", "audio/L16;rate=8000;channels=1;"), InvalidCodecPrivateData),
        ("A_AAC", &[0x15, 0x88], vec![], UnsupportedStreamMediaType),
    ] {
        let bench = holding(codec, private, TrackHead::AUDIO, &tags).await;
        assert_eq!(refusal(&bench, HLS).await, hls, "{codec} {private:?}");
        for path in [DASH, CLIP, IMAGES] {
            let expected = about_media(path, UnsupportedStreamMediaType);
            assert_eq!(refusal(&bench, path).await, expected, "{path} {codec}");
        }
    }
}

#[tokio::test]
async fn video_needs_private_data_of_its_codec_and_frames_of_it() {
    let avc = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0];
    for (private, code) in [
        (&b""[..], KvsErrorCode::MissingCodecPrivateData),
        (&[0, 0, 0, 1, 0x67, 0x42, 0], KvsErrorCode::InvalidCodecPrivateData),
    ] {
        let bench = holding("V_MPEG4/ISO/AVC", private, 1, b"").await;
        for path in ALL {
            assert_eq!(refusal(&bench, path).await, about_media(path, code), "{path}");
        }
    }
    let bench = holding("V_MPEG4/ISO/AVC", &avc, 1, b"").await;
    assert_eq!(refusal(&bench, CLIP).await, KvsErrorCode::InvalidMediaFrame);
    assert_eq!(
        refusal(&bench, HLS).await,
        KvsErrorCode::UnsupportedStreamMediaType,
        "playable, and not offered"
    );
    let bench = holding("V_VP9", b"", 1, b"").await;
    assert_eq!(refusal(&bench, DASH).await, KvsErrorCode::UnsupportedStreamMediaType);
}

#[tokio::test]
async fn a_recording_of_real_video_is_valid_and_still_not_played() {
    let Some(body) = recorded("putmedia/ffmpeg-h264.mkv") else { return };
    let bench = bench();
    bench.create("s", 24).await;
    bench.produce("s", TimecodeType::Absolute, &body).await;
    for path in ALL {
        let expected = about_media(path, KvsErrorCode::UnsupportedStreamMediaType);
        assert_eq!(refusal(&bench, path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_before_anything_is_looked_up() {
    let bench = bench();
    let without = |path: &str, member: &str| {
        let mut body = requested(path);
        body.as_object_mut().unwrap().remove(member);
        body
    };
    let with = |path: &str, member: &str, value: Value| {
        let mut body = requested(path);
        body[member] = value;
        body
    };
    for (path, body) in [
        (HLS, json!({})),
        (HLS, with(HLS, "Expires", json!(299))),
        (DASH, with(DASH, "Expires", json!(43_201))),
        (HLS, with(HLS, "PlaybackMode", json!("DEAD"))),
        (DASH, with(DASH, "PlaybackMode", json!("ON_DEMAND"))),
        (CLIP, without(CLIP, "ClipFragmentSelector")),
        (CLIP, with(CLIP, "ClipFragmentSelector", json!({"FragmentSelectorType": "SERVER_TIMESTAMP"}))),
        (
            CLIP,
            with(
                CLIP,
                "ClipFragmentSelector",
                json!({"FragmentSelectorType": "SERVER_TIMESTAMP",
                "TimestampRange": {"StartTimestamp": 0, "EndTimestamp": 86_401}}),
            ),
        ),
        (IMAGES, without(IMAGES, "Format")),
        (IMAGES, without(IMAGES, "EndTimestamp")),
        (IMAGES, with(IMAGES, "ImageSelectorType", json!("NOW"))),
        (IMAGES, with(IMAGES, "StartTimestamp", json!(61))),
    ] {
        let error = bench.call(path, body.clone()).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{path} {body}");
    }
}
