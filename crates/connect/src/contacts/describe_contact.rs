//! DescribeContact: GET /contacts/{InstanceId}/{ContactId}.

use crate::error::ConnectError;
use crate::instances::Instance;
use crate::record::tags;
use crate::record_parts::{AgentTimes, seconds};
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context};
use crate::timestamp::epoch_seconds;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tympan_aws::{Operation, Output};
use tympan_contact::{AgentPart, Contact, CustomerAudio, Endpoint, QueueStay};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_id: String,
}

/// Describes a contact, live or ended. `Recordings` holds its captures, oldest first; one that runs has no stop members.
///
/// Errors: ResourceNotFound.
pub(crate) struct DescribeContact;

impl Operation for DescribeContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "DescribeContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, &input.instance_id, &input.contact_id, None)
    }

    async fn call(cx: &Context<'_>, _: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        let (instance, contact) = target.known()?;
        let next = next_contacts(cx, &contact)?;
        Ok(Output::json(&json!({ "Contact": description(&instance, &contact, next) })))
    }
}

/// `NextContacts`: where an agent transferred the contact to. Its kind is not kept.
fn next_contacts(cx: &Context<'_>, contact: &Contact) -> Result<Option<Value>, ConnectError> {
    let Some(next) = contact.next_contact_id else { return Ok(None) };
    let found = match cx.service.live().contact(next) {
        Some(found) => Some(found),
        None => cx.service.history().find(next).map_err(|error| ConnectError::internal(&error))?,
    };
    let mut data = json!({ "ContactId": next });
    if let Some(found) = found {
        data["InitiationTimestamp"] = epoch_seconds(found.initiation_timestamp);
    }
    Ok(Some(json!([{ "Type": "QUICK_CONNECT", "NextContactMetadata": { "QuickConnectContactData": data } }])))
}

fn description(instance: &Instance, contact: &Contact, next: Option<Value>) -> Value {
    let attributes: Map<String, Value> =
        contact.attributes.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let recordings: Vec<Value> = contact.captures.iter().map(recording).collect();
    let mut members = json!({
        "Arn": instance.contact_arn(contact.id),
        "Id": contact.id,
        "InitiationMethod": contact.initiation_method.to_string(),
        "Channel": contact.channel.to_string(),
        "InitiationTimestamp": epoch_seconds(contact.initiation_timestamp),
        "LastUpdateTimestamp": epoch_seconds(contact.last_update_timestamp),
        "Attributes": attributes,
        "Recordings": recordings,
    });
    // Members without a value are absent: SDKs read a null of these as an error or as the epoch.
    let optional = [
        ("InitialContactId", contact.initial_contact_id.map(|id| json!(id))),
        ("PreviousContactId", contact.previous_contact_id.map(|id| json!(id))),
        ("ConnectedToSystemTimestamp", contact.connected_to_system_timestamp.map(epoch_seconds)),
        ("DisconnectTimestamp", contact.disconnect_timestamp.map(epoch_seconds)),
        ("DisconnectReason", contact.disconnect_reason.map(|reason| reason.to_string().into())),
        ("CustomerEndpoint", contact.customer_endpoint.as_ref().map(endpoint)),
        ("SystemEndpoint", contact.system_endpoint.as_ref().map(endpoint)),
        ("RelatedContactId", contact.related_contact_id.map(|id| json!(id))),
        ("ScheduledTimestamp", contact.scheduled_timestamp.map(epoch_seconds)),
        ("QueueInfo", contact.queue.as_ref().map(queue_info)),
        ("AgentInfo", contact.agent.as_ref().and_then(|part| agent_info(contact, part))),
        ("Name", contact.details.name.as_deref().map(Value::from)),
        ("Description", contact.details.description.as_deref().map(Value::from)),
        ("CustomerId", contact.details.customer_id.as_deref().map(Value::from)),
        ("QueuePriority", contact.details.routing_priority.map(Value::from)),
        ("QueueTimeAdjustmentSeconds", contact.details.routing_age_adjustment_s.map(Value::from)),
        ("Tags", Some(json!(tags(contact)))),
        ("NextContacts", next),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            members[name] = value;
        }
    }
    members
}

/// By the id that an ARN ends with.
pub(super) fn queue_info(stay: &QueueStay) -> Value {
    let id = stay.queue.arn.rsplit('/').next().unwrap_or_default();
    json!({ "Id": id, "EnqueueTimestamp": epoch_seconds(stay.enqueued) })
}

/// There once agent and customer have heard each other: not during the whispers.
fn agent_info(contact: &Contact, part: &AgentPart) -> Option<Value> {
    let times = AgentTimes::of(contact)?;
    let mut info = json!({
        "Id": part.agent.id,
        "AcceptedByAgentTimestamp": epoch_seconds(part.accepted),
        "ConnectedToAgentTimestamp": epoch_seconds(part.connected?),
        "AgentInitiatedHoldDuration": seconds(times.hold_ms),
    });
    if let Some(at) = part.after_contact_work_began {
        info["AfterContactWorkStartTimestamp"] = epoch_seconds(at);
    }
    if let Some(at) = part.after_contact_work_ended {
        info["AfterContactWorkEndTimestamp"] = epoch_seconds(at);
    }
    if let Some(ms) = times.after_contact_work_ms {
        info["AfterContactWorkDuration"] = seconds(ms).into();
    }
    Some(info)
}

