//! The audit file: who did what, a JSON line each. What stands in a line: docs/access.md.
//!
//! Lines go through a queue with a limit ([`Lines`]): one that finds it full is lost, and counted in the file and in `/metrics`.

mod backward;
mod event;
mod quota;
mod trail;

pub(crate) use event::{Event, EventKind, kind_of};
pub(crate) use trail::AuditTrailFiles;

use crate::lines::{LineFileOptions, LineHealth, LineWriters, Lines, Rotation};
use quota::Quotas;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Only the operator of the server may read who did what.
const MODE: u32 = 0o600;

/// Takes what is to be written down. Cheap to clone; one that is switched off takes everything and writes nothing.
#[derive(Clone, Default)]
pub(crate) struct Audit(Option<Arc<Shared>>);

struct Shared {
    lines: Lines,
    quotas: Quotas,
}

impl Audit {
    /// Opens the file.
    pub(crate) fn open(writers: &LineWriters, path: PathBuf, rotation: Rotation) -> std::io::Result<Self> {
        let missing = |lines| Some(Event::lost(lines).to_line());
        let options = LineFileOptions { name: "audit", path, mode: MODE, rotation, missing };
        Ok(Self(Some(Arc::new(Shared { lines: writers.open(options)?, quotas: Quotas::default() }))))
    }

    /// Writes an event down, soon. Never waits.
    pub(crate) fn record(&self, event: &Event<'_>) {
        if let Some(shared) = &self.0 {
            shared.tell_left_out(false);
            shared.lines.push(event.to_line());
        }
    }

    /// As [`Self::record`], of a request that was refused: a key has so many of these lines in a while, and further ones
    /// are counted.
    pub(crate) fn record_refusal(&self, event: &Event<'_>) {
        let Some(shared) = &self.0 else { return };
        shared.tell_left_out(false);
        let key = event.session_of.or(event.access_key_id).unwrap_or_default();
        if shared.quotas.take(Instant::now(), key) {
            shared.lines.push(event.to_line());
        }
    }

    /// How many lines about refused requests were left out since the start, by long-term access key.
    pub(crate) fn refusals_left_out(&self) -> Vec<(String, u64)> {
        self.0.as_ref().map_or_else(Vec::new, |shared| shared.quotas.left_out())
    }

    /// How many lines were lost since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.0.as_ref().map_or(0, |shared| shared.lines.lost())
    }

    /// How many lines wait for the file.
    pub(crate) fn waiting(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.lines.waiting())
    }

    /// How the file takes its lines; `None` for one that is switched off.
    pub(crate) fn health(&self) -> Option<LineHealth> {
        self.0.as_ref().map(|shared| shared.lines.health())
    }

    /// Writes down what is counted so far; called before the writers are closed.
    pub(crate) fn settle(&self) {
        if let Some(shared) = &self.0 {
            shared.tell_left_out(true);
        }
    }
}

impl Shared {
    /// A line for each access key of which lines were left out in a minute that is over.
    fn tell_left_out(&self, at_the_end: bool) {
        for (key, lines) in self.quotas.settle(Instant::now(), at_the_end) {
            self.lines.push(Event::refusals_left_out(&key, lines).to_line());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn open(dir: &std::path::Path, limit_bytes: u64) -> (Audit, LineWriters) {
        let writers = LineWriters::default();
        let rotation = Rotation { limit_bytes, kept: 2, kept_for: None };
        (Audit::open(&writers, dir.join("audit.jsonl"), rotation).unwrap(), writers)
    }

    fn close(audit: &Audit, writers: &LineWriters) {
        audit.settle();
        writers.close();
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
            let (audit, writers) = open(dir.path(), 1 << 20);
            for index in 0..100 {
                audit.record(&event(&format!("{start}-{index}")));
            }
            close(&audit, &writers);
            audit.record(&event("too late"));
            assert_eq!(audit.lost(), 1, "only what came after the end");
        }
        let lines = lines(&dir.path().join("audit.jsonl"));
        assert_eq!(lines.len(), 200);
        assert_eq!(lines[199]["resource"], "1-99");
        assert_eq!(lines[0]["event"], "administration");
    }

    #[test]
    fn refusals_of_one_key_leave_room_for_the_lines_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let (audit, writers) = open(dir.path(), 1 << 20);
        let refusal = Event { access_key_id: Some("LOUD"), ..Event::new(EventKind::Denial) };
        for _ in 0..100_000 {
            audit.record_refusal(&refusal);
        }
        audit.record(&event("s"));
        assert_eq!(audit.lost(), 0);
        let left_out = audit.refusals_left_out();
        close(&audit, &writers);
        let lines = lines(&dir.path().join("audit.jsonl"));
        let of = |kind: &str| lines.iter().filter(|line| line["event"] == kind).collect::<Vec<_>>();
        assert_eq!(of("administration").len(), 1);
        let written = of("denial").len() as u64;
        let told: u64 = of("refusals-left-out").iter().filter_map(|line| line["lines"].as_u64()).sum();
        assert!(written < 1_000, "{written}");
        assert_eq!(written + told, 100_000);
        assert_eq!(left_out, [("LOUD".to_owned(), told)]);
        assert_eq!(of("refusals-left-out")[0]["access_key_id"], "LOUD");
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let line_bytes = event("000").to_line().len() as u64;
        let (audit, writers) = open(dir.path(), line_bytes * 10);
        for index in 0..100 {
            audit.record(&event(&format!("{index:03}")));
        }
        close(&audit, &writers);
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
        let (audit, writers) = open(dir.path(), 1 << 20);
        audit.record(&event("s"));
        close(&audit, &writers);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert_eq!(serde_json::from_str::<Value>(text.lines().nth(1).unwrap()).unwrap()["resource"], "s");
    }

    #[test]
    fn one_that_is_switched_off_takes_everything_and_writes_nothing() {
        let audit = Audit::default();
        audit.record(&event("s"));
        audit.settle();
        assert_eq!(audit.lost(), 0);
    }
}
