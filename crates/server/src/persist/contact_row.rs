//! A contact as it stands in `control.db`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use tympan_contact::{
    AgentPart, Attributes, Channel, Contact, ContactDetails, CustomerAudio, DisconnectReason, Endpoint,
    InitiationMethod, InstanceRef, MonitorState, QueueStay,
};
use tympan_db::RowError;
use tympan_db::contact::{ContactFacts, ContactPayload};
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_types::{
    AccountId, ContactFlowId, ContactId, FragmentNumber, InstanceId, Redacted, Region, StreamArn, WallTime,
};

/// A contact, to be written or as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContactRow(pub(crate) Contact);

/// Formats 1 to 3: JSON. Format 1 is what release 0.1.0 kept in `contacts.db`; 2 may have `initial_flow` and `details`; 3 may have
/// what comes of queues, agents, transfers and supervisors.
#[derive(Serialize, Deserialize)]
struct Stored {
    id: ContactId,
    instance: StoredInstance,
    initial_contact_id: Option<ContactId>,
    previous_contact_id: Option<ContactId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_contact_id: Option<ContactId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    related_contact_id: Option<ContactId>,
    initiation_method: InitiationMethod,
    channel: Channel,
    customer_endpoint: Option<StoredEndpoint>,
    system_endpoint: Option<StoredEndpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial_flow: Option<ContactFlowId>,
    attributes: BTreeMap<String, Redacted<String>>,
    #[serde(default, skip_serializing_if = "ContactDetails::is_unset")]
    details: ContactDetails,
    sip_headers: BTreeMap<String, Redacted<String>>,
    initiation_timestamp: WallTime,
    connected_to_system_timestamp: Option<WallTime>,
    disconnect_timestamp: Option<WallTime>,
    disconnect_reason: Option<DisconnectReason>,
    last_update_timestamp: WallTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<QueueStay>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<AgentPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent_connection_attempts: Option<NonZeroU32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transferred_to: Option<StoredEndpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transfer_completed_timestamp: Option<WallTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheduled_timestamp: Option<WallTime>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    monitoring: Vec<MonitorState>,
    captures: Vec<StoredCapture>,
}

#[derive(Serialize, Deserialize)]
struct StoredInstance {
    id: InstanceId,
    alias: String,
    account: AccountId,
    region: Region,
}

#[derive(Serialize, Deserialize)]
struct StoredEndpoint {
    #[serde(rename = "Address")]
    address: Redacted<String>,
    #[serde(rename = "Type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct StoredCapture {
    stream_arn: StreamArn,
    start_timestamp: WallTime,
    stop_timestamp: Option<WallTime>,
    start_fragment_number: FragmentNumber,
    stop_fragment_number: Option<FragmentNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger: Option<CaptureLedger>,
}

impl From<&Contact> for Stored {
    fn from(contact: &Contact) -> Self {
        let endpoint = |endpoint: &Endpoint| StoredEndpoint {
            address: endpoint.address.clone(),
            kind: endpoint.kind.clone(),
        };
        let InstanceRef { id, alias, account, region } = contact.instance.clone();
        let attributes = contact.attributes.iter();
        Self {
            id: contact.id,
            instance: StoredInstance { id, alias, account, region },
            initial_contact_id: contact.initial_contact_id,
            previous_contact_id: contact.previous_contact_id,
            next_contact_id: contact.next_contact_id,
            related_contact_id: contact.related_contact_id,
            initiation_method: contact.initiation_method,
            channel: contact.channel,
            customer_endpoint: contact.customer_endpoint.as_ref().map(endpoint),
            system_endpoint: contact.system_endpoint.as_ref().map(endpoint),
            initial_flow: contact.initial_flow,
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), Redacted::new(value.to_owned())))
                .collect(),
            details: contact.details.clone(),
            sip_headers: contact.sip_headers.clone(),
            initiation_timestamp: contact.initiation_timestamp,
            connected_to_system_timestamp: contact.connected_to_system_timestamp,
            disconnect_timestamp: contact.disconnect_timestamp,
            disconnect_reason: contact.disconnect_reason,
            last_update_timestamp: contact.last_update_timestamp,
            queue: contact.queue.clone(),
            agent: contact.agent.clone(),
            agent_connection_attempts: NonZeroU32::new(contact.agent_connection_attempts),
            transferred_to: contact.transferred_to.as_ref().map(endpoint),
            transfer_completed_timestamp: contact.transfer_completed_timestamp,
            scheduled_timestamp: contact.scheduled_timestamp,
            monitoring: contact.monitoring.clone(),
            captures: contact.captures.iter().map(StoredCapture::from).collect(),
        }
    }
}

