//! The chunk's file format: the records of one stream back to back, then an index.
//!
//! ```text
//! header, 64 bytes   0 "TYCH"  4 CRC-32C of the rest  8 version u16  16 stream 16  32 epoch u64  40 zeros
//! records            byte for byte as they stood in the journal, ascending by number
//! index              entries of 64 bytes:
//!                    0 number 20  20 offset u32  24 length u32  28 producer ms i64  36 server ms i64
//!                   44 duration ms u32  48 key number u32  52 head length u32  56 body length u32  60 zeros
//! trailer, 32 bytes  0 "TYCI"  4 CRC-32C of index and rest of the trailer  8 entries u32  12 index offset u32  16 stream 16
//! ```
//! Little-endian but for the number. Source: docs/storage.md section 4.

use crate::{ChunkPart, FragmentMeta, RECORD_HEADER_BYTES, StreamId};
use tympan_kms::TAG_BYTES;
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

/// Bytes before the first record.
pub const CHUNK_HEADER_BYTES: usize = 64;
/// Bytes of an index entry.
pub const ENTRY_BYTES: usize = 64;
/// Bytes after the index.
pub const TRAILER_BYTES: usize = 32;
const HEADER_MAGIC: [u8; 4] = *b"TYCH";
const TRAILER_MAGIC: [u8; 4] = *b"TYCI";
/// Since version 2 a record may be shorter than its fragment; the index of version 1 is read like any other.
const VERSION: u16 = 2;

/// Why bytes are not a chunk's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// No trailer stands at the end: the file was cut off, or is no chunk.
    #[error("the chunk does not end in an index")]
    Trailer,
    /// The checksum does not match.
    #[error("the checksum of the chunk's index does not match")]
    Checksum,
    /// The index belongs to another stream.
    #[error("the chunk belongs to another stream")]
    Stream,
    /// An entry contradicts the others or the size of the file.
    #[error("entry {0} of the chunk's index contradicts the rest")]
    Entry(usize),
}

