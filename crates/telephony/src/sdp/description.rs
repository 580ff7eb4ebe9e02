//! Reads the descriptions that real peers send, and pulls out of them what audio needs.
//!
//! Source: RFC 8866. Lines that audio does not need are dropped before the strict parser sees them: border controllers
//! get times and titles wrong, and none of that is a reason to refuse a call. The work grows with the length of the text and not
//! faster, whatever stands in it.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Bandwidth, Connection, Media};

use super::direction::Direction;
use super::error::SdpError;
use crate::audio::codec::AudioCodec;

/// The longest text that is read. SIP carries no longer one in a datagram.
const TEXT_MAX_BYTES: usize = 65_536;
/// The most media sections that are read: each of them is remembered as long as the call lasts.
pub(super) const SECTIONS_MAX: usize = 256;

/// A description, and where in it the audio is.
pub(super) struct Description {
    session: sdp_types::Session,
    /// The direction of sections that name none.
    direction: Direction,
}

impl Description {
    /// Reads a description; a missing last line end, blank lines and stray spaces do no harm.
    pub(super) fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > TEXT_MAX_BYTES {
            return Err(SdpError::TooLong(text.len()));
        }
        let mut kept = String::with_capacity(text.len() + 2);
        let (mut version, mut origin, mut connection, mut sections) = (false, false, false, 0_usize);
        for line in text.split(['\r', '\n']).map(str::trim) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let wanted = match key {
                "v" => !std::mem::replace(&mut version, true),
                "o" => !std::mem::replace(&mut origin, true) && is_origin(value),
                // The session has one; the strict parser takes several in a media section.
                "c" => sections > 0 || !std::mem::replace(&mut connection, true),
                "b" => is_bandwidth(value),
                "a" => true,
                "m" => {
                    sections += 1;
                    true
                }
                _ => false,
            };
            if !wanted {
                continue;
            }
            kept.push_str(key);
            kept.push('=');
            if key == "m" {
                for (nth, field) in value.split_ascii_whitespace().enumerate() {
                    if nth > 0 {
                        kept.push(' ');
                    }
                    kept.push_str(field);
                }
            } else {
                kept.push_str(value);
            }
            kept.push_str("\r\n");
        }
        if sections > SECTIONS_MAX {
            return Err(SdpError::TooManySections(sections));
        }
        let session = sdp_types::Session::parse(kept.as_bytes())
            .map_err(|source| SdpError::Syntax(source.to_string()))?;
        let direction = direction(&session.attributes).unwrap_or_default();
        Ok(Self { session, direction })
    }

    /// How many media sections there are.
    pub(super) const fn len(&self) -> usize {
        self.session.medias.len()
    }

    /// All media sections, in order.
    pub(super) fn sections(&self) -> impl Iterator<Item = Section<'_>> {
        self.session.medias.iter().map(|media| Section { description: self, media })
    }

    /// One media section.
    pub(super) fn section(&self, index: usize) -> Option<Section<'_>> {
        Some(Section { description: self, media: self.session.medias.get(index)? })
    }
}

/// One media section, with what it inherits from the session.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    description: &'a Description,
    media: &'a Media,
}

/// A format of a media section that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Audio(AudioCodec),
    TelephoneEvent {
        clock_hz: u32,
    },
    /// RFC 3389.
    ComfortNoise,
}

/// The formats of a section: what each payload type means, and in which order they stand.
pub(super) struct Formats {
    /// No payload type twice, in the peer's order of preference.
    listed: Vec<(u8, Option<Format>)>,
}

impl Formats {
    /// Those that are understood, in the peer's order of preference.
    pub(super) fn known(&self) -> impl Iterator<Item = (u8, Format)> + Clone + '_ {
        self.listed.iter().filter_map(|&(payload_type, format)| Some((payload_type, format?)))
    }
}

/// A set of payload types, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PayloadTypes(u128);

impl PayloadTypes {
    /// Adds one; false where it is in the set already, or is none.
    pub(super) fn insert(&mut self, payload_type: u8) -> bool {
        let Some(bit) = 1_u128.checked_shl(payload_type.into()) else { return false };
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }

