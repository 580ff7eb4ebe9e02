use crate::{
    AgentPart, Attributes, AttributesTooLarge, ContactDetails, CustomerAudio, MonitorState, QueueStay,
};
use std::collections::BTreeMap;
use std::fmt;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_types::{AccountId, ContactFlowId, ContactId, InstanceId, Redacted, Region, WallTime};

/// One contact: a call from its arrival to its end.
///
/// It is journalled (as JSON) while the call lives and frozen into a contact record
/// when it ends.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contact {
    /// The contact.
    pub id: ContactId,
    /// The instance that took the call.
    pub instance: InstanceRef,
    /// The first contact of a chain of transfers; absent for a first contact.
    pub initial_contact_id: Option<ContactId>,
    /// The contact that this one was transferred from; absent for a first contact.
    pub previous_contact_id: Option<ContactId>,
    /// The contact that this one was transferred to; absent for a last contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_contact_id: Option<ContactId>,
    /// A contact that this one belongs to without being its transfer: what StartOutboundVoiceContact names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_contact_id: Option<ContactId>,
    /// How the contact began.
    pub initiation_method: InitiationMethod,
    /// Always voice here.
    pub channel: Channel,
    /// The customer's number; absent when withheld.
    pub customer_endpoint: Option<Endpoint>,
    /// The number that the customer called.
    pub system_endpoint: Option<Endpoint>,
    /// The flow that the contact began in; absent in what earlier versions kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_flow: Option<ContactFlowId>,
    /// What flows, functions and the API have set.
    pub attributes: Attributes,
    /// What flows have set beside attributes.
    #[serde(default, skip_serializing_if = "ContactDetails::is_unset")]
    pub details: ContactDetails,
    /// Headers of the call's INVITE that flows may read, by their name as received.
    pub sip_headers: BTreeMap<String, Redacted<String>>,
    /// When the call arrived.
    pub initiation_timestamp: WallTime,
    /// When the call was answered.
    pub connected_to_system_timestamp: Option<WallTime>,
    /// When the call ended.
    pub disconnect_timestamp: Option<WallTime>,
    /// Why the call ended.
    pub disconnect_reason: Option<DisconnectReason>,
    /// When anything here last changed.
    pub last_update_timestamp: WallTime,
    /// The queue that it waited in, the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueStay>,
    /// The agent whom it met, or whom it is being joined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentPart>,
    /// How many times an agent's telephone was rung for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub agent_connection_attempts: u32,
    /// Where it was transferred to, outside of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_to: Option<Endpoint>,
    /// When the agent who transferred it without a consultation left, or the third party answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_completed_timestamp: Option<WallTime>,
    /// When a callback is due at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_timestamp: Option<WallTime>,
    /// Of a supervisor's contact: what the supervisor could do, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitorState>,
    /// Every capture of the customer's audio, oldest first; the last one is what flows see.
    pub captures: Vec<CustomerAudio>,
}

/// What is known of a contact when its call arrives.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// The new contact.
    pub id: ContactId,
    /// The instance that the called number belongs to.
    pub instance: InstanceRef,
    /// How the contact begins.
    pub initiation_method: InitiationMethod,
    /// The customer's number; `None` when withheld.
    pub customer_number: Option<Redacted<String>>,
    /// The number called.
    pub system_number: Option<Redacted<String>>,
    /// Headers of the INVITE that flows may read.
    pub sip_headers: BTreeMap<String, Redacted<String>>,
}

impl NewContact {
    /// A number as it was given; `None` where it is withheld: RFC 3323 callers do so as "anonymous".
    pub fn given(number: &Redacted<String>) -> Option<Redacted<String>> {
        let text = number.expose();
        (!text.is_empty() && !text.eq_ignore_ascii_case("anonymous")).then(|| number.clone())
    }
}

impl Contact {
    /// Whether audio was sent that its captures do not hold. A capture has its ledger when it has ended.
    pub fn has_losses(&self) -> bool {
        self.captures.iter().filter_map(|audio| audio.ledger.as_ref()).any(CaptureLedger::has_losses)
    }

