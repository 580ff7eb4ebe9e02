//! A file of lines that is put aside when it is full.

use super::LineFileOptions;
use super::file::LineFile;
use super::writer::LineSink;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const GROUP_BYTES: usize = 64 * 1024;
const DAY: Duration = Duration::from_secs(86_400);

/// The file that lines are appended to; opened when it is needed, on the thread that writes.
pub(super) struct RotatedFile {
    options: LineFileOptions,
    file: Option<LineFile>,
}

impl RotatedFile {
    pub(super) fn new(options: LineFileOptions) -> Self {
        Self { options, file: None }
    }

    fn file(&mut self) -> io::Result<&mut LineFile> {
        let file = match self.file.take() {
            Some(file) => file,
            None => LineFile::open(&self.options.path, self.options.mode)?,
        };
        Ok(self.file.insert(file))
    }

    fn put_aside(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.sync()?;
        }
        let kept = self.options.rotation.kept;
        for number in (1..kept).rev() {
            rename_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        match kept {
            0 => std::fs::remove_file(&self.options.path),
            _ => rename_if_there(&self.options.path, &self.aside(1)),
        }
    }

    /// Puts the file aside when it is a day old, and removes what was put aside too long ago.
    fn remove_old(&mut self, now: SystemTime, kept_for: Duration) -> io::Result<()> {
        let age = |at: io::Result<SystemTime>| at.ok().and_then(|at| now.duration_since(at).ok());
        match std::fs::metadata(&self.options.path) {
            // A file system that does not know when a file was made knows its last line.
            Ok(file)
                if file.is_file()
                    && file.len() > 0
                    && age(file.created().or_else(|_| file.modified())).is_some_and(|age| age >= DAY) =>
            {
                self.put_aside()?;
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for number in 1..=self.options.rotation.kept {
            let aside = self.aside(number);
            match std::fs::metadata(&aside) {
                Ok(file) if age(file.modified()).is_some_and(|age| age >= kept_for) => {
                    std::fs::remove_file(&aside)?;
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// `FILE.1` is the youngest of those that were put aside.
    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.options.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        self.options.path.with_file_name(name)
    }
}

impl LineSink for RotatedFile {
    fn open(&mut self) -> io::Result<()> {
        self.file().map(drop)
    }

    /// Puts the file aside before, if the lines would make it too large.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let limit_bytes = self.options.rotation.limit_bytes;
        let bytes = self.file()?.length()?;
        if bytes > 0 && bytes.saturating_add(lines.len() as u64) > limit_bytes {
            self.put_aside()?;
        }
        let file = self.file()?;
        let appended = file.append(lines);
        // A reader that is gone may come back, by another opening of the FIFO.
        if file.is_stream() && appended.as_ref().is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            self.file = None;
        }
        appended
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), LineFile::sync)
    }

    fn tend(&mut self) {
        let Some(kept_for) = self.options.rotation.kept_for else { return };
        if let Err(error) = self.remove_old(SystemTime::now(), kept_for) {
            tracing::warn!(%error, file = self.options.name, "lines that are too old could not be removed; it is tried again");
        }
    }

    fn group_bytes(&self) -> usize {
        usize::try_from(self.options.rotation.limit_bytes).unwrap_or(usize::MAX).min(GROUP_BYTES)
    }
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rotation;
    use super::*;

    #[test]
    fn lines_grow_no_older_than_the_longest_age_and_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let kept_for = 2 * DAY;
        let rotation = Rotation { limit_bytes: 1 << 20, kept: 3, kept_for: Some(kept_for) };
        let options =
            LineFileOptions { name: "lines", path: path.clone(), mode: 0o600, rotation, missing: |_| None };
        let mut file = RotatedFile::new(options);
        let aside = dir.path().join("lines.1");
        let now = SystemTime::now();
        file.append(b"one\n").unwrap();
        file.remove_old(now + DAY / 2, kept_for).unwrap();
        assert!(path.exists() && !aside.exists());
        file.remove_old(now + DAY + DAY / 24, kept_for).unwrap();
        assert!(!path.exists() && aside.exists());
        file.append(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        file.remove_old(now + DAY / 2, kept_for).unwrap();
        assert!(path.exists() && aside.exists());
        file.remove_old(now + 3 * DAY, kept_for).unwrap();
        assert!(!path.exists() && !aside.exists(), "both are older than what is kept");
    }
}
