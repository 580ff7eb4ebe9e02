//! `PutMedia`: a body that is sent while its acknowledgements come in.

use super::{Ack, AckLines, Kvs, StreamRef};
use crate::ClientError;
use crate::http::{self, Outgoing};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tympan_auth::PayloadHash;
use tympan_types::ProducerTime;

/// How the timecodes of an upload are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMediaStart {
    /// Timecodes are Unix time. The instant is when the upload began; the service does not use it.
    Absolute(ProducerTime),
    /// Timecodes count from this instant.
    Relative(ProducerTime),
}

/// The sending half of an upload. Dropping it ends the body in good order.
#[derive(Debug)]
pub struct Upload {
    chunks: mpsc::Sender<Bytes>,
}

impl Upload {
    /// Sends a chunk; waits while the network is behind. False when the service takes no more: its last
    /// acknowledgement says why.
    pub async fn send(&self, chunk: Bytes) -> bool {
        self.chunks.send(chunk).await.is_ok()
    }

    /// Whether the service takes no more.
    pub fn is_closed(&self) -> bool {
        self.chunks.is_closed()
    }
}

/// The acknowledgements of an upload.
#[derive(Debug)]
pub struct Acks {
    body: Incoming,
    lines: AckLines,
    ended: bool,
}

impl Acks {
    /// The next acknowledgement; `None` when the service has ended its answer. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<Ack>, ClientError> {
        let broken =
            |reason: String| ClientError::Broken { what: "the PutMedia connection broke".to_owned(), reason };
        loop {
            if let Some(ack) = self.lines.poll() {
                return Ok(Some(ack));
            }
            if self.ended {
                return Ok(None);
            }
            let read = match self.body.frame().await {
                None => {
                    self.ended = true;
                    self.lines.finish()
                }
                Some(Ok(frame)) => frame.data_ref().map_or(Ok(()), |bytes| self.lines.push(bytes)),
                Some(Err(error)) => return Err(broken(error.to_string())),
            };
            read.map_err(|error| broken(error.to_string()))?;
        }
    }
}

/// Chunks that wait for the network.
const CHUNKS_WAITING: usize = 16;

impl Kvs {
    /// Begins an upload. The body is plain Matroska in whatever pieces; a chunk goes out as it is sent.
    pub async fn put_media(
        &self,
        stream: &StreamRef,
        start: PutMediaStart,
    ) -> Result<(Upload, Acks), ClientError> {
        let endpoint = self.data_endpoint(stream, "PUT_MEDIA").await?;
        let (kind, at) = match start {
            PutMediaStart::Absolute(at) => ("ABSOLUTE", at),
            PutMediaStart::Relative(at) => ("RELATIVE", at),
        };
        let name = match stream {
            StreamRef::Name(_) => "x-amzn-stream-name",
            StreamRef::Arn(_) => "x-amzn-stream-arn",
        };
        let mut request = Outgoing::json("PutMedia", &endpoint, "/putMedia");
        request.payload = PayloadHash::Unsigned;
        request.headers.extend([
            (name, stream.to_string()),
            ("x-amzn-fragment-timecode-type", kind.to_owned()),
            ("x-amzn-producer-start-timestamp", at.epoch_seconds()),
            ("x-amzn-fragment-acknowledgment-required", "1".to_owned()),
        ]);
        let (chunks, body) = http::channel(CHUNKS_WAITING);
        let response = self.http.stream(request, body).await?;
        Ok((Upload { chunks }, Acks { body: response.into_body(), lines: AckLines::default(), ended: false }))
    }
}