fn endpoint(endpoint: &Endpoint) -> Value {
    json!({ "Type": endpoint.kind, "Address": endpoint.address.expose() })
}

/// One capture of the customer's audio. `VIDEO` is what the service itself says of it.
fn recording(audio: &CustomerAudio) -> Value {
    let mut members = json!({
        "StorageType": "KINESIS_VIDEO_STREAM",
        "Location": audio.stream_arn,
        "MediaStreamType": "VIDEO",
        "ParticipantType": "CUSTOMER",
        "FragmentStartNumber": audio.start_fragment_number,
        "StartTimestamp": epoch_seconds(audio.start_timestamp),
    });
    if let Some(number) = audio.stop_fragment_number {
        members["FragmentStopNumber"] = json!(number);
    }
    if let Some(at) = audio.stop_timestamp {
        members["StopTimestamp"] = epoch_seconds(at);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, NOW, ended_contact, live_contact};
    use crate::error::ErrorCode;
    use tympan_contact::History;
    use tympan_types::StreamArn;

    #[test]
    fn shows_a_live_contact_without_an_end() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let contact = live_contact(&bench, &instance);
        let answer = bench.call("GET", &format!("/contacts/{instance}/{}", contact.id), Value::Null).unwrap();
        let shown = &answer["Contact"];
        assert_eq!(shown["Id"], contact.id.to_string());
        assert_eq!(
            shown["Arn"],
            format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}/contact/{}", contact.id)
        );
        assert_eq!((&shown["Channel"], &shown["InitiationMethod"]), (&json!("VOICE"), &json!("INBOUND")));
        assert_eq!(
            shown["CustomerEndpoint"],
            json!({ "Type": "TELEPHONE_NUMBER", "Address": "+12065550123" })
        );
        assert_eq!(shown["SystemEndpoint"]["Address"], "+18005550100");
        assert_eq!(shown["InitiationTimestamp"], 1_563_000_000.123);
        for absent in ["DisconnectTimestamp", "InitialContactId", "DisconnectReason"] {
            assert!(shown.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn shows_an_ended_contact_with_its_recordings() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let mut contact = ended_contact(&bench, &instance);
        let arn = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-1/1";
        let number = "91343852333181432392682062622220590765191907586";
        contact.captures.push(CustomerAudio {
            stream_arn: StreamArn::parse(arn).unwrap(),
            start_timestamp: NOW,
            stop_timestamp: Some(NOW.plus_ms(1_000)),
            start_fragment_number: number.parse().unwrap(),
            stop_fragment_number: Some(number.parse().unwrap()),
            ledger: None,
        });
        bench.history.update(&contact).unwrap();
        let answer = bench.call("GET", &format!("/contacts/{instance}/{}", contact.id), Value::Null).unwrap();
        assert_eq!(answer["Contact"]["DisconnectTimestamp"], 1_563_000_005.123);
        assert_eq!(
            answer["Contact"]["Recordings"],
            json!([{
                "StorageType": "KINESIS_VIDEO_STREAM", "Location": arn, "MediaStreamType": "VIDEO",
                "ParticipantType": "CUSTOMER", "FragmentStartNumber": number,
                "StartTimestamp": 1_563_000_000.123, "FragmentStopNumber": number, "StopTimestamp": 1_563_000_001.123,
            }])
        );
    }

    #[test]
    fn an_agent_is_shown_once_he_and_the_customer_heard_each_other() {
        let setting = crate::bench::Routed::new();
        let shown = |id| {
            let path = format!("/contacts/{}/{id}", setting.instance);
            setting.bench.call("GET", &path, Value::Null).unwrap()["Contact"].clone()
        };
        let mut contact = setting.with_agent();
        let described = shown(contact.id);
        assert_eq!(described["AgentInfo"]["Id"], setting.agent);
        assert_eq!(described["AgentInfo"]["ConnectedToAgentTimestamp"], 1_563_000_000.123);
        assert_eq!(described["QueueInfo"]["Id"], setting.bench.basic_queue(&setting.instance));
        assert_eq!(described["Tags"]["aws:connect:instanceId"], setting.instance);
        contact.agent.as_mut().unwrap().connected = None;
        let next = live_contact(&setting.bench, &setting.instance);
        contact.next_contact_id = Some(next.id);
        setting.bench.live.up.lock().unwrap().insert(contact.id, contact.clone());
        let described = shown(contact.id);
        assert_eq!(described.get("AgentInfo"), None, "a whisper plays");
        let data = &described["NextContacts"][0]["NextContactMetadata"]["QuickConnectContactData"];
        assert_eq!(
            (&data["ContactId"], &data["InitiationTimestamp"]),
            (&json!(next.id), &json!(1_563_000_000.123))
        );
    }

    #[test]
    fn contacts_of_other_instances_are_not_found() {
        let bench = Bench::new();
        let (instance, other) = (bench.instance("demo"), bench.instance("other"));
        let contact = ended_contact(&bench, &instance);
        for target in [
            format!("/contacts/{other}/{}", contact.id),
            format!("/contacts/{instance}/{ABSENT}"),
            format!("/contacts/{instance}/x"),
            format!("/contacts/{ABSENT}/{}", contact.id),
        ] {
            assert_eq!(bench.refusal("GET", &target, Value::Null), ErrorCode::ResourceNotFound, "{target}");
        }
    }
}
