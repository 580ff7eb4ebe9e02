//! What the table says of a block: which parameters, errors, conditions and ways out it must have and may have.

use super::{Action, Conditions, Kind, Need, Next, Parameter};
use crate::document::Action as Block;
use crate::graph::Format;
use crate::parameters::{is_true_or_false, scalar_text};
use crate::reference::Reference;
use crate::template::Template;
use crate::validate::{Notes, shortened};
use serde_json::Value;

/// Checks a block against its row.
pub(crate) fn check(action: &Action, block: &Block, notes: &mut Notes<'_>) {
    for parameter in action.parameters {
        check_parameter(parameter, block, notes);
    }
    // The older export has parameters of its designer's beside those that count.
    let is_current = block.format == Format::Language20191030;
    if is_current && !action.takes_any_parameter {
        for name in block.parameters.keys() {
            if !action.parameters.iter().any(|parameter| parameter.path.split('.').next() == Some(name)) {
                notes.parameter(name, format!("is not a parameter of {}", action.name));
            }
        }
    }
    check_conditions(action, block, notes);
    if is_current {
        if action.next != Next::Terminal {
            check_errors(action, block, notes);
        }
        check_next(action, block, notes);
    } else if matches!(action.next, Next::Terminal | Next::Optional) {
        // Designers left branches in modules that end a flow, and none in loops of prompts.
    } else if block.transitions.is_empty() {
        notes.branches("lead nowhere: the flow would end here");
    }
}

fn check_parameter(parameter: &Parameter, block: &Block, notes: &mut Notes<'_>) {
    let mut names = parameter.path.split('.');
    let first = names.next().and_then(|name| block.parameters.get(name));
    let value = names
        .try_fold(first, |value, name| Some(value?.get(name)))
        .flatten()
        .filter(|value| !value.is_null());
    let Some(value) = value else {
        if parameter.required {
            notes.parameter(parameter.path, "is missing");
        }
        return;
    };
    if let Some(message) = fault(parameter.kind, value) {
        notes.parameter(parameter.path, message);
    }
}

/// What is wrong with a value.
fn fault(kind: Kind, value: &Value) -> Option<String> {
    let is_shaped = match kind {
        Kind::Any => return None,
        Kind::Object => value.is_object(),
        Kind::List => value.is_array(),
        Kind::Map => return map_fault(value),
        _ => return scalar_fault(kind, value),
    };
    let expected = if matches!(kind, Kind::List) { "must be a list" } else { "must be an object" };
    (!is_shaped).then(|| expected.to_owned())
}

fn map_fault(value: &Value) -> Option<String> {
    let Some(members) = value.as_object() else { return Some("must be an object".to_owned()) };
    if members.is_empty() {
        return Some("names nothing".to_owned());
    }
    let empty = members.iter().find(|(_, value)| value.as_str() == Some(""))?;
    Some(format!("has an empty value for {:?}", shortened(empty.0)))
}

fn scalar_fault(kind: Kind, value: &Value) -> Option<String> {
    let Some(text) = scalar_text(value) else { return Some("must be a string".to_owned()) };
    if text.is_empty() {
        return Some("must not be empty".to_owned());
    }
    let is_reference = || Reference::parse(&text).is_some();
    let is_whole = |least: u32, most: u32| {
        text.trim().parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
    };
    let wanted = |least: u32, most: u32| match most {
        u32::MAX => format!("must be a whole number from {least}"),
        most => format!("must be a whole number from {least} to {most}"),
    };
    match kind {
        Kind::Static => (Template::parse(&text).literal().is_none())
            .then(|| "must be a text without references".to_owned()),
        Kind::StaticOrReference => (Template::parse(&text).literal().is_none() && !is_reference())
            .then(|| "must be a text or one whole reference".to_owned()),
        Kind::Reference => (!is_reference()
            || Reference::parse(&text).is_some_and(|r| r.is_bare_namespace()))
        .then(|| "must be a JSONPath reference such as $.Attributes.name".to_owned()),
        Kind::Flag => (!is_true_or_false(&text)).then(|| "must be \"True\" or \"False\"".to_owned()),
        Kind::OneOf(words) => (!words.contains(&text.as_str())).then(|| one_of(words)),
        Kind::Whole(least, most) => (!is_whole(least, most)).then(|| wanted(least, most)),
        Kind::WholeOrReference(least, most) => {
            (!is_whole(least, most) && !is_reference()).then(|| wanted(least, most))
        }
        Kind::Signed => (text.trim().parse::<i32>().is_err()).then(|| "must be a whole number".to_owned()),
        Kind::Text | Kind::Any | Kind::Object | Kind::Map | Kind::List => None,
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [word] => format!("must be {word:?}"),
        [first, second] => format!("must be {first:?} or {second:?}"),
        words => format!("must be one of {}", words.join(", ")),
    }
}

