//! What calls ask of an instance about agents, and about what agents transfer and dial to.

use crate::flow_resources::find;
use crate::flows::{ContactFlow, FlowReference};
use crate::named::{Named, Scene};
use crate::phone_numbers::DialledNumber;
use crate::queues::Queue;
use crate::quick_connects::QuickConnect;
use crate::reference;
use crate::routing_profiles::RoutingProfile;
use crate::service::ConnectService;
use crate::users::User;
use tympan_contact::routing::{AgentKey, QueueKey};
use tympan_contact::{AgentRef, QueueRef, TransferTarget};
use tympan_flow::{Metrics, ResourceRef, RoutedFlow};
use tympan_types::{InstanceId, Redacted, ResourceId, WallTime};

/// The default flow of each event, by the name of its hook.
///
/// Source: Administrator Guide, "Default flows".
const DEFAULTS: &[(&str, &str)] = &[
    ("AgentHold", "Default agent hold"),
    ("AgentTransfer", "Default agent transfer"),
    ("AgentWhisper", "Default agent whisper"),
    ("CustomerHold", "Default customer hold"),
    ("CustomerQueue", "Default customer queue"),
    ("CustomerWhisper", "Default customer whisper"),
    ("OutboundWhisper", "Default outbound"),
    ("QueueTransfer", "Default queue transfer"),
];

/// How calls leave from a queue.
#[derive(Clone)]
pub struct OutboundLine {
    /// The queue.
    pub queue: QueueRef,
    /// The number that is shown, in E.164.
    pub caller_id: Option<String>,
    /// The name that is shown.
    pub caller_name: Option<String>,
    /// What the customer hears first.
    pub whisper: Option<RoutedFlow>,
}

