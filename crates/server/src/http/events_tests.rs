//! A reader of events on its own side of a WebSocket.

use super::*;
use futures_util::SinkExt;
use std::sync::Arc;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tympan_admin::{EventCounts, EventReaders};
use tympan_contact::{Contact, History, MemoryHistory, fixtures};
use tympan_db::contact::{ContactEvent, ContactFacts, ContactPayload};
use tympan_db::{Db, Kinds, OpenOptions, RowError, StartId};
use tympan_types::{Caller, ContactId};

/// Changes that are kept.
const CHANGES: u64 = 400;

/// What a change needs of a contact.
struct Row(Contact);

impl ContactPayload for Row {
    const FORMAT: u16 = 1;

    fn facts(&self) -> ContactFacts {
        let Self(contact) = self;
        ContactFacts {
            id: contact.id,
            account: contact.instance.account.clone(),
            instance: contact.instance.id,
            initiated: contact.initiation_timestamp,
            connected: None,
            disconnected: None,
            number: None,
            flow: None,
            queue: None,
            agent: None,
            has_stream: false,
            has_losses: false,
            attributes: Vec::new(),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        Ok(Vec::new())
    }

    fn decode(_: u16, _: &[u8]) -> Result<Self, RowError> {
        Err(RowError("no test reads it".to_owned()))
    }
}

struct Bench {
    db: Db,
    history: Arc<MemoryHistory>,
    readers: EventReaders,
    wakers: Wakers,
    /// When the session is over that connections come by.
    ends: Option<SessionEnd>,
}

type Client = WebSocketStream<DuplexStream>;

impl Bench {
    fn new() -> Self {
        let options = OpenOptions { changes: CHANGES, ..OpenOptions::new(StartId([7; 16])) };
        let db = Db::in_memory(Kinds::default(), options).unwrap();
        let (moved, changes) = watch::channel(db.revision());
        db.on_change(move |revision| {
            moved.send_replace(revision);
        });
        let wakers = Wakers { changes, shutdown: CancellationToken::new() };
        Self { db, history: Arc::default(), readers: EventReaders::new(9), wakers, ends: None }
    }

    fn change(&self, n: u8) {
        let mut contact = fixtures::contact();
        contact.id = ContactId::from_random([n; 16]);
        self.history.update(&contact).unwrap();
        self.db.write(move |tx| tx.put_contact(&Row(contact), ContactEvent::Opened, None)).unwrap();
    }

    /// A connection that holds so many bytes on their way.
    async fn connect(&self, since: Option<Revision>, on_their_way: usize) -> (Client, JoinHandle<()>) {
        let instance = fixtures::instance();
        let caller =
            Caller { account: instance.account, region: instance.region, access_key_id: "READER".into() };
        let feed = EventFeed::open(&self.readers, &self.db, self.history.clone(), &caller, since).unwrap();
        let (ours, theirs) = tokio::io::duplex(on_their_way);
        let server = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
        let task = tokio::spawn(follow(server, feed, self.wakers.clone(), self.ends.clone()));
        (WebSocketStream::from_raw_socket(theirs, Role::Client, None).await, task)
    }
}

/// What comes next that is no ping, as JSON, or the code of the close frame.
async fn next(client: &mut Client) -> Result<serde_json::Value, u16> {
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.unwrap().code.into()),
            _ => {}
        }
    }
}

/// Everything up to the close frame, and its code.
async fn all(client: &mut Client) -> (Vec<serde_json::Value>, u16) {
    let mut frames = Vec::new();
    loop {
        match next(client).await {
            Ok(frame) => frames.push(frame),
            Err(code) => return (frames, code),
        }
    }
}

