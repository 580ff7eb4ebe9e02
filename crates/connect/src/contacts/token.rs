//! Contacts that requests begin: their ids.

use crate::error::ConnectError;
use crate::instances::Instance;
use crate::target::Context;
use ring::digest::{SHA256, digest};
use tympan_types::ContactId;

/// The id of a new contact, and whether there is one of it already. A client token leads to the same id each time, whatever has been
/// restarted meanwhile: for as long as the contact is kept, which is longer than the service's seven days.
pub(super) fn contact_id(
    cx: &Context<'_>,
    instance: &Instance,
    token: Option<&str>,
) -> Result<(ContactId, bool), ConnectError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok((ContactId::from_random(cx.service.random()), false));
    };
    if token.chars().count() > 500 {
        return Err(ConnectError::request("ClientToken has at most 500 characters"));
    }
    let text = format!("{} {} {token}", cx.operation, instance.id);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    let id = ContactId::from_random(bytes);
    if cx.service.live().contact(id).is_some() {
        return Ok((id, true));
    }
    let found = cx.service.history().find(id).map_err(|error| ConnectError::internal(&error))?;
    Ok((id, found.is_some()))
}
