//! How the running server is, read from the parts that know.

use crate::audit::Audit;
use crate::call::{CallRegistry, FlowLog};
use crate::kms::Keys;
use crate::lines::LineHealth;
use crate::media::MediaStats;
use crate::metrics::Metrics;
use crate::persist::{ContactHistory, RecordWays, WayHealth};
use crate::recent_log::recent_lines;
use crate::sink::CaptureQueue;
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tympan_admin::{EventReaders, Health};
use tympan_aws::BoxFuture;
use tympan_capture::Leases;
use tympan_connect::ConnectService;
use tympan_db::{Db, DbError};
use tympan_kms::{KeyDescription, KeyId, KeyProvider, KeyState, Keyring};
use tympan_kvs::KvsService;
use tympan_store::MediaStore;
use tympan_types::WallTime;

/// Rates are known after so long.
const MEASURED_AFTER: Duration = Duration::from_secs(3_600);
/// Keys of an external KMS that are asked for, and how long each is waited for.
const KEYS_ASKED: usize = 20;
const KEY_LIMIT: Duration = Duration::from_secs(2);

/// The parts.
pub(super) struct RunningHealth {
    pub(super) data_dir: PathBuf,
    pub(super) calls: CallRegistry,
    pub(super) calls_max: usize,
    pub(super) leases: Leases,
    pub(super) streams_max: Option<u32>,
    pub(super) kvs: KvsService,
    pub(super) event_readers: EventReaders,
    pub(super) keys: KeyHealth,
    pub(super) history: Arc<ContactHistory>,
    pub(super) flow_log: Arc<FlowLog>,
    pub(super) audit: Audit,
    pub(super) media: Arc<MediaStats>,
    pub(super) queue: Arc<CaptureQueue>,
    pub(super) store: MediaStore,
    pub(super) db: Db,
    pub(super) metrics: Arc<Metrics>,
    pub(super) began: Beginning,
}

/// Who is asked for master keys.
pub(super) struct KeyHealth {
    provider: Arc<dyn KeyProvider>,
    keyring: Option<Arc<Keyring>>,
    /// Whose streams have keys.
    connect: ConnectService,
}

/// What the disk was like when the store was opened.
pub(super) struct Beginning {
    at: Instant,
    free_bytes: Option<u64>,
}

impl Beginning {
    pub(super) fn now(data_dir: &std::path::Path) -> Self {
        Self { at: Instant::now(), free_bytes: Room::of(data_dir).map(|room| room.free_bytes) }
    }
}

/// Room on a disk.
struct Room {
    free_bytes: u64,
    total_bytes: u64,
    used_bytes: u64,
}

impl Room {
    fn of(folder: &std::path::Path) -> Option<Self> {
        let space = statvfs(folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(space.fragment_size());
        Some(Self {
            free_bytes: bytes(space.blocks_available()),
            total_bytes: bytes(space.blocks()),
            // What is kept for the administrator is not in use.
            used_bytes: bytes(space.blocks().saturating_sub(space.blocks_free())),
        })
    }
}

impl Health for RunningHealth {
    fn look(&self) -> BoxFuture<'_, Value> {
        Box::pin(async {
            let keys = self.keys.look().await;
            let lines = recent_lines().into_iter().map(|line| {
                json!({
                    "Time": line.at.rfc3339_ms(),
                    "Level": line.level,
                    "Target": line.target,
                    "Message": line.message,
                })
            });
            json!({
                "Calls": { "Live": self.calls.len(), "Limit": self.calls_max },
                "Streams": { "InUse": self.leases.leased(), "Limit": self.streams_max },
                "Listeners": self.kvs.reader_counts().listed,
                "EventReaders": self.event_readers.counts().open,
                "Disk": self.disk(),
                "KeyProvider": if self.keys.keyring.is_some() { "LOCAL" } else { "EXTERNAL" },
                "Keys": keys,
                "Sinks": self.sinks(),
                "Capture": self.capture(),
                "Errors": lines.collect::<Vec<_>>(),
            })
        })
    }
}

