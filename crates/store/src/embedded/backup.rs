//! A consistent copy of the data directory, of a store that runs or one at rest.
//!
//! The order is what makes it consistent. While a backup runs no file is deleted. First the other databases and logs;
//! then the *cut*: which journal segments there are and how far they are durable; then the catalogue, by SQLite's online
//! backup; then the chunks that this copy of the catalogue names, and the journal up to the cut. A fragment that was
//! acknowledged before the cut is in the journal up to it, or in a chunk whose row was committed before. Whatever came
//! later is there whole or not at all. The manifest comes last: without it a backup is not finished.
//! Source: docs/operations.md, docs/storage.md section 6.

use super::at_rest::AtRest;
use super::catalogue::Catalogue;
use super::check::Progress;
use super::index_file::index_object;
use super::journal::{JournalCut, segment_path};
use super::segment_list::LIST;
use super::{EmbeddedBackend, catalogue};
use crate::{ErrorKind, StoreError};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Names the format of [`Manifest`].
pub(super) const MANIFEST_FORMAT: &str = "tympan-backup 1";
/// The manifest's name in a backup.
pub(super) const MANIFEST: &str = "BACKUP.json";
/// The folder of the keys in a backup that has them.
pub(super) const KEYS: &str = "keyring";
/// The control database, and the note beside it of how far it has come.
const CONTROL_DATABASE: &str = "control.db";
const CONTROL: &str = "CONTROL";
const COPY_BYTES: usize = 1 << 20;

/// What a backup is to contain.
#[derive(Debug, Clone, Default)]
pub struct BackupOptions {
    /// Copies chunks even where hard links would do: for a target that is to outlive the disk.
    pub copies: bool,
    /// The keyring's file, if the keys are to be in the backup. Whoever has both can hear everything.
    pub keyring: Option<PathBuf>,
}

/// The list of what a backup contains; the file `BACKUP.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `tympan-backup 1`.
    pub format: String,
    /// What the data directory's `FORMAT` said.
    pub store_format: String,
    /// When the backup began, Unix milliseconds: what was acknowledged until then is in it.
    pub began_ms: i64,
    /// When it was complete.
    pub finished_ms: i64,
    /// Whether the keys are in it.
    pub with_keys: bool,
    /// Its files, `BACKUP.json` itself excepted.
    pub files: Vec<ManifestFile>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path within the backup and within the data directory.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// CRC-32C of the whole; none for a hard link, which was not read. Chunks and segments carry checksums of their own.
    pub crc32c: Option<u32>,
}

/// What a backup did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    /// Where it is.
    pub directory: String,
    /// When it began, Unix milliseconds.
    pub began_ms: i64,
    /// When it was complete.
    pub finished_ms: i64,
    /// Chunks in it.
    pub chunks: u64,
    /// Journal segments in it.
    pub segments: u64,
    /// Files that are hard links to those of the data directory.
    pub linked: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Whether the keys are in it.
    pub with_keys: bool,
}

