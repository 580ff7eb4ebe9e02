//! The thread that writes lines, and the way to it.

use super::LineFileOptions;
use super::queue::{Done, Group, Queue};
use super::rotated::RotatedFile;
use crate::clock::SystemClock;
use nix::errno::Errno;
use std::io::{self, ErrorKind};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tympan_types::WallTime;

/// Between two attempts to write what a file did not take.
const RETRY: Duration = Duration::from_secs(1);
/// The same for a FIFO that is full: its reader is at work.
const RETRY_FULL_FIFO: Duration = Duration::from_millis(50);
/// The log names a file that takes nothing for so long.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Between two looks for lines that are too old.
const TEND: Duration = Duration::from_secs(3_600);
/// How long a start waits for a file to be opened.
const OPEN_LIMIT: Duration = Duration::from_secs(2);
/// How long a stop waits for the last lines.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Where the lines of one file go.
pub(super) trait LineSink: Send + 'static {
    /// Opens it, if it is not open.
    fn open(&mut self) -> io::Result<()>;

    /// Appends whole lines, all or none.
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Makes what was appended durable.
    fn sync(&mut self) -> io::Result<()>;

    /// How many bytes are written at once, about.
    fn group_bytes(&self) -> usize;

    /// Removes what is too old; called at the start and each hour.
    fn tend(&mut self) {}
}

/// The thread that writes the lines of some files. Dropping it closes it.
pub(crate) struct LineWriter(Arc<Shared>);

/// Takes the lines of one file. Clones share its queue.
#[derive(Clone)]
pub(crate) struct Lines {
    shared: Arc<Shared>,
    file: usize,
}

/// How a file takes its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LineHealth {
    /// It does not take them.
    pub(crate) is_failing: bool,
    /// What it said last, and when.
    pub(crate) last_error: Option<(WallTime, String)>,
    /// Lines that wait.
    pub(crate) waiting: usize,
    /// Lines that were lost.
    pub(crate) lost: u64,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    close_limit: Duration,
}

#[derive(Default)]
struct State {
    /// By the number of the file.
    queues: Vec<(&'static str, Queue)>,
    /// Whether a file fails, and what it said last; by its number.
    troubles: Vec<(bool, Option<(WallTime, String)>)>,
    /// Files that the thread has not taken over yet.
    opened: Vec<Opened>,
    is_closing: bool,
    /// The thread is gone.
    has_ended: bool,
}

struct Opened {
    file: OpenFile,
    reply: SyncSender<io::Result<()>>,
}

impl LineWriter {
    /// Starts the thread, which has this name.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        Self::start_with(name, CLOSE_LIMIT)
    }

    fn start_with(name: &str, close_limit: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), close_limit });
        let writer = Writer { shared: shared.clone(), files: Vec::new(), next: 0, tend_at: Instant::now() };
        std::thread::Builder::new().name(name.to_owned()).spawn(move || writer.run())?;
        Ok(Self(shared))
    }

    /// Opens a file. One that cannot be opened yet, because its disk hangs or is full or no process reads the FIFO in its place, is
    /// tried again while its lines wait.
    ///
    /// Errors: the file cannot be opened for a reason that does not pass by itself.
    pub(crate) fn open(&self, options: LineFileOptions) -> io::Result<Lines> {
        let (name, missing) = (options.name, options.missing);
        self.open_sink(name, Box::new(RotatedFile::new(options)), missing)
    }

    fn open_sink(
        &self,
        name: &'static str,
        sink: Box<dyn LineSink>,
        missing: fn(u64) -> Option<String>,
    ) -> io::Result<Lines> {
        let (reply, answer) = sync_channel(1);
        let number = {
            let mut state = self.0.state();
            let number = state.queues.len();
            state.queues.push((name, Queue::default()));
            state.troubles.push((false, None));
            let file = OpenFile { name, number, sink, missing, told_lost: 0, group: None, trouble: None };
            state.opened.push(Opened { file, reply });
            number
        };
        self.0.changed.notify_all();
        let lines = Lines { shared: self.0.clone(), file: number };
        match answer.recv_timeout(OPEN_LIMIT) {
            Ok(Ok(())) => Ok(lines),
            Ok(Err(error)) if passes(&error) => {
                tracing::error!(%error, file = name, "a file cannot be opened yet; its lines wait");
                Ok(lines)
            }
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => {
                tracing::error!(file = name, "a file is not open yet: its disk hangs; its lines wait");
                Ok(lines)
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other("the thread that writes lines is gone"))
            }
        }
    }

    /// Writes what waits, makes it durable and ends the thread. Blocks until then, at most for some seconds: what a file has not
    /// taken by then is lost, and the log says so.
    pub(crate) fn close(&self) {
        let deadline = Instant::now() + self.0.close_limit;
        let mut state = self.0.state();
        state.is_closing = true;
        state.queues.iter_mut().for_each(|(_, queue)| queue.close());
        self.0.changed.notify_all();
        while !state.has_ended {
            let Some(rest) = deadline.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
            else {
                for (file, queue) in state.queues.iter().filter(|(_, queue)| queue.waiting() > 0) {
                    let lines = queue.waiting();
                    tracing::error!(
                        file,
                        lines,
                        "a file takes no lines: the server stops without writing them"
                    );
                }
                return;
            };
            let waited = self.0.changed.wait_timeout(state, rest);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if !self.0.state().is_closing {
            self.close();
        }
    }
}