impl ConnectService {
    /// The flow that runs at an event where no hook says otherwise, by the hook's name; `None` where the instance has none of its
    /// name any longer.
    pub fn default_flow(&self, instance: InstanceId, event: &str) -> Option<RoutedFlow> {
        let (_, name) = DEFAULTS.iter().find(|(hook, _)| *hook == event)?;
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            flow_named(scene, name)?.runnable(scene.instance)
        })
    }

    /// An agent of the instance, by id, ARN or user name.
    pub fn agent(&self, instance: InstanceId, agent: &ResourceRef) -> Option<AgentRef> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| agent_ref(scene, find::<User>(scene, agent)?))
    }

    /// The agent of a user's id.
    pub fn agent_by_id(&self, agent: AgentKey) -> Option<AgentRef> {
        self.seen(agent.instance, WallTime::from_unix_ms(0), |scene| {
            agent_ref(scene, scene.get::<User>(agent.user)?)
        })
    }

    /// A queue by the key that routing has for it; of an agent's own queue that is the agent's.
    pub fn queue_by_key(&self, queue: QueueKey) -> Option<QueueRef> {
        use tympan_contact::routing::QueueKind;
        match queue.kind {
            QueueKind::Queue(id) => self.queue(queue.instance, &ResourceRef::of(id.to_string())),
            QueueKind::Agent(id) => self.agent_queue(queue.instance, &ResourceRef::of(id.to_string())),
        }
    }

    /// The key that routing has for a queue.
    pub fn queue_key(&self, instance: InstanceId, queue: &QueueRef) -> Option<QueueKey> {
        let id = ResourceId::parse(queue.arn.rsplit('/').next()?).ok()?;
        Some(match queue.is_agents {
            true => AgentKey { instance, user: id }.own_queue(),
            false => QueueKey::standard(instance, id),
        })
    }

    /// What an agent means who dials this: a quick connect of a queue of his routing profile, by its id or name; an agent by his id or
    /// user name; a queue or a flow by its id or name; else a number.
    pub fn dialled(&self, instance: InstanceId, agent: &AgentRef, dialled: &str) -> Option<TransferTarget> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let named = ResourceRef { id: dialled.to_owned(), name: None };
            if let Some(quick_connect) = quick_connect(scene, agent, dialled) {
                return target_of(self, scene, &quick_connect.spec);
            }
            if let Some(user) = find::<User>(scene, &named) {
                return Some(TransferTarget::Agent { agent: agent_ref(scene, user)?, flow: None });
            }
            if let Some(queue) = self.queue(instance, &named) {
                return Some(TransferTarget::Queue { queue, flow: None });
            }
            let by_id =
                reference::flow_of(scene.instance, dialled).and_then(|id| scene.directory.flow_by_id(id));
            let by_id = by_id.filter(|flow| flow.instance == instance).map(|flow| &**flow);
            if let Some(flow) = by_id.or_else(|| flow_named(scene, dialled)) {
                let id = scene.instance.flow_arn(flow.id);
                return Some(TransferTarget::Flow(ResourceRef { id, name: Some(flow.name.clone()) }));
            }
            let number = DialledNumber::sip_user(dialled).ok()?;
            let digits = number.as_str().strip_prefix('+').unwrap_or(number.as_str());
            let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| TransferTarget::Number(Redacted::new(number.as_str().to_owned())))
        })
    }

    /// How an agent's own calls leave: from the default outbound queue of his routing profile.
    pub fn outbound_of_agent(&self, agent: AgentKey) -> Option<OutboundLine> {
        let queue = self.seen(agent.instance, WallTime::from_unix_ms(0), |scene| {
            let user = scene.get::<User>(agent.user)?;
            Some(scene.get::<RoutingProfile>(user.spec.routing_profile)?.spec.default_outbound_queue)
        })?;
        self.outbound_of_queue(agent.instance, &ResourceRef::of(queue.to_string()))
    }

    /// How calls leave from a queue: its number and name, and its whisper or the default one.
    pub fn outbound_of_queue(&self, instance: InstanceId, queue: &ResourceRef) -> Option<OutboundLine> {
        let line = self.queue(instance, queue)?;
        let (name, flow) = self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let caller = &find::<Queue>(scene, queue)?.spec.outbound_caller;
            let reference = FlowReference { id: caller.flow, arn: None, qualifier: None };
            let flow = scene.directory.flow(scene.instance, &reference);
            Some((caller.name.clone(), flow.and_then(|flow| flow.runnable(scene.instance))))
        })?;
        let whisper = flow.or_else(|| self.default_flow(instance, "OutboundWhisper"));
        let caller_id = line.outbound_caller_id.clone();
        Some(OutboundLine { queue: line, caller_id, caller_name: name, whisper })
    }

    /// Whether calls of an instance may show a number: one that is claimed to it.
    pub fn may_show(&self, instance: InstanceId, number: &str) -> bool {
        let Ok(number) = DialledNumber::e164(number) else { return false };
        let directory = self.directory();
        directory.dialled(&number).is_some_and(|number| number.instance == instance)
    }

    /// What flows are told of a queue: `None` where nothing is routed.
    pub fn queue_numbers(&self, instance: InstanceId, queue: &QueueRef) -> Option<Metrics> {
        if !self.routes() {
            return None;
        }
        let key = self.queue_key(instance, queue)?;
        self.look(|routing, now| {
            let (contacts, agents) = (routing.queue_contacts(now, key), routing.queue_agents(key));
            Metrics {
                queue_name: queue.name.clone(),
                queue_arn: queue.arn.clone(),
                contacts_in_queue: contacts.in_queue.into(),
                oldest_contact_age_ms: u64::try_from(contacts.oldest_age_ms).unwrap_or(0),
                agents_online: agents.online.into(),
                agents_available: agents.available.into(),
                agents_staffed: agents.staffed.into(),
                agents_after_contact_work: agents.after_contact_work.into(),
                // In flows the busy ones leave out those who work after a contact.
                agents_busy: agents.on_contact.saturating_sub(agents.after_contact_work).into(),
                agents_missed: agents.error.into(),
                agents_non_productive: agents.non_productive.into(),
            }
        })
    }
}

fn flow_named<'a>(scene: &'a Scene<'_>, name: &str) -> Option<&'a ContactFlow> {
    scene.directory.flows_of(scene.instance.id).find(|flow| flow.name == name).map(|flow| &**flow)
}

