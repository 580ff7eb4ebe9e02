//! Any bytes as a journal segment or as a chunk: an answer that holds together, never a panic.
//!
//! Shared with the fuzz targets. Checksums stop nearly every mutation at the door, so each input is tried as it is and
//! once more with its checksums made right.

use tympan_store::embedded::{chunk_file, segment};
use tympan_store::{RecordHeader, StreamId};

/// Bytes as a journal segment: the last one, and one whose end is known.
pub fn check_journal(input: &[u8]) {
    for bytes in [input.to_vec(), with_right_checksums(input)] {
        segment::SegmentHeader::parse(&bytes);
        for end in [None, Some(bytes.len() as u64), Some(bytes.len() as u64 / 2), Some(u64::MAX)] {
            let scan = segment::scan(&bytes, end);
            for found in &scan.records {
                let record = &bytes[found.offset as usize..];
                assert_eq!(
                    RecordHeader::check(record).as_ref(),
                    Ok(&found.header),
                    "what is reported is intact"
                );
            }
            for damage in &scan.damage {
                assert!(damage.start < damage.end && damage.end <= scan.end, "damage lies before the end");
            }
        }
        let end = bytes.len() as u64;
        for at in (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"TYFT")) {
            for located in segment::parse_footer(&bytes[at..], 1, end).into_iter().flatten() {
                assert!(located.loc.offset + u64::from(located.loc.length) <= end, "an entry lies within");
            }
        }
    }
}

/// Bytes as a whole chunk.
pub fn check_chunk(input: &[u8]) {
    let Some((_, trailer)) = input.split_last_chunk::<{ chunk_file::TRAILER_BYTES }>() else { return };
    let mut offset = [0; 4];
    offset.copy_from_slice(&trailer[12..16]);
    let offset = u32::from_le_bytes(offset);
    let mut stream = [0; 16];
    stream.copy_from_slice(&trailer[16..]);
    let stream = StreamId::from_bytes(stream);
    let Some(index) = input.get(offset as usize..) else { return };
    let mut repaired = index.to_vec();
    if let Some(entries) = repaired.len().checked_sub(chunk_file::TRAILER_BYTES) {
        let checksum = crc32c(&[&repaired[..entries], &repaired[entries + 8..]].concat());
        repaired[entries + 4..entries + 8].copy_from_slice(&checksum.to_le_bytes());
    }
    for index in [index, &repaired] {
        let Ok(parts) = chunk_file::parse_index(index, stream, offset) else { continue };
        assert!(parts.is_sorted_by(|one, other| one.meta.number < other.meta.number));
        for part in &parts {
            let end = u64::from(part.offset) + u64::from(part.length);
            assert!(end <= u64::from(offset), "a part lies before the index");
        }
    }
}

/// The same bytes with the checksums of segment header, groups, records and footers made right.
fn with_right_checksums(input: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for at in 0..bytes.len().saturating_sub(16) {
        let rest = &bytes[at..];
        let length =
            |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]) as usize;
        let covered = match &rest[..4] {
            b"TYSG" => 64,
            b"TYGR" => 16,
            b"TYMF" => length(12),
            b"TYFT" => length(12).saturating_mul(if rest[8] == 1 { 76 } else { 80 }).saturating_add(16),
            _ => continue,
        };
        if (8..=rest.len()).contains(&covered) {
            let checksum = crc32c(&rest[8..covered]);
            bytes[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    bytes
}

/// CRC-32C, bit by bit: the fuzz crate has no dependency for it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    })
}
