//! A start: look, judge, and only then change anything. Source: docs/storage.md section 6, *Open*.

use super::catalogue::{Catalogue, Database, IfNew};
use super::chunk_store::ChunkStore;
use super::directory::{self, Directory, Format};
use super::disk::{Disk, FileDisk};
use super::evidence::{Evidence, Unnamed};
use super::journal::{Journal, SegmentLimits};
use super::last_time::LastTime;
use super::lost_found;
use super::machine_clock::MachineClock;
use super::newest_segment::{self, NewestSegment};
use super::pages::{FoundPages, Pages, read_pages};
use super::recovery::{Recovered, recover};
use super::reserve::Reserve;
use super::segment_list::{EMPTIED, FoundList, SegmentList};
use super::{EmbeddedBackend, EmbeddedOptions, RecoveryReport};
use crate::gone::is_erased;
use crate::stream_rules::sort_recovered;
use crate::{Clock, Located, StoreError};
use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use tympan_types::WallTime;

impl EmbeddedBackend {
    /// Opens the directory, creating it where there is none, and recovers what an earlier process left.
    ///
    /// # Errors
    /// `Fenced` while another process has it open; `Corrupt` where the catalogue is missing or cannot be used;
    /// `Internal` for an unknown format, an old catalogue or a failing disk. Nothing is changed then.
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let directory = Directory::open(path)?;
        let database = Database::file(&directory.catalogue());
        Self::open_on(Arc::new(FileDisk::new()), directory, database, Arc::new(MachineClock::new()), options)
    }

    /// As [`Self::open`], on any disk and by any clock.
    pub(super) fn open_on(
        disk: Arc<dyn Disk>,
        mut directory: Directory,
        database: Database,
        clock: Arc<dyn Clock>,
        options: EmbeddedOptions,
    ) -> Result<Self, StoreError> {
        let path = directory.path().to_owned();
        let opening = Opening::look(disk.clone(), &directory)?;
        let reserve = Reserve::find(disk.clone(), &directory.reserve(), options.reserve_bytes);
        let now = options.now.unwrap_or_else(|| clock.now());
        let (catalogue, unnamed) = opening.open_catalogue(&database, &directory, &reserve, now)?;
        if opening.format == Format::Absent {
            directory::write_format(&*disk, directory.path())?;
        }
        directory.create_folders(&*disk)?;
        opening.journal.tidy(&*disk, &directory.journal())?;

        let (epoch, streams) = (catalogue.epoch(), directory.streams());
        let chunks = ChunkStore::new(disk.clone(), &directory.chunks(), epoch);
        let pages = Pages::new(disk.clone(), &streams);
        let mut report = RecoveryReport {
            journal: opening.journal_damage(&catalogue, directory.path())?,
            missing_chunks: unnamed.missing.clone(),
            catalogue: catalogue.damage().to_vec(),
            ..RecoveryReport::default()
        };
        opening.settle_pages(&catalogue, &pages, &mut report)?;
        settle_chunks(&*disk, directory.path(), &catalogue, &chunks, &unnamed, &mut report)?;
        report.log();
        let cut_off_bytes = opening.journal.cut_off_bytes;
        if cut_off_bytes > 0 {
            tracing::warn!(
                cut_off_bytes,
                "the journal ends in a group that is not whole: after a power cut or a kill nothing in it was acknowledged; if the \
                 newest file in journal/ was shortened since, its last fragments are missing: restore that file from a backup"
            );
        }

        // Only now: what it said before is known.
        let list = opening.list_segments(&catalogue, &directory, &reserve)?;
        let limits = SegmentLimits { bytes: options.segment_bytes, age: options.segment_age };
        let journal = Journal::new(disk.clone(), &directory.journal(), epoch, limits, &opening.journal, list)
            .timed_by(clock);
        let recovered = opening.alive(&catalogue, &journal)?;
        reserve.hold();
        Ok(Self {
            directory: Mutex::new(Some(directory)),
            last_time: LastTime::new(disk.clone(), &path),
            disk: disk.clone(),
            deleting: RwLock::default(),
            catalogue,
            journal,
            chunks,
            pages,
            unnamed: Mutex::default(),
            sweeping: Mutex::default(),
            reserve,
            recovered: Mutex::new(recovered),
            report,
            cut_off_bytes,
            newest_segment: NewestSegment::new(disk.clone(), &path),
            path,
        })
    }
}

