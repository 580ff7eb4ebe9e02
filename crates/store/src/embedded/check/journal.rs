//! The journal's segments, read as recovery reads them, but all of every one, and nothing removed.

use super::{Check, FindingKind, names};
use crate::embedded::disk::FileDisk;
use crate::embedded::journal::segment_path;
use crate::embedded::newest_segment;
use crate::embedded::segment::{self, GROUP_HEADER_BYTES, Scan, SegmentHeader};
use crate::embedded::segment_list::{EMPTIED, FoundList};
use crate::gone::is_erased;
use crate::index_block::IndexHeader;
use crate::soundness::check_record;
use crate::{FragmentMeta, Located, RecordHeader, StreamId};
use std::collections::{BTreeMap, HashSet};
use tympan_types::FragmentNumber;

/// What is known of a segment before it is read.
struct Expected {
    has_header: bool,
    /// `SEGMENTS` names it.
    listed: bool,
    end: Option<u64>,
}

impl Check<'_> {
    pub(super) fn journal(&mut self) {
        let folder = self.at_rest.journal();
        let mut numbers: Vec<u64> = Vec::new();
        for name in names(&folder) {
            match name.split_once('.') {
                Some((number, "seg")) => numbers.extend(number.parse::<u64>().ok()),
                Some((_, "damaged")) if !self.only_some => {
                    let message = "a damaged segment that was kept aside as evidence: what was intact in it is in chunks";
                    self.find(FindingKind::Note, None, None, &format!("journal/{name}"), message.to_owned());
                }
                _ => {}
            }
        }
        numbers.sort_unstable();
        self.report.journal.segments = numbers.len() as u64;
        let list = FoundList::read(&FileDisk::default(), &folder, self.at_rest.kind());
        let list = list.unwrap_or(FoundList::Damaged);
        let mut headers: BTreeMap<u64, SegmentHeader> = BTreeMap::new();
        for number in &numbers {
            let head = std::fs::File::open(segment_path(&folder, *number)).and_then(|file| {
                crate::embedded::disk::read_range(&file, 0, segment::SEGMENT_HEADER_BYTES as u64)
            });
            let header = head.ok().and_then(|bytes| SegmentHeader::parse(&bytes));
            if let Some(header) = header.filter(|header| header.segment == *number) {
                headers.insert(*number, header);
            }
        }
        let mut newest_in_use = None;
        for number in &numbers {
            let path = segment_path(&folder, *number);
            let place = format!("journal/{number:010}.seg");
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let message = format!("it cannot be read: {error}");
                    self.find(FindingKind::Damage, None, None, &place, message);
                    continue;
                }
            };
            let end = headers.get(&(number + 1)).map(|next| next.previous_end);
            let known = Expected {
                has_header: headers.contains_key(number),
                listed: list.listed().is_some_and(|listed| *number <= listed.newest),
                end,
            };
            if self.segment(*number, &bytes, &known, &place) {
                newest_in_use = Some(*number);
            }
            self.read(bytes.len() as u64);
        }
        self.compare_list(list, &numbers, newest_in_use);
    }

    fn compare_list(&mut self, list: FoundList, numbers: &[u64], newest_in_use: Option<u64>) {
        if self.only_some {
            return;
        }
        let mut notes = list.compare(numbers, newest_in_use);
        if list == FoundList::Missing && numbers.is_empty() && !self.streams.is_empty() {
            notes.push(EMPTIED.to_owned());
        }
        let newest = numbers.last().copied().unwrap_or(0);
        let newest = newest.max(list.listed().map_or(0, |listed| listed.newest));
        notes.extend(newest_segment::compare(&FileDisk::default(), self.at_rest.path(), newest));
        for note in notes {
            self.find(FindingKind::Missing, None, None, "journal", note);
        }
    }

    /// Says what is in a segment, and whether there are records.
    fn segment(&mut self, number: u64, bytes: &[u8], known: &Expected, place: &str) -> bool {
        let Expected { has_header, listed, end } = *known;
        let scan = segment::scan(bytes, end);
        if !has_header {
            if end.is_none() && scan.records.is_empty() && !listed {
                let message = "it was being made when its process died, and holds nothing";
                self.find(FindingKind::Note, None, None, place, message.to_owned());
                return false;
            }
            self.find(FindingKind::Damage, None, None, place, "its header is damaged".to_owned());
        }
        let footer = usize::try_from(scan.end)
            .ok()
            .and_then(|end| segment::parse_footer(bytes.get(end..)?, number, scan.end))
            .unwrap_or_default();
        for found in &scan.records {
            let header = found.header;
            let at = usize::try_from(found.offset).unwrap_or(usize::MAX);
            let key = self.streams.get(&header.stream).and_then(|checked| checked.keys.get(&header.key));
            let outcome = check_record(
                bytes.get(at..).unwrap_or_default(),
                header.stream,
                &header.meta,
                header.key,
                key,
            );
            let opened = key.is_some();
            if self.is_alive(header.stream, header.meta.number) {
                self.report.journal.records += 1;
                if let Some(checked) = self.streams.get_mut(&header.stream) {
                    checked.found.fragments_in_journal += 1;
                }
                let place = format!("{place}, byte {at}");
                self.judge(header.stream, header.meta.number, &place, outcome, opened);
            } else {
                self.report.journal.dead_records += 1;
            }
        }
        self.damaged_ranges(bytes, &scan, &footer, place);
        let behind = bytes.len() as u64;
        if end.is_none() && footer.is_empty() && behind > scan.end && !self.only_some {
            let fragments = by_headers(bytes, scan.end, behind).len();
            let message = format!(
                "bytes {} to {behind} are no whole group ({fragments} fragments at least): a write that a crash cut off \
                 and nobody was promised, or damage to the newest group; the two cannot be told apart",
                scan.end
            );
            self.find(FindingKind::Note, None, None, place, message);
        }
        !scan.records.is_empty()
    }

    /// Says which fragments were where damage is: by the segment's own index, else by what is left of their headers.
    fn damaged_ranges(&mut self, bytes: &[u8], scan: &Scan, footer: &[Located], place: &str) {
        let intact: HashSet<u64> = scan.records.iter().map(|found| found.offset).collect();
        for range in &scan.damage {
            let by_index = footer
                .iter()
                .filter(|located| range.contains(&located.loc.offset))
                .map(|located| (located.stream, located.meta, located.loc.offset));
            let mut lost: Vec<(StreamId, FragmentMeta, u64)> = by_index.collect();
            if lost.is_empty() {
                lost = by_headers(bytes, range.start, range.end);
            }
            lost.retain(|(_, _, offset)| !intact.contains(offset));
            let named = !lost.is_empty();
            let mut alive = 0;
            for (stream, meta, offset) in lost {
                if self.is_alive(stream, meta.number) {
                    alive += 1;
                    let place = format!("{place}, byte {offset}");
                    let reason = "its record in the journal is damaged".to_owned();
                    self.judge(stream, meta.number, &place, Err(reason), false);
                }
            }
            let message = format!("bytes {} to {} are damaged", range.start, range.end);
            let kind = if named && alive == 0 { FindingKind::Note } else { FindingKind::Damage };
            if !self.only_some {
                let tail = if kind == FindingKind::Note { "; they are in chunks already" } else { "" };
                self.find(kind, None, None, place, format!("{message}{tail}"));
            }
        }
    }

    /// Whether a record of the journal is still needed.
    fn is_alive(&self, stream: StreamId, number: FragmentNumber) -> bool {
        self.streams.get(&stream).is_some_and(|checked| {
            number > checked.row.chunked_through && !is_erased(&checked.row.erased, number)
        })
    }
}

/// Records whose headers still read as such, from the beginning of a damaged group on.
fn by_headers(bytes: &[u8], begin: u64, end: u64) -> Vec<(StreamId, FragmentMeta, u64)> {
    let mut found = Vec::new();
    let (begin, end) =
        (usize::try_from(begin).unwrap_or(usize::MAX), usize::try_from(end).unwrap_or(usize::MAX));
    let mut at = begin.saturating_add(GROUP_HEADER_BYTES);
    while at < end {
        let Ok(header) = RecordHeader::parse(bytes.get(at..).unwrap_or_default()) else { break };
        found.push((header.stream, header.meta, at as u64));
        at = at.saturating_add(header.record_bytes());
        let behind = IndexHeader::parse(bytes.get(at..).unwrap_or_default());
        at = at.saturating_add(behind.map_or(0, |header| header.block_bytes()));
    }
    found
}