impl EmbeddedBackend {
    /// Copies the store while it runs. Nothing waits for it but the deletion of files.
    ///
    /// Blocks until done. `target` must not exist, or be empty.
    ///
    /// # Errors
    /// `Exists` if something is in `target`; `Full`; `Internal` if a file cannot be read or written.
    pub fn backup(
        &self,
        target: &Path,
        options: &BackupOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackupReport, StoreError> {
        let _nothing_goes = self.deleting.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let cut = || self.journal.cut();
        Copying::begin(&self.path, target, options, progress)?.run(&cut)
    }
}

impl AtRest {
    /// Copies a data directory that no server runs on.
    ///
    /// # Errors
    /// As for a running one.
    pub fn backup(
        &self,
        target: &Path,
        options: &BackupOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackupReport, StoreError> {
        let folder = self.journal();
        let cut = || {
            let names = names(&folder).unwrap_or_default();
            let number = |name: &String| name.strip_suffix(".seg")?.parse::<u64>().ok();
            let mut segments: Vec<u64> = names.iter().filter_map(number).collect();
            segments.sort_unstable();
            // The end of the last one is recovery's to find, here as there.
            JournalCut { segments, open: None, list: std::fs::read(folder.join(LIST)).ok() }
        };
        Copying::begin(self.path(), target, options, progress)?.run(&cut)
    }
}

/// A backup that is being made.
struct Copying<'a> {
    source: &'a Path,
    target: &'a Path,
    options: &'a BackupOptions,
    progress: &'a mut dyn FnMut(Progress),
    report: BackupReport,
    files: Vec<ManifestFile>,
    total_bytes: u64,
}

impl<'a> Copying<'a> {
    fn begin(
        source: &'a Path,
        target: &'a Path,
        options: &'a BackupOptions,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, StoreError> {
        prepare_empty(target)?;
        let report = BackupReport {
            directory: target.display().to_string(),
            began_ms: unix_ms(),
            with_keys: options.keyring.is_some(),
            ..BackupReport::default()
        };
        Ok(Self { source, target, options, progress, report, files: Vec::new(), total_bytes: 0 })
    }

    fn run(mut self, cut: &dyn Fn() -> JournalCut) -> Result<BackupReport, StoreError> {
        self.other_files()?;
        let cut = cut();
        self.database("catalog.db")?;
        let chunks = Catalogue::chunks_of(&self.target.join("catalog.db"))?;
        self.total_bytes = self.report.bytes + chunks.iter().map(|(_, bytes)| bytes).sum::<u64>();
        self.journal(&cut)?;
        for (object, _) in &chunks {
            self.chunk(object)?;
        }
        self.pages()?;
        let store_format = self.copy("FORMAT", None)?;
        if let Some(keyring) = self.options.keyring.clone() {
            self.keys(&keyring)?;
        }
        self.report.finished_ms = unix_ms();
        let manifest = Manifest {
            format: MANIFEST_FORMAT.to_owned(),
            store_format: String::from_utf8_lossy(&store_format).trim_end().to_owned(),
            began_ms: self.report.began_ms,
            finished_ms: self.report.finished_ms,
            with_keys: self.report.with_keys,
            files: std::mem::take(&mut self.files),
        };
        self.manifest(&manifest)?;
        Ok(self.report)
    }

    /// Databases and logs that stand beside the store's own files: settings, contacts, records.
    fn other_files(&mut self) -> Result<(), StoreError> {
        let mut names = names(self.source).map_err(|error| failed("read", self.source, &error))?;
        names.sort();
        for name in names {
            if name == CONTROL {
                // Before the database: a copy of it that is behind this would be taken for an older one.
                self.copy(&name, None)?;
            } else if name == CONTROL_DATABASE {
                self.control_database()?;
            } else if name.ends_with(".db") && name != "catalog.db" {
                self.database(&name)?;
            } else if is_of_lines(&name) {
                self.lines(&name)?;
            }
        }
        Ok(())
    }

    /// The control database. One that cannot be read must not keep the media from being saved.
    fn control_database(&mut self) -> Result<(), StoreError> {
        match self.database(CONTROL_DATABASE) {
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                tracing::error!(%error, "control.db cannot be read: instances, flows, numbers and contacts are not in the backup");
                let path = self.target.join(CONTROL_DATABASE);
                std::fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
            }
            copied => copied,
        }
    }

    fn database(&mut self, name: &str) -> Result<(), StoreError> {
        let (from, to) = (self.source.join(name), self.target.join(name));
        // Made here, so that it is private from the beginning.
        create(&to).map_err(|error| failed("create", &to, &error))?;
        catalogue::copy_database(&from, &to)?;
        let synced = File::open(&to).and_then(|file| file.sync_all().map(|()| file));
        let file = synced.map_err(|error| failed("sync", &to, &error))?;
        let crc32c = checksum(file).map_err(|error| failed("read", &to, &error))?;
        self.add(name, &to, Some(crc32c))
    }

