//! The `detail` of a media streaming event: of our own, in the manner of contact events.

use super::EventType;
use serde_json::{Value, json};
use tympan_contact::{Contact, CustomerAudio};

pub(super) fn of(contact: &Contact, event_type: EventType, audio: &CustomerAudio) -> Value {
    let mut streaming = json!({
        "streamArn": audio.stream_arn,
        "participantType": "CUSTOMER",
        "fragmentStartNumber": audio.start_fragment_number,
        "startTimestamp": audio.start_timestamp.rfc3339_ms(),
    });
    if event_type == EventType::MediaStreamingStopped {
        if let Some(number) = audio.stop_fragment_number {
            streaming["fragmentStopNumber"] = json!(number);
        }
        if let Some(at) = audio.stop_timestamp {
            streaming["stopTimestamp"] = at.rfc3339_ms().into();
        }
    }
    json!({
        "eventType": event_type.word(),
        "contactId": contact.id,
        "channel": contact.channel.to_string(),
        "instanceArn": contact.instance.arn(),
        "initiationMethod": contact.initiation_method.word(),
        "mediaStreaming": streaming,
    })
}
