//! Offer and answer for one audio stream.
//!
//! Source: RFC 3264; hold as in its section 8.4 and, for old peers, by the address 0.0.0.0. We answer with one codec,
//! so that no peer changes it in mid-call without being asked, and understand every one that was offered.
//! Not implemented: SRTP (`RTP/SAVP` sections are refused), ICE, RTCP multiplexing (its absence in the answer
//! declines it), bundling.

use std::net::{IpAddr, SocketAddr};

use super::description::{Description, Format, Section};
use super::write::{self, AudioSection};
use crate::audio::codec::AudioCodec;
use crate::rtp::payload::PayloadMap;

/// Our side of a session: where we receive, and what we understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// Address we receive at.
    pub addr: IpAddr,
    /// Port we receive at.
    pub port: u16,
    /// Codecs we understand, best first. None at all means no call.
    pub codecs: Vec<AudioCodec>,
    /// Whose order of codecs decides.
    pub preference: Preference,
    /// What we are willing to do; the peer's wish narrows it.
    pub direction: Direction,
    /// Session id of the origin line: a number chosen once a call.
    pub session_id: u64,
    /// Version of the origin line of a first offer or answer; counted up from there by [`reanswer`].
    pub version: u64,
}

impl LocalMedia {
    /// Both G.711 laws both ways at an address, as the peer prefers them.
    pub fn new(address: SocketAddr, session_id: u64) -> Self {
        Self {
            addr: address.ip(),
            port: address.port(),
            codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma],
            preference: Preference::Offerer,
            direction: Direction::SendRecv,
            session_id,
            version: 1,
        }
    }
}

/// Whose order of codecs decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The offerer's.
    #[default]
    Offerer,
    /// Ours, the order of [`LocalMedia::codecs`].
    Local,
}

/// What was agreed, seen from our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The answer: to be sent by us, or as it was read.
    pub answer: String,
    /// Version in the answer's origin line.
    pub version: u64,
    /// Where to send. The address is unspecified while the peer wants nothing; see [`Negotiated::destination`].
    pub remote: SocketAddr,
    /// The codec to send with.
    pub codec: Codec,
    /// Payload type of telephone events, when the peer knows them.
    pub dtmf: Option<u8>,
    /// What *we* do: [`Direction::RecvOnly`] means the peer only sends, as on hold.
    pub direction: Direction,
    /// Milliseconds of audio in a packet we send.
    pub ptime_ms: u32,
    /// Everything the peer may send.
    pub payloads: PayloadMap,
}

impl Negotiated {
    /// Where to send audio; `None` while the peer does not want any.
    pub fn destination(&self) -> Option<SocketAddr> {
        (self.direction.sends() && !self.remote.ip().is_unspecified()).then_some(self.remote)
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

/// Who sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only the side that says so.
    SendOnly,
    /// Only the other side.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction an attribute names.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.name().eq_ignore_ascii_case(name))
    }

    /// Whether the side that says so sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the side that says so receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, said by the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::of(self.sends() && other.sends(), self.receives() && other.receives())
    }

    const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }
}

/// Why there is no agreement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// The text is not a session description.
    #[error("not a session description: {0}")]
    Syntax(String),
    /// No section is audio over plain RTP.
    #[error("no audio over RTP/AVP is offered; what is: {0}")]
    NoAudio(String),
    /// No codec in common.
    #[error("no common codec: {0} is offered, PCMU and PCMA are understood")]
    NoCommonCodec(String),
    /// No connection line applies to the audio.
    #[error("no c= line says where the audio goes")]
    NoAddress,
    /// A connection line with something other than an IP address.
    #[error("connection address {0:?} is not an IP address; host names are not looked up")]
    Address(String),
}

impl SdpError {
    /// The SIP status to refuse the offer with: 400 for nonsense, 488 (Not Acceptable Here) otherwise.
    pub const fn sip_status(&self) -> u16 {
        match self {
            Self::Syntax(_) => 400,
            Self::NoAudio(_) | Self::NoCommonCodec(_) | Self::NoAddress | Self::Address(_) => 488,
        }
    }
}

/// Answers an offer: takes the first usable audio section, refuses all others.
pub fn answer(offer: &str, local: &LocalMedia) -> Result<Negotiated, SdpError> {
    let offer = Description::parse(offer)?;
    let agreed = Agreed::find(&offer, local)?;
    let text = agreed.answer(&offer, local, local.version);
    Ok(agreed.into_negotiated(text, local.version))
}

/// Answers an offer within a session that `previous` describes.
///
/// The origin's version goes up by one when the answer says something new, and stays otherwise (RFC 3264 section 8).
/// On an error the session stays as it was.
pub fn reanswer(offer: &str, local: &LocalMedia, previous: &Negotiated) -> Result<Negotiated, SdpError> {
    let offer = Description::parse(offer)?;
    let agreed = Agreed::find(&offer, local)?;
    let mut version = previous.version;
    let mut answer = agreed.answer(&offer, local, version);
    if answer != previous.answer {
        version += 1;
        answer = agreed.answer(&offer, local, version);
    }
    Ok(agreed.into_negotiated(answer, version))
}

