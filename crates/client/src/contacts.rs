//! Contact records, as a tympan server lists and searches them (docs/admin.md). Amazon Connect has no such operation: it delivers
//! records to a stream as calls end.

use crate::{ClientError, Endpoint, HttpClient};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::str::FromStr;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tympan_types::{ContactId, FragmentNumber, StreamArn, WallTime};

/// A client of a server's contact records. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Contacts {
    http: HttpClient,
    endpoint: Endpoint,
}

impl Contacts {
    /// A client of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    pub(crate) fn parts(&self) -> (&HttpClient, &Endpoint) {
        (&self.http, &self.endpoint)
    }

    /// The newest contacts, calls that are up among them; newest first. Pages follow one another up to `limit`.
    pub async fn list(&self, limit: usize) -> Result<Vec<ContactRecord>, ClientError> {
        let page = async |size: usize, next: Option<String>| {
            let next = next.map(|next| format!("&nextToken={next}")).unwrap_or_default();
            let query = format!("maxResults={size}{next}");
            self.http.get_json("ListContacts", SERVICE, &self.endpoint, PATH, &query).await
        };
        joined(limit, page).await
    }

    /// The newest contacts that meet all conditions, up to `limit`.
    pub async fn search(
        &self,
        search: &ContactSearch,
        limit: usize,
    ) -> Result<Vec<ContactRecord>, ClientError> {
        let conditions = search.to_json();
        let path = format!("{PATH}/search");
        let page = async |size: usize, next: Option<String>| {
            let mut body = conditions.clone();
            body["MaxResults"] = size.into();
            body["NextToken"] = next.into();
            self.http.post_signed("SearchContacts", SERVICE, &self.endpoint, &path, &body).await
        };
        joined(limit, page).await
    }

    /// The contact that a choice means now.
    pub async fn resolve(&self, choice: ContactChoice) -> Result<ContactId, ClientError> {
        match choice {
            ContactChoice::Id(id) => Ok(id),
            ContactChoice::Latest => {
                let newest = self.list(1).await?.into_iter().next();
                newest
                    .map(|record| record.id)
                    .ok_or_else(|| ClientError::NotFound("there are no calls yet".into()))
            }
        }
    }

    /// Deletes a contact that has ended: its record, its attributes and all that finds it. Its audio stays in its stream, unless it is to be
    /// erased as well. What the server answers: `DeliveredTo`, the files and sinks that have its record or lines of its flow log, and keep
    /// them; `AudioWaits`, whether audio is still to be erased.
    pub async fn delete(&self, id: ContactId, erases_media: bool) -> Result<Value, ClientError> {
        let path = format!("{PATH}/{id}");
        let query = if erases_media { "media=erase" } else { "" };
        self.http.delete_json("DeleteContact", SERVICE, &self.endpoint, &path, query).await
    }

    /// One contact.
    pub async fn find(&self, id: ContactId) -> Result<ContactRecord, ClientError> {
        let path = format!("{PATH}/{id}");
        let answer = self.http.get_json("DescribeContact", SERVICE, &self.endpoint, &path, "").await?;
        ContactRecord::read(answer)
    }
}

impl Contacts {
    /// The waveform of a contact, so many columns wide, as the server draws it: docs/admin.md.
    pub async fn waveform(&self, id: ContactId, columns: u16) -> Result<Value, ClientError> {
        let (path, query) = (format!("{PATH}/{id}/waveform"), format!("columns={columns}"));
        self.http.get_json("GetWaveform", SERVICE, &self.endpoint, &path, &query).await
    }

    /// What the blocks of a contact's flows did: docs/admin.md.
    pub async fn flow_log(&self, id: ContactId) -> Result<Value, ClientError> {
        let path = format!("{PATH}/{id}/flow-log");
        self.http.get_json("GetFlowLog", SERVICE, &self.endpoint, &path, "").await
    }
}

const SERVICE: &str = "tympan";
const PATH: &str = "/tympan/contacts";
/// The most that the server gives at once.
const PAGE: usize = 1_000;

