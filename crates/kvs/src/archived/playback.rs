//! HLS, DASH, clips and images. None of them is offered: they need video, or AAC for HLS, and call audio is linear
//! PCM. What is asked for is still looked at, so that the answer is the one that AWS documents for such a stream.

use super::codec::{self, Held};
use crate::meter::Points;
use crate::operation::Playback;
use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsErrorCode, KvsService, StreamIdentity, constraint};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};
use tympan_store::{Fragment, Stream, TimeAxis};
use tympan_types::Caller;

/// How far back a LIVE session looks for a fragment.
const LIVE_MS: i64 = 30_000;
/// The longest span of a clip.
const CLIP_MS: i64 = 24 * 3_600_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PlaybackRequest {
    #[serde(flatten)]
    stream: StreamMembers,
    playback_mode: Option<String>,
    expires: Option<i64>,
    #[serde(rename = "HLSFragmentSelector", alias = "DASHFragmentSelector", alias = "ClipFragmentSelector")]
    selector: Option<Selector>,
    // GetImages has its selector's members at the top.
    image_selector_type: Option<String>,
    start_timestamp: Option<f64>,
    end_timestamp: Option<f64>,
    format: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Selector {
    fragment_selector_type: Option<String>,
    timestamp_range: Option<TimestampRange>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimestampRange {
    start_timestamp: Option<f64>,
    end_timestamp: Option<f64>,
}

/// The fragments that would be played.
#[derive(Debug, Clone, Copy)]
struct Span {
    axis: TimeAxis,
    from_ms: i64,
    to_ms: i64,
}

/// The four playback calls, which differ in their selectors and verdicts.
pub(crate) struct PlaybackCall;

impl Operation for PlaybackCall {
    type Service = KvsService;
    type Input = PlaybackRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "GetClip";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &PlaybackRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, &input.stream).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        input: PlaybackRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        Err(refusal(cx, input, target).await.unwrap_or_else(|error| error))
    }
}

async fn refusal(
    cx: &Cx<'_, KvsService>,
    request: PlaybackRequest,
    target: StreamTarget,
) -> Result<KvsError, KvsError> {
    let (service, caller) = (cx.service, cx.caller);
    let playback = Playback::of(cx.operation);
    let identity = target.identity()?.clone();
    let span = request.span(playback, cx.now.unix_ms())?;
    let stream = target.media_stream(cx)?;
    if stream.retention_hours == 0 {
        let why = "The stream has no data retention: nothing of it can be played.";
        return Err(KvsError::new(KvsErrorCode::NoDataRetention, why));
    }
    let Some(fragment) = first_fragment(service, caller, &identity, &stream, span).await? else {
        return Err(KvsError::new(
            KvsErrorCode::ResourceNotFound,
            "No fragments found in the stream for the streaming request.",
        ));
    };
    let verdict = verdict(playback, &codec::held(&fragment));
    // The one playback call whose model has none of those errors: an SDK that goes by it would not know them.
    let knows_only_arguments = playback == Playback::GetImages;
    Ok(if knows_only_arguments { KvsError::invalid(verdict.message()) } else { verdict })
}

async fn first_fragment(
    service: &KvsService,
    caller: &Caller,
    identity: &StreamIdentity,
    stream: &Stream,
    span: Span,
) -> Result<Option<Fragment>, KvsError> {
    service.meter_points(caller, Points::Reading, identity, 1)?;
    let Span { axis, from_ms, to_ms } = span;
    let found = service.store().list_fragments(stream.id, axis, from_ms, to_ms, None, 1).await?;
    match found.first() {
        Some(meta) => Ok(service.store().fragment(stream.id, meta.number).await?),
        None => Ok(None),
    }
}

/// Why media of this kind is not played that way.
fn verdict(playback: Playback, held: &Held) -> KvsError {
    let unsupported = |why: &str| KvsError::new(KvsErrorCode::UnsupportedStreamMediaType, why);
    let name = match playback {
        Playback::GetHlsStreamingSessionUrl => "GetHLSStreamingSessionURL",
        Playback::GetDashStreamingSessionUrl => "GetDASHStreamingSessionURL",
        Playback::GetClip => "GetClip",
        Playback::GetImages => "GetImages",
    };
    let Some(first) = held.tracks.first() else { return unsupported("The stream's media has no tracks.") };
    let plays_alone = match playback {
        Playback::GetHlsStreamingSessionUrl => first.codec.is_video() || first.codec.is_aac(),
        _ => first.codec.is_video(),
    };
    if !plays_alone {
        return unsupported(
            "The media type of the stream cannot be played that way: track 1 is neither H.264 nor H.265 video. Read \
             the stream with GetMedia or GetMediaForFragmentList.",
        );
    }
    for track in &held.tracks {
        if !track.codec.is_played() {
            return unsupported("A track of the stream is neither video nor AAC nor G.711.");
        }
        if track.codec.needs_private() && track.private.is_empty() {
            let why = "A track of the stream has no codec private data.";
            return KvsError::new(KvsErrorCode::MissingCodecPrivateData, why);
        }
        if !track.has_valid_private() || (track.codec.is_aac() && held.is_linear_pcm) {
            let why = "The codec private data of a track is not that of its codec, or its frames are not.";
            return KvsError::new(KvsErrorCode::InvalidCodecPrivateData, why);
        }
        if playback == Playback::GetClip && !track.has_valid_frame() {
            let why = "A frame of the clip is not one of its track's codec.";
            return KvsError::new(KvsErrorCode::InvalidMediaFrame, why);
        }
    }
    unsupported(&format!(
        "{name} is not offered by this service, also for media that could be played that way."
    ))
}

