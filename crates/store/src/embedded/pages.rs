//! The directory `streams/`: one page for each stream, written before the catalogue says the same.
//!
//! A page is never changed in place: another file is written, synced, renamed over it, and the directory synced; then the
//! file that was replaced is overwritten with zeros, for it holds wrapped keys. A page is erased the same way: zeros,
//! fdatasync, unlink, fsync of the directory. Source: docs/storage.md section 6.

use super::disk::{Disk, DiskFile, read_range};
use super::page::{Page, PageError};
use crate::{StoreError, StreamId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// More is no page: a key for every day of a century is less.
const MOST_BYTES: u64 = 64 << 20;

/// The pages of an open store.
pub(super) struct Pages {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Streams that are deleted and whose page could not be erased. Held while the directory is changed.
    unerased: Mutex<BTreeSet<StreamId>>,
}

/// What was read at a start.
#[derive(Debug, Default)]
pub(super) struct FoundPages {
    pub(super) pages: HashMap<StreamId, Result<Page, PageError>>,
    /// Files that a page was being written to.
    leftovers: Vec<String>,
}

/// What a start did to the pages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Streams whose page was missing, or damaged.
    pub(super) made_anew: Vec<(StreamId, &'static str)>,
    pub(super) rewritten: u64,
    pub(super) erased: u64,
}

impl FoundPages {
    /// The newest epoch that any page names.
    pub(super) fn epoch(&self) -> u64 {
        self.intact().map(|page| page.epoch).max().unwrap_or(0)
    }

    pub(super) fn intact(&self) -> impl Iterator<Item = &Page> {
        self.pages.values().filter_map(|page| page.as_ref().ok())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = StreamId> {
        self.pages.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }
}

/// Reads all pages, and changes nothing. A directory that is not there has none.
pub(super) fn read_pages(disk: &dyn Disk, dir: &Path) -> Result<FoundPages, StoreError> {
    let failed = |error: io::Error| StoreError::io(format_args!("read {}", dir.display()), &error);
    let names = match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundPages::default()),
        names => names.map_err(failed)?,
    };
    let mut found = FoundPages::default();
    for name in names {
        if name.ends_with(".new") {
            found.leftovers.push(name);
        } else if let Some(id) = name.strip_suffix(".stream").and_then(|id| Uuid::try_parse(id).ok()) {
            let id = StreamId::from_bytes(id.into_bytes());
            found.pages.insert(id, read_page(disk, &dir.join(&name), id).map_err(failed)?);
        }
    }
    Ok(found)
}

fn read_page(disk: &dyn Disk, path: &Path, id: StreamId) -> io::Result<Result<Page, PageError>> {
    let file = disk.open(path)?;
    let length = file.len()?;
    if length > MOST_BYTES {
        return Ok(Err(PageError::Content));
    }
    let page = Page::parse(&read_range(&*file, 0, length)?);
    Ok(page.and_then(|page| if page.stream.id == id { Ok(page) } else { Err(PageError::Content) }))
}

