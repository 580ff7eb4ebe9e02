use super::AuditOptions;
use crate::line_file::LineFile;
use crate::line_queue::LineSink;
use std::io::ErrorKind;
use std::path::PathBuf;

const GROUP_BYTES: usize = 64 * 1024;
/// Only the operator of the server may read who did what.
const MODE: u32 = 0o600;

/// The file that lines are appended to.
pub(super) struct AuditFile {
    options: AuditOptions,
    file: LineFile,
}

impl AuditFile {
    pub(super) fn open(options: AuditOptions) -> std::io::Result<Self> {
        let file = LineFile::open(&options.path, MODE)?;
        Ok(Self { options, file })
    }

    fn put_aside(&mut self) -> std::io::Result<()> {
        self.file.sync()?;
        let kept = self.options.kept;
        for number in (1..kept).rev() {
            rename_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        match kept {
            0 => std::fs::remove_file(&self.options.path)?,
            _ => rename_if_there(&self.options.path, &self.aside(1))?,
        }
        self.file = LineFile::open(&self.options.path, MODE)?;
        Ok(())
    }

    /// `audit.jsonl.1` is the youngest of those that were put aside.
    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.options.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        self.options.path.with_file_name(name)
    }
}

impl LineSink for AuditFile {
    /// Appends whole lines; puts the file aside before, if they would make it too large.
    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        let bytes = self.file.length()?;
        if bytes > 0 && bytes + lines.len() as u64 > self.options.limit_bytes {
            self.put_aside()?;
        }
        self.file.append(lines)
    }

    fn sync(&self) -> std::io::Result<()> {
        self.file.sync()
    }

    fn group_bytes(&self) -> usize {
        usize::try_from(self.options.limit_bytes).unwrap_or(usize::MAX).min(GROUP_BYTES)
    }
}

fn rename_if_there(from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}
