//! Contact events: what changed between two states of a contact that were written, in the JSON of an EventBridge event.
//!
//! A call tells of nothing by itself. Whatever wrote the second state over the first one gets the same events, also where several
//! states were skipped between them: each event that they stand for comes once, in the order of a contact's life.
//!
//! The service has no event for media streaming. Ours have a detail-type of their own ([`MEDIA_STREAMING`]).
//!
//! Source: Administrator Guide, "Amazon Connect contact events data model".

mod contact_detail;
mod filter;
mod media_detail;

pub use filter::EventFilter;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tympan_contact::record::is_complete;
use tympan_contact::{Contact, InitiationMethod};
use tympan_types::{ContactId, InstanceId, WallTime};

/// The detail-type of contact events.
pub const CONTACT_EVENT: &str = "Amazon Connect Contact Event";
/// The detail-type of events about the capture of a customer's audio.
pub const MEDIA_STREAMING: &str = "tympan Media Streaming Event";

/// Something that happened to a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactEvent {
    /// What.
    pub event_type: EventType,
    /// To which contact.
    pub contact: ContactId,
    /// Of which instance.
    pub instance: InstanceId,
    /// When.
    pub at: WallTime,
    /// The whole event.
    pub json: Value,
}

/// What happened: the `eventType` of the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// It began.
    Initiated,
    /// The called side has answered: of calls that the system places. Not of those that come in.
    ConnectedToSystem,
    /// It waits in a queue.
    Queued,
    /// Agent and customer hear each other.
    ConnectedToAgent,
    /// What is set about it has changed.
    ContactDataUpdated,
    /// Its call is over, or was never up.
    Disconnected,
    /// So is the agent's work after it.
    Completed,
    /// A capture of the customer's audio has begun.
    MediaStreamingStarted,
    /// It has ended.
    MediaStreamingStopped,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Initiated,
        Self::ConnectedToSystem,
        Self::Queued,
        Self::ConnectedToAgent,
        Self::ContactDataUpdated,
        Self::Disconnected,
        Self::Completed,
        Self::MediaStreamingStarted,
        Self::MediaStreamingStopped,
    ];

    /// Its word: `CONNECTED_TO_AGENT`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Initiated => "INITIATED",
            Self::ConnectedToSystem => "CONNECTED_TO_SYSTEM",
            Self::Queued => "QUEUED",
            Self::ConnectedToAgent => "CONNECTED_TO_AGENT",
            Self::ContactDataUpdated => "CONTACT_DATA_UPDATED",
            Self::Disconnected => "DISCONNECTED",
            Self::Completed => "COMPLETED",
            Self::MediaStreamingStarted => "MEDIA_STREAMING_STARTED",
            Self::MediaStreamingStopped => "MEDIA_STREAMING_STOPPED",
        }
    }

    /// The event of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// The events that lie between two states of one contact, oldest first; `before` is `None` for a contact that was never written.