    /// Opens a contact for a call that has just arrived.
    pub fn new(now: WallTime, new: NewContact) -> Self {
        Self {
            id: new.id,
            instance: new.instance,
            initial_contact_id: None,
            previous_contact_id: None,
            next_contact_id: None,
            related_contact_id: None,
            initiation_method: new.initiation_method,
            channel: Channel::Voice,
            customer_endpoint: new.customer_number.map(Endpoint::telephone),
            system_endpoint: new.system_number.map(Endpoint::telephone),
            initial_flow: None,
            attributes: Attributes::default(),
            details: ContactDetails::default(),
            sip_headers: new.sip_headers,
            initiation_timestamp: now,
            connected_to_system_timestamp: None,
            disconnect_timestamp: None,
            disconnect_reason: None,
            last_update_timestamp: now,
            queue: None,
            agent: None,
            agent_connection_attempts: 0,
            transferred_to: None,
            transfer_completed_timestamp: None,
            scheduled_timestamp: None,
            monitoring: Vec::new(),
            captures: Vec::new(),
        }
    }

    /// Dates a change. Consumers know a later version of a record by the time of its last update: no two versions have the same, and
    /// none goes back.
    pub fn date_later(&mut self, now: WallTime) {
        self.last_update_timestamp = now.max(self.last_update_timestamp.plus_ms(1));
    }

    /// Sets all of these attributes, or none, after the call.
    pub fn set_late_attributes(
        &mut self,
        now: WallTime,
        changes: BTreeMap<String, String>,
    ) -> Result<(), AttributesTooLarge> {
        self.attributes.set(changes)?;
        self.date_later(now);
        Ok(())
    }

    /// The work after the contact is over. False, and nothing is changed, where no agent had it, or it was over before.
    pub fn end_after_contact_work(&mut self, began: WallTime, ended: WallTime) -> bool {
        let Some(agent) = self.agent.as_mut().filter(|agent| agent.after_contact_work_ended.is_none()) else {
            return false;
        };
        agent.after_contact_work_began.get_or_insert(began);
        agent.after_contact_work_ended = Some(ended);
        self.date_later(ended);
        true
    }

    /// Changes what is set beside attributes, all or none, after the call; as [`Self::set_late_attributes`].
    ///
    /// # Errors
    /// Too much in all.
    pub fn change_late(&mut self, now: WallTime, change: tympan_flow::ContactChange) -> Result<(), String> {
        self.details.change(change)?;
        self.date_later(now);
        Ok(())
    }

    /// The capture that `$.MediaStreams.Customer.Audio` speaks of: the running one, else the last one.
    pub fn customer_audio(&self) -> Option<&CustomerAudio> {
        self.captures.last()
    }
}

/// The parts of an instance that its contacts carry with them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct InstanceRef {
    /// The instance.
    pub id: InstanceId,
    /// Its alias, part of the names of its streams.
    pub alias: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
}

impl InstanceRef {
    /// `arn:aws:connect:REGION:ACCOUNT:instance/ID`.
    pub fn arn(&self) -> String {
        format!("arn:aws:connect:{}:{}:instance/{}", self.region, self.account, self.id)
    }
}

/// One end of a call. Shape on the wire: `{"Address":"+18005550100","Type":"TELEPHONE_NUMBER"}`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Endpoint {
    /// The number in E.164, or whatever the caller's side gave.
    pub address: Redacted<String>,
    /// `TELEPHONE_NUMBER`.
    #[serde(rename = "Type")]
    pub kind: String,
}

impl Endpoint {
    /// A telephone number.
    pub fn telephone(address: Redacted<String>) -> Self {
        Self { address, kind: "TELEPHONE_NUMBER".to_owned() }
    }
}

/// The channel of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Channel {
    /// A telephone call.
    #[serde(rename = "VOICE")]
    Voice,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VOICE")
    }
}

/// How a contact began.
///
/// Source: Administrator Guide, "Contact records data model", InitiationMethod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InitiationMethod {
    /// The API called the customer.
    Api,
    /// The customer is called back.
    Callback,
    /// A flow runs for a customer whom the agent has left.
    Disconnect,
    /// An agent or a flow called a third party.
    ExternalOutbound,
    /// The customer called.
    Inbound,
    /// A supervisor listens.
    Monitor,
    /// An agent called the customer.
    Outbound,
    /// Came from one queue into another.
    QueueTransfer,
    /// Came from another contact.
    Transfer,
}

