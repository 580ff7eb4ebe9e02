//! The audit file and what was put aside of it, read newest first: so much at once, and on from there.

use super::backward::Backward;
use crate::clock::ServiceClock;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tympan_admin::{AuditTrail, AuditWalk, Visit};
use tympan_types::WallTime;

/// Bytes of files that one walk reads.
const MOST_BYTES: u64 = 16 << 20;
/// So much of a line tells it from others.
const DIGESTED_BYTES: usize = 16 * 1024;
/// File systems and clocks differ by so much.
const SLACK: Duration = Duration::from_secs(10);

/// The files, and the clock of the services.
pub(crate) struct AuditTrailFiles {
    /// Where the file is; `None`: none is written.
    pub(crate) path: Option<PathBuf>,
    /// How many are put aside.
    pub(crate) kept: u32,
    /// What lines do not have their time by.
    pub(crate) clock: ServiceClock,
}

/// A line: the next walk begins before it. A file keeps its inode when it is put aside; the digest tells an inode that another
/// file has got meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    inode: u64,
    offset: u64,
    digest: u64,
}

impl Place {
    fn of(inode: u64, offset: u64, line: &[u8]) -> Self {
        Self { inode, offset, digest: digest(line) }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('-').map(|number| u64::from_str_radix(number, 16).ok());
        let mut next = || numbers.next().flatten();
        Some(Self { inode: next()?, offset: next()?, digest: next()? })
    }

    fn text(self) -> String {
        let Self { inode, offset, digest } = self;
        format!("{inode:x}-{offset:x}-{digest:x}")
    }

    /// Whether its line is still there.
    fn is_in(self, file: &File) -> io::Result<bool> {
        let mut bytes = vec![0; DIGESTED_BYTES];
        let read = file.read_at(&mut bytes, self.offset)?;
        let line = bytes.get(..read).unwrap_or_default();
        let end = line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len());
        Ok(digest(&line[..end]) == self.digest)
    }
}

/// FNV-1a.
fn digest(line: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    line.iter().take(DIGESTED_BYTES).fold(0xcbf2_9ce4_8422_2325, step)
}

/// What a file comes to.
enum Step {
    /// The one before it is next.
    Older,
    /// The walk ends here.
    Ended(Option<Place>),
}

/// A walk over the files.
struct Walker<'a> {
    from: SystemTime,
    to: SystemTime,
    /// Where it begins, until that is found.
    after: Option<Place>,
    left_bytes: u64,
    is_whole: bool,
    visit: &'a mut dyn FnMut(&str) -> Visit,
}

impl AuditTrail for AuditTrailFiles {
    fn is_written(&self) -> bool {
        self.path.is_some()
    }

    fn machine_time(&self, at: WallTime) -> WallTime {
        at.plus_ms(self.clock.ahead_ms().saturating_neg())
    }

    fn walk(
        &self,
        from: WallTime,
        to: WallTime,
        after: Option<&str>,
        visit: &mut dyn FnMut(&str) -> Visit,
    ) -> AuditWalk {
        let gone = AuditWalk { next: None, is_whole: false };
        let after = match after.map(Place::parse) {
            Some(None) => return gone,
            place => place.flatten(),
        };
        let (from, to) = (system_time(from), system_time(to));
        let mut walker = Walker { from, to, after, left_bytes: MOST_BYTES, is_whole: true, visit };
        let place = walker.over(self);
        match walker.after {
            // The line went with the oldest file.
            Some(_) => gone,
            None => AuditWalk { next: place.map(Place::text), is_whole: walker.is_whole },
        }
    }
}

impl AuditTrailFiles {
    /// 0 is the file itself, 1 the youngest of those that were put aside.
    fn named(&self, number: u32) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        let mut name = path.file_name()?.to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        Some(path.with_file_name(name))
    }

    /// A file; `None` where there is none. One that is no file, such as a FIFO, has given its lines away.
    fn open(&self, number: u32) -> io::Result<Option<File>> {
        let Some(path) = self.named(number) else { return Ok(None) };
        let opened = std::fs::metadata(&path).and_then(|metadata| match metadata.is_file() {
            true => File::open(&path),
            false => Err(io::Error::other("it is no file")),
        });
        match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// The inode of the next older file and when its last line was written. One is missing for a moment while files are put aside.
    fn older_than(&self, number: u32) -> Option<(u64, SystemTime)> {
        let numbers = [number.saturating_add(1), number.saturating_add(2)];
        let mut paths =
            numbers.into_iter().filter(|number| *number <= self.kept).filter_map(|number| self.named(number));
        let metadata = paths.find_map(|path| std::fs::metadata(path).ok())?;
        Some((metadata.ino(), metadata.modified().ok()?))
    }
}

