//! Live events over a WebSocket (RFC 6455): the upgrade of a request that WatchEvents has granted, and the task that feeds it.
//!
//! The queue is the change table: the task holds one batch, and reads the next one when its peer has taken that. A peer that
//! takes nothing for [`PATIENCE`] is closed with [`SLOW`]; it loses nothing, and resumes after the last revision that it saw.

use super::body::{self, Body};
use super::console::SignedIn;
use super::respond;
use super::slot::Slot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use tympan_admin::{Batch, EventFeed, FeedError};
use tympan_aws::{Reply, ReplyBody};
use tympan_db::Revision;

/// Changes that are looked at at once.
const BATCH: usize = 256;
/// A peer that takes nothing of a batch for so long is too slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a peer may take for the close frame and its answer.
const CLOSING: Duration = Duration::from_secs(2);
/// An idle peer is pinged and told how far it has come.
const IDLE: Duration = Duration::from_secs(20);
/// Peers send nothing but what the protocol needs.
const MESSAGE_BYTES: usize = 4 * 1024;
/// What waits for the socket at most: a batch of the largest events.
const WRITE_BYTES: usize = 4 << 20;

/// Close codes of our own (RFC 6455 7.4.2): the peer was too slow, and resumes after its last revision.
const SLOW: u16 = 4_008;
/// Its revision is no longer kept: it reads everything again.
const GONE: u16 = 4_010;
/// The database does not answer; the peer resumes later.
const AWAY: u16 = 4_013;
/// The session of the console that it came by is over; the peer signs in again and resumes.
const OVER: u16 = 4_001;

/// RFC 6455 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// A request that asks for a WebSocket.
pub(super) struct Upgrade {
    upgraded: OnUpgrade,
    accept: HeaderValue,
    slot: Option<Slot>,
    /// When the session is over that it came by.
    ends: Option<Instant>,
}

/// What the tasks need of the server.
#[derive(Clone)]
pub(super) struct Wakers {
    /// Moves with every commit that changed something.
    pub(super) changes: watch::Receiver<Revision>,
    /// The server stops, or begins anew.
    pub(super) shutdown: CancellationToken,
}

