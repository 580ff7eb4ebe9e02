use super::AuditOptions;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const GROUP_BYTES: usize = 64 * 1024;

/// The file that lines are appended to.
pub(super) struct AuditFile {
    options: AuditOptions,
    file: File,
    bytes: u64,
    /// The last write failed, perhaps in the middle of a line.
    is_torn: bool,
}

impl AuditFile {
    pub(super) fn open(options: AuditOptions) -> std::io::Result<Self> {
        let (file, bytes) = open(&options.path)?;
        Ok(Self { options, file, bytes, is_torn: false })
    }

    /// How much is written at once, about.
    pub(super) fn group_bytes(&self) -> usize {
        usize::try_from(self.options.limit_bytes).unwrap_or(usize::MAX).min(GROUP_BYTES)
    }

    /// Appends whole lines; puts the file aside before, if they would make it too large.
    pub(super) fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        let more = lines.len() as u64;
        if self.bytes > 0 && self.bytes + more > self.options.limit_bytes {
            self.put_aside()?;
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        self.is_torn = true;
        self.file.write_all(lines)?;
        self.is_torn = false;
        self.bytes += more;
        Ok(())
    }

    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    fn put_aside(&mut self) -> std::io::Result<()> {
        self.sync()?;
        let kept = self.options.kept;
        for number in (1..kept).rev() {
            rename_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        match kept {
            0 => std::fs::remove_file(&self.options.path)?,
            _ => rename_if_there(&self.options.path, &self.aside(1))?,
        }
        (self.file, self.bytes) = open(&self.options.path)?;
        self.is_torn = false;
        Ok(())
    }

    /// `audit.jsonl.1` is the youngest of those that were put aside.
    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.options.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        self.options.path.with_file_name(name)
    }
}

/// Opens for appending; a line that a crash tore is ended.
fn open(path: &Path) -> std::io::Result<(File, u64)> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut bytes = file.metadata()?.len();
    if bytes > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            bytes += 1;
        }
    }
    Ok((file, bytes))
}

fn rename_if_there(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}
