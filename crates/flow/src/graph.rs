//! The typed graph of a flow: blocks, and where each of their branches leads.

use std::collections::HashMap;

use serde_json::Value;

use crate::actions::{self, Action as Row, ErrorType, Standing};
use crate::blocks::{Run, TakesError};
use crate::condition::Condition;
use crate::document::{Action, ConditionTransition, Document, Transition, Transitions};
use crate::error::FlowError;
use crate::flow_type::FlowType;
use crate::parameters::Parameters;
use crate::resource::NamedResource;
use crate::validate::{self, Notes, Problem};

/// A contact flow, read from either format and ready to run.
///
/// Reading is lenient, as saving is: whatever is wrong inside is in [`Flow::problems`], and a block that
/// cannot run takes its error branch.
#[derive(Debug)]
pub struct Flow {
    format: Format,
    name: Option<String>,
    flow_type: Option<String>,
    start: Target,
    blocks: Vec<FlowBlock>,
    problems: Vec<Problem>,
    resources: Vec<NamedResource>,
    sha256: String,
}

/// The format that a flow was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Flow language, version 2019-10-30.
    Language20191030,
    /// The designer's export of 2018 to 2021.
    DesignerModules,
}

/// One block of a flow.
#[derive(Debug)]
pub struct FlowBlock {
    identifier: String,
    type_name: String,
    /// Its row in the table of actions; `None`: the language has no such action.
    action: Option<&'static Row>,
    is_configured: bool,
    pub(crate) run: Box<dyn Run>,
    pub(crate) exits: Exits,
}

/// One way out of a block, for listings and drawings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit<'a> {
    /// `None` for the next block of an ordinary end; otherwise the error's type or the condition.
    pub label: Option<String>,
    /// The identifier of the block that it leads to.
    pub to: &'a str,
    /// The place of that block in [`Flow::blocks`]; `None` where the flow has no such block.
    pub index: Option<usize>,
}

/// All ways out of a block.
#[derive(Debug)]
pub(crate) struct Exits {
    pub(crate) next: Option<Target>,
    pub(crate) errors: Vec<(String, Target)>,
    pub(crate) conditions: Vec<ConditionExit>,
}

/// A way out for the results that meet a condition.
#[derive(Debug)]
pub(crate) struct ConditionExit {
    /// `None` where the flow's condition cannot be understood: no result meets it.
    pub(crate) condition: Option<Condition>,
    label: String,
    pub(crate) target: Target,
}

/// Where a branch leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) to: String,
    /// `None`: there is no such block.
    pub(crate) index: Option<usize>,
}

impl Flow {
    /// Reads flow content of either format.
    ///
    /// Errors: only what is not shaped like a flow at all, with the JSON pointer of the place.
    pub fn parse(content: &str) -> Result<Self, FlowError> {
        Ok(Self::compile(Document::parse(content)?, sha256(content.as_bytes())))
    }

    fn compile(document: Document, sha256: String) -> Self {
        let places = Places::of(&document.actions);
        let (mut problems, mut resources) = (Vec::new(), Vec::new());
        validate::document(&document, &places, &mut problems);
        let mut blocks = Vec::new();
        for action in &document.actions {
            validate::identity(action, &places, blocks.len(), &mut problems);
            let row = actions::find(&action.type_name, &action.parameters);
            if let Some(row) = row {
                actions::check(row, action, &mut Notes::new(action, &mut problems));
            }
            let mut parameters = Parameters::new(action, &mut problems);
            let run = match row {
                Some(row) => row.read(&mut parameters),
                None => Ok(Box::new(TakesError::unknown(&action.type_name)) as Box<dyn Run>),
            };
            resources.extend(parameters.into_resources());
            validate::transitions(action, &places, &mut problems);
            blocks.push(FlowBlock {
                exits: Exits::link(&action.transitions, &places),
                identifier: action.identifier.clone(),
                type_name: action.type_name.clone(),
                action: row,
                is_configured: run.is_ok(),
                run: run.unwrap_or_else(|why| Box::new(TakesError::misconfigured(why))),
            });
        }
        Self {
            start: places.target(&document.start),
            format: document.format,
            name: document.name,
            flow_type: document.flow_type,
            blocks,
            problems,
            resources,
            sha256,
        }
    }

    /// Why this flow cannot be published; empty for a sound flow.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Why this flow cannot be published as one of this type: its problems, and the blocks that may not stand there.
    pub fn problems_as(&self, flow_type: FlowType) -> Vec<Problem> {
        let list = match self.format {
            Format::Language20191030 => ("Actions", "Type"),
            Format::DesignerModules => ("modules", "type"),
        };
        let misplaced = self.blocks.iter().enumerate().filter_map(|(index, block)| {
            let is_allowed = block.action?.flow_types().contains(flow_type);
            (!is_allowed).then(|| Problem {
                path: format!("{}[{index}].{}", list.0, list.1),
                message: format!("{:?} may not stand in a flow of type {flow_type}", block.type_name),
            })
        });
        self.problems.iter().cloned().chain(misplaced).collect()
    }

