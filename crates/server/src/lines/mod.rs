//! Files of lines: the audit file, the flow log and the contact records.
//!
//! One thread for each folder writes its files. A caller gives it a line and never waits for the disk; what finds its file's
//! queue full is counted (docs/decisions/0014). A file that does not take its lines is tried again and holds up no other.

mod file;
mod queue;
mod rotated;
mod writer;

pub(crate) use writer::{LineHealth, Lines};

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use writer::LineWriter;

/// How a file is kept.
#[derive(Debug, Clone)]
pub(crate) struct LineFileOptions {
    /// For the log.
    pub name: &'static str,
    /// Where.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: u32,
    /// How large it grows.
    pub rotation: Rotation,
    /// Makes the line that says how many lines are missing before it, for files that say so.
    pub missing: fn(u64) -> Option<String>,
}

/// A file of `limit_bytes` is renamed to `FILE.1`, `FILE.1` to `FILE.2`, and so on up to `kept`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    pub limit_bytes: u64,
    pub kept: u32,
    /// A file that was put aside is removed so long after its last line. Then one that is a day old is put aside, too: no line grows
    /// older than this and a day.
    pub kept_for: Option<Duration>,
}

impl Rotation {
    /// So many days; 0 sets no bound.
    pub(crate) fn days(days: u32) -> Option<Duration> {
        (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400))
    }
}

/// The threads that write lines, one for each folder with such files: a disk that hangs stops the files that are on it, and a thread
/// for each file would not help them.
#[derive(Default)]
pub(crate) struct LineWriters(Mutex<Vec<(PathBuf, LineWriter)>>);

impl LineWriters {
    /// Opens a file. One that cannot be opened yet, because its disk hangs or is full or no process reads the FIFO in its place,
    /// is tried again while its lines wait.
    ///
    /// Errors: the file cannot be opened for a reason that does not pass by itself.
    pub(crate) fn open(&self, options: LineFileOptions) -> io::Result<Lines> {
        let folder = options.path.parent().map(PathBuf::from).unwrap_or_default();
        let mut writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match writers.iter().position(|(known, _)| *known == folder) {
            Some(index) => index,
            None => {
                writers.push((folder, LineWriter::start("lines")?));
                writers.len() - 1
            }
        };
        writers[index].1.open(options)
    }

    /// Writes what waits, makes it durable and ends. Blocks until then, at most for some seconds a folder: what a file has not taken
    /// by then is lost, and the log says so.
    pub(crate) fn close(&self) {
        let writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writers.iter().for_each(|(_, writer)| writer.close());
    }
}
