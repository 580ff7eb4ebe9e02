//! Contact flows as the service keeps them: named texts, a published one that answers calls and a saved
//! one that is still being written.

use crate::error::ConnectError;
use crate::instances::Instance;
use crate::versions::{Alias, Aliased};
use ring::digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tympan_flow::{Flow, FlowIdentity, RoutedFlow};
use tympan_types::{ContactFlowId, InstanceId, ResourceId, WallTime};

/// The longest content of a flow, in characters; the bound of the API.
pub const MAX_CONTENT_CHARS: usize = 256_000;

/// A contact flow of an instance.
///
/// At least one of `published` and `saved` is set; `saved` is set only while it differs in standing from
/// what is published.
#[derive(Clone, Serialize, Deserialize)]
pub struct ContactFlow {
    /// Its id.
    pub id: ContactFlowId,
    /// The instance it belongs to.
    pub instance: InstanceId,
    /// Its name, unique in the instance.
    pub name: String,
    /// What it is for.
    pub flow_type: FlowType,
    /// Whether it is put away.
    pub state: FlowState,
    /// A text for people.
    pub description: Option<String>,
    /// The content that answers calls.
    pub published: Option<String>,
    /// Content that was saved and not published since.
    pub saved: Option<String>,
    /// The tags of the flow.
    pub tags: BTreeMap<String, String>,
    /// When content, name, description or state last changed.
    pub modified: WallTime,
    /// The highest number that a version of it was given.
    #[serde(default)]
    pub last_version: u32,
    /// Names for its versions.
    #[serde(default)]
    pub aliases: Vec<Alias>,
    /// The published content, parsed once.
    #[serde(skip)]
    parsed: Option<Arc<Flow>>,
}

/// What a new flow is made of.
pub struct NewFlow {
    /// Its id.
    pub id: ContactFlowId,
    /// The instance it belongs to.
    pub instance: InstanceId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub flow_type: FlowType,
    /// A text for people.
    pub description: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

/// By what is kept; the parsed content follows from it.
impl PartialEq for ContactFlow {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            id,
            instance,
            name,
            flow_type,
            state,
            description,
            published,
            saved,
            tags,
            modified,
            last_version,
            aliases,
            parsed: _,
        } = self;
        (id, instance, name, flow_type, state)
            == (&other.id, &other.instance, &other.name, &other.flow_type, &other.state)
            && (description, published, saved) == (&other.description, &other.published, &other.saved)
            && (tags, modified, last_version) == (&other.tags, &other.modified, &other.last_version)
            && aliases == &other.aliases
    }
}

impl Eq for ContactFlow {}

/// Without the contents, which fill pages.
impl fmt::Debug for ContactFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactFlow").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl ContactFlow {
    /// A flow without content; publish or save some before it is kept.
    pub fn new(now: WallTime, new: NewFlow) -> Self {
        let NewFlow { id, instance, name, flow_type, description, tags } = new;
        Self {
            id,
            instance,
            name,
            flow_type,
            state: FlowState::Active,
            description,
            published: None,
            saved: None,
            tags,
            modified: now,
            last_version: 0,
            aliases: Vec::new(),
            parsed: None,
        }
    }

    /// Publishes content: from now on it answers new calls.
    ///
    /// Errors: InvalidContactFlow with every problem that the flow language knows of.
    pub fn publish(&mut self, now: WallTime, content: &str) -> Result<(), ConnectError> {
        check_length(content)?;
        let flow =
            Flow::parse(content).map_err(|error| ConnectError::invalid_flow(vec![error.to_string()]))?;
        let problems = flow.problems_as(self.flow_type.of_the_language());
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        if !problems.is_empty() {
            return Err(ConnectError::invalid_flow(problems));
        }
        self.published = Some(content.to_owned());
        self.parsed = Some(Arc::new(flow));
        self.saved = None;
        self.modified = now;
        Ok(())
    }

    /// Its aliases, and what they are of.
    pub(crate) fn aliased(&self, instance: &Instance) -> Aliased<'_> {
        let (id, arn) = (self.resource_id(), instance.flow_arn(self.id));
        Aliased { id, arn, member: "ContactFlow", aliases: &self.aliases }
    }

    /// Saves content without looking at it; calls are still answered by what is published.
    pub fn save(&mut self, now: WallTime, content: &str) -> Result<(), ConnectError> {
        check_length(content)?;
        self.saved = Some(content.to_owned());
        self.modified = now;
        Ok(())
    }

    /// Parses what a stored flow has published. A text that an older version accepted and this one does
    /// not leaves the flow unable to answer, and says so in the log; it never stops the service.
    pub(crate) fn prepare(&mut self) {
        let Some(content) = &self.published else { return };
        match Flow::parse(content) {
            Ok(flow) => self.parsed = Some(Arc::new(flow)),
            Err(error) => {
                tracing::error!(contact_flow_id = %self.id, %error, "stored flow does not parse, it answers no calls")
            }
        }
    }

    /// The published content, ready to run.
    pub fn runnable(&self, instance: &Instance) -> Option<RoutedFlow> {
        let flow = self.parsed.clone()?;
        let identity = FlowIdentity { arn: instance.flow_arn(self.id), name: self.name.clone() };
        Some(RoutedFlow { flow, identity, flow_type: self.flow_type.of_the_language() })
    }

    /// Its id among those of all resources.
    pub(crate) fn resource_id(&self) -> ResourceId {
        ResourceId::from_bytes(*self.id.as_bytes())
    }

    /// `PUBLISHED` once anything was published, `SAVED` before.
    pub fn status(&self) -> FlowStatus {
        if self.published.is_some() { FlowStatus::Published } else { FlowStatus::Saved }
    }
}

