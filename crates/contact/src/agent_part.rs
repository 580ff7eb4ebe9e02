use serde::{Deserialize, Serialize};
use tympan_types::{ResourceId, WallTime};

/// An agent of an instance, as contacts name them: a user of the Connect API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRef {
    /// The user.
    pub id: ResourceId,
    /// `arn:...:instance/ID/agent/ID`.
    pub arn: String,
    /// `$.Agent.UserName`.
    pub user_name: String,
    /// `$.Agent.FirstName`; may be empty.
    #[serde(default)]
    pub first_name: String,
    /// `$.Agent.LastName`; may be empty.
    #[serde(default)]
    pub last_name: String,
    /// The ARN of the routing profile.
    pub routing_profile_arn: String,
    /// The name of the routing profile.
    pub routing_profile_name: String,
}

/// An agent's part in a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPart {
    /// Who.
    pub agent: AgentRef,
    /// When the agent took the call, before any whisper.
    pub accepted: WallTime,
    /// When agent and customer heard each other first: after both whispers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<WallTime>,
    /// When the agent's call ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<WallTime>,
    /// Each time that the agent put the customer on hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// When the work after the contact began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_contact_work_began: Option<WallTime>,
    /// When the work after the contact ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_contact_work_ended: Option<WallTime>,
}

/// One time on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// When it began.
    pub from: WallTime,
    /// When it ended; `None` while it lasts.
    pub to: Option<WallTime>,
}

impl AgentPart {
    /// An agent who has just taken the call.
    pub fn accepted(agent: AgentRef, now: WallTime) -> Self {
        Self {
            agent,
            accepted: now,
            connected: None,
            left: None,
            holds: Vec::new(),
            after_contact_work_began: None,
            after_contact_work_ended: None,
        }
    }
}

/// What a supervisor could do, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorState {
    /// `SILENT_MONITOR` or `BARGE`.
    pub state: String,
    /// When it began.
    pub from: WallTime,
    /// When it ended; `None` while it lasts.
    pub to: Option<WallTime>,
}