/// A user as contacts name him.
pub(crate) fn agent_ref(scene: &Scene<'_>, user: &Named<User>) -> Option<AgentRef> {
    let profile = scene.get::<RoutingProfile>(user.spec.routing_profile)?;
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    Some(AgentRef {
        id: user.id,
        arn: scene.arn::<User>(user.id),
        user_name: user.name.clone(),
        first_name: name(&user.spec.identity.first_name),
        last_name: name(&user.spec.identity.last_name),
        routing_profile_arn: scene.arn::<RoutingProfile>(profile.id),
        routing_profile_name: profile.name.clone(),
    })
}

/// A quick connect of the queues of an agent's routing profile, which are those that he sees.
fn quick_connect<'a>(
    scene: &'a Scene<'_>,
    agent: &AgentRef,
    dialled: &str,
) -> Option<&'a Named<QuickConnect>> {
    let profile = scene.get::<RoutingProfile>(scene.get::<User>(agent.id)?.spec.routing_profile)?;
    let queues = profile.spec.queues.iter().filter_map(|routed| scene.get::<Queue>(routed.queue));
    let mut seen = queues
        .flat_map(|queue| queue.spec.quick_connects.iter())
        .filter_map(|id| scene.get::<QuickConnect>(*id));
    let id = reference::resource(scene.instance, "transfer-destination", dialled);
    seen.find(|known| Some(known.id) == id || known.name.eq_ignore_ascii_case(dialled)).map(|known| &**known)
}

