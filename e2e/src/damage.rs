//! What may happen to a file or a directory of a data folder while no server runs on it.

use crate::folder::{Folder, copy, files, remove};
use anyhow::Context;
use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One thing that happened to one path.
#[derive(Debug, Clone)]
pub struct Damage {
    /// Below the data folder.
    pub path: PathBuf,
    /// What was done to it.
    pub deed: Deed,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It is gone.
    Removed,
    /// A file of no bytes, a directory without entries.
    Emptied,
    /// The first half of the bytes, every other entry.
    Halved,
    /// A copy from before the last start; of a database, its log too.
    BeforeRestart,
    /// A copy from after the last start; of a database, its log too.
    BeforeKill,
    /// One bit is another one.
    Flipped {
        /// Which byte.
        at: u64,
        /// Which bit of it.
        bit: u8,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.path.display(), self.deed)
    }
}

impl Damage {
    /// Does it to a copy of the folder. False where that changes nothing.
    pub fn apply(&self, folder: &Folder, data: &Path) -> anyhow::Result<bool> {
        let path = data.join(&self.path);
        match self.deed {
            Deed::Removed => remove(&path)?,
            Deed::Emptied if path.is_dir() => {
                for entry in entries(&path)? {
                    remove(&entry)?;
                }
            }
            Deed::Emptied => truncate(&path, 0)?,
            Deed::Halved if path.is_dir() => {
                for entry in entries(&path)?.into_iter().step_by(2) {
                    remove(&entry)?;
                }
            }
            Deed::Halved => truncate(&path, path.metadata()?.len() / 2)?,
            Deed::BeforeRestart => self.replace(&folder.before_restart(), data)?,
            Deed::BeforeKill => self.replace(&folder.before_kill(), data)?,
            Deed::Flipped { at, bit } => {
                let file = OpenOptions::new().read(true).write(true).open(&path)?;
                let mut byte = [0];
                file.read_exact_at(&mut byte, at)?;
                file.write_all_at(&[byte[0] ^ (1 << bit)], at)?;
            }
        }
        for touched in self.touched() {
            if !same(&folder.data().join(&touched), &data.join(&touched))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes up for it.
    pub fn undo(&self, folder: &Folder, data: &Path) -> anyhow::Result<()> {
        for touched in self.touched() {
            remove(&data.join(&touched))?;
            if folder.data().join(&touched).exists() {
                copy(&folder.data().join(&touched), &data.join(&touched))?;
            }
        }
        Ok(())
    }

    /// The paths that are not what they were.
    pub fn touched(&self) -> Vec<PathBuf> {
        let replaced = matches!(self.deed, Deed::BeforeRestart | Deed::BeforeKill);
        if replaced && self.path.extension().is_some_and(|extension| extension == "db") {
            let log = PathBuf::from(format!("{}-wal", self.path.display()));
            return vec![self.path.clone(), log];
        }
        vec![self.path.clone()]
    }

    fn replace(&self, older: &Path, data: &Path) -> anyhow::Result<()> {
        for touched in self.touched() {
            // What there was not at that time cannot come back from it.
            if older.join(&self.path).exists() {
                remove(&data.join(&touched))?;
                if older.join(&touched).exists() {
                    copy(&older.join(&touched), &data.join(&touched))?;
                }
            }
        }
        Ok(())
    }
}

/// Everything that a path may suffer, but for bit flips.
pub fn deeds(path: &Path) -> Vec<Damage> {
    [Deed::Removed, Deed::Emptied, Deed::Halved, Deed::BeforeRestart, Deed::BeforeKill]
        .map(|deed| Damage { path: path.to_owned(), deed })
        .to_vec()
}

/// Every file and directory of a folder, relative to it.
pub fn paths(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = files(folder)?;
    let mut folders: Vec<PathBuf> =
        paths.iter().flat_map(|file| file.ancestors().skip(1).map(Path::to_owned)).collect();
    folders.retain(|path| path.starts_with(folder) && path != folder);
    folders.sort();
    folders.dedup();
    paths.extend(folders);
    paths
        .iter()
        .map(|path| path.strip_prefix(folder).map(Path::to_owned).context("not below the folder"))
        .collect()
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

fn truncate(path: &Path, length: u64) -> anyhow::Result<()> {
    Ok(OpenOptions::new().write(true).open(path)?.set_len(length)?)
}

fn same(one: &Path, other: &Path) -> anyhow::Result<bool> {
    if one.is_dir() && other.is_dir() {
        let (these, those) = (files(one)?, files(other)?);
        if these.len() != those.len() {
            return Ok(false);
        }
        for (this, that) in these.iter().zip(&those) {
            if this.strip_prefix(one)? != that.strip_prefix(other)?
                || std::fs::read(this)? != std::fs::read(that)?
            {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    match (std::fs::read(one), std::fs::read(other)) {
        (Ok(one), Ok(other)) => Ok(one == other),
        (Err(_), Err(_)) => Ok(one.exists() == other.exists()),
        _ => Ok(false),
    }
}