/// Asks for one page after the other, up to so many records.
async fn joined(
    limit: usize,
    page: impl AsyncFn(usize, Option<String>) -> Result<Value, ClientError>,
) -> Result<Vec<ContactRecord>, ClientError> {
    let mut records = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let wanted = limit.saturating_sub(records.len()).clamp(1, PAGE);
        let answer = page(wanted, next).await?;
        let Some(found) = answer["Contacts"].as_array() else {
            return Err(broken("it has no Contacts".to_owned()));
        };
        for record in found {
            records.push(ContactRecord::read(record.clone())?);
        }
        next = answer["NextToken"].as_str().map(str::to_owned);
        if next.is_none() || records.len() >= limit {
            records.truncate(limit);
            return Ok(records);
        }
    }
}

/// Conditions of a search; all of them hold together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactSearch {
    /// The earliest beginning.
    pub from: Option<WallTime>,
    /// The latest beginning.
    pub to: Option<WallTime>,
    /// Digits that the customer's number holds one after the other.
    pub number_part: Option<String>,
    /// An attribute's name and its whole value.
    pub attribute: Option<(String, String)>,
    /// The flow that the contact began in.
    pub flow: Option<String>,
    /// The queue, by id or ARN.
    pub queue: Option<String>,
    /// The agent, by id or ARN of the user.
    pub agent: Option<String>,
    /// Whether the call is up, or has ended.
    pub is_live: Option<bool>,
    /// Whether audio was captured.
    pub has_stream: Option<bool>,
    /// Whether audio was sent that was not captured.
    pub has_losses: Option<bool>,
    /// The oldest come first.
    pub is_oldest_first: bool,
}

impl ContactSearch {
    fn to_json(&self) -> Value {
        let mut body = Map::new();
        let time = |at: Option<WallTime>| at.map(|at| Value::from(at.rfc3339_ms()));
        let mut range = Map::new();
        for (name, at) in [("From", time(self.from)), ("To", time(self.to))] {
            range.extend(at.map(|at| (name.to_owned(), at)));
        }
        if !range.is_empty() {
            body.insert("TimeRange".to_owned(), range.into());
        }
        if let Some((name, value)) = &self.attribute {
            body.insert("Attribute".to_owned(), json!({ "Name": name, "Value": value }));
        }
        let texts = [
            ("NumberPart", &self.number_part),
            ("ContactFlowId", &self.flow),
            ("Queue", &self.queue),
            ("Agent", &self.agent),
        ];
        for (name, text) in texts {
            body.extend(text.as_deref().map(|text| (name.to_owned(), text.into())));
        }
        let state = self.is_live.map(|is_live| if is_live { "LIVE" } else { "ENDED" });
        body.extend(state.map(|state| ("State".to_owned(), state.into())));
        body.extend(self.has_stream.map(|has| ("HasStream".to_owned(), has.into())));
        body.extend(self.has_losses.map(|has| ("HasLosses".to_owned(), has.into())));
        body.extend(self.is_oldest_first.then(|| ("Order".to_owned(), "OLDEST_FIRST".into())));
        body.into()
    }
}

/// A contact as a person names it: its id, or `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactChoice {
    /// The one that came in last.
    Latest,
    /// The one with this id.
    Id(ContactId),
}

impl FromStr for ContactChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        text.parse().map(Self::Id).map_err(|error| format!("{error}; or `latest`, for the newest call"))
    }
}

/// A contact record: what is used of it, and the whole as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRecord {
    /// The contact.
    pub id: ContactId,
    /// When it came in.
    pub initiated: Option<WallTime>,
    /// When the flow answered.
    pub connected: Option<WallTime>,
    /// When it ended; `None` while the call is up.
    pub disconnected: Option<WallTime>,
    /// Why it ended.
    pub disconnect_reason: Option<String>,
    /// The caller's number.
    pub customer: Option<String>,
    /// The number that was called.
    pub system: Option<String>,
    /// The user-defined attributes.
    pub attributes: Map<String, Value>,
    /// The captures of the customer's audio, oldest first.
    pub recordings: Vec<Recording>,
    /// The record as it came.
    pub json: Value,
}

