//! Reads the descriptions that real peers send, and pulls out of them what audio needs.
//!
//! Source: RFC 8866. Lines that audio does not need are dropped before the strict parser sees them: border controllers
//! get times, bandwidths and titles wrong, and none of that is a reason to refuse a call.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Session};

use super::offer_answer::{Direction, SdpError};
use crate::audio::codec::AudioCodec;

/// A description, and where in it the audio is.
pub(super) struct Description {
    session: Session,
}

impl Description {
    /// Reads a description; a missing last line end, blank lines and stray spaces do no harm.
    pub(super) fn parse(text: &str) -> Result<Self, SdpError> {
        let mut kept = String::with_capacity(text.len() + 2);
        let mut origin = false;
        for line in text.split(['\r', '\n']).map(str::trim) {
            let wanted = match line.split_once('=') {
                Some(("v" | "c" | "a" | "m", _)) => true,
                Some(("o", value)) => !std::mem::replace(&mut origin, true) && is_origin(value),
                _ => false,
            };
            if wanted {
                kept.push_str(line);
                kept.push_str("\r\n");
            }
        }
        let session =
            Session::parse(kept.as_bytes()).map_err(|source| SdpError::Syntax(source.to_string()))?;
        Ok(Self { session })
    }

    /// The version in the origin line; 0 when there is none.
    pub(super) const fn version(&self) -> u64 {
        self.session.origin.sess_version
    }

    /// All media sections, in order.
    pub(super) fn sections(&self) -> impl Iterator<Item = Section<'_>> {
        self.session.medias.iter().map(|media| Section { session: &self.session, media })
    }
}

/// One media section, with what it inherits from the session.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    session: &'a Session,
    media: &'a Media,
}

/// A format of a media section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Audio(AudioCodec),
    TelephoneEvent,
}

impl<'a> Section<'a> {
    /// Whether it is audio that is not refused or removed.
    pub(super) fn is_live_audio(&self) -> bool {
        self.media.media.eq_ignore_ascii_case("audio") && self.media.port != 0
    }

    /// Kind of media, e.g. `audio`.
    pub(super) fn kind(&self) -> &'a str {
        &self.media.media
    }

    /// Transport, e.g. `RTP/AVP`.
    pub(super) fn transport(&self) -> &'a str {
        &self.media.proto
    }

    /// The formats as they stand in the media line.
    pub(super) fn format_list(&self) -> &'a str {
        &self.media.fmt
    }

    /// Whether the transport is RTP without encryption.
    pub(super) fn is_plain_rtp(&self) -> bool {
        ["RTP/AVP", "RTP/AVPF"].iter().any(|plain| plain.eq_ignore_ascii_case(&self.media.proto))
    }

    /// The formats this crate understands, with their payload types, in the peer's order of preference.
    pub(super) fn formats(&self) -> impl Iterator<Item = (u8, Format)> + 'a {
        let section = *self;
        self.media.fmt.split_ascii_whitespace().filter_map(move |payload_type| {
            let payload_type = payload_type.parse().ok().filter(|payload_type| *payload_type < 128)?;
            Some((payload_type, section.format(payload_type)?))
        })
    }

    /// Where the peer wants to receive; an unspecified address means nowhere, for now.
    pub(super) fn address(&self) -> Result<SocketAddr, SdpError> {
        let connection = self.media.connections.first().or(self.session.connection.as_ref());
        let Some(connection) = connection else { return Err(SdpError::NoAddress) };
        Ok(SocketAddr::new(host(connection)?, self.media.port))
    }

    /// The direction as the peer sees it; `sendrecv` when it says nothing (RFC 3264 section 5.1).
    pub(super) fn direction(&self) -> Direction {
        self.attributes().find_map(|attribute| Direction::from_name(&attribute.attribute)).unwrap_or_default()
    }

    /// Milliseconds of audio the peer wants in a packet, where it says so.
    pub(super) fn packet_time_ms(&self) -> Option<u32> {
        self.value("ptime")?.trim().parse().ok()
    }

    /// The label of the stream (RFC 4574), which an answer to a recording client has to repeat.
    pub(super) fn label(&self) -> Option<&'a str> {
        self.value("label")
    }

    fn format(&self, payload_type: u8) -> Option<Format> {
        let mappings = self.media.attributes.iter().filter(|attribute| named(attribute, "rtpmap"));
        let encoding = mappings.filter_map(|attribute| attribute.value.as_deref()).find_map(|value| {
            let (number, encoding) = value.trim().split_once([' ', '\t'])?;
            (number.parse() == Ok(payload_type)).then(|| encoding.trim())
        });
        match (encoding, payload_type) {
            (Some(encoding), _) => format_named(encoding),
            (None, number) => AudioCodec::of_static_payload_type(number).map(Format::Audio),
        }
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.media.attributes.iter().find(|attribute| named(attribute, name))?.value.as_deref()
    }

    /// Own attributes first: they override those of the session.
    fn attributes(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.media.attributes.iter().chain(&self.session.attributes)
    }
}

fn named(attribute: &Attribute, name: &str) -> bool {
    attribute.attribute.eq_ignore_ascii_case(name)
}

/// The format of an encoding such as `PCMU/8000` or `telephone-event/8000/1`.
fn format_named(encoding: &str) -> Option<Format> {
    let mut parts = encoding.split('/');
    let name = parts.next()?;
    let rate = parts.next().unwrap_or("8000");
    let channels = parts.next().unwrap_or("1");
    if rate != "8000" || channels != "1" {
        return None;
    }
    if name.eq_ignore_ascii_case("telephone-event") {
        return Some(Format::TelephoneEvent);
    }
    AudioCodec::from_name(name).map(Format::Audio)
}

fn host(connection: &Connection) -> Result<IpAddr, SdpError> {
    // A multicast suffix such as `/127` is no part of the host.
    let text = connection.connection_address.as_str();
    let host = text.split_once('/').map_or(text, |(host, _)| host);
    host.parse().map_err(|_| SdpError::Address(text.to_owned()))
}

/// Whether the strict parser will take an origin line: six fields, the third of them a number.
fn is_origin(value: &str) -> bool {
    let fields: Vec<_> = value.split_ascii_whitespace().collect();
    matches!(fields[..], [_, _, version, _, _, _] if version.parse::<u64>().is_ok())
}
