//! The audit file: who did what, a JSON line each. What stands in a line: docs/access.md.
//!
//! Lines go through a queue with a limit to a thread of their own. Nobody waits for it: a line that finds the queue full
//! is lost, and counted in the file and in `/metrics`.

mod event;
mod file;

pub(crate) use event::{Event, EventKind, kind_of};

use file::AuditFile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Lines that may wait for the disk.
const QUEUE_LINES: usize = 8_192;

/// How the audit file is kept.
#[derive(Debug, Clone)]
pub(crate) struct AuditOptions {
    /// The file.
    pub path: PathBuf,
    /// A file of this size is put aside.
    pub limit_bytes: u64,
    /// So many that were put aside are kept.
    pub kept: u32,
}

/// Takes what is to be written down. Cheap to clone; one that is switched off takes everything and writes nothing.
#[derive(Clone, Default)]
pub(crate) struct Audit(Option<Arc<Shared>>);

struct Shared {
    queue: Mutex<Option<SyncSender<String>>>,
    lost: AtomicU64,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Audit {
    /// Opens the file and starts its thread.
    pub(crate) fn open(options: AuditOptions) -> std::io::Result<Self> {
        let file = AuditFile::open(options)?;
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let shared = Arc::new(Shared {
            queue: Mutex::new(Some(queue)),
            lost: AtomicU64::new(0),
            writer: Mutex::new(None),
        });
        let of_thread = Arc::downgrade(&shared);
        let writer = std::thread::Builder::new().name("audit".into()).spawn(move || {
            let lost = || of_thread.upgrade().map_or(0, |shared| shared.lost.load(Ordering::Relaxed));
            let count = |lines: u64| {
                if let Some(shared) = of_thread.upgrade() {
                    shared.lost.fetch_add(lines, Ordering::Relaxed);
                }
            };
            write(file, &lines, &lost, &count);
        })?;
        if let Ok(mut place) = shared.writer.lock() {
            *place = Some(writer);
        }
        Ok(Self(Some(shared)))
    }

    /// Writes an event down, soon. Never waits.
    pub(crate) fn record(&self, event: &Event<'_>) {
        let Some(shared) = &self.0 else { return };
        let line = event.to_line();
        let sent = match shared.queue.lock() {
            Ok(queue) => queue.as_ref().map_or(Err(()), |queue| match queue.try_send(line) {
                Ok(()) => Ok(()),
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(()),
            }),
            Err(_) => Err(()),
        };
        if sent.is_err() {
            shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were lost since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.0.as_ref().map_or(0, |shared| shared.lost.load(Ordering::Relaxed))
    }

    /// Writes what waits, makes it durable and ends. Blocks until then.
    pub(crate) fn close(&self) {
        let Some(shared) = &self.0 else { return };
        let queue = shared.queue.lock().ok().and_then(|mut queue| queue.take());
        drop(queue);
        let writer = shared.writer.lock().ok().and_then(|mut writer| writer.take());
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the audit thread failed");
        }
    }
}

/// Takes lines until there are no more, in groups as large as they come.
fn write(mut file: AuditFile, lines: &Receiver<String>, lost: &dyn Fn() -> u64, count_lost: &dyn Fn(u64)) {
    let mut told = 0;
    let mut healthy = true;
    while let Ok(first) = lines.recv() {
        let mut group = first;
        let mut in_group = 1;
        while group.len() < file.group_bytes() {
            let Ok(line) = lines.try_recv() else { break };
            group.push_str(&line);
            in_group += 1;
        }
        let now_lost = lost();
        if now_lost > told {
            group.push_str(&Event::lost(now_lost - told).to_line());
        }
        match file.append(group.as_bytes()) {
            Ok(()) => {
                told = now_lost;
                healthy = true;
            }
            Err(error) => {
                count_lost(in_group);
                // Once per trouble: a full disk is full for every line.
                if std::mem::take(&mut healthy) {
                    tracing::error!(%error, "the audit file cannot be written; lines are lost and counted");
                }
            }
        }
    }
    if let Err(error) = file.sync() {
        tracing::error!(%error, "the audit file cannot be made durable");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn options(dir: &std::path::Path, limit_bytes: u64) -> AuditOptions {
        AuditOptions { path: dir.join("audit.jsonl"), limit_bytes, kept: 2 }
    }

    fn event(resource: &str) -> Event<'_> {
        Event {
            action: Some("kinesisvideo:DeleteStream"),
            resource: Some(resource),
            ..Event::new(EventKind::Administration)
        }
    }

    fn lines(path: &std::path::Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn what_was_recorded_is_in_the_file_once_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        for start in 0..2 {
            let audit = Audit::open(options(dir.path(), 1 << 20)).unwrap();
            for index in 0..100 {
                audit.record(&event(&format!("{start}-{index}")));
            }
            audit.close();
            audit.record(&event("too late"));
            assert_eq!(audit.lost(), 1, "only what came after the end");
        }
        let lines = lines(&dir.path().join("audit.jsonl"));
        assert_eq!(lines.len(), 200);
        assert_eq!(lines[199]["resource"], "1-99");
        assert_eq!(lines[0]["event"], "administration");
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let line_bytes = event("000").to_line().len() as u64;
        let audit = Audit::open(options(dir.path(), line_bytes * 10)).unwrap();
        for index in 0..100 {
            audit.record(&event(&format!("{index:03}")));
        }
        audit.close();
        let path = dir.path().join("audit.jsonl");
        let aside = |number: u32| dir.path().join(format!("audit.jsonl.{number}"));
        assert!(aside(1).exists() && !aside(3).exists());
        assert_eq!(lines(&path).last().or(lines(&aside(1)).last()).unwrap()["resource"], "099");
    }

    #[test]
    fn a_line_that_a_crash_tore_stays_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        std::fs::write(&path, b"{\"event\":\"admi").unwrap();
        let audit = Audit::open(options(dir.path(), 1 << 20)).unwrap();
        audit.record(&event("s"));
        audit.close();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert_eq!(serde_json::from_str::<Value>(text.lines().nth(1).unwrap()).unwrap()["resource"], "s");
    }

    #[test]
    fn one_that_is_switched_off_takes_everything_and_writes_nothing() {
        let audit = Audit::default();
        audit.record(&event("s"));
        audit.close();
        assert_eq!(audit.lost(), 0);
    }
}