    /// A file to which whole lines are appended: up to the last one that is complete now.
    fn lines(&mut self, name: &str) -> Result<(), StoreError> {
        let path = self.source.join(name);
        // Reading a FIFO in the place of the file would wait for its writer.
        if !path.is_file() {
            tracing::warn!(name, "this is no file, and is not in the backup");
            return Ok(());
        }
        let bytes = std::fs::read(&path).map_err(|error| failed("read", &path, &error))?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.write(name, &bytes[..end])
    }

    fn journal(&mut self, cut: &JournalCut) -> Result<(), StoreError> {
        self.directory("journal")?;
        // Never a hard link: it is written in place.
        if let Some(list) = &cut.list {
            self.write(&format!("journal/{LIST}"), list)?;
        }
        for number in &cut.segments {
            let path = segment_path(Path::new("journal"), *number);
            let name = path.display().to_string();
            match cut.open {
                Some((open, end)) if open == *number => drop(self.copy(&name, Some(end))?),
                _ => self.link_or_copy(&name)?,
            }
            self.report.segments += 1;
        }
        self.sync_directory("journal")
    }

    fn chunk(&mut self, object: &str) -> Result<(), StoreError> {
        let name = format!("chunks/{object}");
        let mut folder = PathBuf::new();
        for part in Path::new(&name).parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            self.directory(&folder.display().to_string())?;
        }
        match self.link_or_copy(&name) {
            Ok(()) => {
                self.report.chunks += 1;
                return self.index(object);
            }
            // Damage that is there already must not keep everything else from being saved.
            Err(error) if *error.kind() == ErrorKind::NotFound => {
                tracing::error!(
                    object,
                    "a chunk is missing in the data directory, and so it is in the backup"
                );
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The side file of a chunk, where it has one.
    fn index(&mut self, object: &str) -> Result<(), StoreError> {
        match self.link_or_copy(&format!("chunks/{}", index_object(object))) {
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(()),
            copied => copied,
        }
    }

    /// Pages of the streams that the copied catalogue has, as it has them: of others none, and of none two versions.
    fn pages(&mut self) -> Result<(), StoreError> {
        self.directory("streams")?;
        for page in Catalogue::pages_of(&self.target.join("catalog.db"))? {
            self.write(&format!("streams/{}.stream", page.stream.id), &page.encode())?;
        }
        self.sync_directory("streams")
    }

    fn keys(&mut self, keyring: &Path) -> Result<(), StoreError> {
        self.directory(KEYS)?;
        let bytes = std::fs::read(keyring).map_err(|error| failed("read", keyring, &error))?;
        self.write(&format!("{KEYS}/keyring.json"), &bytes)?;
        self.sync_directory(KEYS)
    }

    /// A file that does not change any more.
    fn link_or_copy(&mut self, name: &str) -> Result<(), StoreError> {
        let (from, to) = (self.source.join(name), self.target.join(name));
        if !self.options.copies {
            match std::fs::hard_link(&from, &to) {
                Ok(()) => {
                    self.report.linked += 1;
                    return self.add(name, &to, None);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing(&from)),
                // Another file system, or one without hard links.
                Err(_) => {}
            }
        }
        self.copy(name, None).map(drop)
    }

    /// Copies the first `length` bytes of a file, or all of it; gives the first kilobyte.
    fn copy(&mut self, name: &str, length: Option<u64>) -> Result<Vec<u8>, StoreError> {
        let (from, to) = (self.source.join(name), self.target.join(name));
        let source = match File::open(&from) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing(&from)),
            Err(error) => return Err(failed("open", &from, &error)),
        };
        let target = create(&to).map_err(|error| failed("create", &to, &error))?;
        let copied = copy_bytes(source.take(length.unwrap_or(u64::MAX)), &target)
            .map_err(|error| failed("copy", &from, &error))?;
        let Copied { crc32c, head, bytes } = copied;
        if length.is_some_and(|length| length != bytes) {
            return Err(StoreError::corrupt(format!("{} is shorter than it was", from.display())));
        }
        self.add(name, &to, Some(crc32c))?;
        Ok(head)
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let to = self.target.join(name);
        let written = create(&to).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(|error| failed("write", &to, &error))?;
        self.add(name, &to, Some(crc32c::crc32c(bytes)))
    }

