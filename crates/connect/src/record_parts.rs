//! The parts of a contact record that a queue and an agent have in it.
//!
//! Source: Administrator Guide, "Contact records data model": Agent, QueueInfo, AgentHierarchyGroups, StateTransitions.

use crate::record::iso_seconds;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tympan_contact::{AgentPart, Contact, Hold, InitiationMethod, MonitorState, QueueStay};
use tympan_types::WallTime;

/// `Agent`: the agent whom the contact met. Durations are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "the fields are the keys of the record, documented by AWS under the same names"
)]
pub struct Agent {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub after_contact_work_duration: Option<u64>,
    #[serde(with = "iso_seconds::option")]
    pub after_contact_work_end_timestamp: Option<WallTime>,
    #[serde(with = "iso_seconds::option")]
    pub after_contact_work_start_timestamp: Option<WallTime>,
    pub agent_interaction_duration: u64,
    #[serde(with = "iso_seconds::option")]
    pub connected_to_agent_timestamp: Option<WallTime>,
    pub customer_hold_duration: u64,
    pub hierarchy_groups: Value,
    pub longest_hold_duration: u64,
    pub number_of_holds: u64,
    pub routing_profile: RoutingProfile,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state_transitions: Vec<StateTransition>,
    pub username: String,
}

/// The routing profile that the agent had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the keys of the record")]
pub struct RoutingProfile {
    #[serde(rename = "ARN")]
    pub arn: String,
    #[serde(rename = "Name")]
    pub name: String,
}

/// What a supervisor could do, and when: of MONITOR contacts alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the keys of the record")]
pub struct StateTransition {
    pub state: String,
    #[serde(with = "iso_seconds::option")]
    pub state_end_timestamp: Option<WallTime>,
    #[serde(with = "iso_seconds")]
    pub state_start_timestamp: WallTime,
}

/// `Queue`: the last queue that the contact waited in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "the fields are the keys of the record, documented by AWS under the same names"
)]
pub struct Queue {
    #[serde(rename = "ARN")]
    pub arn: String,
    #[serde(with = "iso_seconds::option")]
    pub dequeue_timestamp: Option<WallTime>,
    pub duration: u64,
    #[serde(with = "iso_seconds")]
    pub enqueue_timestamp: WallTime,
    pub name: Option<String>,
}

impl Agent {
    /// The agent of a contact; `None` where no agent and customer ever heard each other.
    pub fn of(contact: &Contact) -> Option<Self> {
        let part = contact.agent.as_ref()?;
        let connected = part.connected?;
        let times = AgentTimes::of(contact)?;
        Some(Self {
            arn: part.agent.arn.clone(),
            after_contact_work_duration: times.after_contact_work_ms.map(seconds),
            after_contact_work_end_timestamp: part.after_contact_work_ended,
            after_contact_work_start_timestamp: part.after_contact_work_began,
            agent_interaction_duration: seconds(times.interaction_ms),
            connected_to_agent_timestamp: Some(connected),
            customer_hold_duration: seconds(times.hold_ms),
            hierarchy_groups: Value::Null,
            longest_hold_duration: seconds(times.longest_hold_ms),
            number_of_holds: times.holds,
            routing_profile: RoutingProfile {
                arn: part.agent.routing_profile_arn.clone(),
                name: part.agent.routing_profile_name.clone(),
            },
            state_transitions: contact.monitoring.iter().map(StateTransition::of).collect(),
            username: part.agent.user_name.clone(),
        })
    }
}

impl StateTransition {
    fn of(state: &MonitorState) -> Self {
        Self { state: state.state.clone(), state_end_timestamp: state.to, state_start_timestamp: state.from }
    }
}

impl Queue {
    /// The queue of a contact.
    pub fn of(contact: &Contact) -> Option<Self> {
        let stay = contact.queue.as_ref()?;
        let name = Some(stay.queue.name.clone()).filter(|name| !name.is_empty());
        Some(Self {
            arn: stay.queue.arn.clone(),
            dequeue_timestamp: stay.dequeued,
            duration: seconds(queued_ms(contact, stay)),
            enqueue_timestamp: stay.enqueued,
            name,
        })
    }
}

