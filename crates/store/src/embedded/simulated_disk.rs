//! A disk that keeps, of each file and directory, what a program sees and what would survive a power cut; that loses
//! power at any call; and whose fdatasync can fail the way Linux's does.

use super::disk::{Disk, DiskFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The unit in which unsynced bytes are lost.
const BLOCK_BYTES: usize = 512;

#[derive(Clone)]
pub(super) struct SimulatedDisk(Arc<Mutex<State>>);

struct State {
    files: Vec<Contents>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    durable_dirs: BTreeSet<PathBuf>,
    calls: usize,
    cut_at: usize,
    fail_sync_at: usize,
}

#[derive(Clone, Default)]
struct Contents {
    seen: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

/// What becomes of everything that was not synced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unsynced {
    Lost,
    Kept,
    /// Block by block and name by name, by this seed.
    Torn(u64),
}

impl SimulatedDisk {
    pub(super) fn new(dirs: &[&str]) -> Self {
        let dirs: BTreeSet<PathBuf> = dirs.iter().map(PathBuf::from).collect();
        Self(Arc::new(Mutex::new(State {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            durable_dirs: dirs.clone(),
            dirs,
            calls: 0,
            cut_at: usize::MAX,
            fail_sync_at: usize::MAX,
        })))
    }

    /// Power goes at the `call`-th changing call from now.
    pub(super) fn cut_at(&self, call: usize) {
        let mut state = self.0.lock().unwrap();
        (state.calls, state.cut_at) = (0, call);
    }

    /// The `call`-th changing call from now, if it is a sync, fails once.
    pub(super) fn fail_sync_at(&self, call: usize) {
        let mut state = self.0.lock().unwrap();
        (state.calls, state.fail_sync_at) = (0, call);
    }

    /// Changing calls so far.
    pub(super) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// What another process finds after the power is back.
    pub(super) fn restart(&self, unsynced: Unsynced) -> Self {
        let state = self.0.lock().unwrap();
        let mut keeps = keeper(unsynced);
        let mut files = Vec::new();
        for file in &state.files {
            let after = file.after_power_cut(&mut keeps);
            files.push(Contents { seen: after.clone(), durable: after, dirty: BTreeSet::new() });
        }
        let mut names = state.durable_names.clone();
        let all: BTreeSet<&PathBuf> = state.names.keys().chain(state.durable_names.keys()).collect();
        for name in all {
            if state.names.get(name) != state.durable_names.get(name) && keeps() {
                match state.names.get(name) {
                    Some(file) => names.insert(name.clone(), *file),
                    None => names.remove(name),
                };
            }
        }
        let mut dirs = state.durable_dirs.clone();
        dirs.extend(state.dirs.iter().filter(|_| keeps()).cloned());
        // A name cannot outlive the directory it is in.
        names.retain(|name, _| {
            name.ancestors().skip(1).all(|dir| dir.as_os_str().is_empty() || dirs.contains(dir))
        });
        Self(Arc::new(Mutex::new(State {
            files,
            durable_names: names.clone(),
            names,
            durable_dirs: dirs.clone(),
            dirs,
            calls: 0,
            cut_at: usize::MAX,
            fail_sync_at: usize::MAX,
        })))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        if state.calls >= state.cut_at {
            return Err(io::Error::other("no power"));
        }
        state.calls += 1;
        change(&mut state)
    }
}

impl Contents {
    fn after_power_cut(&self, keeps: &mut impl FnMut() -> bool) -> Vec<u8> {
        let mut after = self.durable.clone();
        if self.dirty.is_empty() && self.seen.len() == self.durable.len() {
            return after;
        }
        if self.seen.len() != self.durable.len() && keeps() {
            after.resize(self.seen.len(), 0);
        }
        for block in &self.dirty {
            let begin = block * BLOCK_BYTES;
            let end = (begin + BLOCK_BYTES).min(self.seen.len()).min(after.len());
            if begin < end && keeps() {
                after[begin..end].copy_from_slice(&self.seen[begin..end]);
            }
        }
        after
    }
}

fn keeper(unsynced: Unsynced) -> impl FnMut() -> bool {
    let mut random = match unsynced {
        Unsynced::Torn(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        _ => 1,
    };
    move || match unsynced {
        Unsynced::Lost => false,
        Unsynced::Kept => true,
        Unsynced::Torn(_) => {
            // xorshift64
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.count_ones() % 2 == 0
        }
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.change(|state| {
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.files.push(Contents::default());
            let file = state.files.len() - 1;
            state.names.insert(path.to_owned(), file);
            Ok(file)
        })?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.lock().unwrap().names.get(path).copied();
        let file = file.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<bool> {
        self.change(|state| Ok(state.dirs.insert(path.to_owned())))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        let entries = state.names.keys().chain(&state.dirs).filter(|name| name.parent() == Some(path));
        Ok(entries.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|state| state.names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into()))
    }

    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        self.change(|state| {
            if state.names.keys().any(|name| name.parent() == Some(path)) {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            state.dirs.remove(path);
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|state| {
            let file = state.names.remove(from).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
            state.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(|state| {
            let within = |name: &Path| name.parent() == Some(path);
            state.durable_names.retain(|name, _| !within(name));
            let names = state.names.iter().filter(|(name, _)| within(name));
            state.durable_names.extend(names.map(|(name, file)| (name.clone(), *file)));
            state.durable_dirs.retain(|dir| !within(dir));
            state.durable_dirs.extend(state.dirs.iter().filter(|dir| within(dir)).cloned());
            Ok(())
        })
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().unwrap().files[self.file].seen.len() as u64)
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.0.lock().unwrap();
        let bytes = state.files[self.file].seen.get(offset as usize..).unwrap_or_default();
        out.copy_from_slice(bytes.get(..out.len()).ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.change(|state| {
            let file = &mut state.files[self.file];
            let (begin, end) = (offset as usize, offset as usize + bytes.len());
            if file.seen.len() < end {
                file.seen.resize(end, 0);
            }
            file.seen[begin..end].copy_from_slice(bytes);
            file.dirty.extend(begin / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES));
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.change(|state| {
            let failing = state.calls == state.fail_sync_at;
            let Contents { seen, durable, dirty } = &mut state.files[self.file];
            let dirty = std::mem::take(dirty);
            if failing {
                // As Linux does: the pages count as clean now, and a second fsync would succeed without writing them.
                return Err(io::Error::other("EIO"));
            }
            durable.resize(seen.len(), 0);
            for block in dirty {
                let begin = block * BLOCK_BYTES;
                let end = (begin + BLOCK_BYTES).min(seen.len());
                durable[begin..end].copy_from_slice(&seen[begin..end]);
            }
            Ok(())
        })
    }
}
