use crate::error::{ConnectError, ErrorCode};
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use crate::queues::Queue;
use crate::service::Limits;
use crate::users::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_db::Kind;
use tympan_types::ResourceId;

/// The most queues that a profile may have: a bound on the size of its row.
const QUEUES: usize = 1000;

/// From which queues users are given contacts, how many at once, and from which queue they call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingProfile {
    /// The queue of calls that its users place.
    pub default_outbound_queue: ResourceId,
    /// The queues from which its users are given contacts.
    pub queues: Vec<RoutedQueue>,
    /// The queues from which its users may take contacts themselves; kept and counted.
    pub manual_queues: Vec<(ResourceId, Channel)>,
    /// How many contacts a user has at once.
    pub concurrencies: Vec<MediaConcurrency>,
    /// How it is counted for how long a user has been available.
    pub timer: AgentAvailabilityTimer,
    /// Whether it is the one that every instance begins with.
    #[serde(default)]
    pub is_default: bool,
}

/// A queue of a routing profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutedQueue {
    /// The queue.
    pub queue: ResourceId,
    /// For contacts of this channel.
    pub channel: Channel,
    /// 1 to 99; the lowest is served first.
    pub priority: u32,
    /// How long contacts wait before the users of the profile are given them.
    pub delay_s: u32,
}

/// A channel of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the words of the API")]
pub enum Channel {
    Voice,
    Chat,
    Task,
    Email,
}

/// How many contacts of a channel a user has at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MediaConcurrency {
    /// The channel.
    pub channel: Channel,
    /// 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// What may come beside a contact of the channel.
    #[serde(default)]
    pub cross_channel_behavior: CrossChannelBehavior,
    /// Kept and shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_type_concurrencies: Option<Value>,
}

/// What may come beside a contact of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CrossChannelBehavior {
    /// The rule.
    pub behavior_type: BehaviorType,
}

/// Whether contacts of other channels may come beside one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BehaviorType {
    /// None of them.
    #[default]
    RouteCurrentChannelOnly,
    /// Any of them.
    RouteAnyChannel,
}

/// From when on a user counts as waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AgentAvailabilityTimer {
    /// From the last contact on.
    #[default]
    TimeSinceLastActivity,
    /// From the last inbound contact on.
    TimeSinceLastInbound,
}

/// A queue of a profile as requests name it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueConfig {
    queue_reference: QueueReference,
    priority: u32,
    delay: u32,
}

/// A queue that users take contacts from themselves, as requests name it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ManualQueueConfig {
    queue_reference: QueueReference,
}

/// A queue and a channel of it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueReference {
    queue_id: String,
    channel: Channel,
}

impl QueueReference {
    pub(super) fn found(&self, scene: &Scene<'_>) -> Result<(ResourceId, Channel), ConnectError> {
        Ok((scene.find::<Queue>(&self.queue_id)?.id, self.channel))
    }
}

impl RoutingProfile {
    /// All queues that it refers to.
    pub(crate) fn queues(&self) -> impl Iterator<Item = ResourceId> {
        let manual = self.manual_queues.iter().map(|(queue, _)| *queue);
        let routed = self.queues.iter().map(|routed| routed.queue);
        routed.chain(manual).chain([self.default_outbound_queue])
    }

    /// Adds queues that a request names, or gives those that are there another priority and delay.
    pub(super) fn associate(
        &mut self,
        scene: &Scene<'_>,
        configs: &[QueueConfig],
    ) -> Result<(), ConnectError> {
        at_most_ten(configs)?;
        for config in configs {
            if !(1..=99).contains(&config.priority) || config.delay > 9999 {
                return Err(ConnectError::parameter("Priority must be 1 to 99 and Delay 0 to 9999"));
            }
            let (queue, channel) = config.queue_reference.found(scene)?;
            let routed = RoutedQueue { queue, channel, priority: config.priority, delay_s: config.delay };
            self.queues.retain(|known| (known.queue, known.channel) != (queue, channel));
            let count = self.queues.len();
            Limits::check(count, QUEUES, ErrorCode::InvalidParameter, "queues of the routing profile")?;
            self.queues.push(routed);
        }
        Ok(())
    }

