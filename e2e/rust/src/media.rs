//! Media: cases of GetMedia and of the archived media API.

use crate::aws::{Aws, FRAGMENT_SAMPLES, le_bytes, samples, unix_ms};
use crate::cases::{Cases, Outcome};
use crate::matroska::{self, Fragment};
use crate::refusal::Failure;
use aws_sdk_kinesisvideoarchivedmedia::primitives::DateTime;
use aws_sdk_kinesisvideoarchivedmedia::types as archived;
use aws_sdk_kinesisvideoarchivedmedia::types::FragmentSelectorType::{ProducerTimestamp, ServerTimestamp};
use aws_sdk_kinesisvideomedia::primitives::ByteStream;
use aws_sdk_kinesisvideomedia::types::builders::StartSelectorBuilder;
use aws_sdk_kinesisvideomedia::types::{StartSelector, StartSelectorType};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

const NEVER_EXISTED: &str = "91343852333181432392682062201909209828360716288";
/// Uploads of other producers, which the recording's own case finds in a stream named after it.
const RECORDINGS: [&str; 3] = ["c-producer-aac-relative.mkv", "ffmpeg-h264.mkv", "kvssink-alaw-absolute.mkv"];
const HOUR: Duration = Duration::from_secs(3_600);
/// Nothing takes longer.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn add(cases: &mut Cases) {
    get_media(cases);
    get_media_refused(cases);
    list_fragments(cases);
    get_media_for_fragment_list(cases);
    playback(cases);
    recordings(cases);
}

/// The body of GetMedia.
async fn open(aws: &Aws, name: &str, selector: StartSelectorBuilder) -> Result<ByteStream, Failure> {
    let client = aws.media_of(name).await?;
    let answer = client.get_media().stream_name(name).start_selector(selector.build()?).send().await?;
    assert_eq!(answer.content_type(), Some("video/webm"));
    Ok(answer.payload)
}

/// The fragments of a whole body.
async fn read(aws: &Aws, name: &str, selector: StartSelectorBuilder) -> Result<Vec<Fragment>, Failure> {
    let body = open(aws, name, selector).await?.collect().await?;
    Ok(matroska::fragments(&body.to_vec()))
}

fn from(kind: StartSelectorType) -> StartSelectorBuilder {
    StartSelector::builder().start_selector_type(kind)
}

fn payload(fragments: &[Fragment]) -> Vec<u8> {
    fragments.iter().flat_map(|fragment| fragment.payload.iter().copied()).collect()
}

fn numbers_of(fragments: &[Fragment]) -> Vec<&str> {
    fragments.iter().map(Fragment::number).collect()
}

/// Audio compared by what differs, not by printing all of it.
fn assert_audio(found: &[u8], seconds: impl IntoIterator<Item = usize>) {
    let expected = le_bytes(&samples(seconds));
    assert_eq!(found.len(), expected.len(), "bytes of audio");
    let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    assert_eq!(differs, None, "the first byte that differs");
}