    pub(super) fn contains(self, payload_type: u8) -> bool {
        1_u128.checked_shl(payload_type.into()).is_some_and(|bit| self.0 & bit != 0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<'a> Section<'a> {
    /// Whether it is audio over RTP without encryption, and not refused or removed.
    pub(super) fn is_usable(&self) -> bool {
        self.media.media.eq_ignore_ascii_case("audio")
            && self.media.port != 0
            && ["RTP/AVP", "RTP/AVPF"].iter().any(|plain| plain.eq_ignore_ascii_case(&self.media.proto))
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

    /// The formats of the media line, with their meaning.
    pub(super) fn formats(&self) -> Formats {
        let mut meanings = [None; 128];
        let mut mapped = PayloadTypes::default();
        for (number, encoding) in self.mappings() {
            // The first mapping of a payload type stands.
            if mapped.insert(number)
                && let Some(meaning) = meanings.get_mut(usize::from(number))
            {
                *meaning = format_named(encoding);
            }
        }
        let mut seen = PayloadTypes::default();
        let numbers = self.media.fmt.split_ascii_whitespace().filter_map(|number| number.parse().ok());
        let listed = numbers
            .filter(|number| seen.insert(*number))
            .map(|number| {
                let meaning = if mapped.contains(number) {
                    meanings.get(usize::from(number)).copied().flatten()
                } else {
                    match number {
                        COMFORT_NOISE => Some(Format::ComfortNoise),
                        audio => AudioCodec::of_static_payload_type(audio).map(Format::Audio),
                    }
                };
                (number, meaning)
            })
            .collect();
        Formats { listed }
    }

    /// The payload types that have a meaning here, whatever it is: those of the media line and those that are mapped.
    pub(super) fn payload_types(&self) -> PayloadTypes {
        let mut all = PayloadTypes::default();
        let listed = self.media.fmt.split_ascii_whitespace().filter_map(|number| number.parse().ok());
        for number in listed.chain(self.mappings().map(|(number, _)| number)) {
            all.insert(number);
        }
        all
    }

    /// Where the peer wants to receive; an unspecified address means nowhere, for now.
    pub(super) fn address(&self) -> Result<SocketAddr, SdpError> {
        let connection = self.media.connections.first().or(self.description.session.connection.as_ref());
        let Some(connection) = connection else { return Err(SdpError::NoAddress) };
        Ok(SocketAddr::new(host(connection)?, self.media.port))
    }

    /// The direction as the peer sees it; `sendrecv` when it says nothing (RFC 3264 section 5.1).
    pub(super) fn direction(&self) -> Direction {
        direction(&self.media.attributes).unwrap_or(self.description.direction)
    }

    /// Milliseconds of audio that we put into a packet of a payload type.
    ///
    /// The first usable of: `a=ptime` (RFC 8866 section 6.4), `a=mptime` with a value per format as some gateways write it, `ptime=` in
    /// the format's parameters, `a=ptime` of the session. Never more than `maxptime`, and 20 where nothing usable is said.
    pub(super) fn packet_time_ms(&self, payload_type: u8) -> u32 {
        let usable = |ms: &u32| PTIMES_MS.contains(ms);
        let own = self.values("ptime").filter_map(leading_number).find(usable);
        let wanted = own
            .or_else(|| self.listed_packet_time_ms(payload_type).filter(usable))
            .or_else(|| self.parameter(payload_type, "ptime").filter(usable))
            .or_else(|| {
                let session = &self.description.session.attributes;
                values(session, "ptime").filter_map(leading_number).find(usable)
            })
            .unwrap_or(DEFAULT_PTIME_MS);
        let most = self
            .values("maxptime")
            .filter_map(leading_number)
            .find(|ms| *ms > 0)
            .or_else(|| self.parameter(payload_type, "maxptime").filter(|ms| *ms > 0));
        let allowed = PTIMES_MS.into_iter().rev().find(|ms| *ms <= wanted.min(most.unwrap_or(u32::MAX)));
        allowed.unwrap_or(PTIMES_MS[0])
    }

    /// The label of the stream (RFC 4574), which an answer to a recording client has to repeat.
    pub(super) fn label(&self) -> Option<&'a str> {
        self.values("label").next()
    }

    /// Whether RTCP may share the port of the audio (RFC 5761).
    pub(super) fn has_rtcp_mux(&self) -> bool {
        self.media.attributes.iter().any(|attribute| named(attribute, "rtcp-mux"))
    }

    /// Whether the peer wants RTCP: it does not where both bandwidths are zero (RFC 3556 section 2).
    pub(super) fn wants_rtcp(&self) -> bool {
        let is_zero = |kind: &str| {
            let of = |bandwidths: &[Bandwidth]| {
                bandwidths.iter().find(|b| b.bwtype.eq_ignore_ascii_case(kind)).map(|b| b.bandwidth)
            };
            of(&self.media.bandwidths).or_else(|| of(&self.description.session.bandwidths)) == Some(0)
        };
        !(is_zero("RR") && is_zero("RS"))
    }

    /// Where RTCP goes that does not share the port of the audio: as `a=rtcp` says (RFC 3605), otherwise the next port.
    pub(super) fn rtcp_address(&self, audio: SocketAddr) -> Option<SocketAddr> {
        let default = || Some(SocketAddr::new(audio.ip(), audio.port().checked_add(1)?));
        let address = match self.values("rtcp").next() {
            None => default(),
            Some(value) => {
                let mut fields = value.split_ascii_whitespace();
                let port = fields.next()?.parse().ok()?;
                // The address is left out, or stands behind `IN IP4`.
                let host = fields.nth(2).map_or(Some(audio.ip()), |host| host.parse().ok())?;
                Some(SocketAddr::new(host.to_canonical(), port))
            }
        };
        address.filter(|address| address.port() != 0 && !address.ip().is_unspecified())
    }

    /// All `rtpmap`s, e.g. `(0, "PCMU/8000")`.
    fn mappings(&self) -> impl Iterator<Item = (u8, &'a str)> + use<'a> {
        self.values("rtpmap").filter_map(|value| {
            let (number, encoding) = value.trim().split_once([' ', '\t'])?;
            Some((number.parse().ok().filter(|number| *number < 128)?, encoding.trim()))
        })
    }

    /// The value of `a=mptime` at the place of a format; a dash there says nothing.
    fn listed_packet_time_ms(&self, payload_type: u8) -> Option<u32> {
        let mut formats = self.media.fmt.split_ascii_whitespace();
        let place = formats.position(|number| number.parse() == Ok(payload_type))?;
        leading_number(self.values("mptime").next()?.split_ascii_whitespace().nth(place)?)
    }

    /// A parameter in `a=fmtp` of a payload type that is a number.
    fn parameter(&self, payload_type: u8, name: &str) -> Option<u32> {
        let lines = self.values("fmtp").filter_map(|value| value.trim().split_once([' ', '\t']));
        let mut parameters = lines
            .filter(|(number, _)| number.parse() == Ok(payload_type))
            .flat_map(|(_, parameters)| parameters.split(';'));
        parameters.find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| leading_number(value)).flatten()
        })
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        values(&self.media.attributes, name)
    }
}

fn values<'a>(attributes: &'a [Attribute], name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
    attributes
        .iter()
        .filter(move |attribute| named(attribute, name))
        .filter_map(|attribute| attribute.value.as_deref())
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| Direction::from_name(attribute.attribute.trim()))
}

