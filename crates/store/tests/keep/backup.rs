use crate::place::{Place, files};
use crate::support::head;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tympan_store::embedded::{AtRest, BackupOptions, EmbeddedBackend, SEQUENCE_MARGIN, restore};
use tympan_store::{Backend, ErrorKind, MediaStore, Stream};
use tympan_types::FragmentNumber;

/// What a fragment holds follows from its number.
fn body(number: FragmentNumber) -> Vec<u8> {
    number.to_bytes().repeat(40)
}

async fn write_for_ever(
    store: MediaStore,
    stream: Stream,
    acknowledged: Arc<std::sync::Mutex<Vec<FragmentNumber>>>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        let mut writer = store.open_writer(stream.id).await.unwrap();
        for _ in 0..7 {
            let number = writer.begin(head(0)).unwrap();
            writer.push(Bytes::from(body(number)));
            writer.seal(20).await.unwrap();
            acknowledged.lock().unwrap().push(number);
        }
    }
}

/// What the housekeeping thread does, as fast as it can.
async fn keep_house(open: Arc<EmbeddedBackend>, store: MediaStore, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        store.chunk().await.unwrap();
        store.sweep().await.unwrap();
        let backend = open.clone();
        tokio::task::spawn_blocking(move || backend.tend().unwrap()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_everything_acknowledged_before_it_began() {
    let place = Place::new();
    let open = place.open_at(&place.data(), 20_000);
    let stop = Arc::new(AtomicBool::new(false));
    let (mut tasks, mut streams) = (Vec::new(), Vec::new());
    for name in ["a", "b", "c"] {
        let (stream, numbers) = (open.stream(name).await, Arc::<std::sync::Mutex<Vec<_>>>::default());
        tasks.push(tokio::spawn(write_for_ever(
            open.store.clone(),
            stream.clone(),
            numbers.clone(),
            stop.clone(),
        )));
        streams.push((stream, numbers));
    }
    tasks.push(tokio::spawn(keep_house(open.backend.clone(), open.store.clone(), stop.clone())));
    std::fs::write(place.data().join("flow-logs.jsonl"), "{\"a\":1}\n{\"half").unwrap();
    std::fs::write(place.data().join("flow-logs.jsonl.1"), "{\"put\":\"aside\"}\n").unwrap();
    for round in 0..4 {
        while streams.iter().any(|(_, numbers)| numbers.lock().unwrap().len() < 30 * (round + 1)) {
            assert!(tasks.iter().all(|task| !task.is_finished()), "nobody gave up");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let before: BTreeMap<_, Vec<FragmentNumber>> =
            streams.iter().map(|(stream, numbers)| (stream.id, numbers.lock().unwrap().clone())).collect();
        let (backend, target) = (open.backend.clone(), place.folder.path().join(format!("backup-{round}")));
        let options = BackupOptions { copies: round % 2 == 1, keyring: None };
        let to = target.clone();
        let report = tokio::task::spawn_blocking(move || backend.backup(&to, &options, &mut |_| {}).unwrap())
            .await
            .unwrap();
        assert_eq!(report.linked > 0, round % 2 == 0, "{report:?}");

        let restored = place.folder.path().join(format!("restored-{round}"));
        restore(&target, &restored, &mut |_| {}).unwrap();
        assert_eq!(std::fs::read_to_string(restored.join("flow-logs.jsonl")).unwrap(), "{\"a\":1}\n");
        let aside = std::fs::read_to_string(restored.join("flow-logs.jsonl.1")).unwrap();
        assert_eq!(aside, "{\"put\":\"aside\"}\n");
        let check = AtRest::open(&restored).unwrap();
        let sound = check.check(Some(&*place.keyring), None, &mut |_| {}).await.unwrap();
        assert!(sound.is_sound(), "{:#?}", sound.findings);
        drop(check);
        let copy = place.open_at(&restored, 20_000);
        for (stream, _) in &streams {
            let found = copy.fragments(stream).await;
            for number in &before[&stream.id] {
                let fragment = found.get(number).and_then(Option::as_ref);
                assert_eq!(fragment.map(|fragment| fragment.body.to_vec()), Some(body(*number)), "{number}");
            }
            let mut writer = copy.store.open_writer(stream.id).await.unwrap();
            assert!(writer.begin(head(0)).unwrap().sequence() > SEQUENCE_MARGIN);
        }
        copy.close().await;
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    open.store.sweep().await.unwrap();
    open.close().await;
    assert!(place.check().await.is_sound(), "the original has not suffered");
}

#[tokio::test]
async fn what_is_deleted_while_a_backup_runs_goes_when_it_is_done() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    open.store.chunk().await.unwrap();
    let chunks = || files(&place.data().join("chunks")).len();
    let (store, arn, within) = (open.store.clone(), stream.arn.clone(), AtomicBool::new(false));
    let runtime = tokio::runtime::Handle::current();
    let (backend, target) = (open.backend.clone(), place.folder.path().join("backup"));
    tokio::task::spawn_blocking(move || {
        let deleted = &within;
        backend
            .backup(&target, &BackupOptions::default(), &mut |_| {
                if !deleted.swap(true, Ordering::Relaxed) {
                    // The key dies at once; the bytes wait.
                    runtime.block_on(store.delete_stream(tympan_store::StreamRef::Arn(&arn), None)).unwrap();
                    assert_eq!(runtime.block_on(store.sweep()).unwrap().objects_removed, 0);
                }
            })
            .unwrap();
    })
    .await
    .unwrap();
    open.store.sweep().await.unwrap();
    assert_eq!(chunks(), 0);
    open.close().await;
}

#[tokio::test]
async fn a_backup_is_private_whole_or_refused() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    open.store.chunk().await.unwrap();
    open.session(&stream, &[b"two"]).await;
    open.close().await;
    let at_rest = AtRest::open(&place.data()).unwrap();
    let target = place.folder.path().join("backup");
    let report = at_rest.backup(&target, &BackupOptions::default(), &mut |_| {}).unwrap();
    assert_eq!((report.chunks, report.segments, report.with_keys), (1, 1, false));
    assert_eq!(target.metadata().unwrap().mode() & 0o777, 0o700);
    assert!(!target.join("keyring").exists());
    let taken = at_rest.backup(&target, &BackupOptions::default(), &mut |_| {}).unwrap_err();
    assert_eq!(taken.kind(), &ErrorKind::Exists);

    let restored = |name: &str| restore(&target, &place.folder.path().join(name), &mut |_| {});
    restored("good").unwrap();
    assert_eq!(restored("good").unwrap_err().kind(), &ErrorKind::Exists);
    // A copied file that is not what it was.
    let database = target.join("catalog.db");
    let good = std::fs::read(&database).unwrap();
    let mut bad = good.clone();
    bad[5_000] ^= 1;
    std::fs::write(&database, &bad).unwrap();
    assert_eq!(restored("bad").unwrap_err().kind(), &ErrorKind::Corrupt);
    // What a restore left behind half done is not taken for a data directory.
    let half = place.folder.path().join("bad");
    let options = tympan_store::embedded::EmbeddedOptions::default();
    let refused = EmbeddedBackend::open(&half, options).err().unwrap();
    assert!(refused.message().contains("restore"), "{refused}");
    std::fs::write(&database, &good).unwrap();
    // A manifest that points outside.
    let manifest = target.join("BACKUP.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"FORMAT\"", "\"../FORMAT\"")).unwrap();
    assert_eq!(restored("outside").unwrap_err().kind(), &ErrorKind::Corrupt);
    // One that was never finished.
    std::fs::remove_file(&manifest).unwrap();
    assert_eq!(restored("unfinished").unwrap_err().kind(), &ErrorKind::NotFound);
    assert_eq!(std::fs::metadata(&database).unwrap().permissions().mode() & 0o077, 0);
}
