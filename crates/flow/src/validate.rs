//! What keeps a flow from being published. Every problem names its place in the document.
//!
//! Source: "Amazon Connect Flow language" (API reference) for the limits; `InvalidContactFlowException` of
//! CreateContactFlow carries these texts. A saved flow may have any number of them.

use std::fmt;

use crate::actions::{actions, parameter_name};
use crate::condition::ConditionFault;
use crate::document::{Action, ConditionTransition, Document, Transition};
use crate::graph::{Format, Places};

/// One reason why a flow cannot be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `Actions[61].Parameters.LoopCount`, or `modules[3].parameters.Timeout` in an older export.
    pub path: String,
    /// What is wrong there, as the end of a sentence that begins with the path.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.message)
    }
}

/// Checks what concerns the whole document.
pub(crate) fn document(document: &Document, places: &Places<'_>, problems: &mut Vec<Problem>) {
    let mut note = |path: &str, message: String| problems.push(Problem { path: path.to_owned(), message });
    let (start, blocks) = match document.format {
        Format::Language20191030 => {
            match document.version.as_deref() {
                Some(VERSION) => {}
                Some(_) => note("Version", format!("must be \"{VERSION}\"")),
                None => note("Version", format!("is missing, must be \"{VERSION}\"")),
            }
            ("StartAction", "Actions")
        }
        Format::DesignerModules => ("start", "modules"),
    };
    if document.actions.len() > MAX_ACTIONS {
        note(blocks, format!("has {} blocks, {MAX_ACTIONS} are allowed", document.actions.len()));
    }
    if places.index(&document.start).is_none() {
        note(start, leads_nowhere(&document.start));
    }
}

/// Checks an action's identifier and type.
pub(crate) fn identity(action: &Action, places: &Places<'_>, index: usize, problems: &mut Vec<Problem>) {
    let (identifier, type_name) = match action.format {
        Format::Language20191030 => ("Identifier", "Type"),
        Format::DesignerModules => ("id", "type"),
    };
    if let Some(fault) = identifier_fault(&action.identifier) {
        note(problems, action, identifier, fault);
    } else if places.index(&action.identifier) != Some(index) {
        note(problems, action, identifier, format!("{:?} is used more than once", action.identifier));
    }
    if !actions().iter().any(|row| row.name() == action.type_name) {
        note(
            problems,
            action,
            type_name,
            format!("{:?} is not a type of block", shortened(&action.type_name)),
        );
    }
}

fn identifier_fault(identifier: &str) -> Option<String> {
    let length = identifier.chars().count();
    if length == 0 {
        Some("must not be empty".to_owned())
    } else if length > MAX_IDENTIFIER {
        Some(format!("has {length} characters, {MAX_IDENTIFIER} are allowed"))
    } else if let Some(forbidden) = identifier.chars().find(|c| FORBIDDEN_CHARACTERS.contains(*c)) {
        Some(format!("must not contain {forbidden:?}"))
    } else if FORBIDDEN_IDENTIFIERS.contains(&identifier) {
        Some(format!("must not be {identifier:?}"))
    } else {
        None
    }
}

/// Checks where a block leads, and by which conditions.
pub(crate) fn transitions(action: &Action, places: &Places<'_>, problems: &mut Vec<Problem>) {
    let transitions = &action.transitions;
    let errors = transitions.errors.iter().map(|(_, transition)| transition);
    let conditions = transitions.conditions.iter().map(|condition| &condition.transition);
    for transition in transitions.next.iter().chain(errors).chain(conditions) {
        if places.index(&transition.to).is_none() {
            note(problems, action, &transition.path, leads_nowhere(&transition.to));
        }
    }
    for condition in &transitions.conditions {
        check_condition(action, condition, problems);
    }
}

fn check_condition(action: &Action, branch: &ConditionTransition, problems: &mut Vec<Problem>) {
    let place = |transition: &Transition, part: &str| {
        let branch = transition.path.rsplit_once('.').map_or("", |(branch, _)| branch);
        format!("{branch}.{part}")
    };
    let (operator, operand) = match action.format {
        Format::Language20191030 => ("Condition.Operator", "Condition.Operands[0]"),
        Format::DesignerModules => ("conditionType", "conditionValue"),
    };
    match branch.condition() {
        Ok(condition) if condition.operand.literal() == Some("") => {
            let path = place(&branch.transition, operand);
            note(problems, action, &path, "must not be empty".to_owned());
        }
        Ok(_) => {}
        Err(ConditionFault::Operator) => {
            let path = place(&branch.transition, operator);
            note(problems, action, &path, format!("{:?} is not an operator", shortened(&branch.operator)));
        }
        Err(ConditionFault::Operand(message)) => {
            note(problems, action, &place(&branch.transition, operand), message.to_owned());
        }
    }
}

/// Takes down what is wrong with one action. Of several things at one place the first counts.
pub(crate) struct Notes<'a> {
    action: &'a Action,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(action: &'a Action, problems: &'a mut Vec<Problem>) -> Self {
        Self { action, problems }
    }

    /// Of a parameter; "" is all of them.
    pub(crate) fn parameter(&mut self, name: &str, message: impl Into<String>) {
        let place = self.place(name);
        self.at(&place, message);
    }

    /// Of the ways out together.
    pub(crate) fn branches(&mut self, message: impl Into<String>) {
        let place = match self.action.format {
            Format::Language20191030 => "Transitions",
            Format::DesignerModules => "branches",
        };
        let path = format!("{}.{place}", self.action.path);
        self.problems.push(Problem { path, message: message.into() });
    }

    /// Of any place below the action.
    pub(crate) fn at(&mut self, place: &str, message: impl Into<String>) {
        let path = format!("{}.{place}", self.action.path);
        let is_told = |problem: &Problem| problem.path == path && !place.ends_with("Errors");
        if !self.problems.iter().any(is_told) {
            self.problems.push(Problem { path, message: message.into() });
        }
    }

    /// Where a parameter stands below its action, in the words of the format that the flow was written in.
    pub(crate) fn place(&self, name: &str) -> String {
        match (self.action.format, name) {
            (Format::Language20191030, "") => "Parameters".to_owned(),
            (Format::Language20191030, name) => format!("Parameters.{name}"),
            (Format::DesignerModules, "") => "parameters".to_owned(),
            (Format::DesignerModules, name) => {
                format!("parameters.{}", parameter_name(&self.action.type_name, name))
            }
        }
    }
}

fn note(problems: &mut Vec<Problem>, action: &Action, place: &str, message: String) {
    Notes::new(action, problems).at(place, message);
}

fn leads_nowhere(to: &str) -> String {
    if to.is_empty() {
        "names no block".to_owned()
    } else {
        format!("names {:?}, which is not a block of this flow", shortened(to))
    }
}

/// A hostile name may be long; a message never is.
pub(crate) fn shortened(text: &str) -> &str {
    text.char_indices().nth(SHOWN_CHARACTERS).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

const VERSION: &str = "2019-10-30";
const MAX_ACTIONS: usize = 250;
const MAX_IDENTIFIER: usize = 50;
const SHOWN_CHARACTERS: usize = 100;
const FORBIDDEN_CHARACTERS: &str = "%:(\\/)=$,;[]{}";
const FORBIDDEN_IDENTIFIERS: &[&str] = &[
    "__defineGetter__",
    "__defineSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];
