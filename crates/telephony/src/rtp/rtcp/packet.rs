//! Compound RTCP packets, read and written.
//!
//! Source: RFC 3550 sections 6.1 and 6.4-6.6, appendix A.2. Reading checks the whole datagram first and allocates nothing; each
//! packet in it is then one of the four kinds, or one that is passed over (feedback, extended reports, APP).

use crate::rtp::packet::{RtpTimestamp, Ssrc};

/// A datagram of RTCP packets whose lengths add up.
#[derive(Clone, Copy)]
pub struct Compound<'a>(&'a [u8]);

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPacket<'a> {
    /// What a sender has sent, and how it receives.
    SenderReport {
        /// Its source.
        ssrc: Ssrc,
        /// What it has sent.
        sent: SenderInfo,
        /// What it receives.
        blocks: Blocks<'a>,
    },
    /// How a participant that sends nothing receives.
    ReceiverReport {
        /// Its source.
        ssrc: Ssrc,
        /// What it receives.
        blocks: Blocks<'a>,
    },
    /// Names of sources.
    Sdes(Sdes<'a>),
    /// Sources that have left.
    Bye(Sources<'a>),
    /// Anything else, by its packet type.
    Other(u8),
}

/// Why a datagram is no compound RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// It ends within a packet, or a packet within its content.
    #[error("lengths that do not add up")]
    Length,
    /// A version other than 2.
    #[error("not version 2")]
    Version,
    /// More packets than any compound has.
    #[error("too many packets in one datagram")]
    TooMany,
}

/// The sender's part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent, seconds since 1900 in 32.32 bits.
    pub ntp: u64,
    /// The same instant on the clock of the stream.
    pub timestamp: RtpTimestamp,
    /// Packets sent so far.
    pub packets: u32,
    /// Bytes of their payloads.
    pub bytes: u32,
}

/// How one source is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// Which source.
    pub ssrc: Ssrc,
    /// Packets lost since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost so far; negative where more came than were sent, as duplicates do. 24 bits.
    pub lost: i32,
    /// The highest sequence number, with the count of its wraps above it.
    pub highest_sequence: u32,
    /// Interarrival jitter in ticks of the stream's clock.
    pub jitter_ticks: u32,
    /// The middle 32 bits of the NTP time in the last sender report of the source; 0 without one.
    pub last_report: u32,
    /// Since that report came, in 65,536ths of a second.
    pub delay: u32,
}

/// Report blocks, at most 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [[u8; BLOCK_BYTES]]);

/// Sources, at most 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sources<'a>(&'a [[u8; 4]]);

/// Chunks of source descriptions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sdes<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Packets in one datagram at most.
    pub const PACKETS_MAX: usize = 32;

    /// Checks a datagram: version, lengths, and the content of the four kinds.
    ///
    /// A compound that does not begin with a report (RFC 5506) is read, too.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = datagram;
        for _ in 0..Self::PACKETS_MAX {
            let (packet, after) = split(rest)?;
            read(packet)?;
            if after.is_empty() {
                return Ok(Self(datagram));
            }
            rest = after;
        }
        Err(RtcpError::TooMany)
    }

    /// Its packets.
    pub fn packets(&self) -> impl Iterator<Item = RtcpPacket<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // All of them were read once, in `parse`.
            let (packet, after) = split(rest).ok()?;
            rest = after;
            read(packet).ok()
        })
    }
}

/// The first packet without its padding, and what follows it.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), RtcpError> {
    let &[flags, _, high, low, ..] = bytes else { return Err(RtcpError::Length) };
    if flags >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
    let (packet, rest) = bytes.split_at_checked(length).ok_or(RtcpError::Length)?;
    if flags & 0x20 == 0 {
        return Ok((packet, rest));
    }
    // The last byte counts the padding, itself included.
    let padding = packet.last().copied().map_or(0, usize::from);
    let content = length.checked_sub(padding).filter(|&content| padding > 0 && content >= HEADER_BYTES);
    Ok((&packet[..content.ok_or(RtcpError::Length)?], rest))
}

fn read(packet: &[u8]) -> Result<RtcpPacket<'_>, RtcpError> {
    let &[flags, packet_type, _, _, ref content @ ..] = packet else { return Err(RtcpError::Length) };
    let count = usize::from(flags & 0x1f);
    Ok(match packet_type {
        SENDER_REPORT => {
            let (ssrc, content) = word(content)?;
            let (&[a, b, c, d, e, f, g, h], content) =
                content.split_first_chunk().ok_or(RtcpError::Length)?;
            let (timestamp, content) = word(content)?;
            let (packets, content) = word(content)?;
            let (bytes, content) = word(content)?;
            let ntp = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            let sent = SenderInfo { ntp, timestamp: RtpTimestamp(timestamp), packets, bytes };
            RtcpPacket::SenderReport { ssrc: Ssrc(ssrc), sent, blocks: Blocks(chunks(content, count)?) }
        }
        RECEIVER_REPORT => {
            let (ssrc, content) = word(content)?;
            RtcpPacket::ReceiverReport { ssrc: Ssrc(ssrc), blocks: Blocks(chunks(content, count)?) }
        }
        SDES => {
            let mut rest = content;
            for _ in 0..count {
                rest = chunk(rest)?.2;
            }
            RtcpPacket::Sdes(Sdes(&content[..content.len() - rest.len()]))
        }
        BYE => RtcpPacket::Bye(Sources(chunks(content, count)?)),
        other => RtcpPacket::Other(other),
    })
}

