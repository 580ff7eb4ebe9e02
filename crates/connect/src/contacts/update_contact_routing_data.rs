//! UpdateContactRoutingData: POST /contacts/{InstanceId}/{ContactId}/routing-data.

use crate::error::{ConnectError, ErrorCode};
use crate::flow_resources::find;
use crate::named::{Members, Scene};
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context};
use crate::users::User;
use serde::Deserialize;
use serde_json::Value;
use tympan_aws::{Operation, Output};
use tympan_contact::Order;
use tympan_contact::routing::{
    AgentKey, QueuedRefusal, RoutingCriteria, RoutingStep, RoutingUpdate, STEP_AGENTS_MAX, STEPS_MAX,
};
use tympan_flow::ResourceRef;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    queue_priority: Option<i64>,
    queue_time_adjustment_seconds: Option<i32>,
    routing_criteria: Option<Value>,
}

/// Changes where a contact stands in its queue, or will stand in its next one. It counts at once; in the service for a contact that
/// waits already after 60 s or more.
///
/// Errors: InvalidParameter, ResourceConflict (an agent has taken it, or it has ended), ResourceNotFound.
pub(crate) struct UpdateContactRoutingData;

impl Operation for UpdateContactRoutingData {
    type Service = ConnectService;
    type Input = Members;
    type Target = ContactTarget;
    const NAME: &'static str = "UpdateContactRoutingData";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, input.instance(), input.text("ContactId"), None)
    }

    async fn call(cx: &Context<'_>, input: Members, target: ContactTarget) -> Result<Output, ConnectError> {
        let Body { queue_priority, queue_time_adjustment_seconds: adjustment, routing_criteria } =
            input.read(cx)?;
        let (instance, contact) = target.known()?;
        if queue_priority.is_some() && adjustment.is_some() {
            return Err(ConnectError::parameter(
                "one of QueuePriority and QueueTimeAdjustmentSeconds can be changed at a time",
            ));
        }
        if queue_priority.is_none() && adjustment.is_none() && routing_criteria.is_none() {
            return Err(ConnectError::parameter(
                "QueuePriority, QueueTimeAdjustmentSeconds or RoutingCriteria says what changes",
            ));
        }
        let priority =
            queue_priority.map(|priority| u64::try_from(priority).ok().filter(|number| *number > 0));
        if priority == Some(None) {
            return Err(ConnectError::parameter("QueuePriority must be 1 to 9223372036854775807"));
        }
        let priority = priority.flatten();
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let criteria = routing_criteria.map(|criteria| criteria_of(&scene, &criteria)).transpose()?;
        let conflict = |why: &str| {
            let message = format!("the routing of contact {} cannot be changed: {why}", contact.id);
            Err(ConnectError::new(ErrorCode::ResourceConflict, message))
        };
        if contact.disconnect_timestamp.is_some() {
            return conflict("it has ended");
        }
        if contact.agent.as_ref().is_some_and(|agent| agent.connected.is_some()) {
            return conflict("it is with an agent");
        }
        let updates = [
            priority.map(RoutingUpdate::Priority),
            adjustment.map(|seconds| RoutingUpdate::AgeAdjustment { seconds }),
            criteria.map(RoutingUpdate::Criteria),
        ];
        let mut is_queued = false;
        for update in updates.into_iter().flatten() {
            match cx.service.reroute(|routing, now| routing.update(now, contact.id, update)) {
                Some(Ok(())) => is_queued = true,
                Some(Err(QueuedRefusal::BeingJoined)) => return conflict("an agent has taken it"),
                Some(Err(QueuedRefusal::TooManySteps)) => return Err(too_large()),
                Some(Err(QueuedRefusal::NotQueued)) | None => {}
            }
        }
        // The contact keeps it for its next queue, in the width that flows have for it.
        let priority = priority.map(|priority| u32::try_from(priority).unwrap_or(u32::MAX));
        let order = Order::Route { contact: contact.id, priority, age_adjustment_s: adjustment };
        let is_told = cx.service.live().order(contact.id, order);
        if is_told || is_queued {
            return Ok(Output::empty_object());
        }
        conflict("it waits in no queue")
    }
}

fn too_large() -> ConnectError {
    ConnectError::parameter(format!(
        "RoutingCriteria has at most {STEPS_MAX} steps, and a step at most {STEP_AGENTS_MAX} agents"
    ))
}

