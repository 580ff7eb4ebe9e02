//! What has to be done outside of `control.db` because of a change in it: written with its cause, done, marked. A kill between any two
//! repeats the step at the next start, so each can be done twice.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::Notify;
use tympan_contact::CustomerAudio;
use tympan_db::outbox::{Entry, NewEntry};
use tympan_db::{Db, DbError, Tx};
use tympan_store::{ErrorKind, FragmentRange, MediaStore, SEQUENCE_BLOCK, StoreError, StreamRef};
use tympan_types::{FragmentNumber, ServerTime, StreamArn, WallTime};

/// Entries that are looked at together; what is written to the database gets between.
const BATCH: usize = 100;
/// A step that failed is tried again after twice as long each time, from the first to the last of these.
const PAUSES_MS: (i64, i64) = (1_000, 600_000);
/// Fragments of a contact's captures are to be erased.
const ERASE_FRAGMENTS: &str = "erase-fragments";

/// The outbox and who does its steps.
pub(crate) struct Outbox {
    db: Db,
    steps: OnceLock<Arc<dyn Steps>>,
    /// Held while steps are performed: nothing is done by two at once.
    performing: Mutex<()>,
    written: Notify,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    done: AtomicU64,
    put_off: AtomicU64,
    not_known: AtomicU64,
}

/// Numbers for an operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OutboxStats {
    /// Steps that were done.
    pub(crate) done: u64,
    /// Attempts that failed; they are made again.
    pub(crate) put_off: u64,
    /// Entries of a kind or format that this build does not know; they stay.
    pub(crate) not_known: u64,
}

/// What the steps act on.
pub(crate) trait Steps: Send + Sync {
    /// Erases fragments of a stream; a stream that is gone has none. Done twice it does no harm.
    fn erase_fragments(&self, stream: &StreamArn, range: FragmentRange) -> Result<(), StoreError>;
}

/// The media store, asked from threads that may wait.
pub(crate) struct StoreSteps {
    pub(crate) store: MediaStore,
    pub(crate) runtime: tokio::runtime::Handle,
}

impl Steps for StoreSteps {
    fn erase_fragments(&self, stream: &StreamArn, range: FragmentRange) -> Result<(), StoreError> {
        // The caller may be amidst a future of its own, where no other may be blocked on: an operation of the admin service is.
        let (done, erased) = sync_channel(1);
        let (store, stream) = (self.store.clone(), stream.clone());
        self.runtime.spawn(async move {
            let erase = async {
                let stream = store.stream(StreamRef::Arn(&stream)).await?;
                store.erase_fragments(stream.id, range).await
            };
            // Who has waited may have gone with the server.
            let _ = done.send(erase.await);
        });
        let Ok(erased) = erased.recv() else {
            return Err(StoreError::new(ErrorKind::NotActive, "the server goes down"));
        };
        match erased {
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(()),
            erased => erased.map(drop),
        }
    }
}

/// Format 1 of [`ERASE_FRAGMENTS`]: JSON.
#[derive(Serialize, Deserialize)]
struct EraseFragments {
    stream: StreamArn,
    first: FragmentNumber,
    last: FragmentNumber,
}

