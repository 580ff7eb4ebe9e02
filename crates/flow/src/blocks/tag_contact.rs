//! `TagContact` and `UntagContact`.

use serde_json::{Value, json};

use super::{Entered, Run, Step};
use crate::effect::{ContactChange, Effect};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, TemplateMap};

/// Sets tags of the contact, at most six by a block.
#[derive(Debug)]
pub(crate) struct TagContact {
    tags: TemplateMap,
}

impl TagContact {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let count = parameters.object("Tags").map_or(0, |tags| tags.len());
        if count > TAGS_MAX {
            parameters.note("Tags", format!("has {count} tags, {TAGS_MAX} are allowed"));
        }
        let tags = parameters.template_map("Tags");
        if tags.is_empty() {
            return Err(parameters.refuse("Tags", "names no tag"));
        }
        Ok(Self { tags })
    }
}

impl Run for TagContact {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        match self.tags.resolve(|template| scene.resolve(template)) {
            Ok(tags) => Entered {
                parameters: super::update_contact_attributes::log_parameters(&tags),
                step: Step::Perform(Effect::Change(ContactChange::Tag(tags))),
            },
            Err(reason) => Entered::failed(json!({}), reason),
        }
    }
}

/// Removes tags of the contact.
#[derive(Debug)]
pub(crate) struct UntagContact {
    keys: Vec<String>,
}

impl UntagContact {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let keys: Vec<String> =
            parameters.list("TagKeys").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if keys.is_empty() {
            return Err(parameters.refuse("TagKeys", "names no tag"));
        }
        Ok(Self { keys })
    }
}

impl Run for UntagContact {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::change(json!({ "TagKeys": self.keys }), ContactChange::Untag(self.keys.clone()))
    }
}

const TAGS_MAX: usize = 6;
