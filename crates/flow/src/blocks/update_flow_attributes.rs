//! `UpdateFlowAttributes`: attributes of the running flow, `$.FlowAttributes.name`. They end with the flow.
//!
//! Shape: exported flows write `FlowAttributes{name:{Value:"..."}}`, the reference shows one level more,
//! `{group:{name:"..."}}`; both are read, and `{name:"..."}` too.

use serde_json::{Value, json};

use super::update_contact_attributes::log_parameters;
use super::{Entered, Outcome, Run, Step};
use crate::memory::{Namespace, Scene};
use crate::parameters::{ATTRIBUTES_LIMIT_BYTES, Misconfigured, Parameters, TemplateMap, scalar_text};
use crate::template::Template;

/// Sets attributes of the flow.
#[derive(Debug)]
pub(crate) struct UpdateFlowAttributes {
    attributes: TemplateMap,
}

impl UpdateFlowAttributes {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let mut attributes = TemplateMap::default();
        for (name, value) in parameters.object("FlowAttributes").into_iter().flatten() {
            let mut set = |name: &str, value: &Value| {
                if let Some(text) = scalar_text(value) {
                    attributes.push(Template::parse(name), Template::parse(&text));
                }
            };
            match value {
                Value::Object(members) => match members.get("Value") {
                    Some(value) => set(name, value),
                    None => members.iter().for_each(|(name, value)| set(name, value)),
                },
                value => set(name, value),
            }
        }
        if attributes.is_empty() {
            return Err(parameters.refuse("FlowAttributes", "names no attribute"));
        }
        Ok(Self { attributes })
    }
}

impl Run for UpdateFlowAttributes {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let new = match self.attributes.resolve(|template| scene.resolve(template)) {
            Ok(new) => new,
            Err(reason) => return Entered::leave(json!({}), Outcome::failed(reason)),
        };
        let parameters = log_parameters(&new);
        let mut all = scene.memory.get(Namespace::FlowAttributes).as_object().cloned().unwrap_or_default();
        all.extend(new.into_iter().map(|(name, value)| (name, value.into())));
        let bytes: usize =
            all.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
        let outcome = if bytes > ATTRIBUTES_LIMIT_BYTES {
            let reason = format!("flow attributes of {bytes} bytes are more than {ATTRIBUTES_LIMIT_BYTES}");
            Outcome::failed(reason)
        } else {
            scene.memory.put(Namespace::FlowAttributes, Value::Object(all));
            Outcome::Success
        };
        Entered { parameters, step: Step::Leave(outcome) }
    }
}
