//! Writes descriptions of ours.
//!
//! Source: RFC 8866 section 5, in the order of its lines.

use std::fmt::{Arguments, Write};
use std::net::IpAddr;

use super::agreement::Codec;
use super::direction::Direction;
use super::local::LocalMedia;

/// The session part.
pub(super) fn session(local: &LocalMedia, version: u64) -> String {
    let mut text = String::with_capacity(320);
    let (family, addr) = (family(local.addr), local.addr);
    line(&mut text, format_args!("v=0"));
    line(&mut text, format_args!("o=- {} {version} IN {family} {addr}", local.session_id));
    line(&mut text, format_args!("s=-"));
    line(&mut text, format_args!("c=IN {family} {addr}"));
    line(&mut text, format_args!("t=0 0"));
    text
}

/// An audio section of ours.
pub(super) struct AudioSection<'a> {
    pub(super) port: u16,
    pub(super) transport: &'a str,
    pub(super) codecs: &'a [Codec],
    /// Payload type of telephone events.
    pub(super) dtmf: Option<u8>,
    pub(super) ptime_ms: u32,
    pub(super) rtcp_mux: bool,
    pub(super) direction: Direction,
    pub(super) label: Option<&'a str>,
}

impl AudioSection<'_> {
    /// Appends the section.
    pub(super) fn write(&self, text: &mut String) {
        let formats = self.codecs.iter().map(|codec| codec.payload_type).chain(self.dtmf);
        let formats: Vec<_> = formats.map(|number| number.to_string()).collect();
        line(text, format_args!("m=audio {} {} {}", self.port, self.transport, formats.join(" ")));
        for Codec { kind, payload_type } in self.codecs {
            line(text, format_args!("a=rtpmap:{payload_type} {}/8000", kind.name()));
        }
        if let Some(number) = self.dtmf {
            line(text, format_args!("a=rtpmap:{number} telephone-event/8000"));
            line(text, format_args!("a=fmtp:{number} 0-15"));
        }
        line(text, format_args!("a=ptime:{}", self.ptime_ms));
        if self.rtcp_mux {
            line(text, format_args!("a=rtcp-mux"));
        }
        if let Some(label) = self.label {
            line(text, format_args!("a=label:{label}"));
        }
        line(text, format_args!("a={}", self.direction.name()));
    }
}

/// Appends a section that refuses an offered one, or stands in the place of one that is over: port 0 (RFC 3264 sections 6 and 8.2).
///
/// What was offered is repeated word by word: an offer may part its words by more than one blank, or lack some.
pub(super) fn refused_section(text: &mut String, kind: &str, transport: &str, formats: &str) {
    let word = |text: &str, otherwise: &str| text.split_whitespace().next().unwrap_or(otherwise).to_owned();
    let formats: Vec<&str> = formats.split_whitespace().collect();
    let formats = if formats.is_empty() { "0".to_owned() } else { formats.join(" ") };
    line(text, format_args!("m={} 0 {} {formats}", word(kind, "audio"), word(transport, "RTP/AVP")));
}

fn line(text: &mut String, content: Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{content}\r\n");
}

const fn family(addr: IpAddr) -> &'static str {
    match addr {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}
