//! Routing profiles: from which queues users are given contacts.

mod associate_routing_profile_queues;
mod create_routing_profile;
mod disassociate_routing_profile_queues;
mod list_routing_profile_manual_assignment_queues;
mod list_routing_profile_queues;
mod routing_profile;
mod update_routing_profile_agent_availability_timer;
mod update_routing_profile_concurrency;
mod update_routing_profile_default_outbound_queue;
mod update_routing_profile_name;
mod update_routing_profile_queues;

pub use routing_profile::{
    AgentAvailabilityTimer, BehaviorType, Channel, CrossChannelBehavior, MediaConcurrency, RoutedQueue,
    RoutingProfile,
};

pub(crate) use associate_routing_profile_queues::AssociateRoutingProfileQueues;
pub(crate) use create_routing_profile::CreateRoutingProfile;
pub(crate) use disassociate_routing_profile_queues::DisassociateRoutingProfileQueues;
pub(crate) use list_routing_profile_manual_assignment_queues::ListRoutingProfileManualAssignmentQueues;
pub(crate) use list_routing_profile_queues::ListRoutingProfileQueues;
pub(crate) use update_routing_profile_agent_availability_timer::UpdateRoutingProfileAgentAvailabilityTimer;
pub(crate) use update_routing_profile_concurrency::UpdateRoutingProfileConcurrency;
pub(crate) use update_routing_profile_default_outbound_queue::UpdateRoutingProfileDefaultOutboundQueue;
pub(crate) use update_routing_profile_name::UpdateRoutingProfileName;
pub(crate) use update_routing_profile_queues::UpdateRoutingProfileQueues;
