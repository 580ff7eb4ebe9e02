//! The newest warnings and errors of the log, in memory, for an operator who does not see it.
//!
//! There is one log for a process, and therefore one of these. Its lines are those of the log: what the filter keeps out of that is
//! not here either, and fields are printed as the log prints them.

use crate::clock::SystemClock;
use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tympan_types::WallTime;

/// Lines that are kept.
const MOST_LINES: usize = 100;
/// Bytes of a message that are kept.
const MOST_BYTES: usize = 2_000;

static RECENT: RecentLines = RecentLines(Mutex::new(VecDeque::new()));

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecentLine {
    pub(crate) at: WallTime,
    /// `WARN` or `ERROR`.
    pub(crate) level: &'static str,
    /// The module that said it.
    pub(crate) target: String,
    /// The message, then its fields.
    pub(crate) message: String,
}

struct RecentLines(Mutex<VecDeque<RecentLine>>);

/// The lines, newest first.
pub(crate) fn recent_lines() -> Vec<RecentLine> {
    RECENT.lines().iter().cloned().collect()
}

/// Keeps lines of the log.
pub(crate) struct RecentLog;

impl<S: Subscriber> Layer<S> for RecentLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            _ => return,
        };
        let mut message = Message::default();
        event.record(&mut message);
        let (at, target) = (SystemClock.wall_now(), metadata.target().to_owned());
        RECENT.push(RecentLine { at, level, target, message: message.into_text() });
    }
}

impl RecentLines {
    fn lines(&self) -> MutexGuard<'_, VecDeque<RecentLine>> {
        // No change of it can be left half made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: RecentLine) {
        let mut lines = self.lines();
        lines.push_front(line);
        lines.truncate(MOST_LINES);
    }
}

/// An event as text.
#[derive(Default)]
struct Message {
    text: String,
    fields: String,
}

impl Message {
    fn into_text(self) -> String {
        let mut text = self.text + &self.fields;
        if text.len() > MOST_BYTES {
            text.truncate(text.floor_char_boundary(MOST_BYTES));
            text.push_str("...");
        }
        text
    }
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;
    use tympan_types::Redacted;

    #[test]
    fn warnings_and_errors_are_kept_newest_first_and_not_without_a_bound() {
        let number = Redacted::new("+15557390246");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(RecentLog), || {
            tracing::info!("not this");
            (0..MOST_LINES).for_each(|n| tracing::warn!(n, "again"));
            tracing::error!(?number, why = "it is away", "a sink does not answer");
            tracing::warn!("{}", "ä".repeat(MOST_BYTES));
        });
        let lines = recent_lines();
        assert_eq!(lines.len(), MOST_LINES);
        assert!(lines[0].message.len() <= MOST_BYTES + 3 && lines[0].message.ends_with("ä..."));
        assert_eq!((lines[1].level, lines[1].target.as_str()), ("ERROR", module_path!()));
        assert!(lines[1].message.starts_with("a sink does not answer number="), "{}", lines[1].message);
        assert!(lines[1].message.ends_with(" why=\"it is away\"") && !lines[1].message.contains("7390246"));
        assert_eq!(lines[2].message, "again n=99");
    }
}
