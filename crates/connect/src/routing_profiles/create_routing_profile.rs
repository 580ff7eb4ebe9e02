//! CreateRoutingProfile: PUT /routing-profiles/{InstanceId}.

use super::RoutingProfile;
use super::routing_profile::{ManualQueueConfig, QueueConfig, check};
use super::{AgentAvailabilityTimer, MediaConcurrency};
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use crate::queues::Queue;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    default_outbound_queue_id: String,
    #[serde(default)]
    queue_configs: Vec<QueueConfig>,
    #[serde(default)]
    manual_assignment_queue_configs: Vec<ManualQueueConfig>,
    media_concurrencies: Vec<MediaConcurrency>,
    #[serde(default)]
    agent_availability_timer: AgentAvailabilityTimer,
}

/// Creates a routing profile.
pub(crate) struct CreateRoutingProfile;

impl Creation for CreateRoutingProfile {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "CreateRoutingProfile";

    fn spec(scene: &Scene<'_>, members: Members) -> Result<RoutingProfile, ConnectError> {
        check(&members.media_concurrencies)?;
        let mut profile = RoutingProfile {
            default_outbound_queue: scene.find::<Queue>(&members.default_outbound_queue_id)?.id,
            queues: Vec::new(),
            manual_queues: Vec::new(),
            concurrencies: members.media_concurrencies,
            timer: members.agent_availability_timer,
            is_default: false,
        };
        profile.associate(scene, &members.queue_configs)?;
        profile.associate_manual(scene, &members.manual_assignment_queue_configs)?;
        Ok(profile)
    }
}
