//! Changes of what is set about a contact beside its attributes: by its call while that is up, by the history afterwards.

use crate::error::{ConnectError, ErrorCode};
use crate::live_calls::ChangeContact;
use crate::target::Context;
use tympan_contact::{ChangeError, Contact};
use tympan_flow::ContactChange;

/// Makes a change, durably.
///
/// # Errors
/// InvalidParameter: too much in all; Throttling; InvalidRequest where calls take no such change.
pub(super) fn change(
    cx: &Context<'_>,
    contact: &Contact,
    change: &ContactChange,
) -> Result<(), ConnectError> {
    match cx.service.live().change(contact.id, change) {
        ChangeContact::Changed => Ok(()),
        ChangeContact::Refused(reason) => Err(ConnectError::parameter(reason)),
        ChangeContact::Busy => Err(ConnectError::new(
            ErrorCode::Throttling,
            format!("too many changes of contact {} wait to be written; none was made", contact.id),
        )),
        ChangeContact::NotWritten(error) => Err(ConnectError::internal(&error)),
        ChangeContact::NotOffered => Err(ConnectError::request(format!(
            "contact {} can be changed once its call has ended: not while it is up",
            contact.id
        ))),
        ChangeContact::NoSuchCall => {
            let changed = cx.service.history().change(cx.now, contact.id, change.clone());
            changed.map_err(|error| match error {
                ChangeError::History(error) => ConnectError::internal(&error),
                ChangeError::NoSuchContact => ConnectError::not_found("the contact is gone"),
                ChangeError::Refused(reason) => ConnectError::parameter(reason),
            })
        }
    }
}
