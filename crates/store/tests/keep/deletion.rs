use crate::place::Place;
use crate::support::{HOUR_MS, write};
use std::path::Path;
use tympan_kms::{KeyId, Keyring};
use tympan_store::embedded::{AtRest, BackupOptions, DeletionProof, Subject, Verdict};
use tympan_store::{Backend, Clock, ErrorKind, FragmentRange, StoreError, StreamRef};

const SECRET: &[u8] = b"a sentence that only the caller knows, twice: a sentence that only the caller knows";

async fn prove(place: &Place, stream: &str, keyring: Option<&Keyring>) -> Result<DeletionProof, StoreError> {
    let subject = Subject { stream, expired_at: None, fragments: None };
    AtRest::open(&place.data()).unwrap().prove_deletion(subject, keyring, &mut |_| {}).await
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    crate::place::files(folder)
        .values()
        .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

#[tokio::test]
async fn a_stream_is_readable_until_it_is_deleted_and_gone_from_then_on() {
    let place = Place::new();
    let open = place.open();
    let (stream, other) = (open.stream("s").await, open.stream("other").await);
    open.session(&stream, &[SECRET, SECRET]).await;
    open.store.chunk().await.unwrap();
    open.session(&stream, &[SECRET]).await;
    open.session(&other, &[b"stays"]).await;
    open.close().await;
    for name in ["s", &stream.arn.to_string(), &stream.id.to_string()] {
        let proof = prove(&place, name, Some(&place.keyring)).await.unwrap();
        assert_eq!(proof.verdict, Verdict::Readable, "{proof:#?}");
        // Two in the chunk, the same two in the journal, one more in the journal.
        assert_eq!((proof.generations[0].records, proof.generations[0].decrypted), (5, 5));
    }
    assert_eq!(prove(&place, "nobody", None).await.unwrap_err().kind(), &ErrorKind::NotFound);

    let open = place.open();
    open.store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    // No sweep: the bytes are still there, and only the key is gone.
    open.close().await;
    let proof = prove(&place, "s", Some(&place.keyring)).await.unwrap();
    assert_eq!(proof.verdict, Verdict::Gone, "{proof:#?}");
    let [generation] = &proof.generations[..] else { panic!("one generation: {proof:#?}") };
    assert!(generation.records >= 3 && generation.attempts >= generation.records, "{generation:#?}");
    assert_eq!((generation.decrypted, generation.wrapped_keys, generation.wrapped_keys_opened), (0, 0, 0));
    assert!(generation.deleted.is_some() && !generation.exists);
    assert_eq!(generation.id_places, 0, "no row of it is left in any page of the catalogue");
    assert!(!contains(&place.data(), SECRET));

    let at_rest = AtRest::open(&place.data()).unwrap();
    let deletions = at_rest.deletions().unwrap();
    assert_eq!((deletions.len(), deletions[0].id, &deletions[0].arn), (1, stream.id, &stream.arn));
    assert_eq!((deletions[0].chunks, deletions[0].fragments, deletions[0].data_keys), (1, 2, 1));
    let survivor = at_rest
        .prove_deletion(
            Subject { stream: "other", expired_at: None, fragments: None },
            Some(&place.keyring),
            &mut |_| {},
        )
        .await
        .unwrap();
    assert_eq!(survivor.verdict, Verdict::Readable);
}

#[tokio::test]
async fn a_wrapped_key_that_was_left_anywhere_is_found_and_so_is_what_it_opens() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[SECRET]).await;
    open.close().await;
    // Somebody kept an old copy of the catalogue beside the new one.
    let kept = std::fs::read(place.data().join("catalog.db")).unwrap();
    let journal = std::fs::read(place.data().join("journal/0000000001.seg")).unwrap();
    let open = place.open();
    open.store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    open.backend_is_idle().await;
    open.close().await;
    assert_eq!(prove(&place, "s", Some(&place.keyring)).await.unwrap().verdict, Verdict::Gone);
    std::fs::write(place.data().join("forgotten.bak"), &kept).unwrap();
    let proof = prove(&place, "s", Some(&place.keyring)).await.unwrap();
    assert!(proof.verdict >= Verdict::Keyed, "{proof:#?}");
    assert!(proof.generations[0].wrapped_keys_opened == 1 && !proof.generations[0].places.is_empty());
    std::fs::write(place.data().join("forgotten.seg"), &journal).unwrap();
    let proof = prove(&place, "s", Some(&place.keyring)).await.unwrap();
    assert_eq!(proof.verdict, Verdict::Readable);
    // With the keys of somebody else it stays closed.
    let foreign = Keyring::in_memory();
    assert_eq!(prove(&place, "s", Some(&foreign)).await.unwrap().verdict, Verdict::Gone);
    assert!(!prove(&place, "s", None).await.unwrap().notes.is_empty());
}

