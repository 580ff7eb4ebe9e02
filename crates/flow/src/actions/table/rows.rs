//! How rows are written.

use crate::actions::{
    Action, Behaviour, BranchTo, Conditions, ErrorType, Finish, Form, Kind, Need, Next, Older, Parameter,
    PossibleError,
};
use crate::flow_type::FlowTypes;
use serde_json::{Map, Value};

pub(super) const ALL: FlowTypes = FlowTypes::ALL;
pub(super) const INBOUND: FlowTypes = FlowTypes::INBOUND;
pub(super) const TRANSFERS: FlowTypes = FlowTypes::TRANSFERS;
pub(super) const QUEUE: FlowTypes = FlowTypes::QUEUE;
pub(super) const HOLDS: FlowTypes = FlowTypes::HOLDS;
pub(super) const WHISPERS: FlowTypes = FlowTypes::WHISPERS;
pub(super) const OUTBOUND: FlowTypes = FlowTypes::OUTBOUND;
pub(super) const MODULE: FlowTypes = FlowTypes::MODULE;
/// Inbound, transfer and queue flows, and modules: where most blocks with a caller stand.
pub(super) const CALLER: FlowTypes = INBOUND.and(TRANSFERS).and(QUEUE).and(MODULE);

const ANY_ERROR: &[PossibleError] = &[optional(ErrorType::NoMatchingError)];

pub(super) const fn row(
    name: &'static str,
    module_type: &'static str,
    flow_types: FlowTypes,
    run: Behaviour,
) -> Action {
    Action {
        name,
        form: |_| true,
        form_name: "",
        module_type,
        flow_types,
        parameters: &[],
        takes_any_parameter: false,
        errors: &[],
        conditions: Conditions::None,
        next: Next::Required,
        older: &[],
        run,
    }
}

/// An action of another channel or service: every parameter passes, and its one error branch is taken.
pub(super) const fn not_offered(name: &'static str, reason: &'static str) -> Action {
    let mut action = row(name, name, ALL, Behaviour::NotOffered(ErrorType::NoMatchingError, reason));
    action.errors = ANY_ERROR;
    action.conditions = Conditions::Any;
    action.takes_any_parameter = true;
    action
}

impl Action {
    pub(in crate::actions) const fn form_is(mut self, name: &'static str, form: Form) -> Self {
        (self.form_name, self.form) = (name, form);
        self
    }

    pub(in crate::actions) const fn parameters_are(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    pub(in crate::actions) const fn takes_any(mut self) -> Self {
        self.takes_any_parameter = true;
        self
    }

    pub(in crate::actions) const fn errors_are(mut self, errors: &'static [PossibleError]) -> Self {
        self.errors = errors;
        self
    }

    pub(in crate::actions) const fn conditions_are(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    pub(in crate::actions) const fn terminal(mut self) -> Self {
        self.next = Next::Terminal;
        self
    }

    pub(in crate::actions) const fn next_may_miss(mut self) -> Self {
        self.next = Next::Optional;
        self
    }

    pub(in crate::actions) const fn older_are(mut self, older: &'static [Older]) -> Self {
        self.older = older;
        self
    }
}

impl Parameter {
    pub(in crate::actions) const fn needed(mut self) -> Self {
        self.required = true;
        self
    }
}

pub(super) const fn parameter(path: &'static str, kind: Kind) -> Parameter {
    Parameter { path, kind, required: false }
}

pub(super) const fn fixed(path: &'static str) -> Parameter {
    parameter(path, Kind::Static)
}

pub(super) const fn reference(path: &'static str) -> Parameter {
    parameter(path, Kind::StaticOrReference)
}

pub(super) const fn whole_reference(path: &'static str) -> Parameter {
    parameter(path, Kind::Reference)
}

pub(super) const fn text(path: &'static str) -> Parameter {
    parameter(path, Kind::Text)
}

pub(super) const fn flag(path: &'static str) -> Parameter {
    parameter(path, Kind::Flag)
}

pub(super) const fn one_of(path: &'static str, words: &'static [&'static str]) -> Parameter {
    parameter(path, Kind::OneOf(words))
}

pub(super) const fn whole(path: &'static str, least: u32, most: u32) -> Parameter {
    parameter(path, Kind::Whole(least, most))
}

pub(super) const fn whole_or_reference(path: &'static str, least: u32, most: u32) -> Parameter {
    parameter(path, Kind::WholeOrReference(least, most))
}

pub(super) const fn object(path: &'static str) -> Parameter {
    parameter(path, Kind::Object)
}

pub(super) const fn map(path: &'static str) -> Parameter {
    parameter(path, Kind::Map)
}

pub(super) const fn list(path: &'static str) -> Parameter {
    parameter(path, Kind::List)
}

pub(super) const fn any(path: &'static str) -> Parameter {
    parameter(path, Kind::Any)
}

pub(super) const fn required(kind: ErrorType) -> PossibleError {
    PossibleError { kind, need: Need::Required }
}

pub(super) const fn optional(kind: ErrorType) -> PossibleError {
    PossibleError { kind, need: Need::Optional }
}

pub(super) const fn with(kind: ErrorType, parameter: &'static str) -> PossibleError {
    PossibleError { kind, need: Need::With(parameter) }
}

pub(super) const fn older(module: &'static str) -> Older {
    Older { module, target: None, parameters: &[], branches: &[], finish: None }
}

impl Older {
    pub(in crate::actions) const fn target(mut self, target: &'static str) -> Self {
        self.target = Some(target);
        self
    }

    pub(in crate::actions) const fn parameters(
        mut self,
        parameters: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.parameters = parameters;
        self
    }

    pub(in crate::actions) const fn branches(
        mut self,
        branches: &'static [(&'static str, BranchTo)],
    ) -> Self {
        self.branches = branches;
        self
    }

    pub(in crate::actions) const fn finish(mut self, finish: Finish) -> Self {
        self.finish = Some(finish);
        self
    }
}

pub(super) fn is_true(parameters: &Map<String, Value>, name: &str) -> bool {
    match parameters.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
