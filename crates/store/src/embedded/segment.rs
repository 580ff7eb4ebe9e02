//! The journal's file format: a segment is a header, then groups of records, then perhaps a footer.
//!
//! ```text
//! header, 64 bytes   0 "TYSG"  4 CRC-32C of the rest  8 version u16  16 segment u64  24 epoch u64
//!                   32 end of the segment before u64  40 created, Unix ms i64        48 zeros
//! group header, 16   0 "TYGR"  4 CRC-32C of the rest  8 serial within the segment u32  12 bytes of its records u32
//! footer             0 "TYFT"  4 CRC-32C of the rest  8 version u16  12 entries u32  16 entries of 80 bytes
//! entry              0 stream 16  16 number 20  36 producer ms i64  44 server ms i64  52 duration ms u32
//!                   56 key number u32  60 head length u32  64 body length u32  68 offset of the record u64
//!                   76 length of the record u32, absent in version 1
//! ```
//! Little-endian. A group is what one fdatasync made durable, so it counts whole or not at all. The end of a segment
//! stands in the header of the next one, which makes "torn" and "damaged" two different things: see [`scan`].
//! Source: docs/storage.md section 3.

use crate::index_block::behind_record;
use crate::record::{RecordError, RecordHeader};
use crate::{FragmentMeta, JournalLoc, Located, RECORD_HEADER_BYTES, StreamId};
use std::ops::Range;
use tympan_kms::TAG_BYTES;
use tympan_types::{FragmentNumber, ProducerTime, ServerTime, WallTime};

/// Bytes before the first group.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// Bytes before a group's records.
pub const GROUP_HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 80;
/// Footers of version 1 said nothing of a record's length, which followed from the fragment's.
const ENTRY_BYTES_1: usize = 76;
const FOOTER_HEADER_BYTES: usize = 16;
const SEGMENT_MAGIC: [u8; 4] = *b"TYSG";
const GROUP_MAGIC: [u8; 4] = *b"TYGR";
const FOOTER_MAGIC: [u8; 4] = *b"TYFT";
const VERSION: u16 = 1;
const FOOTER_VERSION: u16 = 2;

/// The first bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Its number, one more than that of the segment before.
    pub segment: u64,
    /// Which opening of the store wrote it.
    pub epoch: u64,
    /// Where the segment before ends; 0 if there was none.
    pub previous_end: u64,
    /// When it was begun.
    pub created: WallTime,
}

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Intact records, in the order of the file.
    pub records: Vec<Found>,
    /// Where the last intact group ends.
    pub end: u64,
    /// Bytes that had been promised and are not what was written. Intact records among them are in `records`.
    pub damage: Vec<Range<u64>>,
    /// Bytes of a group that is not whole, at the end of a segment whose end no other one knows.
    pub cut_off_bytes: u64,
}

/// A record and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The record's header.
    pub header: RecordHeader,
    /// Bytes from the segment's beginning.
    pub offset: u64,
}

impl SegmentHeader {
    /// The 64 bytes.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..4].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.segment.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.previous_end.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.created.unix_ms().to_le_bytes());
        put_checksum(&mut bytes);
        bytes
    }

    /// Reads a header; `None` if these are not the bytes of one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..SEGMENT_HEADER_BYTES)?;
        let known = bytes[..4] == SEGMENT_MAGIC && u16::from_le_bytes(field(bytes, 8)?) == VERSION;
        (known && checksum_matches(bytes)).then_some(())?;
        Some(Self {
            segment: u64::from_le_bytes(field(bytes, 16)?),
            epoch: u64::from_le_bytes(field(bytes, 24)?),
            previous_end: u64::from_le_bytes(field(bytes, 32)?),
            created: WallTime::from_unix_ms(i64::from_le_bytes(field(bytes, 40)?)),
        })
    }
}

/// The header of a group.
pub(super) fn group_header(serial: u32, records_bytes: u32) -> [u8; GROUP_HEADER_BYTES] {
    let mut bytes = [0; GROUP_HEADER_BYTES];
    bytes[..4].copy_from_slice(&GROUP_MAGIC);
    bytes[8..12].copy_from_slice(&serial.to_le_bytes());
    bytes[12..16].copy_from_slice(&records_bytes.to_le_bytes());
    put_checksum(&mut bytes);
    bytes
}

