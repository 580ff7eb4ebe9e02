//! StopContact: POST /contact/stop.

use crate::error::{ConnectError, ErrorCode};
use crate::instances::Instance;
use crate::reference::shown;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_contact::{Contact, DisconnectReason, InitiationMethod};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: Option<String>,
    instance_id: Option<String>,
}

/// Asks a live call to end and does not wait for it: its capture is closed as at any other end. A callback that waits is removed.
///
/// Errors: ContactNotFound (also for a contact that has ended), InvalidRequest (also for a contact of a method that the service does
/// not stop), ResourceNotFound (the instance).
pub(crate) struct StopContact;

impl Operation for StopContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "StopContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let (instance, contact) = (input.instance_id.as_deref(), input.contact_id.as_deref());
        ContactTarget::of(cx, instance.unwrap_or_default(), contact.unwrap_or_default(), None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.contact_id.as_deref(), "ContactId")?;
        required(cx, input.instance_id.as_deref(), "InstanceId")?;
        let named = shown(input.contact_id.as_deref().unwrap_or_default());
        let (instance, contact) = target.found(gone)?;
        if contact.disconnect_timestamp.is_some() {
            return Err(gone(&named, &instance));
        }
        if REFUSED.contains(&contact.initiation_method) {
            let (id, method) = (contact.id, contact.initiation_method);
            return Err(ConnectError::request(format!(
                "contact {id} began by {method}: such contacts are not stopped"
            )));
        }
        if cx.service.live().stop(contact.id) || remove_callback(cx, contact)? {
            return Ok(Output::empty_object());
        }
        Err(gone(&named, &instance))
    }
}

/// The voice contacts that the service does not stop.
///
/// Source: API reference, StopContact.
const REFUSED: [InitiationMethod; 5] = [
    InitiationMethod::Disconnect,
    InitiationMethod::Transfer,
    InitiationMethod::QueueTransfer,
    InitiationMethod::ExternalOutbound,
    InitiationMethod::Monitor,
];

/// Takes a callback out of its queue, and closes its contact. False where it waits in none.
fn remove_callback(cx: &Context<'_>, mut contact: Contact) -> Result<bool, ConnectError> {
    if cx.service.reroute(|routing, now| routing.leave(now, contact.id)).flatten().is_none() {
        return Ok(false);
    }
    contact.disconnect_timestamp = Some(cx.now);
    contact.disconnect_reason = Some(DisconnectReason::Other);
    contact.date_later(cx.now);
    if let Some(stay) = &mut contact.queue {
        stay.dequeued.get_or_insert(cx.now);
    }
    cx.service.history().close(&contact).map_err(|error| ConnectError::internal(&error))?;
    Ok(true)
}

fn gone(named: &str, instance: &Instance) -> ConnectError {
    let message = format!("there is no live contact {named} in instance {}", instance.id);
    ConnectError::new(ErrorCode::ContactNotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, ended_contact, live_contact};
    use serde_json::json;

    #[test]
    fn ends_a_live_call_once() {
        let bench = Bench::new();
        let (instance, other) = (bench.instance("demo"), bench.instance("other"));
        let contact = live_contact(&bench, &instance);
        let body = |instance: &str| json!({ "InstanceId": instance, "ContactId": contact.id });
        assert_eq!(bench.refusal("POST", "/contact/stop", body(&other)), ErrorCode::ContactNotFound);
        assert_eq!(bench.call("POST", "/contact/stop", body(&instance)).unwrap(), json!({}));
        assert_eq!(bench.refusal("POST", "/contact/stop", body(&instance)), ErrorCode::ContactNotFound);
    }

    #[test]
    fn contacts_of_methods_that_the_service_does_not_stop_are_refused_and_go_on() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        for method in InitiationMethod::ALL {
            let mut contact = live_contact(&bench, &instance);
            contact.initiation_method = method;
            bench.live.up.lock().unwrap().insert(contact.id, contact.clone());
            let body = json!({ "InstanceId": instance, "ContactId": contact.id });
            let stopped = bench.call("POST", "/contact/stop", body);
            let is_up = bench.live.up.lock().unwrap().contains_key(&contact.id);
            let is_refused = ["DISCONNECT", "TRANSFER", "QUEUE_TRANSFER", "EXTERNAL_OUTBOUND", "MONITOR"];
            match is_refused.contains(&method.word()) {
                true => assert_eq!(
                    (stopped.unwrap_err().code(), is_up),
                    (ErrorCode::InvalidRequest, true),
                    "{method}"
                ),
                false => assert_eq!((stopped.unwrap(), is_up), (json!({}), false), "{method}"),
            }
        }
    }

    #[test]
    fn a_callback_that_waits_leaves_its_queue_and_its_contact_is_closed() {
        let setting = crate::bench::Routed::new();
        let contact = setting.callback();
        let body = json!({ "InstanceId": setting.instance, "ContactId": contact });
        assert_eq!(setting.bench.call("POST", "/contact/stop", body.clone()).unwrap(), json!({}));
        assert_eq!(setting.routing.lock().unwrap().queue_of(contact), None);
        let closed = setting.bench.service.history().find(contact).unwrap().unwrap();
        assert_eq!(closed.disconnect_reason, Some(DisconnectReason::Other));
        assert_eq!(setting.bench.refusal("POST", "/contact/stop", body), ErrorCode::ContactNotFound);
    }

    #[test]
    fn refuses_ended_and_absent_contacts() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let ended = ended_contact(&bench, &instance);
        let refusal = |body| bench.refusal("POST", "/contact/stop", body);
        assert_eq!(
            refusal(json!({ "InstanceId": instance, "ContactId": ended.id })),
            ErrorCode::ContactNotFound
        );
        assert_eq!(refusal(json!({ "InstanceId": instance, "ContactId": "x" })), ErrorCode::ContactNotFound);
        assert_eq!(
            refusal(json!({ "InstanceId": ABSENT, "ContactId": ended.id })),
            ErrorCode::ResourceNotFound
        );
        assert_eq!(refusal(json!({ "InstanceId": instance })), ErrorCode::InvalidRequest);
    }
}
