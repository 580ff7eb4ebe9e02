//! `UpdateContactData` ("Set contact data", "Set language attribute"): name, description, language, customer, references.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Entered, Run};
use crate::effect::{ContactChange, ContactData, ContactReference};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Sets what a contact is called and speaks.
#[derive(Debug)]
pub(crate) struct UpdateContactData {
    name: Option<Template>,
    description: Option<Template>,
    language_code: Option<Template>,
    customer_id: Option<Template>,
    references: Vec<(String, Template, Template)>,
    assistant: Option<Template>,
    of_related_contact: bool,
}

impl UpdateContactData {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let mut references = Vec::new();
        for (name, reference) in parameters.object("References").into_iter().flatten() {
            let text = |member: &str| {
                Template::parse(reference.get(member).and_then(Value::as_str).unwrap_or_default())
            };
            references.push((name.clone(), text("Value"), text("Type")));
        }
        let block = Self {
            name: parameters.template("Name"),
            description: parameters.template("Description"),
            language_code: parameters.template("LanguageCode"),
            customer_id: parameters.template("CustomerId"),
            references,
            assistant: parameters.template("WisdomSessionArn"),
            of_related_contact: parameters.text("TargetContact").as_deref() == Some("Related"),
        };
        Ok(block)
    }
}

impl Run for UpdateContactData {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        if self.of_related_contact {
            return Entered::failed(json!({}), "the contact has no related contact");
        }
        let text = |template: &Option<Template>| template.as_ref().map(|template| scene.resolve(template));
        let data = ContactData {
            name: text(&self.name),
            description: text(&self.description),
            language_code: text(&self.language_code),
            customer_id: text(&self.customer_id),
            references: self
                .references
                .iter()
                .map(|(name, value, kind)| {
                    let reference =
                        ContactReference { value: scene.resolve(value), kind: scene.resolve(kind) };
                    (name.clone(), reference)
                })
                .collect::<BTreeMap<_, _>>(),
        };
        let mut log = Map::new();
        for (name, value) in [
            ("Name", &data.name),
            ("Description", &data.description),
            ("LanguageCode", &data.language_code),
            ("CustomerId", &data.customer_id),
        ] {
            if let Some(value) = value {
                log.insert(name.to_owned(), value.as_str().into());
            }
        }
        if data == ContactData::default() {
            let reason = match self.assistant {
                Some(_) => "there are no assistants for agents here: WisdomSessionArn sets nothing",
                None => "the block sets nothing that is known here",
            };
            return Entered::failed(Value::Object(log), reason);
        }
        Entered::change(Value::Object(log), ContactChange::Data(data))
    }
}
