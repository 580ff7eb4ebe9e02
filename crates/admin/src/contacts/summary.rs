//! A contact in short, for events: what a list of live calls shows. No attributes: DescribeContact has them.

use serde_json::{Value, json};
use tympan_contact::{Contact, Endpoint};
use tympan_types::WallTime;

/// The summary of a contact.
pub(crate) fn summary(contact: &Contact) -> Value {
    let time = |at: Option<WallTime>| at.map(WallTime::rfc3339_ms);
    let address = |endpoint: &Option<Endpoint>| endpoint.as_ref().map(|end| end.address.expose().clone());
    let queue = contact.queue.as_ref().map(|stay| {
        json!({
            "Name": stay.queue.name,
            "ARN": stay.queue.arn,
            "EnqueueTimestamp": stay.enqueued.rfc3339_ms(),
            "DequeueTimestamp": time(stay.dequeued),
        })
    });
    let agent = contact.agent.as_ref().map(|part| {
        json!({
            "Username": part.agent.user_name,
            "ARN": part.agent.arn,
            "ConnectedToAgentTimestamp": time(part.connected),
            "IsOnHold": part.holds.last().is_some_and(|hold| hold.to.is_none()),
            "NumberOfHolds": part.holds.len(),
            "AfterContactWorkStartTimestamp": time(part.after_contact_work_began),
            "AfterContactWorkEndTimestamp": time(part.after_contact_work_ended),
        })
    });
    let monitoring = contact
        .monitoring
        .iter()
        .map(|state| json!({ "State": state.state, "From": state.from.rfc3339_ms(), "To": time(state.to) }));
    let captures = contact.captures.iter().map(|audio| {
        json!({
            "StreamARN": audio.stream_arn,
            "StartFragmentNumber": audio.start_fragment_number,
            "StopFragmentNumber": audio.stop_fragment_number,
        })
    });
    json!({
        "ContactId": contact.id,
        "InstanceId": contact.instance.id,
        "State": if contact.disconnect_timestamp.is_some() { "ENDED" } else { "LIVE" },
        "InitiationTimestamp": contact.initiation_timestamp.rfc3339_ms(),
        "ConnectedToSystemTimestamp": time(contact.connected_to_system_timestamp),
        "DisconnectTimestamp": time(contact.disconnect_timestamp),
        "DisconnectReason": contact.disconnect_reason,
        "CustomerNumber": address(&contact.customer_endpoint),
        "SystemNumber": address(&contact.system_endpoint),
        "ContactFlowId": contact.initial_flow,
        "InitiationMethod": contact.initiation_method,
        "InitialContactId": contact.initial_contact_id,
        "PreviousContactId": contact.previous_contact_id,
        "NextContactId": contact.next_contact_id,
        "Queue": queue,
        "Agent": agent,
        "Monitoring": monitoring.collect::<Vec<_>>(),
        "Captures": captures.collect::<Vec<_>>(),
    })
}
