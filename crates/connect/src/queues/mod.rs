//! Queues, in which contacts wait for agents.

mod associate_queue_quick_connects;
mod create_queue;
mod disassociate_queue_quick_connects;
mod list_queue_quick_connects;
mod queue;
mod update_queue_hours_of_operation;
mod update_queue_max_contacts;
mod update_queue_name;
mod update_queue_outbound_caller_config;
mod update_queue_status;

pub use queue::{OutboundCaller, Queue, QueueStatus};

pub(crate) use associate_queue_quick_connects::AssociateQueueQuickConnects;
pub(crate) use create_queue::CreateQueue;
pub(crate) use disassociate_queue_quick_connects::DisassociateQueueQuickConnects;
pub(crate) use list_queue_quick_connects::ListQueueQuickConnects;
pub(crate) use update_queue_hours_of_operation::UpdateQueueHoursOfOperation;
pub(crate) use update_queue_max_contacts::UpdateQueueMaxContacts;
pub(crate) use update_queue_name::UpdateQueueName;
pub(crate) use update_queue_outbound_caller_config::UpdateQueueOutboundCallerConfig;
pub(crate) use update_queue_status::UpdateQueueStatus;
