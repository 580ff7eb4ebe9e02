//! The contact record (CTR), as Amazon Connect delivers it: every key always there, in alphabetical order,
//! null when empty, times in whole seconds.
//!
//! Source: real records of 2019 to 2024; Administrator Guide, "Contact records data model".

use crate::record_parts::{Agent, Queue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use tympan_contact::{
    Attributes, Channel, Contact, CustomerAudio, DisconnectReason, Endpoint, InitiationMethod,
};
use tympan_types::{AccountId, ContactId, FragmentNumber, InstanceId, StreamArn, WallTime};

/// What remains of a contact once it has ended.
///
/// Readers recognise a later version of a record by the same `ContactId` and a later `LastUpdateTimestamp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "the fields are the keys of the record, documented by AWS under the same names"
)]
pub struct ContactRecord {
    #[serde(rename = "AWSAccountId")]
    pub aws_account_id: AccountId,
    #[serde(rename = "AWSContactTraceRecordFormatVersion")]
    pub format_version: String,
    pub agent: Option<Agent>,
    pub agent_connection_attempts: u32,
    pub answering_machine_detection_status: Value,
    pub attributes: Attributes,
    pub campaign: Campaign,
    pub channel: Channel,
    #[serde(with = "iso_seconds::option")]
    pub connected_to_system_timestamp: Option<WallTime>,
    pub contact_details: serde_json::Map<String, Value>,
    pub contact_id: ContactId,
    pub customer_endpoint: Option<Endpoint>,
    pub disconnect_reason: Option<DisconnectReason>,
    #[serde(with = "iso_seconds::option")]
    pub disconnect_timestamp: Option<WallTime>,
    pub initial_contact_id: Option<ContactId>,
    pub initiation_method: InitiationMethod,
    #[serde(with = "iso_seconds")]
    pub initiation_timestamp: WallTime,
    #[serde(rename = "InstanceARN")]
    pub instance_arn: String,
    #[serde(with = "iso_seconds")]
    pub last_update_timestamp: WallTime,
    pub media_streams: Vec<MediaStream>,
    pub next_contact_id: Option<ContactId>,
    pub previous_contact_id: Option<ContactId>,
    pub queue: Option<Queue>,
    pub recording: Value,
    pub recordings: Option<Vec<Recording>>,
    pub references: Vec<Value>,
    /// Of contacts that belong to another one without being its transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_contact_id: Option<ContactId>,
    #[serde(with = "iso_seconds::option")]
    pub scheduled_timestamp: Option<WallTime>,
    pub system_endpoint: Option<Endpoint>,
    /// Of contacts that have tags of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(with = "iso_seconds::option")]
    pub transfer_completed_timestamp: Option<WallTime>,
    pub transferred_to_endpoint: Option<Endpoint>,
    pub voice_id_result: Value,
}

impl ContactRecord {
    /// Freezes a contact that has ended.
    pub fn of(contact: &Contact) -> Self {
        let recordings: Vec<Recording> = contact.captures.iter().map(Recording::of).collect();
        Self {
            aws_account_id: contact.instance.account.clone(),
            format_version: "2017-03-10".to_owned(),
            agent: Agent::of(contact),
            agent_connection_attempts: contact.agent_connection_attempts,
            answering_machine_detection_status: Value::Null,
            attributes: contact.attributes.clone(),
            campaign: Campaign { campaign_id: None },
            channel: contact.channel,
            connected_to_system_timestamp: contact.connected_to_system_timestamp,
            contact_details: serde_json::Map::new(),
            contact_id: contact.id,
            customer_endpoint: contact.customer_endpoint.clone(),
            disconnect_reason: contact.disconnect_reason,
            disconnect_timestamp: contact.disconnect_timestamp,
            initial_contact_id: contact.initial_contact_id,
            initiation_method: contact.initiation_method,
            initiation_timestamp: contact.initiation_timestamp,
            instance_arn: contact.instance.arn(),
            last_update_timestamp: contact.last_update_timestamp,
            media_streams: vec![MediaStream { kind: "AUDIO".to_owned() }],
            next_contact_id: contact.next_contact_id,
            previous_contact_id: contact.previous_contact_id,
            queue: Queue::of(contact),
            recording: Value::Null,
            recordings: (!recordings.is_empty()).then_some(recordings),
            references: references(contact),
            related_contact_id: contact.related_contact_id,
            scheduled_timestamp: contact.scheduled_timestamp,
            system_endpoint: system_endpoint(contact).cloned(),
            tags: if contact.details.tags.is_empty() { BTreeMap::new() } else { tags(contact) },
            transfer_completed_timestamp: contact.transfer_completed_timestamp,
            transferred_to_endpoint: contact.transferred_to.clone(),
            voice_id_result: Value::Null,
        }
    }

