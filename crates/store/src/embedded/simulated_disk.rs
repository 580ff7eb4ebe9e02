//! A disk that keeps, of each file and directory, what a program sees and what would survive a power cut; that loses
//! power at any call; and that can be full or broken for a while, the way Linux says so.

use super::catalogue::CommitGate;
use super::disk::{Disk, DiskFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
pub enum Failure {
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
    /// Who has it open.
    handles: usize,
    /// A name of it was removed or replaced.
    unlinked: bool,
}

/// What becomes of everything that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// Nothing of it is there.
    Lost,
    /// All of it is there.
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether power has gone.
    pub(super) fn is_off(&self) -> bool {
        let state = self.state();
        state.calls >= state.cut_at
    }

    /// A hash of what is durable: names and bytes.
    pub(super) fn digest(&self) -> u64 {
        let state = self.state();
        let mut digest = Digest::default();
        for (name, file) in &state.durable_names {
            digest.add(name.as_os_str().as_encoded_bytes());
            digest.add(state.files.get(*file).map_or(&[][..], |file| &file.durable));
        }
        digest.0
    }

    /// The memory that the bytes of all files take: those that are seen and those that are durable.
    pub(super) fn held_bytes(&self) -> usize {
        let state = self.state();
        state.files.iter().map(|file| file.seen.capacity() + file.durable.capacity()).sum()
    }

    /// Power goes at the `call`-th changing call from now.
    pub(super) fn cut_at(&self, call: usize) {
        let mut state = self.state();
        (state.calls, state.cut_at, state.unheard) = (0, call, false);
    }

    /// Power goes as soon as the `call`-th changing call from now has had its effect.
    pub(super) fn cut_after(&self, call: usize) {
        self.cut_at(call + 1);
        self.state().unheard = true;
    }

    /// These changing calls, counted from now, fail if they are of a kind that does.
    pub(super) fn fail(&self, calls: Range<usize>, failure: Failure) {
        let mut state = self.state();
        (state.calls, state.failing) = (0, Some((calls, failure)));
    }

    /// All is well again.
    pub(super) fn repair(&self) {
        self.state().failing = None;
    }

    /// Changing calls so far.
    pub(super) fn calls(&self) -> usize {
        self.state().calls
    }

    /// What another process finds after the power is back.
    pub(super) fn restart(&self, unsynced: Unsynced) -> Self {
        let state = self.state();
        let mut keeps = keeper(unsynced);
        let mut files = Vec::new();
        for file in &state.files {
            let after = file.after_power_cut(&mut keeps);
            files.push(Contents { seen: after.clone(), durable: after, ..Contents::default() });
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
        let named: BTreeSet<usize> = names.values().copied().collect();
        for (file, contents) in files.iter_mut().enumerate() {
            if !named.contains(&file) {
                *contents = Contents::default();
            }
        }
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
        let mut state = self.state();
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
    fn file(&self, file: usize) -> io::Result<&Contents> {
        self.files.get(file).ok_or(io::ErrorKind::NotFound.into())
    }

    fn file_mut(&mut self, file: usize) -> io::Result<&mut Contents> {
        self.files.get_mut(file).ok_or(io::ErrorKind::NotFound.into())
    }

    /// A name of it is gone: so are its bytes, once there is no other, durable or not, and no program has it open.
    fn let_go(&mut self, file: usize) {
        let wanted = self.files.get(file).is_none_or(|file| file.handles > 0 || !file.unlinked);
        if !wanted && !self.names.values().chain(self.durable_names.values()).any(|named| *named == file) {
            self.files[file] = Contents::default();
        }
    }

    fn unlink(&mut self, file: usize) {
        if let Some(contents) = self.files.get_mut(file) {
            contents.unlinked = true;
        }
        self.let_go(file);
    }

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

impl SimulatedFile {
    fn open(disk: &SimulatedDisk, file: usize) -> Arc<Self> {
        if let Ok(contents) = disk.state().file_mut(file) {
            contents.handles += 1;
        }
        Arc::new(Self { disk: disk.clone(), file })
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if let Ok(contents) = state.file_mut(self.file) {
            contents.handles = contents.handles.saturating_sub(1);
        }
        state.let_go(self.file);
    }
}

/// What stands for the catalogue's file: there from the first commit on, and as durable as what was committed.
pub(super) struct SimulatedDatabase {
    pub(super) disk: SimulatedDisk,
    pub(super) path: PathBuf,
}

impl CommitGate for SimulatedDatabase {
    fn begin(&self) -> io::Result<()> {
        let (_state, failure) = self.disk.begin(Call::Sync)?;
        failure.map_or(Ok(()), |failure| Err(failure.error()))
    }

    fn committed(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if !state.durable_names.contains_key(&self.path) {
            let bytes = b"in memory".to_vec();
            state.files.push(Contents { seen: bytes.clone(), durable: bytes, ..Contents::default() });
            let file = state.files.len() - 1;
            state.names.insert(self.path.clone(), file);
            state.durable_names.insert(self.path.clone(), file);
        }
        state.hear(())
    }
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
        Ok(SimulatedFile::open(self, file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.state().names.get(path).copied();
        let file = file.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        Ok(SimulatedFile::open(self, file))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<bool> {
        self.change(Call::Create, |state| Ok(state.dirs.insert(path.to_owned())))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.dirs.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let names = state.names.range(beneath(path)).map(|(name, _)| name);
        let names = names.take_while(|name| name.starts_with(path));
        let dirs = state.dirs.range(beneath(path)).take_while(|name| name.starts_with(path));
        let entries = names.chain(dirs).filter(|name| name.parent() == Some(path));
        Ok(entries.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, |state| {
            let file = state.names.remove(path).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
            state.unlink(file);
            Ok(())
        })
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
            if let Some(replaced) = state.names.insert(to.to_owned(), file) {
                state.unlink(replaced);
            }
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::SyncNames, |state| {
            let within = |name: &Path| name.parent() == Some(path);
            let durable = state.durable_names.range(beneath(path)).map(|(name, file)| (name.clone(), *file));
            let durable = durable.take_while(|(name, _)| name.starts_with(path));
            let durable: Vec<(PathBuf, usize)> = durable.filter(|(name, _)| within(name)).collect();
            for (name, file) in durable {
                if state.names.get(&name) != Some(&file) {
                    state.durable_names.remove(&name);
                    state.let_go(file);
                }
            }
            let names = state.names.range(beneath(path)).take_while(|(name, _)| name.starts_with(path));
            let names = names.filter(|(name, _)| within(name));
            state.durable_names.extend(names.map(|(name, file)| (name.clone(), *file)));
            let durable = state.durable_dirs.range(beneath(path)).take_while(|name| name.starts_with(path));
            let gone = durable.filter(|dir| within(dir) && !state.dirs.contains(*dir));
            for dir in gone.cloned().collect::<Vec<_>>() {
                state.durable_dirs.remove(&dir);
            }
            let dirs = state.dirs.range(beneath(path)).take_while(|name| name.starts_with(path));
            state.durable_dirs.extend(dirs.filter(|dir| within(dir)).cloned());
            Ok(())
        })
    }
}

/// What may lie within a directory: paths are in the order of their parts.
fn beneath(path: &Path) -> (Bound<PathBuf>, Bound<PathBuf>) {
    (Bound::Excluded(path.to_owned()), Bound::Unbounded)
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// FNV-1a, 64 bits.
pub(super) struct Digest(pub(super) u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().file(self.file)?.seen.len() as u64)
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.state();
        let bytes = state.file(self.file)?.seen.get(place(offset)..).unwrap_or_default();
        out.copy_from_slice(bytes.get(..out.len()).ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut state, failure) = self.disk.begin(Call::Write)?;
        let bytes = match failure {
            Some(_) => &bytes[..bytes.len() / 2],
            None => bytes,
        };
        let file = state.file_mut(self.file)?;
        let begin = place(offset);
        let end = begin.checked_add(bytes.len()).ok_or(io::Error::from(io::ErrorKind::FileTooLarge))?;
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
        let Contents { seen, durable, dirty, .. } = state.file_mut(self.file)?;
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
