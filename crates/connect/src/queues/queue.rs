use crate::error::{ConnectError, ErrorCode};
use crate::hours::HoursOfOperation;
use crate::named::{Entry, Named, Scene, Spec, Verbs, Words, rows};
use crate::quick_connects::QuickConnect;
use crate::routing_profiles::RoutingProfile;
use crate::service::Limits;
use crate::timestamp::epoch_seconds;
use crate::users::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_db::Kind;
use tympan_types::{ContactFlowId, PhoneNumberId, ResourceId};

/// The most quick connects that a queue may have.
const QUICK_CONNECTS: usize = 700;

/// A queue: what its contacts wait by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// When it is open.
    pub hours: ResourceId,
    /// Whether it takes contacts.
    pub status: QueueStatus,
    /// How many contacts it holds; `None`: as many as the instance.
    pub max_contacts: Option<u32>,
    /// How calls are placed from it.
    pub outbound_caller: OutboundCaller,
    /// What its agents can transfer to.
    pub quick_connects: Vec<ResourceId>,
}

/// Whether a queue takes contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum QueueStatus {
    /// It does.
    Enabled,
    /// It takes no new ones.
    Disabled,
}

/// How calls are placed from a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundCaller {
    /// The name that is shown to the person called.
    pub name: Option<String>,
    /// The number that is shown.
    pub number: Option<PhoneNumberId>,
    /// The whisper flow.
    pub flow: Option<ContactFlowId>,
}

/// The same as requests name it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OutboundCallerConfig {
    outbound_caller_id_name: Option<String>,
    outbound_caller_id_number_id: Option<String>,
    outbound_flow_id: Option<String>,
}

impl OutboundCallerConfig {
    pub(super) fn found(self, scene: &Scene<'_>) -> Result<OutboundCaller, ConnectError> {
        let name = self.outbound_caller_id_name;
        if name.as_ref().is_some_and(|name| !(1..=255).contains(&name.chars().count())) {
            return Err(ConnectError::parameter("OutboundCallerIdName has 1 to 255 characters"));
        }
        let empty = |text: &Option<String>| text.as_deref() == Some("");
        if empty(&self.outbound_caller_id_number_id) || empty(&self.outbound_flow_id) {
            return Err(ConnectError::parameter(
                "OutboundCallerIdNumberId and OutboundFlowId name something, or are left out",
            ));
        }
        let number =
            self.outbound_caller_id_number_id.map(|text| scene.phone_number(&text).map(|number| number.id));
        let flow = self.outbound_flow_id.map(|text| scene.flow(&text).map(|flow| flow.id));
        Ok(OutboundCaller { name, number: number.transpose()?, flow: flow.transpose()? })
    }
}

impl Queue {
    /// Adds quick connects that a request names.
    pub(super) fn associate(&mut self, scene: &Scene<'_>, named: &[String]) -> Result<(), ConnectError> {
        if named.len() > 50 {
            return Err(ConnectError::parameter("QuickConnectIds has at most 50 entries"));
        }
        for text in named {
            let id = scene.find::<QuickConnect>(text)?.id;
            if !self.quick_connects.contains(&id) {
                let count = self.quick_connects.len();
                Limits::check(
                    count,
                    QUICK_CONNECTS,
                    ErrorCode::LimitExceeded,
                    "quick connects of the queue",
                )?;
                self.quick_connects.push(id);
            }
        }
        Ok(())
    }
}

impl Spec for Queue {
    const KIND: &'static Kind = &rows("connect-queue");
    const WORDS: &'static Words = &Words {
        noun: "queue",
        arn: "queue",
        label: "QueueId",
        name: "Name",
        created: ("QueueId", "QueueArn"),
        shown: ("Queue", "QueueId", "QueueArn"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeQueue",
            list: "ListQueues",
            search: "SearchQueues",
            delete: "DeleteQueue",
        },
        summaries: "QueueSummaryList",
        found: ("Queues", 500),
        longest: (127, 250),
    };
    const TYPES: &'static [&'static str] = &["STANDARD", "AGENT"];

    fn type_word(&self) -> &'static str {
        "STANDARD"
    }

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        let queue = &named.spec;
        let mut caller = Map::new();
        let mut add = |member: &str, value: Option<Value>| {
            value.into_iter().for_each(|value| drop(caller.insert(member.to_owned(), value)));
        };
        add("OutboundCallerIdName", queue.outbound_caller.name.as_deref().map(Value::from));
        add("OutboundCallerIdNumberId", queue.outbound_caller.number.map(|id| json!(id)));
        add("OutboundFlowId", queue.outbound_caller.flow.map(|id| json!(id)));
        if !caller.is_empty() {
            shown.insert("OutboundCallerConfig".to_owned(), caller.into());
        }
        shown.insert("HoursOfOperationId".to_owned(), json!(queue.hours));
        if let Some(count) = queue.max_contacts {
            shown.insert("MaxContacts".to_owned(), count.into());
        }
        shown.insert("Status".to_owned(), json!(queue.status));
    }

    fn summarise(_: &Named<Self>, shown: &mut Map<String, Value>) {
        shown.insert("QueueType".to_owned(), "STANDARD".into());
    }

    /// Each user has a queue, which has no name.
    fn listed_beside(scene: &Scene<'_>) -> Vec<Entry> {
        let entry = |user: &Named<User>| Entry {
            key: format!("\u{10ffff}{}", user.id),
            type_word: "AGENT",
            summary: json!({
                "Id": user.id,
                "Arn": format!("{}/queue/agent/{}", scene.instance.arn(), user.id),
                "QueueType": "AGENT",
                "LastModifiedTime": epoch_seconds(user.modified),
                "LastModifiedRegion": scene.instance.region.to_string(),
            }),
        };
        scene.all::<User>().map(|user| entry(user)).collect()
    }

    fn meets(_: &Named<Self>, _: &Scene<'_>, condition: &str, value: &Value) -> Option<bool> {
        (condition == "QueueTypeCondition").then(|| value == "STANDARD")
    }

    fn used_by(named: &Named<Self>, scene: &Scene<'_>) -> Option<String> {
        let profile =
            || scene.all::<RoutingProfile>().find(|known| known.spec.queues().any(|id| id == named.id));
        let quick_connect = scene.all::<QuickConnect>().find(|known| known.spec.queue() == Some(named.id));
        match quick_connect {
            Some(known) => Some(format!("quick connect {:?}", known.name)),
            None => profile().map(|known| format!("routing profile {:?}", known.name)),
        }
    }
}

/// The hours that a request names.
pub(super) fn hours(scene: &Scene<'_>, text: &str) -> Result<ResourceId, ConnectError> {
    Ok(scene.find::<HoursOfOperation>(text)?.id)
}