fn revision(frame: &serde_json::Value) -> Revision {
    Revision::new(frame["Revision"].as_str().unwrap().parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_told_of_a_change_when_it_is_committed_and_an_idle_one_how_far_it_has_come() {
    let bench = Bench::new();
    let (mut client, task) = bench.connect(None, 64 << 10).await;
    let begin = next(&mut client).await.unwrap();
    assert_eq!((begin["Type"].as_str(), revision(&begin)), (Some("Begin"), bench.db.revision()));
    bench.change(1);
    let event = next(&mut client).await.unwrap();
    assert_eq!((event["Type"].as_str(), revision(&event)), (Some("Event"), bench.db.revision()));
    let progress = next(&mut client).await.unwrap();
    assert_eq!((progress["Type"].as_str(), revision(&progress)), (Some("Progress"), bench.db.revision()));
    client.close(None).await.unwrap();
    task.await.unwrap();
    assert_eq!(bench.readers.counts(), EventCounts { open: 0, refused: 0, slow: 0, sent: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_closed_with_a_code_and_resumes_without_a_gap_or_a_repeat() {
    let bench = Bench::new();
    let beginning = bench.db.revision();
    for n in 0..100 {
        bench.change(n);
    }
    let (mut client, task) = bench.connect(Some(beginning), 1_000).await;
    tokio::time::sleep(PATIENCE + Duration::from_millis(500)).await;
    assert_eq!(bench.readers.counts().slow, 1);
    let (mut frames, code) = all(&mut client).await;
    assert_eq!(code, SLOW);
    task.await.unwrap();
    let seen = revision(frames.last().unwrap());
    let (mut client, _task) = bench.connect(Some(seen), 1_000).await;
    next(&mut client).await.unwrap();
    while revision(frames.last().unwrap()) < bench.db.revision() {
        frames.push(next(&mut client).await.unwrap());
    }
    let revisions: Vec<i64> = frames[1..].iter().map(|frame| revision(frame).number()).collect();
    let expected: Vec<i64> = (1..=100).map(|n| beginning.number() + n).collect();
    assert_eq!(revisions, expected);
}

#[tokio::test(start_paused = true)]
async fn a_reader_whose_changes_are_no_longer_kept_is_closed_with_another_code() {
    let bench = Bench::new();
    bench.change(1);
    let (mut client, task) = bench.connect(Some(Revision::BEGINNING), 1).await;
    // The first frame is on its way byte by byte, and holds the reader up.
    tokio::task::yield_now().await;
    for _ in 0..2 * CHANGES {
        bench.change(2);
    }
    let (frames, code) = all(&mut client).await;
    assert_eq!((frames.len(), code), (1, GONE));
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn readers_are_told_that_the_server_stops_and_one_that_sends_a_message_is_closed() {
    let bench = Bench::new();
    let (mut sender, _task) = bench.connect(None, 64 << 10).await;
    sender.send(Message::text("hello")).await.unwrap();
    assert_eq!(all(&mut sender).await.1, u16::from(CloseCode::Unsupported));
    let (mut client, task) = bench.connect(None, 64 << 10).await;
    next(&mut client).await.unwrap();
    bench.wakers.shutdown.cancel();
    assert_eq!(all(&mut client).await.1, u16::from(CloseCode::Away));
    task.await.unwrap();
    assert_eq!(bench.readers.counts().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_came_by_a_session_goes_with_it() {
    let ended = CancellationToken::new();
    let end = SessionEnd { at: Instant::now() + Duration::from_secs(30), ended: ended.clone() };
    let bench = Bench { ends: Some(end), ..Bench::new() };
    let (mut client, task) = bench.connect(None, 64 << 10).await;
    let (frames, code) = all(&mut client).await;
    let types: Vec<_> = frames.iter().filter_map(|frame| frame["Type"].as_str()).collect();
    assert_eq!((types.as_slice(), code), (&["Begin", "Progress"][..], 4_001));
    task.await.unwrap();
    let at = Instant::now() + Duration::from_secs(30);
    let bench = Bench { ends: Some(SessionEnd { at, ended: ended.clone() }), ..Bench::new() };
    let (mut client, task) = bench.connect(None, 64 << 10).await;
    ended.cancel();
    assert_eq!(all(&mut client).await.1, 4_001);
    task.await.unwrap();
    assert!(Instant::now() < at, "it was ended before its time");
}
