//! Whether a stream is really gone: asked of a data directory at rest and of every key that is left.
//!
//! The proof is by trying. Every file is searched for wrapped keys of the stream, wherever they stand: rows, free pages
//! of the catalogue, its write-ahead log, anything. Every file is searched for records of the stream, whether an index
//! knows them or not. Each is tried with every data key that can still be opened. What this cannot see: copies outside of
//! the directory, and what a disk keeps of overwritten sectors.

use super::at_rest::AtRest;
use super::catalogue::Deletion;
use super::check::Progress;
use crate::index_block::{self, INDEX_MAGIC, IndexHeader};
use crate::keys::context;
use crate::{ErrorKind, FragmentRange, RecordHeader, StoreError, StreamId, record};
use serde::Serialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use tympan_kms::{DataKey, EncryptionContext, KeyProvider, Keyring, KmsError};
use tympan_types::{FragmentNumber, StreamArn, WallTime};
use uuid::Uuid;

const RECORD_MAGIC: &[u8; 4] = b"TYMF";
/// Places that are named one by one.
const PLACES: usize = 20;

/// What is to be proved gone.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// A stream's name, its ARN, or its id. A name stands for every stream that was deleted under it.
    pub stream: &'a str,
    /// Of a stream that exists, only what has expired at this time; without it, everything.
    pub expired_at: Option<WallTime>,
    /// Of a stream that exists, only these fragments.
    pub fragments: Option<FragmentRange>,
}

/// The outcome, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No key that is left opens anything of it.
    Gone,
    /// Nothing opens now, but a wrapped key is there whose master key is only switched off or out of reach.
    Locked,
    /// A wrapped key of it opens. No bytes of it are here, but a copy of them elsewhere could be read.
    Keyed,
    /// Something of it was decrypted.
    Readable,
}

/// What was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletionProof {
    /// The worst of the generations' verdicts.
    pub verdict: Verdict,
    /// Each stream that was asked for.
    pub generations: Vec<GenerationProof>,
    /// Files that were searched.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether there was a keyring to try with.
    pub with_keyring: bool,
    /// Data keys of all streams of the catalogue that opened, and were tried.
    pub data_keys: u64,
    /// Data keys of the catalogue that were refused, and could not be.
    pub data_keys_refused: u64,
    /// Sentences about what else is worth knowing.
    pub notes: Vec<String>,
}

/// What was found of one generation of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GenerationProof {
    /// The verdict.
    pub verdict: Verdict,
    /// Its id.
    pub id: String,
    /// Its ARN, if the catalogue or the log of deletions knows it.
    pub arn: Option<String>,
    /// When it was deleted; `None` for a stream that exists, or of which nothing is known.
    pub deleted: Option<String>,
    /// Whether the catalogue has it.
    pub exists: bool,
    /// Rows of wrapped keys in the catalogue.
    pub wrapped_keys: u64,
    /// Wrapped keys of it that were found in any file, and opened.
    pub wrapped_keys_opened: u64,
    /// Wrapped keys that may be its own and could not be tried, because their master key is refused.
    pub wrapped_keys_refused: u64,
    /// Places where the sixteen bytes of its id stand, in the catalogue's files.
    pub id_places: u64,
    /// Records of it that were found in any file.
    pub records: u64,
    /// Their bytes.
    pub record_bytes: u64,
    /// Indexes of fragments of it that were found in any file.
    pub indexes: u64,
    /// Attempts to decrypt: records and indexes times keys.
    pub attempts: u64,
    /// Records and indexes that were decrypted.
    pub decrypted: u64,
    /// Where what was found stands, for the first few.
    pub places: Vec<String>,
}