/// The 64 bytes before the records.
pub(super) fn header(stream: StreamId, epoch: u64) -> [u8; CHUNK_HEADER_BYTES] {
    let mut bytes = [0; CHUNK_HEADER_BYTES];
    bytes[..4].copy_from_slice(&HEADER_MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&stream.to_bytes());
    bytes[32..40].copy_from_slice(&epoch.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The stream and the epoch that a header names; `None` if it is none of a version that is known.
pub(super) fn parse_header(bytes: &[u8]) -> Option<(StreamId, u64)> {
    let header: &[u8; CHUNK_HEADER_BYTES] = bytes.first_chunk()?;
    let known = header[..4] == HEADER_MAGIC && (1..=VERSION).contains(&u16::from_le_bytes(field(header, 8)));
    let sound = u32::from_le_bytes(field(header, 4)) == crc32c::crc32c(&header[8..]);
    (known && sound).then(|| (StreamId::from_bytes(field(header, 16)), u64::from_le_bytes(field(header, 32))))
}

/// Index and trailer, to stand at `index_offset`.
pub(super) fn index(stream: StreamId, index_offset: u32, parts: &[ChunkPart]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.len() * ENTRY_BYTES + TRAILER_BYTES);
    for ChunkPart { meta, key, offset, length } in parts {
        bytes.extend_from_slice(&meta.number.to_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&meta.producer.unix_ms().to_le_bytes());
        bytes.extend_from_slice(&meta.server.unix_ms().to_le_bytes());
        for number in [meta.duration_ms, *key, meta.head_bytes, meta.body_bytes, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let trailer = [&count.to_le_bytes()[..], &index_offset.to_le_bytes(), &stream.to_bytes()].concat();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), &trailer);
    bytes.extend_from_slice(&TRAILER_MAGIC);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(&trailer);
    bytes
}

/// The stream of a whole chunk and where its index begins, as its last bytes say; whether they are right,
/// [`parse_index`] finds out.
pub(super) fn trailer(bytes: &[u8]) -> Option<(StreamId, u32)> {
    let (_, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>()?;
    (trailer[..4] == TRAILER_MAGIC)
        .then(|| (StreamId::from_bytes(field(trailer, 16)), u32::from_le_bytes(field(trailer, 12))))
}

/// Reads what stands from `index_offset` to the end of a chunk of `stream`. Total: any bytes give an answer.
///
/// # Errors
/// [`IndexError`].
pub fn parse_index(bytes: &[u8], stream: StreamId, index_offset: u32) -> Result<Vec<ChunkPart>, IndexError> {
    let (entries, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>().ok_or(IndexError::Trailer)?;
    let number = |at: usize| u32::from_le_bytes(field(trailer, at));
    if trailer[..4] != TRAILER_MAGIC || number(12) != index_offset {
        return Err(IndexError::Trailer);
    }
    if (number(8) as usize).checked_mul(ENTRY_BYTES) != Some(entries.len()) {
        return Err(IndexError::Trailer);
    }
    if number(4) != crc32c::crc32c_append(crc32c::crc32c(entries), &trailer[8..]) {
        return Err(IndexError::Checksum);
    }
    if field(trailer, 16) != stream.to_bytes() {
        return Err(IndexError::Stream);
    }
    let mut parts: Vec<ChunkPart> = Vec::with_capacity(entries.len() / ENTRY_BYTES);
    let mut begin = CHUNK_HEADER_BYTES as u64;
    for (at, entry) in entries.chunks_exact(ENTRY_BYTES).enumerate() {
        let part = parse_entry(entry);
        let around_body = u64::from(part.meta.head_bytes) + (RECORD_HEADER_BYTES + TAG_BYTES) as u64;
        let sizes = around_body..=around_body + u64::from(part.meta.body_bytes);
        let end = begin + u64::from(part.length);
        let ascending = parts.last().is_none_or(|before| before.meta.number < part.meta.number);
        let placed = u64::from(part.offset) == begin && sizes.contains(&u64::from(part.length));
        if !ascending || !placed || end > u64::from(index_offset) {
            return Err(IndexError::Entry(at));
        }
        begin = end;
        parts.push(part);
    }
    Ok(parts)
}

fn parse_entry(entry: &[u8]) -> ChunkPart {
    let number = |at: usize| u32::from_le_bytes(field(entry, at));
    let time_ms = |at: usize| i64::from_le_bytes(field(entry, at));
    ChunkPart {
        meta: FragmentMeta {
            number: FragmentNumber::from_bytes(field(entry, 0)),
            producer: ProducerTime::from_unix_ms(time_ms(28)),
            server: ServerTime::from_unix_ms(time_ms(36)),
            duration_ms: number(44),
            head_bytes: number(52),
            body_bytes: number(56),
        },
        key: number(48),
        offset: number(20),
        length: number(24),
    }
}

/// `N` bytes of an entry or a trailer; every caller's range lies within it by the layout above.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sealed;
    use proptest::prelude::*;

    const STREAM: StreamId = StreamId::from_bytes([9; 16]);

    fn parts(count: u64) -> (Vec<ChunkPart>, u32) {
        let mut offset = CHUNK_HEADER_BYTES as u32;
        let part = |sequence| {
            let (meta, record) = sealed(STREAM, sequence, &vec![0; sequence as usize]);
            let part = ChunkPart { meta, key: 1, offset, length: record.len() as u32 };
            offset += part.length;
            part
        };
        let parts = (1..=count).map(part).collect();
        (parts, offset)
    }

    #[test]
    fn an_index_gives_back_its_parts() {
        for count in [0, 1, 5] {
            let (parts, offset) = parts(count);
            let bytes = index(STREAM, offset, &parts);
            assert_eq!(bytes.len(), parts.len() * ENTRY_BYTES + TRAILER_BYTES);
            assert_eq!(parse_index(&bytes, STREAM, offset), Ok(parts));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (parts, offset) = parts(3);
        let good = index(STREAM, offset, &parts);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            assert!(parse_index(&bad, STREAM, offset).is_err(), "byte {at}");
            assert!(parse_index(&good[at + 1..], STREAM, offset).is_err(), "cut before {at}");
            assert!(parse_index(&good[..at], STREAM, offset).is_err(), "cut at {at}");
        }
        let other = StreamId::from_bytes([8; 16]);
        assert_eq!(parse_index(&good, other, offset), Err(IndexError::Stream));
    }

    #[test]
    fn entries_that_contradict_each_other_are_refused() {
        let (mut parts, offset) = parts(3);
        parts.swap(0, 1);
        assert_eq!(parse_index(&index(STREAM, offset, &parts), STREAM, offset), Err(IndexError::Entry(0)));
        let (mut parts, offset) = self::parts(3);
        parts[2].length += 1;
        assert_eq!(parse_index(&index(STREAM, offset, &parts), STREAM, offset), Err(IndexError::Entry(2)));
    }

    proptest! {
        #[test]
        fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), offset: u32) {
            prop_assert!(parse_index(&bytes, STREAM, offset).is_err());
        }
    }
}
