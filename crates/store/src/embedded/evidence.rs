//! Is this catalogue the newest one that there was? Asked at every start, before anything in the directory is changed.
//!
//! Whatever is written outside of the catalogue is preceded by a commit: the epoch before everything, a stream and its
//! key before a record that is sealed under it, a block of numbers before a number of it, a chunk's row before the
//! journal lets go of its fragments. So what is found without that commit proves that commits are missing: the file is
//! an old copy, or its write-ahead log is gone. Source: docs/storage.md section 6, *Open*.

use super::catalogue::{Known, KnownStream};
use super::chunk_store::{ChunkStore, Described};
use super::last_time::last_time_of;
use super::pages::FoundPages;
use super::recovery::Recovered;
use crate::stream_rules::expires_before;
use crate::{ErrorKind, Located, StoreError, StreamId};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use tympan_types::{FragmentNumber, ServerTime, WallTime};

/// A clock that is further ahead than this of the newest fragment expires nothing that no row names.
const TRUSTED_AHEAD_MS: i64 = 3_600_000;

/// What is to be done with chunks that no row names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unnamed {
    /// Superfluous: to be removed.
    pub(super) superfluous: Vec<String>,
    /// To be moved to `lost+found`, and why.
    pub(super) lost: Vec<(String, String)>,
    /// Of a catalogue with damaged rows, or perhaps expired: to be left where they are.
    pub(super) kept: Vec<String>,
    /// Rows whose file is not there.
    pub(super) missing: Vec<String>,
    /// Side files whose chunk is not there.
    pub(super) orphaned_indexes: Vec<String>,
}

/// What lies beside the catalogue.
pub(super) struct Evidence<'a> {
    pub(super) dir: &'a Path,
    pub(super) journal: &'a Recovered,
    pub(super) pages: &'a FoundPages,
    pub(super) chunks: &'a ChunkStore,
    pub(super) now: WallTime,
}

impl Evidence<'_> {
    /// Compares everything with the catalogue.
    ///
    /// # Errors
    /// If the catalogue is proved to be old: then nothing may be changed.
    pub(super) fn judge(&self, known: &mut Known) -> Result<Unnamed, StoreError> {
        let epoch = self.journal.epoch.max(self.pages.epoch());
        if known.epoch_is_sound {
            self.check_epoch(known, epoch, "a journal segment or a page of streams/")?;
        } else {
            known.epoch = known.epoch.max(epoch.saturating_add(1));
        }
        // It is made before the first stream, and never removed.
        if self.journal.is_missing && !known.streams.is_empty() {
            return Err(StoreError::internal(format!(
                "{dir}/journal is missing: is its file system mounted? If it is lost, and with it the fragments of the last \
                 minutes, restore {dir} from a backup, or create the folder, empty, and start again",
                dir = self.dir.display()
            )));
        }
        let compared = self.chunks.compare(&known.chunks)?;
        if compared.is_empty && !known.chunks.is_empty() {
            let message = format!(
                "{} holds nothing, and the catalogue names {} chunks in it: is its file system mounted? If they are \
                 lost, restore the directory from a backup, or go on without them after `tympan streams rebuild {}`",
                self.chunks.root().display(),
                known.chunks.len(),
                self.dir.display()
            );
            return Err(StoreError::internal(message));
        }
        let mut unnamed = Unnamed {
            missing: compared.missing,
            orphaned_indexes: compared.orphaned_indexes,
            ..Unnamed::default()
        };
        let in_journal = self.journalled();
        if known.whole {
            self.check_records(known)?;
        }
        let now = Now::of(self, known);
        for object in compared.unnamed {
            if !known.whole {
                unnamed.kept.push(object);
            } else if known.garbage.contains(&object) {
                unnamed.superfluous.push(object);
            } else {
                self.judge_chunk(known, &in_journal, &now, object, &mut unnamed)?;
            }
        }
        Ok(unnamed)
    }

    fn check_epoch(&self, known: &Known, found: u64, what: &str) -> Result<(), StoreError> {
        if found < known.epoch {
            return Ok(());
        }
        Err(self.old(&format!(
            "{what} was written by the {found}th opening of the directory, and catalog.db knows of {} only",
            known.epoch.saturating_sub(1)
        )))
    }

    /// Every record's stream, number and key were committed before it was sealed.
    fn check_records(&self, known: &Known) -> Result<(), StoreError> {
        #[derive(Default)]
        struct Checked {
            highest: u64,
            keys: HashSet<u32>,
            epoch: u64,
        }
        let mut checked: HashMap<StreamId, Checked> = HashMap::new();
        for record in &self.journal.records {
            let stream = checked.entry(record.stream).or_default();
            stream.highest = stream.highest.max(record.meta.number.sequence());
            stream.keys.insert(record.key);
            stream.epoch = stream.epoch.max(self.journal.epoch_of(record.loc.segment));
        }
        for (id, Checked { highest, keys, epoch }) in checked {
            match known.streams.get(&id) {
                Some(stream) => self.check_sealed(id, stream, highest, &keys, "the journal")?,
                None if known.deleted.contains(&id) || epoch < known.logged_since => {}
                None => {
                    return Err(self.old(&format!(
                        "the journal holds fragments of stream {id}, which catalog.db neither has nor has deleted"
                    )));
                }
            }
        }
        Ok(())
    }

    fn check_sealed(
        &self,
        id: StreamId,
        stream: &KnownStream,
        highest: u64,
        keys: &HashSet<u32>,
        place: &str,
    ) -> Result<(), StoreError> {
        if highest > stream.reserved_through {
            return Err(self.old(&format!(
                "{place} holds fragment {highest} of stream {id}, and catalog.db has given out numbers up to {} only",
                stream.reserved_through
            )));
        }
        match keys.difference(&stream.keys).next() {
            None => Ok(()),
            Some(key) => Err(self.old(&format!(
                "{place} holds fragments of stream {id} that are sealed under data key {key}, which catalog.db lacks"
            ))),
        }
    }

    fn judge_chunk(
        &self,
        known: &Known,
        in_journal: &Journalled<'_>,
        now: &Now,
        object: String,
        unnamed: &mut Unnamed,
    ) -> Result<(), StoreError> {
        let named = ObjectName::parse(&object);
        if let Some(name) = &named {
            if known.deleted.contains(&name.stream) {
                unnamed.superfluous.push(object);
                return Ok(());
            }
            self.check_epoch(known, name.epoch, &format!("chunk {object}"))?;
        }
        let described = match self.chunks.describe(&object)? {
            Some(described) => described,
            // Chunks are made of what is in the journal, the oldest first, and the journal forgets the oldest first.
            None if named.is_some_and(|name| in_journal.has(name.stream, name.first)) => {
                unnamed.superfluous.push(object);
                return Ok(());
            }
            None => {
                unnamed.lost.push((object, "it is damaged, and no row of the catalogue names it".to_owned()));
                return Ok(());
            }
        };
        let Described { row, parts, epoch } = described;
        let id = row.stream;
        if known.deleted.contains(&id) {
            unnamed.superfluous.push(object);
            return Ok(());
        }
        self.check_epoch(known, epoch, &format!("chunk {object}"))?;
        let Some(stream) = known.streams.get(&id) else {
            if epoch < known.logged_since {
                unnamed.lost.push((object, "its stream is not known".to_owned()));
                return Ok(());
            }
            return Err(self.old(&format!(
                "chunk {object} belongs to stream {id}, which catalog.db neither has nor has deleted"
            )));
        };
        let keys: HashSet<u32> = parts.iter().map(|part| part.key).collect();
        self.check_sealed(id, stream, row.last.sequence(), &keys, &format!("chunk {object}"))?;
        let mut certain = true;
        for part in &parts {
            if in_journal.has(id, part.meta.number) {
                continue;
            }
            match now.expired(stream, part.meta.server) {
                Expired::Yes => {}
                Expired::ByAClockThatIsAhead => certain = false,
                Expired::No => {
                    return Err(self.old(&format!(
                        "catalog.db has no row for chunk {object}, whose fragment {} stands nowhere else",
                        part.meta.number
                    )));
                }
            }
        }
        if certain {
            unnamed.superfluous.push(object)
        } else {
            unnamed.kept.push(object)
        }
        Ok(())
    }

    fn journalled(&self) -> Journalled<'_> {
        let mut found = Journalled(HashMap::new());
        for record in &self.journal.records {
            found.0.entry(record.stream).or_default().push(record);
        }
        for records in found.0.values_mut() {
            records.sort_unstable_by_key(|record| record.meta.number);
        }
        found
    }

    fn old(&self, proof: &str) -> StoreError {
        StoreError::new(
            ErrorKind::Internal,
            format!(
                "catalog.db in {dir} is older than what lies beside it: {proof}. Nothing was changed. Put the newest \
                 catalog.db and its catalog.db-wal back, restore the whole directory from a backup, or make the \
                 catalogue anew from the other files with `tympan streams rebuild {dir}`",
                dir = self.dir.display()
            ),
        )
    }
}

