//! Contacts of the past, for searches and metrics: out of the rows that are kept of them.

use crate::error::ConnectError;
use crate::named::Scene;
use tympan_contact::{Contact, HistoryQuery, TimeAxis};
use tympan_types::WallTime;

/// Contacts that one request looks at.
const LOOKED_AT: usize = 100_000;
/// Contacts that are read together.
const READ: usize = 1_000;
/// A contact lasts no longer, save callbacks: they are kept for fourteen days.
pub(crate) const LONGEST_CONTACT_MS: i64 = 14 * 24 * 3_600_000;

/// The contacts of an instance of which a time lies in a range, both ends included.
///
/// # Errors
/// InvalidRequest: there are more than one request may look at.
pub(crate) fn contacts(
    scene: &Scene<'_>,
    axis: TimeAxis,
    from: WallTime,
    to: WallTime,
) -> Result<Vec<Contact>, ConnectError> {
    let mut query = HistoryQuery {
        account: Some(scene.instance.account.clone()),
        instance: Some(scene.instance.id),
        axis,
        from,
        to,
        after: None,
        limit: READ,
    };
    let mut contacts = Vec::new();
    loop {
        let page = scene.service.history().list(&query).map_err(|error| ConnectError::internal(&error))?;
        contacts.extend(page.contacts);
        if contacts.len() > LOOKED_AT {
            return Err(ConnectError::request(format!(
                "more than {LOOKED_AT} contacts lie in the range of time: ask for a shorter one"
            )));
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(contacts);
        }
    }
}
