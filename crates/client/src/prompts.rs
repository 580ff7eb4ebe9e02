//! The sound of prompts, put into a tympan server and got out of one (docs/admin.md). Not AWS operations.

use crate::http::{Outgoing, full};
use crate::{ClientError, Endpoint, HttpClient};
use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use tympan_auth::PayloadHash;

/// A client of a server's prompts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prompts {
    http: HttpClient,
    endpoint: Endpoint,
}

/// A prompt whose sound was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SentPrompt {
    /// Its id.
    pub prompt_id: String,
    /// Its ARN.
    #[serde(rename = "PromptARN")]
    pub prompt_arn: String,
    /// Its name.
    pub name: String,
    /// How long a caller hears it.
    pub duration_milliseconds: u64,
}

impl Prompts {
    /// The prompts of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// Creates a prompt with the sound of a WAV file.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn upload(
        &self,
        instance: &str,
        name: &str,
        description: Option<&str>,
        wav: Bytes,
    ) -> Result<SentPrompt, ClientError> {
        let mut query = format!("name={}", utf8_percent_encode(name, NON_ALPHANUMERIC));
        if let Some(description) = description {
            query.push_str(&format!("&description={}", utf8_percent_encode(description, NON_ALPHANUMERIC)));
        }
        let path = format!("/tympan/instances/{instance}/prompts");
        self.send("UploadPrompt", Method::POST, (&path, &query), wav).await
    }

    /// Gives a prompt the sound of a WAV file.
    ///
    /// # Errors
    /// As [`Self::upload`].
    pub async fn replace(&self, instance: &str, prompt: &str, wav: Bytes) -> Result<SentPrompt, ClientError> {
        self.send("PutPromptAudio", Method::PUT, (&audio_path(instance, prompt), ""), wav).await
    }

    /// The sound of a prompt as a caller hears it: a WAV file of 8,000 Hz, one channel and 16 bits.
    ///
    /// # Errors
    /// As [`Self::upload`].
    pub async fn sound(&self, instance: &str, prompt: &str) -> Result<Bytes, ClientError> {
        let path = audio_path(instance, prompt);
        let request = Outgoing::bare("GetPromptAudio", "tympan", &self.endpoint, Method::GET, (&path, ""));
        self.http.whole(request, full(Bytes::new())).await
    }

    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        at: (&str, &str),
        wav: Bytes,
    ) -> Result<SentPrompt, ClientError> {
        let headers = vec![("content-type", "audio/wav".to_owned())];
        let payload = PayloadHash::of_body(&wav);
        let request = Outgoing::bare(operation, "tympan", &self.endpoint, method, at);
        let answer = self.http.answer(Outgoing { headers, payload, ..request }, full(wav)).await?;
        serde_json::from_value(answer).map_err(|error| ClientError::Broken {
            what: format!("the answer to {operation}"),
            reason: error.to_string(),
        })
    }
}

fn audio_path(instance: &str, prompt: &str) -> String {
    format!("/tympan/instances/{instance}/prompts/{prompt}/audio")
}
