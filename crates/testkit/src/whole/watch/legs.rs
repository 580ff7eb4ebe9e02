//! A contact commands its own legs and no others.

use tympan_types::{ContactId, LegId};

pub(crate) const NAME: &str = "a contact commands its own legs";

/// `contact` commands a leg, which belongs to `owner`; `None`: it is gone.
pub(crate) fn commands(leg: LegId, owner: Option<ContactId>, contact: ContactId) -> Result<(), String> {
    match owner {
        Some(owner) if owner == contact => Ok(()),
        Some(owner) => Err(format!("{leg} is of {owner}")),
        None => Err(format!("{leg} is gone")),
    }
}
