//! WebSockets (RFC 6455): the upgrade of a request that an operation has granted, and what all sockets have in common: how long a peer may
//! take, how a socket is closed, and that it ends with the session that it came by.

use super::body::{self, Body};
use super::console::SignedIn;
use super::respond;
use super::slot::Slot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

/// How long a peer may take for the close frame and its answer.
const CLOSING: Duration = Duration::from_secs(2);
/// Peers send nothing but what the protocol needs, and short texts.
const MESSAGE_BYTES: usize = 4 * 1024;

/// Close codes of our own (RFC 6455 7.4.2): the peer was too slow.
pub(super) const SLOW: u16 = 4_008;
/// What it is fed from does not answer.
pub(super) const AWAY: u16 = 4_013;
/// The session of the console that it came by is over; the peer signs in again.
pub(super) const OVER: u16 = 4_001;

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
    ends: Option<SessionEnd>,
}

/// The socket of an upgrade.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why a socket is closed.
pub(super) enum End {
    /// With this code and these words.
    Close(u16, String),
    /// The peer has gone, or closes the socket itself.
    Gone,
}

impl End {
    /// The server stops, or begins anew.
    pub(super) fn stopped() -> Self {
        Self::Close(u16::from(CloseCode::Away), "the server stops or begins anew".to_owned())
    }

    /// The session of the console is over.
    fn over() -> Self {
        Self::Close(OVER, "the session is over; sign in again".to_owned())
    }

    /// The peer sent what is not taken.
    pub(super) fn unsupported(why: &str) -> Self {
        Self::Close(u16::from(CloseCode::Unsupported), why.to_owned())
    }
}

/// When a session is over by which requests come.
#[derive(Debug, Clone)]
pub(super) struct SessionEnd {
    /// Its own end.
    pub(super) at: Instant,
    /// It was ended before.
    pub(super) ended: CancellationToken,
}

/// Why messages did not go out.
pub(super) enum Unsent {
    /// The peer took nothing for too long.
    Slow,
    /// It has gone.
    Gone,
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
        let ends = head.extensions.get::<SignedIn>().map(|signed_in| signed_in.end.clone());
        let upgraded = head.extensions.remove::<OnUpgrade>()?;
        Some(Self { upgraded, accept, slot, ends })
    }

    /// The answer that begins a WebSocket. `run` gets the socket, and the end of its session. At most so many bytes wait
    /// for the socket. A request without an upgrade is answered 426.
    pub(super) fn answer<F>(
        upgrade: Option<Self>,
        write_bytes: usize,
        run: impl FnOnce(Socket, Option<SessionEnd>) -> F + Send + 'static,
    ) -> Response<Body>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(Self { upgraded, accept, slot, ends }) = upgrade else { return required() };
        // From the answer on the connection is no HTTP connection.
        if let Some(slot) = &slot {
            slot.upgrade();
        }
        tokio::spawn(async move {
            match upgraded.await {
                Ok(stream) => {
                    let config = WebSocketConfig::default()
                        .max_message_size(Some(MESSAGE_BYTES))
                        .max_frame_size(Some(MESSAGE_BYTES))
                        .max_write_buffer_size(write_bytes);
                    let stream = TokioIo::new(stream);
                    run(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await, ends)
                        .await;
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
        response
    }
}

fn required() -> Response<Body> {
    let message = "This comes over a WebSocket: send the headers of RFC 6455, version 13.";
    let body = json!({ "Message": message }).to_string().into_bytes();
    let mut response = respond::error(426, "UpgradeRequiredException", body);
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(VERSION, HeaderValue::from_static("13"));
    response
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

/// Waits for the end of what feeds a socket, or of its session; without one that never ends.
pub(super) async fn until_over(feeding: impl Future<Output = End>, ends: Option<SessionEnd>) -> End {
    let over = async {
        match ends {
            Some(SessionEnd { at, ended }) => tokio::select! {
                () = sleep_until(at) => {}
                () = ended.cancelled() => {}
            },
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        end = feeding => end,
        () = over => End::over(),
    }
}

/// Closes a socket, unless its peer has.
pub(super) async fn close<S>(mut socket: WebSocketStream<S>, end: End)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let End::Close(code, reason) = end else { return };
    let frame = CloseFrame { code: CloseCode::from(code), reason: shortened(&reason).into() };
    let closing = async {
        if socket.close(Some(frame)).await.is_ok() {
            // Its answer, so that the close frame is not lost in a reset.
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(CLOSING, closing).await;
}

/// A reason in a close frame has at most 123 bytes.
fn shortened(reason: &str) -> String {
    reason.chars().take(100).collect()
}

/// Sends messages to a peer that may take so long.
pub(super) async fn send<S>(
    socket: &mut WebSocketStream<S>,
    messages: impl IntoIterator<Item = Message>,
    patience: Duration,
) -> Result<(), Unsent>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sending = async {
        for message in messages {
            socket.feed(message).await?;
        }
        socket.flush().await
    };
    match timeout(patience, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::Io(error))) if error.kind() == std::io::ErrorKind::TimedOut => Err(Unsent::Slow),
        Ok(Err(_)) => Err(Unsent::Gone),
        Err(_) => Err(Unsent::Slow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_the_rfc_has_it() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ"] {
            assert_eq!(accept(&HeaderValue::from_static(key)), None, "{key}");
        }
    }
}
