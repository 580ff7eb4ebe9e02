//! PutUserStatus: PUT /users/{InstanceId}/{UserId}/status.

use super::User;
use crate::agent_statuses::{AgentStatus, AgentStatusState};
use crate::error::ConnectError;
use crate::named::{Members, NamedTarget, Scene};
use crate::service::ConnectService;
use crate::target::Context;
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_contact::routing::{AgentKey, StatusRefusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    agent_status_id: String,
}

/// Sets the status of an agent; his next one, while he is on a contact.
///
/// Errors: InvalidParameter (a disabled status), InvalidRequest, ResourceNotFound.
pub(crate) struct PutUserStatus;

impl Operation for PutUserStatus {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<User>;
    const NAME: &'static str = "PutUserStatus";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<User>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text("UserId")))
    }

    async fn call(
        cx: &Context<'_>,
        input: Members,
        target: NamedTarget<User>,
    ) -> Result<Output, ConnectError> {
        let Body { agent_status_id } = input.read(cx)?;
        let (instance, user) = target.found?;
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let status = scene.find::<AgentStatus>(&agent_status_id)?;
        if status.spec.state == AgentStatusState::Disabled {
            return Err(ConnectError::parameter(format!("agent status {:?} is disabled", status.name)));
        }
        let agent = AgentKey { instance: instance.id, user: user.id };
        match cx.service.reroute(|routing, now| routing.put_status(now, agent, status.id)) {
            Some(Ok(_)) => Ok(Output::empty_object()),
            Some(Err(refusal @ (StatusRefusal::NoSuchAgent | StatusRefusal::NoSuchStatus))) => {
                Err(ConnectError::not_found(refusal.to_string()))
            }
            None => Err(ConnectError::request("this server routes no contacts to agents")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, Routed};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn an_agent_gets_the_status_at_once_or_as_his_next_one() {
        let setting = Routed::new();
        let path = format!("/users/{}/{}/status", setting.instance, setting.agent);
        let put = |name: &str| {
            let status = setting.status(name);
            setting.bench.call("PUT", &path, json!({ "AgentStatusId": status }))
        };
        setting.online();
        assert_eq!(put("Available").unwrap(), json!({}));
        assert_eq!(setting.user_data()["Status"]["StatusName"], "Available");
        setting.with_agent();
        put("Offline").unwrap();
        assert_eq!(setting.user_data()["NextStatus"], "Offline");
    }

    #[test]
    fn what_is_not_there_is_not_found_and_a_disabled_status_refused() {
        let setting = Routed::new();
        let Routed { bench, instance, agent, .. } = &setting;
        let path = |user: &str| format!("/users/{instance}/{user}/status");
        let refusal =
            |user: &str, status: &str| bench.refusal("PUT", &path(user), json!({ "AgentStatusId": status }));
        let status = setting.status("Available");
        assert_eq!(refusal(ABSENT, &status), ErrorCode::ResourceNotFound);
        assert_eq!(refusal(agent, ABSENT), ErrorCode::ResourceNotFound);
        let lunch = json!({ "Name": "Lunch", "State": "DISABLED" });
        let made = bench.call("PUT", &format!("/agent-status/{instance}"), lunch).unwrap();
        assert_eq!(refusal(agent, made["AgentStatusId"].as_str().unwrap()), ErrorCode::InvalidParameter);
        assert_eq!(bench.refusal("PUT", &path(agent), json!({})), ErrorCode::InvalidRequest);
        let without = Bench::with(|options| options.default_resources = true);
        let instance = without.instance("demo");
        let user = without.agent(&instance, "agent1");
        let listed = without.call("GET", &format!("/agent-status/{instance}"), Value::Null).unwrap();
        let body = json!({ "AgentStatusId": listed["AgentStatusSummaryList"][0]["Id"] });
        let refused = without.refusal("PUT", &format!("/users/{instance}/{user}/status"), body);
        assert_eq!(refused, ErrorCode::InvalidRequest, "no routing");
    }
}