/// An offer of our own: all codecs, telephone events on 101.
pub fn offer(local: &LocalMedia) -> String {
    let static_codec = |kind: &AudioCodec| Codec { kind: *kind, payload_type: kind.static_payload_type() };
    let codecs: Vec<_> = local.codecs.iter().map(static_codec).collect();
    let mut text = write::session(local, local.version);
    AudioSection {
        port: local.port,
        transport: "RTP/AVP",
        codecs: &codecs,
        dtmf: Some(OFFERED_EVENT_TYPE),
        ptime_ms: DEFAULT_PTIME_MS,
        direction: local.direction,
        label: None,
    }
    .write(&mut text);
    text
}

/// A new offer within a session that `previous` describes: all that we are capable of, whatever was agreed before, so that a
/// session that is on hold is resumed (RFC 3261 section 14.2, RFC 6337 section 5.3). Gives the version of its origin line too,
/// which goes up by one when the offer says something new.
pub fn reoffer(local: &LocalMedia, previous: &Negotiated) -> (String, u64) {
    let with_version = |version| offer(&LocalMedia { version, ..local.clone() });
    let same = with_version(previous.version);
    if same == previous.answer {
        return (same, previous.version);
    }
    (with_version(previous.version + 1), previous.version + 1)
}

/// Reads the answer to [`offer`]; what was agreed is seen from the offerer's side.
pub fn read_answer(answer: &str, local: &LocalMedia) -> Result<Negotiated, SdpError> {
    let description = Description::parse(answer)?;
    // The answerer has chosen: its order decides.
    let agreed =
        Agreed::find(&description, &LocalMedia { preference: Preference::Offerer, ..local.clone() })?;
    Ok(agreed.into_negotiated(answer.to_owned(), description.version()))
}

/// What a description and our side have in common.
struct Agreed {
    /// Which media section was taken.
    section: usize,
    remote: SocketAddr,
    codec: Codec,
    dtmf: Option<u8>,
    direction: Direction,
    ptime_ms: u32,
    payloads: PayloadMap,
}

impl Agreed {
    fn find(description: &Description, local: &LocalMedia) -> Result<Self, SdpError> {
        let mut refused = None;
        for (index, section) in description.sections().enumerate() {
            if !section.is_live_audio() || !section.is_plain_rtp() {
                continue;
            }
            match Self::from_section(index, &section, local) {
                Ok(agreed) => return Ok(agreed),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(|| {
            let offered =
                description.sections().map(|section| format!("{} {}", section.kind(), section.transport()));
            SdpError::NoAudio(offered.collect::<Vec<_>>().join(", "))
        }))
    }

    fn from_section(index: usize, section: &Section<'_>, local: &LocalMedia) -> Result<Self, SdpError> {
        let common: Vec<Codec> = section
            .formats()
            .filter_map(|(payload_type, format)| match format {
                Format::Audio(kind) if local.codecs.contains(&kind) => Some(Codec { kind, payload_type }),
                _ => None,
            })
            .collect();
        let chosen = match local.preference {
            Preference::Offerer => common.first(),
            Preference::Local => {
                local.codecs.iter().find_map(|kind| common.iter().find(|codec| codec.kind == *kind))
            }
        };
        let Some(&codec) = chosen else {
            return Err(SdpError::NoCommonCodec(section.format_list().to_owned()));
        };
        let dtmf =
            section.formats().find(|(_, format)| *format == Format::TelephoneEvent).map(|(number, _)| number);
        let remote = section.address()?;
        let mut theirs = section.direction();
        if remote.ip().is_unspecified() {
            // Hold as before RFC 3264: with nowhere to send to, the peer does not receive, whatever it says.
            theirs = theirs.and(Direction::SendOnly);
        }
        let payloads = common
            .iter()
            .fold(PayloadMap::new(), |map, codec| map.with_audio(codec.payload_type, codec.kind));
        Ok(Self {
            section: index,
            remote,
            codec,
            dtmf,
            direction: theirs.reversed().and(local.direction),
            ptime_ms: section
                .packet_time_ms()
                .filter(|ms| PTIMES_MS.contains(ms))
                .unwrap_or(DEFAULT_PTIME_MS),
            payloads: dtmf.into_iter().fold(payloads, PayloadMap::with_telephone_event),
        })
    }

    fn answer(&self, offer: &Description, local: &LocalMedia, version: u64) -> String {
        let mut text = write::session(local, version);
        for (index, offered) in offer.sections().enumerate() {
            if index != self.section {
                write::refused_section(&mut text, offered.kind(), offered.transport(), offered.format_list());
                continue;
            }
            AudioSection {
                port: local.port,
                transport: offered.transport(),
                codecs: &[self.codec],
                dtmf: self.dtmf,
                ptime_ms: self.ptime_ms,
                direction: self.direction,
                label: offered.label(),
            }
            .write(&mut text);
        }
        text
    }

    fn into_negotiated(self, answer: String, version: u64) -> Negotiated {
        let Self { section: _, remote, codec, dtmf, direction, ptime_ms, payloads } = self;
        Negotiated { answer, version, remote, codec, dtmf, direction, ptime_ms, payloads }
    }
}

/// Payload type for events in our own offers: what nearly everybody uses.
const OFFERED_EVENT_TYPE: u8 = 101;
const DEFAULT_PTIME_MS: u32 = 20;
/// Packet times we send with; other wishes get 20 ms.
const PTIMES_MS: [u32; 5] = [10, 20, 30, 40, 60];

#[cfg(test)]
mod tests;
