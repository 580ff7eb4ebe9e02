//! Contacts, live and ended.

mod describe_contact;
mod get_contact_attributes;
mod stop_contact;
mod update_contact_attributes;

pub(crate) use describe_contact::DescribeContact;
pub(crate) use get_contact_attributes::GetContactAttributes;
pub(crate) use stop_contact::StopContact;
pub(crate) use update_contact_attributes::UpdateContactAttributes;
