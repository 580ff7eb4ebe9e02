//! A producer: PutMedia over HTTP/1.1, frames at a steady pace, and the acks that come back.

use super::http::Client;
use crate::clock::{Monotonic, wall_time};
use crate::statistics::Histogram;
use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tympan_auth::{PayloadHash, RequestParts, Signer};
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};

/// Frames of a fragment: a little over a second, as Amazon Connect cuts them.
const FRAMES_PER_FRAGMENT: u64 = 16;
/// What a frame holds for readers: stream, sequence number, sending time.
const STAMP_BYTES: usize = 4 + 8 + 8;
/// Chunks that wait for the network before the producer notices.
const CHUNKS_WAITING: usize = 4;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Bytes of a frame.
    pub(crate) frame_bytes: usize,
    /// From one frame to the next.
    pub(crate) every: Duration,
    /// Frames in all.
    pub(crate) frames: u64,
}

/// What became of an upload.
#[derive(Debug)]
pub(crate) struct Uploaded {
    /// Frames sent.
    pub(crate) frames: u64,
    /// Fragments sent.
    pub(crate) fragments: u64,
    /// Fragments of which PERSISTED was told.
    pub(crate) persisted: u64,
    /// ERROR acks.
    pub(crate) errors: Vec<String>,
    /// From a fragment's last frame until PERSISTED was read.
    pub(crate) persisting: Histogram,
}

/// A frame as readers know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) stream: u32,
    pub(crate) sequence: u64,
    pub(crate) sent: Monotonic,
}

impl Stamp {
    /// A whole frame: the stamp, and a filling that follows from it.
    fn frame(self, bytes: usize) -> BytesMut {
        let mut frame = BytesMut::with_capacity(bytes.max(STAMP_BYTES));
        frame.put_u32(self.stream);
        frame.put_u64(self.sequence);
        frame.put_u64(self.sent.0);
        frame.resize(bytes.max(STAMP_BYTES), self.filling());
        frame
    }

    fn filling(self) -> u8 {
        (self.stream as u8).wrapping_mul(31).wrapping_add(self.sequence as u8)
    }

    /// Reads a frame; `None` where it is not one of ours, whole and unchanged.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let (stamp, filling) = frame.split_at_checked(STAMP_BYTES)?;
        let number = |at: std::ops::Range<usize>| {
            stamp[at].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let stream = u32::try_from(number(0..4)).ok()?;
        let stamp = Self { stream, sequence: number(4..12), sent: Monotonic(number(12..20)) };
        filling.iter().all(|byte| *byte == stamp.filling()).then_some(stamp)
    }
}

/// What an upload shares with those who watch it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Bytes sent so far.
    pub(crate) bytes: AtomicU64,
    /// Ends it with the fragment that it is sending.
    pub(crate) stop: AtomicBool,
}