#[tokio::test]
async fn a_disabled_key_locks_a_stream_and_is_no_deletion() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[SECRET]).await;
    open.close().await;
    place.keyring.disable(&KeyId::default()).unwrap();
    let proof = prove(&place, "s", Some(&place.keyring)).await.unwrap();
    assert_eq!(proof.verdict, Verdict::Locked, "{proof:#?}");
    assert_eq!(proof.generations[0].decrypted, 0);
    assert!(proof.notes.iter().any(|note| note.contains("switched on again")));
    place.keyring.enable(&KeyId::default()).unwrap();
    assert_eq!(prove(&place, "s", Some(&place.keyring)).await.unwrap().verdict, Verdict::Readable);
}

#[tokio::test]
async fn what_has_expired_leaves_no_readable_byte_while_the_rest_of_its_stream_lives_on() {
    let place = Place::new();
    let open = place.open_at(&place.data(), 400);
    let stream = open.stream("s").await;
    open.session(&stream, &[SECRET, SECRET]).await;
    open.store.chunk().await.unwrap();
    // Into another segment, so that the first one can go.
    place.clock.advance_ms(25 * HOUR_MS);
    open.session(&stream, &[b"not expired"]).await;
    let expired = |open_at: Option<tympan_types::WallTime>| Subject {
        stream: "s",
        expired_at: open_at,
        fragments: None,
    };
    let now = place.clock.now();
    open.close().await;
    let before = AtRest::open(&place.data()).unwrap();
    let proof = before.prove_deletion(expired(Some(now)), Some(&place.keyring), &mut |_| {}).await.unwrap();
    assert_eq!(proof.verdict, Verdict::Readable, "the sweep has not run: {proof:#?}");
    drop(before);

    let open = place.open_at(&place.data(), 400);
    open.store.sweep().await.unwrap();
    open.backend_is_idle().await;
    open.close().await;
    let after = AtRest::open(&place.data()).unwrap();
    let proof = after.prove_deletion(expired(Some(now)), Some(&place.keyring), &mut |_| {}).await.unwrap();
    assert_eq!(proof.verdict, Verdict::Gone, "{proof:#?}");
    assert_eq!(proof.generations[0].records, 0);
    let whole = after.prove_deletion(expired(None), Some(&place.keyring), &mut |_| {}).await.unwrap();
    assert_eq!(whole.verdict, Verdict::Readable, "what has not expired is still there");
}

#[tokio::test]
async fn a_name_that_is_given_again_does_not_hide_what_was_deleted_under_it() {
    let place = Place::new();
    let open = place.open();
    for _ in 0..2 {
        let stream = open.stream("s").await;
        open.session(&stream, &[SECRET]).await;
        open.store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    }
    let again = open.stream("s").await;
    let mut writer = open.store.open_writer(again.id).await.unwrap();
    write(&mut writer, "new").await.unwrap();
    drop(writer);
    open.close().await;
    let proof = prove(&place, "s", Some(&place.keyring)).await.unwrap();
    assert_eq!((proof.generations.len(), proof.verdict), (2, Verdict::Gone));
    assert!(proof.notes.iter().any(|note| note.contains("exists now")));
    let proof = prove(&place, &again.id.to_string(), Some(&place.keyring)).await.unwrap();
    assert_eq!(proof.verdict, Verdict::Readable);
}

#[tokio::test]
async fn erased_fragments_leave_no_readable_byte_while_the_rest_of_their_stream_lives_on() {
    let place = Place::new();
    let open = place.open_at(&place.data(), 400);
    let stream = open.stream("s").await;
    let first = open.session(&stream, &[b"stays", SECRET, SECRET]).await;
    open.store.chunk().await.unwrap();
    let second = open.session(&stream, &[SECRET, b"stays, too"]).await;
    let range = FragmentRange { first: first[1], last: second[0] };
    let subject = Subject { stream: "s", expired_at: None, fragments: Some(range) };
    let ask = async || {
        let at_rest = AtRest::open(&place.data()).unwrap();
        at_rest.prove_deletion(subject, Some(&place.keyring), &mut |_| {}).await.unwrap()
    };
    open.close().await;
    let proof = ask().await;
    assert_eq!(
        (proof.verdict, proof.generations[0].records),
        (Verdict::Readable, 5),
        "two in a chunk, three in the journal: {proof:#?}"
    );

    let open = place.open_at(&place.data(), 400);
    let erased = open.store.erase_fragments(stream.id, range).await.unwrap();
    assert!(erased.left_chunks, "{erased:?}");
    assert_eq!(open.fragments(&stream).await.into_keys().collect::<Vec<_>>(), [first[0], second[1]]);
    // What the housekeeper does by itself: the journal's segments go once a chunk holds what else is in them.
    open.store.chunk().await.unwrap();
    open.backend_is_idle().await;
    open.store.sweep().await.unwrap();
    assert_eq!(open.backend.erasing_streams().unwrap(), [], "nothing is left to be done");
    open.close().await;
    let proof = ask().await;
    assert_eq!((proof.verdict, proof.generations[0].records), (Verdict::Gone, 0), "{proof:#?}");
    assert!(place.check().await.findings.is_empty());

    // Nor does it come back where the catalogue is made anew from what lies beside it.
    std::fs::remove_file(place.data().join("catalog.db")).unwrap();
    tympan_store::embedded::rebuild(&place.data(), place.clock.now(), &mut |_| {}).unwrap();
    let open = place.open();
    assert_eq!(open.fragments(&stream).await.into_keys().collect::<Vec<_>>(), [first[0], second[1]]);
    open.close().await;
}

