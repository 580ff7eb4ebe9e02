//! The contact that a request is about, looked up once.

use super::contact_index::IndexError;
use crate::error::AdminError;
use crate::service::Context;
use tympan_aws::{Asks, Resource, Target};
use tympan_contact::Contact;
use tympan_types::{Caller, ContactId};

/// A contact. What it is called if there is none decides what is asked of the policies: a text that is no id names nothing.
pub(crate) struct ContactTarget {
    resource: Resource,
    pub(crate) id: Option<ContactId>,
    found: Result<Option<Contact>, IndexError>,
}

impl ContactTarget {
    /// As its call has it while that is up, else as it is kept. One of another account or region is not found.
    pub(crate) fn of(cx: &Context<'_>, named: &str) -> Self {
        let Ok(id) = ContactId::parse(named) else {
            return Self { resource: Resource::any(), id: None, found: Ok(None) };
        };
        let (region, account) = (&cx.caller.region, &cx.caller.account);
        let resource = Resource::new(format!("arn:aws:tympan:{region}:{account}:contact/{id}"));
        let parts = cx.service.parts();
        let found = parts.contacts.find(id).map(|found| {
            let own = found.filter(|contact| is_of(contact, cx.caller));
            // Of a call that is up, what is kept may lag some milliseconds behind.
            own.map(|contact| parts.live.contact(id).unwrap_or(contact))
        });
        Self { resource, id: Some(id), found }
    }

    /// The contact.
    pub(crate) fn known(self) -> Result<Contact, AdminError> {
        self.found?.ok_or_else(AdminError::no_contact)
    }

    /// Its id, if there is one, readable or not.
    pub(crate) fn existing(self) -> Result<ContactId, AdminError> {
        match (self.id, self.found) {
            (Some(id), Ok(Some(_)) | Err(IndexError::Unreadable(_))) => Ok(id),
            (_, Ok(_)) => Err(AdminError::no_contact()),
            (_, Err(error)) => Err(error.into()),
        }
    }
}

impl Target for ContactTarget {
    fn asks(&self, asks: &mut Asks) {
        asks.on(self.resource.clone());
    }
}

/// Whether a contact belongs to a caller's account and region.
pub(crate) fn is_of(contact: &Contact, caller: &Caller) -> bool {
    contact.instance.account == caller.account && contact.instance.region == caller.region
}