fn get_media(cases: &mut Cases) {
    cases.add("GetMedia", "EARLIEST: every sample", |aws| async move {
        let name = aws.stored(4).await?;
        let found = read(&aws, &name, from(StartSelectorType::Earliest)).await?;
        assert_audio(&payload(&found), 0..4);
        let listed = listed(&aws, &name, everything()?).await?;
        let numbers: Vec<_> = listed.iter().filter_map(|fragment| fragment.fragment_number()).collect();
        assert_eq!(numbers_of(&found), numbers);
        for fragment in &found {
            assert_eq!(fragment.service_tag("CONTINUATION_TOKEN"), Some(fragment.number()));
        }
        Ok(())
    });
    cases.add("GetMedia", "FRAGMENT_NUMBER: after it", |aws| async move {
        let name = aws.stored(4).await?;
        let all = read(&aws, &name, from(StartSelectorType::Earliest)).await?;
        let after = from(StartSelectorType::FragmentNumber).after_fragment_number(all[1].number());
        assert_audio(&payload(&read(&aws, &name, after).await?), 2..4);
        Ok(())
    });
    cases.add("GetMedia", "CONTINUATION_TOKEN: no gap, no repeat", |aws| async move {
        let name = aws.stored(4).await?;
        let mut found = read(&aws, &name, from(StartSelectorType::Earliest)).await?;
        found.truncate(3);
        let token = found[2].service_tag("CONTINUATION_TOKEN").unwrap_or_default();
        let resumed = from(StartSelectorType::ContinuationToken).continuation_token(token);
        found.extend(read(&aws, &name, resumed).await?);
        assert_audio(&payload(&found), 0..4);
        Ok(())
    });
    cases.add("GetMedia", "PRODUCER_TIMESTAMP: the fragment that contains it", |aws| async move {
        let name = aws.stored(4).await?;
        let listed = listed(&aws, &name, everything()?).await?;
        let begins_ms = listed[1].producer_timestamp().map(unix_ms).expect("a time");
        // In the middle of the second fragment.
        let at = from(StartSelectorType::ProducerTimestamp)
            .start_timestamp(DateTime::from_millis(begins_ms + 500));
        assert_audio(&payload(&read(&aws, &name, at).await?), 1..4);
        Ok(())
    });
    cases.add("GetMedia", "SERVER_TIMESTAMP: the fragment that came then", |aws| async move {
        let name = aws.stored(4).await?;
        let at = |time: SystemTime| from(StartSelectorType::ServerTimestamp).start_timestamp(time.into());
        assert_audio(&payload(&read(&aws, &name, at(SystemTime::now() - HOUR)).await?), 0..4);
        assert_audio(&payload(&read(&aws, &name, at(SystemTime::now() + HOUR)).await?), 0..0);
        Ok(())
    });
    cases.add("GetMedia", "NOW: frames of a fragment that is open", |aws| live(aws, 24));
    cases.add("GetMedia", "a stream without retention, while it is sent", |aws| live(aws, 0));
    cases.add("GetMedia", "a quiet stream: the body ends", |aws| async move {
        let (name, _) = aws.stream(|request| request.data_retention_in_hours(24)).await?;
        assert!(read(&aws, &name, from(StartSelectorType::Now)).await?.is_empty());
        Ok(())
    });
}

/// While an upload goes on in real time, its frames are read; what is read is its end, from some fragment on.
async fn live(aws: Aws, hours: i32) -> Outcome {
    const SECONDS: usize = 3;
    let (name, _) = aws.stream(|request| request.data_retention_in_hours(hours)).await?;
    let mut upload = aws.produce(&name, &samples(0..SECONDS), &["--realtime"]).await?;
    let begun = Instant::now();
    let (mut body, mut bytes) = loop {
        // Before the upload has begun there is nothing to read, and the body ends.
        let mut body = open(&aws, &name, from(StartSelectorType::Now)).await?;
        if let Some(piece) = body.next().await {
            break (body, piece?.to_vec());
        }
        assert!(begun.elapsed() < LIMIT, "no body has anything in it");
    };
    let audio = le_bytes(&samples(0..SECONDS));
    let is_frame_of = |fragment: usize, bytes: &[u8]| {
        let frame = &audio[fragment * FRAGMENT_SAMPLES * 2..][..320];
        bytes.windows(frame.len()).any(|window| window == frame)
    };
    // The first frame of some fragment is here before the upload has ended.
    while !(0..SECONDS).any(|fragment| is_frame_of(fragment, &bytes)) {
        bytes.extend(body.next().await.expect("the body does not end before its first frame")?);
    }
    assert!(upload.try_wait()?.is_none(), "nothing was read before the upload had ended");
    while let Some(piece) = body.next().await {
        bytes.extend(piece?);
    }
    let status = upload.wait().await?;
    assert!(status.success(), "tympan produce: {status}");
    let fragments = matroska::fragments(&bytes);
    assert!((1..=SECONDS).contains(&fragments.len()), "{} fragments", fragments.len());
    assert_audio(&payload(&fragments), SECONDS - fragments.len()..SECONDS);
    Ok(())
}

