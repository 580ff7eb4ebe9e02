use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use tympan_flow::{ContactChange, ContactData, EventHook, Routing, Voice};
use tympan_types::Redacted;

/// What flows have set about a contact beside its attributes. `Debug` prints no values.
///
/// Shape when journalled: JSON; members that were never set are absent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactDetails {
    /// `$.Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `$.Description`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `$.LanguageCode`; `en-US` until a flow sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
    /// `$.CustomerId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// `$.References`, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Reference>,
    /// Tags, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The number at which the customer is called back, in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_number: Option<Redacted<String>>,
    /// Of a callback: how it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackDetails>,
    /// The queue that the contact is meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_queue: Option<QueueRef>,
    /// Which flow runs at which event.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub event_hooks: BTreeMap<String, HookedFlow>,
    /// 1 is the best; 5 until a flow sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_priority: Option<u32>,
    /// Seconds that are added to its age in a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_age_adjustment_s: Option<i32>,
    /// Which agents it is for, as the block has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_criteria: Option<Value>,
    /// The voice of its prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<PromptVoice>,
    /// Who is recorded, as the block has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<Value>,
}

/// How a callback is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackDetails {
    /// The number that the customer sees; `None`: that of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<Redacted<String>>,
    /// How often the customer may still be called, this contact's attempt included.
    pub attempts_left: u32,
}

/// A document or a link that a contact has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reference {
    /// What it is.
    pub value: String,
    /// `URL`, `STRING`, `NUMBER`, `DATE`, `EMAIL`.
    #[serde(rename = "Type")]
    pub kind: String,
}

/// A queue, or the own queue of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRef {
    /// Its ARN; the agent's where it is an agent's own.
    pub arn: String,
    /// Its name; empty where it is an agent's own.
    pub name: String,
    /// The hours of operation of the queue, by ARN; none where it is an agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_arn: Option<String>,
    /// The number that its calls show, in E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound_caller_id: Option<String>,
    /// Whether it is the own queue of an agent.
    #[serde(default)]
    pub is_agents: bool,
}

/// The flow of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookedFlow {
    /// Its id or ARN; `None`: the default flow of the event.
    pub flow: Option<String>,
    /// What the flow that set it calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// None is to run.
    #[serde(default)]
    pub is_disabled: bool,
}

/// The voice of prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptVoice {
    /// `Joanna`.
    pub name: String,
    /// `Standard`, `Neural`, ... in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// `Conversational`, `Newscaster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
}

/// What all names, texts, references and tags of a contact may take together, in bytes.
pub const MAX_DETAILS_BYTES: usize = 32 * 1024;
/// Tags of a contact.
pub const MAX_TAGS: usize = 50;

impl ContactDetails {
    /// Whether nothing was ever set.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }

    /// Sets all of what a block changes, or nothing of it. What must be looked up first is not for here: queues and agents.
    ///
    /// # Errors
    /// Too much in all, as a reason for the flow log.
    pub fn change(&mut self, change: ContactChange) -> Result<(), String> {
        let mut changed = self.clone();
        changed.apply(change);
        if changed.tags.len() > MAX_TAGS {
            return Err(format!("a contact may have {MAX_TAGS} tags"));
        }
        let bytes = serde_json::to_string(&changed).map_or(0, |text| text.len());
        if bytes > MAX_DETAILS_BYTES {
            return Err(format!("what flows set about a contact may take {MAX_DETAILS_BYTES} bytes in all"));
        }
        *self = changed;
        Ok(())
    }

    fn apply(&mut self, change: ContactChange) {
        match change {
            ContactChange::CallbackNumber(number) => self.callback_number = Some(Redacted::new(number)),
            ContactChange::Data(data) => self.describe(data),
            ContactChange::EventHooks(hooks) => hooks.into_iter().for_each(|hook| self.hook(hook)),
            ContactChange::Recording(behavior) => self.recording = Some(behavior),
            ContactChange::Routing(Routing { priority, age_adjustment_s, criteria }) => {
                self.routing_priority = priority.or(self.routing_priority);
                self.routing_age_adjustment_s = age_adjustment_s.or(self.routing_age_adjustment_s);
                self.routing_criteria = criteria.or_else(|| self.routing_criteria.take());
            }
            ContactChange::Tag(tags) => self.tags.extend(tags),
            ContactChange::Untag(keys) => self.tags.retain(|key, _| !keys.contains(key)),
            ContactChange::Voice(Voice { name, engine, style }) => {
                self.voice = Some(PromptVoice { name, engine, style });
            }
            ContactChange::TargetAgent(_) | ContactChange::TargetQueue(_) => {}
        }
    }

