//! Power is cut, and the disk fails, at every call of an erasure: what was not erased is always there, and what was erased never comes
//! back once the answer was given.

use super::tests::{started, write};
use super::*;
use crate::embedded::RecoveryReport;
use crate::embedded::disk::{Disk, read_range};
use crate::{FragmentRange, Persisting, RecordHeader, Writer};
use std::path::PathBuf;
use tympan_types::FragmentNumber;

const BODIES: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// A machine with two chunks of four fragments and four fragments in the journal. Erased are to be the end of the first chunk with
/// the beginning of the second, and one of the journal's.
struct Scene {
    machine: SimulatedMachine,
    stream: StreamId,
    numbers: Vec<FragmentNumber>,
    answered: bool,
}

impl Scene {
    /// The store is up; nothing is erased yet.
    fn new() -> (Self, MediaStore, Writer) {
        let mut machine = SimulatedMachine::new(5).unwrap().with_segment_bytes(1_000);
        machine.options.reserve_bytes = 16 << 10;
        let (store, mut writer) = started(&machine);
        for (at, body) in BODIES.into_iter().enumerate() {
            let promise: Persisting = write(&mut writer, body);
            store.commit_one();
            assert_eq!(now_or_never(promise), Some(Ok(())));
            if at == 3 || at == 7 {
                machine.clock().advance_to(machine.clock().mono().plus_ms(400_000));
                assert_eq!(now_or_never(store.chunk()).unwrap(), Ok(1));
            }
        }
        let stream = writer.stream().id;
        let fragments = fragments_of(&store, stream).unwrap();
        let numbers = fragments.iter().map(|fragment| fragment.meta.number).collect();
        (Self { machine, stream, numbers, answered: false }, store, writer)
    }

    fn ranges(&self) -> [FragmentRange; 2] {
        let range = |first: usize, last: usize| FragmentRange {
            first: self.numbers[first],
            last: self.numbers[last],
        };
        [range(2, 5), range(9, 9)]
    }

    fn is_erased(&self, number: FragmentNumber) -> bool {
        self.ranges().iter().any(|range| range.contains(number))
    }

    fn erase(&mut self, store: &MediaStore) -> Result<(), StoreError> {
        for range in self.ranges() {
            now_or_never(store.erase_fragments(self.stream, range)).unwrap()?;
        }
        self.answered = true;
        Ok(())
    }

    /// Time passes: chunks are made, segments are closed, sweeps go on.
    fn tidy_up(&self, store: &MediaStore) {
        for _ in 0..4 {
            self.machine.clock().advance_to(self.machine.clock().mono().plus_ms(400_000));
            let now = self.machine.clock().mono();
            for _ in 0..20 {
                if !store.turn(now) {
                    break;
                }
            }
        }
    }

    fn check(&self, store: &MediaStore, case: &str) {
        let fragments = fragments_of(store, self.stream).unwrap();
        let mut served = Vec::new();
        for fragment in fragments {
            let at = self.numbers.iter().position(|number| *number == fragment.meta.number);
            let at = at.unwrap_or_else(|| panic!("{case}: no writer has made {:?}", fragment.meta));
            assert_eq!(fragment.body, BODIES[at].as_bytes(), "{case}");
            served.push(at);
        }
        let kept: Vec<usize> = (0..BODIES.len()).filter(|at| !self.is_erased(self.numbers[*at])).collect();
        let missing: Vec<&usize> = kept.iter().filter(|at| !served.contains(at)).collect();
        assert!(missing.is_empty(), "{case}: {missing:?} are lost");
        let back: Vec<&usize> = served.iter().filter(|at| !kept.contains(at)).collect();
        match self.answered {
            true => assert!(back.is_empty(), "{case}: {back:?} are back"),
            // Each range is erased as a whole or not at all.
            false => assert!(
                [&[][..], &[2, 3, 4, 5], &[9], &[2, 3, 4, 5, 9]]
                    .iter()
                    .any(|whole| back.iter().copied().eq(whole.iter())),
                "{case}: {back:?}"
            ),
        }
    }