fn get_media_refused(cases: &mut Cases) {
    let refused = [
        ("FRAGMENT_NUMBER without a number", from(StartSelectorType::FragmentNumber)),
        ("PRODUCER_TIMESTAMP without a time", from(StartSelectorType::ProducerTimestamp)),
        ("a selector that is none", from(StartSelectorType::from("YESTERDAY"))),
        (
            "a token of another service",
            from(StartSelectorType::ContinuationToken).continuation_token("nonsense"),
        ),
    ];
    for (case, selector) in refused {
        cases.add("GetMedia", case, move |aws| {
            let selector = selector.clone();
            async move {
                let (name, _) = aws.plain().await?;
                read(&aws, &name, selector).await?;
                Ok(())
            }
        });
    }
    cases.add("GetMedia", "a stream that is not there", |aws| async move {
        let now = from(StartSelectorType::Now).build()?;
        aws.media.get_media().stream_name("unknown").start_selector(now).send().await?;
        Ok(())
    });
}

/// The fragments whose times lie between those two.
fn selector(
    kind: archived::FragmentSelectorType,
    start: DateTime,
    end: DateTime,
) -> Result<archived::FragmentSelector, Failure> {
    let range = archived::TimestampRange::builder().start_timestamp(start).end_timestamp(end).build()?;
    let selector = archived::FragmentSelector::builder().fragment_selector_type(kind);
    Ok(selector.timestamp_range(range).build()?)
}

fn everything() -> Result<archived::FragmentSelector, Failure> {
    let (start, end) = lately();
    selector(ServerTimestamp, start, end)
}

/// When everything in these tests comes in.
fn lately() -> (DateTime, DateTime) {
    let now = SystemTime::now();
    ((now - HOUR).into(), (now + HOUR).into())
}

async fn listed(
    aws: &Aws,
    name: &str,
    selector: archived::FragmentSelector,
) -> Result<Vec<archived::Fragment>, Failure> {
    let client = aws.archived_of(name).await?;
    let answer = client.list_fragments().stream_name(name).fragment_selector(selector).send().await?;
    Ok(answer.fragments.unwrap_or_default())
}

