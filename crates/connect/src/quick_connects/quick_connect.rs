use crate::error::ConnectError;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use crate::phone_numbers::DialledNumber;
use crate::queues::Queue;
use crate::users::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_db::Kind;
use tympan_types::{ContactFlowId, ResourceId};

/// What an agent transfers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuickConnect {
    /// Another user, by a flow of type AGENT_TRANSFER.
    User {
        /// The user.
        user: ResourceId,
        /// The flow.
        flow: ContactFlowId,
    },
    /// A queue, by a flow of type QUEUE_TRANSFER.
    Queue {
        /// The queue.
        queue: ResourceId,
        /// The flow.
        flow: ContactFlowId,
    },
    /// A number outside.
    PhoneNumber(DialledNumber),
    /// A flow.
    Flow(ContactFlowId),
}

/// The same as requests name it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QuickConnectConfig {
    quick_connect_type: String,
    user_config: Option<UserConfig>,
    queue_config: Option<QueueConfig>,
    phone_config: Option<PhoneConfig>,
    flow_config: Option<FlowConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UserConfig {
    user_id: String,
    contact_flow_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueConfig {
    queue_id: String,
    contact_flow_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PhoneConfig {
    phone_number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FlowConfig {
    contact_flow_id: String,
}

impl QuickConnectConfig {
    pub(super) fn found(self, scene: &Scene<'_>) -> Result<QuickConnect, ConnectError> {
        let flow = |text: &str| scene.flow(text).map(|flow| flow.id);
        let lacks =
            |member: &str| ConnectError::parameter(format!("a quick connect of this type has a {member}"));
        Ok(match self.quick_connect_type.as_str() {
            "USER" => {
                let config = self.user_config.ok_or_else(|| lacks("UserConfig"))?;
                let user = scene.find::<User>(&config.user_id)?.id;
                QuickConnect::User { user, flow: flow(&config.contact_flow_id)? }
            }
            "QUEUE" => {
                let config = self.queue_config.ok_or_else(|| lacks("QueueConfig"))?;
                let queue = scene.find::<Queue>(&config.queue_id)?.id;
                QuickConnect::Queue { queue, flow: flow(&config.contact_flow_id)? }
            }
            "PHONE_NUMBER" => {
                let config = self.phone_config.ok_or_else(|| lacks("PhoneConfig"))?;
                let number = DialledNumber::e164(&config.phone_number);
                QuickConnect::PhoneNumber(number.map_err(|error| ConnectError::parameter(error.to_string()))?)
            }
            "FLOW" => QuickConnect::Flow(flow(
                &self.flow_config.ok_or_else(|| lacks("FlowConfig"))?.contact_flow_id,
            )?),
            _ => {
                let types = QuickConnect::TYPES.join(", ");
                return Err(ConnectError::parameter(format!("QuickConnectType must be one of {types}")));
            }
        })
    }
}

impl QuickConnect {
    /// The queue that it leads to.
    pub fn queue(&self) -> Option<ResourceId> {
        match self {
            Self::Queue { queue, .. } => Some(*queue),
            Self::User { .. } | Self::PhoneNumber(_) | Self::Flow(_) => None,
        }
    }
}

impl Spec for QuickConnect {
    const KIND: &'static Kind = &rows("connect-quick-connect");
    const WORDS: &'static Words = &Words {
        noun: "quick connect",
        arn: "transfer-destination",
        label: "QuickConnectId",
        name: "Name",
        created: ("QuickConnectId", "QuickConnectARN"),
        shown: ("QuickConnect", "QuickConnectId", "QuickConnectARN"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeQuickConnect",
            list: "ListQuickConnects",
            search: "SearchQuickConnects",
            delete: "DeleteQuickConnect",
        },
        summaries: "QuickConnectSummaryList",
        found: ("QuickConnects", 100),
        longest: (127, 250),
    };
    const TYPES: &'static [&'static str] = &["USER", "QUEUE", "PHONE_NUMBER", "FLOW"];

    fn type_word(&self) -> &'static str {
        match self {
            Self::User { .. } => "USER",
            Self::Queue { .. } => "QUEUE",
            Self::PhoneNumber(_) => "PHONE_NUMBER",
            Self::Flow(_) => "FLOW",
        }
    }

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        let mut config = match &named.spec {
            Self::User { user, flow } => json!({ "UserConfig": { "UserId": user, "ContactFlowId": flow } }),
            Self::Queue { queue, flow } => {
                json!({ "QueueConfig": { "QueueId": queue, "ContactFlowId": flow } })
            }
            Self::PhoneNumber(number) => json!({ "PhoneConfig": { "PhoneNumber": number.as_str() } }),
            Self::Flow(flow) => json!({ "FlowConfig": { "ContactFlowId": flow } }),
        };
        config["QuickConnectType"] = named.spec.type_word().into();
        shown.insert("QuickConnectConfig".to_owned(), config);
    }

    fn summarise(named: &Named<Self>, shown: &mut Map<String, Value>) {
        shown.insert("QuickConnectType".to_owned(), named.spec.type_word().into());
    }
}
