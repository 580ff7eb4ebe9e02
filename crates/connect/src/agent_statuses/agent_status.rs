use crate::error::ConnectError;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_db::Kind;

/// What an agent does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Whether he can be given contacts.
    pub status_type: AgentStatusType,
    /// Whether agents can choose it.
    pub state: AgentStatusState,
    /// Its place in the list that agents choose from, 1 to 50.
    pub display_order: Option<u32>,
}

/// Whether an agent of a status can be given contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AgentStatusType {
    /// He can.
    Routable,
    /// He is there and cannot.
    Custom,
    /// He is not there.
    Offline,
}

/// Whether agents can choose a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AgentStatusState {
    /// They can.
    Enabled,
    /// They cannot.
    Disabled,
}

impl AgentStatus {
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        match self.display_order {
            None | Some(1..=50) => Ok(()),
            Some(_) => Err(ConnectError::parameter("DisplayOrder must be 1 to 50")),
        }
    }
}

impl Spec for AgentStatus {
    const KIND: &'static Kind = &rows("connect-agent-status");
    const WORDS: &'static Words = &Words {
        noun: "agent status",
        arn: "agent-state",
        label: "AgentStatusId",
        name: "Name",
        created: ("AgentStatusId", "AgentStatusARN"),
        shown: ("AgentStatus", "AgentStatusId", "AgentStatusARN"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeAgentStatus",
            list: "ListAgentStatuses",
            search: "SearchAgentStatuses",
            delete: "",
        },
        summaries: "AgentStatusSummaryList",
        found: ("AgentStatuses", 100),
        longest: (127, 250),
    };
    const TYPES: &'static [&'static str] = &["ROUTABLE", "CUSTOM", "OFFLINE"];

    fn type_word(&self) -> &'static str {
        match self.status_type {
            AgentStatusType::Routable => "ROUTABLE",
            AgentStatusType::Custom => "CUSTOM",
            AgentStatusType::Offline => "OFFLINE",
        }
    }

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        shown.insert("Type".to_owned(), named.spec.type_word().into());
        if let Some(order) = named.spec.display_order {
            shown.insert("DisplayOrder".to_owned(), order.into());
        }
        shown.insert("State".to_owned(), json!(named.spec.state));
    }

    fn summarise(named: &Named<Self>, shown: &mut Map<String, Value>) {
        shown.insert("Type".to_owned(), named.spec.type_word().into());
    }
}