    /// The resources of the instance that its blocks name, those that a call computes left out.
    pub fn resources(&self) -> &[NamedResource] {
        &self.resources
    }

    /// SHA-256 of the content that the flow was read from, as 64 lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The blocks, in the order of the document.
    pub fn blocks(&self) -> &[FlowBlock] {
        &self.blocks
    }

    /// The place in [`Flow::blocks`] of the block that the flow begins with.
    pub fn start(&self) -> Option<usize> {
        self.start.index
    }

    /// The format that the flow was written in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The name in the flow's own metadata.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The type in the flow's own metadata, such as `contactFlow` or `agentWhisper`.
    pub fn flow_type(&self) -> Option<&str> {
        self.flow_type.as_deref()
    }

    pub(crate) fn start_target(&self) -> &Target {
        &self.start
    }
}

impl FlowBlock {
    /// The identifier, unique in a sound flow.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The action type of 2019-10-30, also for a block of the older export.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The type as the flow log and the older export name it.
    pub fn module_type(&self) -> &str {
        match self.action {
            Some(action) => action.module_type(),
            None => &self.type_name,
        }
    }

    /// The row of the table that the block is read by; `None` where the language has no such action.
    pub fn action(&self) -> Option<&'static Row> {
        self.action
    }

    /// Whether the block does what its author meant. One that does not takes an error branch, and the log says why.
    pub fn is_supported(&self) -> bool {
        self.is_configured && self.action.is_some_and(|action| action.standing() == Standing::Performed)
    }

    /// Why the block is not performed, where the table says so.
    pub fn reason(&self) -> &'static str {
        self.action.map_or("", Row::reason)
    }

    /// The ways out: next block, conditions, errors.
    pub fn exits(&self) -> Vec<Exit<'_>> {
        let next = self.exits.next.iter().map(|target| (None, target));
        let conditions = self.exits.conditions.iter().map(|exit| (Some(exit.label.clone()), &exit.target));
        let errors = self.exits.errors.iter().map(|(kind, target)| (Some(kind.clone()), target));
        next.chain(conditions)
            .chain(errors)
            .map(|(label, target)| Exit { label, to: &target.to, index: target.index })
            .collect()
    }
}

impl Exits {
    fn link(transitions: &Transitions, places: &Places<'_>) -> Self {
        let target = |transition: &Transition| places.target(&transition.to);
        Self {
            next: transitions.next.as_ref().map(target),
            errors: transitions.errors.iter().map(|(kind, to)| (kind.clone(), target(to))).collect(),
            conditions: transitions
                .conditions
                .iter()
                .map(|branch| ConditionExit {
                    condition: branch.condition().ok(),
                    label: branch.label(),
                    target: target(&branch.transition),
                })
                .collect(),
        }
    }

    /// Where an error leads: to its own branch, to the one of all errors, to the next block. A result that meets no condition goes on
    /// rather than wrong.
    pub(crate) fn after(&self, kind: ErrorType) -> Option<&Target> {
        let branch = |kind: ErrorType| {
            self.errors.iter().find(|(name, _)| name == kind.word()).map(|(_, target)| target)
        };
        let (next, any) = (self.next.as_ref(), || branch(ErrorType::NoMatchingError));
        match kind {
            ErrorType::NoMatchingCondition => branch(kind).or(next).or_else(any),
            kind => branch(kind).or_else(any).or(next),
        }
    }
}

/// The hash of a content, in hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ConditionTransition {
    fn label(&self) -> String {
        let operands = self.operands.iter().map(|operand| match operand {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let operands = operands.collect::<Vec<_>>().join(", ");
        if self.operator == "Equals" { operands } else { format!("{} {operands}", self.operator) }
    }
}

/// Which block has which identifier; of two with the same, the first.
pub(crate) struct Places<'a>(HashMap<&'a str, usize>);

impl<'a> Places<'a> {
    fn of(actions: &'a [Action]) -> Self {
        let mut places = HashMap::new();
        for (index, action) in actions.iter().enumerate() {
            places.entry(action.identifier.as_str()).or_insert(index);
        }
        Self(places)
    }

    pub(crate) fn index(&self, identifier: &str) -> Option<usize> {
        self.0.get(identifier).copied()
    }

    fn target(&self, to: &str) -> Target {
        Target { to: to.to_owned(), index: self.index(to) }
    }
}