fn target_of(
    service: &ConnectService,
    scene: &Scene<'_>,
    quick_connect: &QuickConnect,
) -> Option<TransferTarget> {
    let flow = |id| ResourceRef::of(scene.instance.flow_arn(id));
    Some(match quick_connect {
        QuickConnect::User { user, flow: id } => TransferTarget::Agent {
            agent: agent_ref(scene, scene.get::<User>(*user)?)?,
            flow: Some(flow(*id)),
        },
        QuickConnect::Queue { queue, flow: id } => TransferTarget::Queue {
            queue: service.queue(scene.instance.id, &ResourceRef::of(queue.to_string()))?,
            flow: Some(flow(*id)),
        },
        QuickConnect::PhoneNumber(number) => {
            TransferTarget::Number(Redacted::new(number.as_str().to_owned()))
        }
        QuickConnect::Flow(id) => TransferTarget::Flow(flow(*id)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, text};
    use serde_json::json;

    struct Setting {
        bench: Bench,
        instance: String,
        id: InstanceId,
        agent: AgentRef,
    }

    impl Setting {
        fn new() -> Self {
            let bench = Bench::with(|options| options.default_resources = true);
            let instance = bench.instance("demo");
            let id: InstanceId = instance.parse().unwrap();
            bench.agent(&instance, "agent1");
            let agent = bench.service.agent(id, &ResourceRef::of("agent1")).unwrap();
            Self { bench, instance, id, agent }
        }

        fn dialled(&self, text: &str) -> Option<TransferTarget> {
            self.bench.service.dialled(self.id, &self.agent, text)
        }
    }

    #[test]
    fn an_agent_is_found_by_id_arn_and_user_name() {
        let Setting { bench, id, agent, .. } = Setting::new();
        assert_eq!((agent.user_name.as_str(), agent.first_name.as_str()), ("agent1", "Ada"));
        assert_eq!(agent.routing_profile_name, "Basic Routing Profile");
        for text in [agent.id.to_string(), agent.arn.clone()] {
            assert_eq!(bench.service.agent(id, &ResourceRef::of(&text)).as_ref(), Some(&agent));
        }
        assert_eq!(bench.service.agent(id, &ResourceRef::of("agent2")), None);
        assert_eq!(bench.service.agent_by_id(AgentKey { instance: id, user: agent.id }), Some(agent));
    }

    #[test]
    fn every_event_has_its_default_flow_until_it_is_deleted() {
        let Setting { bench, instance, id, .. } = Setting::new();
        for (event, name) in DEFAULTS {
            assert_eq!(bench.service.default_flow(id, event).unwrap().identity.name, *name);
        }
        assert!(bench.service.default_flow(id, "CustomerRemaining").is_none());
        let flow = bench.service.default_flow(id, "CustomerHold").unwrap();
        let flow = flow.identity.arn.rsplit('/').next().unwrap().to_owned();
        bench.call("DELETE", &format!("/contact-flows/{instance}/{flow}"), json!(null)).unwrap();
        assert!(bench.service.default_flow(id, "CustomerHold").is_none());
    }

    #[test]
    fn what_an_agent_dials_is_a_quick_connect_of_his_queues_before_all_else_and_a_number_last() {
        let setting = Setting::new();
        let Setting { bench, instance, .. } = &setting;
        assert!(matches!(setting.dialled("agent1"), Some(TransferTarget::Agent { flow: None, .. })));
        assert!(matches!(setting.dialled("BasicQueue"), Some(TransferTarget::Queue { flow: None, .. })));
        assert!(matches!(setting.dialled("Default queue transfer"), Some(TransferTarget::Flow(_))));
        let number = |text: &str| Some(TransferTarget::Number(Redacted::new(text.to_owned())));
        assert_eq!(setting.dialled("+12065550100"), number("+12065550100"));
        assert_eq!(setting.dialled("nobody"), None);
        assert_eq!(setting.dialled("+"), None);
        let body = json!({ "Name": "agent1", "QuickConnectConfig": {
            "QuickConnectType": "PHONE_NUMBER", "PhoneConfig": { "PhoneNumber": "+12065550177" } } });
        let made = bench.call("PUT", &format!("/quick-connects/{instance}"), body).unwrap();
        assert!(
            matches!(setting.dialled("agent1"), Some(TransferTarget::Agent { .. })),
            "of no queue of his"
        );
        let queue = bench.basic_queue(instance);
        let id = text(&made["QuickConnectId"]);
        let path = format!("/queues/{instance}/{queue}/associate-quick-connects");
        bench.call("POST", &path, json!({ "QuickConnectIds": [id] })).unwrap();
        assert_eq!(setting.dialled("Agent1"), number("+12065550177"));
        assert_eq!(setting.dialled(&id), number("+12065550177"));
    }

    #[test]
    fn calls_leave_by_the_number_and_whisper_of_the_queue() {
        let setting = Setting::new();
        let Setting { bench, instance, id, agent } = &setting;
        let key = AgentKey { instance: *id, user: agent.id };
        let line = bench.service.outbound_of_agent(key).unwrap();
        assert_eq!((line.caller_id, line.queue.name.as_str()), (None, "BasicQueue"));
        assert_eq!(line.whisper.unwrap().identity.name, "Default outbound");
        let number = bench.number(instance, "+18005550101");
        let path = format!("/queues/{instance}/{}/outbound-caller-config", bench.basic_queue(instance));
        let config = json!({ "OutboundCallerIdName": "Parcels", "OutboundCallerIdNumberId": number });
        bench.call("POST", &path, json!({ "OutboundCallerConfig": config })).unwrap();
        let line = bench.service.outbound_of_agent(key).unwrap();
        assert_eq!(line.caller_id.as_deref(), Some("+18005550101"));
        assert_eq!(line.caller_name.as_deref(), Some("Parcels"));
        assert!(bench.service.may_show(*id, "+18005550101") && !bench.service.may_show(*id, "+18005550102"));
    }

    #[test]
    fn a_queue_has_one_key_and_the_key_one_queue() {
        let Setting { bench, id, agent, .. } = Setting::new();
        let named = ResourceRef::of("BasicQueue");
        for queue in [
            bench.service.queue(id, &named).unwrap(),
            bench.service.agent_queue(id, &ResourceRef::of(&agent.arn)).unwrap(),
        ] {
            let key = bench.service.queue_key(id, &queue).unwrap();
            assert_eq!(bench.service.queue_by_key(key), Some(queue));
        }
        assert_eq!(bench.service.queue_numbers(id, &bench.service.queue(id, &named).unwrap()), None);
    }
}
