//! A file that grows by whole lines, whatever the disk does.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// A file of lines. What `append` was given is in it whole, or not at all; a line that a crash tore stays one line.
pub(crate) struct LineFile {
    file: File,
    /// The end of the file is no end of a line, and could not be made one.
    is_torn: bool,
}

impl LineFile {
    /// Opens the file for appending; one that is new is created with `mode`, and its name is durable.
    ///
    /// A torn last line is ended: it may be worth reading, and cutting it off would move the place of those who follow
    /// the file. Where the disk has no room even for that, the next line begins with the end of this one.
    pub(crate) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(mode).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let mut last = *b"\n";
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        let is_torn = last != *b"\n" && file.write_all(b"\n").is_err();
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, is_torn })
    }

    /// Appends whole lines. What a full disk took of them is cut off again before this returns its error, so that
    /// a reader of the file finds no half line in it.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        // Asked anew each time: an operator may cut the file off to make room.
        let before = self.length()?;
        let written = self.write(lines);
        if written.is_err() && self.file.set_len(before).is_err() {
            self.is_torn = true;
        }
        written
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Its size in bytes.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(lines)?;
        self.is_torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_line_that_a_crash_tore_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        std::fs::write(&path, "whole\nha").unwrap();
        let mut file = LineFile::open(&path, 0o600).unwrap();
        file.append(b"next\n").unwrap();
        assert_eq!(text(&path), "whole\nha\nnext\n");
        drop(LineFile::open(&path, 0o600).unwrap());
        assert_eq!(text(&path), "whole\nha\nnext\n");
    }

    const CHILD: &str = "TYMPAN_LINE_FILE";

    /// A limit on the size of files ends a write in its middle, as a full disk does. It is for a process of its own.
    #[test]
    fn what_a_full_disk_took_of_a_line_is_cut_off_again() {
        let Some(dir) = std::env::var_os(CHILD) else {
            let dir = tempfile::tempdir().unwrap();
            let child = std::process::Command::new("sh")
                .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", "line_file::tests::what_a_full_disk_took_of_a_line_is_cut_off_again"])
                .env(CHILD, dir.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&child.stdout);
            assert!(child.status.success() && said.contains("1 passed"), "{said}");
            return;
        };
        let path = Path::new(&dir).join("lines");
        let mut file = LineFile::open(&path, 0o600).unwrap();
        let line = |byte: &str, length: usize| byte.repeat(length) + "\n";
        file.append(line("a", 400).as_bytes()).unwrap();
        for _ in 0..3 {
            assert!(file.append(line("b", 4_000).as_bytes()).is_err());
            assert_eq!(text(&path), line("a", 400));
        }
        file.append(line("c", 40).as_bytes()).unwrap();
        assert_eq!(text(&path), line("a", 400) + &line("c", 40));
    }
}
