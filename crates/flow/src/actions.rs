//! The table of actions: every action of the Flow language with its parameters, errors, conditions and flow types, and with its names in
//! the older export.
//!
//! Validation, `tympan flows check`, the names in the flow log, the reading of the older export and docs/connect-compat.md come from here.
//!
//! Source: "Actions in the Amazon Connect Flow language" (API reference), the block pages of the Admin guide, and exported flows. Where
//! these differ, exported flows decide: nothing is refused that the service has published.

mod check;
mod older;
mod table;

pub(crate) use check::check;
pub(crate) use older::{Branch, OlderParameters, Translated, parameter_name, translate};

use crate::blocks::Run;
use crate::flow_type::FlowTypes;
use crate::parameters::{Misconfigured, Parameters};
use std::fmt;

/// One action of the language. An action whose parameters choose between several shapes, such as `GetParticipantInput`, is several rows.
#[derive(Clone, Copy)]
pub struct Action {
    name: &'static str,
    /// Which blocks of that name this row is about.
    form: Form,
    form_name: &'static str,
    module_type: &'static str,
    flow_types: FlowTypes,
    parameters: &'static [Parameter],
    /// Parameters that the table does not list are passed over.
    takes_any_parameter: bool,
    errors: &'static [PossibleError],
    conditions: Conditions,
    next: Next,
    older: &'static [Older],
    run: Behaviour,
}

/// What becomes of an action here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does what the flow's author meant.
    Performed,
    /// It takes the error branch that is documented for it, because what it needs is not offered.
    NotOffered,
}

/// Why a block took an error branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorType {
    /// The number of a callback is none.
    InvalidCallbackNumber,
    /// The number of a callback may not be dialled.
    CallbackNumberNotDialable,
    /// The third party's call could not be set up.
    CallFailed,
    /// The block is not for a contact of this channel.
    ChannelMismatch,
    /// The third party did not answer in time.
    ConnectionTimeLimitExceeded,
    /// No case is linked to the contact.
    ContactNotLinked,
    /// Redaction in flight could not be set up.
    InFlightRedactionConfigurationFailed,
    /// Nothing was entered in time.
    InputTimeLimitExceeded,
    /// What was entered is no telephone number.
    InvalidPhoneNumber,
    /// Several cases match.
    MultipleFound,
    /// Several profiles match.
    MultipleFoundError,
    /// There is a result, and no condition is true of it.
    NoMatchingCondition,
    /// Anything else that goes wrong.
    NoMatchingError,
    /// No case matches.
    NoneFound,
    /// No profile matches.
    NoneFoundError,
    /// The participant that the block is about is not there.
    ParticipantNotFound,
    /// The queue is full.
    QueueAtCapacity,
    /// A message template could not be rendered.
    TemplateRenderingError,
    /// What was waited for did not come in time.
    TimeLimitExceeded,
}

