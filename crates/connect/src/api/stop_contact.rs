//! StopContact: POST /contact/stop.

use super::Answer;
use super::invocation::{Invocation, shown};
use crate::error::{ConnectError, ErrorCode};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    contact_id: String,
    instance_id: String,
}

/// Asks a live call to end and does not wait for it. Its capture is closed as at any other end.
///
/// Errors: ContactNotFound (also for a contact that has ended), InvalidRequest, ResourceNotFound (the instance).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let instance = i.instance_in(&i.service.directory(), &input.instance_id)?;
    let live = i.service.live();
    let contact = i.contact_id(&instance, &input.contact_id).and_then(|id| live.contact(id));
    let stopped = contact
        .filter(|contact| contact.instance.id == instance.id)
        .is_some_and(|contact| live.stop(contact.id));
    if stopped {
        return Ok(Some(json!({})));
    }
    Err(ConnectError::new(
        ErrorCode::ContactNotFound,
        format!("there is no live contact {} in instance {}", shown(&input.contact_id), instance.id),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench, ended_contact, live_contact};
    use super::*;

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