/// Whether the same attempt may succeed later without anyone changing the configuration.
fn passes(error: &io::Error) -> bool {
    let no_reader = error.raw_os_error() == Some(Errno::ENXIO as i32);
    no_reader || matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::StorageFull)
}

impl Lines {
    /// Takes a line with its end. Never waits.
    pub(crate) fn push(&self, line: String) {
        self.give(Group { text: line, lines: 1, done: None });
    }

    /// Takes lines that are to be durable, and says by `done` whether they are; false, and no word more, where they find no room.
    /// Never waits. Lines that do not become durable are the caller's, and not counted as lost.
    pub(crate) fn push_durably(
        &self,
        text: String,
        lines: usize,
        done: impl FnOnce(bool) + Send + 'static,
    ) -> bool {
        let done: Done = Box::new(done);
        self.give(Group { text, lines, done: Some(done) })
    }

    /// How many lines were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.shared.state().queue(self.file).map_or(0, |queue| queue.lost())
    }

    /// How the file takes its lines.
    pub(crate) fn health(&self) -> LineHealth {
        let mut state = self.shared.state();
        let (is_failing, last_error) = state.troubles.get(self.file).cloned().unwrap_or_default();
        let counts = state.queue(self.file).map(|queue| (queue.waiting(), queue.lost()));
        let (waiting, lost) = counts.unwrap_or_default();
        LineHealth { is_failing, last_error, waiting, lost }
    }

    /// How many lines wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.state().queue(self.file).map_or(0, |queue| queue.waiting())
    }

    fn give(&self, group: Group) -> bool {
        let taken = self.shared.state().queue(self.file).is_some_and(|queue| queue.push(group));
        self.shared.changed.notify_all();
        taken
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No change of it can be left half made: none of it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps how a file is.
    fn note(&mut self, file: usize, is_failing: bool, error: Option<&io::Error>) {
        let Some((known, last)) = self.troubles.get_mut(file) else { return };
        *known = is_failing;
        if let Some(error) = error {
            *last = Some((SystemClock.wall_now(), error.to_string()));
        }
    }

    fn queue(&mut self, file: usize) -> Option<&mut Queue> {
        self.queues.get_mut(file).map(|(_, queue)| queue)
    }
}

/// A file, on the thread's side.
struct OpenFile {
    name: &'static str,
    number: usize,
    sink: Box<dyn LineSink>,
    missing: fn(u64) -> Option<String>,
    /// How many lost lines the file tells of.
    told_lost: u64,
    /// What is to be written next.
    group: Option<Group>,
    trouble: Option<Trouble>,
}

/// A file that does not take its lines.
struct Trouble {
    since: Instant,
    retry_at: Instant,
    is_told: bool,
}

impl OpenFile {
    fn append(&mut self, group: &Group, lost: u64) -> io::Result<()> {
        let missing = (lost > self.told_lost).then(|| (self.missing)(lost - self.told_lost)).flatten();
        match missing {
            Some(missing) => self.sink.append(format!("{}{missing}", group.text).as_bytes())?,
            None => self.sink.append(group.text.as_bytes())?,
        }
        self.told_lost = lost;
        Ok(())
    }

