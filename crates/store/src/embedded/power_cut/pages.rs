//! Power is cut at every disk call of creating a stream, of a new data key, of a change of retention and of a deletion:
//! before the call has any effect, and after it has had its effect but before it returns.
//!
//! The catalogue is a real one. A transaction counts as durable when it has committed, and none commits after the power
//! is gone, because the page is written before.

use crate::embedded::catalogue::{Catalogue, IfNew};
use crate::embedded::chunk_store::ChunkStore;
use crate::embedded::directory::Format;
use crate::embedded::disk::{Disk, read_range};
use crate::embedded::evidence::Evidence;
use crate::embedded::journal::{Journal, SegmentLimits};
use crate::embedded::page::Page;
use crate::embedded::pages::{Pages, read_pages};
use crate::embedded::recovery::recover;
use crate::embedded::segment_list::SegmentList;
use crate::embedded::simulated_disk::{SimulatedDisk, Unsynced};
use crate::record::Record;
use crate::{KeyRow, Stream, StreamId, StreamKey};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tympan_kms::{DataKey, WrappedKey};
use tympan_types::WallTime;

const NOW: WallTime = WallTime::from_unix_ms(1_700_000_000_000);

/// What was answered, and what was ever tried.
#[derive(Clone, Default)]
struct World {
    streams: BTreeMap<&'static str, Stream>,
    /// Wrapped keys that were tried, by stream.
    keys: BTreeMap<StreamId, Vec<Vec<u8>>>,
    answered_keys: Vec<(StreamId, u32)>,
    retention: BTreeMap<StreamId, u32>,
    deleted: Vec<StreamId>,
    answers: usize,
}

/// A start on a disk and a catalogue.
struct Life {
    catalogue: Catalogue,
    pages: Pages,
    journal: Journal,
}

fn catalogue_folder() -> TempDir {
    // Thousands of transactions: in memory, where there is such a file system.
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn start(disk: &SimulatedDisk, folder: &Path) -> Result<Life, crate::StoreError> {
    let shared = Arc::new(disk.clone());
    let found = recover(disk, Path::new("journal"), Format::Current)?;
    let on_disk = read_pages(disk, Path::new("streams"))?;
    let chunks = ChunkStore::new(shared.clone(), Path::new("chunks"), 0);
    let evidence =
        Evidence { dir: Path::new("data"), journal: &found, pages: &on_disk, chunks: &chunks, now: NOW };
    let mut judge = |known: &mut _| {
        let judged = evidence.judge(known).map(drop);
        assert_eq!(judged, Ok(()), "a power cut makes no catalogue old");
        judged
    };
    let catalogue = Catalogue::open(&folder.join("catalog.db"), IfNew::Create, &mut judge)?;
    found.tidy(disk, Path::new("journal"))?;
    let pages = Pages::new(shared.clone(), Path::new("streams"));
    pages.settle(&on_disk, &catalogue.all_pages()?)?;
    let limits = SegmentLimits { bytes: 1 << 20, age: Duration::from_secs(3_600) };
    let mut list = SegmentList::new(shared.clone(), Path::new("journal"), found.list);
    found.write_list(&mut list, catalogue.epoch())?;
    let journal = Journal::new(shared, Path::new("journal"), catalogue.epoch(), limits, &found, list);
    Ok(Life { catalogue, pages, journal })
}

impl World {
    /// Everything in turn, until the power goes.
    fn work(&mut self, life: &Life) -> Result<(), crate::StoreError> {
        self.create(life, "first")?;
        self.rotate(life, "first", 1)?;
        self.rotate(life, "first", 2)?;
        self.retain(life, "first", 48)?;
        self.create(life, "second")?;
        self.rotate(life, "second", 1)?;
        self.delete(life, "first")?;
        self.create(life, "first")?;
        self.retain(life, "second", 1)
    }

    fn create(&mut self, life: &Life, name: &'static str) -> Result<(), crate::StoreError> {
        let stream = crate::conformance::stream(name);
        life.catalogue.create_stream(&life.pages, &stream, None)?;
        self.retention.insert(stream.id, stream.retention_hours);
        self.streams.insert(name, stream);
        self.answers += 1;
        Ok(())
    }

    /// A new data key, and a record that is sealed under it.
    fn rotate(&mut self, life: &Life, name: &str, number: u32) -> Result<(), crate::StoreError> {
        let id = self.streams[name].id;
        let wrapped = [&id.to_bytes()[..], &number.to_le_bytes(), b"wrapped key"].concat().repeat(2);
        self.keys.entry(id).or_default().push(wrapped.clone());
        let key = KeyRow { number, wrapped: WrappedKey::from_bytes(wrapped), created: NOW };
        assert!(life.catalogue.add_key(&life.pages, id, &key)?);
        self.answered_keys.push((id, number));
        self.answers += 1;
        let first = life.catalogue.reserve(id, true)?.first;
        let meta = crate::record::tests::meta(first, b"head", b"body");
        let opened = DataKey::from_bytes([1; 32]);
        let record = Record::seal(id, meta, (number, &opened), None, [&b"head"[..], b"body"].into_iter());
        life.journal.commit(&[&record]).map(drop)
    }

    fn retain(&mut self, life: &Life, name: &str, hours: u32) -> Result<(), crate::StoreError> {
        let id = self.streams[name].id;
        life.catalogue.set_retention(&life.pages, id, None, hours, NOW)?;
        self.retention.insert(id, hours);
        self.answers += 1;
        Ok(())
    }

    fn delete(&mut self, life: &Life, name: &str) -> Result<(), crate::StoreError> {
        let id = self.streams[name].id;
        life.catalogue.delete_stream(&StreamKey::Id(id), None)?;
        life.pages.erase(id)?;
        self.deleted.push(id);
        self.answers += 1;
        Ok(())
    }

    /// What holds the moment the power is back, before anything has looked at the disk.
    fn check_before_the_start(&self, disk: &SimulatedDisk, folder: &Path, case: &str) {
        let on_disk = files(disk);
        for id in &self.deleted {
            for key in &self.keys[id] {
                let held = |bytes: &[u8]| bytes.windows(key.len()).any(|window| window == key);
                for (name, bytes) in &on_disk {
                    assert!(!held(bytes), "{case}: {name} holds a key of a deleted stream");
                }
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    assert!(!held(&std::fs::read(&path).unwrap()), "{case}: {}", path.display());
                }
            }
        }
        for (id, number) in self.answered_keys.iter().filter(|(id, _)| !self.deleted.contains(id)) {
            let Some(bytes) = on_disk.get(&format!("{id}.stream")) else {
                // Its deletion had committed, and was about to be answered.
                assert!(self.is_being_deleted(*id, folder), "{case}: the page of {id} is gone");
                continue;
            };
            match Page::parse(bytes) {
                Ok(page) => {
                    assert!(page.keys.iter().any(|key| key.number == *number), "{case}: key {number}")
                }
                Err(_) => assert!(self.is_being_deleted(*id, folder), "{case}: the page of {id} is torn"),
            }
        }
    }

    fn is_being_deleted(&self, id: StreamId, folder: &Path) -> bool {
        let copy = copy(folder);
        let catalogue = Catalogue::open(&copy.path().join("catalog.db"), IfNew::Refuse, &mut |_| Ok(()));
        catalogue.unwrap().deleted_ids().unwrap().contains(&id)
    }

    fn check_after_the_start(&self, life: &Life, disk: &SimulatedDisk, case: &str) {
        let pages = life.catalogue.all_pages().unwrap();
        let on_disk = files(disk);
        assert_eq!(on_disk.len(), pages.len(), "{case}: no page without its stream: {:?}", on_disk.keys());
        for (id, expected) in &pages {
            let page = Page::parse(&on_disk[&format!("{id}.stream")]).unwrap();
            assert!(page.says_the_same(expected), "{case}: page and row of {id}");
        }
        for (id, number) in &self.answered_keys {
            let keys = life.catalogue.keys(*id).unwrap();
            let gone = life.catalogue.deleted_ids().unwrap().contains(id);
            assert!(gone != keys.iter().any(|key| key.number == *number), "{case}: key {number} of {id}");
        }
        for (id, hours) in &self.retention {
            // A change that was not answered may have been made.
            let known = pages.get(id).map(|page| page.stream.retention_hours);
            assert!(known.is_none_or(|known| known == *hours || [1, 48].contains(&known)), "{case}");
            assert!(known.is_some() || life.catalogue.deleted_ids().unwrap().contains(id), "{case}: {id}");
        }
    }
}