    fn add(&mut self, name: &str, path: &Path, crc32c: Option<u32>) -> Result<(), StoreError> {
        let bytes = std::fs::metadata(path).map_err(|error| failed("look at", path, &error))?.len();
        self.files.push(ManifestFile { path: name.to_owned(), bytes, crc32c });
        self.report.bytes += bytes;
        (self.progress)(Progress {
            done_bytes: self.report.bytes,
            total_bytes: self.total_bytes.max(self.report.bytes),
        });
        Ok(())
    }

    fn directory(&self, name: &str) -> Result<(), StoreError> {
        let path = self.target.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(failed("create", &path, &error))
            }
            _ => Ok(()),
        }
    }

    fn sync_directory(&self, name: &str) -> Result<(), StoreError> {
        let path = self.target.join(name);
        File::open(&path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| failed("sync", &path, &error))
    }

    /// Everything is made durable, and then the manifest says so.
    fn manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        sync_tree(self.target).map_err(|error| failed("sync", self.target, &error))?;
        let (beside, path) = (self.target.join("BACKUP.new"), self.target.join(MANIFEST));
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| StoreError::internal(format!("the manifest cannot be written: {error}")))?;
        let written = create(&beside)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&beside, &path));
        written.map_err(|error| failed("write", &path, &error))?;
        self.sync_directory("")
    }
}

pub(super) struct Copied {
    pub(super) crc32c: u32,
    pub(super) head: Vec<u8>,
    pub(super) bytes: u64,
}

/// Copies and syncs.
pub(super) fn copy_bytes(mut source: impl Read, mut target: &File) -> io::Result<Copied> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut copied = Copied { crc32c: 0, head: Vec::new(), bytes: 0 };
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            target.sync_all()?;
            return Ok(copied);
        }
        if copied.bytes == 0 {
            copied.head.extend_from_slice(&buffer[..read.min(1_024)]);
        }
        copied.crc32c = crc32c::crc32c_append(copied.crc32c, &buffer[..read]);
        copied.bytes += read as u64;
        target.write_all(&buffer[..read])?;
    }
}

fn checksum(mut file: File) -> io::Result<u32> {
    let (mut buffer, mut crc) = (vec![0; COPY_BYTES], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(crc),
            read => crc = crc32c::crc32c_append(crc, &buffer[..read]),
        }
    }
}

/// Creates a folder for this user alone; one that is there must be empty.
pub(super) fn prepare_empty(path: &Path) -> Result<(), StoreError> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.map_err(|error| failed("create", path, &error))?;
    if names(path).map_err(|error| failed("read", path, &error))?.is_empty() {
        return Ok(());
    }
    let message = format!("{} is not empty: name a folder that does not exist yet", path.display());
    Err(StoreError::new(ErrorKind::Exists, message))
}

pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A log of lines, or one that was put aside, such as `audit.jsonl.1`.
fn is_of_lines(name: &str) -> bool {
    let put_aside = |(name, number): (&str, &str)| name.ends_with(".jsonl") && number.parse::<u32>().is_ok();
    name.ends_with(".jsonl") || name.rsplit_once('.').is_some_and(put_aside)
}

pub(super) fn names(path: &Path) -> io::Result<Vec<String>> {
    let names = std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
    Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Makes the names in all directories below a path durable.
pub(super) fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    File::open(path)?.sync_all()
}

fn missing(path: &Path) -> StoreError {
    StoreError::new(ErrorKind::NotFound, format!("{} is missing", path.display()))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::io(format_args!("{doing} {}", path.display()), error)
}

fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
