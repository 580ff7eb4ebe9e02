//! `UpdateContactAttributes` ("Set contact attributes"): all of them or, on an error, none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Entered, Run, Step};
use crate::effect::Effect;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, TemplateMap};

/// Sets attributes of the contact. Unset references are kept as empty values.
#[derive(Debug)]
pub(crate) struct UpdateContactAttributes {
    attributes: TemplateMap,
    of_related_contact: bool,
}

impl UpdateContactAttributes {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let attributes = parameters.template_map("Attributes");
        if attributes.is_empty() {
            return Err(parameters.refuse("Attributes", "names no attribute"));
        }
        let of_related_contact = match parameters.text("TargetContact").as_deref() {
            None | Some("Current") => false,
            Some("Related") => true,
            Some(_) => {
                parameters.note("TargetContact", "must be \"Current\" or \"Related\"");
                false
            }
        };
        Ok(Self { attributes, of_related_contact })
    }
}

impl Run for UpdateContactAttributes {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        if self.of_related_contact {
            return Entered::failed(json!({}), "the contact has no related contact");
        }
        match self.attributes.resolve(|template| scene.resolve(template)) {
            Ok(attributes) => Entered {
                parameters: log_parameters(&attributes),
                step: Step::Perform(Effect::SetAttributes(attributes)),
            },
            Err(reason) => Entered::failed(json!({}), reason),
        }
    }
}

/// The service logs each attribute in an entry of its own.
pub(super) fn log_parameters(attributes: &BTreeMap<String, String>) -> Vec<Value> {
    attributes.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