/// Reads the groups of a whole segment.
///
/// `end` is where the next segment's header says that this one ends: everything before it was promised, so whatever
/// is wrong there is damage. Without a next segment the last group may be torn, and the scan stops there quietly -
/// unless an intact group of a later serial follows: a group is only written once the one before was synced, so what
/// precedes it had been promised, too. So had what precedes an intact footer. Total: any bytes give an answer.
pub fn scan(bytes: &[u8], end: Option<u64>) -> Scan {
    let promised = end.map(|end| usize::try_from(end).unwrap_or(usize::MAX));
    let limit = promised.unwrap_or(bytes.len());
    let within = bytes.get(..limit).unwrap_or(bytes);
    let mut found = Scan::default();
    let mut at = SEGMENT_HEADER_BYTES;
    let mut serial = 0;
    while at < limit && !(promised.is_none() && footer_begins(within, at)) {
        if let Some(group) = read_group(within, at) {
            (at, serial) = (group.end, group.serial);
            found.records.extend(group.records);
            continue;
        }
        let next = (at + 1..within.len()).find(|next| {
            within[*next..].starts_with(&GROUP_MAGIC)
                && read_group(within, *next).is_some_and(|group| group.serial > serial)
        });
        let damaged = match (next, promised) {
            (Some(next), _) => at..next,
            (None, Some(promised)) => at..promised,
            (None, None) => match footer_after(within, at) {
                Some(footer) => at..footer,
                None => {
                    found.cut_off_bytes = (within.len() - at) as u64;
                    break;
                }
            },
        };
        salvage(within, damaged.clone(), &mut found.records);
        at = damaged.end;
        found.damage.push(damaged.start as u64..damaged.end as u64);
    }
    found.end = at as u64;
    found
}

struct Group {
    serial: u32,
    end: usize,
    records: Vec<Found>,
}

/// The group at `at` if every byte of it is what was written.
fn read_group(bytes: &[u8], at: usize) -> Option<Group> {
    let header = bytes.get(at..at.checked_add(GROUP_HEADER_BYTES)?)?;
    (header[..4] == GROUP_MAGIC && checksum_matches(header)).then_some(())?;
    let serial = u32::from_le_bytes(field(header, 8)?);
    let length = u32::from_le_bytes(field(header, 12)?) as usize;
    let mut next = at + GROUP_HEADER_BYTES;
    let end = next.checked_add(length).filter(|end| *end <= bytes.len())?;
    let mut records = Vec::new();
    while next < end {
        let header = RecordHeader::check(&bytes[next..end]).ok()?;
        records.push(Found { header, offset: next as u64 });
        next += header.record_bytes();
        next += behind_record(&bytes[next..end], header.stream, header.meta.number);
    }
    Some(Group { serial, end, records })
}

/// Records that are intact amid damage.
fn salvage(bytes: &[u8], damaged: Range<usize>, records: &mut Vec<Found>) {
    let mut at = damaged.start;
    while let Some(rest) = bytes.get(at..damaged.end.min(bytes.len())).filter(|rest| !rest.is_empty()) {
        match RecordHeader::check(rest) {
            Ok(header) => {
                records.push(Found { header, offset: at as u64 });
                at += header.record_bytes();
            }
            // Only damage in the middle is searched, and most bytes fail at the magic.
            Err(RecordError::Magic | _) => at += 1,
        }
    }
}

/// The footer: an index that spares the next start the scan. It is a hint and not synced.
pub(super) fn footer(records: &mut [Located]) -> Vec<u8> {
    records.sort_by_key(|located| (located.stream, located.meta.number));
    let mut bytes = vec![0; FOOTER_HEADER_BYTES];
    bytes[..4].copy_from_slice(&FOOTER_MAGIC);
    bytes[8..10].copy_from_slice(&FOOTER_VERSION.to_le_bytes());
    // A segment holds some hundred thousand records at most.
    bytes[12..16].copy_from_slice(&u32::try_from(records.len()).unwrap_or(0).to_le_bytes());
    for Located { stream, meta, key, loc } in records {
        bytes.extend_from_slice(&stream.to_bytes());
        bytes.extend_from_slice(&meta.number.to_bytes());
        bytes.extend_from_slice(&meta.producer.unix_ms().to_le_bytes());
        bytes.extend_from_slice(&meta.server.unix_ms().to_le_bytes());
        for number in [meta.duration_ms, *key, meta.head_bytes, meta.body_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&loc.offset.to_le_bytes());
        bytes.extend_from_slice(&loc.length.to_le_bytes());
    }
    put_checksum(&mut bytes);
    bytes
}

