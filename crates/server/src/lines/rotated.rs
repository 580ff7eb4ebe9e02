//! A file of lines that is put aside when it is full.

use super::LineFileOptions;
use super::file::LineFile;
use super::writer::LineSink;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const GROUP_BYTES: usize = 64 * 1024;

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