/// The steps of criteria: each names agents. Agents have no proficiencies here, so that conditions on those are refused: the contact
/// would wait for no agent at all.
fn criteria_of(scene: &Scene<'_>, criteria: &Value) -> Result<RoutingCriteria, ConnectError> {
    let none = Vec::new();
    let steps = criteria["Steps"].as_array().unwrap_or(&none);
    let step = |step: &Value| {
        let condition = &step["Expression"]["AttributeCondition"];
        let named = condition["MatchCriteria"]["AgentsCriteria"]["AgentIds"].as_array();
        let Some(named) = named.filter(|named| !named.is_empty()) else {
            return Err(ConnectError::parameter(
                "a step of RoutingCriteria names agents by MatchCriteria here: they have no proficiencies",
            ));
        };
        let agent = |text: &Value| {
            let text = text.as_str().unwrap_or_default();
            let user = find::<User>(scene, &ResourceRef::of(text));
            let user = user
                .ok_or_else(|| ConnectError::not_found("RoutingCriteria names an agent who is not there"))?;
            Ok(AgentKey { instance: scene.instance.id, user: user.id })
        };
        let expires_after_s = match &step["Expiry"]["DurationInSeconds"] {
            Value::Null => None,
            seconds => Some(
                seconds
                    .as_u64()
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .ok_or_else(|| ConnectError::parameter("DurationInSeconds is a number of seconds"))?,
            ),
        };
        let agents = named.iter().map(agent).collect::<Result<Vec<_>, ConnectError>>()?;
        Ok(RoutingStep { agents, expires_after_s })
    };
    let steps = steps.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    let is_too_large =
        steps.len() > STEPS_MAX || steps.iter().any(|step| step.agents.len() > STEP_AGENTS_MAX);
    if is_too_large { Err(too_large()) } else { Ok(RoutingCriteria { steps }) }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Routed, ended_contact, live_contact};
    use crate::error::ErrorCode;
    use serde_json::json;
    use tympan_contact::Order;

    #[test]
    fn a_waiting_contact_moves_to_the_front_at_once() {
        let setting = Routed::new();
        let (first, second) = (setting.waiting(), setting.waiting());
        assert_eq!(setting.position(second), Some(2));
        let path = format!("/contacts/{}/{second}/routing-data", setting.instance);
        assert_eq!(setting.bench.call("POST", &path, json!({ "QueuePriority": 1 })).unwrap(), json!({}));
        assert_eq!((setting.position(second), setting.position(first)), (Some(1), Some(2)));
        let path = format!("/contacts/{}/{first}/routing-data", setting.instance);
        let older = json!({ "QueueTimeAdjustmentSeconds": 3600 });
        setting.bench.call("POST", &path, older).unwrap();
        assert_eq!(setting.position(first), Some(2), "priority comes before age");
        let criteria = json!({ "RoutingCriteria": { "Steps": [{ "Expiry": { "DurationInSeconds": 30 },
            "Expression": { "AttributeCondition": { "MatchCriteria": { "AgentsCriteria": { "AgentIds": [setting.agent] } } } } }] } });
        setting.bench.call("POST", &path, criteria).unwrap();
        assert_eq!(setting.routing.lock().unwrap().steps(first).len(), 1);
    }

    #[test]
    fn a_contact_that_is_in_no_queue_yet_keeps_it_for_its_next_one() {
        let setting = Routed::new();
        let contact = live_contact(&setting.bench, &setting.instance).id;
        let path = format!("/contacts/{}/{contact}/routing-data", setting.instance);
        let priority = i64::MAX;
        setting.bench.call("POST", &path, json!({ "QueuePriority": priority })).unwrap();
        let orders = setting.bench.live.orders.lock().unwrap().clone();
        assert_eq!(orders, [Order::Route { contact, priority: Some(u32::MAX), age_adjustment_s: None }]);
    }

    #[test]
    fn what_is_no_change_or_comes_too_late_is_refused() {
        let setting = Routed::new();
        let waiting = setting.waiting();
        let path = format!("/contacts/{}/{waiting}/routing-data", setting.instance);
        for bad in [
            json!({}),
            json!({ "QueuePriority": 1, "QueueTimeAdjustmentSeconds": 5 }),
            json!({ "QueuePriority": 0 }),
            json!({ "RoutingCriteria": { "Steps": [{ "Expression": { "AttributeCondition": { "Name": "language" } } }] } }),
        ] {
            assert_eq!(setting.bench.refusal("POST", &path, bad), ErrorCode::InvalidParameter);
        }
        let ended = ended_contact(&setting.bench, &setting.instance);
        for contact in [ended.id, setting.with_agent().id] {
            let path = format!("/contacts/{}/{contact}/routing-data", setting.instance);
            let refused = setting.bench.refusal("POST", &path, json!({ "QueuePriority": 1 }));
            assert_eq!(refused, ErrorCode::ResourceConflict);
        }
        let path = format!("/contacts/{}/{ABSENT}/routing-data", setting.instance);
        assert_eq!(
            setting.bench.refusal("POST", &path, json!({ "QueuePriority": 1 })),
            ErrorCode::ResourceNotFound
        );
    }
}
