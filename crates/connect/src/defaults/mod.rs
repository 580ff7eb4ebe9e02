//! What every instance begins with, by the names that the service gives: scripts and exported flows find it by them.
//!
//! Source: Administrator Guide, "Default flows" and the pages of queues, profiles and statuses; names as in answers of the
//! service. Contents and sounds are our own.

mod flows;

use crate::agent_statuses::{AgentStatus, AgentStatusState, AgentStatusType};
use crate::directory::Edit;
use crate::error::ConnectError;
use crate::flows::{ContactFlow, NewFlow};
use crate::hours::HoursOfOperation;
use crate::instances::Instance;
use crate::named::{Named, Scene, Spec};
use crate::prompts::{DefaultPrompt, Prompt, Source};
use crate::queues::{OutboundCaller, Queue, QueueStatus};
use crate::routing_profiles::{
    AgentAvailabilityTimer, Channel, CrossChannelBehavior, MediaConcurrency, RoutedQueue, RoutingProfile,
};
use crate::security_profiles::SecurityProfile;
use crate::service::ConnectService;
use std::collections::BTreeMap;
use tympan_types::{ContactFlowId, InstanceId, ResourceId, WallTime};

/// The security profiles, each with what it permits. Two of them may take contacts.
const SECURITY_PROFILES: &[(&str, &[&str])] = &[
    (
        "Admin",
        &[
            "BasicAgentAccess",
            "OutboundCallAccess",
            "AccessMetrics",
            "Queues.View",
            "Queues.Edit",
            "Users.View",
            "Users.Edit",
            "ContactFlows.View",
            "ContactFlows.Edit",
            "PhoneNumbers.Claim",
        ],
    ),
    ("Agent", &["BasicAgentAccess", "OutboundCallAccess"]),
    (
        "CallCenterManager",
        &["AccessMetrics", "Queues.View", "Queues.Edit", "Users.View", "ContactFlows.View"],
    ),
    ("QualityAnalyst", &["AccessMetrics", "ManagerListenIn"]),
];

/// Gives an instance what it begins with, once. A name that is taken already stays as it is.
pub(crate) fn give(
    service: &ConnectService,
    edit: &mut Edit,
    id: InstanceId,
    now: WallTime,
) -> Result<(), ConnectError> {
    let Some(instance) = edit.directory.instance(id).filter(|instance| !instance.config.has_defaults) else {
        return Ok(());
    };
    if !service.options().default_resources {
        return Ok(());
    }
    let mut instance = instance.as_ref().clone();
    instance.config.has_defaults = true;
    let mut giving = Giving { service, edit, instance: instance.clone(), now };
    let always = HoursOfOperation::always(service.options().time_zone.clone());
    let hours = giving.named("Basic Hours", None, always);
    let queue = Queue {
        hours,
        status: QueueStatus::Enabled,
        max_contacts: None,
        outbound_caller: OutboundCaller::default(),
        quick_connects: Vec::new(),
    };
    let queue = giving.named("BasicQueue", Some("A simple, basic voice queue."), queue);
    let profile = RoutingProfile {
        default_outbound_queue: queue,
        queues: vec![RoutedQueue { queue, channel: Channel::Voice, priority: 1, delay_s: 0 }],
        manual_queues: Vec::new(),
        concurrencies: vec![MediaConcurrency {
            channel: Channel::Voice,
            concurrency: Some(1),
            cross_channel_behavior: CrossChannelBehavior::default(),
            workload_type_concurrencies: None,
        }],
        timer: AgentAvailabilityTimer::default(),
        is_default: true,
    };
    giving.named("Basic Routing Profile", Some("A simple, basic routing profile."), profile);
    for (name, permissions) in SECURITY_PROFILES {
        let permissions = permissions.iter().map(|word| (*word).to_owned()).collect();
        giving.named(name, None, SecurityProfile { permissions, ..SecurityProfile::default() });
    }
    for (name, status_type) in
        [("Available", AgentStatusType::Routable), ("Offline", AgentStatusType::Offline)]
    {
        let status = AgentStatus { status_type, state: AgentStatusState::Enabled, display_order: None };
        giving.named(name, None, status);
    }
    let prompts: BTreeMap<&str, String> = DefaultPrompt::ALL
        .iter()
        .map(|prompt| {
            let id = giving.named(prompt.name(), None, Prompt { source: Source::Default(*prompt) });
            (prompt.name(), giving.arn::<Prompt>(id))
        })
        .collect();
    let basic_queue = giving.arn::<Queue>(queue);
    for flow in flows::all(&prompts, &basic_queue) {
        giving.flow(flow)?;
    }
    edit.put_instance(instance)
}

/// One run of giving.
struct Giving<'a> {
    service: &'a ConnectService,
    edit: &'a mut Edit,
    instance: Instance,
    now: WallTime,
}

