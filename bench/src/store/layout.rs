//! Where a fragment can come to rest, and what it takes until it is durable.

use crate::clock::{Monotonic, wall_time};
use crate::corpus;
use anyhow::Context;
use bytes::Bytes;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tympan_kms::{KeyId, Keyring, KeyringOwner};
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::{Clock, Ending, FragmentHead, MediaStore, NewStream, StorageTier, StoreOptions, Writer};
use tympan_types::{AccountId, Mono, ProducerTime, Region, StreamArn, StreamName, WallTime};

/// A fragment as PutMedia gives it to a store.
pub(crate) struct Payload {
    pub(crate) head: Bytes,
    pub(crate) body: Bytes,
}

impl Payload {
    /// A second of a call.
    pub(crate) fn of_a_second(pcm: &[u8]) -> Self {
        let (mut head, mut body) = (Vec::new(), Vec::new());
        corpus::head(&mut head);
        corpus::cluster(&mut body, corpus::Shape::Unknown, 0, pcm);
        Self { head: head.into(), body: body.into() }
    }

    pub(super) fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

/// Keeps fragments. A stream is only ever appended to by one thread.
pub(crate) trait Layout: Send + Sync + 'static {
    /// What a thread needs for one stream.
    type Stream: Send;

    /// Prepares a stream.
    fn stream(&self, index: u32) -> anyhow::Result<Self::Stream>;

    /// Appends a fragment and returns when it is durable.
    fn append(&self, stream: &mut Self::Stream, payload: &Payload) -> anyhow::Result<()>;

    /// Ends a stream.
    fn close(&self, stream: Self::Stream);

    /// Calls of fsync or fdatasync for appends so far.
    fn syncs(&self) -> u64;

    /// Does all that is still to do, and goes.
    fn finish(self);
}

/// The time of day.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> WallTime {
        wall_time()
    }

    fn mono(&self) -> Mono {
        Mono::from_millis(self.now().unix_ms().unsigned_abs())
    }
}

/// Ours.
pub(crate) struct Tympan {
    pub(crate) runtime: Runtime,
    pub(crate) store: MediaStore,
}

impl Tympan {
    /// Opens the store in `folder`, its keyring beside it.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let owner = KeyringOwner { region: region()?, account: account()? };
        let keys = Keyring::open(&folder.join("keyring"), owner, wall_time())?;
        let backend = EmbeddedBackend::open(folder, EmbeddedOptions::default())?;
        let (keys, clock) = (Arc::new(keys), Arc::new(SystemClock));
        let store = MediaStore::open(Arc::new(backend), keys, clock, StoreOptions::default())?;
        Ok(Self { runtime, store })
    }

    /// Makes a stream and begins a session.
    pub(super) fn writer(&self, name: &str) -> anyhow::Result<Writer> {
        let arn = StreamArn::new(region()?, account()?, StreamName::parse(name)?, wall_time());
        let new = NewStream {
            arn,
            device_name: None,
            media_type: None,
            kms_key_id: KeyId::DEFAULT.into(),
            kms_key_arn: None,
            retention_hours: 24,
            storage_tier: StorageTier::Hot,
            tags: BTreeMap::new(),
        };
        self.runtime.block_on(async {
            let stream = self.store.create_stream(new, None).await?;
            Ok(self.store.open_writer(stream.id).await?)
        })
    }
}

pub(super) fn region() -> anyhow::Result<Region> {
    Ok(Region::parse("us-west-2")?)
}

pub(super) fn account() -> anyhow::Result<AccountId> {
    Ok(AccountId::parse("111122223333")?)
}

impl Layout for Tympan {
    type Stream = Writer;

    fn stream(&self, index: u32) -> anyhow::Result<Writer> {
        self.writer(&format!("bench-{index}"))
    }

    fn append(&self, writer: &mut Writer, payload: &Payload) -> anyhow::Result<()> {
        let producer = ProducerTime::from_unix_ms(wall_time().unix_ms());
        writer.begin(FragmentHead { head: payload.head.clone(), producer })?;
        writer.push(payload.body.clone());
        let persisting = writer.seal(1_000);
        self.runtime.handle().block_on(persisting)?;
        Ok(())
    }

    fn close(&self, writer: Writer) {
        writer.close(Ending::Finished);
    }

    fn syncs(&self) -> u64 {
        self.store.stats().groups_committed
    }

    fn finish(self) {
        // What is in the journal becomes chunks once its streams have ended; the housekeeper sees to that.
        let given_up = Monotonic::now().after(HOUSEKEEPING_LIMIT);
        while self.store.stats().fragments_in_journal > 0 && Monotonic::now() < given_up {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.runtime.block_on(self.store.shutdown());
    }
}

/// The longest that the housekeeper may take; what is not in chunks by then is not counted as written.
const HOUSEKEEPING_LIMIT: Duration = Duration::from_secs(120);

/// A file per stream that is synced after each fragment.
pub(super) struct FilePerStream {
    folder: std::path::PathBuf,
    syncs: AtomicU64,
}

impl FilePerStream {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self { folder: folder.to_owned(), syncs: AtomicU64::new(0) })
    }
}

impl Layout for FilePerStream {
    type Stream = File;

    fn stream(&self, index: u32) -> anyhow::Result<File> {
        Ok(OpenOptions::new().create(true).append(true).open(self.folder.join(format!("{index}.mkv")))?)
    }

