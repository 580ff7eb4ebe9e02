use crate::{AgentRef, QueueRef, Recording, RoutedFlow, TransferTarget};
use tympan_flow::ResourceRef;
use tympan_types::{InstanceId, StreamSettings, WallTime};

/// What a call asks its instance while it lives: settings count from the next block on that needs them.
///
/// A resource is looked up by id or ARN; where the instance has none of that id, by the name that the flow has for it.
pub trait InstanceSettings: Send + Sync {
    /// Where customers' audio goes; `None` while live media streaming is not enabled.
    fn media_streaming(&self, instance: InstanceId) -> Option<StreamSettings>;

    /// Whether flows of the instance may invoke a function.
    fn may_invoke(&self, instance: InstanceId, function_arn: &str) -> bool;

    /// A published flow of the instance.
    fn flow(&self, instance: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow>;

    /// A published module of the instance. Its id may end with `:` and `$LATEST`, an alias or a version.
    fn module(&self, _instance: InstanceId, _module: &ResourceRef) -> Option<RoutedFlow> {
        None
    }

    /// A queue of the instance.
    fn queue(&self, _instance: InstanceId, _queue: &ResourceRef) -> Option<QueueRef> {
        None
    }

    /// A prompt of the instance.
    fn prompt(&self, _instance: InstanceId, _prompt: &ResourceRef) -> Option<Recording> {
        None
    }

    /// The own queue of an agent of the instance.
    fn agent_queue(&self, _instance: InstanceId, _agent: &ResourceRef) -> Option<QueueRef> {
        None
    }

    /// Whether hours of operation of the instance are open; `None` where it has no such hours.
    fn are_open(&self, _instance: InstanceId, _hours: &ResourceRef, _now: WallTime) -> Option<bool> {
        None
    }

    /// The flow that runs at an event of contacts where no hook says otherwise, by the hook's name: `CustomerQueue`.
    fn default_flow(&self, _instance: InstanceId, _event: &str) -> Option<RoutedFlow> {
        None
    }

    /// An agent of the instance, by id, ARN or user name.
    fn agent(&self, _instance: InstanceId, _agent: &ResourceRef) -> Option<AgentRef> {
        None
    }

    /// What an agent means who dials this: a quick connect, an agent, a queue or a flow by its name or extension, or a number.
    fn dialled(&self, _instance: InstanceId, _agent: &AgentRef, _dialled: &str) -> Option<TransferTarget> {
        None
    }

    /// The numbers of a queue as they are now; `None` where no routing runs.
    fn queue_numbers(&self, _instance: InstanceId, _queue: &QueueRef) -> Option<tympan_flow::Metrics> {
        None
    }
}
