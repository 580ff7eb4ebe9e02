//! Is every fsync where it must be? Power is cut at every single call of a script of appending, rotating, chunking and
//! deleting, unsynced bytes and names are lost, kept or torn, and what was promised must be there afterwards. The same
//! script on a disk that is full or broken for a while: what was promised is there meanwhile, and all goes on when the
//! disk is well again, without a restart.
//!
//! SQLite is outside of this: a row counts as durable when its transaction has committed.

mod pages;

use super::chunk_store::ChunkStore;
use super::directory::{self, Format};
use super::disk::Disk;
use super::journal::{Journal, SegmentLimits};
use super::recovery::{Recovered, recover};
use super::segment_list::SegmentList;
use super::simulated_disk::{Failure, SimulatedDisk, Unsynced};
use crate::index_block;
use crate::record::tests::sealed;
use crate::{ChunkRow, Located, Record, RecordHeader, StoreError, StreamId};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tympan_kms::DataKey;

const STREAM: StreamId = StreamId::from_bytes([9; 16]);

/// What the outside world knows: it survives every power cut.
#[derive(Default, Clone)]
struct World {
    /// Bodies that were ever handed to the journal, by sequence number.
    attempted: BTreeMap<u64, Vec<u8>>,
    /// What went to the journal behind them.
    indexes: BTreeMap<u64, Vec<u8>>,
    /// The disk fails, and a side file may be lost by it.
    indexes_may_lack: bool,
    acknowledged: Vec<u64>,
    rows: Vec<ChunkRow>,
    lives: u64,
    /// Calls that answered with an error in the last life.
    errors: usize,
}

