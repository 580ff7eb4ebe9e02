//! DismissUserContact: POST /users/{InstanceId}/{UserId}/contact.

use super::User;
use crate::error::ConnectError;
use crate::named::{Members, NamedTarget};
use crate::reference;
use crate::service::ConnectService;
use crate::target::Context;
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_contact::routing::{AgentKey, DismissRefusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    contact_id: String,
}

/// Takes a contact from an agent that is missed, failed or ended, so that he can be given others.
///
/// Errors: InvalidRequest (a contact that he still has), ResourceNotFound.
pub(crate) struct DismissUserContact;

impl Operation for DismissUserContact {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<User>;
    const NAME: &'static str = "DismissUserContact";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<User>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text("UserId")))
    }

    async fn call(
        cx: &Context<'_>,
        input: Members,
        target: NamedTarget<User>,
    ) -> Result<Output, ConnectError> {
        let Body { contact_id } = input.read(cx)?;
        let (instance, user) = target.found?;
        let named = reference::contact(cx.caller, instance.id, &contact_id);
        let missing = || {
            let shown = reference::shown(&contact_id);
            ConnectError::not_found(format!("user {} has no contact {shown}", user.id))
        };
        let contact = named.ok_or_else(missing)?;
        let agent = AgentKey { instance: instance.id, user: user.id };
        match cx.service.reroute(|routing, now| routing.dismiss(now, agent, contact)) {
            Some(Ok(())) => Ok(Output::empty_object()),
            Some(Err(refusal @ DismissRefusal::StillHandled)) => {
                Err(ConnectError::request(refusal.to_string()))
            }
            Some(Err(DismissRefusal::NoSuchAgent | DismissRefusal::NoSuchContact)) => Err(missing()),
            None => Err(ConnectError::request("this server routes no contacts to agents")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Routed};
    use crate::error::ErrorCode;
    use serde_json::json;

    #[test]
    fn a_missed_contact_is_taken_away_and_one_that_he_has_is_not() {
        let setting = Routed::new();
        let path = format!("/users/{}/{}/contact", setting.instance, setting.agent);
        let missed = setting.missed();
        assert_eq!(setting.user_data()["Contacts"][0]["AgentContactState"], "MISSED");
        let body = json!({ "ContactId": missed });
        assert_eq!(setting.bench.call("POST", &path, body.clone()).unwrap(), json!({}));
        let shown = setting.user_data()["Contacts"].clone();
        assert_eq!(shown[0]["AgentContactState"], "CONNECTING", "he is free, and it is offered to him again");
        assert_eq!(setting.bench.refusal("POST", &path, body), ErrorCode::InvalidRequest);
        let handled = Routed::new();
        let contact = handled.with_agent();
        let path = format!("/users/{}/{}/contact", handled.instance, handled.agent);
        let refused = handled.bench.refusal("POST", &path, json!({ "ContactId": contact.id }));
        assert_eq!(refused, ErrorCode::InvalidRequest);
        assert_eq!(
            handled.bench.refusal("POST", &path, json!({ "ContactId": ABSENT })),
            ErrorCode::ResourceNotFound
        );
        assert_eq!(handled.bench.refusal("POST", &path, json!({})), ErrorCode::InvalidRequest);
    }
}