impl Walker<'_> {
    /// Goes over the files, newest first; where the next walk begins.
    fn over(&mut self, files: &AuditTrailFiles) -> Option<Place> {
        // Files that are put aside meanwhile are met a second time.
        let mut seen = HashSet::new();
        let mut missing = 0;
        for number in 0..=files.kept {
            let step = match files.open(number) {
                Ok(Some(file)) => {
                    missing = 0;
                    self.file(&file, &mut seen, || files.older_than(number))
                }
                Ok(None) if missing < 2 => {
                    missing += 1;
                    continue;
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
            match step {
                Ok(Step::Older) => {}
                Ok(Step::Ended(place)) => return place,
                Err(error) => {
                    tracing::warn!(%error, number, "a file of the audit file's cannot be read");
                    self.is_whole = false;
                }
            }
        }
        None
    }

    fn file(
        &mut self,
        file: &File,
        seen: &mut HashSet<u64>,
        older: impl Fn() -> Option<(u64, SystemTime)>,
    ) -> io::Result<Step> {
        let metadata = file.metadata()?;
        let (inode, modified) = (metadata.ino(), metadata.modified()?);
        if !seen.insert(inode) {
            return Ok(Step::Older);
        }
        let end = match self.after {
            Some(place) if place.inode != inode => return Ok(Step::Older),
            Some(place) if !place.is_in(file)? => return Ok(Step::Older),
            Some(place) => place.offset,
            None => metadata.len(),
        };
        self.after = None;
        // Nothing in it is younger than its last line; those that were put aside before are older still.
        if modified.checked_add(SLACK).is_some_and(|modified| modified < self.from) {
            return Ok(Step::Ended(None));
        }
        // Nothing in it is older than the last line of the file before.
        let is_too_young = |(other, last): (u64, SystemTime)| {
            other != inode && last <= modified && last.checked_sub(SLACK).is_some_and(|last| last > self.to)
        };
        if older().is_some_and(is_too_young) {
            return Ok(Step::Older);
        }
        let mut lines = Backward::new(file, end);
        let left_bytes = self.left_bytes;
        while let Some((offset, line)) = lines.line()? {
            let place = Place::of(inode, offset, line);
            let visited = std::str::from_utf8(line).map_or(Visit::GoOn, |line| (self.visit)(line));
            let has_more = || offset > 0 || older().is_some_and(|(other, _)| other != inode);
            match visited {
                Visit::Past => return Ok(Step::Ended(None)),
                Visit::Full => return Ok(Step::Ended(Some(place).filter(|_| has_more()))),
                Visit::GoOn if lines.read_bytes >= left_bytes => {
                    return Ok(Step::Ended(Some(place).filter(|_| has_more())));
                }
                Visit::GoOn => {}
            }
        }
        self.left_bytes = left_bytes.saturating_sub(lines.read_bytes);
        Ok(Step::Older)
    }
}

fn system_time(at: WallTime) -> SystemTime {
    let since = u64::try_from(at.unix_ms()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const EVER: (WallTime, WallTime) =
        (WallTime::from_unix_ms(0), WallTime::from_unix_ms(253_402_300_799_999));

    fn files(folder: &Path, kept: u32) -> AuditTrailFiles {
        AuditTrailFiles { path: Some(folder.join("audit.jsonl")), kept, clock: ServiceClock::default() }
    }

    fn write(files: &AuditTrailFiles, number: u32, lines: impl IntoIterator<Item = u32>) {
        let text: String = lines.into_iter().map(|n| format!("line {n}\n")).collect();
        std::fs::write(files.named(number).unwrap(), text).unwrap();
    }

    /// A page of so many lines.
    fn page(files: &AuditTrailFiles, after: Option<&str>, size: usize) -> (Vec<u32>, AuditWalk) {
        let mut found = Vec::new();
        let walk = files.walk(EVER.0, EVER.1, after, &mut |line| {
            found.push(line.strip_prefix("line ").unwrap().parse().unwrap());
            if found.len() == size { Visit::Full } else { Visit::GoOn }
        });
        (found, walk)
    }

    fn put_aside(files: &AuditTrailFiles) {
        for number in (0..files.kept).rev() {
            // Some are not there yet.
            let _ = std::fs::rename(files.named(number).unwrap(), files.named(number + 1).unwrap());
        }
    }

    #[test]
    fn pages_go_on_over_files_that_are_put_aside_between_them() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 3);
        assert_eq!(page(&files, None, 10), (vec![], AuditWalk { next: None, is_whole: true }));
        write(&files, 1, 0..5);
        write(&files, 0, 5..9);
        let (mut all, mut walk) = page(&files, None, 2);
        let mut new = 100;
        while let Some(next) = walk.next {
            put_aside(&files);
            write(&files, 0, [new]);
            new += 1;
            if new > 102 {
                break;
            }
            let (found, further) = page(&files, Some(&next), 3);
            all.extend(found);
            walk = further;
        }
        assert_eq!(all, [8, 7, 6, 5, 4, 3, 2, 1]);
        let whole = page(&self::files(folder.path(), 9), None, 100);
        assert!(whole.1.is_whole && whole.1.next.is_none());
    }

    #[test]
    fn a_line_that_rotation_has_removed_ends_the_walk_and_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 1);
        write(&files, 0, 0..5);
        let next = page(&files, None, 2).1.next.unwrap();
        let gone = (vec![], AuditWalk { next: None, is_whole: false });
        // The same inode with other lines.
        write(&files, 0, 500..600);
        assert_eq!(page(&files, Some(&next), 2), gone);
        for text in ["", "1", "1-2", "x-y-z", "ffffffffffffffffff-0-0"] {
            assert_eq!(page(&files, Some(text), 2), gone, "{text}");
        }
        assert_eq!(page(&files, None, 100).0.len(), 100);
    }

    #[test]
    fn the_last_line_is_no_reason_for_another_page() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 1);
        write(&files, 0, 0..2);
        assert_eq!(page(&files, None, 2), (vec![1, 0], AuditWalk { next: None, is_whole: true }));
    }

    #[test]
    fn a_walk_reads_so_much_and_the_next_one_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 0);
        let count = 1_600_000;
        write(&files, 0, 0..count);
        let (mut all, mut walk) = page(&files, None, usize::MAX);
        let mut walks = 1;
        while let Some(next) = walk.next {
            let (found, further) = page(&files, Some(&next), usize::MAX);
            all.extend(found);
            (walk, walks) = (further, walks + 1);
        }
        assert!(walks >= 2 && walk.is_whole);
        assert!(all.into_iter().eq((0..count).rev()));
    }

    #[test]
    fn files_outside_of_the_wanted_time_are_not_read_and_a_pipe_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), 2);
        let hour = |n: i64| WallTime::from_unix_ms(n * 3_600_000);
        for (number, n) in [(2, 1), (1, 2), (0, 3)] {
            write(&files, number, [u32::try_from(n).unwrap()]);
            let file = File::options().append(true).open(files.named(number).unwrap()).unwrap();
            file.set_modified(system_time(hour(n))).unwrap();
        }
        let between = |from, to| {
            let mut found = Vec::new();
            let walk = files.walk(from, to, None, &mut |line| {
                found.push(line.to_owned());
                Visit::GoOn
            });
            assert!(walk.next.is_none());
            (found, walk.is_whole)
        };
        assert_eq!(between(hour(3), hour(9)).0, ["line 3"]);
        assert_eq!(between(hour(2).plus_ms(60_000), hour(9)).0, ["line 3"]);
        assert_eq!(between(hour(0), hour(1).plus_ms(-60_000)), (vec!["line 1".to_owned()], true));
        std::fs::remove_file(files.named(0).unwrap()).unwrap();
        nix::unistd::mkfifo(&files.named(0).unwrap(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(between(hour(0), hour(9)), (vec!["line 2".to_owned(), "line 1".to_owned()], false));
    }

    #[test]
    fn without_a_file_there_are_no_lines() {
        let files = AuditTrailFiles { path: None, kept: 5, clock: ServiceClock::default() };
        assert!(!files.is_written());
        assert_eq!(page(&files, None, 1), (vec![], AuditWalk { next: None, is_whole: true }));
    }
}