impl InitiationMethod {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Api,
        Self::Callback,
        Self::Disconnect,
        Self::ExternalOutbound,
        Self::Inbound,
        Self::Monitor,
        Self::Outbound,
        Self::QueueTransfer,
        Self::Transfer,
    ];

    /// The word of the API: `QUEUE_TRANSFER`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Callback => "CALLBACK",
            Self::Disconnect => "DISCONNECT",
            Self::ExternalOutbound => "EXTERNAL_OUTBOUND",
            Self::Inbound => "INBOUND",
            Self::Monitor => "MONITOR",
            Self::Outbound => "OUTBOUND",
            Self::QueueTransfer => "QUEUE_TRANSFER",
            Self::Transfer => "TRANSFER",
        }
    }
}

impl fmt::Display for InitiationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a voice contact ended.
///
/// Source: Administrator Guide, "Contact records data model", DisconnectReason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisconnectReason {
    /// The agent ended a contact that was connected.
    AgentDisconnect,
    /// A supervisor took the agent out.
    Barged,
    /// A block of the flow ended the call, or the flow ran out.
    ContactFlowDisconnect,
    /// The customer hung up.
    CustomerDisconnect,
    /// Anything else: the StopContact operation, a server that stopped or crashed.
    Other,
    /// The called side was busy: 486, 600.
    TelecomBusy,
    /// There is no such number: 404, 484, 604.
    TelecomNumberInvalid,
    /// The caller gave up before the call was up.
    TelecomOriginatorCancel,
    /// The called side will not take the call: 603, 607, 608.
    TelecomPotentialBlocking,
    /// The carrier or the network failed.
    TelecomProblem,
    /// No answer to the request: 408.
    TelecomTimeout,
    /// The called side did not answer: 480.
    TelecomUnanswered,
    /// The third party ended the call after the agent had left.
    ThirdPartyDisconnect,
}

impl DisconnectReason {
    /// The word of the API: `CUSTOMER_DISCONNECT`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AgentDisconnect => "AGENT_DISCONNECT",
            Self::Barged => "BARGED",
            Self::ContactFlowDisconnect => "CONTACT_FLOW_DISCONNECT",
            Self::CustomerDisconnect => "CUSTOMER_DISCONNECT",
            Self::Other => "OTHER",
            Self::TelecomBusy => "TELECOM_BUSY",
            Self::TelecomNumberInvalid => "TELECOM_NUMBER_INVALID",
            Self::TelecomOriginatorCancel => "TELECOM_ORIGINATOR_CANCEL",
            Self::TelecomPotentialBlocking => "TELECOM_POTENTIAL_BLOCKING",
            Self::TelecomProblem => "TELECOM_PROBLEM",
            Self::TelecomTimeout => "TELECOM_TIMEOUT",
            Self::TelecomUnanswered => "TELECOM_UNANSWERED",
            Self::ThirdPartyDisconnect => "THIRD_PARTY_DISCONNECT",
        }
    }

    /// Why a call that we placed was not answered: what its final response says.
    pub const fn of_refusal(status: u16) -> Self {
        match status {
            404 | 484 | 604 => Self::TelecomNumberInvalid,
            408 => Self::TelecomTimeout,
            480 => Self::TelecomUnanswered,
            486 | 600 => Self::TelecomBusy,
            487 => Self::TelecomOriginatorCancel,
            603 | 607 | 608 => Self::TelecomPotentialBlocking,
            _ => Self::TelecomProblem,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::contact;

    #[test]
    fn a_journalled_contact_reads_back_equal() {
        let contact = contact();
        let text = serde_json::to_string(&contact).unwrap();
        assert_eq!(serde_json::from_str::<Contact>(&text).unwrap(), contact);
    }

    #[test]
    fn a_withheld_number_is_none() {
        for (number, is_given) in [("+15555550123", true), ("", false), ("Anonymous", false), ("anon", true)]
        {
            assert_eq!(NewContact::given(&Redacted::new(number.to_owned())).is_some(), is_given, "{number}");
        }
    }

    #[test]
    fn numbers_are_not_printed() {
        let text = format!("{:?}", contact());
        assert!(!text.contains("5555550123") && !text.contains("8005550100"), "{text}");
    }
}