impl Upgrade {
    /// Takes the upgrade out of a head that asks for it as RFC 6455 4.2.1 wants.
    pub(super) fn asked(head: &mut Parts) -> Option<Self> {
        let headers = &head.headers;
        let is_asked = has_token(headers, &UPGRADE, "websocket")
            && has_token(headers, &CONNECTION, "upgrade")
            && headers.get(&VERSION).is_some_and(|version| version == "13");
        let accept = accept(headers.get(&KEY).filter(|_| is_asked)?)?;
        let slot = head.extensions.get::<Slot>().cloned();
        let ends = head.extensions.get::<SignedIn>().map(|signed_in| signed_in.ends);
        let upgraded = head.extensions.remove::<OnUpgrade>()?;
        Some(Self { upgraded, accept, slot, ends })
    }
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

/// The answer to a key: 16 bytes in base64 (RFC 6455 4.2.2).
fn accept(key: &HeaderValue) -> Option<HeaderValue> {
    let key = key.to_str().ok()?;
    STANDARD.decode(key).ok().filter(|bytes| bytes.len() == 16)?;
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    HeaderValue::from_str(&STANDARD.encode(hash)).ok()
}

/// The answer to WatchEvents; any other reply is given back.
pub(super) fn answer(
    reply: Reply,
    upgrade: Option<Upgrade>,
    wakers: &Wakers,
) -> Result<Response<Body>, Reply> {
    let Reply { status, content_type, error_type, headers, body: ReplyBody::Stream(stream) } = reply else {
        return Err(reply);
    };
    let feed = match stream.downcast::<EventFeed>() {
        Ok(feed) => feed,
        Err(stream) => {
            let body = ReplyBody::Stream(stream);
            return Err(Reply { status, content_type, error_type, headers, body });
        }
    };
    let Some(Upgrade { upgraded, accept, slot, ends }) = upgrade else {
        let message = "Events come over a WebSocket: send the headers of RFC 6455, version 13.";
        let body = json!({ "Message": message }).to_string().into_bytes();
        let mut response = respond::error(426, "UpgradeRequiredException", body);
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(VERSION, HeaderValue::from_static("13"));
        return Ok(response);
    };
    // From the answer on the connection is no HTTP connection.
    if let Some(slot) = &slot {
        slot.upgrade();
    }
    let wakers = wakers.clone();
    tokio::spawn(async move {
        match upgraded.await {
            Ok(stream) => {
                let config = WebSocketConfig::default()
                    .max_message_size(Some(MESSAGE_BYTES))
                    .max_frame_size(Some(MESSAGE_BYTES))
                    .max_write_buffer_size(WRITE_BYTES);
                let socket =
                    WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, Some(config)).await;
                follow(socket, feed, wakers, ends).await;
            }
            Err(error) => tracing::debug!(%error, "a WebSocket did not come about"),
        }
        drop(slot);
    });
    let mut response = Response::new(body::full(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(ACCEPT, accept);
    Ok(response)
}

/// Why a socket is closed.
enum End {
    /// With this code and these words.
    Close(u16, String),
    /// The peer has gone, or closes the socket itself.
    Gone,
}

/// Feeds a socket until its peer goes, is too slow, or the server stops.
async fn follow<S>(mut socket: WebSocketStream<S>, feed: EventFeed, wakers: Wakers, ends: Option<Instant>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The feed is gone before the close frame is sent: a reset waits for the database to be closed.
    let end = tokio::select! {
        end = feed_all(&mut socket, feed, wakers) => end,
        () = over(ends) => End::Close(OVER, "the session is over; sign in again".to_owned()),
    };
    if let End::Close(code, reason) = end {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let closing = async {
            if socket.close(Some(frame)).await.is_ok() {
                // Its answer, so that the close frame is not lost in a reset.
                while let Some(Ok(_)) = socket.next().await {}
            }
        };
        let _ = timeout(CLOSING, closing).await;
    }
}

/// Waits for the end of a session; without one it never ends.
async fn over(ends: Option<Instant>) {
    match ends {
        Some(ends) => sleep_until(ends).await,
        None => std::future::pending().await,
    }
}

async fn feed_all<S>(socket: &mut WebSocketStream<S>, mut feed: EventFeed, mut wakers: Wakers) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let stopped = || End::Close(u16::from(CloseCode::Away), "the server stops or begins anew".to_owned());
    let mut idle = interval(IDLE);
    idle.reset();
    if let Err(end) = send(socket, &feed, [feed.beginning()]).await {
        return end;
    }
    loop {
        // Before the look: what is committed meanwhile wakes the wait below.
        wakers.changes.mark_unchanged();
        let looked = tokio::task::spawn_blocking(move || {
            let batch = feed.next(BATCH);
            (feed, batch)
        });
        let Ok((came_back, batch)) = looked.await else {
            return End::Close(AWAY, "the request failed inside".to_owned());
        };
        feed = came_back;
        let Batch { events, is_up_to_date, .. } = match batch {
            Ok(batch) => batch,
            Err(gone @ FeedError::Gone { .. }) => return End::Close(GONE, shortened(&gone.to_string())),
            Err(error) => {
                tracing::error!(%error, "events cannot be read");
                return End::Close(AWAY, "the events are not available".to_owned());
            }
        };
        if wakers.shutdown.is_cancelled() {
            return stopped();
        }
        if let Err(end) = send(socket, &feed, events).await {
            return end;
        }
        // What the peer has sent is looked at between two batches, too.
        while let Some(message) = socket.next().now_or_never() {
            if let Err(end) = received(message) {
                return end;
            }
        }
        if !is_up_to_date {
            continue;
        }
        loop {
            tokio::select! {
                () = wakers.shutdown.cancelled() => return stopped(),
                changed = wakers.changes.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return stopped(),
                },
                message = socket.next() => if let Err(end) = received(message) {
                    return end;
                },
                _ = idle.tick() => {
                    let told = [Message::text(feed.progress()), Message::Ping(Default::default())];
                    if let Err(end) = send_messages(socket, &feed, told).await {
                        return end;
                    }
                }
            }
        }
    }
}

/// A reason in a close frame has at most 123 bytes.
fn shortened(reason: &str) -> String {
    reason.chars().take(100).collect()
}

/// Pings are answered by the protocol; no other message is taken.
fn received(message: Option<Result<Message, Error>>) -> Result<(), End> {
    match message {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
        Some(Ok(Message::Text(_) | Message::Binary(_))) => {
            Err(End::Close(u16::from(CloseCode::Unsupported), "no message is taken here".to_owned()))
        }
        Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(End::Gone),
    }
}

async fn send<S>(
    socket: &mut WebSocketStream<S>,
    feed: &EventFeed,
    frames: impl IntoIterator<Item = String>,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    send_messages(socket, feed, frames.into_iter().map(Message::text)).await
}

async fn send_messages<S>(
    socket: &mut WebSocketStream<S>,
    feed: &EventFeed,
    messages: impl IntoIterator<Item = Message>,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sending = async {
        for message in messages {
            socket.feed(message).await?;
        }
        socket.flush().await
    };
    let slow = || {
        feed.was_too_slow();
        End::Close(SLOW, "the peer took nothing for too long; resume after the last revision".to_owned())
    };
    match timeout(PATIENCE, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::Io(error))) if error.kind() == std::io::ErrorKind::TimedOut => Err(slow()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(slow()),
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
