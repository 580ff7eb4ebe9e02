//! What a request is about that is no input of its own operation: only a caller who may do it learns what is wrong with it.

use crate::contacts::ContactTarget;
use crate::error::AdminError;
use crate::operations::ROWS;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Asks, Operation, Output, Resource, Target};

/// Reads the members by which requests name resources, and does nothing.
pub(crate) struct Named;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "ContactId")]
    contact_id: Option<String>,
}

/// The contact that is named, if one is.
pub(crate) struct NamedContact(Option<ContactTarget>);

impl Target for NamedContact {
    fn asks(&self, asks: &mut Asks) {
        match &self.0 {
            Some(contact) => contact.asks(asks),
            None => asks.on(Resource::any()),
        }
    }
}

impl Operation for Named {
    type Service = AdminService;
    type Input = Input;
    type Target = NamedContact;
    const NAME: &'static str = "Named";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NamedContact, AdminError> {
        // A member that the operation does not have names nothing.
        let is_member = ROWS.iter().any(|row| row.name == cx.operation && row.path.contains("{ContactId}"));
        let named = input.contact_id.as_deref().filter(|_| is_member);
        Ok(NamedContact(named.map(|named| ContactTarget::of(cx, named))))
    }

    async fn call(_: &Context<'_>, _: Input, _: NamedContact) -> Result<Output, AdminError> {
        Ok(Output::empty())
    }
}
