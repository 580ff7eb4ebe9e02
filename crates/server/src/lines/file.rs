//! A file that grows by whole lines, whatever the disk does.

use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// A file of lines. What `append` was given is in it whole, or not at all; a line that a crash tore stays one line.
///
/// A FIFO or a device can stand in its place. Neither can block: the file is opened and written with `O_NONBLOCK`.
pub(super) struct LineFile {
    file: File,
    kind: Kind,
}

enum Kind {
    /// `is_torn`: its end is no end of a line, and could not be made one.
    Regular { is_torn: bool },
    /// What it takes cannot be cut off again: `rest` is the end of the lines that it has a part of, and goes first.
    Stream { rest: Vec<u8> },
}

impl LineFile {
    /// Opens the file for appending; one that is new is created with `mode`, and its name is durable.
    ///
    /// A torn last line is ended: it may be worth reading, and cutting it off would move the place of those who follow
    /// the file. Where the disk has no room even for that, the next line begins with the end of this one.
    ///
    /// A FIFO without a reader is an error (ENXIO).
    pub(super) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let is_regular = match std::fs::metadata(path) {
            Ok(metadata) => metadata.is_file(),
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        let mut options = OpenOptions::new();
        options.append(true).mode(mode).custom_flags(OFlag::O_NONBLOCK.bits());
        if !is_regular {
            return Ok(Self { file: options.open(path)?, kind: Kind::Stream { rest: Vec::new() } });
        }
        let mut file = options.read(true).create(true).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let mut last = *b"\n";
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        let is_torn = last != *b"\n" && file.write_all(b"\n").is_err();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self { file, kind: Kind::Regular { is_torn } })
    }

    /// Appends whole lines. What a full disk took of them is cut off again before this returns its error, so that
    /// a reader of the file finds no half line in it. A stream keeps what it has no room for, once it has a part of it.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.kind {
            Kind::Regular { is_torn } => {
                // Asked anew each time: an operator may cut the file off to make room.
                let before = self.file.metadata()?.len();
                let written = write(&mut self.file, is_torn, lines);
                if written.is_err() && self.file.set_len(before).is_err() {
                    *is_torn = true;
                }
                written
            }
            Kind::Stream { rest } => {
                pour(&mut self.file, rest)?;
                let mut lines = lines.to_vec();
                let length = lines.len();
                match pour(&mut self.file, &mut lines) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock || lines.len() == length => {
                        Err(error)
                    }
                    _ => {
                        *rest = lines;
                        Ok(())
                    }
                }
            }
        }
    }

    /// Makes what was appended durable; of a stream, sees that it has taken all of it.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Regular { .. } => self.file.sync_data(),
            Kind::Stream { rest } => pour(&mut self.file, rest),
        }
    }

    /// Its size in bytes; 0 for a stream.
    pub(super) fn length(&self) -> io::Result<u64> {
        match self.kind {
            Kind::Regular { .. } => Ok(self.file.metadata()?.len()),
            Kind::Stream { .. } => Ok(0),
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream { .. })
    }
}

fn write(file: &mut File, is_torn: &mut bool, lines: &[u8]) -> io::Result<()> {
    if *is_torn {
        file.write_all(b"\n")?;
    }
    file.write_all(lines)?;
    *is_torn = false;
    Ok(())
}

/// Writes as much as the file takes now; what it does not take stays in `bytes`.
fn pour(file: &mut File, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    let poured = loop {
        match bytes.get(written..) {
            None | Some([]) => break Ok(()),
            Some(rest) => match file.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            },
        }
    };
    bytes.drain(..written);
    poured
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::io::{BufRead, BufReader};

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    /// A FIFO of this name.
    pub(in super::super) fn fifo(path: &Path) {
        nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap();
    }

    /// The reading end of a FIFO, which the writing end needs to be opened.
    pub(in super::super) fn reader(path: &Path) -> BufReader<File> {
        let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).unwrap();
        BufReader::new(file)
    }

    #[test]
    fn a_fifo_that_no_process_reads_is_an_error_and_one_that_is_full_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        fifo(&path);
        let Err(error) = LineFile::open(&path, 0o600) else { panic!("it opened") };
        assert_eq!(error.raw_os_error(), Some(nix::libc::ENXIO));
        let mut reader = reader(&path);
        let mut file = LineFile::open(&path, 0o600).unwrap();
        let mut appended = 0;
        let line = |n: usize| format!("{n} {}\n", "x".repeat(10_000));
        while file.append(line(appended).as_bytes()).is_ok() {
            appended += 1;
        }
        // A pipe takes 64 KiB, and the last line that was taken is there in part.
        assert!(appended > 5 && file.sync().is_err(), "{appended}");
        for n in 0..appended {
            let mut read = String::new();
            while !read.ends_with('\n') {
                match reader.read_line(&mut read) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => file.sync().unwrap(),
                    read => drop(read.unwrap()),
                }
            }
            assert_eq!(read, line(n));
        }
        file.append(b"next\n").unwrap();
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
                .args(["--exact", "lines::file::tests::what_a_full_disk_took_of_a_line_is_cut_off_again"])
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
