//! What the centre asks of the instances, and how their ARNs name agents and queues.

use tympan_connect::{AgentTelephone, ConnectService};
use tympan_contact::routing::{AgentKey, InstancePlan, QueueKey};
use tympan_contact::{AgentRef, QueueRef};
use tympan_types::{InstanceId, ResourceId};

/// The instances, as the centre needs them.
pub(crate) trait Instances: Send + Sync {
    /// Changes with each change of what the others say.
    fn revision(&self) -> u64;

    /// What routing knows of each instance.
    fn plans(&self) -> Vec<InstancePlan>;

    /// An agent, as contacts name it.
    fn agent(&self, agent: AgentKey) -> Option<AgentRef>;

    /// A queue, as contacts name it.
    fn queue(&self, queue: QueueKey) -> Option<QueueRef>;

    /// The users of all instances, with their telephones.
    fn telephones(&self) -> Vec<AgentTelephone>;
}

impl Instances for ConnectService {
    fn revision(&self) -> u64 {
        self.revision()
    }

    fn plans(&self) -> Vec<InstancePlan> {
        self.plans().1
    }

    fn agent(&self, agent: AgentKey) -> Option<AgentRef> {
        self.agent_by_id(agent)
    }

    fn queue(&self, queue: QueueKey) -> Option<QueueRef> {
        self.queue_by_key(queue)
    }

    fn telephones(&self) -> Vec<AgentTelephone> {
        self.telephones()
    }
}

/// The agent of an ARN: `arn:...:instance/ID/agent/ID`.
pub(crate) fn agent_key(arn: &str) -> Option<AgentKey> {
    match parts(arn)? {
        (instance, "agent", user) => Some(AgentKey { instance, user }),
        _ => None,
    }
}

/// The queue that a contact names: a standard one by its ARN, an agent's own by the agent's.
pub(crate) fn queue_key(queue: &QueueRef) -> Option<QueueKey> {
    match parts(&queue.arn)? {
        (instance, "queue", id) if !queue.is_agents => Some(QueueKey::standard(instance, id)),
        (instance, "agent" | "queue", user) => Some(AgentKey { instance, user }.own_queue()),
        _ => None,
    }
}

/// The instance, the word before the last id, and that id.
fn parts(arn: &str) -> Option<(InstanceId, &str, ResourceId)> {
    let (_, path) = arn.split_once(":instance/")?;
    let mut words = path.split('/');
    let instance = InstanceId::parse(words.next()?).ok()?;
    let (last, word) = (words.next_back()?, words.next_back()?);
    // `queue/agent/ID` is an agent's, too.
    Some((instance, word, ResourceId::parse(last).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "4a573372-1f28-4e26-b97b-0123456789ab";
    const ID: &str = "11111111-1f28-4e26-b97b-0123456789ab";

    fn queue(path: &str, is_agents: bool) -> Option<QueueKey> {
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{INSTANCE}/{path}");
        queue_key(&QueueRef {
            arn,
            name: String::new(),
            hours_arn: None,
            outbound_caller_id: None,
            is_agents,
        })
    }

    #[test]
    fn arns_name_queues_agents_and_the_queues_of_agents() {
        let (instance, id) = (InstanceId::parse(INSTANCE).unwrap(), ResourceId::parse(ID).unwrap());
        let agent = AgentKey { instance, user: id };
        assert_eq!(queue(&format!("queue/{ID}"), false), Some(QueueKey::standard(instance, id)));
        assert_eq!(queue(&format!("agent/{ID}"), true), Some(agent.own_queue()));
        assert_eq!(queue(&format!("queue/agent/{ID}"), true), Some(agent.own_queue()));
        assert_eq!(queue("queue/nothing", false), None);
        assert_eq!(queue("queue", false), None);
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{INSTANCE}/agent/{ID}");
        assert_eq!(agent_key(&arn), Some(agent));
        assert_eq!(agent_key(&arn.replace("agent/", "queue/")), None);
        assert_eq!(agent_key("arn:aws:s3:::instance/x"), None);
    }
}
