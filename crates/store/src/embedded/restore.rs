//! From a backup to a data directory that a server can open.

use super::backup::{self, MANIFEST, MANIFEST_FORMAT, Manifest, ManifestFile, copy_bytes};
use super::catalogue::{Catalogue, IfNew};
use super::check::Progress;
use crate::StoreError;
use serde::Serialize;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path};

/// After a restore every stream goes on this many numbers later, so that what it hands out is not what the original
/// handed out after the backup. At one fragment a second that is thirty years of them; it is a margin, no guarantee.
pub const SEQUENCE_MARGIN: u64 = 1_000_000_000;

const UNFINISHED: &str = "a restore that was not finished: remove this folder and restore again\n";

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// The new data directory.
    pub directory: String,
    /// When the backup began, Unix milliseconds.
    pub backup_began_ms: i64,
    /// Files that were laid out.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the keys were among them.
    pub with_keys: bool,
}

/// Verifies a backup against its manifest and lays it out as a new data directory, which must not exist or be empty.
/// Blocks until done. Fragments are for [`AtRest::check`](super::AtRest::check) to look at.
///
/// # Errors
/// `NotFound` if there is no finished backup at `from`; `Corrupt` if a file is not what the manifest says; `Exists` if
/// something is in `target`; `Full`, `Internal`.
pub fn restore(
    from: &Path,
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoreReport, StoreError> {
    let manifest = read_manifest(from)?;
    backup::prepare_empty(target)?;
    let total_bytes = manifest.files.iter().map(|file| file.bytes).sum();
    let mut report = RestoreReport {
        directory: target.display().to_string(),
        backup_began_ms: manifest.began_ms,
        files: 0,
        bytes: 0,
        with_keys: manifest.with_keys,
    };
    // Until all is done no program takes it for a data directory of its own format.
    let unfinished = target.join("FORMAT");
    std::fs::write(&unfinished, UNFINISHED).map_err(|error| failed("write", &unfinished, &error))?;
    let mut format = None;
    for file in &manifest.files {
        if file.path == "FORMAT" {
            format = Some(file);
            continue;
        }
        lay_out(from, target, file)?;
        report.files += 1;
        report.bytes += file.bytes;
        progress(Progress { done_bytes: report.bytes, total_bytes });
    }
    for name in ["journal", "chunks", "streams"] {
        make_directory(&target.join(name))?;
    }
    Catalogue::open(&target.join("catalog.db"), IfNew::Refuse, &mut |_| Ok(()))?
        .skip_sequences(SEQUENCE_MARGIN)?;
    backup::sync_tree(target).map_err(|error| failed("sync", target, &error))?;
    let format = format.ok_or_else(|| StoreError::corrupt("the backup has no FORMAT"))?;
    std::fs::remove_file(&unfinished).map_err(|error| failed("remove", &unfinished, &error))?;
    lay_out(from, target, format)?;
    report.files += 1;
    let synced = File::open(target).and_then(|directory| directory.sync_all());
    synced.map_err(|error| failed("sync", target, &error))?;
    Ok(report)
}

fn read_manifest(from: &Path) -> Result<Manifest, StoreError> {
    let path = from.join(MANIFEST);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!(
                "{} is no backup, or one that was not finished: it has no {MANIFEST}",
                from.display()
            );
            return Err(StoreError::new(crate::ErrorKind::NotFound, message));
        }
        Err(error) => return Err(failed("read", &path, &error)),
    };
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| StoreError::corrupt(format!("{} is damaged: {error}", path.display())))?;
    if manifest.format != MANIFEST_FORMAT {
        let message = format!(
            "{} has format {:?} and this program knows {MANIFEST_FORMAT:?}: use the program that wrote it",
            path.display(),
            manifest.format
        );
        return Err(StoreError::internal(message));
    }
    Ok(manifest)
}

fn lay_out(from: &Path, target: &Path, file: &ManifestFile) -> Result<(), StoreError> {
    let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(StoreError::corrupt(format!("the manifest names a file outside: {:?}", file.path)));
    }
    let (source_path, target_path) = (from.join(&file.path), target.join(&file.path));
    if let Some(folder) = target_path.parent() {
        make_directory(folder)?;
    }
    let source = File::open(&source_path).map_err(|error| failed("open", &source_path, &error))?;
    let mut target = backup::create(&target_path).map_err(|error| failed("create", &target_path, &error))?;
    let copied = copy_bytes(source, &target).map_err(|error| failed("copy", &source_path, &error))?;
    if copied.bytes != file.bytes || file.crc32c.is_some_and(|crc| crc != copied.crc32c) {
        let message = format!(
            "{} is not what was backed up: it has {} bytes and was written with {}, or its checksum differs",
            source_path.display(),
            copied.bytes,
            file.bytes
        );
        return Err(StoreError::corrupt(message));
    }
    target.flush().map_err(|error| failed("write", &target_path, &error))
}

fn make_directory(path: &Path) -> Result<(), StoreError> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.map_err(|error| failed("create", path, &error))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::io(format_args!("{doing} {}", path.display()), error)
}