impl World {
    fn chunked_through(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.last.sequence())
    }

    /// One process: recovers, checks that nothing promised is missing, then works until the power goes.
    fn live(&mut self, disk: &SimulatedDisk) -> Result<(), StoreError> {
        self.lives += 1;
        let limits = SegmentLimits { bytes: 2_000, age: Duration::from_secs(3_600) };
        let disk = Arc::new(disk.clone());
        let found = recover(&*disk, Path::new("journal"), Format::Current)?;
        found.tidy(&*disk, Path::new("journal"))?;
        let list = list(&disk, &found, self.lives)?;
        let journal = Journal::new(disk.clone(), Path::new("journal"), self.lives, limits, &found, list);
        assert_eq!(found.damage, Vec::<String>::new(), "a power cut is not damage");
        let chunks = ChunkStore::new(disk, Path::new("chunks"), self.lives);
        let named: HashSet<String> = self.rows.iter().map(|row| row.object.clone()).collect();
        let compared = chunks.compare(&named)?;
        assert_eq!(compared.missing, Vec::<String>::new(), "a published chunk is missing");
        for object in &compared.unnamed {
            chunks.remove(object)?;
        }
        let (mut hot, dead): (Vec<_>, Vec<_>) = found
            .records
            .into_iter()
            .partition(|located| located.meta.number.sequence() > self.chunked_through());
        journal.release(&dead.iter().map(|located| located.loc).collect::<Vec<_>>());
        self.check(&journal, &chunks, &hot);
        self.errors = 0;
        for step in 1..=9 {
            self.work(step, &journal, &chunks, &mut hot);
        }
        // Whatever failed, what was acknowledged can be read now.
        self.check(&journal, &chunks, &hot);
        Ok(())
    }

    fn check(&self, journal: &Journal, chunks: &ChunkStore, hot: &[Located]) {
        let mut found = BTreeMap::new();
        for located in hot {
            let bytes = journal.read(located.loc).unwrap().unwrap();
            assert_eq!(RecordHeader::check(&bytes).unwrap().meta, located.meta);
            let sequence = located.meta.number.sequence();
            found.insert(sequence, bytes);
            let index = journal.read_index(located).unwrap();
            assert_eq!(index.as_ref(), self.indexes.get(&sequence), "the index of fragment {sequence}");
        }
        for row in &self.rows {
            let parts = chunks.parts(row).unwrap().unwrap();
            for part in &parts {
                let bytes = chunks.read(row, part.offset, part.length).unwrap().unwrap();
                assert_eq!(RecordHeader::check(&bytes).unwrap().meta, part.meta);
                found.insert(part.meta.number.sequence(), bytes);
            }
            let side = chunks.indexes(row);
            let blocks: BTreeMap<u64, &[u8]> = index_block::blocks(&side)
                .map(|(header, range)| (header.number.sequence(), &side[range]))
                .collect();
            let sequences = parts.iter().map(|part| part.meta.number.sequence());
            let expected: BTreeMap<u64, &[u8]> =
                sequences.filter_map(|at| Some((at, &self.indexes.get(&at)?[..]))).collect();
            let is_right = |(at, block): (&u64, &&[u8])| expected.get(at) == Some(block);
            let may_lack = self.indexes_may_lack && blocks.iter().all(is_right);
            assert!(blocks == expected || may_lack, "indexes of a chunk");
        }
        for sequence in &self.acknowledged {
            assert!(found.contains_key(sequence), "fragment {sequence} was acknowledged and is lost");
        }
        for (sequence, bytes) in found {
            assert_eq!(
                self.attempted.get(&sequence),
                Some(&bytes),
                "fragment {sequence} is what was written"
            );
        }
    }

    fn work(&mut self, step: u64, journal: &Journal, chunks: &ChunkStore, hot: &mut Vec<Located>) {
        let group: Vec<Record> = (0..1 + step % 3).map(|_| self.next_record()).collect();
        match journal.commit(&group.iter().collect::<Vec<_>>()) {
            Ok(locs) => {
                for (record, loc) in group.iter().zip(locs) {
                    let mut bytes = Vec::new();
                    record.write_to(&mut bytes);
                    let header = RecordHeader::check(&bytes).unwrap();
                    self.acknowledged.push(header.meta.number.sequence());
                    hot.push(Located { stream: STREAM, meta: header.meta, key: header.key, loc });
                }
            }
            Err(_) => self.errors += 1,
        }
        if step.is_multiple_of(4) && !hot.is_empty() {
            match chunks.write(
                STREAM,
                hot,
                |located| Ok(journal.read(located.loc)?.unwrap()),
                |located| journal.read_index(located).unwrap_or_default(),
            ) {
                Ok(row) => {
                    self.rows.push(row);
                    journal.release(&hot.drain(..).map(|located| located.loc).collect::<Vec<_>>());
                }
                Err(_) => self.errors += 1,
            }
            self.errors += usize::from(journal.tend().is_err());
        }
    }

    fn next_record(&mut self) -> Record {
        let sequence = self.attempted.last_key_value().map_or(1, |(last, _)| last + 1);
        let (_, record) =
            sealed(STREAM, sequence, &vec![sequence as u8; 100 + (sequence as usize * 97) % 700]);
        let key = DataKey::from_bytes([1; 32]);
        let record =
            if sequence.is_multiple_of(3) { record } else { record.with_index([3; 12], (1, &key), &[7; 90]) };
        let mut bytes = Vec::new();
        record.write_to(&mut bytes);
        let index = bytes.split_off(RecordHeader::check(&bytes).unwrap().record_bytes());
        self.attempted.insert(sequence, bytes);
        if !index.is_empty() {
            self.indexes.insert(sequence, index);
        }
        record
    }
}

/// As at an opening: a list that is there already may stay as it was found.
fn list(disk: &SimulatedDisk, found: &Recovered, epoch: u64) -> Result<SegmentList, StoreError> {
    let mut list = SegmentList::new(Arc::new(disk.clone()), Path::new("journal"), found.list);
    let written = found.write_list(&mut list, epoch);
    if list.is_usable() { Ok(list) } else { written.map(|()| list) }
}

/// A directory that was opened once.
fn opened_disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new(&["journal", "chunks"]);
    let found = recover(&disk, Path::new("journal"), Format::Current).unwrap();
    list(&disk, &found, 0).unwrap();
    disk
}

fn fates() -> impl Iterator<Item = Unsynced> {
    [Unsynced::Lost, Unsynced::Kept].into_iter().chain((1..7).map(Unsynced::Torn))
}

/// How many changing calls one life makes on an empty disk.
fn calls_of_a_life() -> usize {
    let disk = SimulatedDisk::new(&["journal", "chunks"]);
    World::default().live(&disk).unwrap();
    disk.calls()
}

#[test]
fn power_may_go_at_any_call_and_again_at_any_other() {
    let calls = calls_of_a_life();
    assert!(calls > 50, "the script does something: {calls}");
    for first_cut in 0..=calls {
        let mut world = World::default();
        let disk = SimulatedDisk::new(&["journal", "chunks"]);
        disk.cut_at(first_cut);
        let _ = world.live(&disk);
        for (at, fate) in fates().enumerate() {
            let mut world = world.clone();
            let disk = disk.restart(fate);
            // A second life, in which recovery itself may be cut, and a third that only looks.
            disk.cut_at((first_cut * 7 + at * 13) % (calls + 10));
            let _ = world.live(&disk);
            world
                .live(&disk.restart(fate))
                .unwrap_or_else(|error| panic!("cut {first_cut}, {fate:?}: {error}"));
        }
    }
}

