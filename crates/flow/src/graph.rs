//! The typed graph of a flow: blocks, and where each of their branches leads.

use std::collections::HashMap;

use serde_json::Value;

use crate::blocks::Block;
use crate::condition::Condition;
use crate::document::{Action, ConditionTransition, Document, Transition, Transitions};
use crate::error::FlowError;
use crate::parameters::Parameters;
use crate::validate::{self, Problem};

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
    pub(crate) block: Block,
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
        Ok(Self::compile(Document::parse(content)?))
    }

    fn compile(document: Document) -> Self {
        let places = Places::of(&document.actions);
        let mut problems = Vec::new();
        validate::document(&document, &places, &mut problems);
        let mut blocks = Vec::new();
        for action in &document.actions {
            validate::identity(action, &places, blocks.len(), &mut problems);
            let block = Block::read(&action.type_name, &mut Parameters::new(action, &mut problems))
                .unwrap_or_else(Block::misconfigured);
            validate::transitions(action, &block, &places, &mut problems);
            blocks.push(FlowBlock {
                exits: Exits::link(&action.transitions, &places),
                identifier: action.identifier.clone(),
                type_name: action.type_name.clone(),
                block,
            });
        }
        Self {
            start: places.target(&document.start),
            format: document.format,
            name: document.name,
            flow_type: document.flow_type,
            blocks,
            problems,
        }
    }

    /// Why this flow cannot be published; empty for a sound flow.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
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
        self.block.module_type(&self.type_name)
    }

    /// Whether the block is performed. One that is not takes its error branch, or is skipped, and the log
    /// says why.
    pub fn is_supported(&self) -> bool {
        self.block.is_supported()
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

    /// The branch of an error, by its type.
    pub(crate) fn error(&self, kind: &str) -> Option<&Target> {
        self.errors.iter().find(|(name, _)| name == kind).map(|(_, target)| target)
    }
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
