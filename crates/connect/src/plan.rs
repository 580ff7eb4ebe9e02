//! What routing is to know of an instance, out of what is configured.

use crate::agent_statuses::{AgentStatusState, AgentStatusType};
use crate::directory::Directory;
use crate::instances::Instance;
use crate::named::Scene;
use crate::queues::QueueStatus;
use crate::routing_profiles::{AgentAvailabilityTimer, Channel};
use crate::service::ConnectService;
use crate::{agent_statuses, queues, routing_profiles, users};
use tympan_contact::routing::{
    AgentPlan, AvailabilityTimer, InstancePlan, ProfilePlan, QueuePlan, RoutedQueuePlan, StatusKind,
    StatusPlan,
};
use tympan_types::{InstanceId, WallTime};

impl ConnectService {
    /// Changes with each change of what is configured. Who has a plan of this revision has the newest one.
    pub fn revision(&self) -> u64 {
        self.directory().revision
    }

    /// The plans of all instances, with the revision that they are of.
    pub fn plans(&self) -> (u64, Vec<InstancePlan>) {
        let directory = self.directory();
        let plans = directory.instances().map(|instance| self.plan_of(&directory, instance)).collect();
        (directory.revision, plans)
    }

    /// The plan of an instance; `None` where there is none.
    pub fn plan(&self, instance: InstanceId) -> Option<InstancePlan> {
        let directory = self.directory();
        let instance = directory.instance(instance)?;
        Some(self.plan_of(&directory, instance))
    }

    fn plan_of(&self, directory: &Directory, instance: &Instance) -> InstancePlan {
        let now = WallTime::from_unix_ms(0);
        let scene = Scene { service: self, directory, instance, now };
        let mut plan = InstancePlan::empty(instance.id);
        plan.queues = scene.all::<queues::Queue>().map(|queue| (queue.id, queue_plan(&queue.spec))).collect();
        let profiles = scene.all::<routing_profiles::RoutingProfile>();
        plan.profiles = profiles.map(|profile| (profile.id, profile_plan(&profile.spec))).collect();
        plan.agents = scene.all::<users::User>().map(|user| (user.id, agent_plan(&user.spec))).collect();
        let statuses = scene.all::<agent_statuses::AgentStatus>();
        plan.statuses = statuses
            .map(|status| {
                let kind = match status.spec.status_type {
                    AgentStatusType::Routable => StatusKind::Routable,
                    AgentStatusType::Custom => StatusKind::Custom,
                    AgentStatusType::Offline => StatusKind::Offline,
                };
                let is_enabled = status.spec.state == AgentStatusState::Enabled;
                (status.id, StatusPlan { name: status.name.clone(), kind, is_enabled })
            })
            .collect();
        plan
    }
}

fn queue_plan(queue: &queues::Queue) -> QueuePlan {
    QueuePlan { is_enabled: queue.status == QueueStatus::Enabled, max_contacts: queue.max_contacts }
}

fn profile_plan(profile: &routing_profiles::RoutingProfile) -> ProfilePlan {
    let queues = profile.queues.iter().filter(|routed| routed.channel == Channel::Voice);
    let voice = profile.concurrencies.iter().find(|known| known.channel == Channel::Voice);
    ProfilePlan {
        queues: queues
            .map(|routed| RoutedQueuePlan {
                queue: routed.queue,
                priority: routed.priority,
                delay_s: routed.delay_s,
            })
            .collect(),
        voice_concurrency: voice.map_or(0, |voice| voice.concurrency.unwrap_or(1)),
        timer: match profile.timer {
            AgentAvailabilityTimer::TimeSinceLastActivity => AvailabilityTimer::SinceLastActivity,
            AgentAvailabilityTimer::TimeSinceLastInbound => AvailabilityTimer::SinceLastInbound,
        },
    }
}

/// The members of the channel stand before those of all channels.
fn agent_plan(user: &users::User) -> AgentPlan {
    AgentPlan {
        profile: user.routing_profile,
        after_contact_work_s: user.voice_after_contact_work_s(),
        auto_accept: user.voice_auto_accept(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;
    use serde_json::json;
    use tympan_contact::routing::AgentKey;

    #[test]
    fn a_plan_has_what_is_configured_and_its_revision_changes_with_it() {
        let bench = Bench::with(|options| options.default_resources = true);
        let instance = bench.instance("demo");
        let id: InstanceId = instance.parse().unwrap();
        let (before, plans) = bench.service.plans();
        assert_eq!(plans.len(), 1);
        let plan = &plans[0];
        assert_eq!((plan.queues.len(), plan.profiles.len(), plan.agents.len()), (1, 1, 0));
        assert!(plan.statuses.values().any(|status| status.name == "Available" && status.is_enabled));
        let profile = plan.profiles.values().next().unwrap();
        assert_eq!((profile.voice_concurrency, profile.queues.len()), (1, 1));
        let user = bench.agent(&instance, "agent1");
        assert!(bench.service.revision() > before);
        let plan = bench.service.plan(id).unwrap();
        let agent = plan.agents[&user.parse().unwrap()];
        assert_eq!((agent.after_contact_work_s, agent.auto_accept), (30, true));
        let mut routing = tympan_contact::routing::Routing::default();
        let now = tympan_contact::Now { mono: tympan_types::Mono::default(), wall: crate::bench::NOW };
        routing.configure(now, plan);
        let key = AgentKey { instance: id, user: user.parse().unwrap() };
        assert!(routing.user_data(key).is_some());
    }

    #[test]
    fn what_is_set_for_voice_stands_before_what_is_set_for_all() {
        let bench = Bench::with(|options| options.default_resources = true);
        let instance = bench.instance("demo");
        let user = bench.agent(&instance, "agent1");
        let path = format!("/users/{instance}/{user}/phone-config");
        let body = json!({ "PhoneConfig": { "PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 7 } });
        bench.call("POST", &path, body).unwrap();
        let id: InstanceId = instance.parse().unwrap();
        let agent = |bench: &Bench| bench.service.plan(id).unwrap().agents[&user.parse().unwrap()];
        assert_eq!((agent(&bench).after_contact_work_s, agent(&bench).auto_accept), (7, false));
    }
}
