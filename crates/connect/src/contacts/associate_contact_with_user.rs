//! AssociateContactWithUser: POST /contacts/{InstanceId}/{ContactId}/associate-user.

use crate::error::ConnectError;
use crate::named::Scene;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use crate::users::User;
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_contact::routing::{AgentKey, OfferRefusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_id: String,
    user_id: Option<String>,
}

/// Offers a contact that waits in a queue to an agent, whatever his status.
///
/// Errors: InvalidRequest (it waits in no queue, or is offered to an agent), ResourceNotFound.
pub(crate) struct AssociateContactWithUser;

impl Operation for AssociateContactWithUser {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "AssociateContactWithUser";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, &input.instance_id, &input.contact_id, None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        let user = required(cx, input.user_id, "UserId")?;
        let (instance, contact) = target.known()?;
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let agent = AgentKey { instance: instance.id, user: scene.find::<User>(&user)?.id };
        match cx.service.reroute(|routing, now| routing.associate(now, contact.id, agent)) {
            Some(Ok(_)) => Ok(Output::empty_object()),
            Some(Err(OfferRefusal::NoSuchAgent)) => Err(ConnectError::not_found("the agent is not there")),
            Some(Err(refusal)) => {
                Err(ConnectError::request(format!("contact {} is not offered to him: {refusal}", contact.id)))
            }
            None => Err(ConnectError::request("this server routes no contacts to agents")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Routed, live_contact};
    use crate::error::ErrorCode;
    use serde_json::json;

    #[test]
    fn a_waiting_contact_is_offered_to_an_agent_who_is_offline_and_any_other_is_not() {
        let setting = Routed::new();
        let waiting = setting.waiting();
        let path = |contact| format!("/contacts/{}/{contact}/associate-user", setting.instance);
        let body = json!({ "UserId": setting.agent });
        let unqueued = live_contact(&setting.bench, &setting.instance);
        let refused = setting.bench.refusal("POST", &path(unqueued.id), body.clone());
        assert_eq!(refused, ErrorCode::InvalidRequest);
        assert_eq!(setting.bench.call("POST", &path(waiting), body.clone()).unwrap(), json!({}));
        assert_eq!(
            setting.bench.refusal("POST", &path(waiting), body),
            ErrorCode::InvalidRequest,
            "offered already"
        );
        let refused = setting.bench.refusal("POST", &path(waiting), json!({ "UserId": ABSENT }));
        assert_eq!(refused, ErrorCode::ResourceNotFound);
        assert_eq!(setting.bench.refusal("POST", &path(waiting), json!({})), ErrorCode::InvalidRequest);
    }
}