impl Giving<'_> {
    /// Gives a resource; the id of that which has the name.
    fn named<S: Spec>(&mut self, name: &str, description: Option<&str>, spec: S) -> ResourceId {
        let scene = self.scene();
        if let Some(known) = scene.named::<S>(name) {
            return known.id;
        }
        let id = ResourceId::from_random(self.service.random());
        self.edit.put_named(Named {
            id,
            instance: self.instance.id,
            name: name.to_owned(),
            description: description.map(str::to_owned),
            tags: BTreeMap::new(),
            modified: self.now,
            spec,
        });
        id
    }

    fn arn<S: Spec>(&self, id: ResourceId) -> String {
        self.scene().arn::<S>(id)
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            service: self.service,
            directory: &self.edit.directory,
            instance: &self.instance,
            now: self.now,
        }
    }

    fn flow(&mut self, flow: flows::DefaultFlow) -> Result<(), ConnectError> {
        if self.edit.directory.flows_of(self.instance.id).any(|known| known.name == flow.name) {
            return Ok(());
        }
        let mut new = ContactFlow::new(
            self.now,
            NewFlow {
                id: ContactFlowId::from_random(self.service.random()),
                instance: self.instance.id,
                name: flow.name.to_owned(),
                flow_type: flow.flow_type,
                description: flow.description.map(str::to_owned),
                tags: BTreeMap::new(),
            },
        );
        new.publish(self.now, &flow.content)?;
        self.edit.put_flow(new)
    }
}

impl ConnectService {
    /// Gives the instances of an earlier database what instances begin with now; the others are as they were.
    ///
    /// # Errors
    /// That it cannot be made durable; then nothing is given.
    pub fn give_defaults(&self, now: WallTime) -> Result<(), ConnectError> {
        let lacks = |instance: &&std::sync::Arc<Instance>| !instance.config.has_defaults;
        let directory = self.directory();
        let lacking: Vec<InstanceId> =
            directory.instances().filter(lacks).map(|instance| instance.id).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        self.change(|edit| lacking.iter().try_for_each(|id| give(self, edit, *id, now)))
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, NOW, text};
    use serde_json::Value;

    fn names(bench: &Bench, path: &str, list: &str) -> Vec<String> {
        let answer = bench.call("GET", path, Value::Null).unwrap();
        let mut names: Vec<String> =
            answer[list].as_array().unwrap().iter().map(|item| text(&item["Name"])).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_instance_has_what_the_service_gives_by_its_exact_names() {
        let bench = Bench::with(|options| options.default_resources = true);
        let i = bench.instance("demo");
        assert_eq!(names(&bench, &format!("/queues-summary/{i}"), "QueueSummaryList"), ["BasicQueue"]);
        assert_eq!(
            names(&bench, &format!("/hours-of-operations-summary/{i}"), "HoursOfOperationSummaryList"),
            ["Basic Hours"]
        );
        assert_eq!(
            names(&bench, &format!("/routing-profiles-summary/{i}"), "RoutingProfileSummaryList"),
            ["Basic Routing Profile"]
        );
        assert_eq!(
            names(&bench, &format!("/security-profiles-summary/{i}"), "SecurityProfileSummaryList"),
            ["Admin", "Agent", "CallCenterManager", "QualityAnalyst"]
        );
        assert_eq!(
            names(&bench, &format!("/agent-status/{i}"), "AgentStatusSummaryList"),
            ["Available", "Offline"]
        );
        assert_eq!(
            names(&bench, &format!("/prompts-summary/{i}"), "PromptSummaryList"),
            [
                "Beep.wav",
                "CustomerHold.wav",
                "CustomerQueue.wav",
                "Music_Jazz_MyTimetoFly_Inst.wav",
                "Music_Pop_ThisAndThatIsLife_Inst.wav",
                "Music_Pop_ThrowYourselfInFrontOfIt_Inst.wav",
                "Music_Rock_EverywhereTheSunShines_Inst.wav"
            ]
        );
        let flows = bench.call("GET", &format!("/contact-flows-summary/{i}"), Value::Null).unwrap();
        let flows = flows["ContactFlowSummaryList"].as_array().unwrap();
        let of = |name: &str| {
            flows.iter().find(|flow| flow["Name"] == name).map(|flow| text(&flow["ContactFlowType"]))
        };
        for (name, flow_type) in [
            ("Default agent hold", "AGENT_HOLD"),
            ("Default agent transfer", "AGENT_TRANSFER"),
            ("Default agent whisper", "AGENT_WHISPER"),
            ("Default customer hold", "CUSTOMER_HOLD"),
            ("Default customer queue", "CUSTOMER_QUEUE"),
            ("Default customer whisper", "CUSTOMER_WHISPER"),
            ("Default outbound", "OUTBOUND_WHISPER"),
            ("Default queue transfer", "QUEUE_TRANSFER"),
            ("Sample inbound flow (first contact experience)", "CONTACT_FLOW"),
        ] {
            assert_eq!(of(name).as_deref(), Some(flow_type), "{name}");
        }
        assert!(flows.iter().all(|flow| flow["ContactFlowStatus"] == "PUBLISHED"));
    }

    #[test]
    fn an_instance_of_an_earlier_database_is_given_them_once_and_what_is_deleted_stays_so() {
        let earlier = Bench::new();
        let i = earlier.instance("demo");
        earlier.flow(&i, "Default customer hold");
        let bench = earlier.reopened_with(|options| options.default_resources = true);
        bench.service.give_defaults(NOW).unwrap();
        let flows = names(&bench, &format!("/contact-flows-summary/{i}"), "ContactFlowSummaryList");
        assert_eq!(flows.iter().filter(|name| *name == "Default customer hold").count(), 1);
        let prompts = bench.call("GET", &format!("/prompts-summary/{i}"), Value::Null).unwrap();
        let beep = text(&prompts["PromptSummaryList"][0]["Id"]);
        bench.call("DELETE", &format!("/prompts/{i}/{beep}"), Value::Null).unwrap();
        let again = bench.reopened();
        again.service.give_defaults(NOW).unwrap();
        assert_eq!(names(&again, &format!("/prompts-summary/{i}"), "PromptSummaryList").len(), 6);
    }
}