impl AtRest {
    /// Searches and tries everything. Blocks: call it where nobody waits for the thread.
    ///
    /// # Errors
    /// `NotFound` if nothing is known of the subject; `Corrupt` or `Internal` if the catalogue or a file cannot be read:
    /// then nothing is proved.
    pub async fn prove_deletion(
        &self,
        subject: Subject<'_>,
        keyring: Option<&Keyring>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<DeletionProof, StoreError> {
        let mut targets = self.targets(subject)?;
        let files = files_of(self.path())?;
        let sizes = files.iter().map(|path| path.metadata().map(|metadata| metadata.len()).unwrap_or(0));
        let total_bytes = 2 * sizes.sum::<u64>();
        let mut search = Search { at_rest: self, keyring, done_bytes: 0, total_bytes, progress };
        let others = search.open_catalogue_keys().await?;
        let mut bytes = 0;
        for path in &files {
            let content = search.read(path)?;
            bytes += content.len() as u64;
            search.wrapped_keys(path, &content, &mut targets, &others).await?;
        }
        for path in &files {
            let content = search.read(path)?;
            for target in &mut targets {
                try_records(path, &content, target, &others.keys);
                try_indexes(path, &content, target, &others.keys);
            }
        }
        let generations: Vec<GenerationProof> = targets.into_iter().map(Target::conclude).collect();
        let verdict = generations.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Gone);
        Ok(DeletionProof {
            verdict,
            files: files.len() as u64,
            bytes,
            with_keyring: keyring.is_some(),
            data_keys: others.keys.len() as u64,
            data_keys_refused: others.refused,
            notes: notes(&generations, keyring.is_some(), subject, self),
            generations,
        })
    }

    fn targets(&self, subject: Subject<'_>) -> Result<Vec<Target>, StoreError> {
        let deletions = self.deletions()?;
        let names = |arn: &StreamArn, id: StreamId| {
            arn.name().as_str() == subject.stream
                || arn.to_string() == subject.stream
                || id.to_string() == subject.stream
        };
        let deleted = deletions.iter().filter(|deletion| names(&deletion.arn, deletion.id));
        let mut targets: Vec<Target> = deleted.map(Target::deleted).collect();
        for (id, row) in self.streams()? {
            let row = match row {
                Ok(row) => row,
                Err(_) if id.to_string() == subject.stream => {
                    targets.push(Target::unknown(id));
                    continue;
                }
                Err(_) => continue,
            };
            // A name that was given again: the question is about the one that was deleted.
            let by_name = row.stream.arn.name().as_str() == subject.stream && !targets.is_empty();
            if !names(&row.stream.arn, id) || by_name {
                continue;
            }
            let wrapped_keys = self.catalogue()?.keys(id)?.len() as u64;
            let expired_through = subject.expired_at.map(|now| {
                crate::stream_rules::expires_before(row.stream.retention_hours, row.expired_through, now)
            });
            targets.push(Target {
                arn: Some(row.stream.arn.clone()),
                exists: true,
                wrapped_keys,
                expired_through: expired_through.map(|through| through.unix_ms()),
                fragments: subject.fragments,
                ..Target::unknown(id)
            });
        }
        if targets.is_empty()
            && let Ok(id) = Uuid::try_parse(subject.stream)
        {
            targets.push(Target::unknown(StreamId::from_bytes(id.into_bytes())));
        }
        if targets.is_empty() {
            let message = format!(
                "neither the streams nor the log of deletions in {} know {:?}: a stream that was deleted by a program \
                 without such a log can be named by its id",
                self.path().display(),
                subject.stream
            );
            return Err(StoreError::new(ErrorKind::NotFound, message));
        }
        Ok(targets)
    }
}

/// A generation that is looked for.
struct Target {
    id: StreamId,
    arn: Option<StreamArn>,
    deleted: Option<WallTime>,
    exists: bool,
    /// Only records with this server time or an earlier one are asked for, Unix milliseconds.
    expired_through: Option<i64>,
    /// Only these are asked for.
    fragments: Option<FragmentRange>,
    wrapped_keys: u64,
    opened: Vec<DataKey>,
    opened_blobs: HashSet<Vec<u8>>,
    refused: u64,
    id_places: u64,
    records: u64,
    record_bytes: u64,
    indexes: u64,
    attempts: u64,
    decrypted: u64,
    places: Vec<String>,
}

impl Target {
    fn unknown(id: StreamId) -> Self {
        Self {
            id,
            arn: None,
            deleted: None,
            exists: false,
            expired_through: None,
            fragments: None,
            wrapped_keys: 0,
            opened: Vec::new(),
            opened_blobs: HashSet::new(),
            refused: 0,
            id_places: 0,
            records: 0,
            record_bytes: 0,
            indexes: 0,
            attempts: 0,
            decrypted: 0,
            places: Vec::new(),
        }
    }

    fn deleted(deletion: &Deletion) -> Self {
        Self {
            arn: Some(deletion.arn.clone()),
            deleted: Some(deletion.deleted),
            ..Self::unknown(deletion.id)
        }
    }

