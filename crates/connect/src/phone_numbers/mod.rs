//! The numbers that callers dial.

mod associate_phone_number_contact_flow;
mod claim_phone_number;
mod claimed;
mod country;
mod describe_phone_number;
mod dialled;
mod disassociate_phone_number_contact_flow;
mod inventory;
mod list_phone_numbers;
mod list_phone_numbers_v2;
mod release_phone_number;
mod search_available_phone_numbers;
mod update_phone_number;
mod update_phone_number_metadata;

pub use claimed::{NumberType, PhoneNumber};
pub use dialled::{DialledNumber, NumberError};
pub use inventory::{NumberRange, RangeError};

pub(crate) use associate_phone_number_contact_flow::{AssociatePhoneNumberContactFlow, check_can_answer};
pub(crate) use claim_phone_number::ClaimPhoneNumber;
pub(crate) use describe_phone_number::DescribePhoneNumber;
pub(crate) use disassociate_phone_number_contact_flow::DisassociatePhoneNumberContactFlow;
pub(crate) use list_phone_numbers::ListPhoneNumbers;
pub(crate) use list_phone_numbers_v2::ListPhoneNumbersV2;
pub(crate) use release_phone_number::ReleasePhoneNumber;
pub(crate) use search_available_phone_numbers::SearchAvailablePhoneNumbers;
pub(crate) use update_phone_number::UpdatePhoneNumber;
pub(crate) use update_phone_number_metadata::UpdatePhoneNumberMetadata;
