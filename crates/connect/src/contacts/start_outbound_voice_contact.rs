//! StartOutboundVoiceContact: PUT /contact/outbound-voice.

use super::references::{self, Reference};
use super::token::contact_id;
use crate::error::{ConnectError, ErrorCode};
use crate::flows::FlowType;
use crate::live_calls::{OutboundCall, OutboundError};
use crate::named::{Members, Scene};
use crate::not_offered;
use crate::phone_numbers::DialledNumber;
use crate::queues::Queue;
use crate::reference;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_contact::{Contact, InitiationMethod, MAX_ATTRIBUTES_BYTES, NewContact};
use tympan_flow::{ContactChange, ContactData, ResourceRef};
use tympan_types::{ContactId, Redacted};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    destination_phone_number: String,
    contact_flow_id: String,
    source_phone_number: Option<String>,
    queue_id: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    client_token: Option<String>,
    name: Option<String>,
    description: Option<String>,
    references: Option<BTreeMap<String, Reference>>,
    related_contact_id: Option<String>,
    ring_timeout_in_seconds: Option<i64>,
    traffic_type: Option<String>,
    campaign_id: Option<String>,
    answer_machine_detection_config: Option<Value>,
    outbound_strategy: Option<Value>,
}

/// Calls a number, and answers before it rings. The flow begins when the call is answered: none runs where it is not.
///
/// Errors: DestinationNotAllowed, InvalidParameter, InvalidRequest, LimitExceeded, OutboundContactNotPermitted, ResourceNotFound.
pub(crate) struct StartOutboundVoiceContact;

impl Operation for StartOutboundVoiceContact {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = "StartOutboundVoiceContact";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::about(cx, input.instance(), &[input.text("ContactFlowId")], &[]))
    }

    async fn call(cx: &Context<'_>, input: Members, target: InstanceTarget) -> Result<Output, ConnectError> {
        let body: Body = input.read(cx)?;
        let instance = target.instance?;
        if !instance.outbound_calls {
            return Err(ConnectError::new(
                ErrorCode::OutboundContactNotPermitted,
                format!("instance {} places no calls: its OutboundCallsEnabled is false", instance.id),
            ));
        }
        check_campaign(&body)?;
        let destination = DialledNumber::e164(&body.destination_phone_number)
            .map_err(|error| ConnectError::parameter(format!("DestinationPhoneNumber: {error}")))?;
        let ring_s = match body.ring_timeout_in_seconds {
            None => 60,
            Some(seconds) => u32::try_from(seconds)
                .ok()
                .filter(|seconds| (15..=60).contains(seconds))
                .ok_or_else(|| ConnectError::parameter("RingTimeoutInSeconds must be 15 to 60"))?,
        };
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let flow = scene.flow(&body.contact_flow_id)?;
        if flow.flow_type != FlowType::ContactFlow {
            return Err(ConnectError::request(format!("flow {} is not of type CONTACT_FLOW", flow.id)));
        }
        let runnable = flow.runnable(&instance);
        let runnable = runnable
            .ok_or_else(|| ConnectError::not_found(format!("flow {} has no published content", flow.id)))?;
        let line = match &body.queue_id {
            None => None,
            Some(queue) => {
                let id = scene.find::<Queue>(queue)?.id;
                cx.service.outbound_of_queue(instance.id, &ResourceRef::of(id.to_string()))
            }
        };
        let caller_id = match &body.source_phone_number {
            Some(number) if cx.service.may_show(instance.id, number) => number.clone(),
            Some(number) => {
                return Err(ConnectError::parameter(format!(
                    "SourcePhoneNumber {} is not claimed to instance {}",
                    reference::shown(number),
                    instance.id
                )));
            }
            None => line.as_ref().and_then(|line| line.caller_id.clone()).ok_or_else(|| {
                ConnectError::request(
                    "the call has no number to show: name a SourcePhoneNumber, or a QueueId whose queue has one",
                )
            })?,
        };
        let (id, is_known) = contact_id(cx, &instance, body.client_token.as_deref())?;
        let answer = || Output::json(&json!({ "ContactId": id }));
        if is_known {
            return Ok(answer());
        }
        let mut contact = Contact::new(
            cx.now,
            NewContact {
                id,
                instance: instance.reference(),
                initiation_method: InitiationMethod::Api,
                customer_number: Some(Redacted::new(destination.as_str().to_owned())),
                system_number: Some(Redacted::new(caller_id.clone())),
                sip_headers: BTreeMap::new(),
            },
        );
        contact.initial_flow = Some(flow.id);
        contact.related_contact_id = related(cx, &instance, body.related_contact_id.as_deref())?;
        contact.attributes.set(body.attributes.unwrap_or_default()).map_err(|_| {
            ConnectError::parameter(format!("Attributes may take {MAX_ATTRIBUTES_BYTES} bytes in all"))
        })?;
        let references = references::read(body.references.unwrap_or_default())?;
        let data = ContactData {
            name: body.name,
            description: body.description,
            references,
            ..ContactData::default()
        };
        contact.details.change(ContactChange::Data(data)).map_err(ConnectError::parameter)?;
        contact.details.target_queue = line.as_ref().map(|line| line.queue.clone());
        let caller_name = line.as_ref().and_then(|line| line.caller_name.clone());
        let call = OutboundCall {
            contact,
            destination: destination.as_str().to_owned(),
            caller_id,
            caller_name,
            flow: runnable,
            queue: line.map(|line| line.queue),
            ring_s,
        };
        match cx.service.live().start_outbound(call) {
            Ok(()) => Ok(answer()),
            Err(error @ OutboundError::NotAllowed(_)) => {
                Err(ConnectError::new(ErrorCode::DestinationNotAllowed, error.to_string()))
            }
            Err(error @ OutboundError::Full) => {
                Err(ConnectError::new(ErrorCode::LimitExceeded, error.to_string()))
            }
            Err(error @ OutboundError::NoWayOut(_)) => Err(ConnectError::request(error.to_string())),
            Err(OutboundError::NotOffered) => Err(not_offered::refusal(cx.operation)),
        }
    }
}