    /// The erased fragments of which a byte is on the disk, wherever it lies.
    fn on_disk(&self) -> Vec<usize> {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::from(DIRECTORY)];
        while let Some(folder) = folders.pop() {
            for name in self.machine.disk.list(&folder).unwrap() {
                if name == "RESERVE" {
                    continue;
                }
                let path = folder.join(name);
                let Ok(file) = self.machine.disk.open(&path) else {
                    folders.push(path);
                    continue;
                };
                let bytes = read_range(&*file, 0, file.len().unwrap()).unwrap();
                for at in 0..bytes.len() {
                    if let Ok(header) = RecordHeader::check(&bytes[at..])
                        && self.is_erased(header.meta.number)
                    {
                        found.extend(self.numbers.iter().position(|number| *number == header.meta.number));
                    }
                }
            }
        }
        found
    }

    fn start(&self, case: &str) -> MediaStore {
        let backend = self.machine.backend().unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(backend.report(), &RecoveryReport::default(), "{case}");
        self.machine.start_on(Arc::new(backend), StoreOptions::default()).unwrap()
    }

    /// The next start, the repetition of what was not answered, and time.
    fn finish(mut self, case: &str) {
        let store = self.start(case);
        self.check(&store, case);
        self.erase(&store).unwrap_or_else(|error| panic!("{case}: {error}"));
        self.check(&store, case);
        self.tidy_up(&store);
        self.check(&store, case);
        assert_eq!(self.on_disk(), [0; 0], "{case}");
        drop(store);
        let store = self.start(case);
        self.check(&store, case);
        assert_eq!(store.core().backend.erasing_streams(), Ok(Vec::new()), "{case}: it is done");
    }
}

/// Disk calls of an erasure and of what follows it.
fn calls() -> usize {
    let (mut scene, store, writer) = Scene::new();
    scene.machine.cut_power_at(usize::MAX);
    assert_eq!(scene.on_disk().len(), 5 + 4, "in chunks, and in the journal");
    scene.erase(&store).unwrap();
    scene.check(&store, "whole");
    drop(writer);
    scene.tidy_up(&store);
    assert_eq!(scene.on_disk(), [0; 0]);
    scene.machine.disk_calls()
}

#[test]
fn power_may_go_at_any_call_of_an_erasure() {
    let calls = calls();
    assert!(calls > 30, "the script does something: {calls}");
    for cut in 0..=calls {
        for is_heard_of in [true, false] {
            let fates = [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(cut as u64 + 1)];
            let fate = fates[(cut + usize::from(is_heard_of)) % fates.len()];
            let case = format!("cut {cut}, heard of: {is_heard_of}, {fate:?}");
            let (mut scene, store, writer) = Scene::new();
            match is_heard_of {
                true => scene.machine.cut_power_at(cut),
                false => scene.machine.cut_power_after(cut),
            }
            if scene.erase(&store).is_ok() {
                drop(writer);
                scene.tidy_up(&store);
            } else {
                drop(writer);
            }
            drop(store);
            scene.machine.restore_power(fate);
            // The next start is cut off, too, and what it goes on with.
            scene.machine.cut_power_at(cut % 13);
            if let Ok(store) = scene.machine.start(StoreOptions::default()) {
                let _ = now_or_never(store.sweep());
            }
            scene.machine.restore_power(fate);
            scene.finish(&case);
        }
    }
}

#[test]
fn a_disk_that_fails_for_a_while_holds_an_erasure_back_and_no_longer() {
    for failure in [Failure::Full, Failure::Broken, Failure::BrokenSync] {
        for begin in 0..calls() {
            let length = [1, 3, usize::MAX / 2][begin % 3];
            let case = format!("{failure:?} from call {begin} on for {length}");
            let (mut scene, store, writer) = Scene::new();
            scene.machine.fail_disk(begin..begin + length, failure);
            let _ = scene.erase(&store);
            scene.check(&store, &case);
            let _ = now_or_never(store.sweep());
            scene.check(&store, &case);
            scene.machine.repair_disk();
            scene.erase(&store).unwrap_or_else(|error| panic!("{case}: {error}"));
            drop((writer, store));
            scene.finish(&case);
        }
    }
}
