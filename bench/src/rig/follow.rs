//! Readers of one stream: one that keeps up, one that pauses, one that never comes back.

use super::http::{Client, Service};
use super::upload::Stamp;
use crate::clock::Monotonic;
use crate::statistics::Histogram;
use anyhow::{Context, ensure};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tympan_mkv::Limits;
use tympan_mkv::consume::{MediaEvent, MediaReader};

/// Room of a narrow reader.
const NARROW_BYTES: u32 = 64 * 1024;

/// What a reader heard.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Whole frames, in order and without a gap from the first to the last.
    pub(crate) frames: u64,
    /// The sequence number of the first.
    pub(crate) first: Option<u64>,
    /// From a frame's sending until it was read.
    pub(crate) latency: Histogram,
    /// `AWS_KINESISVIDEO_ERROR_ID`, where the body told one.
    pub(crate) error_id: Option<String>,
}

/// A GetMedia body in the middle of being read.
pub(crate) struct Follower {
    body: Incoming,
    media: MediaReader,
    stream: u32,
    heard: Heard,
}

impl Follower {
    /// Asks for a stream from `selector` on, and returns when the answer's head has come.
    pub(crate) async fn open(
        client: &Client,
        name: &str,
        stream: u32,
        selector: &str,
    ) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(&client.authority).await?;
        Self::open_over(socket, client, name, stream, selector).await
    }

    /// As [`Self::open`], with little room in the kernel for what is not read.
    pub(crate) async fn open_narrow(
        client: &Client,
        name: &str,
        stream: u32,
        selector: &str,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW_BYTES)?;
        let socket = socket.connect(client.authority.parse()?).await?;
        Self::open_over(socket, client, name, stream, selector).await
    }

    async fn open_over(
        socket: TcpStream,
        client: &Client,
        name: &str,
        stream: u32,
        selector: &str,
    ) -> anyhow::Result<Self> {
        let request = json!({ "StreamName": name, "StartSelector": { "StartSelectorType": selector } });
        let (service, request) = (Service::KinesisVideo, request.to_string());
        let response = client.send_over(socket, service, "POST", "/getMedia", request).await?;
        let heard = Heard { frames: 0, first: None, latency: Histogram::new(), error_id: None };
        Ok(Self { body: response.into_body(), media: MediaReader::new(Limits::default()), stream, heard })
    }

    /// Reads the next piece; `false` at the end of the body.
    ///
    /// Errors: the body broke off, or a frame is missing, repeated or changed.
    pub(crate) async fn next(&mut self) -> anyhow::Result<bool> {
        let piece = self.body.frame().await.transpose().context("a body broke off")?;
        let arrived = Monotonic::now();
        let more = piece.is_some();
        match piece.map(|piece| piece.into_data()) {
            Some(Ok(bytes)) => self.media.push(bytes)?,
            Some(Err(_)) => {}
            None => self.media.finish()?,
        }
        while let Some(event) = self.media.poll() {
            match event {
                MediaEvent::Frame(frame) => self.frame(&frame.data, arrived)?,
                MediaEvent::TagsOnly { tags } => {
                    let id = tags.into_iter().find(|tag| tag.name == "AWS_KINESISVIDEO_ERROR_ID");
                    self.heard.error_id = id.map(|tag| tag.value);
                }
                MediaEvent::FragmentStart { .. } | MediaEvent::FragmentEnd { .. } => {}
            }
        }
        Ok(more)
    }

    /// Reads to the end of the body.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Heard> {
        while self.next().await? {}
        Ok(self.heard)
    }

    /// Reads until that many frames have come, or to the end of the body.
    pub(crate) async fn up_to(mut self, frames: u64) -> anyhow::Result<Heard> {
        while self.heard.frames < frames && self.next().await? {}
        Ok(self.heard)
    }

    /// Whether a frame has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.heard.first.is_some()
    }

    fn frame(&mut self, frame: &[u8], arrived: Monotonic) -> anyhow::Result<()> {
        let stream = self.stream;
        let stamp = Stamp::of(frame).with_context(|| format!("a frame of stream {stream} was changed"))?;
        ensure!(stamp.stream == stream, "stream {stream} has a frame of stream {}", stamp.stream);
        let first = *self.heard.first.get_or_insert(stamp.sequence);
        let expected = first + self.heard.frames;
        ensure!(
            stamp.sequence == expected,
            "stream {stream}: frame {} where {expected} should be",
            stamp.sequence
        );
        self.heard.frames += 1;
        self.heard.latency.record(arrived.since(stamp.sent));
        Ok(())
    }
}
