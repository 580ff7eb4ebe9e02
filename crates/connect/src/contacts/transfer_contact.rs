//! TransferContact: POST /contact/transfer.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: Option<String>,
    contact_id: Option<String>,
    contact_flow_id: Option<String>,
    queue_id: Option<String>,
    user_id: Option<String>,
}

/// Refuses voice contacts, as the service does: it transfers tasks and e-mails only. Agents transfer calls from their telephones.
///
/// Errors: InvalidRequest, ResourceNotFound.
pub(crate) struct TransferContact;

impl Operation for TransferContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "TransferContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let (instance, contact) = (input.instance_id.as_deref(), input.contact_id.as_deref());
        ContactTarget::of(cx, instance.unwrap_or_default(), contact.unwrap_or_default(), None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.contact_id, "ContactId")?;
        required(cx, input.instance_id, "InstanceId")?;
        required(cx, input.contact_flow_id, "ContactFlowId")?;
        let (_, contact) = target.known()?;
        if input.queue_id.is_some() == input.user_id.is_some() {
            return Err(ConnectError::request("a transfer names a QueueId or a UserId"));
        }
        let (id, channel) = (contact.id, contact.channel);
        Err(ConnectError::request(format!(
            "contact {id} is of channel {channel}: TransferContact is for tasks and e-mails only"
        )))
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, live_contact};
    use crate::error::ErrorCode;
    use serde_json::json;

    #[test]
    fn a_voice_contact_is_refused_and_an_absent_one_not_found() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let contact = live_contact(&bench, &instance);
        let body = |contact: &str| json!({ "InstanceId": instance, "ContactId": contact, "ContactFlowId": ABSENT, "QueueId": ABSENT });
        let refused = bench.call("POST", "/contact/transfer", body(&contact.id.to_string())).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidRequest);
        assert!(refused.message().contains("VOICE"), "{}", refused.message());
        assert_eq!(bench.refusal("POST", "/contact/transfer", body(ABSENT)), ErrorCode::ResourceNotFound);
        assert!(bench.live.up.lock().unwrap().contains_key(&contact.id), "its call goes on");
    }
}
