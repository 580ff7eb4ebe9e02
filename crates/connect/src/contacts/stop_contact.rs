//! StopContact: POST /contact/stop.

use crate::error::{ConnectError, ErrorCode};
use crate::instances::Instance;
use crate::reference::shown;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: Option<String>,
    instance_id: Option<String>,
}

/// Asks a live call to end and does not wait for it. Its capture is closed as at any other end.
///
/// Errors: ContactNotFound (also for a contact that has ended), InvalidRequest, ResourceNotFound (the instance).
pub(crate) struct StopContact;

impl Operation for StopContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "StopContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let (instance, contact) = (input.instance_id.as_deref(), input.contact_id.as_deref());
        Ok(ContactTarget::live(cx, instance.unwrap_or_default(), contact.unwrap_or_default()))
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.contact_id.as_deref(), "ContactId")?;
        required(cx, input.instance_id.as_deref(), "InstanceId")?;
        let named = shown(input.contact_id.as_deref().unwrap_or_default());
        let (instance, contact) = target.found(gone)?;
        if cx.service.live().stop(contact.id) {
            return Ok(Output::empty_object());
        }
        Err(gone(&named, &instance))
    }
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
