//! MonitorContact: POST /contact/monitor.

use super::token::contact_id;
use crate::error::ConnectError;
use crate::named::Scene;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use crate::transfers::agent_ref;
use crate::users::User;
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_contact::Order;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: Option<String>,
    contact_id: Option<String>,
    user_id: Option<String>,
    allowed_monitor_capabilities: Option<Vec<String>>,
    client_token: Option<String>,
}

/// Has a supervisor's telephone ring, and joins it to a contact that an agent has. Returns before it is answered.
///
/// Errors: InvalidRequest (no agent has the contact), ResourceNotFound.
pub(crate) struct MonitorContact;

impl Operation for MonitorContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "MonitorContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let (instance, contact) = (input.instance_id.as_deref(), input.contact_id.as_deref());
        ContactTarget::of(cx, instance.unwrap_or_default(), contact.unwrap_or_default(), None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.instance_id, "InstanceId")?;
        required(cx, input.contact_id, "ContactId")?;
        let user = required(cx, input.user_id, "UserId")?;
        let (instance, contact) = target.known()?;
        let capabilities = input.allowed_monitor_capabilities.unwrap_or_default();
        if capabilities.iter().any(|word| word != "SILENT_MONITOR" && word != "BARGE") {
            return Err(ConnectError::request("AllowedMonitorCapabilities are SILENT_MONITOR and BARGE"));
        }
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let supervisor = agent_ref(&scene, scene.find::<User>(&user)?);
        let supervisor =
            supervisor.ok_or_else(|| ConnectError::request("the supervisor has no routing profile"))?;
        let (id, is_known) = contact_id(cx, &instance, input.client_token.as_deref())?;
        let answer = || Output::json(&json!({ "ContactId": id, "ContactArn": instance.contact_arn(id) }));
        if is_known {
            return Ok(answer());
        }
        let with_agent =
            contact.agent.as_ref().filter(|agent| agent.connected.is_some() && agent.left.is_none());
        let is_his_own = with_agent.is_some_and(|part| part.agent.id == supervisor.id);
        if with_agent.is_none() || is_his_own || contact.disconnect_timestamp.is_some() {
            return Err(ConnectError::request(format!(
                "no other agent is connected with contact {}",
                contact.id
            )));
        }
        let may_barge = capabilities.iter().any(|word| word == "BARGE");
        let order = Order::Monitor { contact: contact.id, monitor: id, supervisor, may_barge };
        if cx.service.live().order(contact.id, order) {
            return Ok(answer());
        }
        Err(ConnectError::request(format!("the call of contact {} is not up", contact.id)))
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Routed};
    use crate::error::ErrorCode;
    use serde_json::json;
    use tympan_contact::Order;

    #[test]
    fn a_supervisor_is_sent_to_the_call_once_for_each_token() {
        let setting = Routed::new();
        let supervisor = setting.bench.agent(&setting.instance, "supervisor");
        let contact = setting.with_agent();
        let body = |token: &str, contact: &str| {
            json!({ "InstanceId": setting.instance, "ContactId": contact,
            "UserId": supervisor, "AllowedMonitorCapabilities": ["SILENT_MONITOR", "BARGE"], "ClientToken": token })
        };
        let id = contact.id.to_string();
        let answer = setting.bench.call("POST", "/contact/monitor", body("one", &id)).unwrap();
        let orders = setting.bench.live.orders.lock().unwrap().clone();
        let [Order::Monitor { contact: monitored, monitor, may_barge: true, .. }] = &orders[..] else {
            panic!("{orders:?}");
        };
        assert_eq!((*monitored, &answer["ContactId"]), (contact.id, &json!(monitor)));
        assert!(answer["ContactArn"].as_str().unwrap().ends_with(&monitor.to_string()));
        assert_eq!(
            setting.bench.refusal("POST", "/contact/monitor", body("x", ABSENT)),
            ErrorCode::ResourceNotFound
        );
        let again = setting.bench.call("POST", "/contact/monitor", body("one", &id)).unwrap();
        assert_eq!(again["ContactId"], answer["ContactId"]);
    }

    #[test]
    fn a_contact_that_no_agent_has_cannot_be_listened_to() {
        let setting = Routed::new();
        let waiting = setting.waiting();
        let refusal = |capability: &str, user: &str| {
            let body = json!({ "InstanceId": setting.instance, "ContactId": waiting, "UserId": user,
                "AllowedMonitorCapabilities": [capability] });
            setting.bench.refusal("POST", "/contact/monitor", body)
        };
        assert_eq!(refusal("SILENT_MONITOR", &setting.agent), ErrorCode::InvalidRequest);
        assert_eq!(refusal("WHISPER", &setting.agent), ErrorCode::InvalidRequest);
        assert_eq!(refusal("BARGE", ABSENT), ErrorCode::ResourceNotFound);
        let own = setting.with_agent();
        let body = json!({ "InstanceId": setting.instance, "ContactId": own.id, "UserId": setting.agent });
        assert_eq!(setting.bench.refusal("POST", "/contact/monitor", body), ErrorCode::InvalidRequest);
    }
}
