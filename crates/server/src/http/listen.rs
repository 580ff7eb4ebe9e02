//! The sound of a call over a WebSocket: the task that feeds a socket that ListenContact has granted.
//!
//! How far a peer is behind shows in its answers to pings, which it reads after all sound that was sent before them: sockets hold
//! minutes of it. A peer that is further behind than [`PATIENCE`] is closed with [`websocket::SLOW`].

use super::body::Body;
use super::websocket::{self, AWAY, End, SLOW, SessionEnd, Unsent, Upgrade};
use crate::sound::{Heard, Listening, SoundFrame};
use futures_util::StreamExt;
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

/// A peer that takes nothing, or does not answer a ping, for so long is too slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a peer is pinged.
const PING: Duration = Duration::from_secs(2);
/// Pings of the peer that are answered in a second.
const PEERS_PINGS: u32 = 10;
/// What waits for the socket at most.
const WRITE_BYTES: usize = 256 << 10;

/// A close code of our own: the key of the contact may not be used any more.
const KEY_LOST: u16 = 4_009;

/// The answer to ListenContact. Where it begins a WebSocket, its extensions have an [`AtEnd`].
pub(super) fn answer(
    listening: Listening,
    upgrade: Option<Upgrade>,
    shutdown: &CancellationToken,
) -> Response<Body> {
    let (shutdown, at_end) = (shutdown.clone(), AtEnd::default());
    let report = Report { listened: Listened::default(), at_end: at_end.clone() };
    let mut response = Upgrade::answer(upgrade, WRITE_BYTES, move |socket, ends| {
        listen(socket, listening, report, shutdown, ends)
    });
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        response.extensions_mut().insert(at_end);
    }
    response
}

/// What a listener was sent, and why that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listened {
    /// Samples of all tracks.
    pub(super) samples: u64,
    /// Holes between them.
    pub(super) holes: u64,
    /// Why it ended, as the audit file has it.
    pub(super) reason: &'static str,
}

impl Default for Listened {
    fn default() -> Self {
        Self { samples: 0, holes: 0, reason: "NOT_CONNECTED" }
    }
}

type Callback = Box<dyn Fn(Listened) + Send + Sync>;

/// What is called once a listener hears no more. It is set before the answer is sent, and so before the listener is served.
#[derive(Clone, Default)]
pub(super) struct AtEnd(Arc<OnceLock<Callback>>);

impl AtEnd {
    pub(super) fn set(&self, callback: impl Fn(Listened) + Send + Sync + 'static) {
        if self.0.set(Box::new(callback)).is_err() {
            tracing::error!("the end of listening has its callback already");
        }
    }
}

/// Counts, and calls back when it is dropped, however that comes about.
struct Report {
    listened: Listened,
    at_end: AtEnd,
}

impl Report {
    fn sent(&mut self, frame: &SoundFrame) {
        self.listened.samples += frame.samples();
        self.listened.holes += u64::from(frame.is_after_hole());
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(callback) = self.at_end.0.get() {
            callback(self.listened);
        }
    }
}

async fn listen<S>(
    mut socket: WebSocketStream<S>,
    listening: Listening,
    mut report: Report,
    shutdown: CancellationToken,
    ends: Option<SessionEnd>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    report.listened.reason = "ABORTED";
    // The sound is gone before the close frame is sent: a reset waits for the store to be closed.
    let end = websocket::until_over(feed(&mut socket, listening, &mut report, shutdown), ends).await;
    report.listened.reason = reason(&end);
    drop(report);
    websocket::close(socket, end).await;
}

/// Why listening ended, as the audit file has it.
fn reason(end: &End) -> &'static str {
    const NORMAL: u16 = 1_000;
    const STOPPED: u16 = 1_001;
    match end {
        End::Gone => "LISTENER_LEFT",
        End::Close(NORMAL, _) => "CONTACT_ENDED",
        End::Close(STOPPED, _) => "SERVER_STOPPED",
        End::Close(websocket::OVER, _) => "SESSION_OVER",
        End::Close(SLOW, _) => "TOO_SLOW",
        End::Close(KEY_LOST, _) => "KEY_LOST",
        End::Close(AWAY, _) => "SOUND_UNAVAILABLE",
        End::Close(..) => "PROTOCOL_ERROR",
    }
}

