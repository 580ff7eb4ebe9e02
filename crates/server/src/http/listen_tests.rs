//! A listener on its own side of a WebSocket, to a call of which nothing is captured.

use super::*;
use crate::sound::ListenerPlaces;
use crate::sound::testing::{contact, quiet};
use futures_util::SinkExt;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::Role;
use tympan_contact::{Contact, DisconnectReason};

type Client = WebSocketStream<DuplexStream>;

struct Bench {
    contact: watch::Sender<Arc<Contact>>,
    places: ListenerPlaces,
    shutdown: CancellationToken,
    /// What was reported of listeners that hear no more.
    listened: Arc<Mutex<Vec<Listened>>>,
}

impl Bench {
    fn new() -> Self {
        let contact = watch::Sender::new(Arc::new(contact(Vec::new())));
        let (places, shutdown) = (ListenerPlaces::new(2), CancellationToken::new());
        Self { contact, places, shutdown, listened: Arc::default() }
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.listened.lock().unwrap().iter().map(|listened| listened.reason).collect()
    }

    async fn connect(&self, ends: Option<SessionEnd>) -> (Client, JoinHandle<()>) {
        let listening = quiet(&self.contact, &self.places).await;
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let server = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
        let (at_end, reported) = (AtEnd::default(), self.listened.clone());
        at_end.set(move |listened| reported.lock().unwrap().push(listened));
        let report = Report { listened: Listened::default(), at_end };
        let task = tokio::spawn(listen(server, listening, report, self.shutdown.clone(), ends));
        (WebSocketStream::from_raw_socket(theirs, Role::Client, None).await, task)
    }
}

/// Everything up to the close frame, and its code.
async fn all(client: &mut Client) -> (Vec<Value>, u16) {
    let mut texts = Vec::new();
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Text(text) => texts.push(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return (texts, frame.unwrap().code.into()),
            _ => {}
        }
    }
}

fn types(texts: &[Value]) -> Vec<&str> {
    texts.iter().filter_map(|text| text["Type"].as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_answers_no_ping_is_closed_and_counted_and_one_that_does_stays() {
    let bench = Bench::new();
    let (mut silent, silents) = bench.connect(None).await;
    let (mut client, clients) = bench.connect(None).await;
    let reading = tokio::spawn(async move { all(&mut client).await });
    tokio::time::sleep(PATIENCE + Duration::from_millis(500)).await;
    assert_eq!(all(&mut silent).await.1, SLOW);
    silents.await.unwrap();
    let counts = bench.places.counts();
    assert_eq!((counts.open, counts.slow), (1, 1));
    tokio::time::sleep(10 * PATIENCE).await;
    bench.contact.send_modify(|contact| {
        let contact = Arc::make_mut(contact);
        contact.disconnect_timestamp = Some(contact.initiation_timestamp);
        contact.disconnect_reason = Some(DisconnectReason::AgentDisconnect);
    });
    let (texts, code) = reading.await.unwrap();
    assert_eq!((types(&texts), code), (vec!["Begin", "Paused", "End"], 1_000));
    assert_eq!(texts[2]["Reason"], "AGENT_DISCONNECT");
    clients.await.unwrap();
    assert_eq!(bench.places.counts().open, 0);
    assert_eq!(bench.reasons(), ["TOO_SLOW", "CONTACT_ENDED"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_listening_is_reported_also_where_the_peer_goes_or_the_task_is_aborted() {
    let bench = Bench::new();
    let (client, task) = bench.connect(None).await;
    drop(client);
    task.await.unwrap();
    let (_client, task) = bench.connect(None).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let reasons = bench.reasons();
    assert_eq!(reasons[0], "LISTENER_LEFT");
    // A task that was aborted before it ran has not begun.
    assert!(matches!(reasons[1], "ABORTED" | "NOT_CONNECTED"), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_ten_times_a_second_and_nothing_else_is_taken() {
    let bench = Bench::new();
    let ping = || Message::text(r#"{"Type":"Ping","Id":7}"#);
    let (mut client, task) = bench.connect(None).await;
    for _ in 0..PEERS_PINGS {
        client.send(ping()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..=PEERS_PINGS {
        client.send(ping()).await.unwrap();
    }
    let (texts, code) = all(&mut client).await;
    let pongs = texts.iter().filter(|text| text["Type"] == "Pong" && text["Id"] == 7);
    assert_eq!((pongs.count(), code), (2 * PEERS_PINGS as usize, u16::from(CloseCode::Policy)));
    task.await.unwrap();
    for message in [Message::text("hello"), Message::text(r#"{"Type":"Pong"}"#), Message::binary(vec![1])] {
        let (mut client, task) = bench.connect(None).await;
        client.send(message).await.unwrap();
        assert_eq!(all(&mut client).await.1, u16::from(CloseCode::Unsupported));
        task.await.unwrap();
    }
    assert_eq!(bench.reasons(), ["PROTOCOL_ERROR"; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_goes_with_its_session_and_with_the_server() {
    let bench = Bench::new();
    let ended = CancellationToken::new();
    let end = || SessionEnd { at: Instant::now() + Duration::from_secs(30), ended: ended.clone() };
    let (mut client, _task) = bench.connect(Some(end())).await;
    let (texts, code) = all(&mut client).await;
    assert_eq!((types(&texts), code), (vec!["Begin", "Paused"], 4_001));
    let (mut client, _task) = bench.connect(Some(end())).await;
    ended.cancel();
    assert_eq!(all(&mut client).await.1, 4_001);
    let (mut client, _task) = bench.connect(None).await;
    bench.shutdown.cancel();
    assert_eq!(all(&mut client).await.1, u16::from(CloseCode::Away));
    assert_eq!(bench.reasons(), ["SESSION_OVER", "SESSION_OVER", "SERVER_STOPPED"]);
}