/// Campaigns, the detection of answering machines, and agents who are asked first are not here.
fn check_campaign(body: &Body) -> Result<(), ConnectError> {
    let is_campaign = body.traffic_type.as_deref().is_some_and(|traffic| traffic != "GENERAL");
    let detects = body.answer_machine_detection_config.as_ref();
    let detects = detects.is_some_and(|config| config["EnableAnswerMachineDetection"] == true);
    if is_campaign || body.campaign_id.is_some() || detects || body.outbound_strategy.is_some() {
        return Err(ConnectError::parameter(
            "there are no campaigns here: TrafficType is GENERAL, without CampaignId, AnswerMachineDetectionConfig and OutboundStrategy",
        ));
    }
    Ok(())
}

/// A contact that the new one belongs to: it has to be one of the instance.
fn related(
    cx: &Context<'_>,
    instance: &crate::instances::Instance,
    named: Option<&str>,
) -> Result<Option<ContactId>, ConnectError> {
    let Some(named) = named else { return Ok(None) };
    let missing = || ConnectError::not_found(format!("there is no contact {}", reference::shown(named)));
    let id = reference::contact(cx.caller, instance.id, named).ok_or_else(missing)?;
    let found = match cx.service.live().contact(id) {
        Some(contact) => Some(contact),
        None => cx.service.history().find(id).map_err(|error| ConnectError::internal(&error))?,
    };
    found
        .filter(|contact| contact.instance.id == instance.id)
        .map(|contact| Some(contact.id))
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, Routed, text};
    use crate::error::ErrorCode;
    use crate::live_calls::OutboundError;
    use serde_json::{Value, json};

    const PATH: &str = "/contact/outbound-voice";

    struct Setting {
        routed: Routed,
        flow: String,
    }

    impl Setting {
        fn new() -> Self {
            let routed = Routed::new();
            let flow = routed.bench.flow(&routed.instance, "outbound");
            let body = json!({ "Value": "true" });
            let path = format!("/instance/{}/attribute/OUTBOUND_CALLS", routed.instance);
            routed.bench.call("POST", &path, body).unwrap();
            routed.bench.number(&routed.instance, "+18005550101");
            Self { routed, flow }
        }

        fn body(&self, with: Value) -> Value {
            let mut body = json!({ "InstanceId": self.routed.instance, "ContactFlowId": self.flow,
                "DestinationPhoneNumber": "+12065550123", "SourcePhoneNumber": "+18005550101" });
            for (name, value) in with.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        }
    }

    #[test]
    fn a_call_is_placed_with_all_that_the_request_says_and_once_for_each_token() {
        let setting = Setting::new();
        let bench: &Bench = &setting.routed.bench;
        let body = setting.body(json!({ "Attributes": { "k": "v" }, "Name": "a call", "ClientToken": "one",
            "References": { "r": { "Type": "STRING", "Value": "x" } }, "RingTimeoutInSeconds": 20 }));
        let id = text(&bench.call("PUT", PATH, body.clone()).unwrap()["ContactId"]);
        assert_eq!(text(&bench.call("PUT", PATH, body).unwrap()["ContactId"]), id);
        let placed = bench.live.placed.lock().unwrap();
        let [call] = &placed[..] else { panic!("{} calls", placed.len()) };
        assert_eq!((call.contact.id.to_string(), call.ring_s), (id, 20));
        assert_eq!((call.destination.as_str(), call.caller_id.as_str()), ("+12065550123", "+18005550101"));
        assert_eq!(call.contact.initiation_method.word(), "API");
        assert_eq!(call.contact.attributes.value("k"), Some("v"));
        assert_eq!(call.contact.details.name.as_deref(), Some("a call"));
        assert_eq!(call.flow.identity.name, "outbound");
    }

    #[test]
    fn the_queue_gives_the_number_that_is_shown() {
        let setting = Setting::new();
        let Routed { bench, instance, .. } = &setting.routed;
        let queue = bench.basic_queue(instance);
        let body = || {
            let mut body = setting.body(json!({ "QueueId": queue }));
            body.as_object_mut().unwrap().remove("SourcePhoneNumber");
            body
        };
        assert_eq!(bench.refusal("PUT", PATH, body()), ErrorCode::InvalidRequest, "it has none");
        let number = bench.number(instance, "+18005550102");
        let path = format!("/queues/{instance}/{queue}/outbound-caller-config");
        let config = json!({ "OutboundCallerIdNumberId": number, "OutboundCallerIdName": "Parcels" });
        bench.call("POST", &path, json!({ "OutboundCallerConfig": config })).unwrap();
        bench.call("PUT", PATH, body()).unwrap();
        let placed = bench.live.placed.lock().unwrap();
        assert_eq!(
            (placed[0].caller_id.as_str(), placed[0].caller_name.as_deref()),
            ("+18005550102", Some("Parcels"))
        );
        assert_eq!(placed[0].queue.as_ref().unwrap().name, "BasicQueue");
    }

    #[test]
    fn every_refusal_has_the_code_that_the_model_has_for_it_and_places_no_call() {
        let setting = Setting::new();
        let Routed { bench, instance, .. } = &setting.routed;
        for (with, code) in [
            (json!({ "DestinationPhoneNumber": "0123" }), ErrorCode::InvalidParameter),
            (json!({ "SourcePhoneNumber": "+18005550109" }), ErrorCode::InvalidParameter),
            (json!({ "RingTimeoutInSeconds": 14 }), ErrorCode::InvalidParameter),
            (json!({ "RingTimeoutInSeconds": 61 }), ErrorCode::InvalidParameter),
            (json!({ "TrafficType": "CAMPAIGN" }), ErrorCode::InvalidParameter),
            (json!({ "Attributes": { "k": "x".repeat(40_000) } }), ErrorCode::InvalidParameter),
            (json!({ "ContactFlowId": ABSENT }), ErrorCode::ResourceNotFound),
            (json!({ "QueueId": ABSENT }), ErrorCode::ResourceNotFound),
            (json!({ "RelatedContactId": ABSENT }), ErrorCode::ResourceNotFound),
            (json!({ "InstanceId": ABSENT }), ErrorCode::ResourceNotFound),
        ] {
            assert_eq!(bench.refusal("PUT", PATH, setting.body(with.clone())), code, "{with}");
        }
        let content = r#"{"Version":"2019-10-30","StartAction":"e","Actions":[{"Identifier":"e","Type":"EndFlowExecution","Parameters":{},"Transitions":{}}]}"#;
        let whisper = json!({ "Name": "whisper", "Type": "AGENT_WHISPER", "Content": content });
        let made = bench.call("PUT", &format!("/contact-flows/{instance}"), whisper).unwrap();
        let with = json!({ "ContactFlowId": made["ContactFlowId"] });
        assert_eq!(bench.refusal("PUT", PATH, setting.body(with)), ErrorCode::InvalidRequest);
        for (error, code) in [
            (OutboundError::NotAllowed("a premium number".into()), ErrorCode::DestinationNotAllowed),
            (OutboundError::Full, ErrorCode::LimitExceeded),
            (OutboundError::NoWayOut("no trunk".into()), ErrorCode::InvalidRequest),
            (OutboundError::NotOffered, ErrorCode::NotImplemented),
        ] {
            *bench.live.refuses.lock().unwrap() = Some(error);
            assert_eq!(bench.refusal("PUT", PATH, setting.body(json!({}))), code);
        }
        let path = format!("/instance/{instance}/attribute/OUTBOUND_CALLS");
        bench.call("POST", &path, json!({ "Value": "false" })).unwrap();
        let refused = bench.refusal("PUT", PATH, setting.body(json!({})));
        assert_eq!(refused, ErrorCode::OutboundContactNotPermitted);
        assert!(bench.live.placed.lock().unwrap().is_empty());
    }
}