async fn feed<S>(
    socket: &mut WebSocketStream<S>,
    mut listening: Listening,
    report: &mut Report,
    shutdown: CancellationToken,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut ping, mut pings, mut peers_pings) = (interval(PING), Pings::default(), PeersPings::new());
    // The first frame is Begin, whatever the peer says before it.
    let mut has_begun = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return End::stopped(),
            heard = listening.next() => {
                let (message, end) = match heard {
                    Heard::Sound(frame) => {
                        report.sent(&frame);
                        (Message::Binary(frame.encode(listening.now_us())), None)
                    }
                    Heard::Text(text) => (Message::text(text.to_string()), None),
                    Heard::End(text) => {
                        let end = End::Close(u16::from(CloseCode::Normal), "the contact has ended".to_owned());
                        (Message::text(text.to_string()), Some(end))
                    }
                    Heard::KeyLost(why) => return End::Close(KEY_LOST, why),
                    Heard::Failed(error) => {
                        tracing::error!(%error, "the sound of a call cannot be read");
                        return End::Close(AWAY, "the sound is not available".to_owned());
                    }
                };
                if message.is_binary() {
                    listening.was_sent();
                }
                if let Err(end) = send(socket, &listening, message).await {
                    return end;
                }
                has_begun = true;
                if let Some(end) = end {
                    return end;
                }
            }
            message = socket.next(), if has_begun => match received(message, &mut pings) {
                Ok(None) => {}
                Ok(Some(id)) => {
                    if !peers_pings.is_granted() {
                        let why = format!("more than {PEERS_PINGS} pings in a second");
                        return End::Close(u16::from(CloseCode::Policy), why);
                    }
                    let pong = json!({ "Type": "Pong", "Id": id, "NowMicroseconds": listening.now_us() });
                    if let Err(end) = send(socket, &listening, Message::text(pong.to_string())).await {
                        return end;
                    }
                }
                Err(end) => return end,
            },
            _ = ping.tick() => {
                if pings.is_late() {
                    return too_slow(&listening);
                }
                if let Err(end) = send(socket, &listening, pings.next()).await {
                    return end;
                }
            }
        }
    }
}

/// Pings that are not answered yet, oldest first: as many as fit into [`PATIENCE`].
#[derive(Default)]
struct Pings {
    sent: VecDeque<(u64, Instant)>,
    last: u64,
}

impl Pings {
    fn next(&mut self) -> Message {
        self.last += 1;
        self.sent.push_back((self.last, Instant::now()));
        Message::Ping(self.last.to_be_bytes().to_vec().into())
    }

    fn answered(&mut self, payload: &[u8]) {
        if let Ok(number) = payload.try_into().map(u64::from_be_bytes) {
            self.sent.retain(|(sent, _)| *sent > number);
        }
    }

    fn is_late(&self) -> bool {
        self.sent.front().is_some_and(|(_, sent)| sent.elapsed() >= PATIENCE)
    }
}

/// How often the peer may ping.
struct PeersPings {
    since: Instant,
    count: u32,
}

impl PeersPings {
    fn new() -> Self {
        Self { since: Instant::now(), count: 0 }
    }

    fn is_granted(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_secs(1) {
            *self = Self::new();
        }
        self.count += 1;
        self.count <= PEERS_PINGS
    }
}

/// What a peer may say.
#[derive(Deserialize)]
#[serde(tag = "Type")]
enum Said {
    Ping {
        #[serde(rename = "Id")]
        id: i64,
    },
}

/// The number of a peer's own ping, if it is one.
fn received(message: Option<Result<Message, Error>>, pings: &mut Pings) -> Result<Option<i64>, End> {
    match message {
        Some(Ok(Message::Ping(_))) => Ok(None),
        Some(Ok(Message::Pong(payload))) => {
            pings.answered(&payload);
            Ok(None)
        }
        Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
            Ok(Said::Ping { id }) => Ok(Some(id)),
            Err(_) => Err(End::unsupported("only Ping is taken here")),
        },
        Some(Ok(Message::Binary(_))) => Err(End::unsupported("only Ping is taken here")),
        Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(End::Gone),
    }
}

async fn send<S>(socket: &mut WebSocketStream<S>, listening: &Listening, message: Message) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    websocket::send(socket, [message], PATIENCE).await.map_err(|unsent| match unsent {
        Unsent::Gone => End::Gone,
        Unsent::Slow => too_slow(listening),
    })
}

fn too_slow(listening: &Listening) -> End {
    listening.was_too_slow();
    End::Close(SLOW, "the listener is too slow; listen again from now on".to_owned())
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