pub fn between(before: Option<&Contact>, after: &Contact) -> Vec<ContactEvent> {
    let mut events = Vec::new();
    let mut add = |event_type, at, detail| events.push(event(after, event_type, at, detail));
    let happened =
        |at: &dyn Fn(&Contact) -> Option<WallTime>| at(after).filter(|_| before.and_then(at).is_none());
    let detail = |event_type| contact_detail::of(after, event_type, &[]);
    if before.is_none() {
        let event_type = EventType::Initiated;
        add(event_type, after.initiation_timestamp, detail(event_type));
    }
    if let Some(at) = happened(&|contact| contact.connected_to_system_timestamp).filter(|_| is_placed(after))
    {
        add(EventType::ConnectedToSystem, at, detail(EventType::ConnectedToSystem));
    }
    for (captures_before, audio) in after.captures.iter().enumerate() {
        if before.is_none_or(|before| before.captures.len() <= captures_before) {
            let event_type = EventType::MediaStreamingStarted;
            add(event_type, audio.start_timestamp, media_detail::of(after, event_type, audio));
        }
    }
    // A contact that went from one queue to another is queued again.
    let enqueued =
        |contact: &Contact| contact.queue.as_ref().map(|stay| (stay.queue.arn.clone(), stay.enqueued));
    let is_outbound = after.initiation_method == InitiationMethod::Outbound;
    if let Some((_, at)) = enqueued(after)
        && enqueued(after) != before.and_then(enqueued)
        && !is_outbound
    {
        add(EventType::Queued, at, detail(EventType::Queued));
    }
    if let Some(at) = happened(&|contact| contact.agent.as_ref()?.connected) {
        add(EventType::ConnectedToAgent, at, detail(EventType::ConnectedToAgent));
    }
    if let Some(before) = before {
        let updated = updated_properties(before, after);
        if !updated.is_empty() {
            let event_type = EventType::ContactDataUpdated;
            let detail = contact_detail::of(after, event_type, &updated);
            add(event_type, after.last_update_timestamp, detail);
        }
    }
    for (index, audio) in after.captures.iter().enumerate() {
        let stopped_before = before.and_then(|before| before.captures.get(index)?.stop_timestamp).is_some();
        if let Some(at) = audio.stop_timestamp.filter(|_| !stopped_before) {
            let event_type = EventType::MediaStreamingStopped;
            add(event_type, at, media_detail::of(after, event_type, audio));
        }
    }
    if let Some(at) = happened(&|contact| contact.disconnect_timestamp) {
        add(EventType::Disconnected, at, detail(EventType::Disconnected));
    }
    if is_complete(after) && !before.is_some_and(is_complete) {
        let worked = after.agent.as_ref().and_then(|agent| agent.after_contact_work_ended);
        let at = worked.or(after.disconnect_timestamp).unwrap_or(after.last_update_timestamp);
        add(EventType::Completed, at, detail(EventType::Completed));
    }
    events
}

/// Whether the system placed the call: documented of calls, callbacks and what the API begins, not of those that come in.
fn is_placed(contact: &Contact) -> bool {
    matches!(
        contact.initiation_method,
        InitiationMethod::Outbound
            | InitiationMethod::Callback
            | InitiationMethod::Api
            | InitiationMethod::ExternalOutbound
    )
}

/// `updatedProperties`, in the words of the service.
fn updated_properties(before: &Contact, after: &Contact) -> Vec<&'static str> {
    let (was, is) = (&before.details, &after.details);
    let changes = [
        ("ScheduledTimestamp", before.scheduled_timestamp != after.scheduled_timestamp),
        ("UserDefinedAttributes", before.attributes != after.attributes),
        ("Tags", was.tags != is.tags),
        ("RoutingCriteria.Step.Status", was.routing_criteria != is.routing_criteria),
    ];
    changes.into_iter().filter(|(_, has_changed)| *has_changed).map(|(name, _)| name).collect()
}

/// The envelope of EventBridge.
fn event(contact: &Contact, event_type: EventType, at: WallTime, detail: Value) -> ContactEvent {
    let is_media = matches!(event_type, EventType::MediaStreamingStarted | EventType::MediaStreamingStopped);
    let (detail_type, source) =
        if is_media { (MEDIA_STREAMING, "tympan.connect") } else { (CONTACT_EVENT, "aws.connect") };
    let instance = &contact.instance;
    let json = json!({
        "version": "0",
        "id": id_of(contact, event_type, at, &detail),
        "detail-type": detail_type,
        "source": source,
        "account": instance.account,
        "time": at.rfc3339_seconds(),
        "region": instance.region,
        "resources": [instance.arn(), contact_arn(contact)],
        "detail": detail,
    });
    ContactEvent { event_type, contact: contact.id, instance: instance.id, at, json }
}

fn contact_arn(contact: &Contact) -> String {
    format!("{}/contact/{}", contact.instance.arn(), contact.id)
}

/// The same for the same event, however often it is derived: consumers may tell by it what they have seen.
fn id_of(contact: &Contact, event_type: EventType, at: WallTime, detail: &Value) -> String {
    let text = format!("{} {} {} {detail}", contact.id, event_type.word(), at.unix_ms());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    ContactId::from_random(bytes).to_string()
}

#[cfg(test)]
mod tests;
