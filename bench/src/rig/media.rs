//! A consumer of one call: GetMedia over HTTP/1.1, and the customer's PCM out of its Matroska.

use super::connect::CapturedAudio;
use super::http::{Client, Service};
use crate::clock::Monotonic;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use tympan_mkv::Limits;
use tympan_mkv::consume::{MediaEvent, MediaReader};

/// A GetMedia body, being read.
pub(crate) struct CustomerAudio {
    body: Incoming,
    media: MediaReader,
    /// Number of the customer's track in the fragment that is being read.
    track: Option<u64>,
}

impl CustomerAudio {
    /// Asks for a call's audio from its beginning, and returns when the answer's head has come.
    pub(crate) async fn open(client: &Client, audio: &CapturedAudio) -> anyhow::Result<Self> {
        let request = json!({
            "StreamARN": audio.stream_arn,
            "StartSelector": {
                "StartSelectorType": "FRAGMENT_NUMBER",
                "AfterFragmentNumber": audio.start_number,
            },
        });
        let response = client.send(Service::KinesisVideo, "POST", "/getMedia", request.to_string()).await?;
        Ok(Self { body: response.into_body(), media: MediaReader::new(Limits::default()), track: None })
    }

    /// Waits for the next piece of the body and gives the PCM in it, with the time when the piece had come.
    /// False at the end of the body.
    pub(crate) async fn next(&mut self, mut pcm: impl FnMut(Monotonic, &[u8])) -> anyhow::Result<bool> {
        let piece = self.body.frame().await.transpose()?;
        let arrived = Monotonic::now();
        let more = piece.is_some();
        match piece {
            Some(piece) => {
                if let Ok(bytes) = piece.into_data() {
                    self.media.push(bytes)?;
                }
            }
            None => self.media.finish()?,
        }
        while let Some(event) = self.media.poll() {
            match event {
                MediaEvent::FragmentStart { tracks, .. } => {
                    let customers = tracks.iter().find(|track| track.name.as_deref() == Some(CUSTOMER));
                    self.track = customers.map(|track| track.number);
                }
                MediaEvent::Frame(frame) if Some(frame.track) == self.track => pcm(arrived, &frame.data),
                MediaEvent::Frame(_) | MediaEvent::FragmentEnd { .. } => {}
                MediaEvent::TagsOnly { tags } => anyhow::bail!("GetMedia broke off: {tags:?}"),
            }
        }
        Ok(more)
    }
}

const CUSTOMER: &str = "AUDIO_FROM_CUSTOMER";