fn named(attribute: &Attribute, name: &str) -> bool {
    attribute.attribute.eq_ignore_ascii_case(name)
}

/// The number that a text begins with: some write `20.0`.
fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// The static payload type of comfort noise (RFC 3551 section 6).
const COMFORT_NOISE: u8 = 13;

/// The format of an encoding such as `PCMU/8000` or `telephone-event/8000/1`.
fn format_named(encoding: &str) -> Option<Format> {
    let mut parts = encoding.split('/').map(str::trim);
    let name = parts.next()?;
    let clock_hz = parts.next().unwrap_or("8000").parse().ok()?;
    if parts.next().unwrap_or("1") != "1" || clock_hz == 0 {
        return None;
    }
    if name.eq_ignore_ascii_case("telephone-event") {
        return Some(Format::TelephoneEvent { clock_hz });
    }
    if name.eq_ignore_ascii_case("CN") && clock_hz == AudioCodec::RTP_CLOCK_HZ {
        return Some(Format::ComfortNoise);
    }
    AudioCodec::from_name(name).filter(|_| clock_hz == AudioCodec::RTP_CLOCK_HZ).map(Format::Audio)
}

fn host(connection: &Connection) -> Result<IpAddr, SdpError> {
    // A multicast suffix such as `/127` is no part of the host.
    let text = connection.connection_address.as_str();
    let host = text.split_once('/').map_or(text, |(host, _)| host);
    let host: IpAddr = host.parse().map_err(|_| SdpError::Address(super::agreement::excerpt(text)))?;
    Ok(host.to_canonical())
}

/// Whether the strict parser will take an origin line: six fields, the third of them a number.
fn is_origin(value: &str) -> bool {
    let fields: Vec<_> = value.split_ascii_whitespace().take(7).collect();
    matches!(fields[..], [_, _, version, _, _, _] if version.parse::<u64>().is_ok())
}

/// Whether the strict parser will take a bandwidth line.
fn is_bandwidth(value: &str) -> bool {
    value.split_once(':').is_some_and(|(_, bandwidth)| bandwidth.parse::<u64>().is_ok())
}

const DEFAULT_PTIME_MS: u32 = 20;
/// Packet times we send with, rising; other wishes get 20 ms.
const PTIMES_MS: [u32; 5] = [10, 20, 30, 40, 60];