/// What is in the directory, before anything is changed.
struct Opening {
    disk: Arc<dyn Disk>,
    format: Format,
    journal: Recovered,
    pages: FoundPages,
    /// Where the chunks are looked at; nothing is written by it.
    chunks: ChunkStore,
}

impl Opening {
    fn look(disk: Arc<dyn Disk>, directory: &Directory) -> Result<Self, StoreError> {
        let format = directory::read_format(&*disk, directory.path())?;
        let journal = recover(&*disk, &directory.journal(), format)?;
        let pages = read_pages(&*disk, &directory.streams())?;
        let chunks = ChunkStore::new(disk.clone(), &directory.chunks(), 0);
        let opening = Self { disk, format, journal, pages, chunks };
        let path = directory.catalogue();
        let length = match opening.disk.open(&path).and_then(|file| file.len()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            length => Some(
                length.map_err(|error| StoreError::io(format_args!("read {}", path.display()), &error))?,
            ),
        };
        let what = match length {
            None => "missing",
            // SQLite would take it for a new database, and remove its log.
            Some(0) => "empty",
            Some(_) => return Ok(opening),
        };
        if opening.is_new()? {
            return Ok(opening);
        }
        Err(StoreError::corrupt(format!(
            "{} is {what}, but there are data beside it: an absent catalogue is not a new installation. Put it back with its \
             catalog.db-wal, restore the whole directory from a backup, or make it anew from the other files with \
             `tympan streams rebuild {}`",
            path.display(),
            directory.path().display()
        )))
    }

    /// Nothing that a store writes is there. Keys, settings and the rest of a prepared installation are others'.
    fn is_new(&self) -> Result<bool, StoreError> {
        let nothing = self.format == Format::Absent
            && self.journal.segments.is_empty()
            && self.journal.unborn.is_none()
            && self.journal.list == FoundList::Missing
            && self.pages.is_empty();
        Ok(nothing && self.chunks.compare(&Default::default())?.unnamed.is_empty())
    }

    /// Opens the catalogue if it is the newest one. Nothing has been changed before its commit but `FORMAT`.
    fn open_catalogue(
        &self,
        database: &Database,
        directory: &Directory,
        reserve: &Reserve,
        now: WallTime,
    ) -> Result<(Catalogue, Unnamed), StoreError> {
        let dir = directory.path();
        let new = if self.is_new()? { IfNew::Create } else { IfNew::Refuse };
        let (mut unnamed, judged, refused) = (Unnamed::default(), Cell::new(false), Cell::new(false));
        let mut open = || {
            Catalogue::open_in(database.clone(), new, &mut |known| {
                let evidence =
                    Evidence { dir, journal: &self.journal, pages: &self.pages, chunks: &self.chunks, now };
                judged.set(true);
                unnamed = evidence.judge(known).inspect_err(|_| refused.set(true))?;
                match self.format {
                    Format::Earlier => {
                        tracing::info!(path = %dir.display(), "the data directory is upgraded");
                        // A directory of this format that has segments has the list of them.
                        if !self.journal.is_missing {
                            let mut list =
                                SegmentList::new(self.disk.clone(), &directory.journal(), self.journal.list);
                            self.journal.write_list(&mut list, self.journal.epoch)?;
                        }
                        directory::write_format(&*self.disk, dir)
                    }
                    Format::Previous => {
                        tracing::info!(path = %dir.display(), "the data directory is upgraded");
                        directory::write_format(&*self.disk, dir)
                    }
                    _ => Ok(()),
                }
            })
        };
        let opened = open();
        let catalogue = match opened {
            // SQLite has several names for a disk that has no room for its log.
            Err(error)
                if !refused.get() && error.kind() != &crate::ErrorKind::Corrupt && reserve.give_up() =>
            {
                open()?
            }
            opened => opened?,
        };
        if !judged.get() {
            // Its pages do not hold together: what it does not name may be what it cannot name.
            let named = catalogue.as_far_as_it_goes(catalogue.objects())?;
            unnamed.missing = self.chunks.compare(&named)?.missing;
        }
        directory.sync(&*self.disk)?;
        Ok((catalogue, unnamed))
    }