impl ErrorType {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidCallbackNumber => "InvalidCallbackNumber",
            Self::CallbackNumberNotDialable => "CallbackNumberNotDialable",
            Self::CallFailed => "CallFailed",
            Self::ChannelMismatch => "ChannelMismatch",
            Self::ConnectionTimeLimitExceeded => "ConnectionTimeLimitExceeded",
            Self::ContactNotLinked => "ContactNotLinked",
            Self::InFlightRedactionConfigurationFailed => "InFlightRedactionConfigurationFailed",
            Self::InputTimeLimitExceeded => "InputTimeLimitExceeded",
            Self::InvalidPhoneNumber => "InvalidPhoneNumber",
            Self::MultipleFound => "MultipleFound",
            Self::MultipleFoundError => "MultipleFoundError",
            Self::NoMatchingCondition => "NoMatchingCondition",
            Self::NoMatchingError => "NoMatchingError",
            Self::NoneFound => "NoneFound",
            Self::NoneFoundError => "NoneFoundError",
            Self::ParticipantNotFound => "ParticipantNotFound",
            Self::QueueAtCapacity => "QueueAtCapacity",
            Self::TemplateRenderingError => "TemplateRenderingError",
            Self::TimeLimitExceeded => "TimeLimitExceeded",
        }
    }

    /// Reads a word of the language.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    const ALL: &[Self] = &[
        Self::InvalidCallbackNumber,
        Self::CallbackNumberNotDialable,
        Self::CallFailed,
        Self::ChannelMismatch,
        Self::ConnectionTimeLimitExceeded,
        Self::ContactNotLinked,
        Self::InFlightRedactionConfigurationFailed,
        Self::InputTimeLimitExceeded,
        Self::InvalidPhoneNumber,
        Self::MultipleFound,
        Self::MultipleFoundError,
        Self::NoMatchingCondition,
        Self::NoMatchingError,
        Self::NoneFound,
        Self::NoneFoundError,
        Self::ParticipantNotFound,
        Self::QueueAtCapacity,
        Self::TemplateRenderingError,
        Self::TimeLimitExceeded,
    ];

    /// `Results` of the flow log, which keeps the older export's names.
    pub(crate) const fn log_word(self) -> &'static str {
        match self {
            Self::NoMatchingError => "Error",
            Self::NoMatchingCondition => "NoMatch",
            Self::InputTimeLimitExceeded | Self::ConnectionTimeLimitExceeded | Self::TimeLimitExceeded => {
                "Timeout"
            }
            Self::InvalidPhoneNumber => "InvalidNumber",
            Self::QueueAtCapacity => "AtCapacity",
            Self::CallFailed => "CallFailure",
            Self::CallbackNumberNotDialable => "NonDialableNumber",
            other => other.word(),
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// An error that an action may end with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PossibleError {
    kind: ErrorType,
    need: Need,
}

/// Whether a flow must say where an error leads.
#[derive(Debug, Clone, Copy)]
enum Need {
    Required,
    Optional,
    /// Required if the block has this parameter.
    With(&'static str),
}

/// A parameter. Dotted paths go into objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    path: &'static str,
    kind: Kind,
    required: bool,
}

/// What may stand in a parameter.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A text that holds no reference.
    Static,
    /// A text, or one whole reference.
    StaticOrReference,
    /// One whole reference.
    Reference,
    /// A text that may hold references.
    Text,
    /// "True" or "False", in any case.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Whole(u32, u32),
    /// A whole number, or one whole reference.
    WholeOrReference(u32, u32),
    /// A whole number that may be negative.
    Signed,
    /// An object.
    Object,
    /// An object with at least one member, none of them empty.
    Map,
    /// A list.
    List,
    /// Whatever the block makes of it.
    Any,
}

/// Which conditions an action takes.
#[derive(Debug, Clone, Copy)]
enum Conditions {
    /// None.
    None,
    /// Any number of any operator.
    Any,
    /// At least one of any operator.
    Some,
    /// `Equals` some of these, and no others.
    Among(&'static [&'static str]),
    /// `Equals` each of these, and no others.
    Exactly(&'static [&'static str]),
    /// `Equals` each of these, and others.
    AtLeast(&'static [&'static str]),
}

/// Whether an action leads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Required,
    Optional,
    /// Nothing comes after it.
    Terminal,
}

type Form = fn(&serde_json::Map<String, serde_json::Value>) -> bool;
type Read = fn(&mut Parameters<'_>) -> Result<Box<dyn Run>, Misconfigured>;

/// What runs.
#[derive(Clone, Copy)]
enum Behaviour {
    Performed(Read),
    NotOffered(ErrorType, &'static str),
}

/// A type of the older export that is read as an action.
#[derive(Clone, Copy)]
pub(crate) struct Older {
    module: &'static str,
    /// The `target` that chooses the action; `None`: whatever it is.
    target: Option<&'static str>,
    /// Name there, path here.
    parameters: &'static [(&'static str, &'static str)],
    /// Branch there, what it is here; the ordinary ones are not listed.
    branches: &'static [(&'static str, BranchTo)],
    /// What is more than names.
    finish: Option<Finish>,
}

type Finish = fn(&OlderParameters, &mut serde_json::Map<String, serde_json::Value>);

/// What a branch of the older export is in the current language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BranchTo {
    Error(ErrorType),
    /// The result equals this.
    Equals(&'static str),
    /// The result is a number greater than zero.
    Positive,
}

