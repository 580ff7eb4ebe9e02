//! The check of a data directory at rest: reads everything and says, fragment by fragment, what is intact and what is
//! not. It changes nothing. Where an index is damaged it looks at the records themselves.

mod chunk;
mod journal;
mod report;

pub use report::{CheckReport, Finding, FindingKind, Gap, JournalCheck, Progress, StreamCheck};

use super::at_rest::AtRest;
use super::index_file::index_object;
use crate::keys::context;
use crate::{StoreError, Stream, StreamId, StreamRow};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use tympan_kms::{DataKey, KeyProvider, KmsError};
use tympan_types::FragmentNumber;

/// Gaps of a stream that are listed one by one.
const GAPS: usize = 100;

impl AtRest {
    /// Checks everything, or one stream alone (its name, its ARN or its id). With `keys` the encryption of every fragment
    /// is checked too, else checksums only.
    ///
    /// Blocks: call it where nobody waits for the thread.
    ///
    /// # Errors
    /// `NotFound` if `only` names no stream. Damage is no error: it is in the report.
    pub async fn check(
        &self,
        keys: Option<&dyn KeyProvider>,
        only: Option<&str>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<CheckReport, StoreError> {
        let mut check = Check {
            at_rest: self,
            report: CheckReport { format: self.format().to_owned(), ..CheckReport::default() },
            streams: BTreeMap::new(),
            only_some: only.is_some(),
            done_bytes: 0,
            total_bytes: tree_bytes(&self.journal()) + tree_bytes(&self.chunks()),
            progress,
        };
        check.catalogue(only)?;
        check.open_keys(keys).await?;
        check.chunks();
        check.journal();
        Ok(check.finish())
    }
}

/// A check that runs.
struct Check<'a> {
    at_rest: &'a AtRest,
    report: CheckReport,
    streams: BTreeMap<StreamId, Checked>,
    only_some: bool,
    done_bytes: u64,
    total_bytes: u64,
    progress: &'a mut dyn FnMut(Progress),
}

/// A stream of the catalogue, and what was found of it.
struct Checked {
    row: StreamRow,
    keys: HashMap<u32, DataKey>,
    numbers: Vec<FragmentNumber>,
    found: StreamCheck,
}

