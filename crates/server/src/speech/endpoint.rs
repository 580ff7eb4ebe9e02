//! A voice behind the SynthesizeSpeech operation of Amazon Polly, or of a service like it.

use super::voice::Voice;
use crate::config::SpeechRate;
use crate::outgoing::{HttpClient, SignedService};
use hyper::Method;
use serde_json::json;
use tympan_telephony::audio::resample::Resampler;

/// Ten minutes of 16 kHz.
const PCM_LIMIT_BYTES: usize = 20 * 1024 * 1024;

/// The service, and at which rate it speaks.
pub(super) struct SpeechEndpoint {
    service: SignedService,
    rate: SpeechRate,
}

impl SpeechEndpoint {
    pub(super) fn new(service: SignedService, rate: SpeechRate) -> Self {
        Self { service, rate }
    }

    /// `POST /v1/speech`: 16-bit little-endian samples come back.
    pub(super) async fn speak(
        &self,
        http: &HttpClient,
        voice: &Voice,
        text: &str,
    ) -> Result<Vec<i16>, String> {
        let mut body = json!({
            "Engine": voice.engine(),
            "OutputFormat": "pcm",
            "SampleRate": self.rate.hz().to_string(),
            "Text": text,
            "TextType": "text",
            "VoiceId": voice.name,
        });
        if let Some(language) = voice.language_to_ask_for() {
            body["LanguageCode"] = language.into();
        }
        let headers = [("content-type", "application/json")];
        let request = self
            .service
            .request(Method::POST, "/v1/speech", &headers, body.to_string().into_bytes())
            .map_err(|error| error.to_string())?;
        let answer =
            http.send(request, PCM_LIMIT_BYTES).await.map_err(|error| format!("speech.endpoint: {error}"))?;
        if !answer.status.is_success() {
            let kind = answer.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
            let kind = kind.map(|kind| format!(", {}", kind.split(':').next().unwrap_or(kind)));
            return Err(format!("speech.endpoint answered {}{}", answer.status, kind.unwrap_or_default()));
        }
        let samples = answer.body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        match self.rate {
            SpeechRate::Hz8000 => Ok(samples.collect()),
            SpeechRate::Hz16000 => {
                let resampler =
                    Resampler::new(self.rate.hz()).ok_or("the rate cannot be brought to 8 kHz")?;
                Ok(resampler.resample(&samples.map(f32::from).collect::<Vec<_>>()))
            }
        }
    }
}
