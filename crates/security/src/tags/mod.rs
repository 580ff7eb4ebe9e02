//! Tags of keys.

mod list_resource_tags;
mod tag_resource;
mod untag_resource;

pub(crate) use list_resource_tags::ListResourceTags;
pub(crate) use tag_resource::TagResource;
pub(crate) use untag_resource::UntagResource;

use crate::kms::{KmsApiError, KmsErrorCode, constraint};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Tags that a key may have.
const MOST: usize = 50;

/// One tag of a request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    tag_key: Option<String>,
    tag_value: Option<String>,
}

/// Adds the tags of a request to those that a key has.
pub(crate) fn add(known: &mut BTreeMap<String, String>, new: Vec<Tag>) -> Result<(), KmsApiError> {
    let refused = |why: &str| KmsApiError::new(KmsErrorCode::Tag, why);
    let mut added = BTreeMap::new();
    for (index, tag) in new.into_iter().enumerate() {
        let member = |name: &str| format!("tags.{}.member.{name}", index + 1);
        let key = constraint::required(tag.tag_key, &member("tagKey"))?;
        let value = constraint::required(tag.tag_value, &member("tagValue"))?;
        constraint::length(&key, &member("tagKey"), 1, 128)?;
        constraint::length(&value, &member("tagValue"), 0, 256)?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(refused("Tags beginning with aws: are reserved"));
        }
        if !key.chars().chain(value.chars()).all(is_tag_char) {
            return Err(refused("A tag has letters, digits, spaces and _ . / = + - : @"));
        }
        if added.insert(key, value).is_some() {
            return Err(refused("Duplicate tag keys"));
        }
    }
    known.extend(added);
    if known.len() > MOST {
        return Err(refused("Too many tags: a key has at most 50"));
    }
    Ok(())
}

fn is_tag_char(char: char) -> bool {
    let separator = char.is_whitespace() && !char.is_control();
    char.is_alphanumeric() || separator || "_./=+-:@".contains(char)
}