/// Reads the footer that begins where the records of segment `segment` end; `None` if there is none that is whole.
pub fn parse_footer(bytes: &[u8], segment: u64, end: u64) -> Option<Vec<Located>> {
    let header = bytes.get(..FOOTER_HEADER_BYTES)?;
    (header[..4] == FOOTER_MAGIC).then_some(())?;
    let entry_bytes = match u16::from_le_bytes(field(header, 8)?) {
        1 => ENTRY_BYTES_1,
        FOOTER_VERSION => ENTRY_BYTES,
        _ => return None,
    };
    let count = u32::from_le_bytes(field(header, 12)?) as usize;
    let length = count.checked_mul(entry_bytes)?.checked_add(FOOTER_HEADER_BYTES)?;
    let bytes = bytes.get(..length).filter(|bytes| checksum_matches(bytes))?;
    bytes[FOOTER_HEADER_BYTES..]
        .chunks_exact(entry_bytes)
        .map(|entry| parse_entry(entry, segment, end))
        .collect()
}

fn parse_entry(entry: &[u8], segment: u64, end: u64) -> Option<Located> {
    let meta = FragmentMeta {
        number: FragmentNumber::from_bytes(field(entry, 16)?),
        producer: ProducerTime::from_unix_ms(i64::from_le_bytes(field(entry, 36)?)),
        server: ServerTime::from_unix_ms(i64::from_le_bytes(field(entry, 44)?)),
        duration_ms: u32::from_le_bytes(field(entry, 52)?),
        head_bytes: u32::from_le_bytes(field(entry, 60)?),
        body_bytes: u32::from_le_bytes(field(entry, 64)?),
    };
    let plain = u32::try_from(meta.size_bytes() + (RECORD_HEADER_BYTES + TAG_BYTES) as u64).ok()?;
    let length = field(entry, ENTRY_BYTES_1).map_or(plain, u32::from_le_bytes);
    (length <= plain).then_some(())?;
    let offset = u64::from_le_bytes(field(entry, 68)?);
    offset.checked_add(u64::from(length)).filter(|record_end| *record_end <= end)?;
    Some(Located {
        stream: StreamId::from_bytes(field(entry, 0)?),
        meta,
        key: u32::from_le_bytes(field(entry, 56)?),
        loc: JournalLoc { segment, offset, length },
    })
}

/// Where an intact footer begins behind bytes that are no group.
fn footer_after(bytes: &[u8], at: usize) -> Option<usize> {
    (at..bytes.len())
        .find(|at| footer_begins(bytes, *at) && parse_footer(&bytes[*at..], 0, *at as u64).is_some())
}

fn footer_begins(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(&FOOTER_MAGIC))
}

/// Every structure here has its checksum at 4, over everything from 8 on.
fn put_checksum(bytes: &mut [u8]) {
    let checksum = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
}