/// Uploads to the stream `name`, from `begin` on at an even pace, and waits for the last ack.
pub(crate) async fn upload(
    client: Client,
    name: String,
    stream: u32,
    pace: Pace,
    begin: Instant,
    progress: Arc<Progress>,
) -> anyhow::Result<Uploaded> {
    sleep_until(begin).await;
    let (chunks, response) = client.put_media(&name).await?;
    let ended_at: Arc<Mutex<HashMap<u64, Monotonic>>> = Arc::default();
    let acks = tokio::spawn(read_acks(response.into_body(), ended_at.clone()));
    let begin_ms = wall_time().unix_ms().unsigned_abs();
    let mut fragment_timecode = begin_ms;
    let mut frames = 0;
    for sequence in 0..pace.frames {
        let at = pace.every.saturating_mul(u32::try_from(sequence)?);
        sleep_until(begin + at).await;
        let mut chunk = BytesMut::new();
        if sequence == 0 {
            DocumentHead::connect([7; 16], &[TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")]).write(&mut chunk);
        }
        let timecode = begin_ms + u64::try_from(at.as_millis())?;
        if sequence % FRAMES_PER_FRAGMENT == 0 {
            fragment_timecode = timecode;
            write::cluster_start(&mut chunk, timecode);
        }
        let relative = i16::try_from(timecode - fragment_timecode)?;
        let sent = Monotonic::now();
        let frame = Stamp { stream, sequence, sent }.frame(pace.frame_bytes);
        write::simple_block(&mut chunk, 1, relative, FLAG_KEYFRAME, &frame);
        if (sequence + 1) % FRAMES_PER_FRAGMENT == 0 || sequence + 1 == pace.frames {
            write::user_tag(&mut chunk, "AWS_KINESISVIDEO_END_OF_FRAGMENT", "");
            ended_at.lock().unwrap_or_else(PoisonError::into_inner).insert(fragment_timecode, sent);
        }
        let bytes = chunk.len() as u64;
        if chunks.send(chunk.freeze()).await.is_err() {
            break;
        }
        progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        frames = sequence + 1;
        if frames % FRAMES_PER_FRAGMENT == 0 && progress.stop.load(Ordering::Relaxed) {
            break;
        }
    }
    drop(chunks);
    let (persisted, errors, persisting) = acks.await??;
    Ok(Uploaded { frames, fragments: frames.div_ceil(FRAMES_PER_FRAGMENT), persisted, errors, persisting })
}

async fn read_acks(
    mut body: Incoming,
    ended_at: Arc<Mutex<HashMap<u64, Monotonic>>>,
) -> anyhow::Result<(u64, Vec<String>, Histogram)> {
    let (mut persisted, mut errors, mut persisting) = (0, Vec::new(), Histogram::new());
    let mut lines = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the acks of an upload broke off")?;
        lines.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = lines.drain(..=end).collect();
            let ack: Value = serde_json::from_slice(&line)?;
            match ack["EventType"].as_str() {
                Some("PERSISTED") => {
                    persisted += 1;
                    let timecode = ack["FragmentTimecode"].as_u64().context("an ack has no timecode")?;
                    let ended = ended_at.lock().unwrap_or_else(PoisonError::into_inner).remove(&timecode);
                    let ended = ended.context("a fragment was acknowledged that was not sent")?;
                    persisting.record(Monotonic::now().since(ended));
                }
                Some("ERROR") => errors.push(ack.to_string()),
                _ => {}
            }
        }
    }
    Ok((persisted, errors, persisting))
}

impl Client {
    /// Begins an upload with absolute timecodes: what is sent into the channel goes out, each piece as one chunk.
    async fn put_media(&self, name: &str) -> anyhow::Result<(mpsc::Sender<Bytes>, Response<Incoming>)> {
        let start = wall_time().epoch_seconds();
        let headers: [(&str, &[u8]); 5] = [
            ("host", self.authority.as_bytes()),
            ("x-amzn-stream-name", name.as_bytes()),
            ("x-amzn-fragment-timecode-type", b"ABSOLUTE"),
            ("x-amzn-producer-start-timestamp", start.as_bytes()),
            ("x-amzn-fragment-acknowledgment-required", b"1"),
        ];
        let (raw_path, raw_query, method) = ("/putMedia", "", "POST");
        let parts = RequestParts { method, raw_path, raw_query, headers: &headers, local_port: None };
        let signer = Signer::new(&self.credentials, &self.region, "kinesisvideo");
        let added = signer.sign(wall_time(), &parts, PayloadHash::Unsigned);
        let mut request = Request::builder().method(method).uri(raw_path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in &added {
            request = request.header(*name, value);
        }
        let (chunks, waiting) = mpsc::channel::<Bytes>(CHUNKS_WAITING);
        let body = StreamBody::new(Chunks(waiting));
        let stream = TcpStream::connect(&self.authority).await.context("cannot connect to the server")?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let response = sender.send_request(request.body(body)?).await?;
        ensure!(response.status().is_success(), "PutMedia to {name}: {}", response.status());
        Ok((chunks, response))
    }
}

/// The pieces of a body as they are sent.
struct Chunks(mpsc::Receiver<Bytes>);

impl futures_util::Stream for Chunks {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_known_again_and_a_changed_one_is_not() {
        let stamp = Stamp { stream: 7, sequence: 300, sent: Monotonic(12_345) };
        let frame = stamp.frame(1024);
        assert_eq!(frame.len(), 1024);
        assert_eq!(Stamp::of(&frame), Some(stamp));
        for at in [0, 11, 20, 1023] {
            let mut changed = frame.clone();
            changed[at] ^= 1;
            assert_ne!(Stamp::of(&changed), Some(stamp), "byte {at}");
        }
        assert_eq!(Stamp::of(&frame[..19]), None);
    }
}
