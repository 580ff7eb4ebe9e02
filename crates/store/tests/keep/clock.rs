//! A clock that is set while the store runs, or before it starts: what it may destroy.

use crate::place::{Open, Place, files};
use crate::support::{HOUR_MS, new_stream};
use tympan_store::{ClockDoubt, Stream, StreamRef};

const DAY_MS: i64 = 24 * HOUR_MS;

/// How much of a stream is served, and how many chunk files there are.
async fn kept(place: &Place, open: &Open, stream: &Stream) -> (usize, usize) {
    open.store.sweep().await.unwrap();
    (open.fragments(stream).await.len(), files(&place.data().join("chunks")).len())
}

#[tokio::test]
async fn what_expires_by_a_clock_that_jumps_ahead_is_not_served_and_stays() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"chunked"]).await;
    open.store.chunk().await.unwrap();
    open.session(&stream, &[b"journalled"]).await;
    place.clock.set_by_ms(3 * DAY_MS);
    assert_eq!(open.store.clock_doubt(), Some(ClockDoubt { ahead_ms: 3 * DAY_MS, clears_in_ms: HOUR_MS }));
    assert_eq!(kept(&place, &open, &stream).await, (0, 1));
    // A change of retention makes nothing expire for good by such a clock.
    open.store.set_retention(stream.id, None, 12).await.unwrap();
    // What a person deletes goes at once.
    let other = open.stream("other").await;
    open.session(&other, &[b"deleted"]).await;
    open.store.chunk().await.unwrap();
    open.store.delete_stream(StreamRef::Arn(&other.arn), None).await.unwrap();
    let (served, stay) = kept(&place, &open, &stream).await;
    assert!(served == 0 && stay >= 1, "{served} {stay}");
    // The clock is set right: everything is there.
    place.clock.set_by_ms(-3 * DAY_MS);
    assert_eq!(open.store.clock_doubt(), None);
    assert_eq!(kept(&place, &open, &stream).await.0, 2);
    open.close().await;
}

#[tokio::test]
async fn what_expires_by_a_clock_that_was_wrong_at_the_start_stays_until_it_ran_for_an_hour() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    open.store.chunk().await.unwrap();
    open.close().await;
    place.clock.set_by_ms(400 * DAY_MS);
    // Also when nothing remembers the time but what is stored.
    std::fs::remove_file(place.data().join("CLOCK")).unwrap();
    let open = place.open();
    for _ in 0..59 {
        assert_eq!(kept(&place, &open, &stream).await, (0, 1));
        place.clock.advance_ms(HOUR_MS / 60);
    }
    place.clock.advance_ms(HOUR_MS / 60);
    assert_eq!(kept(&place, &open, &stream).await, (0, 0));
    assert_eq!(open.store.clock_doubt(), None);
    open.close().await;
}

#[tokio::test]
async fn a_restart_does_not_make_a_clock_believed_and_a_person_does() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    open.store.chunk().await.unwrap();
    place.clock.set_by_ms(3 * DAY_MS);
    // What is written meanwhile bears the wrong time, and is no proof of it.
    open.session(&stream, &[b"two"]).await;
    open.close().await;
    let open = place.open();
    assert!(open.store.clock_doubt().is_some_and(|doubt| doubt.ahead_ms == 3 * DAY_MS));
    assert_eq!(kept(&place, &open, &stream).await, (1, 1));
    open.store.confirm_clock();
    assert_eq!(open.store.clock_doubt(), None);
    assert_eq!(kept(&place, &open, &stream).await, (1, 0));
    open.close().await;
    assert_eq!(place.open().store.clock_doubt(), None, "that was remembered");
}

#[tokio::test]
async fn real_time_that_passes_under_a_wrong_clock_still_expires() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    open.store.chunk().await.unwrap();
    place.clock.advance_ms(24 * HOUR_MS - 60_000);
    open.store.sweep().await.unwrap();
    place.clock.set_by_ms(3 * DAY_MS);
    assert_eq!(kept(&place, &open, &stream).await, (0, 1));
    place.clock.advance_ms(60_000);
    assert_eq!(kept(&place, &open, &stream).await, (0, 0));
    assert!(open.store.clock_doubt().is_some());
    open.close().await;
}

#[tokio::test]
async fn a_clock_that_is_set_changes_no_age() {
    let place = Place::new();
    let open = place.open();
    let stream = open.store.create_stream(new_stream("live", 0), None).await.unwrap();
    let kept = open.stream("kept").await;
    // A session that goes on: its chunk is due by age only.
    let mut writer = open.store.open_writer(kept.id).await.unwrap();
    crate::support::write(&mut writer, "waits").await.unwrap();
    open.session(&stream, &[b"for live readers"]).await;
    place.clock.set_by_ms(HOUR_MS);
    assert_eq!(open.store.chunk().await.unwrap(), 0, "five minutes have not passed");
    let mut reader = open.store.reader(stream.id, tympan_store::Start::Earliest).unwrap();
    assert_eq!(crate::support::next_body(&mut reader).await.unwrap(), "for live readers");
    place.clock.set_by_ms(-2 * HOUR_MS);
    place.clock.advance_ms(5 * 60_000);
    assert_eq!(open.store.chunk().await.unwrap(), 1, "five minutes have passed");
    let mut reader = open.store.reader(stream.id, tympan_store::Start::Earliest).unwrap();
    assert!(crate::support::waits(&mut reader).await);
    drop(writer);
    open.close().await;
}