/// One capture of the customer's audio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recording {
    /// The stream it went to.
    pub stream: StreamArn,
    /// It begins with the fragment after this one.
    pub start: FragmentNumber,
    /// Its last fragment; `None` while it goes on.
    pub stop: Option<FragmentNumber>,
    /// When it began.
    pub began: Option<WallTime>,
    /// When it ended.
    pub ended: Option<WallTime>,
    /// What of it was not received; `None` where the server does not say, as while it goes on and in lists.
    pub ledger: Option<Ledger>,
}

/// What a capture holds that its caller's codec did not carry. Samples at 8 kHz.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Ledger {
    /// All samples of the capture.
    pub samples: u64,
    /// Those that were received.
    pub received_samples: u64,
    /// The others by cause, and audio that came late or was left out.
    pub causes: BTreeMap<String, LedgerTotal>,
}

/// How often something happened, and to how many samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LedgerTotal {
    /// Runs.
    pub count: u64,
    /// Samples in all.
    pub samples: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    contact_id: ContactId,
    initiation_timestamp: Option<String>,
    connected_to_system_timestamp: Option<String>,
    disconnect_timestamp: Option<String>,
    disconnect_reason: Option<String>,
    customer_endpoint: Option<WireEndpoint>,
    system_endpoint: Option<WireEndpoint>,
    #[serde(default)]
    attributes: Option<Map<String, Value>>,
    #[serde(default)]
    recordings: Option<Vec<WireRecording>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireEndpoint {
    address: Option<String>,
}

/// A recording of another kind, in S3 for instance, has neither numbers nor a stream.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireRecording {
    location: Option<String>,
    fragment_start_number: Option<FragmentNumber>,
    fragment_stop_number: Option<FragmentNumber>,
    start_timestamp: Option<String>,
    stop_timestamp: Option<String>,
    ledger: Option<Ledger>,
}

impl ContactRecord {
    /// Reads a record as the server writes it.
    ///
    /// # Errors
    /// `Broken` if it is none.
    pub fn read(json: Value) -> Result<Self, ClientError> {
        let wire = Wire::deserialize(&json).map_err(|error| broken(error.to_string()))?;
        let time = |text: Option<String>| text.as_deref().and_then(parse_time);
        let address = |endpoint: Option<WireEndpoint>| endpoint.and_then(|endpoint| endpoint.address);
        let recording = |recording: WireRecording| {
            Some(Recording {
                stream: StreamArn::parse(&recording.location?).ok()?,
                start: recording.fragment_start_number?,
                stop: recording.fragment_stop_number,
                began: time(recording.start_timestamp),
                ended: time(recording.stop_timestamp),
                ledger: recording.ledger,
            })
        };
        Ok(Self {
            id: wire.contact_id,
            initiated: time(wire.initiation_timestamp),
            connected: time(wire.connected_to_system_timestamp),
            disconnected: time(wire.disconnect_timestamp),
            disconnect_reason: wire.disconnect_reason,
            customer: address(wire.customer_endpoint),
            system: address(wire.system_endpoint),
            attributes: wire.attributes.unwrap_or_default(),
            recordings: wire.recordings.unwrap_or_default().into_iter().filter_map(recording).collect(),
            json,
        })
    }

    /// Whether the call is still up.
    pub fn is_live(&self) -> bool {
        self.disconnected.is_none()
    }

    /// How long the call lasted, in milliseconds; `None` while it is up.
    pub fn duration_ms(&self) -> Option<i64> {
        Some(self.disconnected?.ms_since(self.initiated?))
    }