impl Check<'_> {
    fn catalogue(&mut self, only: Option<&str>) -> Result<(), StoreError> {
        let faults = self.at_rest.catalogue().and_then(|catalogue| catalogue.faults());
        for fault in faults.unwrap_or_else(|error| vec![error.message().to_owned()]) {
            self.find(FindingKind::Damage, None, None, "catalog.db", fault);
        }
        let streams = match self.at_rest.streams() {
            Ok(streams) => streams,
            Err(error) => {
                self.find(FindingKind::Damage, None, None, "catalog.db", error.message().to_owned());
                Vec::new()
            }
        };
        for (id, row) in streams {
            match row {
                Ok(row) if only.is_none_or(|only| is_named(&row.stream, only)) => {
                    let found = StreamCheck::of(&row.stream);
                    let checked = Checked { row, keys: HashMap::new(), numbers: Vec::new(), found };
                    self.streams.insert(id, checked);
                }
                Ok(_) => {}
                Err(error) => {
                    let message = error.message().to_owned();
                    self.find(FindingKind::Damage, Some(id), None, "catalog.db", message);
                }
            }
        }
        match only {
            Some(only) if self.streams.is_empty() => {
                let message = format!("there is no stream {only:?} in {}", self.at_rest.path().display());
                Err(StoreError::new(crate::ErrorKind::NotFound, message))
            }
            _ => Ok(()),
        }
    }

    async fn open_keys(&mut self, provider: Option<&dyn KeyProvider>) -> Result<(), StoreError> {
        let ids: Vec<StreamId> = self.streams.keys().copied().collect();
        for id in ids {
            let rows = match self.at_rest.catalogue().and_then(|catalogue| catalogue.keys(id)) {
                Ok(rows) => rows,
                Err(error) => {
                    let message = error.message().to_owned();
                    self.find(FindingKind::Damage, Some(id), None, "catalog.db", message);
                    continue;
                }
            };
            let (mut opened, mut faults) = (HashMap::new(), Vec::new());
            let Some(checked) = self.streams.get_mut(&id) else { continue };
            checked.found.data_keys = rows.len() as u64;
            for row in &rows {
                let Some(provider) = provider else { continue };
                let context = context(&checked.row.stream.arn, id);
                match provider.unwrap(&row.wrapped, &context).await {
                    Ok(key) => drop(opened.insert(row.number, key)),
                    Err(error) => faults.push((row.number, error)),
                }
            }
            checked.found.data_keys_opened = opened.len() as u64;
            checked.keys = opened;
            for (number, error) in faults {
                let kind = match error {
                    // The key itself does not open: damaged, or its stream's row is not what it was.
                    KmsError::Validation(_) => FindingKind::Damage,
                    _ => FindingKind::Note,
                };
                let message = format!("data key {number} does not open: {error}");
                self.find(kind, Some(id), None, "catalog.db", message);
            }
        }
        Ok(())
    }

    /// Files that no row names, and rows without a file.
    fn chunks(&mut self) {
        let rows = match self.at_rest.catalogue().and_then(|catalogue| catalogue.all_chunks()) {
            Ok(rows) => rows,
            Err(error) => {
                self.find(FindingKind::Damage, None, None, "catalog.db", error.message().to_owned());
                Vec::new()
            }
        };
        let garbage: HashSet<String> = self
            .at_rest
            .catalogue()
            .and_then(|catalogue| catalogue.garbage())
            .unwrap_or_default()
            .into_iter()
            .collect();
        let mut files = chunk_files(&self.at_rest.chunks());
        for row in rows {
            let there = files.remove(&row.object);
            let indexed = files.remove(&index_object(&row.object));
            // Where a stream's own row is damaged, the records still tell of themselves.
            if self.streams.contains_key(&row.stream) || !self.only_some {
                self.chunk(&row, there);
                if indexed {
                    self.index(&row);
                }
            }
        }
        if self.only_some {
            return;
        }
        let mut orphans: Vec<String> = files.into_iter().collect();
        orphans.sort();
        for object in orphans {
            let why = if garbage.contains(&object) {
                "it has expired or was deleted, and its bytes are still to be removed"
            } else {
                "no row of the catalogue names it: it was never published or was deleted, and goes at the next start"
            };
            self.find(FindingKind::Orphan, None, None, &format!("chunks/{object}"), why.to_owned());
        }
    }

    fn find(
        &mut self,
        kind: FindingKind,
        stream: Option<StreamId>,
        fragment: Option<FragmentNumber>,
        place: &str,
        message: String,
    ) {
        let name = stream
            .and_then(|id| self.streams.get(&id))
            .map(|checked| checked.row.stream.arn.name().to_string());
        self.report.findings.push(Finding {
            kind,
            stream: stream.map(|id| id.to_string()),
            name,
            fragment: fragment.map(|number| number.to_string()),
            place: place.to_owned(),
            message,
        });
    }

    /// Counts a fragment, and says what is wrong with it.
    fn judge(
        &mut self,
        stream: StreamId,
        number: FragmentNumber,
        place: &str,
        outcome: Result<(), String>,
        opened: bool,
    ) {
        let intact = outcome.is_ok();
        if let Err(reason) = outcome {
            self.find(FindingKind::Damage, Some(stream), Some(number), place, reason);
        }
        let total = &mut self.report;
        total.fragments_intact += u64::from(intact);
        total.fragments_damaged += u64::from(!intact);
        total.fragments_without_key += u64::from(intact && !opened);
        if let Some(checked) = self.streams.get_mut(&stream) {
            checked.found.fragments_intact += u64::from(intact);
            checked.found.fragments_damaged += u64::from(!intact);
            checked.numbers.push(number);
        }
    }

    fn read(&mut self, bytes: u64) {
        self.done_bytes += bytes;
        self.report.bytes_read += bytes;
        (self.progress)(Progress {
            done_bytes: self.done_bytes,
            total_bytes: self.total_bytes.max(self.done_bytes),
        });
    }

    fn finish(mut self) -> CheckReport {
        for checked in self.streams.into_values() {
            let Checked { mut numbers, mut found, .. } = checked;
            numbers.sort_unstable();
            numbers.dedup();
            let gaps = numbers.windows(2).filter_map(|pair| Gap::between(pair[0], pair[1]));
            for gap in gaps {
                found.numbers_skipped += gap.numbers;
                if found.gaps.len() < GAPS {
                    found.gaps.push(gap);
                }
            }
            found.first = numbers.first().map(ToString::to_string);
            found.last = numbers.last().map(ToString::to_string);
            self.report.streams.push(found);
        }
        self.report.streams.sort_by(|one, other| one.arn.cmp(&other.arn));
        self.report
    }
}

fn is_named(stream: &Stream, name: &str) -> bool {
    stream.arn.name().as_str() == name || stream.arn.to_string() == name || stream.id.to_string() == name
}

/// Names of the files below `chunks/`, as rows have them.
fn chunk_files(root: &Path) -> HashSet<String> {
    let mut files = HashSet::new();
    for prefix in names(root) {
        for stream in names(&root.join(&prefix)) {
            for name in names(&root.join(&prefix).join(&stream)) {
                files.insert(format!("{prefix}/{stream}/{name}"));
            }
        }
    }
    files
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn tree_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => tree_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}
