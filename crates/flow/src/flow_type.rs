//! What a flow is for.

use std::fmt;

/// The type of a flow, which says where it runs and which actions may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowType {
    /// Answers calls.
    ContactFlow,
    /// Heard while waiting in a queue.
    CustomerQueue,
    /// Heard by the customer on hold.
    CustomerHold,
    /// Heard by the customer when an agent is found.
    CustomerWhisper,
    /// Heard by the agent on hold.
    AgentHold,
    /// Heard by the agent before the customer.
    AgentWhisper,
    /// Heard by a called customer before the agent.
    OutboundWhisper,
    /// Runs on a transfer to an agent.
    AgentTransfer,
    /// Runs on a transfer to a queue.
    QueueTransfer,
    /// Runs in an outbound campaign.
    Campaign,
    /// A module, which flows invoke.
    Module,
}

impl FlowType {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ContactFlow,
        Self::CustomerQueue,
        Self::CustomerHold,
        Self::CustomerWhisper,
        Self::AgentHold,
        Self::AgentWhisper,
        Self::OutboundWhisper,
        Self::AgentTransfer,
        Self::QueueTransfer,
        Self::Campaign,
        Self::Module,
    ];

    /// The word of the API: `CONTACT_FLOW`.
    pub const fn api_word(self) -> &'static str {
        match self {
            Self::ContactFlow => "CONTACT_FLOW",
            Self::CustomerQueue => "CUSTOMER_QUEUE",
            Self::CustomerHold => "CUSTOMER_HOLD",
            Self::CustomerWhisper => "CUSTOMER_WHISPER",
            Self::AgentHold => "AGENT_HOLD",
            Self::AgentWhisper => "AGENT_WHISPER",
            Self::OutboundWhisper => "OUTBOUND_WHISPER",
            Self::AgentTransfer => "AGENT_TRANSFER",
            Self::QueueTransfer => "QUEUE_TRANSFER",
            Self::Campaign => "CAMPAIGN",
            Self::Module => "MODULE",
        }
    }

    /// Reads the word of the API, or the one in a flow's own metadata (`contactFlow`, `agentWhisper`).
    pub fn parse(word: &str) -> Option<Self> {
        let plain = |word: &str| word.replace('_', "").to_ascii_lowercase();
        let word = plain(word);
        Self::ALL.into_iter().find(|kind| plain(kind.api_word()) == word)
    }

    /// Whether a flow may go on in one of this type (`TransferToFlow`).
    ///
    /// Source: Admin guide, "Transfer to flow": inbound, transfer to agent, transfer to queue.
    pub const fn takes_transfers(self) -> bool {
        matches!(self, Self::ContactFlow | Self::AgentTransfer | Self::QueueTransfer)
    }

    /// Whether a call goes on when a flow of this type is over: it waits in a queue, is being joined, or is on hold.
    ///
    /// Source: Admin guide, "End flow / resume".
    pub const fn leaves_the_call(self) -> bool {
        matches!(
            self,
            Self::CustomerQueue
                | Self::CustomerHold
                | Self::CustomerWhisper
                | Self::AgentHold
                | Self::AgentWhisper
                | Self::OutboundWhisper
        )
    }
}

impl fmt::Display for FlowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.api_word())
    }
}

/// Several types of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowTypes(u16);

impl FlowTypes {
    pub(crate) const INBOUND: Self = Self::of(&[FlowType::ContactFlow]);
    pub(crate) const TRANSFERS: Self = Self::of(&[FlowType::AgentTransfer, FlowType::QueueTransfer]);
    pub(crate) const QUEUE: Self = Self::of(&[FlowType::CustomerQueue]);
    pub(crate) const HOLDS: Self = Self::of(&[FlowType::CustomerHold, FlowType::AgentHold]);
    pub(crate) const WHISPERS: Self =
        Self::of(&[FlowType::CustomerWhisper, FlowType::AgentWhisper, FlowType::OutboundWhisper]);
    pub(crate) const OUTBOUND: Self = Self::of(&[FlowType::OutboundWhisper]);
    pub(crate) const MODULE: Self = Self::of(&[FlowType::Module]);
    pub(crate) const ALL: Self = Self::of(&FlowType::ALL);

    const fn of(types: &[FlowType]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < types.len() {
            bits |= Self::bit(types[index]);
            index += 1;
        }
        Self(bits)
    }

    const fn bit(kind: FlowType) -> u16 {
        match kind {
            FlowType::ContactFlow => 1,
            FlowType::CustomerQueue => 1 << 1,
            FlowType::CustomerHold => 1 << 2,
            FlowType::CustomerWhisper => 1 << 3,
            FlowType::AgentHold => 1 << 4,
            FlowType::AgentWhisper => 1 << 5,
            FlowType::OutboundWhisper => 1 << 6,
            FlowType::AgentTransfer => 1 << 7,
            FlowType::QueueTransfer => 1 << 8,
            // Campaigns take what inbound flows take.
            FlowType::Campaign => 1,
            FlowType::Module => 1 << 9,
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether modules are the only ones.
    pub(crate) const fn are_modules_alone(self) -> bool {
        self.0 == Self::MODULE.0
    }

    /// Whether a type is among them.
    pub const fn contains(self, kind: FlowType) -> bool {
        self.0 & Self::bit(kind) != 0
    }
}

/// The shortest list: "all", "all but …", or the words of the API.
impl fmt::Display for FlowTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = FlowType::ALL.into_iter().filter(|kind| *kind != FlowType::Campaign);
        let (inside, outside): (Vec<_>, Vec<_>) = counted.partition(|kind| self.contains(*kind));
        let words =
            |kinds: &[FlowType]| kinds.iter().map(|kind| kind.api_word()).collect::<Vec<_>>().join(", ");
        match outside.len() {
            0 => f.write_str("all"),
            1..4 => write!(f, "all but {}", words(&outside)),
            _ => f.write_str(&words(&inside)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_words_of_a_type_are_read() {
        assert_eq!(FlowType::parse("agentWhisper"), Some(FlowType::AgentWhisper));
        for kind in FlowType::ALL {
            assert_eq!(FlowType::parse(kind.api_word()), Some(kind));
        }
        assert_eq!(FlowType::parse("whisper"), None);
    }

    #[test]
    fn a_list_is_printed_the_shorter_way_round() {
        assert_eq!(FlowTypes::ALL.to_string(), "all");
        assert_eq!(FlowTypes::INBOUND.to_string(), "CONTACT_FLOW");
        let most =
            FlowTypes::INBOUND.and(FlowTypes::TRANSFERS).and(FlowTypes::QUEUE).and(FlowTypes::WHISPERS);
        assert_eq!(most.and(FlowTypes::MODULE).to_string(), "all but CUSTOMER_HOLD, AGENT_HOLD");
    }
}