impl RunningHealth {
    fn disk(&self) -> Option<Value> {
        let Room { free_bytes, total_bytes, used_bytes } = Room::of(&self.data_dir)?;
        let passed = self.began.at.elapsed();
        let written = self.store.stats().bytes_committed;
        let filled = self.began.free_bytes.map(|before| before.saturating_sub(free_bytes));
        Some(json!({
            "FreeBytes": free_bytes,
            "TotalBytes": total_bytes,
            "UsedBytes": used_bytes,
            "BytesPerDay": per_day(written, passed),
            "DaysLeft": filled
                .and_then(|filled| per_day(filled, passed))
                .and_then(|per_day| free_bytes.checked_div(per_day)),
        }))
    }

    fn sinks(&self) -> Vec<Value> {
        let mut sinks = vec![
            file_sink(
                "contact-records.jsonl",
                "RECORDS",
                self.history.record_lines(),
                self.history
                    .records_waiting()
                    .map(|(waiting, oldest)| (waiting, oldest.map(WallTime::rfc3339_ms))),
            ),
            self.flow_log(),
            line_sink("audit.jsonl", "AUDIT", self.audit.health(), None),
        ];
        let ways = self.history.record_ways().into_iter().flat_map(RecordWays::ways);
        sinks.extend(ways.map(|way| way_sink(way.health(&self.db))));
        sinks
    }

    /// Lines wait in the database, and for the file.
    fn flow_log(&self) -> Value {
        let waiting = self.db.read(|reader| reader.flow_log_waiting());
        let health = LineHealth { lost: self.flow_log.lost(), ..self.flow_log.lines().health() };
        let waiting = waiting.map(|(lines, oldest)| (lines, oldest.and_then(|line| time_of(&line))));
        file_sink("flow-logs.jsonl", "FLOW_LOG", health, waiting)
    }

    fn capture(&self) -> Value {
        let media =
            |name: &str| self.media.values().find(|(known, _)| *known == name).map(|(_, count)| count);
        let queue = self.queue.stats();
        json!({
            "SamplesCaptured": media("captured_samples"),
            "PacketsLost": media("lost_packets"),
            "SamplesOverrun": media("overrun_samples"),
            "StartsFailed": self.metrics.captures_failed(),
            "CapturesDisplaced": media("displaced_captures"),
            "CapturesCutOff": queue.cut_off_uploads.load(Relaxed),
            "BytesRefused": queue.refused_bytes.load(Relaxed),
            "FragmentsRefused": self.store.stats().fragments_failed,
        })
    }
}

impl KeyHealth {
    pub(super) fn of(keys: &Keys, connect: &ConnectService) -> Self {
        let (provider, keyring) = (keys.provider.clone(), keys.keyring().cloned());
        Self { provider, keyring, connect: connect.clone() }
    }

    async fn look(&self) -> Vec<Value> {
        if let Some(keyring) = &self.keyring {
            return match keyring.keys() {
                Ok(keys) => keys.iter().map(key).collect(),
                Err(error) => vec![unavailable("keyring", &error.to_string())],
            };
        }
        let named: BTreeSet<String> = self.connect.stream_keys().into_iter().take(KEYS_ASKED).collect();
        let asked = named.into_iter().map(|named| async move {
            let Ok(id) = KeyId::parse(&named) else { return unavailable(&named, "it is no id of a key") };
            match tokio::time::timeout(KEY_LIMIT, self.provider.describe(&id)).await {
                Ok(Ok(description)) => key(&description),
                Ok(Err(error)) => unavailable(&named, &error.to_string()),
                Err(_) => unavailable(&named, "its provider did not answer in 2 seconds"),
            }
        });
        futures_util::future::join_all(asked).await
    }
}

fn key(key: &KeyDescription) -> Value {
    let deletion = match key.state {
        KeyState::PendingDeletion { deletion_unix_ms } => Some(deletion_unix_ms.rfc3339_ms()),
        KeyState::Enabled | KeyState::Disabled => None,
    };
    json!({ "KeyId": key.id, "Aliases": key.aliases, "State": key.state.name(), "Detail": deletion })
}