impl Action {
    /// The action's type.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Which form of the action this row is about; empty where it has one.
    pub const fn form(&self) -> &'static str {
        self.form_name
    }

    /// `ContactFlowModuleType` of the flow log, which keeps the older export's names.
    pub const fn module_type(&self) -> &'static str {
        self.module_type
    }

    /// In which flows it may stand.
    pub const fn flow_types(&self) -> FlowTypes {
        self.flow_types
    }

    /// What becomes of it here.
    pub const fn standing(&self) -> Standing {
        match self.run {
            Behaviour::Performed(_) => Standing::Performed,
            Behaviour::NotOffered(..) => Standing::NotOffered,
        }
    }

    /// Why it is not performed; empty where it is.
    pub const fn reason(&self) -> &'static str {
        match self.run {
            Behaviour::Performed(_) => "",
            Behaviour::NotOffered(_, reason) => reason,
        }
    }

    /// The error that it takes because it is not performed.
    pub const fn error_taken(&self) -> Option<ErrorType> {
        match self.run {
            Behaviour::Performed(_) => None,
            Behaviour::NotOffered(kind, _) => Some(kind),
        }
    }

    /// The errors that it may end with, and whether a flow must say where each leads.
    pub fn errors(&self) -> impl Iterator<Item = (ErrorType, bool)> {
        self.errors.iter().map(|error| (error.kind, matches!(error.need, Need::Required)))
    }

    /// The types of the older export that are read as it, with the `target` that decides.
    pub fn older_types(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        self.older.iter().map(|older| (older.module, older.target))
    }

    /// The names of its parameters, dotted where they are inside an object, and whether each is required.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.parameters.iter().map(|parameter| (parameter.path, parameter.required))
    }

    /// Whether nothing comes after it.
    pub const fn is_terminal(&self) -> bool {
        matches!(self.next, Next::Terminal)
    }

    /// Understands a block of this action.
    pub(crate) fn read(&self, parameters: &mut Parameters<'_>) -> Result<Box<dyn Run>, Misconfigured> {
        use crate::blocks::TakesError;
        match self.run {
            Behaviour::Performed(read) => read(parameters),
            Behaviour::NotOffered(kind, reason) => Ok(Box::new(TakesError::new(kind, reason))),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({} {})", self.name, self.form_name)
    }
}

/// Every action of the language.
pub fn actions() -> &'static [Action] {
    &table::ACTIONS
}

/// The row of a block: by its type, and by its parameters where the type has several forms.
pub(crate) fn find(
    type_name: &str,
    parameters: &serde_json::Map<String, serde_json::Value>,
) -> Option<&'static Action> {
    table::ACTIONS.iter().find(|action| action.name == type_name && (action.form)(parameters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn row(name: &str, parameters: serde_json::Value) -> Option<&'static Action> {
        find(name, parameters.as_object().unwrap_or(&Map::new()))
    }

    #[test]
    fn a_block_is_found_by_its_type_and_its_form() {
        assert_eq!(row("TagContact", json!({})).map(Action::module_type), Some("TagContact"));
        assert!(row("SendCarrierPigeon", json!({})).is_none());
        let store = row("GetParticipantInput", json!({ "StoreInput": "True" }));
        assert_eq!(store.map(Action::module_type), Some("StoreUserInput"));
        assert_eq!(row("GetParticipantInput", json!({})).map(Action::form), Some("menu"));
        let stop = row("UpdateContactMediaStreamingBehavior", json!({ "MediaStreamingState": "Disabled" }));
        assert_eq!(stop.map(Action::module_type), Some("StopMediaStreaming"));
    }

    #[test]
    fn every_name_has_a_row_for_any_parameters() {
        for action in actions() {
            assert!(row(action.name, json!({ "Unheard": 1 })).is_some(), "{action:?}");
        }
    }

    #[test]
    fn what_is_not_performed_takes_an_error_that_the_action_has() {
        for action in actions() {
            let Some(kind) = action.error_taken() else { continue };
            assert!(!action.reason().is_empty(), "{action:?}");
            let has_it = action.errors().any(|(error, _)| error == kind);
            assert!(has_it || action.is_terminal() || action.errors().next().is_none(), "{action:?}: {kind}");
        }
    }

    #[test]
    fn no_type_of_the_older_export_is_read_in_two_ways() {
        let mut seen = std::collections::BTreeSet::new();
        for older in actions().iter().flat_map(Action::older_types) {
            assert!(seen.insert(older), "{older:?}");
        }
    }
}
