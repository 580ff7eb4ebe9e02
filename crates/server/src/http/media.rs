//! The bodies that are media: those that are sent while they are made, and uploads that are read while they are answered.

use super::body::{self, Body};
use super::request_body::RequestBody;
use super::respond;
use super::uploader::Uploader;
use crate::sound::SoundBody;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, Stream};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};
use tympan_auth::BodyRule;
use tympan_aws::{Reply, ReplyBody};
use tympan_kvs::{AckEvent, AckStream, BodyEnd, MediaBody, PutMediaSession};

/// How long an upload may go on, when the server stops, to the end of its fragment.
const DRAIN_LIMIT: Duration = Duration::from_secs(4);
/// The number of the first sample of captured sound on its axis.
const POSITION: HeaderName = HeaderName::from_static("x-tympan-position-samples");

/// In the extensions of a PutMedia request: once it is cancelled the session ends as if its body could not be trusted.
#[derive(Debug, Clone)]
pub(crate) struct BreakOff(pub(crate) CancellationToken);

/// What an upload needs beside its session.
pub(super) struct Upload {
    pub(super) body: RequestBody,
    /// What was signed of the body.
    pub(super) rule: BodyRule,
    pub(super) uploader: Option<Uploader>,
    pub(super) break_off: Option<BreakOff>,
    /// The server stops.
    pub(super) shutdown: CancellationToken,
}

/// The answer that an operation has made; `None` where it is a stream that is not known here, or an upload's without its
/// body.
///
/// A refusal is sent without reading the body, so a client that waits for `100 Continue` never sends it; that of one
/// which does not wait is thrown away.
pub(super) async fn answer(reply: Reply, upload: Option<Upload>) -> Option<Response<Body>> {
    let Reply { status, content_type, body: ReplyBody::Stream(stream), .. } = reply else {
        return Some(respond::whole(reply));
    };
    let body = match stream.downcast::<MediaBody>() {
        Ok(media) => body::chunked(chunks(media)),
        Err(stream) => match stream.downcast::<SoundBody>() {
            Ok(sound) => return Some(captured(sound, status, content_type)),
            Err(stream) => match (stream.downcast::<PutMediaSession>(), upload) {
                (Ok(session), Some(upload)) => body::chunked(begin(session, upload).await),
                _ => return None,
            },
        },
    };
    Some(respond::respond(status, content_type, body))
}

/// GetAudio: the answer has a length where that is known, so that a body that breaks off is not taken for a whole one.
fn captured(sound: SoundBody, status: u16, content_type: &'static str) -> Response<Body> {
    let (position, length) = (sound.position_samples, sound.length_bytes);
    let chunks = stream::unfold(sound, |mut sound| async move { Some((sound.next().await?, sound)) });
    let mut response = respond::respond(status, content_type, body::chunked(chunks));
    response.headers_mut().insert(POSITION, HeaderValue::from(position));
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// PutMedia: the answer begins at once, and acknowledgements follow while the body is read.
async fn begin(mut session: PutMediaSession, upload: Upload) -> impl Stream<Item = Bytes> + Send {
    let Upload { mut body, rule, uploader, break_off, shutdown } = upload;
    let acks = session.acks();
    let mut hash = SignedHash::new(rule);
    // A client that waits for `100 Continue` gets it when the body is asked for before the answer begins.
    match body.frame().now_or_never() {
        Some(Some(Ok(frame))) => {
            let bytes = frame.data_ref().map_or(&[][..], |bytes| bytes);
            hash.update(bytes);
            session.push(bytes);
        }
        Some(Some(Err(_))) => session.finish(BodyEnd::Lost),
        Some(None) | None => {}
    }
    tokio::task::yield_now().await;
    let answered = CancellationToken::new();
    let told = Told { acks, uploader, _answered: answered.clone().drop_guard() };
    tokio::spawn(feed(session, body, hash, answered, break_off, shutdown));
    told.lines()
}

/// Feeds the body into its session, no faster than the store takes it and the client reads its acks, until the body or the
/// answer ends. What is still unread then is thrown away.
async fn feed(
    mut session: PutMediaSession,
    mut body: RequestBody,
    mut hash: SignedHash,
    answered: CancellationToken,
    break_off: Option<BreakOff>,
    shutdown: CancellationToken,
) {
    let broken_off = async {
        match &break_off {
            Some(BreakOff(token)) => token.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(broken_off);
    let mut drained_at = None;
    while !session.failed() {
        let next = async {
            session.ready().await;
            body.frame().await
        };
        let frame = tokio::select! {
            biased;
            () = drained(drained_at) => return session.finish(BodyEnd::Stopped),
            () = &mut broken_off => return session.break_off("it was broken off from outside"),
            // The producer ends its fragment, and begins the next one elsewhere.
            () = shutdown.cancelled(), if drained_at.is_none() => {
                drained_at = Some(Instant::now() + DRAIN_LIMIT);
                body.end_soon();
                session.end_soon();
                continue;
            }
            frame = next => frame,
            // Closed for silence or taken over, or an error was told while the producer sent nothing.
            () = answered.cancelled() => return session.finish(BodyEnd::Lost),
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    hash.update(bytes);
                    session.push(bytes);
                }
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "an upload broke off");
                return session.finish(BodyEnd::Lost);
            }
            None if hash.matches() => return session.finish(BodyEnd::Ended),
            None => return session.break_off("the body is not the one whose hash was signed"),
        }
    }
    session.finish(BodyEnd::Lost);
}

/// When a drain takes no longer.
async fn drained(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Most producers sign no hash of a body that is still to come; one that does is held to it.
struct SignedHash(Option<(ring::digest::Context, [u8; 32])>);

impl SignedHash {
    fn new(rule: BodyRule) -> Self {
        match rule {
            BodyRule::MustHash(hash) => Self(Some((ring::digest::Context::new(&ring::digest::SHA256), hash))),
            BodyRule::Signed | BodyRule::Unsigned => Self(None),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some((context, _)) = &mut self.0 {
            context.update(bytes);
        }
    }

    fn matches(self) -> bool {
        self.0.is_none_or(|(context, hash)| context.finish().as_ref() == hash)
    }
}

/// What an upload is told.
struct Told {
    acks: AckStream,
    uploader: Option<Uploader>,
    /// Gone when the answer is over.
    _answered: DropGuard,
}

impl Told {
    /// One chunk per line: the C producer cannot take more than 1,024 bytes at a time.
    fn lines(self) -> impl Stream<Item = Bytes> + Send {
        stream::unfold(self, |mut told| async move {
            let ack = told.acks.next().await?;
            match (&told.uploader, ack.event) {
                (Some(uploader), AckEvent::Error(_)) => uploader.failed(),
                (Some(uploader), AckEvent::Received) => uploader.succeeded(),
                _ => {}
            }
            Some((Bytes::from(ack.to_line()), told))
        })
    }
}

fn chunks(media: MediaBody) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(media, |mut media| async move {
        let chunk = media.next().await?;
        Some((chunk, media))
    })
}