    fn describe(&mut self, data: ContactData) {
        let ContactData { name, description, language_code, customer_id, references } = data;
        self.name = name.or_else(|| self.name.take());
        self.description = description.or_else(|| self.description.take());
        self.language_code = language_code.or_else(|| self.language_code.take());
        self.customer_id = customer_id.or_else(|| self.customer_id.take());
        let references = references.into_iter();
        self.references.extend(
            references
                .map(|(name, reference)| (name, Reference { value: reference.value, kind: reference.kind })),
        );
    }

    fn hook(&mut self, hook: EventHook) {
        let kept = self.event_hooks.entry(hook.event).or_default();
        if let Some(flow) = hook.flow {
            (kept.flow, kept.name) = (Some(flow.id), flow.name);
        }
        if let Some(is_disabled) = hook.is_disabled {
            kept.is_disabled = is_disabled;
        }
    }
}

impl fmt::Debug for ContactDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactDetails")
            .field("target_queue", &self.target_queue)
            .field("event_hooks", &self.event_hooks)
            .field("voice", &self.voice)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tympan_flow::ResourceRef;

    fn hook(event: &str, flow: Option<&str>, is_disabled: Option<bool>) -> ContactChange {
        let flow = flow.map(ResourceRef::of);
        ContactChange::EventHooks(vec![EventHook { event: event.to_owned(), flow, is_disabled }])
    }

    #[test]
    fn the_last_setting_of_each_thing_counts_and_the_others_stay() {
        let mut details = ContactDetails::default();
        details.change(hook("AgentWhisper", Some("f1"), None)).unwrap();
        details.change(hook("CustomerQueue", Some("f2"), None)).unwrap();
        details.change(hook("AgentWhisper", None, Some(true))).unwrap();
        let whisper = &details.event_hooks["AgentWhisper"];
        assert_eq!((whisper.flow.as_deref(), whisper.is_disabled), (Some("f1"), true));
        let routing = |priority, age_adjustment_s| {
            ContactChange::Routing(Routing { priority, age_adjustment_s, criteria: None })
        };
        details.change(routing(Some(2), None)).unwrap();
        details.change(routing(None, Some(-60))).unwrap();
        assert_eq!((details.routing_priority, details.routing_age_adjustment_s), (Some(2), Some(-60)));
        let language = ContactData { language_code: Some("de-DE".to_owned()), ..ContactData::default() };
        details.change(ContactChange::Data(language)).unwrap();
        let name = ContactData { name: Some("a call".to_owned()), ..ContactData::default() };
        details.change(ContactChange::Data(name)).unwrap();
        assert_eq!(
            (details.language_code.as_deref(), details.name.as_deref()),
            (Some("de-DE"), Some("a call"))
        );
    }

    #[test]
    fn tags_and_bytes_have_a_limit_and_a_change_beyond_it_sets_nothing() {
        let mut details = ContactDetails::default();
        let tags = |from: usize| {
            let tags = (from..from + 6).map(|n| (format!("k{n}"), "v".to_owned()));
            ContactChange::Tag(tags.collect::<BTreeMap<_, _>>())
        };
        for from in (0..48).step_by(6) {
            details.change(tags(from)).unwrap();
        }
        assert!(details.change(tags(48)).unwrap_err().contains("50 tags"));
        assert_eq!(details.tags.len(), 48);
        details.change(ContactChange::Untag(vec!["k0".to_owned()])).unwrap();
        assert_eq!(details.tags.len(), 47);
        let huge = ContactData { description: Some("x".repeat(MAX_DETAILS_BYTES)), ..ContactData::default() };
        assert!(details.change(ContactChange::Data(huge)).unwrap_err().contains("32768"));
        assert_eq!(details.description, None);
    }

    #[test]
    fn details_read_back_equal_and_are_not_printed() {
        let mut details = ContactDetails::default();
        assert_eq!(serde_json::to_string(&details).unwrap(), "{}");
        details.change(ContactChange::CallbackNumber("+18005550100".to_owned())).unwrap();
        details.change(hook("CustomerQueue", Some("f"), None)).unwrap();
        let text = serde_json::to_string(&details).unwrap();
        assert_eq!(serde_json::from_str::<ContactDetails>(&text).unwrap(), details);
        assert!(!format!("{details:?}").contains("5550100"));
    }
}