    /// The same of the queues that users take contacts from themselves.
    pub(super) fn associate_manual(
        &mut self,
        scene: &Scene<'_>,
        configs: &[ManualQueueConfig],
    ) -> Result<(), ConnectError> {
        at_most_ten(configs)?;
        for config in configs {
            let queue = config.queue_reference.found(scene)?;
            let count = self.manual_queues.len();
            Limits::check(count, QUEUES, ErrorCode::InvalidParameter, "queues of the routing profile")?;
            if !self.manual_queues.contains(&queue) {
                self.manual_queues.push(queue);
            }
        }
        Ok(())
    }
}

fn at_most_ten<T>(configs: &[T]) -> Result<(), ConnectError> {
    match configs.len() {
        0..=10 => Ok(()),
        _ => Err(ConnectError::parameter("a list of queues has at most 10 entries")),
    }
}

/// Refuses concurrencies that no user can have.
pub(super) fn check(concurrencies: &[MediaConcurrency]) -> Result<(), ConnectError> {
    let mut channels: Vec<Channel> = concurrencies.iter().map(|known| known.channel).collect();
    channels.sort_unstable();
    channels.dedup();
    if channels.len() < concurrencies.len() {
        return Err(ConnectError::parameter("MediaConcurrencies has a channel twice"));
    }
    if concurrencies.iter().any(|known| known.concurrency.is_some_and(|count| count > 10)) {
        return Err(ConnectError::parameter("Concurrency must be 0 to 10"));
    }
    Ok(())
}

impl Spec for RoutingProfile {
    const KIND: &'static Kind = &rows("connect-routing-profile");
    const WORDS: &'static Words = &Words {
        noun: "routing profile",
        arn: "routing-profile",
        label: "RoutingProfileId",
        name: "Name",
        created: ("RoutingProfileId", "RoutingProfileArn"),
        shown: ("RoutingProfile", "RoutingProfileId", "RoutingProfileArn"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeRoutingProfile",
            list: "ListRoutingProfiles",
            search: "SearchRoutingProfiles",
            delete: "DeleteRoutingProfile",
        },
        summaries: "RoutingProfileSummaryList",
        found: ("RoutingProfiles", 500),
        longest: (127, 250),
    };

    fn show(named: &Named<Self>, scene: &Scene<'_>, shown: &mut Map<String, Value>) {
        let profile = &named.spec;
        let users = scene.all::<User>().filter(|user| user.spec.routing_profile == named.id).count();
        let queues: Vec<ResourceId> = profile.queues.iter().map(|known| known.queue).collect();
        let manual: Vec<ResourceId> = profile.manual_queues.iter().map(|(queue, _)| *queue).collect();
        for (member, value) in [
            ("InstanceId", json!(named.instance)),
            ("MediaConcurrencies", json!(profile.concurrencies)),
            ("DefaultOutboundQueueId", json!(profile.default_outbound_queue)),
            ("NumberOfAssociatedQueues", json!(queues.len())),
            ("NumberOfAssociatedManualAssignmentQueues", json!(manual.len())),
            ("NumberOfAssociatedUsers", json!(users)),
            ("AgentAvailabilityTimer", json!(profile.timer)),
            ("IsDefault", json!(profile.is_default)),
            ("AssociatedQueueIds", json!(queues)),
            ("AssociatedManualAssignmentQueueIds", json!(manual)),
        ] {
            shown.insert(member.to_owned(), value);
        }
    }

    fn used_by(named: &Named<Self>, scene: &Scene<'_>) -> Option<String> {
        let user = scene.all::<User>().find(|user| user.spec.routing_profile == named.id);
        user.map(|user| format!("user {:?}", user.name))
    }
}