    /// The list of the segments that there are. Where the catalogue takes no changes it stays as it was found.
    fn list_segments(
        &self,
        catalogue: &Catalogue,
        directory: &Directory,
        reserve: &Reserve,
    ) -> Result<SegmentList, StoreError> {
        let mut list = SegmentList::new(self.disk.clone(), &directory.journal(), self.journal.list);
        if catalogue.check_takes_changes().is_err() {
            return Ok(list);
        }
        let mut written = self.journal.write_list(&mut list, catalogue.epoch());
        if written.is_err() && reserve.give_up() {
            written = self.journal.write_list(&mut list, catalogue.epoch());
        }
        match written {
            // It is written again before the next segment is used.
            Err(error) if list.is_usable() => {
                tracing::warn!(%error, "the list of segments stays as it was found")
            }
            written => written?,
        }
        Ok(list)
    }

    /// What is said of the journal; that it was emptied shows by the streams alone.
    fn journal_damage(&self, catalogue: &Catalogue, dir: &Path) -> Result<Vec<String>, StoreError> {
        let mut damage = self.journal.damage.clone();
        if self.journal.is_emptied() {
            let streams = catalogue.as_far_as_it_goes(catalogue.chunked_through())?;
            if !streams.is_empty() {
                damage.push(EMPTIED.to_owned());
            }
        }
        damage.extend(newest_segment::compare(&*self.disk, dir, self.journal.newest()));
        Ok(damage)
    }

    fn settle_pages(
        &self,
        catalogue: &Catalogue,
        pages: &Pages,
        report: &mut RecoveryReport,
    ) -> Result<(), StoreError> {
        if !catalogue.damage().is_empty() {
            // A stream whose row is damaged has its page still; one that was deleted has none.
            let deleted = catalogue.as_far_as_it_goes(catalogue.deleted_ids()).unwrap_or_default();
            return pages.erase_found(&self.pages, |id| deleted.contains(&id)).map(drop);
        }
        let settled = pages.settle(&self.pages, &catalogue.all_pages()?)?;
        if matches!(self.format, Format::Previous | Format::Current) {
            let name =
                |(id, what): &(_, &str)| format!("the page of stream {id} was {what} and is made anew");
            report.pages = settled.made_anew.iter().map(name).collect();
        }
        if settled.rewritten + settled.erased > 0 {
            let (rewritten, erased) = (settled.rewritten, settled.erased);
            tracing::info!(rewritten, erased, "pages of streams are in step with the catalogue again");
        }
        Ok(())
    }

    /// Records that no chunk holds yet and that are not erased; the others are counted as dead.
    fn alive(&self, catalogue: &Catalogue, journal: &Journal) -> Result<Vec<Located>, StoreError> {
        let whole = catalogue.damage().is_empty();
        let chunked_through = catalogue.as_far_as_it_goes(catalogue.chunked_through())?;
        let erased = catalogue.as_far_as_it_goes(catalogue.all_erased())?;
        let is_gone = |located: &Located| {
            erased.get(&located.stream).is_some_and(|erased| is_erased(erased, located.meta.number))
        };
        let (mut alive, mut dead) = (Vec::new(), Vec::new());
        for located in &self.journal.records {
            match chunked_through.get(&located.stream) {
                Some(through) if located.meta.number > *through && !is_gone(located) => alive.push(*located),
                None if !whole => {}
                _ => dead.push(located.loc),
            }
        }
        journal.release(&dead);
        sort_recovered(&mut alive);
        Ok(alive)
    }
}

/// Does with the chunks that no row names what was decided about them.
fn settle_chunks(
    disk: &dyn Disk,
    dir: &Path,
    catalogue: &Catalogue,
    chunks: &ChunkStore,
    unnamed: &Unnamed,
    report: &mut RecoveryReport,
) -> Result<(), StoreError> {
    for object in &unnamed.superfluous {
        tracing::info!(%object, "a chunk that was never published, has expired or was deleted is removed");
        chunks.remove(object)?;
    }
    // A damaged catalogue deletes nothing.
    if catalogue.damage().is_empty() {
        chunks.remove_index_files(&unnamed.orphaned_indexes)?;
    }
    for (object, why) in &unnamed.lost {
        report.lost.push(match lost_found::take(disk, dir, chunks, object) {
            Ok(to) => format!("chunk {object} is moved to {}: {why}", to.display()),
            Err(error) => format!("chunk {object} is left where it is: {why} ({error})"),
        });
    }
    for object in &unnamed.kept {
        if catalogue.damage().is_empty() {
            tracing::warn!(%object, "no row names this chunk; by a clock that is far ahead it has expired, so it stays");
        } else if let Some(described) = chunks.describe(object)?
            && catalogue.name_again(&described.row)?
        {
            report.catalogue.push(format!("the row of chunk {object} is made anew from its file"));
        }
    }
    Ok(())
}