impl From<&CustomerAudio> for StoredCapture {
    fn from(audio: &CustomerAudio) -> Self {
        Self {
            stream_arn: audio.stream_arn.clone(),
            start_timestamp: audio.start_timestamp,
            stop_timestamp: audio.stop_timestamp,
            start_fragment_number: audio.start_fragment_number,
            stop_fragment_number: audio.stop_fragment_number,
            ledger: audio.ledger.clone(),
        }
    }
}

impl From<Stored> for Contact {
    fn from(stored: Stored) -> Self {
        let endpoint = |StoredEndpoint { address, kind }| Endpoint { address, kind };
        let StoredInstance { id, alias, account, region } = stored.instance;
        let capture = |capture: StoredCapture| CustomerAudio {
            stream_arn: capture.stream_arn,
            start_timestamp: capture.start_timestamp,
            stop_timestamp: capture.stop_timestamp,
            start_fragment_number: capture.start_fragment_number,
            stop_fragment_number: capture.stop_fragment_number,
            ledger: capture.ledger,
        };
        let attributes = stored.attributes.into_iter();
        Self {
            id: stored.id,
            instance: InstanceRef { id, alias, account, region },
            initial_contact_id: stored.initial_contact_id,
            previous_contact_id: stored.previous_contact_id,
            next_contact_id: stored.next_contact_id,
            related_contact_id: stored.related_contact_id,
            initiation_method: stored.initiation_method,
            channel: stored.channel,
            customer_endpoint: stored.customer_endpoint.map(endpoint),
            system_endpoint: stored.system_endpoint.map(endpoint),
            initial_flow: stored.initial_flow,
            attributes: attributes
                .map(|(name, value)| (name, value.expose().clone()))
                .collect::<Attributes>(),
            details: stored.details,
            sip_headers: stored.sip_headers,
            initiation_timestamp: stored.initiation_timestamp,
            connected_to_system_timestamp: stored.connected_to_system_timestamp,
            disconnect_timestamp: stored.disconnect_timestamp,
            disconnect_reason: stored.disconnect_reason,
            last_update_timestamp: stored.last_update_timestamp,
            queue: stored.queue,
            agent: stored.agent,
            agent_connection_attempts: stored.agent_connection_attempts.map_or(0, NonZeroU32::get),
            transferred_to: stored.transferred_to.map(endpoint),
            transfer_completed_timestamp: stored.transfer_completed_timestamp,
            scheduled_timestamp: stored.scheduled_timestamp,
            monitoring: stored.monitoring,
            captures: stored.captures.into_iter().map(capture).collect(),
        }
    }
}

impl ContactPayload for ContactRow {
    const FORMAT: u16 = 3;

    fn facts(&self) -> ContactFacts {
        let Self(contact) = self;
        let attributes = contact.attributes.iter();
        ContactFacts {
            id: contact.id,
            account: contact.instance.account.clone(),
            instance: contact.instance.id,
            initiated: contact.initiation_timestamp,
            connected: contact.connected_to_system_timestamp,
            disconnected: contact.disconnect_timestamp,
            number: contact.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone()),
            flow: contact.initial_flow,
            queue: contact.queue.as_ref().map(|stay| id_of(&stay.queue.arn)),
            agent: contact.agent.as_ref().map(|part| part.agent.id.to_string()),
            has_stream: !contact.captures.is_empty(),
            has_losses: contact.has_losses(),
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), Redacted::new(value.to_owned())))
                .collect(),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        serde_json::to_vec(&Stored::from(&self.0)).map_err(|error| RowError(error.to_string()))
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| RowError(error.to_string()))?;
        Ok(Self(stored.into()))
    }
}