    fn append(&self, file: &mut File, payload: &Payload) -> anyhow::Result<()> {
        file.write_all(&[&payload.head[..], &payload.body].concat())?;
        file.sync_data()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn close(&self, _file: File) {}

    fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    fn finish(self) {}
}

/// A row per fragment, each with a commit of its own.
pub(super) struct SqliteRows {
    database: Mutex<Connection>,
    syncs: AtomicU64,
}

impl SqliteRows {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self { database: Mutex::new(database(folder)?), syncs: AtomicU64::new(0) })
    }
}

impl Layout for SqliteRows {
    type Stream = Row;

    fn stream(&self, index: u32) -> anyhow::Result<Row> {
        Ok(Row { stream: index, number: 0 })
    }

    fn append(&self, row: &mut Row, payload: &Payload) -> anyhow::Result<()> {
        row.number += 1;
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&database, *row, payload)?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn close(&self, _row: Row) {}

    fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    fn finish(self) {}
}

/// A row's key.
#[derive(Clone, Copy)]
pub(super) struct Row {
    stream: u32,
    number: u32,
}

/// A row per fragment; what waits is committed together.
pub(super) struct SqliteGroups {
    rows: Mutex<Option<mpsc::Sender<Waiting>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    syncs: Arc<AtomicU64>,
}

struct Waiting {
    row: Row,
    payload: Arc<Payload>,
    done: mpsc::Sender<()>,
}

/// What a thread needs for one stream.
pub(super) struct GroupedStream {
    row: Row,
    payload: Option<Arc<Payload>>,
    rows: mpsc::Sender<Waiting>,
}

impl SqliteGroups {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut database = database(folder)?;
        let (rows, waiting) = mpsc::channel::<Waiting>();
        let syncs = Arc::new(AtomicU64::new(0));
        let counter = syncs.clone();
        let writer = std::thread::Builder::new().name("sqlite".into()).spawn(move || {
            while let Ok(first) = waiting.recv() {
                let group: Vec<Waiting> = std::iter::once(first).chain(waiting.try_iter()).collect();
                if commit(&mut database, &group).is_err() {
                    // Those that wait see their promise broken.
                    return;
                }
                counter.fetch_add(1, Ordering::Relaxed);
                for waiting in group {
                    // The thread that waits may have given up.
                    let _ = waiting.done.send(());
                }
            }
        })?;
        Ok(Self { rows: Mutex::new(Some(rows)), writer: Mutex::new(Some(writer)), syncs })
    }
}

fn commit(database: &mut Connection, group: &[Waiting]) -> anyhow::Result<()> {
    let transaction = database.transaction()?;
    for waiting in group {
        insert(&transaction, waiting.row, &waiting.payload)?;
    }
    Ok(transaction.commit()?)
}

impl Layout for SqliteGroups {
    type Stream = GroupedStream;

    fn stream(&self, index: u32) -> anyhow::Result<GroupedStream> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let row = Row { stream: index, number: 0 };
        Ok(GroupedStream { row, payload: None, rows: rows.context("the database is closed")? })
    }

    fn append(&self, stream: &mut GroupedStream, payload: &Payload) -> anyhow::Result<()> {
        stream.row.number += 1;
        let shared = || Arc::new(Payload { head: payload.head.clone(), body: payload.body.clone() });
        let payload = stream.payload.get_or_insert_with(shared).clone();
        let (done, promise) = mpsc::channel();
        stream.rows.send(Waiting { row: stream.row, payload, done }).ok().context("SQLite failed")?;
        promise.recv().context("SQLite failed")
    }

    fn close(&self, _stream: GroupedStream) {}

    fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    fn finish(self) {
        drop(self.rows.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            eprintln!("the thread of SQLite panicked");
        }
    }
}

/// A write-ahead log that is synced at every commit, as our own catalogue is.
fn database(folder: &Path) -> anyhow::Result<Connection> {
    let database = Connection::open(folder.join("fragments.db"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE fragment (stream INTEGER, number INTEGER, head BLOB, body BLOB, PRIMARY KEY (stream, number));",
    )?;
    Ok(database)
}

fn insert(database: &Connection, row: Row, payload: &Payload) -> anyhow::Result<()> {
    let mut statement = database.prepare_cached("INSERT INTO fragment VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute((row.stream, row.number, &payload.head[..], &payload.body[..]))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appends<L: Layout>(layout: L) -> u64 {
        let payload = Payload::of_a_second(&[7; corpus::FRAGMENT_PCM_BYTES]);
        for index in 0..2 {
            let mut stream = layout.stream(index).unwrap();
            (0..3).for_each(|_| layout.append(&mut stream, &payload).unwrap());
            layout.close(stream);
        }
        let syncs = layout.syncs();
        layout.finish();
        syncs
    }

    #[test]
    fn every_layout_syncs_before_an_append_returns() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| {
            let place = folder.path().join(name);
            std::fs::create_dir(&place).unwrap();
            place
        };
        assert_eq!(appends(Tympan::open(&place("tympan")).unwrap()), 6);
        assert_eq!(appends(FilePerStream::open(&place("files")).unwrap()), 6);
        assert_eq!(appends(SqliteRows::open(&place("rows")).unwrap()), 6);
        assert_eq!(appends(SqliteGroups::open(&place("groups")).unwrap()), 6);
        let count = |name: &str| -> u32 {
            let database = Connection::open(folder.path().join(name).join("fragments.db")).unwrap();
            database.query_row("SELECT count(*) FROM fragment", (), |row| row.get(0)).unwrap()
        };
        assert_eq!((count("rows"), count("groups")), (6, 6));
    }
}