    fn worked(&mut self) {
        if self.trouble.take().is_some_and(|trouble| trouble.is_told) {
            tracing::info!(file = self.name, "lines are written again");
        }
    }

    fn failed(&mut self, error: &io::Error) {
        let now = Instant::now();
        let retry = if error.kind() == ErrorKind::WouldBlock { RETRY_FULL_FIFO } else { RETRY };
        let fresh = Trouble { since: now, retry_at: now, is_told: false };
        let trouble = self.trouble.get_or_insert(fresh);
        trouble.retry_at = now + retry;
        // Once per trouble: a full disk is full for every line. A FIFO may be full for a moment.
        let is_lasting =
            error.kind() != ErrorKind::WouldBlock || now.duration_since(trouble.since) >= TOLD_AFTER;
        if is_lasting && !std::mem::replace(&mut trouble.is_told, true) {
            tracing::error!(%error, file = self.name, "lines cannot be written; they wait");
        }
    }
}

/// The thread.
struct Writer {
    shared: Arc<Shared>,
    files: Vec<OpenFile>,
    /// The file that is looked at first, so that each has its turn.
    next: usize,
    /// When lines that are too old are looked for.
    tend_at: Instant,
}

impl Writer {
    fn run(mut self) {
        let shared = self.shared.clone();
        while let Some(index) = self.await_work() {
            self.write(index);
        }
        for file in &mut self.files {
            if let Err(error) = file.sink.sync() {
                tracing::error!(%error, file = file.name, "lines cannot be made durable");
            }
        }
        shared.state().has_ended = true;
        shared.changed.notify_all();
    }

