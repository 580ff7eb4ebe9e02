use super::Module;
use crate::error::{ConnectError, ErrorCode};
use crate::named::{Named, Scene};
use crate::reference::shown;
use crate::timestamp::epoch_seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tympan_types::{ResourceId, WallTime};

/// The most aliases of one module: a bound on the size of its row.
pub(super) const MOST: usize = 100;

/// A name for a version of a flow module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its id.
    pub id: ResourceId,
    /// Its name, unique in the module.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// The version that it is of.
    pub version: u32,
    /// When it last changed.
    pub modified: WallTime,
}

impl Alias {
    pub(super) fn check(&self, scene: &Scene<'_>, module: &Named<Module>) -> Result<(), ConnectError> {
        let in_alphabet = |c: char| c.is_ascii_alphanumeric() || "$_-".contains(c);
        if !(1..=100).contains(&self.name.chars().count()) || !self.name.chars().all(in_alphabet) {
            return Err(ConnectError::parameter(
                "the name of an alias has 1 to 100 letters, digits, $, _ and -",
            ));
        }
        crate::versions::get(scene, module.id, &self.version.to_string())?;
        let taken = module.spec.aliases.iter().any(|other| other.name == self.name && other.id != self.id);
        match taken {
            true => Err(ConnectError::new(
                ErrorCode::DuplicateResource,
                format!("the module has an alias {:?} already", self.name),
            )),
            false => Ok(()),
        }
    }

    /// The alias as its description shows it.
    pub(super) fn described(&self, scene: &Scene<'_>, module: &Named<Module>) -> Value {
        let mut alias = json!({
            "ContactFlowModuleId": module.id,
            "ContactFlowModuleArn": scene.arn::<Module>(module.id),
            "AliasId": self.id,
            "Version": self.version,
            "Name": self.name,
            "LastModifiedRegion": scene.instance.region.to_string(),
            "LastModifiedTime": epoch_seconds(self.modified),
        });
        if let Some(text) = &self.description {
            alias["Description"] = text.as_str().into();
        }
        alias
    }

    /// The alias as lists show it.
    pub(super) fn summary(&self, scene: &Scene<'_>, module: &Named<Module>) -> Value {
        let mut alias = json!({
            "Arn": format!("{}:{}", scene.arn::<Module>(module.id), self.name),
            "AliasId": self.id,
            "Version": self.version,
            "AliasName": self.name,
            "LastModifiedTime": epoch_seconds(self.modified),
        });
        if let Some(text) = &self.description {
            alias["AliasDescription"] = text.as_str().into();
        }
        alias
    }
}

/// The alias that a request names.
pub(super) fn find<'a>(module: &'a Named<Module>, text: &str) -> Result<&'a Alias, ConnectError> {
    let known = module.spec.aliases.iter().find(|alias| alias.id.to_string().eq_ignore_ascii_case(text));
    known.ok_or_else(|| ConnectError::not_found(format!("module {} has no alias {}", module.id, shown(text))))
}