/// The id that an ARN ends with: by that queues are searched.
fn id_of(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::ended;
    use super::*;

    /// As release 0.1.0 wrote it.
    const FORMAT_1: &str = r#"{"id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","instance":{"id":"11111111-2222-4333-8444-555555555555","alias":"demo","account":"111122223333","region":"us-west-2"},"initial_contact_id":null,"previous_contact_id":null,"initiation_method":"INBOUND","channel":"VOICE","customer_endpoint":{"Address":"+15555550123","Type":"TELEPHONE_NUMBER"},"system_endpoint":null,"attributes":{"k":"v"},"sip_headers":{},"initiation_timestamp":1706238461123,"connected_to_system_timestamp":1706238461200,"disconnect_timestamp":1706238470000,"disconnect_reason":"CUSTOMER_DISCONNECT","last_update_timestamp":1706238470000,"captures":[{"stream_arn":"arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1700000000000","start_timestamp":1706238461300,"stop_timestamp":1706238470000,"start_fragment_number":"91343852333181432392682062607743920146159169392","stop_fragment_number":"91343852333181432392682062607743920146159169393"}]}"#;

    #[test]
    fn format_1_is_the_json_of_0_1_0_and_written_again_it_is_the_same_bytes() {
        let row = ContactRow::decode(1, FORMAT_1.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(row.encode().unwrap()).unwrap(), FORMAT_1);
        let facts = row.facts();
        assert_eq!(facts.number.unwrap().expose(), "+15555550123");
        assert!(facts.has_stream && facts.flow.is_none());
        assert_eq!(facts.attributes.len(), 1);
    }

    #[test]
    fn whatever_a_contact_has_is_read_back() {
        let mut contact = ended(7);
        contact.initial_flow = Some(ContactFlowId::from_random([3; 16]));
        let row = ContactRow(contact);
        assert_eq!(ContactRow::decode(ContactRow::FORMAT, &row.encode().unwrap()), Ok(row.clone()));
        assert_eq!(row.facts().flow, row.0.initial_flow);
    }

    /// As format 3 was first written.
    const FORMAT_3: &str = r#"{"id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","instance":{"id":"11111111-2222-4333-8444-555555555555","alias":"demo","account":"111122223333","region":"us-west-2"},"initial_contact_id":null,"previous_contact_id":null,"next_contact_id":"bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee","related_contact_id":"cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee","initiation_method":"QUEUE_TRANSFER","channel":"VOICE","customer_endpoint":null,"system_endpoint":null,"attributes":{},"sip_headers":{},"initiation_timestamp":1706238461123,"connected_to_system_timestamp":1706238461200,"disconnect_timestamp":1706238470000,"disconnect_reason":"AGENT_DISCONNECT","last_update_timestamp":1706238470000,"queue":{"queue":{"arn":"arn:aws:connect:us-west-2:111122223333:instance/11111111-2222-4333-8444-555555555555/queue/22222222-2222-4333-8444-555555555555","name":"Service","is_agents":false},"enqueued":1706238462000,"dequeued":1706238463000},"agent":{"agent":{"id":"33333333-2222-4333-8444-555555555555","arn":"arn:a","user_name":"agent1","first_name":"Ada","last_name":"Lovelace","routing_profile_arn":"arn:p","routing_profile_name":"Basic Routing Profile"},"accepted":1706238462500,"connected":1706238463000,"left":1706238469000,"holds":[{"from":1706238464000,"to":1706238465000}],"after_contact_work_began":1706238470000,"after_contact_work_ended":1706238475000},"agent_connection_attempts":2,"transferred_to":{"Address":"+12065550199","Type":"TELEPHONE_NUMBER"},"transfer_completed_timestamp":1706238469000,"scheduled_timestamp":1706238460000,"monitoring":[{"state":"SILENT_MONITOR","from":1706238466000,"to":null}],"captures":[]}"#;

    #[test]
    fn format_3_has_what_comes_of_queues_and_agents_and_is_searched_by_their_ids() {
        let row = ContactRow::decode(3, FORMAT_3.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(row.encode().unwrap()).unwrap(), FORMAT_3);
        let facts = row.facts();
        assert_eq!(facts.queue.as_deref(), Some("22222222-2222-4333-8444-555555555555"));
        assert_eq!(facts.agent.as_deref(), Some("33333333-2222-4333-8444-555555555555"));
        assert_eq!((row.0.agent_connection_attempts, row.0.monitoring.len()), (2, 1));
    }
}
