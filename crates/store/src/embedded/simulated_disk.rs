//! A disk that keeps, of each file and directory, what a program sees and what would survive a power cut; that loses
//! power at any call; and that can be full or broken for a while, the way Linux says so.

use super::disk::{Disk, DiskFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

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
    /// The call before the cut has its effect, but its caller does not hear of it.
    unheard: bool,
    failing: Option<(Range<usize>, Failure)>,
}

/// How calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// ENOSPC, of blocks or of inodes: half of a write gets through, and so do removals.
    Full,
    /// EIO of every changing call; after a sync that fails the pages count as clean.
    Broken,
    /// EIO of syncs alone.
    BrokenSync,
}

impl Failure {
    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Broken | Self::BrokenSync => io::Error::other("EIO"),
        }
    }
}

/// What a changing call does, as far as its failure depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Create,
    Write,
    Sync,
    SyncNames,
    Rename,
    Remove,
}

impl Call {
    fn fails(self, failure: Failure) -> bool {
        match failure {
            Failure::Full => !matches!(self, Self::Remove | Self::SyncNames),
            Failure::Broken => true,
            Failure::BrokenSync => matches!(self, Self::Sync | Self::SyncNames),
        }
    }
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
            unheard: false,
            failing: None,
        })))
    }

    /// Power goes at the `call`-th changing call from now.
    pub(super) fn cut_at(&self, call: usize) {
        let mut state = self.0.lock().unwrap();
        (state.calls, state.cut_at, state.unheard) = (0, call, false);
    }

    /// Power goes as soon as the `call`-th changing call from now has had its effect.
    pub(super) fn cut_after(&self, call: usize) {
        self.cut_at(call + 1);
        self.0.lock().unwrap().unheard = true;
    }

    /// These changing calls, counted from now, fail if they are of a kind that does.
    pub(super) fn fail(&self, calls: Range<usize>, failure: Failure) {
        let mut state = self.0.lock().unwrap();
        (state.calls, state.failing) = (0, Some((calls, failure)));
    }

    /// All is well again.
    pub(super) fn repair(&self) {
        self.0.lock().unwrap().failing = None;
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
            unheard: false,
            failing: None,
        })))
    }

    fn change<T>(&self, call: Call, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let (mut state, failure) = self.begin(call)?;
        match failure {
            Some(failure) => Err(failure.error()),
            None => change(&mut state).and_then(|done| state.hear(done)),
        }
    }

    /// Counts a call. Says whether it fails.
    fn begin(&self, call: Call) -> io::Result<(MutexGuard<'_, State>, Option<Failure>)> {
        let mut state = self.0.lock().unwrap();
        if state.calls >= state.cut_at {
            return Err(io::Error::other("no power"));
        }
        let failing = state.failing.as_ref().filter(|(calls, _)| calls.contains(&state.calls));
        let failure = failing.map(|(_, failure)| *failure).filter(|failure| call.fails(*failure));
        state.calls += 1;
        Ok((state, failure))
    }
}

impl State {
    /// The outcome of a call that has had its effect.
    fn hear<T>(&self, done: T) -> io::Result<T> {
        if self.unheard && self.calls >= self.cut_at { Err(io::Error::other("no power")) } else { Ok(done) }
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
        let file = self.change(Call::Create, |state| {
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

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<bool> {
        self.change(Call::Create, |state| Ok(state.dirs.insert(path.to_owned())))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        let entries = state.names.keys().chain(&state.dirs).filter(|name| name.parent() == Some(path));
        Ok(entries.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let remove =
            |state: &mut State| state.names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into());
        self.change(Call::Remove, remove)
    }

    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, |state| {
            if state.names.keys().any(|name| name.parent() == Some(path)) {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            state.dirs.remove(path);
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Rename, |state| {
            let file = state.names.remove(from).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
            state.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::SyncNames, |state| {
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
        let (mut state, failure) = self.disk.begin(Call::Write)?;
        let bytes = match failure {
            Some(_) => &bytes[..bytes.len() / 2],
            None => bytes,
        };
        let file = &mut state.files[self.file];
        let (begin, end) = (offset as usize, offset as usize + bytes.len());
        if file.seen.len() < end {
            file.seen.resize(end, 0);
        }
        file.seen[begin..end].copy_from_slice(bytes);
        file.dirty.extend(begin / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES));
        failure.map_or(Ok(()), |failure| Err(failure.error()))?;
        state.hear(())
    }

    fn allocate(&self, _bytes: u64) -> io::Result<()> {
        self.disk.change(Call::Write, |_| Ok(()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut state, failure) = self.disk.begin(Call::Sync)?;
        let Contents { seen, durable, dirty } = &mut state.files[self.file];
        let dirty = std::mem::take(dirty);
        if let Some(failure) = failure {
            // As Linux does: the pages count as clean now, and a second fsync would succeed without writing them.
            return Err(failure.error());
        }
        durable.resize(seen.len(), 0);
        for block in dirty {
            let begin = block * BLOCK_BYTES;
            let end = (begin + BLOCK_BYTES).min(seen.len());
            durable[begin..end].copy_from_slice(&seen[begin..end]);
        }
        state.hear(())
    }
}