#[tokio::test]
async fn a_store_that_has_aged_has_chunks_of_uploads_that_go_on_and_a_journal_without_what_is_in_them() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    let mut numbers = Vec::new();
    for _ in 0..2 {
        numbers.push(writer.begin(crate::support::head(0)).unwrap());
        writer.push(bytes::Bytes::from_static(SECRET));
        writer.seal(1_000).await.unwrap();
    }
    let is_segment = |path: &Path| path.extension().is_some_and(|kind| kind == "seg");
    let segments =
        || crate::place::files(&place.data().join("journal")).keys().filter(|path| is_segment(path)).count();
    let range = FragmentRange { first: numbers[0], last: numbers[0] };
    open.store.erase_fragments(stream.id, range).await.unwrap();
    assert_eq!(open.store.age(299_000).await.unwrap(), 0, "younger than a chunk becomes");
    assert_eq!(open.store.age(1_000).await.unwrap(), 1);
    assert_eq!(segments(), 1, "younger than a segment becomes");
    assert_eq!(open.store.age(3_300_000).await.unwrap(), 0);
    assert_eq!(segments(), 0);
    assert_eq!(open.fragments(&stream).await.into_keys().collect::<Vec<_>>(), [numbers[1]]);
    drop(writer);
    open.close().await;
    let subject = Subject { stream: "s", expired_at: None, fragments: Some(range) };
    let at_rest = AtRest::open(&place.data()).unwrap();
    let proof = at_rest.prove_deletion(subject, Some(&place.keyring), &mut |_| {}).await.unwrap();
    assert_eq!((proof.verdict, proof.generations[0].records), (Verdict::Gone, 0), "{proof:#?}");
}

#[tokio::test]
async fn a_rebuild_in_the_middle_of_an_erasure_brings_nothing_back() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let chunked = open.session(&stream, &[b"stays", SECRET]).await;
    open.store.chunk().await.unwrap();
    let young = open.session(&stream, &[SECRET, b"stays, too"]).await;
    // The mark is there, and the chunk is the old one.
    let range = FragmentRange { first: chunked[1], last: young[0] };
    open.backend.erase_fragments(stream.id, range).unwrap();
    open.close().await;
    let checked = place.check().await;
    assert_eq!(checked.journal.records, 1, "the erased one is none any more: {checked:?}");
    std::fs::remove_file(place.data().join("catalog.db")).unwrap();
    let report = tympan_store::embedded::rebuild(&place.data(), place.clock.now(), &mut |_| {}).unwrap();
    assert_eq!((report.chunks, report.fragments_in_journal, report.lost.len()), (1, 1, 1), "{report:?}");
    let open = place.open();
    let left = [chunked[0], young[1]];
    assert_eq!(open.fragments(&stream).await.into_keys().collect::<Vec<_>>(), left);
    open.store.sweep().await.unwrap();
    open.store.chunk().await.unwrap();
    assert_eq!(open.fragments(&stream).await.into_keys().collect::<Vec<_>>(), left);
    open.close().await;
    let files = crate::place::files(&place.data().join("chunks"));
    assert_eq!(files.keys().filter(|path| path.extension().is_some_and(|name| name == "chunk")).count(), 2);
}

#[tokio::test]
async fn a_backup_holds_the_bytes_of_erased_fragments_back_until_it_is_done() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let numbers = open.session(&stream, &[b"stays", SECRET]).await;
    open.store.chunk().await.unwrap();
    let range = FragmentRange { first: numbers[1], last: numbers[1] };
    let to = place.folder.path().join("backup");
    let (backend, store) = (open.backend.clone(), open.store.clone());
    let runtime = tokio::runtime::Handle::current();
    let options = BackupOptions { copies: true, keyring: None };
    let made = tokio::task::spawn_blocking(move || {
        let mut erased = None;
        let made = backend.backup(&to, &options, &mut |_| {
            erased.get_or_insert_with(|| runtime.block_on(store.erase_fragments(stream.id, range)).unwrap());
        });
        made.map(|_| erased.unwrap())
    });
    assert!(!made.await.unwrap().unwrap().left_chunks);
    assert_eq!(open.store.fragment(stream.id, numbers[1]).await.unwrap(), None);
    open.store.sweep().await.unwrap();
    let erased = open.store.erase_fragments(stream.id, range).await.unwrap();
    assert!(erased.left_chunks);
    assert_eq!(open.store.fragment(stream.id, numbers[0]).await.unwrap().unwrap().body, b"stays".as_slice());
    open.close().await;
}