fn unavailable(named: &str, why: &str) -> Value {
    json!({ "KeyId": named, "Aliases": [], "State": "Unavailable", "Detail": why })
}

/// A file whose lines wait in the database: so many, and the time of the oldest one.
fn file_sink(
    name: &str,
    kind: &str,
    health: LineHealth,
    waiting: Result<(u64, Option<String>), DbError>,
) -> Value {
    match waiting {
        Ok((lines, oldest)) => {
            let lines = usize::try_from(lines).unwrap_or(usize::MAX);
            let health = LineHealth { waiting: lines.max(health.waiting), ..health };
            line_sink(name, kind, Some(health), oldest)
        }
        Err(error) => {
            let mut sink = line_sink(name, kind, Some(LineHealth { is_failing: true, ..health }), None);
            sink["LastError"] = unreadable(&error);
            sink
        }
    }
}

/// A file of lines; `None`: it is switched off.
fn line_sink(name: &str, kind: &str, health: Option<LineHealth>, oldest: Option<String>) -> Value {
    let state = match &health {
        None => "OFF",
        Some(health) if health.is_failing => "FAILING",
        Some(_) => "OK",
    };
    let health = health.unwrap_or_default();
    json!({
        "Name": name,
        "Kind": kind,
        "State": state,
        "Waiting": health.waiting,
        "OldestWaiting": oldest,
        "LastError": health.last_error.map(|(at, message)| last_error(at, &message)),
        "Lost": health.lost,
    })
}

fn way_sink(health: WayHealth) -> Value {
    let WayHealth { name, is_of_records, is_failing, dead, last_error: error, waiting } = health;
    let (state, last, waiting, oldest) = match waiting {
        Ok((waiting, oldest)) => (
            if is_failing { "FAILING" } else { "OK" },
            error.map(|(at, message)| last_error(at, &message)),
            waiting,
            oldest.map(WallTime::rfc3339_ms),
        ),
        Err(error) => ("FAILING", Some(unreadable(&error)), 0, None),
    };
    json!({
        "Name": name,
        "Kind": if is_of_records { "RECORDS" } else { "EVENTS" },
        "State": state,
        "Waiting": waiting,
        "OldestWaiting": oldest,
        "LastError": last,
        "Lost": dead,
    })
}

fn last_error(at: WallTime, message: &str) -> Value {
    json!({ "Time": at.rfc3339_ms(), "Message": message })
}

fn unreadable(error: &DbError) -> Value {
    last_error(crate::clock::SystemClock.wall_now(), &format!("what waits cannot be read: {error}"))
}

/// The time of a line of the flow log.
fn time_of(line: &[u8]) -> Option<String> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line["Timestamp"].as_str().map(str::to_owned)
}

/// What becomes of an amount in a day; `None` before it is known.
fn per_day(amount: u64, passed: Duration) -> Option<u64> {
    if passed < MEASURED_AFTER {
        return None;
    }
    let per_day = u128::from(amount) * 86_400_000 / passed.as_millis().max(1);
    u64::try_from(per_day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_not_told_before_it_is_known() {
        assert_eq!(per_day(1 << 40, Duration::from_secs(3_599)), None);
        assert_eq!(per_day(100, Duration::from_secs(43_200)), Some(200));
        assert_eq!(per_day(0, Duration::from_secs(86_400)), Some(0));
    }

    #[test]
    fn the_room_on_a_disk_adds_up_to_no_more_than_its_size() {
        let room = Room::of(std::path::Path::new("/")).unwrap();
        assert!(room.free_bytes + room.used_bytes <= room.total_bytes && room.total_bytes > 0);
        assert!(Room::of(std::path::Path::new("/nothing/here")).is_none());
    }

    #[test]
    fn a_sink_that_is_switched_off_is_neither_well_nor_ill() {
        assert_eq!(line_sink("audit.jsonl", "AUDIT", None, None)["State"], "OFF");
        let health = LineHealth { is_failing: true, waiting: 3, ..LineHealth::default() };
        assert_eq!(line_sink("audit.jsonl", "AUDIT", Some(health), None)["State"], "FAILING");
    }
}
