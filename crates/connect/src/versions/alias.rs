use super::version::get;
use crate::error::{ConnectError, ErrorCode};
use crate::named::Scene;
use crate::reference::shown;
use crate::service::Limits;
use crate::timestamp::epoch_seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tympan_types::{ResourceId, WallTime};

/// The most aliases of one flow or module: a bound on the size of its row.
const MOST: usize = 100;

/// A name for a version of a flow or of a flow module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its id.
    pub id: ResourceId,
    /// Its name, unique in the flow or module.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// The version that it is of.
    pub version: u32,
    /// When it last changed.
    pub modified: WallTime,
}

/// What has versions and names for them.
pub(crate) struct Aliased<'a> {
    pub(crate) id: ResourceId,
    pub(crate) arn: String,
    /// What its id and ARN are called without `Id` and `Arn`: `ContactFlow`.
    pub(crate) member: &'static str,
    pub(crate) aliases: &'a [Alias],
}

/// A new alias.
pub(crate) struct NewAlias {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) version: u32,
}

/// What of an alias is to be changed.
pub(crate) struct AliasChange {
    pub(crate) alias_id: String,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<u32>,
}

impl Aliased<'_> {
    /// The alias that a request names.
    ///
    /// # Errors
    /// ResourceNotFound.
    pub(crate) fn find(&self, text: &str) -> Result<&Alias, ConnectError> {
        let known = self.aliases.iter().find(|alias| alias.id.to_string().eq_ignore_ascii_case(text));
        known.ok_or_else(|| ConnectError::not_found(format!("{} has no alias {}", self.id, shown(text))))
    }

    /// An alias to be added.
    ///
    /// # Errors
    /// InvalidParameter (the name), ResourceNotFound (the version), DuplicateResource, LimitExceeded.
    pub(crate) fn new_alias(&self, scene: &Scene<'_>, new: NewAlias) -> Result<Alias, ConnectError> {
        let alias = Alias {
            id: ResourceId::from_random(scene.service.random()),
            name: new.name,
            description: new.description.filter(|text| !text.is_empty()),
            version: new.version,
            modified: scene.now,
        };
        self.check(scene, &alias)?;
        Limits::check(self.aliases.len(), MOST, ErrorCode::LimitExceeded, "aliases")?;
        Ok(alias)
    }

    /// An alias as it is after a change; a member that is absent stays as it is.
    ///
    /// # Errors
    /// As [`Self::new_alias`].
    pub(crate) fn changed(&self, scene: &Scene<'_>, change: AliasChange) -> Result<Alias, ConnectError> {
        let mut alias = self.find(&change.alias_id)?.clone();
        alias.name = change.name.unwrap_or(alias.name);
        alias.description = change.description.or(alias.description).filter(|text| !text.is_empty());
        alias.version = change.version.unwrap_or(alias.version);
        alias.modified = scene.now;
        self.check(scene, &alias)?;
        Ok(alias)
    }

    fn check(&self, scene: &Scene<'_>, alias: &Alias) -> Result<(), ConnectError> {
        let in_alphabet = |c: char| c.is_ascii_alphanumeric() || "$_-".contains(c);
        if !(1..=100).contains(&alias.name.chars().count()) || !alias.name.chars().all(in_alphabet) {
            return Err(ConnectError::parameter(
                "the name of an alias has 1 to 100 letters, digits, $, _ and -",
            ));
        }
        get(scene, self.id, &alias.version.to_string())?;
        match self.aliases.iter().any(|other| other.name == alias.name && other.id != alias.id) {
            true => Err(ConnectError::new(
                ErrorCode::DuplicateResource,
                format!("{} has an alias {:?} already", self.id, alias.name),
            )),
            false => Ok(()),
        }
    }

    /// Refuses to delete a version that an alias is of.
    ///
    /// # Errors
    /// InvalidRequest.
    pub(crate) fn check_unused(&self, version: u32) -> Result<(), ConnectError> {
        match self.aliases.iter().find(|alias| alias.version == version) {
            Some(alias) => Err(ConnectError::request(format!("alias {:?} is of this version", alias.name))),
            None => Ok(()),
        }
    }

    /// The number of the version that a text names: an alias by its name, or the number itself.
    pub(crate) fn version(&self, text: &str) -> String {
        let alias = self.aliases.iter().find(|alias| alias.name == text);
        alias.map_or_else(|| text.to_owned(), |alias| alias.version.to_string())
    }

    /// An alias as its description shows it.
    pub(crate) fn described(&self, scene: &Scene<'_>, alias: &Alias) -> Value {
        let mut shown = json!({
            format!("{}Id", self.member): self.id,
            format!("{}Arn", self.member): self.arn,
            "AliasId": alias.id,
            "Version": alias.version,
            "Name": alias.name,
            "LastModifiedRegion": scene.instance.region.to_string(),
            "LastModifiedTime": epoch_seconds(alias.modified),
        });
        if let Some(text) = &alias.description {
            shown["Description"] = text.as_str().into();
        }
        shown
    }

    /// The aliases as lists show them, each with its name.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (String, Value)> {
        self.aliases.iter().map(|alias| {
            let mut shown = json!({
                "Arn": format!("{}:{}", self.arn, alias.name),
                "AliasId": alias.id,
                "Version": alias.version,
                "AliasName": alias.name,
                "LastModifiedTime": epoch_seconds(alias.modified),
            });
            if let Some(text) = &alias.description {
                shown["AliasDescription"] = text.as_str().into();
            }
            (alias.name.clone(), shown)
        })
    }
}