    /// The instance that took the call, out of its ARN.
    pub fn instance_id(&self) -> Option<InstanceId> {
        self.instance_arn.rsplit_once('/').and_then(|(_, id)| InstanceId::parse(id).ok())
    }
}

/// The number of the system's side. Contacts that nothing called or was called by have none.
pub(crate) fn system_endpoint(contact: &Contact) -> Option<&Endpoint> {
    match contact.initiation_method {
        InitiationMethod::Callback | InitiationMethod::Monitor | InitiationMethod::QueueTransfer => None,
        _ => contact.system_endpoint.as_ref(),
    }
}

/// The tags of a contact: those that the service gives to each, and its own.
pub(crate) fn tags(contact: &Contact) -> BTreeMap<String, String> {
    let mut tags = contact.details.tags.clone();
    tags.insert("aws:connect:instanceId".to_owned(), contact.instance.id.to_string());
    if let Some(endpoint) = system_endpoint(contact) {
        tags.insert("aws:connect:systemEndpoint".to_owned(), endpoint.address.expose().clone());
    }
    tags
}

/// `References`: what flows have set, by name.
fn references(contact: &Contact) -> Vec<Value> {
    let references = contact.details.references.iter();
    references
        .map(|(name, reference)| {
            serde_json::json!({ "Name": name, "Type": reference.kind, "Value": reference.value })
        })
        .collect()
}

/// An outbound campaign; there are none here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Campaign {
    /// Always null.
    pub campaign_id: Option<String>,
}

/// `{"Type":"AUDIO"}`: all that a record says of media streams outside `Recordings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaStream {
    /// `AUDIO`.
    #[serde(rename = "Type")]
    pub kind: String,
}

/// One capture of the customer's audio, as an item of `Recordings`.
///
/// `MediaStreamType` reads `VIDEO` although it is audio: so do the real ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the fields are the keys of the item, documented by AWS under the same names")]
pub struct Recording {
    pub deletion_reason: Option<String>,
    pub fragment_start_number: FragmentNumber,
    pub fragment_stop_number: Option<FragmentNumber>,
    pub location: StreamArn,
    pub media_stream_type: String,
    pub participant_type: String,
    #[serde(with = "iso_seconds")]
    pub start_timestamp: WallTime,
    pub status: Option<String>,
    #[serde(with = "iso_seconds::option")]
    pub stop_timestamp: Option<WallTime>,
    pub storage_type: String,
}

impl Recording {
    fn of(audio: &CustomerAudio) -> Self {
        Self {
            deletion_reason: None,
            fragment_start_number: audio.start_fragment_number,
            fragment_stop_number: audio.stop_fragment_number,
            location: audio.stream_arn.clone(),
            media_stream_type: "VIDEO".to_owned(),
            participant_type: "CUSTOMER".to_owned(),
            start_timestamp: audio.start_timestamp,
            status: None,
            stop_timestamp: audio.stop_timestamp,
            storage_type: "KINESIS_VIDEO_STREAM".to_owned(),
        }
    }
}