impl Outbox {
    /// The outbox of a database. Nothing is done before [`Self::begin`].
    pub(crate) fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            steps: OnceLock::new(),
            performing: Mutex::default(),
            written: Notify::new(),
            counts: Counts::default(),
        }
    }

    /// From now on steps are done, by these.
    pub(crate) fn begin(&self, steps: Arc<dyn Steps>) {
        // The first ones stay: there is one store.
        drop(self.steps.set(steps));
    }

    /// Adds the erasure of what was captured, to the transaction of its cause.
    pub(crate) fn erase_captures(tx: &mut Tx<'_>, captures: &[CustomerAudio]) -> Result<(), DbError> {
        for audio in captures {
            let (first, last) = (audio.start_fragment_number, last_of(audio));
            let step = EraseFragments { stream: audio.stream_arn.clone(), first, last };
            let payload = serde_json::to_vec(&step).map_err(|error| DbError::Other(error.to_string()))?;
            let kind = ERASE_FRAGMENTS.to_owned();
            tx.enqueue(&NewEntry { kind, format: 1, payload, next_due: WallTime::from_unix_ms(0) })?;
        }
        Ok(())
    }

    /// Does everything that is due. Blocks. Whether nothing that was due is left.
    pub(crate) fn perform(&self, now: WallTime) -> Result<bool, DbError> {
        let Some(steps) = self.steps.get() else { return Ok(false) };
        let _alone = self.performing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_clear = true;
        loop {
            let mut seen = 0;
            self.db.perform_due_of(ERASE_FRAGMENTS, now, BATCH, |entry| {
                seen += 1;
                let done = self.step(&**steps, entry, now);
                is_clear &= done.is_ok();
                done
            })?;
            // What was put off is due later than now.
            if seen < BATCH {
                return Ok(is_clear);
            }
        }
    }

    fn step(&self, steps: &dyn Steps, entry: &Entry, now: WallTime) -> Result<(), WallTime> {
        let parsed = match (entry.kind.as_str(), entry.format) {
            (ERASE_FRAGMENTS, 1) => serde_json::from_slice::<EraseFragments>(&entry.payload).ok(),
            _ => None,
        };
        let Some(EraseFragments { stream, first, last }) = parsed else {
            self.counts.not_known.fetch_add(1, Ordering::Relaxed);
            let (kind, format) = (entry.kind.as_str(), entry.format);
            tracing::error!(kind, format, "an entry of the outbox is not of this version; it stays");
            return Err(now.plus_ms(PAUSES_MS.1));
        };
        match steps.erase_fragments(&stream, FragmentRange { first, last }) {
            Ok(()) => {
                self.counts.done.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.counts.put_off.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%stream, %error, attempts = entry.attempts, "captured audio could not be erased yet; it is tried again");
                Err(now.plus_ms(pause_ms(entry.attempts)))
            }
        }
    }

    /// An entry was written.
    pub(crate) fn wake(&self) {
        self.written.notify_one();
    }

    /// Waits for an entry to be written.
    pub(crate) async fn written(&self) {
        self.written.notified().await;
    }

    /// When the next erasure falls due.
    pub(crate) fn next_due(&self) -> Result<Option<WallTime>, DbError> {
        self.db.read(|reader| reader.outbox_next_due_of(ERASE_FRAGMENTS))
    }

    /// Numbers for an operator.
    pub(crate) fn stats(&self) -> OutboxStats {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { done, put_off, not_known } = &self.counts;
        OutboxStats { done: count(done), put_off: count(put_off), not_known: count(not_known) }
    }

    /// How many entries wait, records for sinks among them.
    pub(crate) fn waiting(&self) -> u64 {
        self.db.read(|reader| reader.outbox_len()).unwrap_or(0)
    }
}

/// The last fragment of a capture. Where that is not known, the last number of the block that its session began with: no other session
/// has one of those.
fn last_of(audio: &CustomerAudio) -> FragmentNumber {
    audio.stop_fragment_number.unwrap_or_else(|| {
        let block = audio.start_fragment_number.sequence().div_ceil(SEQUENCE_BLOCK);
        let last = block.saturating_mul(SEQUENCE_BLOCK);
        FragmentNumber::new(last, ServerTime::from_unix_ms(i64::MAX), u32::MAX)
    })
}