    fn context(&self) -> Option<EncryptionContext> {
        self.arn.as_ref().map(|arn| context(arn, self.id))
    }

    /// Whether this fragment of it is looked for.
    fn asks_for(&self, number: FragmentNumber, server_ms: i64) -> bool {
        self.expired_through.is_none_or(|through| server_ms <= through)
            && self.fragments.is_none_or(|range| range.contains(number))
    }

    fn place(&mut self, what: &str, path: &Path, at: usize) {
        if self.places.len() < PLACES {
            self.places.push(format!("{what} in {}, byte {at}", path.display()));
        }
    }

    /// Tries all keys on something of it, and counts.
    fn opens(&mut self, others: &[DataKey], opens: impl Fn(&DataKey) -> bool) -> bool {
        let mut attempts = 0;
        let opened = self.opened.iter().chain(others).any(|key| {
            attempts += 1;
            opens(key)
        });
        self.attempts += attempts;
        self.decrypted += u64::from(opened);
        opened
    }

    fn conclude(self) -> GenerationProof {
        let only_expired = self.expired_through.is_some() || self.fragments.is_some();
        let verdict = if self.decrypted > 0 {
            Verdict::Readable
        } else if only_expired {
            // Its keys live on for what has not expired; the question is about bytes.
            Verdict::Gone
        } else if !self.opened.is_empty() {
            Verdict::Keyed
        } else if self.refused > 0 {
            Verdict::Locked
        } else {
            Verdict::Gone
        };
        GenerationProof {
            verdict,
            id: self.id.to_string(),
            arn: self.arn.as_ref().map(ToString::to_string),
            deleted: self.deleted.map(|deleted| deleted.rfc3339_ms()),
            exists: self.exists,
            wrapped_keys: self.wrapped_keys,
            wrapped_keys_opened: self.opened.len() as u64,
            wrapped_keys_refused: self.refused,
            id_places: self.id_places,
            records: self.records,
            record_bytes: self.record_bytes,
            indexes: self.indexes,
            attempts: self.attempts,
            decrypted: self.decrypted,
            places: self.places,
        }
    }
}

/// The data keys of all streams of the catalogue.
struct CatalogueKeys {
    keys: Vec<DataKey>,
    /// The wrapped form of every row, and whose it is: what is found elsewhere and equals one of these is known.
    rows: Vec<(StreamId, Vec<u8>)>,
    refused: u64,
}

