//! Live events over a WebSocket: the task that feeds a socket that WatchEvents has granted.
//!
//! The queue is the change table: the task holds one batch, and reads the next one when its peer has taken that. A peer that
//! takes nothing for [`PATIENCE`] is closed with [`websocket::SLOW`]; it loses nothing, and resumes after the last revision that it saw.

use super::body::Body;
use super::websocket::{self, AWAY, End, SLOW, SessionEnd, Unsent, Upgrade};
use futures_util::{FutureExt, StreamExt};
use hyper::Response;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::interval;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use tympan_admin::{Batch, EventFeed, FeedError};
use tympan_db::Revision;

/// Changes that are looked at at once.
const BATCH: usize = 256;
/// A peer that takes nothing of a batch for so long is too slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// An idle peer is pinged and told how far it has come.
const IDLE: Duration = Duration::from_secs(20);
/// What waits for the socket at most: a batch of the largest events.
const WRITE_BYTES: usize = 4 << 20;

/// A close code of our own: the peer's revision is no longer kept, and it reads everything again.
const GONE: u16 = 4_010;

/// What the tasks need of the server.
#[derive(Clone)]
pub(super) struct Wakers {
    /// Moves with every commit that changed something.
    pub(super) changes: watch::Receiver<Revision>,
    /// The server stops, or begins anew.
    pub(super) shutdown: CancellationToken,
}

/// The answer to WatchEvents.
pub(super) fn answer(feed: EventFeed, upgrade: Option<Upgrade>, wakers: &Wakers) -> Response<Body> {
    let wakers = wakers.clone();
    Upgrade::answer(upgrade, WRITE_BYTES, move |socket, ends| follow(socket, feed, wakers, ends))
}

/// Feeds a socket until its peer goes, is too slow, or the server stops.
async fn follow<S>(mut socket: WebSocketStream<S>, feed: EventFeed, wakers: Wakers, ends: Option<SessionEnd>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The feed is gone before the close frame is sent: a reset waits for the database to be closed.
    let end = websocket::until_over(feed_all(&mut socket, feed, wakers), ends).await;
    websocket::close(socket, end).await;
}

async fn feed_all<S>(socket: &mut WebSocketStream<S>, mut feed: EventFeed, mut wakers: Wakers) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
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
            Err(gone @ FeedError::Gone { .. }) => return End::Close(GONE, gone.to_string()),
            Err(error) => {
                tracing::error!(%error, "events cannot be read");
                return End::Close(AWAY, "the events are not available".to_owned());
            }
        };
        if wakers.shutdown.is_cancelled() {
            return End::stopped();
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
                () = wakers.shutdown.cancelled() => return End::stopped(),
                changed = wakers.changes.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return End::stopped(),
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

/// Pings are answered by the protocol; no other message is taken.
fn received(message: Option<Result<Message, Error>>) -> Result<(), End> {
    match message {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
        Some(Ok(Message::Text(_) | Message::Binary(_))) => Err(End::unsupported("no message is taken here")),
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
    websocket::send(socket, messages, PATIENCE).await.map_err(|unsent| match unsent {
        Unsent::Gone => End::Gone,
        Unsent::Slow => {
            feed.was_too_slow();
            let why = "the peer took nothing for too long; resume after the last revision";
            End::Close(SLOW, why.to_owned())
        }
    })
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