fn word(bytes: &[u8]) -> Result<(u32, &[u8]), RtcpError> {
    let (word, rest) = bytes.split_first_chunk().ok_or(RtcpError::Length)?;
    Ok((u32::from_be_bytes(*word), rest))
}

/// So many records of `N` bytes at the beginning.
fn chunks<const N: usize>(bytes: &[u8], count: usize) -> Result<&[[u8; N]], RtcpError> {
    bytes.as_chunks().0.get(..count).ok_or(RtcpError::Length)
}

/// The first chunk of source descriptions: its source, its items, and what follows it.
fn chunk(bytes: &[u8]) -> Result<(Ssrc, &[u8], &[u8]), RtcpError> {
    let (ssrc, content) = word(bytes)?;
    let mut items = content;
    loop {
        match *items {
            [] => return Err(RtcpError::Length),
            [0, ..] => break,
            [_, length, ref rest @ ..] => items = rest.get(usize::from(length)..).ok_or(RtcpError::Length)?,
            [_] => return Err(RtcpError::Length),
        }
    }
    // Zeros fill the chunk up to a whole word: one at least.
    let length = content.len() - items.len();
    let end = (length + 1).next_multiple_of(4);
    let rest = content.get(end..).ok_or(RtcpError::Length)?;
    Ok((Ssrc(ssrc), &content[..length], rest))
}

impl Blocks<'_> {
    /// The blocks, in their order.
    pub fn iter(&self) -> impl Iterator<Item = ReportBlock> + '_ {
        self.0.iter().map(ReportBlock::from_bytes)
    }
}

impl Sources<'_> {
    /// The sources, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Ssrc> + '_ {
        self.0.iter().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
    }
}

impl<'a> Sdes<'a> {
    /// The canonical name of each source that has one: bytes, usually UTF-8.
    pub fn cnames(&self) -> impl Iterator<Item = (Ssrc, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (ssrc, items, after) = chunk(rest).ok()?;
            rest = after;
            Some((ssrc, cname(items)))
        })
        .filter_map(|(ssrc, name)| Some((ssrc, name?)))
    }
}

impl std::fmt::Debug for Sdes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names of people and hosts: only their extent is printed.
        write!(f, "Sdes({} bytes)", self.0.len())
    }
}

fn cname(mut items: &[u8]) -> Option<&[u8]> {
    while let [kind, length, rest @ ..] = items {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *kind == CNAME {
            return Some(value);
        }
        items = after;
    }
    None
}

impl ReportBlock {
    fn from_bytes(bytes: &[u8; BLOCK_BYTES]) -> Self {
        let word = |index: usize| {
            let at = |byte| bytes.get(index * 4 + byte).copied().unwrap_or(0);
            u32::from_be_bytes([at(0), at(1), at(2), at(3)])
        };
        Self {
            ssrc: Ssrc(word(0)),
            fraction_lost: bytes[4],
            // 24 bits with a sign.
            lost: (word(1) << 8).cast_signed() >> 8,
            highest_sequence: word(2),
            jitter_ticks: word(3),
            last_report: word(4),
            delay: word(5),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssrc.0.to_be_bytes());
        let [_, high, middle, low] = self.lost.clamp(LOST_MIN, LOST_MAX).to_be_bytes();
        out.extend_from_slice(&[self.fraction_lost, high, middle, low]);
        for word in [self.highest_sequence, self.jitter_ticks, self.last_report, self.delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// Appends a report: a sender's where something was sent, else a receiver's.
pub(super) fn write_report(
    ssrc: Ssrc,
    sent: Option<SenderInfo>,
    block: Option<ReportBlock>,
    out: &mut Vec<u8>,
) {
    let packet_type = if sent.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
    write_packet(packet_type, u8::from(block.is_some()), out, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        if let Some(SenderInfo { ntp, timestamp, packets, bytes }) = sent {
            out.extend_from_slice(&ntp.to_be_bytes());
            for word in [timestamp.0, packets, bytes] {
                out.extend_from_slice(&word.to_be_bytes());
            }
        }
        if let Some(block) = block {
            block.write(out);
        }
    });
}

/// Appends the canonical name of a source; of a longer one its first 255 bytes.
pub(super) fn write_cname(ssrc: Ssrc, name: &[u8], out: &mut Vec<u8>) {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    write_packet(SDES, 1, out, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(&[CNAME, length]);
        out.extend_from_slice(name.get(..usize::from(length)).unwrap_or_default());
        // The list of items ends with a zero, its chunk with a whole word.
        let filled = (2 + usize::from(length) + 1).next_multiple_of(4) - 2 - usize::from(length);
        out.resize(out.len() + filled, 0);
    });
}

/// Appends the end of a source.
pub(super) fn write_bye(ssrc: Ssrc, out: &mut Vec<u8>) {
    write_packet(BYE, 1, out, |out| out.extend_from_slice(&ssrc.0.to_be_bytes()));
}

/// Appends a header and a content of whole words.
fn write_packet(packet_type: u8, count: u8, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&[0x80 | count, packet_type, 0, 0]);
    content(out);
    let words = u16::try_from((out.len() - begin) / 4 - 1).unwrap_or(u16::MAX);
    if let Some(length) = out.get_mut(begin + 2..begin + 4) {
        length.copy_from_slice(&words.to_be_bytes());
    }
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;
const HEADER_BYTES: usize = 4;
const BLOCK_BYTES: usize = 24;
const LOST_MIN: i32 = -0x80_0000;
const LOST_MAX: i32 = 0x7f_ffff;

#[cfg(test)]
mod tests;