/// The journal's records, by stream and number.
struct Journalled<'a>(HashMap<StreamId, Vec<&'a Located>>);

impl Journalled<'_> {
    fn has(&self, stream: StreamId, number: FragmentNumber) -> bool {
        self.0
            .get(&stream)
            .is_some_and(|records| records.binary_search_by_key(&number, |record| record.meta.number).is_ok())
    }
}

/// What the name of a chunk says.
pub(super) struct ObjectName {
    pub(super) stream: StreamId,
    pub(super) first: FragmentNumber,
    pub(super) epoch: u64,
}

impl ObjectName {
    /// Of `<2 hex>/<stream>/<first>-<epoch>-<serial>.chunk`.
    pub(super) fn parse(object: &str) -> Option<Self> {
        let mut parts = object.split('/').skip(1);
        let stream = parts.next()?.parse::<uuid::Uuid>().ok()?;
        let mut words = parts.next()?.strip_suffix(".chunk")?.split('-');
        let (first, epoch) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { stream: StreamId::from_bytes(stream.into_bytes()), first, epoch })
    }
}

/// The time, and how far it is to be trusted.
struct Now {
    clock: WallTime,
    trusted: WallTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expired {
    Yes,
    ByAClockThatIsAhead,
    No,
}

impl Now {
    fn of(evidence: &Evidence<'_>, known: &Known) -> Self {
        let chunked = known.streams.values().map(|stream| stream.newest_server.unix_ms());
        let journalled = evidence.journal.records.iter().map(|record| record.meta.server.unix_ms());
        let remembered = last_time_of(evidence.dir).map(WallTime::unix_ms);
        let newest_ms = chunked.chain(journalled).chain(remembered).max().unwrap_or(i64::MIN);
        let trusted_ms = newest_ms.saturating_add(TRUSTED_AHEAD_MS).min(evidence.now.unix_ms());
        Self { clock: evidence.now, trusted: WallTime::from_unix_ms(trusted_ms) }
    }

    fn expired(&self, stream: &KnownStream, server: ServerTime) -> Expired {
        let by = |now| server <= expires_before(stream.retention_hours, stream.expired_through, now);
        match (by(self.trusted), by(self.clock)) {
            (true, _) => Expired::Yes,
            (false, true) => Expired::ByAClockThatIsAhead,
            (false, false) => Expired::No,
        }
    }
}
