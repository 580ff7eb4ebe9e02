//! A listener on its own side of a WebSocket, to a call of which nothing is captured.

use super::*;
use crate::sound::ListenerPlaces;
use crate::sound::testing::{contact, quiet};
use futures_util::SinkExt;
use serde_json::Value;
use std::sync::Arc;
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
}

impl Bench {
    fn new() -> Self {
        let contact = watch::Sender::new(Arc::new(contact(Vec::new())));
        Self { contact, places: ListenerPlaces::new(2), shutdown: CancellationToken::new() }
    }

    async fn connect(&self, ends: Option<SessionEnd>) -> (Client, JoinHandle<()>) {
        let listening = quiet(&self.contact, &self.places).await;
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let server = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
        let task = tokio::spawn(listen(server, listening, self.shutdown.clone(), ends));
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
}