    /// Waits for a file that has something to write and may be tried; `None` at the end.
    fn await_work(&mut self) -> Option<usize> {
        let shared = self.shared.clone();
        let mut state = shared.state();
        loop {
            let opened = std::mem::take(&mut state.opened);
            if !opened.is_empty() {
                // The disk is not waited for under the lock.
                drop(state);
                opened.into_iter().for_each(|opened| self.take_over(opened));
                state = shared.state();
                continue;
            }
            let now = Instant::now();
            if now >= self.tend_at && !self.files.is_empty() {
                drop(state);
                self.files.iter_mut().for_each(|file| file.sink.tend());
                self.tend_at = now + TEND;
                state = shared.state();
                continue;
            }
            let count = self.files.len();
            let is_closing = state.is_closing;
            let mut retry_at: Option<Instant> = None;
            let due = (0..count).map(|offset| (self.next + offset) % count).find(|index| {
                let file = &self.files[*index];
                let waits =
                    file.group.is_some() || state.queue(file.number).is_some_and(|queue| !queue.is_empty());
                let at = file.trouble.as_ref().map(|trouble| trouble.retry_at).filter(|at| *at > now);
                match at.filter(|_| waits && !is_closing) {
                    Some(at) => retry_at = Some(retry_at.map_or(at, |earlier| earlier.min(at))),
                    None if waits => return true,
                    None => {}
                }
                false
            });
            if let Some(index) = due {
                self.next = index + 1;
                let file = &mut self.files[index];
                if file.group.is_none() {
                    let group_bytes = file.sink.group_bytes();
                    file.group = state.queue(file.number).and_then(|queue| queue.take(group_bytes));
                }
                return Some(index);
            }
            if is_closing {
                return None;
            }
            let tend_at = (!self.files.is_empty()).then_some(self.tend_at);
            state = match retry_at.into_iter().chain(tend_at).min() {
                Some(at) => {
                    let waited = shared.changed.wait_timeout(state, at.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn take_over(&mut self, Opened { mut file, reply }: Opened) {
        let opened = file.sink.open();
        if let Err(error) = &opened
            && passes(error)
        {
            let now = Instant::now();
            // The start says so.
            file.trouble = Some(Trouble { since: now, retry_at: now + RETRY, is_told: true });
            self.shared.state().note(file.number, true, Some(error));
        }
        self.files.push(file);
        // A start that gave up waiting goes on without the answer.
        let _ = reply.send(opened);
    }

    /// Writes the next lines of a file, or finds out that it does not take them.
    fn write(&mut self, index: usize) {
        let file = &mut self.files[index];
        let Some(mut group) = file.group.take() else { return };
        let (lost, is_last) = {
            let mut state = self.shared.state();
            (state.queue(file.number).map_or(0, |queue| queue.lost()), state.is_closing)
        };
        let written = file.append(&group, lost);
        // Lines whose end is asked for are synced at once, and written again where that fails: twice rather than never.
        let written = written.and_then(|()| if group.done.is_some() { file.sink.sync() } else { Ok(()) });
        let mut state = self.shared.state();
        match written {
            Ok(()) => {
                file.worked();
                state.note(file.number, false, None);
            }
            Err(error) => {
                file.failed(&error);
                // A FIFO may be full for a moment.
                if file.trouble.as_ref().is_some_and(|trouble| trouble.is_told) {
                    state.note(file.number, true, Some(&error));
                }
                if !is_last {
                    file.group = Some(group);
                    return;
                }
                if let Some(queue) = state.queue(file.number) {
                    queue.lose(&group);
                }
            }
        }
        if let Some(queue) = state.queue(file.number) {
            queue.left(group.lines, group.text.len());
        }
        drop(state);
        if let Some(done) = group.done.take() {
            done(file.trouble.is_none());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rotation;
    use super::super::file::tests::{fifo, reader};
    use super::super::queue::{QUEUE_BYTES, QUEUE_LINES};
    use super::*;
    use std::io::BufRead;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// A disk that is full, or hangs, while the test says so, and reports each request.
    struct Disk {
        is_full: Arc<AtomicBool>,
        hangs: Option<Receiver<()>>,
        asked: Sender<()>,
        written: Arc<Mutex<String>>,
    }

    impl LineSink for Disk {
        fn open(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn append(&mut self, lines: &[u8]) -> io::Result<()> {
            // Decided before the test hears of it.
            let is_full = self.is_full.load(Ordering::Acquire);
            // The test may have seen enough.
            let _ = self.asked.send(());
            if let Some(hangs) = &self.hangs {
                let _ = hangs.recv();
            }
            if is_full {
                return Err(ErrorKind::StorageFull.into());
            }
            self.written.lock().unwrap().push_str(std::str::from_utf8(lines).unwrap());
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn group_bytes(&self) -> usize {
            64 * 1024
        }
    }

    struct Rig {
        writer: LineWriter,
        lines: Lines,
        is_full: Arc<AtomicBool>,
        asks: Receiver<()>,
        written: Arc<Mutex<String>>,
    }

    fn rig(is_full: bool) -> Rig {
        rig_with(is_full, None, LineWriter::start("test").unwrap())
    }

    fn rig_with(is_full: bool, hangs: Option<Receiver<()>>, writer: LineWriter) -> Rig {
        let (is_full, written) = (Arc::new(AtomicBool::new(is_full)), Arc::<Mutex<String>>::default());
        let (asked, asks) = channel();
        let disk = Disk { is_full: is_full.clone(), hangs, asked, written: written.clone() };
        let missing = |lines| Some(format!("{lines} are missing\n"));
        let lines = writer.open_sink("test", Box::new(disk), missing).unwrap();
        Rig { writer, lines, is_full, asks, written }
    }

    fn options(path: &Path) -> LineFileOptions {
        let rotation = Rotation { limit_bytes: 1 << 20, kept: 2, kept_for: None };
        LineFileOptions { name: "test", path: path.to_owned(), mode: 0o600, rotation, missing: |_| None }
    }

    #[test]
    fn what_the_disk_has_no_room_for_is_written_when_there_is_room() {
        let rig = rig(true);
        (0..100).for_each(|n| rig.lines.push(format!("{n}\n")));
        // It was refused, and tried again.
        (0..2).for_each(|_| rig.asks.recv().unwrap());
        let failing = rig.lines.health();
        assert!(failing.is_failing && failing.waiting == 100, "{failing:?}");
        rig.is_full.store(false, Ordering::Release);
        rig.writer.close();
        assert_eq!((rig.lines.lost(), rig.written.lock().unwrap().lines().count()), (0, 100));
        let well = rig.lines.health();
        assert!(!well.is_failing && well.waiting == 0 && well.last_error.is_some(), "{well:?}");
        rig.lines.push("too late\n".into());
        assert_eq!((rig.lines.lost(), rig.lines.waiting()), (1, 0));
    }

    #[test]
    fn a_full_queue_loses_lines_by_number_and_by_size_and_the_file_says_how_many() {
        for (line, fit) in
            [("x\n".to_owned(), QUEUE_LINES - 1), ("x".repeat(1 << 20) + "\n", QUEUE_BYTES / ((1 << 20) + 1))]
        {
            let rig = rig(true);
            rig.lines.push("first\n".into());
            rig.asks.recv().unwrap();
            (0..fit + 100).for_each(|_| rig.lines.push(line.clone()));
            assert_eq!(rig.lines.lost(), 100);
            rig.is_full.store(false, Ordering::Release);
            rig.writer.close();
            let written = rig.written.lock().unwrap();
            assert!(written.starts_with("first\n100 are missing\n"), "{}", &written[..40]);
            assert_eq!(written.lines().count(), 2 + fit);
        }
    }

    #[test]
    fn closing_on_a_full_disk_ends_and_counts_what_is_lost() {
        let rig = rig(true);
        (0..10).for_each(|n| rig.lines.push(format!("{n}\n")));
        rig.writer.close();
        assert_eq!((rig.lines.lost(), rig.lines.waiting()), (10, 0));
    }

    #[test]
    fn a_disk_that_hangs_holds_up_no_caller_and_no_stop() {
        let (let_go, hangs) = channel();
        let writer = LineWriter::start_with("test", Duration::from_millis(50)).unwrap();
        let rig = rig_with(false, Some(hangs), writer);
        rig.lines.push("first\n".into());
        rig.asks.recv().unwrap();
        (0..QUEUE_LINES + 99).for_each(|_| rig.lines.push("x\n".into()));
        assert_eq!((rig.lines.lost(), rig.lines.waiting()), (100, QUEUE_LINES));
        // Returns although the thread does not.
        rig.writer.close();
        assert_eq!(rig.lines.waiting(), QUEUE_LINES);
        drop(let_go);
    }

    #[test]
    fn a_file_that_takes_nothing_holds_up_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let writer = LineWriter::start("test").unwrap();
        let path = dir.path().join("fifo");
        fifo(&path);
        let stalled = writer.open(options(&path)).unwrap();
        let Rig { writer, lines, asks, written, .. } = rig_with(false, None, writer);
        stalled.push("stalled\n".into());
        for _ in 0..3 {
            lines.push("written\n".into());
            asks.recv().unwrap();
        }
        // Its lines wait for a reader.
        assert_eq!((stalled.lost(), stalled.waiting()), (0, 1));
        let mut reader = reader(&path);
        let mut line = String::new();
        while !line.ends_with('\n') {
            // It is not opened for writing yet, or still empty.
            let _ = reader.read_line(&mut line);
            std::thread::yield_now();
        }
        assert_eq!(line, "stalled\n");
        writer.close();
        assert_eq!(written.lock().unwrap().lines().count(), 3);
    }

    #[test]
    fn the_end_of_durable_lines_is_told_and_what_is_refused_is_the_callers() {
        let rig = rig(true);
        let (sender, ends) = channel();
        let push = |sender: Sender<bool>| {
            rig.lines.push_durably("record\n".into(), 1, move |durable| sender.send(durable).unwrap())
        };
        assert!(push(sender.clone()));
        rig.asks.recv().unwrap();
        assert!(ends.try_recv().is_err());
        rig.is_full.store(false, Ordering::Release);
        assert_eq!(ends.recv(), Ok(true));
        rig.is_full.store(true, Ordering::Release);
        assert!(push(sender.clone()));
        rig.writer.close();
        assert_eq!(ends.recv(), Ok(false));
        assert!(!push(sender));
        assert_eq!((rig.lines.lost(), rig.written.lock().unwrap().as_str()), (0, "record\n"));
    }

    #[test]
    fn a_file_that_cannot_be_opened_for_good_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let writer = LineWriter::start("test").unwrap();
        assert!(writer.open(options(&dir.path().join("absent/lines"))).is_err());
        assert!(writer.open(options(dir.path())).is_err());
    }
}