    /// How much audio was captured, in milliseconds; a capture that goes on counts up to `now`.
    pub fn captured_ms(&self, now: WallTime) -> i64 {
        let length =
            |recording: &Recording| recording.ended.unwrap_or(now).ms_since(recording.began.unwrap_or(now));
        self.recordings.iter().map(length).sum()
    }

    /// Whether an attribute, a number or the id holds `text`, in whatever case.
    pub fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let holds = |value: &str| value.to_lowercase().contains(&text);
        let numbers = [&self.customer, &self.system].into_iter().flatten();
        let attributes =
            self.attributes.iter().flat_map(|(name, value)| [Some(name.as_str()), value.as_str()]);
        holds(&self.id.to_string()) || numbers.map(String::as_str).chain(attributes.flatten()).any(holds)
    }
}

fn parse_time(text: &str) -> Option<WallTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(WallTime::from_unix_ms)
}

fn broken(reason: String) -> ClientError {
    ClientError::Broken { what: "the server's contact records cannot be read".to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_its_id_or_as_the_latest() {
        let id = "4a573372-1f28-4e26-b97b-0123456789ab";
        assert_eq!(id.parse(), Ok(ContactChoice::Id(id.parse().unwrap())));
        assert_eq!("latest".parse(), Ok(ContactChoice::Latest));
        let refused = "newest".parse::<ContactChoice>().unwrap_err();
        assert!(refused.ends_with("or `latest`, for the newest call"), "{refused}");
    }

    #[test]
    fn a_search_sends_what_is_asked_for_and_nothing_else() {
        assert_eq!(ContactSearch::default().to_json(), json!({}));
        let search = ContactSearch {
            from: Some(WallTime::from_unix_ms(1_706_238_461_000)),
            number_part: Some("0123".to_owned()),
            attribute: Some(("k".to_owned(), "v".to_owned())),
            is_live: Some(false),
            has_stream: Some(true),
            has_losses: Some(true),
            is_oldest_first: true,
            ..ContactSearch::default()
        };
        let expected = json!({
            "TimeRange": { "From": "2024-01-26T03:07:41.000Z" }, "NumberPart": "0123",
            "Attribute": { "Name": "k", "Value": "v" }, "State": "ENDED", "HasStream": true,
            "HasLosses": true, "Order": "OLDEST_FIRST",
        });
        assert_eq!(search.to_json(), expected);
    }

    fn record() -> Value {
        serde_json::from_str(include_str!("../../../fixtures/contacts/record.json")).unwrap()
    }

    fn read() -> ContactRecord {
        ContactRecord::read(record()).unwrap()
    }

    #[test]
    fn reads_a_record() {
        let record = read();
        assert_eq!(record.customer.as_deref(), Some("+12065550123"));
        assert_eq!((record.is_live(), record.duration_ms()), (false, Some(34_000)));
        assert_eq!(record.recordings.len(), 1, "only captures count");
        assert_eq!(record.captured_ms(WallTime::from_unix_ms(0)), 31_000);
    }

    #[test]
    fn a_recording_without_a_ledger_is_read_as_one_that_has_none() {
        let mut json = record();
        json["Recordings"][1]["Ledger"] = Value::Null;
        assert_eq!(ContactRecord::read(json).unwrap().recordings[0].ledger, None);
        assert_eq!(read().recordings[0].ledger.as_ref().unwrap().causes["lost"].count, 3);
    }

    #[test]
    fn a_call_that_is_up_has_neither_end_nor_stop() {
        let mut json = record();
        json["DisconnectTimestamp"] = Value::Null;
        json["Recordings"] = Value::Null;
        let record = ContactRecord::read(json).unwrap();
        assert!(record.is_live() && record.recordings.is_empty());
        assert_eq!(record.duration_ms(), None);
    }

    #[test]
    fn finds_by_number_attribute_and_id() {
        let record = read();
        for text in ["5550123", "+1800", "parcels", "DEPARTMENT", "4a573372"] {
            assert!(record.mentions(text), "{text}");
        }
        assert!(!record.mentions("invoices"));
    }
}
