//! Live events: what a reader is sent, and that two of them resume without a gap or a repeat.

use super::bench::{Bench, CHANGES, contact};
use crate::{Batch, ErrorCode, EventFeed, FeedError};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::atomic::Ordering;
use tympan_contact::{CapturedAudio, History};
use tympan_db::Revision;

fn read(batch: &Batch) -> Vec<Value> {
    batch.events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn revision_of(event: &Value) -> i64 {
    event["Revision"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_reader_is_sent_what_changes_from_now_on_with_the_contact_in_short() {
    let bench = Bench::new();
    bench.keep(&contact(1));
    let mut feed = bench.watch_as(&bench.caller, "").await.unwrap();
    let begin: Value = serde_json::from_str(&feed.beginning()).unwrap();
    assert_eq!((begin["Type"].as_str(), revision_of(&begin)), (Some("Begin"), bench.db.revision().number()));
    assert!(feed.next(10).unwrap().events.is_empty());
    bench.keep(&contact(2));
    let batch = feed.next(10).unwrap();
    let events = read(&batch);
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["Kind"], &events[0]["Operation"]), (&Value::from("contact"), &Value::from("PUT")));
    assert_eq!(events[0]["Id"], contact(2).id.to_string());
    assert_eq!(events[0]["Contact"]["CustomerNumber"], "+15555550123");
    assert_eq!(events[0]["Contact"]["State"], "LIVE");
    assert!(batch.is_up_to_date && batch.revision == bench.db.revision());
    assert_eq!(bench.readers.counts().sent, 1);
}

#[tokio::test]
async fn a_reader_is_sent_nothing_of_other_accounts_and_comes_past_it() {
    let bench = Bench::new();
    let mut feed = bench.watch_as(&bench.stranger(), "?since=0").await.unwrap();
    bench.keep(&contact(1));
    let batch = feed.next(10).unwrap();
    assert!(batch.events.is_empty());
    assert_eq!(batch.revision, bench.db.revision());
    let progress: Value = serde_json::from_str(&feed.progress()).unwrap();
    assert_eq!(revision_of(&progress), bench.db.revision().number());
}

#[tokio::test]
async fn an_erasure_is_told_by_the_row_and_names_nothing() {
    let bench = Bench::new();
    bench.keep(&contact(1));
    let mut feed = bench.watch_as(&bench.caller, "?since=0").await.unwrap();
    let put = &read(&feed.next(10).unwrap())[0];
    bench.contacts.kept.erase(contact(1).id, CapturedAudio::Keep).unwrap();
    bench.db.erase_contacts(vec![contact(1).id]).unwrap();
    let batch = feed.next(10).unwrap();
    let erased = &read(&batch)[0];
    assert_eq!((&erased["Operation"], &erased["Row"]), (&Value::from("ERASED"), &put["Row"]));
    assert!(!batch.events[0].contains(&contact(1).id.to_string()) && erased.get("Contact").is_none());
    // A reader that comes later gets the erasure alone.
    let mut late = bench.watch_as(&bench.caller, "?since=0").await.unwrap();
    assert_eq!(read(&late.next(10).unwrap()).len(), 1);
}

#[tokio::test]
async fn a_revision_that_is_no_longer_kept_or_never_was_is_gone() {
    let bench = Bench::new();
    bench.keep(&contact(1));
    let future = bench.db.revision().number() + 1;
    let gone = bench.watch_as(&bench.caller, &format!("?since={future}")).await.err().unwrap();
    assert_eq!(gone.code(), ErrorCode::RevisionGone);
    for text in ["x", "-1", "1.5", ""] {
        let error = bench.watch_as(&bench.caller, &format!("?since={text}")).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::Validation, "{text}");
    }
    let mut behind = bench.watch_as(&bench.caller, "?since=0").await.unwrap();
    (0..2 * CHANGES).for_each(|_| bench.keep(&contact(2)));
    assert!(matches!(behind.next(10), Err(FeedError::Gone { .. })));
}

#[tokio::test]
async fn readers_beyond_the_limit_are_refused_until_one_has_gone() {
    let bench = Bench::new();
    let first = bench.watch_as(&bench.caller, "").await.unwrap();
    let _second = bench.watch_as(&bench.caller, "").await.unwrap();
    let refused = bench.watch_as(&bench.caller, "").await.err().unwrap();
    assert_eq!(refused.code(), ErrorCode::LimitExceeded);
    assert_eq!((bench.readers.counts().open, bench.readers.counts().refused), (2, 1));
    first.was_too_slow();
    drop(first);
    assert!(bench.watch_as(&bench.caller, "").await.is_ok());
    assert_eq!(bench.readers.counts().slow, 1);
}