#[test]
fn a_disk_that_is_full_or_broken_for_a_while_loses_nothing_and_is_used_again() {
    let mut errors = 0;
    for failure in [Failure::Full, Failure::Broken, Failure::BrokenSync] {
        for begin in 0..=calls_of_a_life() {
            for length in [1, 2, 5, 40] {
                let case = format!("{failure:?} from call {begin} on for {length}");
                let mut world = World { indexes_may_lack: true, ..World::default() };
                let disk = opened_disk();
                disk.fail(begin..begin + length, failure);
                world.live(&disk).unwrap_or_else(|error| panic!("{case}: {error}"));
                errors += world.errors;
                // The next life begins on a disk that is well: it takes everything, and what the last one left is no
                // obstacle.
                disk.repair();
                let promised = world.acknowledged.len();
                world.live(&disk).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!((world.errors, world.acknowledged.len()), (0, promised + 18), "{case}");
                for fate in fates() {
                    let lived = world.clone().live(&disk.restart(fate));
                    lived.unwrap_or_else(|error| panic!("{case}, {fate:?}: {error}"));
                }
            }
        }
    }
    assert!(errors > 1_000, "the disk did fail: {errors}");
}

#[test]
fn a_disk_that_is_well_again_takes_fragments_without_a_restart() {
    for failure in [Failure::Full, Failure::Broken, Failure::BrokenSync] {
        for begin in 0..=calls_of_a_life() {
            let case = format!("{failure:?} from call {begin} on");
            let mut world = World { lives: 1, indexes_may_lack: true, ..World::default() };
            let disk = SimulatedDisk::new(&["journal", "chunks"]);
            let found = recover(&disk, Path::new("journal"), Format::Current).unwrap();
            let limits = SegmentLimits { bytes: 2_000, age: Duration::from_secs(3_600) };
            let shared = Arc::new(disk.clone());
            let list = list(&disk, &found, 1).unwrap();
            let journal = Journal::new(shared.clone(), Path::new("journal"), 1, limits, &found, list);
            let chunks = ChunkStore::new(shared, Path::new("chunks"), 1);
            let mut hot = Vec::new();
            disk.fail(begin..usize::MAX, failure);
            (1..=9).for_each(|step| world.work(step, &journal, &chunks, &mut hot));
            world.check(&journal, &chunks, &hot);
            disk.repair();
            (world.errors, world.acknowledged) = (0, Vec::new());
            (1..=9).for_each(|step| world.work(step, &journal, &chunks, &mut hot));
            assert_eq!((world.errors, world.acknowledged.len()), (0, 18), "{case}");
            world.check(&journal, &chunks, &hot);
        }
    }
}

#[test]
fn the_format_is_written_whole_or_not_at_all() {
    for old in [
        None,
        Some("tympan-store 1\n"),
        Some("tympan-store 2\n"),
        Some("tympan-store 3\n"),
        Some("tympan-store 4\n"),
    ] {
        for cut in 0..12 {
            for fate in fates() {
                let disk = SimulatedDisk::new(&["data"]);
                if let Some(old) = old {
                    let file = disk.create(Path::new("data/FORMAT")).unwrap();
                    file.write_all_at(old.as_bytes(), 0).unwrap();
                    file.sync_data().unwrap();
                    disk.sync_dir(Path::new("data")).unwrap();
                }
                disk.cut_at(cut);
                let done = directory::write_format(&disk, Path::new("data")).is_ok();
                let disk = disk.restart(fate);
                let written = disk.open(Path::new("data/FORMAT")).ok().map(|file| {
                    let mut bytes = vec![0; file.len().unwrap() as usize];
                    file.read_exact_at(&mut bytes, 0).unwrap();
                    String::from_utf8(bytes).unwrap()
                });
                let new = Some("tympan-store 5\n".to_owned());
                assert!(
                    written == new || (!done && written.as_deref() == old),
                    "cut {cut}, {fate:?}: {written:?}"
                );
                directory::read_format(&disk, Path::new("data")).unwrap();
                directory::write_format(&disk, Path::new("data")).unwrap();
            }
        }
    }
}
