use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_contact::{AgentRef, InstanceSettings, QueueRef, RoutedFlow};
use tympan_flow::{Flow, FlowIdentity, FlowType, ResourceRef};
use tympan_types::{InstanceId, StreamSettings, WallTime};

/// The instance of simulated calls: the queues `BasicQueue` and `Overflow`, `Basic Hours`, one agent, and these flows and modules, by name.
#[derive(Clone, Default)]
pub struct Instance {
    flows: BTreeMap<String, RoutedFlow>,
    is_closed: bool,
}

impl Instance {
    /// ARN of its resources.
    pub const ARN: &str =
        "arn:aws:connect:us-west-2:111122223333:instance/11111111-2222-4333-8444-555555555555";

    /// Adds a flow or a module. Its ARN ends with its name.
    pub fn add(&mut self, name: &str, flow_type: FlowType, flow: Flow) -> RoutedFlow {
        let folder = if flow_type == FlowType::Module { "flow-module" } else { "contact-flow" };
        let identity = FlowIdentity { arn: format!("{}/{folder}/{name}", Self::ARN), name: name.to_owned() };
        let routed = RoutedFlow { flow: Arc::new(flow), identity, flow_type };
        self.flows.insert(name.to_owned(), routed.clone());
        routed
    }

    /// Closes its hours of operation.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// The flow whose content has a hash, for a replay.
    pub fn flow_of(&self, sha256: &str) -> Option<Arc<Flow>> {
        self.flows.values().find(|routed| routed.flow.sha256() == sha256).map(|routed| routed.flow.clone())
    }

    /// The flow or module of an ARN.
    pub fn flow_at(&self, arn: &str) -> Option<&RoutedFlow> {
        self.flows.values().find(|routed| routed.identity.arn == arn)
    }

    fn find(&self, resource: &ResourceRef, is_module: bool) -> Option<RoutedFlow> {
        let id = resource.id.split_once(":$").map_or(resource.id.as_str(), |(id, _)| id);
        let found = self.flow_at(id).or_else(|| self.flows.get(id));
        let found = found.or_else(|| self.flows.get(resource.name.as_deref()?));
        found.filter(|routed| (routed.flow_type == FlowType::Module) == is_module).cloned()
    }

    fn is(resource: &ResourceRef, kind: &str, name: &str) -> bool {
        resource.id == format!("{}/{kind}/{name}", Self::ARN) || resource.name.as_deref() == Some(name)
    }
}

impl InstanceSettings for Instance {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        Some(StreamSettings {
            name_prefix: "demo-connect-demo-contact-".to_owned(),
            retention_hours: 24,
            key_id: "alias/aws/kinesisvideo".to_owned(),
        })
    }

    fn may_invoke(&self, _: InstanceId, function_arn: &str) -> bool {
        function_arn.starts_with("arn:aws:lambda:")
    }

    fn flow(&self, _: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow> {
        self.find(flow, false)
    }

    fn module(&self, _: InstanceId, module: &ResourceRef) -> Option<RoutedFlow> {
        self.find(module, true)
    }

    fn queue(&self, _: InstanceId, queue: &ResourceRef) -> Option<QueueRef> {
        let name = ["BasicQueue", "Overflow"].into_iter().find(|name| Self::is(queue, "queue", name))?;
        Some(QueueRef {
            arn: format!("{}/queue/{name}", Self::ARN),
            name: name.to_owned(),
            hours_arn: Some(format!("{}/operating-hours/Basic Hours", Self::ARN)),
            outbound_caller_id: Some("+18005550100".to_owned()),
            is_agents: false,
        })
    }

    fn agent_queue(&self, _: InstanceId, agent: &ResourceRef) -> Option<QueueRef> {
        Self::is(agent, "agent", "ada").then(|| QueueRef {
            arn: format!("{}/agent/ada", Self::ARN),
            name: String::new(),
            hours_arn: None,
            outbound_caller_id: None,
            is_agents: true,
        })
    }

    fn default_flow(&self, _: InstanceId, event: &str) -> Option<RoutedFlow> {
        let name = match event {
            "AgentHold" => "Default agent hold",
            "AgentWhisper" => "Default agent whisper",
            "CustomerHold" => "Default customer hold",
            "CustomerQueue" => "Default customer queue",
            "CustomerWhisper" => "Default customer whisper",
            _ => return None,
        };
        self.flows.get(name).cloned()
    }

    fn agent(&self, _: InstanceId, agent: &ResourceRef) -> Option<AgentRef> {
        (Self::is(agent, "agent", "ada") || agent.id == "ada").then(super::parties::ada)
    }

    fn are_open(&self, _: InstanceId, hours: &ResourceRef, _: WallTime) -> Option<bool> {
        Self::is(hours, "operating-hours", "Basic Hours").then_some(!self.is_closed)
    }
}