fn check_errors(action: &Action, block: &Block, notes: &mut Notes<'_>) {
    let has = |path: &str| {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| block.parameters.get(name));
        names.fold(first, |value, name| value.and_then(|value| value.get(name))).is_some()
    };
    for error in action.errors {
        let is_required = match error.need {
            Need::Required => true,
            Need::Optional => false,
            Need::With(parameter) => has(parameter),
        };
        let is_there = block.transitions.errors.iter().any(|(kind, _)| kind == error.kind.word());
        if is_required && !is_there {
            notes.at("Transitions.Errors", format!("lack the error {}", error.kind));
        }
    }
    for (index, (kind, _)) in block.transitions.errors.iter().enumerate() {
        let is_known = action.errors.iter().any(|error| {
            error.kind.word() == kind && !matches!(error.need, Need::With(parameter) if !has(parameter))
        });
        if !is_known {
            let message = format!("{:?} is not an error of {}", shortened(kind), action.name);
            notes.at(&format!("Transitions.Errors[{index}].ErrorType"), message);
        }
    }
}

fn check_conditions(action: &Action, block: &Block, notes: &mut Notes<'_>) {
    let conditions = &block.transitions.conditions;
    let (wanted, possible) = match action.conditions {
        Conditions::Any => return,
        Conditions::Some if conditions.is_empty() => return notes.branches("lack a condition"),
        Conditions::Some => return,
        Conditions::None if conditions.is_empty() => return,
        Conditions::None if block.format == Format::DesignerModules => return,
        Conditions::None => {
            return notes.at("Transitions.Conditions", format!("are not for {}", action.name));
        }
        Conditions::Among(possible) => (&[] as &[&str], Some(possible)),
        Conditions::Exactly(wanted) => (wanted, Some(wanted)),
        Conditions::AtLeast(wanted) => (wanted, None),
    };
    let results: Vec<_> = conditions
        .iter()
        .map(|branch| branch.condition().ok().and_then(|condition| condition.equals().map(str::to_owned)))
        .collect();
    for result in wanted {
        if !results.iter().flatten().any(|equals| equals == result) {
            notes.branches(format!("lack the condition Equals {result}"));
        }
    }
    for (index, result) in results.iter().enumerate() {
        let is_possible = possible
            .is_none_or(|possible| result.as_deref().is_some_and(|result| possible.contains(&result)));
        if !is_possible && block.format == Format::Language20191030 {
            let message = format!("can never be met by {}", action.name);
            notes.at(&format!("Transitions.Conditions[{index}].Condition"), message);
        }
    }
}

fn check_next(action: &Action, block: &Block, notes: &mut Notes<'_>) {
    let transitions = &block.transitions;
    match action.next {
        Next::Terminal if !transitions.is_empty() => {
            notes.branches(format!("must be empty: nothing comes after {}", action.name));
        }
        Next::Required if transitions.next.is_none() => {
            notes.at("Transitions.NextAction", "is missing");
        }
        Next::Terminal | Next::Required | Next::Optional => {}
    }
}