fn checksum_matches(bytes: &[u8]) -> bool {
    field(bytes, 4).is_some_and(|stored| u32::from_le_bytes(stored) == crc32c::crc32c(&bytes[8..]))
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sealed;
    use proptest::prelude::*;

    const STREAM: StreamId = StreamId::from_bytes([9; 16]);

    /// A segment of groups with so many records each, and where each group ends.
    fn segment(groups: &[u64]) -> (Vec<u8>, Vec<usize>) {
        let header =
            SegmentHeader { segment: 7, epoch: 1, previous_end: 0, created: WallTime::from_unix_ms(5) };
        let mut bytes = header.encode().to_vec();
        assert_eq!(SegmentHeader::parse(&bytes), Some(header));
        let (mut ends, mut sequence) = (Vec::new(), 0);
        for (serial, count) in groups.iter().enumerate() {
            let mut records = Vec::new();
            for _ in 0..*count {
                sequence += 1;
                sealed(STREAM, sequence, format!("body {sequence}").as_bytes()).1.write_to(&mut records);
            }
            bytes.extend_from_slice(&group_header(serial as u32 + 1, records.len() as u32));
            bytes.extend_from_slice(&records);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn sequences(found: &Scan) -> Vec<u64> {
        found.records.iter().map(|found| found.header.meta.number.sequence()).collect()
    }

    fn only_damage(found: &Scan) -> (u64, u64) {
        let [range] = &found.damage[..] else { panic!("one range: {:?}", found.damage) };
        (range.start, range.end)
    }

    #[test]
    fn every_cut_of_the_last_segment_keeps_exactly_the_whole_groups() {
        let (bytes, ends) = segment(&[2, 1, 3]);
        for cut in SEGMENT_HEADER_BYTES..=bytes.len() {
            let found = scan(&bytes[..cut], None);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let records = [0, 2, 3, 6][whole];
            assert_eq!((found.records.len(), found.damage.len()), (records, 0), "cut at {cut}");
            assert_eq!(found.end as usize, if whole == 0 { SEGMENT_HEADER_BYTES } else { ends[whole - 1] });
        }
    }

    #[test]
    fn a_torn_end_is_not_damage_but_a_hole_before_a_later_group_is() {
        let (good, ends) = segment(&[2, 2, 2]);
        let mut torn = good.clone();
        torn[ends[1] + 30] ^= 1;
        let found = scan(&torn, None);
        assert_eq!((sequences(&found), found.damage.len()), (vec![1, 2, 3, 4], 0));
        // The same bytes in a segment whose end is known were promised.
        let found = scan(&torn, Some(good.len() as u64));
        assert_eq!(
            (sequences(&found), only_damage(&found)),
            (vec![1, 2, 3, 4, 6], (ends[1] as u64, ends[2] as u64))
        );
        // So was a group that another one follows.
        let mut hole = good;
        hole[ends[0] + 30] ^= 1;
        let found = scan(&hole, None);
        assert_eq!(
            (sequences(&found), only_damage(&found)),
            (vec![1, 2, 4, 5, 6], (ends[0] as u64, ends[1] as u64))
        );
    }

    #[test]
    fn a_shorter_file_than_promised_is_damage() {
        let (bytes, ends) = segment(&[1, 1]);
        let found = scan(&bytes[..ends[0] + 20], Some(bytes.len() as u64));
        assert_eq!((sequences(&found), only_damage(&found)), (vec![1], (ends[0] as u64, bytes.len() as u64)));
    }

    #[test]
    fn a_footer_says_what_a_scan_finds() {
        let (mut bytes, ends) = segment(&[2, 3]);
        let end = ends[1] as u64;
        let located = |found: &Found| Located {
            stream: found.header.stream,
            meta: found.header.meta,
            key: found.header.key,
            loc: JournalLoc { segment: 7, offset: found.offset, length: found.header.record_bytes() as u32 },
        };
        let mut expected: Vec<Located> = scan(&bytes, None).records.iter().map(located).collect();
        let footer = footer(&mut expected);
        assert_eq!(parse_footer(&footer, 7, end), Some(expected));
        for at in 0..footer.len() {
            let mut bad = footer.clone();
            bad[at] ^= 1;
            // Bytes 10 and 11 are reserved, and covered all the same.
            assert_eq!(parse_footer(&bad, 7, end), None, "byte {at}");
        }
        assert_eq!(parse_footer(&footer, 7, end - 1), None, "an entry beyond the end");
        // An intact footer proves that what stands before it had been promised.
        let mut rotten = bytes.clone();
        rotten[ends[0] + 30] ^= 1;
        assert_eq!(scan(&rotten, None).damage, Vec::new(), "a torn write");
        rotten.extend_from_slice(&footer);
        assert_eq!(only_damage(&scan(&rotten, None)), (ends[0] as u64, ends[1] as u64));
        bytes.extend_from_slice(&footer[..40]);
        let found = scan(&bytes, None);
        assert_eq!(
            (found.end, found.records.len(), found.damage.len()),
            (end, 5, 0),
            "a torn footer harms nothing"
        );
    }

    proptest! {
        #[test]
        fn any_flipped_bits_give_an_answer_and_no_altered_record(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..6), end: bool,
        ) {
            let (good, _) = segment(&[2, 1, 3]);
            let intact = scan(&good, None).records;
            let mut bad = good.clone();
            for (at, bit) in flips {
                let at = at.index(good.len());
                bad[at] ^= 1 << bit;
            }
            let found = scan(&bad, end.then_some(good.len() as u64));
            prop_assert!(found.records.iter().all(|found| intact.contains(found)));
            prop_assert!(found.end <= good.len() as u64);
        }

        #[test]
        fn garbage_gives_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400), end: Option<u64>) {
            scan(&bytes, end);
            SegmentHeader::parse(&bytes);
            parse_footer(&bytes, 1, end.unwrap_or(0));
        }
    }
}
