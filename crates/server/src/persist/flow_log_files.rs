//! What the files of the flow log have of one contact.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tympan_types::{ContactId, WallTime};

/// Bytes of files that are read for one contact, newest file first.
const MOST_BYTES: u64 = 128 << 20;
/// Lines of one contact.
const MOST_LINES: usize = 10_000;
/// Longer than any line that is written.
const LINE_BYTES: u64 = 1 << 20;
/// File systems and clocks differ by so much.
const SLACK: Duration = Duration::from_secs(10);

/// `flow-logs.jsonl` and what was put aside of it.
#[derive(Debug, Clone)]
pub(super) struct FlowLogFiles {
    pub(super) path: PathBuf,
    /// How many are put aside.
    pub(super) kept: u32,
}

impl FlowLogFiles {
    /// The lines of a contact, oldest first, and whether all files were read to their ends.
    pub(super) fn lines_of(&self, contact: ContactId, began: WallTime) -> (Vec<String>, bool) {
        let began = u64::try_from(began.unix_ms()).map_or(SystemTime::UNIX_EPOCH, |unix_ms| {
            SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms)
        });
        let id = contact.to_string();
        let (mut left, mut is_complete) = (MOST_BYTES, true);
        let mut found: Vec<Vec<String>> = Vec::new();
        for number in 0..=self.kept {
            let path = self.named(number);
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            // A FIFO has given its lines away.
            if !metadata.is_file() {
                is_complete = false;
                continue;
            }
            // Nothing in it is younger than its last line; those that were put aside before are older still.
            if metadata.modified().is_ok_and(|modified| modified + SLACK < began) {
                break;
            }
            if metadata.len() > left {
                is_complete = false;
                break;
            }
            left -= metadata.len();
            match read(&path, metadata.len(), &id) {
                Ok((lines, is_whole)) => {
                    is_complete &= is_whole;
                    found.push(lines);
                }
                Err(error) => {
                    tracing::warn!(%error, file = %path.display(), "a file of the flow log cannot be read");
                    is_complete = false;
                }
            }
        }
        let mut lines: Vec<String> = found.into_iter().rev().flatten().collect();
        if lines.len() > MOST_LINES {
            lines.truncate(MOST_LINES);
            is_complete = false;
        }
        (lines, is_complete)
    }

    /// Gives lines that have `about` in them, oldest first, of the files that may have some since then; says whether all of those were
    /// read. Where they are too long the newest bytes are.
    pub(super) fn lines_about(&self, about: &str, since: WallTime, take: &mut dyn FnMut(&str)) -> bool {
        let since = u64::try_from(since.unix_ms()).map_or(SystemTime::UNIX_EPOCH, |unix_ms| {
            SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms)
        });
        let (mut left, mut is_complete) = (MOST_BYTES, true);
        let mut parts: Vec<(PathBuf, u64, u64)> = Vec::new();
        for number in 0..=self.kept {
            let path = self.named(number);
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            if !metadata.is_file() {
                is_complete = false;
                continue;
            }
            if metadata.modified().is_ok_and(|modified| modified + SLACK < since) {
                break;
            }
            let length = metadata.len().min(left);
            is_complete &= length == metadata.len();
            if length == 0 && metadata.len() > 0 {
                break;
            }
            left -= length;
            parts.push((path, metadata.len() - length, metadata.len()));
        }
        for (path, from, to) in parts.into_iter().rev() {
            if let Err(error) = read_about(&path, from, to, about, take) {
                tracing::warn!(%error, file = %path.display(), "a file of the flow log cannot be read");
                is_complete = false;
            }
        }
        is_complete
    }

    /// 0 is the file itself, 1 the youngest of those that were put aside.
    fn named(&self, number: u32) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        self.path.with_file_name(name)
    }
}

/// The lines that name an id, of the first `length` bytes.
fn read(path: &Path, length: u64, id: &str) -> std::io::Result<(Vec<String>, bool)> {
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(path)?.take(length));
    let (mut lines, mut line, mut is_whole) = (Vec::new(), Vec::new(), true);
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok((lines, is_whole));
        }
        let Ok(text) = std::str::from_utf8(&line) else { continue };
        // A line that a crash left, or one that is being written.
        let Some(text) = text.strip_suffix('\n') else { continue };
        if text.contains(id) && is_of(text, id) {
            if lines.len() >= MOST_LINES {
                is_whole = false;
                continue;
            }
            lines.push(text.to_owned());
        }
    }
}

