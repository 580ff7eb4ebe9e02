//! Lines on their way to a file, through a queue with a limit to a thread of their own. No caller waits for the disk: what
//! it has no room for is kept and tried again, and a line that finds the queue full is lost, and counted.

use crate::line_file::LineFile;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines that may wait for the disk, and their bytes.
const QUEUE_LINES: usize = 8_192;
const QUEUE_BYTES: usize = 8 << 20;
/// Between two attempts to write what the disk had no room for.
const RETRY: Duration = Duration::from_secs(1);

/// Where the lines go.
pub(crate) trait LineSink: Send + 'static {
    /// Appends whole lines, all or none.
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Makes what was appended durable.
    fn sync(&self) -> io::Result<()>;

    /// How many bytes are written at once, about.
    fn group_bytes(&self) -> usize {
        64 * 1024
    }
}

impl LineSink for LineFile {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        Self::append(self, lines)
    }

    fn sync(&self) -> io::Result<()> {
        Self::sync(self)
    }
}

/// Takes lines. Dropping it writes what waits.
pub(crate) struct LineQueue {
    lines: Mutex<Option<SyncSender<String>>>,
    counts: Arc<Counts>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Counts {
    waiting_bytes: AtomicUsize,
    lost: AtomicU64,
    is_closing: AtomicBool,
}

/// The writing side.
struct Writer<S> {
    name: &'static str,
    sink: S,
    counts: Arc<Counts>,
    /// Makes the line that says how many lines are missing before it.
    missing: fn(u64) -> Option<String>,
    /// How many lost lines the file tells of.
    told: u64,
}

impl LineQueue {
    /// Starts the thread, which has this name.
    pub(crate) fn open(
        name: &'static str,
        sink: impl LineSink,
        missing: fn(u64) -> Option<String>,
    ) -> io::Result<Self> {
        let (sender, lines) = sync_channel(QUEUE_LINES);
        let counts = Arc::<Counts>::default();
        let writer = Writer { name, sink, counts: counts.clone(), missing, told: 0 };
        let writer = std::thread::Builder::new().name(name.into()).spawn(move || writer.run(&lines))?;
        Ok(Self { lines: Mutex::new(Some(sender)), counts, writer: Mutex::new(Some(writer)) })
    }

    /// Takes a line with its end. Never waits.
    pub(crate) fn push(&self, line: String) {
        let bytes = line.len();
        let waiting = self.counts.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let sent = waiting < QUEUE_BYTES
            && self.lines.lock().is_ok_and(|lines| {
                // Full or closed: either way the line is lost.
                lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok())
            });
        if !sent {
            self.counts.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits, makes it durable and ends. Blocks until then; a disk without room is tried once more.
    pub(crate) fn close(&self) {
        self.counts.is_closing.store(true, Ordering::Release);
        let lines = self.lines.lock().ok().and_then(|mut lines| lines.take());
        drop(lines);
        let writer = self.writer.lock().ok().and_then(|mut writer| writer.take());
        let Some(writer) = writer else { return };
        writer.thread().unpark();
        if writer.join().is_err() {
            tracing::error!("a thread that writes lines failed");
        }
    }
}

impl Drop for LineQueue {
    fn drop(&mut self) {
        self.close();
    }
}

impl<S: LineSink> Writer<S> {
    /// Takes lines until there are no more, in groups as large as they come.
    fn run(mut self, lines: &Receiver<String>) {
        while let Ok(first) = lines.recv() {
            let (mut group, mut in_group) = (first, 1);
            while group.len() < self.sink.group_bytes() {
                let Ok(line) = lines.try_recv() else { break };
                group.push_str(&line);
                in_group += 1;
            }
            self.write(&group, in_group);
            self.counts.waiting_bytes.fetch_sub(group.len(), Ordering::Relaxed);
        }
        if let Err(error) = self.sink.sync() {
            tracing::error!(%error, file = self.name, "lines cannot be made durable");
        }
    }

