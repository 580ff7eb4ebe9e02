//! The numbers that callers dial: claimed to an instance, attached to a flow.
//!
//! Numbers belong to the operator of this server, not to a carrier of the service: any E.164 number can be
//! claimed, and the search offers what the configured ranges hold.

use super::DialledNumber;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tympan_types::{AccountId, ContactFlowId, InstanceId, PhoneNumberId, Region, WallTime};

/// A number that was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// Its id.
    pub id: PhoneNumberId,
    /// What callers dial.
    pub number: DialledNumber,
    /// The instance that answers.
    pub instance: InstanceId,
    /// The account of that instance.
    pub account: AccountId,
    /// The region of that instance.
    pub region: Region,
    /// The flow that answers; without one the call is refused.
    pub flow: Option<ContactFlowId>,
    /// A text for people.
    pub description: Option<String>,
    /// The tags of the number.
    pub tags: BTreeMap<String, String>,
    /// When it was claimed.
    pub claimed: WallTime,
    /// The token of the request that claimed it.
    pub client_token: Option<String>,
}

/// What kind of number it is, as far as its digits tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    /// Free for the caller: +1 800, 833, 844, 855, 866, 877 and 888, and those of seven other countries.
    TollFree,
    /// Free for the caller in many countries: +800.
    Uifn,
    /// Every other number.
    Did,
}

impl NumberType {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TollFree => "TOLL_FREE",
            Self::Uifn => "UIFN",
            Self::Did => "DID",
        }
    }
}