fn check_length(content: &str) -> Result<(), ConnectError> {
    // Bytes bound characters from above, so that the common case counts nothing.
    if content.is_empty()
        || (content.len() > MAX_CONTENT_CHARS && content.chars().count() > MAX_CONTENT_CHARS)
    {
        return Err(ConnectError::parameter(format!(
            "Content must have 1 to {MAX_CONTENT_CHARS} characters"
        )));
    }
    Ok(())
}

/// The `FlowContentSha256` of a content: 64 lower-case hexadecimal digits.
pub fn content_sha256(content: &str) -> String {
    let hash = digest::digest(&digest::SHA256, content.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How a request names a flow: an id or ARN, and perhaps which content of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowReference<'a> {
    /// The id, where the text holds one.
    pub id: Option<ContactFlowId>,
    /// The whole ARN, where one was given.
    pub arn: Option<&'a str>,
    /// What follows the id after a colon: `$SAVED`, `$LATEST`, a version.
    pub qualifier: Option<&'a str>,
}

impl<'a> FlowReference<'a> {
    /// Takes apart `ID`, `ID:$SAVED`, `arn:aws:connect:...:instance/I/contact-flow/ID` and the like.
    pub fn parse(text: &'a str) -> Self {
        let id_starts_at = text.rfind('/').map_or(0, |slash| slash + 1);
        let (id, qualifier) = match text[id_starts_at..].split_once(':') {
            Some((id, qualifier)) => (id, Some(qualifier)),
            None => (&text[id_starts_at..], None),
        };
        let arn = (id_starts_at > 0).then(|| &text[..id_starts_at + id.len()]);
        Self { id: ContactFlowId::parse(id).ok(), arn, qualifier }
    }

    /// Whether the saved content is meant.
    pub fn is_saved(&self) -> bool {
        self.qualifier == Some("$SAVED")
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The word in the API.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Parses the word in the API; the error lists the allowed ones.
            pub fn parse(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(concat!(stringify!($name), " must be one of", $(" ", $word),+).to_owned()),
                }
            }
        }
    };
}

words!(
    /// What a flow is for.
    FlowType {
        /// Answers calls.
        ContactFlow = "CONTACT_FLOW",
        /// Heard while waiting in a queue.
        CustomerQueue = "CUSTOMER_QUEUE",
        /// Heard by the customer on hold.
        CustomerHold = "CUSTOMER_HOLD",
        /// Heard by the customer when an agent is found.
        CustomerWhisper = "CUSTOMER_WHISPER",
        /// Heard by the agent on hold.
        AgentHold = "AGENT_HOLD",
        /// Heard by the agent before the customer.
        AgentWhisper = "AGENT_WHISPER",
        /// Heard by a called customer before the agent.
        OutboundWhisper = "OUTBOUND_WHISPER",
        /// Runs on a transfer to an agent.
        AgentTransfer = "AGENT_TRANSFER",
        /// Runs on a transfer to a queue.
        QueueTransfer = "QUEUE_TRANSFER",
        /// Runs in an outbound campaign.
        Campaign = "CAMPAIGN",
    }
);

impl FlowType {
    /// The same type, as the flow language has it.
    pub fn of_the_language(self) -> tympan_flow::FlowType {
        match self {
            Self::ContactFlow => tympan_flow::FlowType::ContactFlow,
            Self::CustomerQueue => tympan_flow::FlowType::CustomerQueue,
            Self::CustomerHold => tympan_flow::FlowType::CustomerHold,
            Self::CustomerWhisper => tympan_flow::FlowType::CustomerWhisper,
            Self::AgentHold => tympan_flow::FlowType::AgentHold,
            Self::AgentWhisper => tympan_flow::FlowType::AgentWhisper,
            Self::OutboundWhisper => tympan_flow::FlowType::OutboundWhisper,
            Self::AgentTransfer => tympan_flow::FlowType::AgentTransfer,
            Self::QueueTransfer => tympan_flow::FlowType::QueueTransfer,
            Self::Campaign => tympan_flow::FlowType::Campaign,
        }
    }
}

words!(
    /// Whether a flow is in use or put away. An archived flow still answers the numbers it has.
    FlowState {
        /// In use.
        Active = "ACTIVE",
        /// Put away.
        Archived = "ARCHIVED",
    }
);

words!(
    /// Which content of a flow is meant.
    FlowStatus {
        /// Checked, and answering calls.
        Published = "PUBLISHED",
        /// Kept unchecked.
        Saved = "SAVED",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4a573372-1f28-4e26-b97b-0123456789ab";

    #[test]
    fn takes_references_apart() {
        let saved = format!("{ID}:$SAVED");
        let reference = FlowReference::parse(&saved);
        assert_eq!(reference.id, ContactFlowId::parse(ID).ok());
        assert!(reference.is_saved() && reference.arn.is_none());

        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/I/contact-flow/{ID}");
        let qualified = format!("{arn}:3");
        let reference = FlowReference::parse(&qualified);
        assert_eq!(reference.arn, Some(arn.as_str()));
        assert_eq!(reference.qualifier, Some("3"));
        assert_eq!(reference.id, ContactFlowId::parse(ID).ok());

        assert_eq!(FlowReference::parse("").id, None);
        assert_eq!(FlowReference::parse("///:").id, None);
    }

    #[test]
    fn hashes_as_sha256sum_does() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(content_sha256(""), empty);
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let error = FlowStatus::parse("published").unwrap_err();
        assert_eq!(error, "FlowStatus must be one of PUBLISHED SAVED");
    }
}