/// Gives the whole lines of a part of a file that have `about` in them.
fn read_about(
    path: &Path,
    from: u64,
    to: u64,
    about: &str,
    take: &mut dyn FnMut(&str),
) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    // One byte before: a part that begins with a line is not cut.
    file.seek(SeekFrom::Start(from.saturating_sub(1)))?;
    let length = to.saturating_sub(from.saturating_sub(1));
    let mut reader = BufReader::with_capacity(256 * 1024, file.take(length));
    let (mut line, mut is_cut) = (Vec::new(), from > 0);
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let Some(whole) = line.strip_suffix(b"\n") else { continue };
        if std::mem::take(&mut is_cut) {
            continue;
        }
        if let Ok(text) = std::str::from_utf8(whole)
            && text.contains(about)
        {
            take(text);
        }
    }
}

/// Whether a line is about a contact, and does not only mention it.
fn is_of(line: &str, id: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Of {
        #[serde(rename = "ContactId")]
        contact_id: String,
    }
    serde_json::from_str::<Of>(line).is_ok_and(|of| of.contact_id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(contact: ContactId, n: u8) -> String {
        format!("{{\"ContactId\":\"{contact}\",\"n\":{n}}}\n")
    }

    #[test]
    fn lines_are_found_oldest_first_over_files_that_were_put_aside_and_half_lines_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = FlowLogFiles { path: folder.path().join("flow-logs.jsonl"), kept: 2 };
        let (one, other) = (ContactId::from_random([1; 16]), ContactId::from_random([2; 16]));
        assert_eq!(files.lines_of(one, WallTime::from_unix_ms(0)), (Vec::new(), true));
        std::fs::write(files.named(1), [line(one, 1), "{half".to_owned(), "\n".to_owned()].concat()).unwrap();
        let mentions = format!("{{\"ContactId\":\"{other}\",\"Previous\":\"{one}\"}}\n");
        let half = line(one, 3).trim_end().to_owned();
        std::fs::write(&files.path, [line(other, 9), line(one, 2), mentions, half].concat()).unwrap();
        let (lines, is_complete) = files.lines_of(one, WallTime::from_unix_ms(0));
        assert_eq!(lines, [line(one, 1).trim_end(), line(one, 2).trim_end()]);
        assert!(is_complete);
        let later = SystemTime::now() + Duration::from_secs(3_600);
        let later_ms = later.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let later = WallTime::from_unix_ms(i64::try_from(later_ms).unwrap());
        assert_eq!(files.lines_of(one, later), (Vec::new(), true), "no file is as young as the contact");
    }

    #[test]
    fn lines_about_a_flow_come_oldest_first_and_of_too_many_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let files = FlowLogFiles { path: folder.path().join("flow-logs.jsonl"), kept: 1 };
        let about = |about: &str| {
            let mut found = Vec::new();
            let is_complete =
                files.lines_about(about, WallTime::from_unix_ms(0), &mut |line| found.push(line.to_owned()));
            (found, is_complete)
        };
        assert_eq!(about("flow"), (Vec::new(), true));
        std::fs::write(files.named(1), "flow 1\nother\nflow 2\n").unwrap();
        std::fs::write(&files.path, "flow 3\nflow 4").unwrap();
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(about("flow"), (lines(&["flow 1", "flow 2", "flow 3"]), true));
        // A hole that leaves nine bytes for the older file.
        let file = File::create(&files.path).unwrap();
        file.set_len(MOST_BYTES - 9).unwrap();
        assert_eq!(about("flow"), (lines(&["flow 2"]), false));
        file.set_len(MOST_BYTES - 7).unwrap();
        assert_eq!(about("flow"), (lines(&["flow 2"]), false));
        file.set_len(MOST_BYTES - 6).unwrap();
        assert_eq!(about("flow"), (Vec::new(), false));
    }

    #[test]
    fn more_than_is_read_for_one_contact_and_a_pipe_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let files = FlowLogFiles { path: folder.path().join("flow-logs.jsonl"), kept: 0 };
        let id = ContactId::from_random([1; 16]);
        File::create(&files.path).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(files.lines_of(id, WallTime::from_unix_ms(0)), (Vec::new(), false));
        std::fs::remove_file(&files.path).unwrap();
        nix::unistd::mkfifo(&files.path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(files.lines_of(id, WallTime::from_unix_ms(0)), (Vec::new(), false));
        std::fs::remove_file(&files.path).unwrap();
        let many: String = (0..=MOST_LINES).map(|_| line(id, 1)).collect();
        std::fs::write(&files.path, many).unwrap();
        let (lines, is_complete) = files.lines_of(id, WallTime::from_unix_ms(0));
        assert_eq!((lines.len(), is_complete), (MOST_LINES, false));
    }
}