impl Pages {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), unerased: Mutex::default() }
    }

    /// Makes a page durable, in the place of the one before.
    pub(super) fn write(&self, page: &Page) -> Result<(), StoreError> {
        let _alone = self.alone();
        self.replace(page)
    }

    fn replace(&self, page: &Page) -> Result<(), StoreError> {
        let id = page.stream.id;
        let (path, beside) = (self.path(id), self.beside(id));
        let write = || {
            self.erase_file(&beside)?;
            let file = self.disk.create(&beside)?;
            file.write_all_at(&page.encode(), 0)?;
            file.sync_data()?;
            let before = match self.disk.open_to_write(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                before => Some(before?),
            };
            self.disk.rename(&beside, &path)?;
            self.disk.sync_dir(&self.dir)?;
            // It has no name and no reader any more; its blocks still hold the keys.
            match before {
                Some(before) => overwrite(&*before),
                None => Ok(()),
            }
        };
        write().map_err(|error| {
            let _ = self.erase_file(&beside);
            StoreError::io(format_args!("write {}", path.display()), &error)
        })
    }

    /// Erases the page of a stream that is deleted. Fails for as long as any such page is left.
    pub(super) fn erase(&self, id: StreamId) -> Result<(), StoreError> {
        let mut unerased = self.alone();
        unerased.insert(id);
        self.erase_all(&mut unerased)
    }

    /// Tries again what could not be erased.
    pub(super) fn finish_erasing(&self) -> Result<(), StoreError> {
        self.erase_all(&mut self.alone())
    }

    fn erase_all(&self, unerased: &mut BTreeSet<StreamId>) -> Result<(), StoreError> {
        while let Some(id) = unerased.first().copied() {
            let erased = self.erase_file(&self.path(id)).and_then(|()| self.erase_file(&self.beside(id)));
            erased.map_err(|error| {
                let message = format_args!("erase the keys of deleted stream {id} in {}", self.dir.display());
                StoreError::io(message, &error)
            })?;
            unerased.remove(&id);
        }
        Ok(())
    }

    fn erase_file(&self, path: &Path) -> io::Result<()> {
        erase_file(&*self.disk, path, &self.dir)
    }

    /// Erases pages that were found at a start, and what was being written. Returns how many pages.
    pub(super) fn erase_found(
        &self,
        found: &FoundPages,
        goes: impl Fn(StreamId) -> bool,
    ) -> Result<u64, StoreError> {
        let mut unerased = self.alone();
        for name in &found.leftovers {
            let path = self.dir.join(name);
            self.erase_file(&path)
                .map_err(|error| StoreError::io(format_args!("erase {}", path.display()), &error))?;
        }
        let gone: Vec<StreamId> = found.ids().filter(|id| goes(*id)).collect();
        let erased = gone.len() as u64;
        unerased.extend(gone);
        self.erase_all(&mut unerased).map(|()| erased)
    }

    /// Brings what was found at a start in step with the catalogue.
    pub(super) fn settle(
        &self,
        found: &FoundPages,
        rows: &BTreeMap<StreamId, Page>,
    ) -> Result<Settled, StoreError> {
        let erased = self.erase_found(found, |id| !rows.contains_key(&id))?;
        let mut settled = Settled { erased, ..Settled::default() };
        let _alone = self.alone();
        for (id, row) in rows {
            match found.pages.get(id) {
                Some(Ok(page)) if page.says_the_same(row) => continue,
                Some(Ok(_)) => settled.rewritten += 1,
                Some(Err(_)) => settled.made_anew.push((*id, "damaged")),
                None => settled.made_anew.push((*id, "missing")),
            }
            self.replace(row)?;
        }
        Ok(settled)
    }

    fn path(&self, id: StreamId) -> PathBuf {
        self.dir.join(format!("{id}.stream"))
    }

    fn beside(&self, id: StreamId) -> PathBuf {
        self.dir.join(format!("{id}.new"))
    }

    fn alone(&self) -> MutexGuard<'_, BTreeSet<StreamId>> {
        self.unerased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Zeros, fdatasync, unlink, fsync of its directory; nothing, where there is no such file.
pub(super) fn erase_file(disk: &dyn Disk, path: &Path, dir: &Path) -> io::Result<()> {
    let file = match disk.open_to_write(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    overwrite(&*file)?;
    disk.remove(path)?;
    disk.sync_dir(dir)
}

/// Makes zeros of all that a file holds.
fn overwrite(file: &dyn DiskFile) -> io::Result<()> {
    let length = file.len()?;
    let zeros = vec![0; usize::try_from(length.min(1 << 20)).unwrap_or(0)];
    let mut at = 0;
    while at < length {
        let piece = usize::try_from((length - at).min(zeros.len() as u64)).unwrap_or(0);
        file.write_all_at(&zeros[..piece], at)?;
        at += piece as u64;
    }
    file.sync_data()
}
