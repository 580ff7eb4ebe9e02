//! Is every fsync where it must be? Power is cut at every single call of a script of appending, rotating, chunking and
//! deleting, unsynced bytes and names are lost, kept or torn, and what was promised must be there afterwards.
//!
//! SQLite is outside of this: a row counts as durable when its transaction has committed.

use super::chunk_store::ChunkStore;
use super::journal::{Journal, SegmentLimits};
use super::recovery::recover;
use super::simulated_disk::{SimulatedDisk, Unsynced};
use crate::record::tests::sealed;
use crate::{ChunkRow, Located, Record, RecordHeader, StoreError, StreamId};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const STREAM: StreamId = StreamId::from_bytes([9; 16]);

/// What the outside world knows: it survives every power cut.
#[derive(Default, Clone)]
struct World {
    /// Bodies that were ever handed to the journal, by sequence number.
    attempted: BTreeMap<u64, Vec<u8>>,
    acknowledged: Vec<u64>,
    rows: Vec<ChunkRow>,
    lives: u64,
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
        let found = recover(&*disk, Path::new("journal"))?;
        let journal = Journal::new(disk.clone(), Path::new("journal"), self.lives, limits, &found);
        assert_eq!(found.damage, Vec::<String>::new(), "a power cut is not damage");
        let chunks = ChunkStore::new(disk, Path::new("chunks"), self.lives);
        let named: HashSet<String> = self.rows.iter().map(|row| row.object.clone()).collect();
        let missing = chunks.reconcile(named)?;
        assert_eq!(missing, Vec::<String>::new(), "a published chunk is missing");
        let (mut hot, dead): (Vec<_>, Vec<_>) = found
            .records
            .into_iter()
            .partition(|located| located.meta.number.sequence() > self.chunked_through());
        journal.release(&dead.iter().map(|located| located.loc).collect::<Vec<_>>());
        self.check(&journal, &chunks, &hot);
        self.work(&journal, &chunks, &mut hot)
    }

    fn check(&self, journal: &Journal, chunks: &ChunkStore, hot: &[Located]) {
        let mut found = BTreeMap::new();
        for located in hot {
            let bytes = journal.read(located.loc).unwrap().unwrap();
            assert_eq!(RecordHeader::check(&bytes).unwrap().meta, located.meta);
            found.insert(located.meta.number.sequence(), bytes);
        }
        for row in &self.rows {
            for part in chunks.parts(row).unwrap().unwrap() {
                let bytes = chunks.read(row, part.offset, part.length).unwrap().unwrap();
                assert_eq!(RecordHeader::check(&bytes).unwrap().meta, part.meta);
                found.insert(part.meta.number.sequence(), bytes);
            }
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

    fn work(
        &mut self,
        journal: &Journal,
        chunks: &ChunkStore,
        hot: &mut Vec<Located>,
    ) -> Result<(), StoreError> {
        for step in 1..=9u64 {
            let group: Vec<Record> = (0..1 + step % 3).map(|_| self.next_record()).collect();
            let locs = journal.commit(&group.iter().collect::<Vec<_>>())?;
            for (record, loc) in group.iter().zip(locs) {
                let mut bytes = Vec::new();
                record.write_to(&mut bytes);
                let header = RecordHeader::check(&bytes).unwrap();
                self.acknowledged.push(header.meta.number.sequence());
                hot.push(Located { stream: STREAM, meta: header.meta, key: header.key, loc });
            }
            if step % 4 == 0 {
                let row = chunks.write(STREAM, hot, |located| Ok(journal.read(located.loc)?.unwrap()))?;
                self.rows.push(row);
                journal.release(&hot.drain(..).map(|located| located.loc).collect::<Vec<_>>());
                journal.tend()?;
            }
        }
        Ok(())
    }

    fn next_record(&mut self) -> Record {
        let sequence = self.attempted.last_key_value().map_or(1, |(last, _)| last + 1);
        let (_, record) =
            sealed(STREAM, sequence, &vec![sequence as u8; 100 + (sequence as usize * 97) % 700]);
        let mut bytes = Vec::new();
        record.write_to(&mut bytes);
        self.attempted.insert(sequence, bytes);
        record
    }
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
fn a_sync_that_fails_once_loses_nothing_that_was_acknowledged_afterwards() {
    for failing in 1..=calls_of_a_life() {
        let mut world = World::default();
        let disk = SimulatedDisk::new(&["journal", "chunks"]);
        disk.fail_sync_at(failing);
        let _ = world.live(&disk);
        for fate in fates() {
            world.clone().live(&disk.restart(fate)).unwrap_or_else(|error| panic!("sync {failing}: {error}"));
        }
    }
}