/// How long a contact was in its queue, up to its last change while it is there. A callback counts from its creation: its delay
/// is time that the customer waited.
pub(crate) fn queued_ms(contact: &Contact, stay: &QueueStay) -> u64 {
    let from = match contact.initiation_method {
        InitiationMethod::Callback => contact.initiation_timestamp,
        _ => stay.enqueued,
    };
    let to = stay.dequeued.or(contact.disconnect_timestamp).unwrap_or(contact.last_update_timestamp);
    between_ms(from, to)
}

/// How an agent's time on a contact divides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AgentTimes {
    /// Agent and customer heard each other: without the time on hold.
    pub(crate) interaction_ms: u64,
    pub(crate) hold_ms: u64,
    pub(crate) longest_hold_ms: u64,
    pub(crate) holds: u64,
    /// `None` until it is over.
    pub(crate) after_contact_work_ms: Option<u64>,
}

impl AgentTimes {
    /// Up to the last change where something still lasts; `None` where they never heard each other.
    pub(crate) fn of(contact: &Contact) -> Option<Self> {
        let part: &AgentPart = contact.agent.as_ref()?;
        let connected = part.connected?;
        let end = part.left.or(contact.disconnect_timestamp).unwrap_or(contact.last_update_timestamp);
        let held = |hold: &Hold| between_ms(hold.from, hold.to.unwrap_or(end));
        let hold_ms = part.holds.iter().map(held).fold(0, u64::saturating_add);
        let after = part.after_contact_work_began.zip(part.after_contact_work_ended);
        Some(Self {
            interaction_ms: between_ms(connected, end).saturating_sub(hold_ms),
            hold_ms,
            longest_hold_ms: part.holds.iter().map(held).max().unwrap_or(0),
            holds: u64::try_from(part.holds.len()).unwrap_or(u64::MAX),
            after_contact_work_ms: after.map(|(from, to)| between_ms(from, to)),
        })
    }
}

pub(crate) fn between_ms(from: WallTime, to: WallTime) -> u64 {
    u64::try_from(to.ms_since(from)).unwrap_or(0)
}

pub(crate) const fn seconds(ms: u64) -> u64 {
    ms / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::met_an_agent;

    #[test]
    fn interaction_leaves_holds_out_and_every_duration_is_in_whole_seconds() {
        let agent = Agent::of(&met_an_agent()).unwrap();
        // Connected for 30.4 s, on hold for 4.6 s and 2.1 s.
        assert_eq!((agent.agent_interaction_duration, agent.customer_hold_duration), (23, 6));
        assert_eq!((agent.number_of_holds, agent.longest_hold_duration), (2, 4));
        assert_eq!(agent.after_contact_work_duration, Some(12));
    }

    #[test]
    fn an_agent_who_never_spoke_with_the_customer_is_not_in_the_record() {
        let mut contact = met_an_agent();
        contact.agent.as_mut().unwrap().connected = None;
        assert_eq!(Agent::of(&contact), None);
        assert!(Queue::of(&contact).is_some(), "it was abandoned in its queue");
    }

    #[test]
    fn the_delay_of_a_callback_is_part_of_its_time_in_the_queue() {
        let mut contact = met_an_agent();
        contact.initiation_method = InitiationMethod::Callback;
        let at = contact.initiation_timestamp;
        let stay = contact.queue.as_mut().unwrap();
        (stay.enqueued, stay.dequeued) = (at.plus_ms(99_000), Some(at.plus_ms(120_000)));
        assert_eq!(Queue::of(&contact).unwrap().duration, 120);
        contact.initiation_method = InitiationMethod::Inbound;
        assert_eq!(Queue::of(&contact).unwrap().duration, 21);
    }
}
