//! Contacts for tests, of this crate and of those above it.
#![allow(clippy::unwrap_used, reason = "tests alone have this module, and what it parses stands in it")]

use crate::{Contact, InitiationMethod, InstanceRef, NewContact};
use std::collections::BTreeMap;
use tympan_types::{AccountId, ContactId, InstanceId, Redacted, Region, WallTime};

/// The demo instance.
pub fn instance() -> InstanceRef {
    InstanceRef {
        id: InstanceId::parse("11111111-2222-4333-8444-555555555555").unwrap(),
        alias: "demo".to_owned(),
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
    }
}

/// A call that arrived at 2024-01-26T03:07:41.123Z.
pub fn contact() -> Contact {
    Contact::new(
        WallTime::from_unix_ms(1_706_238_461_123),
        NewContact {
            id: ContactId::parse("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee").unwrap(),
            instance: instance(),
            initiation_method: InitiationMethod::Inbound,
            customer_number: Some(Redacted::new("+15555550123".to_owned())),
            system_number: Some(Redacted::new("+18005550100".to_owned())),
            sip_headers: BTreeMap::new(),
        },
    )
}