fn list_fragments(cases: &mut Cases) {
    let at = DateTime::from_secs;

    cases.add("ListFragments", "by producer times, both ends included", |aws| async move {
        let name = aws.stored(4).await?;
        let all = listed(&aws, &name, everything()?).await?;
        let begins = |index: usize| *all[index].producer_timestamp().expect("a producer time");
        let found = listed(&aws, &name, selector(ProducerTimestamp, begins(1), begins(2))?).await?;
        assert_eq!(found, all[1..3]);
        for fragment in &found {
            // From the first to the last of 50 frames of 20 ms, each of 320 bytes.
            assert_eq!(fragment.fragment_length_in_milliseconds(), 980);
            assert!(fragment.fragment_size_in_bytes() > 16_000, "{fragment:?}");
        }
        Ok(())
    });
    cases.add("ListFragments", "by server times", |aws| async move {
        let name = aws.stored(4).await?;
        let found = listed(&aws, &name, everything()?).await?;
        let media = read(&aws, &name, from(StartSelectorType::Earliest)).await?;
        assert_eq!(media.len(), 4);
        for (fragment, media) in found.iter().zip(&media) {
            assert_eq!(fragment.fragment_number(), Some(media.number()));
            let server_ms = fragment.server_timestamp().map(unix_ms).unwrap_or_default();
            let seconds = format!("{}.{:03}", server_ms / 1000, server_ms % 1000);
            assert_eq!(media.service_tag("SERVER_TIMESTAMP"), Some(seconds.as_str()));
        }
        assert_eq!(found.len(), media.len());
        Ok(())
    });
    cases.add("ListFragments", "two to a page, to the end", |aws| async move {
        let name = aws.stored(5).await?;
        let client = aws.archived_of(&name).await?;
        let request = client.list_fragments().stream_name(&name).fragment_selector(everything()?);
        let mut pages = request.into_paginator().page_size(2).send();
        let mut paged = Vec::new();
        while let Some(page) = pages.next().await {
            paged.push(page?.fragments.unwrap_or_default());
        }
        assert_eq!(paged.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(paged.concat(), listed(&aws, &name, everything()?).await?);
        Ok(())
    });
    cases.add("ListFragments", "no selector", |aws| async move {
        let name = aws.stored(1).await?;
        aws.archived_of(&name).await?.list_fragments().stream_name(&name).send().await?;
        Ok(())
    });
    cases.add("ListFragments", "a range that ends before it begins", move |aws| async move {
        let name = aws.stored(1).await?;
        listed(&aws, &name, selector(ProducerTimestamp, at(2), at(1))?).await?;
        Ok(())
    });
    cases.add("ListFragments", "a range before the retention", move |aws| async move {
        let name = aws.stored(1).await?;
        listed(&aws, &name, selector(ServerTimestamp, at(1), at(1_700_000_000))?).await?;
        Ok(())
    });
    cases.add("ListFragments", "a stream without retention", move |aws| async move {
        let (name, _) = aws.plain().await?;
        listed(&aws, &name, selector(ProducerTimestamp, at(1), at(2))?).await?;
        Ok(())
    });
    cases.add("ListFragments", "a stream that is not there", move |aws| async move {
        let selector = selector(ProducerTimestamp, at(1), at(2))?;
        aws.archived.list_fragments().stream_name("unknown").fragment_selector(selector).send().await?;
        Ok(())
    });
}

async fn media_of(aws: &Aws, name: &str, numbers: Vec<String>) -> Result<Vec<Fragment>, Failure> {
    let client = aws.archived_of(name).await?;
    let request = client.get_media_for_fragment_list().stream_name(name).set_fragments(Some(numbers));
    let answer = request.send().await?;
    assert_eq!(answer.content_type(), Some("video/webm"));
    Ok(matroska::fragments(&answer.payload.collect().await?.to_vec()))
}

/// The numbers of a stream's fragments.
async fn numbers(aws: &Aws, name: &str) -> Result<Vec<String>, Failure> {
    let listed = listed(aws, name, everything()?).await?;
    Ok(listed.into_iter().filter_map(|fragment| fragment.fragment_number).collect())
}

fn get_media_for_fragment_list(cases: &mut Cases) {
    cases.add("GetMediaForFragmentList", "in the order of the list", |aws| async move {
        let name = aws.stored(4).await?;
        let numbers = numbers(&aws, &name).await?;
        let chosen: Vec<String> = [3, 0, 1].map(|index: usize| numbers[index].clone()).into();
        let found = media_of(&aws, &name, chosen.clone()).await?;
        assert_audio(&payload(&found), [3, 0, 1]);
        assert_eq!(numbers_of(&found), chosen);
        Ok(())
    });
    cases.add("GetMediaForFragmentList", "a number that is not there, told in its place", |aws| async move {
        let name = aws.stored(2).await?;
        let mut chosen = numbers(&aws, &name).await?;
        chosen.insert(1, NEVER_EXISTED.to_owned());
        let found = media_of(&aws, &name, chosen.clone()).await?;
        assert_eq!(numbers_of(&found), chosen);
        assert_eq!(found[1].service_tag("ERROR_CODE"), Some("FRAGMENT_NOT_FOUND"));
        assert_eq!(found[1].service_tag("ERROR_ID"), Some("3000"));
        assert_audio(&payload(&found), 0..2);
        Ok(())
    });
    for (case, number, count) in
        [("a number that is none", "0x1", 1), ("1,001 numbers", NEVER_EXISTED, 1_001)]
    {
        cases.add("GetMediaForFragmentList", case, move |aws| async move {
            let name = aws.stored(1).await?;
            media_of(&aws, &name, vec![number.to_owned(); count]).await?;
            Ok(())
        });
    }
    cases.add("GetMediaForFragmentList", "a stream that is not there", |aws| async move {
        aws.archived
            .get_media_for_fragment_list()
            .stream_name("unknown")
            .fragments(NEVER_EXISTED)
            .send()
            .await?;
        Ok(())
    });
}

fn playback(cases: &mut Cases) {
    macro_rules! plays {
        ($($operation:literal: $request:expr;)*) => {
            $(
                cases.add($operation, "call audio", |aws| async move {
                    let name = aws.stored(1).await?;
                    $request(&aws)?.stream_name(name).send().await?;
                    Ok(())
                });
                for kind in ["video without private data", "video with wrong private data", "video with wrong frames"] {
                    cases.add($operation, kind, move |aws| async move {
                        $request(&aws)?.stream_name(kind.replace(' ', "-")).send().await?;
                        Ok(())
                    });
                }
                cases.add($operation, "neither name nor ARN", |aws| async move {
                    $request(&aws)?.send().await?;
                    Ok(())
                });
                cases.add($operation, "a stream without retention", |aws| async move {
                    let (name, _) = aws.plain().await?;
                    $request(&aws)?.stream_name(name).send().await?;
                    Ok(())
                });
                cases.add($operation, "a stream that is not there", |aws| async move {
                    $request(&aws)?.stream_name("unknown").send().await?;
                    Ok(())
                });
            )*
        };
    }
    plays! {
        "GetHLSStreamingSessionURL": |aws: &Aws| Ok::<_, Failure>(aws.archived.get_hls_streaming_session_url());
        "GetDASHStreamingSessionURL": |aws: &Aws| Ok::<_, Failure>(aws.archived.get_dash_streaming_session_url());
        "GetClip": |aws: &Aws| {
            let (start, end) = lately();
            let range = archived::ClipTimestampRange::builder().start_timestamp(start).end_timestamp(end).build()?;
            let kind = archived::ClipFragmentSelectorType::ServerTimestamp;
            let selector = archived::ClipFragmentSelector::builder().fragment_selector_type(kind);
            let selector = selector.timestamp_range(range).build()?;
            Ok::<_, Failure>(aws.archived.get_clip().clip_fragment_selector(selector))
        };
        "GetImages": |aws: &Aws| {
            let (start, end) = lately();
            let request = aws.archived.get_images().image_selector_type(archived::ImageSelectorType::ServerTimestamp);
            let request = request.start_timestamp(start).end_timestamp(end);
            Ok::<_, Failure>(request.format(archived::Format::Jpeg).sampling_interval(200))
        };
    }
}

fn recordings(cases: &mut Cases) {
    for file in RECORDINGS {
        cases.add("Recordings", file, move |aws| async move {
            let folder = std::env::var("TYMPAN_GROUND_TRUTH")
                .map_err(|error| format!("TYMPAN_GROUND_TRUTH: {error}"))?;
            let sent =
                matroska::input_clusters(&std::fs::read(PathBuf::from(folder).join("putmedia").join(file))?);
            let clusters = |fragments: Vec<Fragment>| -> Vec<Vec<u8>> {
                fragments.into_iter().flat_map(|fragment| fragment.clusters).collect()
            };
            let read = clusters(read(&aws, file, from(StartSelectorType::Earliest)).await?);
            assert!(read == sent, "GetMedia gave {} other clusters than the {} sent", read.len(), sent.len());
            let listed = clusters(media_of(&aws, file, numbers(&aws, file).await?).await?);
            assert!(
                listed == sent,
                "the list gave {} other clusters than the {} sent",
                listed.len(),
                sent.len()
            );
            Ok(())
        });
    }
}
