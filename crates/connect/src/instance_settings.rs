use crate::service::ConnectService;
use tympan_contact::{AgentRef, InstanceSettings, QueueRef, Recording, RoutedFlow, TransferTarget};
use tympan_flow::ResourceRef;
use tympan_types::{InstanceId, StreamSettings, WallTime};

impl InstanceSettings for ConnectService {
    fn media_streaming(&self, instance: InstanceId) -> Option<StreamSettings> {
        let instance = self.instance(instance)?;
        let storage = instance.media_streams.as_ref()?;
        Some(StreamSettings {
            name_prefix: instance.stream_name_prefix()?,
            retention_hours: storage.retention_hours,
            key_id: storage.key_id.clone(),
        })
    }

    fn may_invoke(&self, instance: InstanceId, function_arn: &str) -> bool {
        Self::may_invoke(self, instance, function_arn)
    }

    fn flow(&self, instance: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow> {
        Self::flow(self, instance, flow)
    }

    fn module(&self, instance: InstanceId, module: &ResourceRef) -> Option<RoutedFlow> {
        Self::module(self, instance, module)
    }

    fn queue(&self, instance: InstanceId, queue: &ResourceRef) -> Option<QueueRef> {
        Self::queue(self, instance, queue)
    }

    fn prompt(&self, instance: InstanceId, prompt: &ResourceRef) -> Option<Recording> {
        Self::prompt(self, instance, prompt)
    }

    fn agent_queue(&self, instance: InstanceId, agent: &ResourceRef) -> Option<QueueRef> {
        Self::agent_queue(self, instance, agent)
    }

    fn default_flow(&self, instance: InstanceId, event: &str) -> Option<RoutedFlow> {
        Self::default_flow(self, instance, event)
    }

    fn agent(&self, instance: InstanceId, agent: &ResourceRef) -> Option<AgentRef> {
        Self::agent(self, instance, agent)
    }

    fn dialled(&self, instance: InstanceId, agent: &AgentRef, dialled: &str) -> Option<TransferTarget> {
        Self::dialled(self, instance, agent, dialled)
    }

    fn queue_numbers(&self, instance: InstanceId, queue: &QueueRef) -> Option<tympan_flow::Metrics> {
        Self::queue_numbers(self, instance, queue)
    }

    fn are_open(&self, instance: InstanceId, hours: &ResourceRef, now: WallTime) -> Option<bool> {
        Self::are_open(self, instance, hours, now)
    }
}