struct Search<'a> {
    at_rest: &'a AtRest,
    keyring: Option<&'a Keyring>,
    done_bytes: u64,
    total_bytes: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Search<'_> {
    async fn open_catalogue_keys(&self) -> Result<CatalogueKeys, StoreError> {
        let mut found = CatalogueKeys { keys: Vec::new(), rows: Vec::new(), refused: 0 };
        for (id, row) in self.at_rest.streams()? {
            let rows = self.at_rest.catalogue()?.keys(id)?;
            for key in rows {
                found.rows.push((id, key.wrapped.as_bytes().to_vec()));
                let opened = match (self.keyring, &row) {
                    (Some(keyring), Ok(row)) => {
                        keyring.unwrap(&key.wrapped, &context(&row.stream.arn, id)).await.ok()
                    }
                    _ => None,
                };
                match opened {
                    Some(key) => found.keys.push(key),
                    None => found.refused += 1,
                }
            }
        }
        Ok(found)
    }

    /// Looks for wrapped keys of the targets in a file, and opens them.
    async fn wrapped_keys(
        &self,
        path: &Path,
        content: &[u8],
        targets: &mut [Target],
        known: &CatalogueKeys,
    ) -> Result<(), StoreError> {
        let is_catalogue =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"catalog.db"));
        let candidates = match self.keyring {
            Some(keyring) => keyring.find_wrapped(content).map_err(StoreError::from)?,
            None => Vec::new(),
        };
        for target in targets {
            if is_catalogue {
                let id = target.id.to_bytes();
                target.id_places += content.windows(16).filter(|window| *window == id).count() as u64;
            }
            let Some(keyring) = self.keyring else { continue };
            let Some(context) = target.context() else { continue };
            for (at, wrapped) in &candidates {
                let of_another =
                    known.rows.iter().any(|(id, blob)| *id != target.id && blob == wrapped.as_bytes());
                if of_another || target.opened_blobs.contains(wrapped.as_bytes()) {
                    continue;
                }
                match keyring.unwrap(wrapped, &context).await {
                    Ok(key) => {
                        target.opened.push(key);
                        target.opened_blobs.insert(wrapped.as_bytes().to_vec());
                        target.place("a wrapped key that opens", path, *at);
                    }
                    Err(
                        KmsError::Disabled(_)
                        | KmsError::InvalidState(_)
                        | KmsError::Unavailable(_)
                        | KmsError::AccessDenied(_),
                    ) => {
                        target.refused += 1;
                        target.opened_blobs.insert(wrapped.as_bytes().to_vec());
                        target.place("a wrapped key whose master key is switched off", path, *at);
                    }
                    // Another stream's, or no key at all.
                    Err(_) => {}
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, path: &Path) -> Result<Vec<u8>, StoreError> {
        let content = std::fs::read(path)
            .map_err(|error| StoreError::io(format_args!("read {}", path.display()), &error))?;
        self.done_bytes += content.len() as u64;
        (self.progress)(Progress {
            done_bytes: self.done_bytes,
            total_bytes: self.total_bytes.max(self.done_bytes),
        });
        Ok(content)
    }
}

/// Looks for records of the target at every byte, and tries all keys on each.
fn try_records(path: &Path, content: &[u8], target: &mut Target, others: &[DataKey]) {
    let mut from = 0;
    while let Some(at) = find(content, RECORD_MAGIC, from) {
        from = at + 1;
        let bytes = &content[at..];
        let Ok(header) = RecordHeader::parse(bytes) else { continue };
        if header.stream != target.id {
            continue;
        }
        if !target.asks_for(header.meta.number, header.meta.server.unix_ms()) {
            continue;
        }
        target.records += 1;
        target.record_bytes += header.record_bytes() as u64;
        let opens = |key: &DataKey| record::check_opens(bytes, &header, key).is_ok();
        if target.opens(others, opens) {
            target.place(&format!("fragment {} was decrypted", header.meta.number), path, at);
        }
    }
}

/// The same for indexes of fragments: what a caller said shows in them as loudness and keys.
fn try_indexes(path: &Path, content: &[u8], target: &mut Target, others: &[DataKey]) {
    let mut from = 0;
    while let Some(at) = find(content, &INDEX_MAGIC, from) {
        from = at + 1;
        let block = &content[at..];
        let Some(header) = IndexHeader::parse(block).filter(|header| header.stream == target.id) else {
            continue;
        };
        if !target.asks_for(header.number, header.number.server_time().unix_ms()) {
            continue;
        }
        target.indexes += 1;
        if target.opens(others, |key| index_block::open(block, key).is_some()) {
            target.place(&format!("the index of fragment {} was decrypted", header.number), path, at);
        }
    }
}

fn find(content: &[u8], magic: &[u8; 4], from: usize) -> Option<usize> {
    let rest = content.get(from..)?;
    rest.windows(magic.len()).position(|window| window == magic).map(|at| from + at)
}

/// All files below the directory but the master keys themselves, in order.
fn files_of(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed =
            |error: std::io::Error| StoreError::io(format_args!("read {}", folder.display()), &error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && !entry.file_name().as_encoded_bytes().starts_with(b"keyring.json") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn notes(
    generations: &[GenerationProof],
    with_keyring: bool,
    subject: Subject<'_>,
    at_rest: &AtRest,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !with_keyring {
        notes.push(
            "no keyring was given: nothing could be opened, so this proves only what the files lack"
                .to_owned(),
        );
    }
    if generations.iter().any(|one| one.arn.is_none()) {
        notes.push(
            "the stream's ARN is not known: wrapped keys are bound to it, so none could be tried".to_owned(),
        );
    }
    if generations.iter().any(|one| one.verdict == Verdict::Locked) {
        notes.push(
            "a master key that is only switched off brings everything back once it is switched on again"
                .to_owned(),
        );
    }
    let exists_again =
        generations.iter().all(|one| !one.exists)
            && at_rest.streams().unwrap_or_default().iter().any(|(_, row)| {
                row.as_ref().is_ok_and(|row| row.stream.arn.name().as_str() == subject.stream)
            });
    if exists_again {
        notes.push("another stream of this name exists now; it is not what was asked for".to_owned());
    }
    notes
}