    /// Writes a group, as often as it takes.
    fn write(&mut self, group: &str, in_group: u64) {
        let mut is_in_trouble = false;
        while let Err(error) = self.attempt(group) {
            // Once per trouble: a full disk is full for every line.
            if !std::mem::replace(&mut is_in_trouble, true) {
                tracing::error!(%error, file = self.name, "lines cannot be written; they wait for room on the disk");
            }
            if self.counts.is_closing.load(Ordering::Acquire) {
                self.counts.lost.fetch_add(in_group, Ordering::Relaxed);
                return;
            }
            std::thread::park_timeout(RETRY);
        }
        if is_in_trouble {
            tracing::info!(file = self.name, "lines are written again");
        }
    }

    fn attempt(&mut self, group: &str) -> io::Result<()> {
        let lost = self.counts.lost.load(Ordering::Relaxed);
        let missing = (lost > self.told).then(|| (self.missing)(lost - self.told)).flatten();
        match missing {
            Some(missing) => self.sink.append(format!("{group}{missing}").as_bytes())?,
            None => self.sink.append(group.as_bytes())?,
        }
        self.told = lost;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    /// A disk that is full while the test says so, and reports each request.
    struct Disk {
        is_full: Arc<AtomicBool>,
        asked: Sender<()>,
        written: Arc<Mutex<String>>,
    }

    impl LineSink for Disk {
        fn append(&mut self, lines: &[u8]) -> io::Result<()> {
            // The test may have seen enough.
            let _ = self.asked.send(());
            if self.is_full.load(Ordering::Acquire) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.lock().unwrap().push_str(std::str::from_utf8(lines).unwrap());
            Ok(())
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue(is_full: bool) -> (LineQueue, Arc<AtomicBool>, Receiver<()>, Arc<Mutex<String>>) {
        let (is_full, written) = (Arc::new(AtomicBool::new(is_full)), Arc::<Mutex<String>>::default());
        let (asked, asks) = channel();
        let disk = Disk { is_full: is_full.clone(), asked, written: written.clone() };
        let missing = |lines| Some(format!("{lines} are missing\n"));
        (LineQueue::open("test", disk, missing).unwrap(), is_full, asks, written)
    }

    #[test]
    fn what_the_disk_has_no_room_for_is_written_when_there_is_room() {
        let (queue, is_full, asks, written) = queue(true);
        (0..100).for_each(|n| queue.push(format!("{n}\n")));
        // It was refused, and tried again.
        (0..2).for_each(|_| asks.recv().unwrap());
        is_full.store(false, Ordering::Release);
        queue.close();
        assert_eq!((queue.lost(), written.lock().unwrap().lines().count()), (0, 100));
        queue.push("too late\n".into());
        assert_eq!(queue.lost(), 1);
    }

    #[test]
    fn a_full_queue_loses_lines_by_number_and_by_size_and_the_file_says_how_many() {
        for (line, fit) in [("x\n".to_owned(), QUEUE_LINES), ("x".repeat(1 << 20) + "\n", 8)] {
            let (queue, is_full, asks, written) = queue(true);
            queue.push("first\n".into());
            asks.recv().unwrap();
            let pushed = fit as u64 + 100;
            (0..pushed).for_each(|_| queue.push(line.clone()));
            let lost = queue.lost();
            assert!((90..=100).contains(&lost), "{lost}");
            is_full.store(false, Ordering::Release);
            queue.close();
            let written = written.lock().unwrap();
            assert!(written.starts_with(&format!("first\n{lost} are missing\n")), "{}", &written[..40]);
            assert_eq!(written.lines().count() as u64, 2 + pushed - lost);
        }
    }

    #[test]
    fn closing_on_a_full_disk_ends_and_counts_what_is_lost() {
        let (queue, _, _, _) = queue(true);
        (0..10).for_each(|n| queue.push(format!("{n}\n")));
        queue.close();
        assert_eq!(queue.lost(), 10);
    }
}
