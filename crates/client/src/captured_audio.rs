//! The captured sound of a contact, as a tympan server gives it (docs/admin.md). Not an AWS operation.

use crate::http::{Outgoing, full};
use crate::media::Format;
use crate::{ClientError, Contacts};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tympan_types::ContactId;

/// What is wanted of a contact's sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedAudio {
    /// `AUDIO_FROM_CUSTOMER` unless given; absent for Matroska.
    pub track: Option<String>,
    /// Milliseconds on the axis.
    pub from_ms: Option<u32>,
    /// Milliseconds on the axis.
    pub to_ms: Option<u32>,
    /// As what.
    pub format: Format,
}

/// A body of captured sound.
#[derive(Debug)]
pub struct CapturedAudio {
    body: Incoming,
    /// How long it is, where the server says so.
    pub length_bytes: Option<u64>,
}

impl WantedAudio {
    fn query(&self) -> String {
        let format = match self.format {
            Format::Wav => "wav",
            Format::Raw => "raw",
            Format::Mkv => "mkv",
        };
        let mut query = format!("format={format}");
        let bounds = [("from", self.from_ms), ("to", self.to_ms)];
        for (name, ms) in bounds.into_iter().filter_map(|(name, ms)| Some((name, ms?))) {
            query.push_str(&format!("&{name}={ms}"));
        }
        if let Some(track) = &self.track {
            query.push_str(&format!("&track={track}"));
        }
        query
    }
}

impl CapturedAudio {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or the server could not read all of it.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        return Ok(Some(chunk));
                    }
                }
                Some(Err(error)) => {
                    let what = "the answer to GetAudio broke off".to_owned();
                    return Err(ClientError::Broken { what, reason: error.to_string() });
                }
            }
        }
    }
}

impl Contacts {
    /// The captured sound of a contact, or a part of it.
    ///
    /// # Errors
    /// The server's refusal; no connection.
    pub async fn audio(&self, id: ContactId, wanted: &WantedAudio) -> Result<CapturedAudio, ClientError> {
        let (http, endpoint) = self.parts();
        let (path, query) = (format!("/tympan/contacts/{id}/audio"), wanted.query());
        let at = (path.as_str(), query.as_str());
        let request = Outgoing::bare("GetAudio", "tympan", endpoint, http::Method::GET, at);
        let response = http.stream(request, full(Bytes::new())).await?;
        let length = response.headers().get(http::header::CONTENT_LENGTH);
        let length_bytes = length.and_then(|length| length.to_str().ok()?.parse().ok());
        Ok(CapturedAudio { body: response.into_body(), length_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_what_is_wanted_and_nothing_else() {
        let wanted = WantedAudio { track: None, from_ms: None, to_ms: Some(7), format: Format::Mkv };
        assert_eq!(wanted.query(), "format=mkv&to=7");
        let track = Some("AUDIO_TO_CUSTOMER".to_owned());
        let wanted = WantedAudio { track, from_ms: Some(5), to_ms: None, format: Format::Wav };
        assert_eq!(wanted.query(), "format=wav&from=5&track=AUDIO_TO_CUSTOMER");
    }
}
