//! Calls that a contact places: to agents, third parties, supervisors and customers.
//!
//! A call is placed in two steps, because an offer names our port: [`Effect::Dial`](crate::Effect::Dial) is answered by
//! [`Input::DialReady`](crate::Input::DialReady) with a leg for each telephone that is to ring, or by
//! [`Input::DialFailed`](crate::Input::DialFailed); then [`Effect::Invite`](crate::Effect::Invite) rings each of them. The first that answers has the
//! call. [`Effect::DropDial`](crate::Effect::DropDial) gives up what has no legs yet.

use crate::AgentRef;
use std::fmt;
use tympan_types::Redacted;

/// Telephones that one call rings at most.
pub const TELEPHONES_MAX: usize = 8;

/// A call to place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialRequest {
    /// Who is called.
    pub target: DialTarget,
    /// Who calls, as the called side sees it.
    pub caller: CallerId,
    /// The telephone is asked to answer by itself.
    pub answers_by_itself: bool,
}

/// Who is called.
#[derive(Clone, PartialEq, Eq)]
pub enum DialTarget {
    /// The telephones of an agent or a supervisor: those that are registered, and the one of the configuration.
    Agent(AgentRef),
    /// A number, by a trunk that takes it.
    Number(Redacted<String>),
    /// What a REFER names: a number or a SIP URI. Rules of the trunk that asked decide whether it may be called.
    Referred {
        /// The URI.
        uri: Redacted<String>,
        /// The leg that asked.
        by: tympan_types::LegId,
    },
}

/// Who calls, as the called side sees it; what is `None` is left to the trunk.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CallerId {
    /// The number.
    pub number: Option<Redacted<String>>,
    /// The display name.
    pub name: Option<Redacted<String>>,
}

impl fmt::Debug for DialTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(agent) => write!(f, "Agent({})", agent.id),
            Self::Number(_) => f.write_str("Number([redacted])"),
            Self::Referred { by, .. } => write!(f, "Referred([redacted] by {by})"),
        }
    }
}

impl fmt::Debug for CallerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerId([redacted])")
    }
}
