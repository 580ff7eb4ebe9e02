//! One chunk file, against its row and its own index.

use super::{Check, FindingKind};
use crate::embedded::chunk_file::{self, CHUNK_HEADER_BYTES};
use crate::embedded::disk::{DiskFile, read_range};
use crate::embedded::index_file::{self, index_object};
use crate::index_block;
use crate::soundness::check_record;
use crate::{ChunkPart, ChunkRow, RecordHeader, StreamId};
use std::fs::File;
use std::io;

impl Check<'_> {
    pub(super) fn chunk(&mut self, row: &ChunkRow, there: bool) {
        let place = format!("chunks/{}", row.object);
        if let Some(checked) = self.streams.get_mut(&row.stream) {
            checked.found.chunks += 1;
            checked.found.chunks_missing += u64::from(!there);
        }
        if !there {
            let message = format!(
                "the file is missing, and with it {} fragments from {} to {}: restore it from a backup",
                row.fragments, row.first, row.last
            );
            return self.find(FindingKind::Missing, Some(row.stream), None, &place, message);
        }
        self.report.chunks += 1;
        let file = match File::open(self.at_rest.chunks().join(&row.object)) {
            Ok(file) => file,
            Err(error) => return self.unreadable(row, &place, &error),
        };
        match DiskFile::len(&file) {
            Ok(length) if length == row.bytes => {}
            Ok(length) => {
                let message = format!("it has {length} bytes and was written with {}", row.bytes);
                self.find(FindingKind::Damage, Some(row.stream), None, &place, message);
            }
            Err(error) => return self.unreadable(row, &place, &error),
        }
        let header = read_range(&file, 0, CHUNK_HEADER_BYTES as u64);
        if !header.is_ok_and(|header| header_is_sound(&header, row.stream)) {
            let message = "its header is damaged; fragments do not depend on it".to_owned();
            self.find(FindingKind::Damage, Some(row.stream), None, &place, message);
        }
        let index_bytes = row.bytes.saturating_sub(u64::from(row.index_offset));
        let index = read_range(&file, u64::from(row.index_offset), index_bytes)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                chunk_file::parse_index(&bytes, row.stream, row.index_offset)
                    .map_err(|error| error.to_string())
            });
        match index {
            Ok(parts) => {
                let summary =
                    ChunkRow::summary(row.stream, row.object.clone(), row.bytes, row.index_offset, &parts);
                if summary.as_ref() != Some(row) {
                    let message =
                        "the catalogue's row and the chunk's index contradict each other".to_owned();
                    self.find(FindingKind::Damage, Some(row.stream), None, &place, message);
                }
                for part in &parts {
                    self.part(&file, row.stream, part, &place);
                }
            }
            Err(reason) => {
                let message = format!(
                    "{reason}: its {} fragments from {} to {} cannot be found by readers",
                    row.fragments, row.first, row.last
                );
                self.find(FindingKind::Damage, Some(row.stream), None, &place, message);
                self.records(&file, row, &place);
            }
        }
        self.read(row.bytes);
    }

    fn part(&mut self, file: &File, stream: StreamId, part: &ChunkPart, place: &str) {
        let place = format!("{place}, byte {}", part.offset);
        let checked = self.streams.get(&stream);
        let key = checked.and_then(|checked| checked.keys.get(&part.key));
        let outcome = match read_range(file, u64::from(part.offset), u64::from(part.length)) {
            Ok(bytes) => check_record(&bytes, stream, &part.meta, part.key, key),
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        let opened = key.is_some();
        self.judge(stream, part.meta.number, &place, outcome, opened);
    }

    /// What the records of a chunk without an index say of themselves.
    fn records(&mut self, file: &File, row: &ChunkRow, place: &str) {
        let Ok(bytes) = DiskFile::len(file).and_then(|length| read_range(file, 0, length)) else { return };
        let mut at = CHUNK_HEADER_BYTES;
        while let Ok(header) = RecordHeader::parse(bytes.get(at..).unwrap_or_default()) {
            let outcome = match RecordHeader::check(&bytes[at..]) {
                Ok(_) => "it is intact, but the chunk's index is damaged".to_owned(),
                Err(error) => error.to_string(),
            };
            let place = format!("{place}, byte {at}");
            self.judge(row.stream, header.meta.number, &place, Err(outcome), false);
            at = at.saturating_add(header.record_bytes());
        }
    }

    /// The side file of a chunk. Whatever is wrong with it, nothing is lost but itself.
    pub(super) fn index(&mut self, row: &ChunkRow) {
        let object = index_object(&row.object);
        let place = format!("chunks/{object}");
        let file = match File::open(self.at_rest.chunks().join(&object)) {
            Ok(file) => file,
            Err(error) => return self.index_fault(row, &place, format!("it cannot be opened: {error}")),
        };
        let bytes = DiskFile::len(&file).unwrap_or(0);
        match index_file::read(&file, row.stream) {
            Ok(blocks) => {
                let (mut intact_bytes, mut damaged) = (0, 0u64);
                let keys = self.streams.get(&row.stream).map(|checked| &checked.keys);
                for (header, range) in index_block::blocks(&blocks) {
                    intact_bytes += range.len();
                    let key = keys.and_then(|keys| keys.get(&header.key));
                    let opens =
                        |key| blocks.get(range).is_some_and(|block| index_block::open(block, key).is_some());
                    damaged += u64::from(header.stream != row.stream || !key.is_none_or(opens));
                    self.report.indexes += 1;
                }
                let torn_bytes = blocks.len().saturating_sub(intact_bytes);
                if damaged > 0 || torn_bytes > 0 {
                    let message = format!("{torn_bytes} bytes of it and {damaged} more indexes are damaged");
                    self.index_fault(row, &place, message);
                }
            }
            Err(message) => self.index_fault(row, &place, message),
        }
        self.read(bytes);
    }

    fn index_fault(&mut self, row: &ChunkRow, place: &str, message: String) {
        let message = format!("{message}; waveforms are made of the audio instead");
        self.find(FindingKind::Note, Some(row.stream), None, place, message);
    }

    fn unreadable(&mut self, row: &ChunkRow, place: &str, error: &io::Error) {
        let message = format!(
            "it cannot be read ({error}), and with it {} fragments from {} to {}",
            row.fragments, row.first, row.last
        );
        self.find(FindingKind::Damage, Some(row.stream), None, place, message);
    }
}

/// Every format of it has its checksum at 4, over everything behind, and the stream's id at 16.
fn header_is_sound(header: &[u8], stream: StreamId) -> bool {
    header.starts_with(b"TYCH")
        && header.get(4..8) == Some(&crc32c::crc32c(&header[8..]).to_le_bytes())
        && header.get(16..32) == Some(&stream.to_bytes())
}
