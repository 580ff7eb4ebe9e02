//! What offer and answer have agreed.

use std::net::SocketAddr;

use super::description::{Format, Section};
use super::direction::Direction;
use super::error::SdpError;
use super::local::{LocalMedia, Preference};
use crate::audio::codec::AudioCodec;
use crate::rtp::payload::{PayloadKind, PayloadMap};

/// What both sides have agreed, seen from ours: one entry per media section, in the order of the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Agreement {
    /// The media sections; `None` is one that was refused or is of no use to us.
    pub streams: Vec<Option<StreamAgreement>>,
}

impl Agreement {
    /// The first live audio stream.
    pub fn audio(&self) -> Option<&StreamAgreement> {
        self.streams.iter().flatten().next()
    }
}

/// One audio stream of an [`Agreement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamAgreement {
    /// Which of our ports it has: an index into [`LocalMedia::ports`], which stays as long as the stream lives.
    pub local: usize,
    /// Where to send audio. The address is unspecified while the peer wants nothing; see [`StreamAgreement::destination`].
    pub remote: SocketAddr,
    /// Where to send RTCP; `None` where it shares the port of the audio (RFC 5761) or is not wanted.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTCP comes and goes on the port of the audio.
    pub rtcp_mux: bool,
    /// The codec to send with.
    pub codec: Codec,
    /// Payload type of telephone events to send with, when the peer knows them at the clock of [`StreamAgreement::codec`].
    pub dtmf: Option<u8>,
    /// What *we* do: [`Direction::RecvOnly`] means the peer only sends, as on hold.
    pub direction: Direction,
    /// Milliseconds of audio in a packet we send.
    pub ptime_ms: u32,
    /// Everything the peer may send.
    pub payloads: PayloadMap,
    /// The label of the section (RFC 4574), which SIPREC metadata refer to.
    pub label: Option<String>,
}

impl StreamAgreement {
    /// Where to send audio; `None` while the peer does not want any.
    pub fn destination(&self) -> Option<SocketAddr> {
        (self.direction.sends() && !self.remote.ip().is_unspecified() && self.remote.port() != 0)
            .then_some(self.remote)
    }

    /// Whether the peer has put us on hold: it does not want to hear us.
    pub const fn is_held(&self) -> bool {
        !self.direction.sends()
    }
}

/// An audio codec and its payload type in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    /// What it is.
    pub kind: AudioCodec,
    /// RTP payload type, 0-127.
    pub payload_type: u8,
}

/// Whose description is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// An offer, which we answer.
    Offer,
    /// An answer: its first codec is the answerer's choice.
    Answer,
}

impl StreamAgreement {
    /// What a live audio section of the peer and our side have in common.
    pub(super) fn read(
        section: &Section<'_>,
        stream: usize,
        local: &LocalMedia,
        reading: Reading,
    ) -> Result<Self, SdpError> {
        let formats = section.formats();
        let common: Vec<Codec> = formats
            .known()
            .filter_map(|(payload_type, format)| match format {
                Format::Audio(kind) if local.codecs.contains(&kind) => Some(Codec { kind, payload_type }),
                _ => None,
            })
            .collect();
        let chosen = match (reading, local.preference) {
            (Reading::Answer, _) => common.first(),
            (Reading::Offer, Preference::Offerer) => {
                common.iter().find(|codec| codec.kind.law().is_some()).or_else(|| common.first())
            }
            (Reading::Offer, Preference::Local) => {
                local.codecs.iter().find_map(|kind| common.iter().find(|codec| codec.kind == *kind))
            }
        };
        let Some(&codec) = chosen else {
            return Err(SdpError::NoCommonCodec(excerpt(section.format_list())));
        };
        let events = formats.known().filter_map(|(payload_type, format)| match format {
            Format::TelephoneEvent { clock_hz } => Some((payload_type, clock_hz)),
            Format::Audio(_) | Format::ComfortNoise => None,
        });
        let dtmf = events
            .clone()
            .find(|(_, clock_hz)| *clock_hz == AudioCodec::RTP_CLOCK_HZ)
            .map(|(payload_type, _)| payload_type);
        let payloads = common
            .iter()
            .fold(PayloadMap::new(), |map, codec| map.with_audio(codec.payload_type, codec.kind));
        let payloads = events.fold(payloads, |map, (payload_type, clock_hz)| {
            map.with(payload_type, PayloadKind::TelephoneEvent { clock_hz })
        });
        // Where the peer lists comfort noise it may be sent some. We never list it, so that no peer is invited to send less of what was said.
        let noise = formats.known().filter(|(_, format)| *format == Format::ComfortNoise);
        let payloads =
            noise.fold(payloads, |map, (payload_type, _)| map.with(payload_type, PayloadKind::ComfortNoise));

        let remote = section.address()?;
        let mut theirs = section.direction();
        if remote.ip().is_unspecified() {
            // Hold as before RFC 3264: with nowhere to send to, the peer does not receive, whatever it says.
            theirs = theirs.and(Direction::SendOnly);
        }
        let wants_rtcp = section.wants_rtcp();
        let rtcp_mux = wants_rtcp && local.rtcp_mux && section.has_rtcp_mux();
        Ok(Self {
            local: stream,
            remote,
            remote_rtcp: section.rtcp_address(remote).filter(|_| wants_rtcp && !rtcp_mux),
            rtcp_mux,
            codec,
            dtmf,
            direction: theirs.reversed().and(local.direction),
            ptime_ms: section.packet_time_ms(codec.payload_type),
            payloads,
            label: section.label().map(str::to_owned),
        })
    }
}

/// The beginning of a text, for an error that is logged.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS).collect()
}

const EXCERPT_CHARS: usize = 200;
