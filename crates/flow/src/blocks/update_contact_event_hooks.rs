//! `UpdateContactEventHooks` ("Set whisper flow", "Set hold flow", "Set disconnect flow", ...): which flow runs at which event of the
//! contact, and whether one runs at all.
//!
//! Shape: `EventHooks{hook: flow}`, one of them in exported flows; `EventHooksConfiguration{hook: {DisableExecution: "true"}}` beside it
//! or alone.

use serde_json::{Value, json};

use super::{Entered, Run};
use crate::effect::{ContactChange, EventHook};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate, is_true};

/// The events.
const HOOKS: &[&str] = &[
    "AgentHold",
    "AgentWhisper",
    "CustomerHold",
    "CustomerQueue",
    "CustomerRemaining",
    "CustomerWhisper",
    "DefaultAgentUI",
    "DisconnectAgentUI",
    "PauseContact",
    "ResumeContact",
];

/// Sets flows of events.
#[derive(Debug)]
pub(crate) struct UpdateContactEventHooks {
    hooks: Vec<Hook>,
}

#[derive(Debug)]
struct Hook {
    event: String,
    flow: Option<ResourceTemplate>,
    is_disabled: Option<bool>,
}

impl UpdateContactEventHooks {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let mut hooks: Vec<Hook> = Vec::new();
        for event in parameters.object("EventHooks").into_iter().flatten().map(|(event, _)| event) {
            let flow = parameters.resource(&format!("EventHooks.{event}"));
            check(event, parameters);
            hooks.push(Hook { event: event.clone(), flow, is_disabled: None });
        }
        let configuration = parameters.object("EventHooksConfiguration");
        for (event, configuration) in configuration.into_iter().flatten() {
            check(event, parameters);
            let Some(disabled) = configuration.get("DisableExecution") else { continue };
            let is_disabled = Some(is_true(disabled));
            match hooks.iter_mut().find(|hook| hook.event == *event) {
                Some(hook) => hook.is_disabled = is_disabled,
                None => hooks.push(Hook { event: event.clone(), flow: None, is_disabled }),
            }
        }
        Ok(Self { hooks })
    }
}

fn check(event: &str, parameters: &mut Parameters<'_>) {
    if !HOOKS.contains(&event) {
        parameters.note(&format!("EventHooks.{event}"), "is not an event of a contact");
    }
}

impl Run for UpdateContactEventHooks {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let mut log = json!({});
        let mut hooks = Vec::new();
        for Hook { event, flow, is_disabled } in &self.hooks {
            if !HOOKS.contains(&event.as_str()) {
                let reason = format!("{:?} is not an event of a contact", crate::validate::shortened(event));
                return Entered::failed(log, reason);
            }
            let flow = flow.as_ref().map(|flow| flow.resolve(scene));
            log["Type"] = event.as_str().into();
            log["ContactFlowId"] = flow.as_ref().map_or(Value::Null, |flow| flow.id.as_str().into());
            if flow.as_ref().is_some_and(|flow| flow.is_unset()) {
                return Entered::failed(log, "the flow of the event resolves to nothing");
            }
            hooks.push(EventHook { event: event.clone(), flow, is_disabled: *is_disabled });
        }
        Entered::change(log, ContactChange::EventHooks(hooks))
    }
}
