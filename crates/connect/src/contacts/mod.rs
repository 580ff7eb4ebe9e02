//! Contacts, live and ended.

mod associate_contact_with_user;
mod change;
mod describe_contact;
mod get_contact_attributes;
mod list_contact_references;
mod monitor_contact;
mod references;
mod search_contacts;
mod search_criteria;
mod start_outbound_voice_contact;
mod stop_contact;
mod tag_contact;
mod token;
mod transfer_contact;
mod untag_contact;
mod update_contact;
mod update_contact_attributes;
mod update_contact_routing_data;

pub(crate) use associate_contact_with_user::AssociateContactWithUser;
pub(crate) use describe_contact::DescribeContact;
pub(crate) use get_contact_attributes::GetContactAttributes;
pub(crate) use list_contact_references::ListContactReferences;
pub(crate) use monitor_contact::MonitorContact;
pub(crate) use search_contacts::SearchContacts;
pub(crate) use start_outbound_voice_contact::StartOutboundVoiceContact;
pub(crate) use stop_contact::StopContact;
pub(crate) use tag_contact::TagContact;
pub(crate) use transfer_contact::TransferContact;
pub(crate) use untag_contact::UntagContact;
pub(crate) use update_contact::UpdateContact;
pub(crate) use update_contact_attributes::UpdateContactAttributes;
pub(crate) use update_contact_routing_data::UpdateContactRoutingData;