/// What is in `streams/`.
fn files(disk: &SimulatedDisk) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        let file = disk.open(&Path::new("streams").join(&name)).unwrap();
        let bytes = read_range(&*file, 0, file.len().unwrap()).unwrap();
        (name, bytes)
    };
    disk.list(Path::new("streams")).unwrap().into_iter().map(read).collect()
}

fn copy(folder: &Path) -> TempDir {
    let to = catalogue_folder();
    for entry in std::fs::read_dir(folder).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, to.path().join(from.file_name().unwrap())).unwrap();
    }
    to
}

fn disk() -> SimulatedDisk {
    SimulatedDisk::new(&["streams", "journal", "chunks"])
}

#[test]
fn a_key_never_is_without_its_stream_and_an_answered_deletion_leaves_none() {
    let whole = disk();
    let mut world = World::default();
    let folder = catalogue_folder();
    world.work(&start(&whole, folder.path()).unwrap()).unwrap();
    let calls = whole.calls();
    assert!(calls > 45 && world.answers == 9, "the script does something: {calls} calls");
    for cut in 0..=calls {
        for heard_of in [true, false] {
            let (disk, folder) = (disk(), catalogue_folder());
            let mut world = World::default();
            if heard_of {
                disk.cut_at(cut)
            } else {
                disk.cut_after(cut)
            }
            if let Ok(life) = start(&disk, folder.path()) {
                let _ = world.work(&life);
                // As a kill would: nothing is tidied up.
                std::mem::forget(life);
            }
            for fate in [Unsynced::Lost, Unsynced::Torn(cut as u64 + 1)] {
                let case = format!("cut {cut}, heard of: {heard_of}, {fate:?}");
                let (disk, folder) = (disk.restart(fate), copy(folder.path()));
                world.check_before_the_start(&disk, folder.path(), &case);
                // The start itself is cut off, too, and comes again.
                disk.cut_at(cut % 11);
                drop(start(&disk, folder.path()));
                let disk = disk.restart(fate);
                let life = start(&disk, folder.path()).unwrap();
                world.check_after_the_start(&life, &disk, &case);
            }
        }
    }
}