/// Times of records: `2024-01-26T03:07:41Z`.
pub(crate) mod iso_seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};
    use tympan_types::WallTime;

    pub(crate) fn serialize<S: Serializer>(at: &WallTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&at.rfc3339_seconds())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WallTime, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a time such as 2024-01-26T03:07:41Z")))
    }

    fn parse(text: &str) -> Option<WallTime> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(WallTime::from_unix_ms)
    }

    pub(crate) mod option {
        use super::{Cow, Deserialize, Deserializer, Error, Serializer, WallTime, parse};

        pub(crate) fn serialize<S: Serializer>(
            at: &Option<WallTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<WallTime>, D::Error> {
            let Some(text) = <Option<Cow<'de, str>>>::deserialize(deserializer)? else { return Ok(None) };
            parse(&text).map(Some).ok_or_else(|| D::Error::custom(format!("{text:?} is not a time")))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tympan_contact::fixtures::contact;
    use tympan_contact::{AgentPart, AgentRef, Hold, MonitorState, QueueRef, QueueStay, Reference};
    use tympan_types::ResourceId;

    /// A contact that waited, met an agent who put it on hold twice, and was transferred.
    pub(crate) fn met_an_agent() -> Contact {
        let mut contact = ended_contact();
        let at = |ms: i64| WallTime::from_unix_ms(1_706_238_461_000 + ms);
        let instance = contact.instance.arn();
        contact.queue = Some(QueueStay {
            queue: QueueRef {
                arn: format!("{instance}/queue/22222222-2222-4333-8444-555555555555"),
                name: "Service".to_owned(),
                hours_arn: None,
                outbound_caller_id: None,
                is_agents: false,
            },
            enqueued: at(1_000),
            dequeued: Some(at(8_500)),
        });
        let id = ResourceId::parse("33333333-2222-4333-8444-555555555555").unwrap();
        let agent = AgentRef {
            id,
            arn: format!("{instance}/agent/{id}"),
            user_name: "agent1".to_owned(),
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            routing_profile_arn: format!("{instance}/routing-profile/44444444-2222-4333-8444-555555555555"),
            routing_profile_name: "Basic Routing Profile".to_owned(),
        };
        contact.agent_connection_attempts = 2;
        contact.agent = Some(AgentPart {
            connected: Some(at(9_000)),
            left: Some(at(39_400)),
            holds: vec![
                Hold { from: at(15_000), to: Some(at(19_600)) },
                Hold { from: at(30_000), to: Some(at(32_100)) },
            ],
            after_contact_work_began: Some(at(40_000)),
            after_contact_work_ended: Some(at(52_900)),
            ..AgentPart::accepted(agent, at(8_000))
        });
        contact.next_contact_id = Some(ContactId::parse("bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee").unwrap());
        contact.transferred_to = Some(Endpoint::telephone("+12065550199".to_owned().into()));
        contact.transfer_completed_timestamp = Some(at(39_500));
        contact.disconnect_reason = Some(DisconnectReason::AgentDisconnect);
        contact.last_update_timestamp = at(52_900);
        contact
    }

    const AGENT_GOLDEN: &str = include_str!("record_agent_golden.json");

    #[test]
    fn prints_the_golden_record_of_a_contact_that_met_an_agent_byte_for_byte() {
        let text = serde_json::to_string_pretty(&ContactRecord::of(&met_an_agent())).unwrap();
        assert_eq!(text, AGENT_GOLDEN.trim_end());
        let record: ContactRecord = serde_json::from_str(AGENT_GOLDEN).unwrap();
        assert_eq!(serde_json::to_string_pretty(&record).unwrap(), AGENT_GOLDEN.trim_end());
    }

    #[test]
    fn a_supervisors_record_says_what_he_could_do_and_when() {
        let mut contact = met_an_agent();
        contact.initiation_method = InitiationMethod::Monitor;
        let at = contact.initiation_timestamp;
        let state = |state: &str, from, to| MonitorState { state: state.to_owned(), from, to };
        contact.monitoring = vec![
            state("SILENT_MONITOR", at, Some(at.plus_ms(5_000))),
            state("BARGE", at.plus_ms(5_000), None),
        ];
        let record = serde_json::to_value(ContactRecord::of(&contact)).unwrap();
        assert_eq!(
            record["Agent"]["StateTransitions"],
            serde_json::json!([
                { "state": "SILENT_MONITOR", "stateEndTimestamp": "2024-01-26T03:07:46Z",
                    "stateStartTimestamp": "2024-01-26T03:07:41Z" },
                { "state": "BARGE", "stateEndTimestamp": null, "stateStartTimestamp": "2024-01-26T03:07:46Z" },
            ])
        );
    }

    #[test]
    fn a_contact_with_tags_shows_them_beside_those_that_the_service_gives() {
        let mut contact = ended_contact();
        contact.details.tags.insert("team".to_owned(), "blue".to_owned());
        let reference = Reference { value: "https://example.com".to_owned(), kind: "URL".to_owned() };
        contact.details.references.insert("ticket".to_owned(), reference);
        let record = serde_json::to_value(ContactRecord::of(&contact)).unwrap();
        assert_eq!(
            record["Tags"],
            serde_json::json!({ "aws:connect:instanceId": contact.instance.id,
                "aws:connect:systemEndpoint": "+18005550100", "team": "blue" })
        );
        assert_eq!(record["References"][0]["Name"], "ticket");
    }

    pub(crate) fn ended_contact() -> Contact {
        let mut contact = contact();
        let at = |ms: i64| WallTime::from_unix_ms(1_706_238_461_000 + ms);
        contact.connected_to_system_timestamp = Some(at(200));
        contact.disconnect_timestamp = Some(at(40_000));
        contact.disconnect_reason = Some(DisconnectReason::CustomerDisconnect);
        contact.last_update_timestamp = at(40_100);
        contact
            .attributes
            .set([("StreamARN".to_owned(), "copied".to_owned())].into_iter().collect())
            .unwrap();
        contact.captures.push(CustomerAudio {
            stream_arn: StreamArn::parse(
                "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60/1706150000000",
            )
            .unwrap(),
            start_timestamp: at(465),
            stop_timestamp: Some(at(31_167)),
            start_fragment_number: "91343852333181432392682062607743920146159169392".parse().unwrap(),
            stop_fragment_number: Some("91343852333181432546186627531311271605344142199".parse().unwrap()),
            ledger: None,
        });
        contact
    }

    const GOLDEN: &str = include_str!("record_golden.json");

    #[test]
    fn prints_the_golden_record_byte_for_byte() {
        let text = serde_json::to_string_pretty(&ContactRecord::of(&ended_contact())).unwrap();
        assert_eq!(text, GOLDEN.trim_end());
    }

    #[test]
    fn keys_are_in_alphabetical_order_at_every_level() {
        fn check(value: &Value) {
            match value {
                Value::Object(map) => {
                    assert!(map.keys().is_sorted(), "{:?}", map.keys().collect::<Vec<_>>());
                    map.values().for_each(check);
                }
                Value::Array(items) => items.iter().for_each(check),
                _ => {}
            }
        }
        check(&serde_json::to_value(ContactRecord::of(&ended_contact())).unwrap());
        check(&serde_json::to_value(ContactRecord::of(&met_an_agent())).unwrap());
    }

    #[test]
    fn a_record_reads_back() {
        let record: ContactRecord = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(record.instance_id(), Some(ended_contact().instance.id));
        assert_eq!(serde_json::to_string_pretty(&record).unwrap(), GOLDEN.trim_end());
    }

    #[test]
    fn a_contact_without_capture_has_null_recordings() {
        let value = serde_json::to_value(ContactRecord::of(&contact())).unwrap();
        assert_eq!(value["Recordings"], Value::Null);
        assert_eq!(value["MediaStreams"], serde_json::json!([{"Type": "AUDIO"}]));
        assert_eq!(value["DisconnectTimestamp"], Value::Null);
    }
}
