//! The header that precedes the frames of a SimpleBlock or Block.
//!
//! Source: RFC 9559 sections 10.1 (Block) and 10.2 (SimpleBlock).

use super::FragmentSink;
use crate::vint;

/// The header of a SimpleBlock or Block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// TrackNumber of the track that the payload belongs to.
    pub track: u64,
    /// Time of the block, counted from its Cluster's Timestamp. Units: the document's timecode scale.
    pub relative_timecode: i16,
    /// As written: keyframe `80` (SimpleBlock only), invisible `08`, lacing `06`, discardable `01` (SimpleBlock only).
    pub flags: u8,
    /// SimpleBlock rather than BlockGroup/Block.
    pub simple: bool,
    /// This piece of the payload is the first of its block.
    pub first: bool,
}

/// Separates a block's header from its payload, wherever the block was cut.
#[derive(Debug, Default)]
pub(super) struct BlockReader {
    simple: bool,
    header: Option<BlockHeader>,
    /// The start of a header that a cut fell into.
    carry: [u8; MAX_HEADER_BYTES],
    carried: usize,
}

/// A track number of up to 8 bytes, the timecode and the flags.
const MAX_HEADER_BYTES: usize = vint::MAX_SIZE_BYTES + 3;

impl BlockReader {
    #[inline]
    pub(super) fn begin(&mut self, simple: bool) {
        (self.simple, self.header, self.carried) = (simple, None, 0);
    }

    /// Reads the next bytes of the block. Errors: what is wrong with it.
    #[inline]
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        last: bool,
        sink: &mut impl FragmentSink,
    ) -> Result<(), &'static str> {
        if let Some(header) = self.header {
            sink.block(BlockHeader { first: false, ..header }, bytes, last);
            return Ok(());
        }
        let parsed = if self.carried == 0 { parse(bytes, self.simple)? } else { None };
        match parsed {
            Some((header, header_bytes)) if last || bytes.len() > header_bytes => {
                self.header = Some(header);
                sink.block(header, &bytes[header_bytes..], last);
                Ok(())
            }
            _ => self.carry_on(bytes, last, sink),
        }
    }

    /// Keeps the start of a header until there is payload to go with it.
    #[cold]
    fn carry_on(
        &mut self,
        bytes: &[u8],
        last: bool,
        sink: &mut impl FragmentSink,
    ) -> Result<(), &'static str> {
        let added = bytes.len().min(MAX_HEADER_BYTES - self.carried);
        let joined = self.carried + added;
        self.carry[self.carried..joined].copy_from_slice(&bytes[..added]);
        let parsed = parse(&self.carry[..joined], self.simple)?;
        match parsed {
            Some((header, header_bytes)) if last || self.carried + bytes.len() > header_bytes => {
                self.header = Some(header);
                sink.block(header, &bytes[header_bytes - self.carried..], last);
                Ok(())
            }
            None if last => Err(NO_HEADER),
            _ => {
                self.carried = joined;
                Ok(())
            }
        }
    }
}

/// What a block without a whole header is refused with.
const NO_HEADER: &str = "a block begins with a track number, a timecode of 2 bytes and a byte of flags";

/// The header and the payload of a SimpleBlock that was not cut. Errors: what is wrong with it.
#[inline]
pub(super) fn whole(bytes: &[u8]) -> Result<(BlockHeader, &[u8]), &'static str> {
    // A track number below 127, which takes one byte, is all that anybody uses.
    if let [track @ 0x80..=0xFF, high, low, flags, payload @ ..] = bytes {
        let relative_timecode = i16::from_be_bytes([*high, *low]);
        let track = u64::from(track & 0x7F);
        return Ok((
            BlockHeader { track, relative_timecode, flags: *flags, simple: true, first: true },
            payload,
        ));
    }
    let (header, header_bytes) = parse(bytes, true)?.ok_or(NO_HEADER)?;
    Ok((header, &bytes[header_bytes..]))
}

/// The header and its length in bytes, or none where `bytes` are too few.
#[inline]
fn parse(bytes: &[u8], simple: bool) -> Result<Option<(BlockHeader, usize)>, &'static str> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let track_bytes = vint::encoded_len(first).ok_or("its track number has more than 8 bytes")?;
    let Some((track, rest)) = bytes.split_at_checked(track_bytes) else { return Ok(None) };
    let [high, low, flags, ..] = *rest else { return Ok(None) };
    let header = BlockHeader {
        track: vint::data_bits(track),
        relative_timecode: i16::from_be_bytes([high, low]),
        flags,
        simple,
        first: true,
    };
    Ok(Some((header, track_bytes + 3)))
}