fn pause_ms(attempts: u32) -> i64 {
    let (first, last) = PAUSES_MS;
    first.saturating_mul(1 << attempts.min(20)).min(last)
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{ended, open_with};
    use super::*;
    use std::path::Path;
    use std::sync::atomic::AtomicUsize;
    use tympan_contact::{CapturedAudio, Contact, History};
    use tympan_kms::Keyring;
    use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
    use tympan_store::{FragmentHead, NewStream, StorageTier, StoreOptions, TimeAxis};
    use tympan_types::{AccountId, ProducerTime, Region, StreamName};

    /// A data folder with a store that holds three fragments of one stream, of which the first two are a contact's.
    struct Scene {
        folder: tempfile::TempDir,
        keyring: Arc<Keyring>,
        runtime: tokio::runtime::Runtime,
        contact: Contact,
    }

    fn arn() -> StreamArn {
        let (region, account) =
            (Region::parse("us-west-2").unwrap(), AccountId::parse("111122223333").unwrap());
        let created = WallTime::from_unix_ms(1_700_000_000_000);
        StreamArn::new(region, account, StreamName::parse("calls").unwrap(), created)
    }

    fn open_store(folder: &Path, keyring: &Arc<Keyring>) -> MediaStore {
        let backend = Arc::new(EmbeddedBackend::open(folder, EmbeddedOptions::default()).unwrap());
        let options = StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() };
        let clock = Arc::new(crate::clock::ServiceClock::default());
        MediaStore::open(backend, keyring.clone(), clock, options).unwrap()
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let keyring = Arc::new(Keyring::in_memory());
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let store = open_store(folder.path(), &keyring);
            let mut contact = ended(3);
            runtime.block_on(async {
                let new = NewStream {
                    arn: arn(),
                    device_name: None,
                    media_type: None,
                    kms_key_id: "alias/aws/kinesisvideo".to_owned(),
                    kms_key_arn: None,
                    retention_hours: 24,
                    storage_tier: StorageTier::Hot,
                    tags: Default::default(),
                };
                let stream = store.create_stream(new, None).await.unwrap();
                let mut writer = store.open_writer(stream.id).await.unwrap();
                let mut numbers = Vec::new();
                for body in ["one", "two", "another contact's"] {
                    let producer = ProducerTime::from_unix_ms(0);
                    numbers.push(writer.begin(FragmentHead { head: "head".into(), producer }).unwrap());
                    writer.push(body.into());
                    writer.seal(1_000).await.unwrap();
                }
                contact.captures = vec![CustomerAudio {
                    stream_arn: arn(),
                    start_timestamp: contact.initiation_timestamp,
                    stop_timestamp: contact.disconnect_timestamp,
                    start_fragment_number: numbers[0],
                    stop_fragment_number: Some(numbers[1]),
                    ledger: None,
                }];
                drop(writer);
                store.chunk().await.unwrap();
                store.shutdown().await;
            });
            Self { folder, keyring, runtime, contact }
        }

        /// Fragments of the stream that are served, and entries that wait, once a start on this folder has done what is due.
        fn after_a_start(&self, folder: &Path) -> (usize, u64, bool) {
            let store = open_store(folder, &self.keyring);
            let (db, history, _writers) = open_with(folder);
            let steps = StoreSteps { store: store.clone(), runtime: self.runtime.handle().clone() };
            history.outbox().begin(Arc::new(steps));
            assert!(history.outbox().perform(WallTime::from_unix_ms(1_800_000_000_000)).unwrap());
            let there = history.find(self.contact.id).unwrap().is_some();
            let waiting = db.read(|reader| reader.outbox_len()).unwrap();
            let fragments = self.runtime.block_on(async {
                let id = store.stream(StreamRef::Arn(&arn())).await.unwrap().id;
                let listed = store.list_fragments(id, TimeAxis::Server, 0, i64::MAX, None, 9).await.unwrap();
                store.shutdown().await;
                listed.len()
            });
            (fragments, waiting, there)
        }
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            match from.is_dir() {
                true => copy(&from, &to),
                // A WAL index is of no use to another process; a file may be renamed meanwhile.
                false if from.extension().is_some_and(|name| name == "db-shm") => {}
                false => drop(std::fs::copy(from, to)),
            }
        }
    }

    /// Copies the folder before and after each step, as a kill there would leave it.
    struct Copying {
        steps: StoreSteps,
        folder: std::path::PathBuf,
        to: std::path::PathBuf,
        count: AtomicUsize,
    }

    impl Copying {
        fn copy(&self) {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            copy(&self.folder, &self.to.join(count.to_string()));
        }
    }

    impl Steps for Copying {
        fn erase_fragments(&self, stream: &StreamArn, range: FragmentRange) -> Result<(), StoreError> {
            self.copy();
            self.steps.erase_fragments(stream, range)?;
            self.copy();
            Ok(())
        }
    }

    #[test]
    fn a_kill_between_any_two_steps_of_a_deletion_with_its_audio_is_repeated_by_the_next_start() {
        let scene = Scene::new();
        let folder = scene.folder.path();
        let copies = tempfile::tempdir().unwrap();
        let store = open_store(folder, &scene.keyring);
        let (_, history, _writers) = open_with(folder);
        history.close(&scene.contact).unwrap();
        copy(folder, &copies.path().join("before"));
        let steps = StoreSteps { store: store.clone(), runtime: scene.runtime.handle().clone() };
        let (folder, to) = (folder.to_owned(), copies.path().to_owned());
        history.outbox().begin(Arc::new(Copying {
            steps,
            folder: folder.clone(),
            to,
            count: AtomicUsize::new(0),
        }));
        // Amidst a future, as an operation of the admin service asks for it.
        let erased = async { history.erase(scene.contact.id, CapturedAudio::Erase).unwrap().unwrap() };
        let erased = scene.runtime.block_on(erased);
        assert!(!erased.audio_waits);
        copy(&folder, &copies.path().join("after"));
        scene.runtime.block_on(store.shutdown());
        assert_eq!(scene.after_a_start(&copies.path().join("before")), (3, 0, true), "nothing has happened");
        for cut in ["0", "1", "after"] {
            assert_eq!(scene.after_a_start(&copies.path().join(cut)), (1, 0, false), "cut {cut}");
        }
        assert_eq!(history.outbox().stats(), OutboxStats { done: 1, ..OutboxStats::default() });
    }

    /// Fails for a while.
    struct Failing(AtomicUsize);

    impl Steps for Failing {
        fn erase_fragments(&self, _: &StreamArn, _: FragmentRange) -> Result<(), StoreError> {
            match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
                Ok(_) => Err(StoreError::from(tympan_kms::KmsError::Unavailable("away".to_owned()))),
                Err(_) => Ok(()),
            }
        }
    }

    #[test]
    fn a_step_that_fails_is_put_off_for_longer_each_time_and_others_are_not_held_up() {
        let scene = Scene::new();
        let (_, history, _writers) = open_with(scene.folder.path());
        history.outbox().begin(Arc::new(Failing(AtomicUsize::new(3))));
        history.close(&scene.contact).unwrap();
        let erased = history.erase(scene.contact.id, CapturedAudio::Erase).unwrap().unwrap();
        assert!(erased.audio_waits, "the contact is gone, its audio is not");
        let mut other = scene.contact.clone();
        other.id = tympan_types::ContactId::from_random([8; 16]);
        history.close(&other).unwrap();
        let mut times = Vec::new();
        for _ in 0..3 {
            let due = history.outbox().next_due().unwrap().unwrap();
            times.push(due.unix_ms());
            history.outbox().perform(due).unwrap();
        }
        assert_eq!(history.outbox().next_due().unwrap(), None);
        assert_eq!(times, [1_000, 3_000, 7_000]);
        assert_eq!(history.outbox().stats(), OutboxStats { done: 1, put_off: 3, not_known: 0 });
        let erased = history.erase(other.id, CapturedAudio::Erase).unwrap().unwrap();
        assert!(!erased.audio_waits);
    }

    #[test]
    fn an_entry_of_a_later_version_stays_and_is_counted() {
        let scene = Scene::new();
        let (db, history, _writers) = open_with(scene.folder.path());
        history.outbox().begin(Arc::new(Failing(AtomicUsize::new(0))));
        let entry = NewEntry {
            kind: ERASE_FRAGMENTS.to_owned(),
            format: 9,
            payload: Vec::new(),
            next_due: WallTime::from_unix_ms(0),
        };
        db.write(move |tx| tx.enqueue(&entry)).unwrap();
        assert!(!history.outbox().perform(WallTime::from_unix_ms(5)).unwrap());
        assert_eq!(history.outbox().stats().not_known, 1);
        assert_eq!(history.outbox().waiting(), 1);
    }

    #[test]
    fn a_capture_without_a_known_end_is_erased_as_far_as_no_other_session_reaches() {
        let server = ServerTime::from_unix_ms(1_700_000_000_000);
        let mut audio = Scene::new().contact.captures.remove(0);
        audio.stop_fragment_number = None;
        for (first, last) in [(1, 1_000), (1_000, 1_000), (1_001, 2_000), (2_500, 3_000)] {
            audio.start_fragment_number = FragmentNumber::new(first, server, 7);
            assert_eq!(last_of(&audio).sequence(), last);
        }
    }
}
