//! `ListFragments`.

use super::streams::wall_time;
use super::{Kvs, StreamRef, read};
use crate::ClientError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

/// A fragment, as `ListFragments` tells of it; it serialises under the names that it uses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FragmentInfo {
    /// The number.
    pub fragment_number: FragmentNumber,
    /// Units: bytes.
    pub fragment_size_in_bytes: u64,
    /// When the producer says it began: epoch seconds, with a fraction.
    pub producer_timestamp: f64,
    /// When it reached the service: epoch seconds, with a fraction.
    pub server_timestamp: f64,
    /// From its first to its last frame. Units: milliseconds.
    pub fragment_length_in_milliseconds: u64,
}

impl FragmentInfo {
    /// When the producer says it began.
    pub fn produced(&self) -> ProducerTime {
        ProducerTime::from_unix_ms(wall_time(self.producer_timestamp).unix_ms())
    }

    /// When it reached the service.
    pub fn arrived(&self) -> ServerTime {
        ServerTime::from_unix_ms(wall_time(self.server_timestamp).unix_ms())
    }
}

/// Which fragments: those whose server time lies between the two, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentRange {
    /// The earliest.
    pub from: ServerTime,
    /// The latest.
    pub to: ServerTime,
}

impl Kvs {
    /// `ListFragments`, page after page to the end; ascending by number.
    pub async fn list_fragments(
        &self,
        stream: &StreamRef,
        range: FragmentRange,
    ) -> Result<Vec<FragmentInfo>, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Page {
            fragments: Vec<FragmentInfo>,
            next_token: Option<String>,
        }
        let endpoint = self.data_endpoint(stream, "LIST_FRAGMENTS").await?;
        let seconds = |at: ServerTime| at.unix_ms() as f64 / 1_000.0;
        let mut request = Value::Object(stream.members());
        request["MaxResults"] = json!(1_000);
        request["FragmentSelector"] = json!({
            "FragmentSelectorType": "SERVER_TIMESTAMP",
            "TimestampRange": { "StartTimestamp": seconds(range.from), "EndTimestamp": seconds(range.to) },
        });
        let mut fragments = Vec::new();
        loop {
            let answer = self.http.post_json("ListFragments", &endpoint, "/listFragments", &request).await?;
            let page: Page = read("ListFragments", answer)?;
            fragments.extend(page.fragments);
            match page.next_token {
                Some(token) => request["NextToken"] = json!(token),
                None => break,
            }
        }
        // The order of an answer is not promised.
        fragments.sort_by_key(|fragment| fragment.fragment_number);
        Ok(fragments)
    }
}