impl PlaybackRequest {
    /// What would be played, once every member is found in order.
    fn span(&self, playback: Playback, now_ms: i64) -> Result<Span, KvsError> {
        match playback {
            Playback::GetHlsStreamingSessionUrl => self.session("hLSFragmentSelector", now_ms),
            Playback::GetDashStreamingSessionUrl => self.session("dASHFragmentSelector", now_ms),
            Playback::GetClip => {
                let selector = constraint::required(self.selector.as_ref(), "clipFragmentSelector")?;
                let span = selector.span("clipFragmentSelector")?;
                if span.to_ms - span.from_ms > CLIP_MS {
                    return Err(KvsError::invalid("A clip may span at most 24 hours."));
                }
                Ok(span)
            }
            Playback::GetImages => {
                let format = constraint::required(self.format.as_deref(), "format")?;
                constraint::one_of(format, "format", &[("JPEG", ()), ("PNG", ())])?;
                let (start_timestamp, end_timestamp) = (self.start_timestamp, self.end_timestamp);
                span(
                    constraint::required(self.image_selector_type.as_deref(), "imageSelectorType")?,
                    "imageSelectorType",
                    TimestampRange { start_timestamp, end_timestamp },
                    "",
                )
            }
        }
    }

    fn session(&self, member: &str, now_ms: i64) -> Result<Span, KvsError> {
        constraint::range(self.expires.unwrap_or(300), "expires", 300, 43_200)?;
        let modes = [("LIVE", true), ("LIVE_REPLAY", false), ("ON_DEMAND", false)];
        let mode = self.playback_mode.as_deref().unwrap_or("LIVE");
        if constraint::one_of(mode, "playbackMode", &modes)? {
            return Ok(Span { axis: TimeAxis::Server, from_ms: now_ms - LIVE_MS, to_ms: i64::MAX });
        }
        let selector = constraint::required(self.selector.as_ref(), member)?;
        if mode == "LIVE_REPLAY" { selector.span_from(member) } else { selector.span(member) }
    }
}

impl Selector {
    fn parts(&self, member: &str) -> Result<(&str, TimestampRange), KvsError> {
        let kind = self.fragment_selector_type.as_deref();
        let kind = constraint::required(kind, &format!("{member}.fragmentSelectorType"))?;
        let range = constraint::required(self.timestamp_range, &format!("{member}.timestampRange"))?;
        Ok((kind, range))
    }

    fn span(&self, member: &str) -> Result<Span, KvsError> {
        let (kind, range) = self.parts(member)?;
        span(kind, &format!("{member}.fragmentSelectorType"), range, &format!("{member}.timestampRange."))
    }

    /// A LIVE_REPLAY has a beginning and goes on.
    fn span_from(&self, member: &str) -> Result<Span, KvsError> {
        let (kind, range) = self.parts(member)?;
        let range = TimestampRange { end_timestamp: range.start_timestamp, ..range };
        let kind_member = format!("{member}.fragmentSelectorType");
        let begun = span(kind, &kind_member, range, &format!("{member}.timestampRange."))?;
        Ok(Span { to_ms: i64::MAX, ..begun })
    }
}

fn span(kind: &str, kind_member: &str, range: TimestampRange, member: &str) -> Result<Span, KvsError> {
    let axes = [("PRODUCER_TIMESTAMP", TimeAxis::Producer), ("SERVER_TIMESTAMP", TimeAxis::Server)];
    let axis = constraint::one_of(kind, kind_member, &axes)?;
    let ms = |timestamp: Option<f64>, name: &str| {
        let name = format!("{member}{name}");
        constraint::timestamp_ms(constraint::required(timestamp, &name)?, &name)
    };
    let from_ms = ms(range.start_timestamp, "startTimestamp")?;
    let to_ms = ms(range.end_timestamp, "endTimestamp")?;
    if from_ms > to_ms {
        return Err(KvsError::invalid("StartTimestamp must not be after EndTimestamp."));
    }
    Ok(Span { axis, from_ms, to_ms })
}