#[tokio::test]
async fn a_failing_index_loses_no_event() {
    let bench = Bench::new();
    let mut feed = bench.watch_as(&bench.caller, "").await.unwrap();
    bench.keep(&contact(1));
    bench.contacts.is_away.store(true, Ordering::Relaxed);
    assert!(matches!(feed.next(10), Err(FeedError::Unavailable(_))));
    bench.contacts.is_away.store(false, Ordering::Relaxed);
    assert_eq!(feed.next(10).unwrap().events.len(), 1);
}

/// What happens in a run.
#[derive(Debug, Clone)]
enum Step {
    /// A contact changes; every third one is another account's.
    Change(u8),
    /// A contact is erased.
    Erase(u8),
    /// A reader takes so many events.
    Read(usize, usize),
    /// A reader loses its connection after so many of the events that it was sent: the rest never arrives.
    Break(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..9).prop_map(Step::Change),
        1 => (0_u8..9).prop_map(Step::Erase),
        3 => (0_usize..2, 1_usize..6).prop_map(|(reader, limit)| Step::Read(reader, limit)),
        2 => (0_usize..2, 0_usize..6).prop_map(|(reader, kept)| Step::Break(reader, kept)),
    ]
}

/// A reader on its side of the network.
struct Peer {
    feed: Option<EventFeed>,
    resume: Revision,
    seen: Vec<(i64, String)>,
}

impl Peer {
    /// Takes a batch; of one whose connection breaks, `kept` events arrive.
    fn take(&mut self, limit: usize, kept: Option<usize>) {
        let batch = self.feed.as_mut().unwrap().next(limit).unwrap();
        let arriving = kept.unwrap_or(batch.events.len());
        for event in read(&batch).iter().take(arriving) {
            self.seen.push((revision_of(event), event["Operation"].to_string()));
            self.resume = Revision::new(revision_of(event));
        }
        if kept.is_none() {
            // As a Progress frame says.
            self.resume = batch.revision;
        }
    }
}

fn is_foreign(n: u8) -> bool {
    n.is_multiple_of(3)
}

async fn run(steps: &[Step]) {
    let bench = Bench::new();
    let own = |n: u8| {
        let mut contact = contact(n);
        if is_foreign(n) {
            contact.instance.account = bench.stranger().account;
        }
        contact
    };
    let connect = async |resume: Revision| {
        Some(bench.watch_as(&bench.caller, &format!("?since={}", resume.number())).await.unwrap())
    };
    let beginning = bench.db.revision();
    let mut peers = Vec::new();
    for _ in 0..2 {
        peers.push(Peer { feed: connect(beginning).await, resume: beginning, seen: Vec::new() });
    }
    // What a reader that is always connected is sent, event by event.
    let mut told: Vec<(i64, String)> = Vec::new();
    let mut gone: Vec<i64> = Vec::new();
    let mut puts: Vec<(u8, i64)> = Vec::new();
    for step in steps {
        match *step {
            Step::Change(n) => {
                bench.keep(&own(n));
                let revision = bench.db.revision().number();
                if !is_foreign(n) {
                    told.push((revision, "\"PUT\"".to_owned()));
                    puts.push((n, revision));
                }
            }
            Step::Erase(n) => {
                let id = own(n).id;
                bench.contacts.kept.erase(id, CapturedAudio::Keep).unwrap();
                if bench.db.erase_contacts(vec![id]).unwrap().contacts > 0 {
                    let revision = bench.db.revision().number();
                    told.push((revision, "\"ERASED\"".to_owned()));
                    // Its earlier changes are no longer told to who has not seen them, an earlier end among them.
                    gone.extend(puts.extract_if(.., |(of, _)| *of == n).map(|(_, revision)| revision));
                    puts.push((n, revision));
                }
            }
            Step::Read(reader, limit) => peers[reader].take(limit, None),
            Step::Break(reader, kept) => {
                let peer = &mut peers[reader];
                peer.take(kept + 1, Some(kept));
                peer.feed = None;
                peer.feed = connect(peer.resume).await;
            }
        }
    }
    for peer in &mut peers {
        while peer.resume < bench.db.revision() {
            peer.take(7, None);
        }
        let revisions: Vec<i64> = peer.seen.iter().map(|(revision, _)| *revision).collect();
        assert!(revisions.is_sorted_by(|a, b| a < b), "a repeat, or out of order: {revisions:?}");
        let missing: Vec<_> =
            told.iter().filter(|event| !peer.seen.contains(event) && !gone.contains(&event.0)).collect();
        assert!(missing.is_empty(), "a gap: {missing:?}");
        let foreign: Vec<_> = peer.seen.iter().filter(|event| !told.contains(event)).collect();
        assert!(foreign.is_empty(), "of another account, or never: {foreign:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn two_readers_resume_after_a_disconnect_without_a_gap_or_a_repeat(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(&steps));
    }
}
