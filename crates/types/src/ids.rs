use crate::{ParseError, text_newtype};
use std::fmt;
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from 16 random bytes: the caller owns the randomness.
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Parses the hyphenated form of a UUID.
            pub fn parse(text: &str) -> Result<Self, ParseError> {
                if text.len() != 36 {
                    return Err(ParseError::new(text, $expected));
                }
                Uuid::try_parse(text).map(Self).map_err(|_| ParseError::new(text, $expected))
            }

            /// The sixteen bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        text_newtype!($name);
    };
}

uuid_newtype!(
    /// One contact: a call from its arrival to its end.
    ContactId,
    "a contact id (a UUID)"
);
uuid_newtype!(
    /// One Connect instance.
    InstanceId,
    "an instance id (a UUID)"
);
uuid_newtype!(
    /// One contact flow of an instance.
    ContactFlowId,
    "a contact flow id (a UUID)"
);
uuid_newtype!(
    /// One claimed phone number.
    PhoneNumberId,
    "a phone number id (a UUID)"
);
uuid_newtype!(
    /// One resource of an instance that is neither a flow nor a contact: a queue, hours of operation, a prompt.
    ResourceId,
    "a resource id (a UUID)"
);

impl ResourceId {
    /// The one that comes before all others.
    pub const LEAST: Self = Self(Uuid::nil());

    /// The one of sixteen bytes that another id has.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parsed_in_lower_case() {
        let id = ContactId::parse("4A573372-1F28-4E26-B97B-NOTHEXDIGITS");
        assert!(id.is_err());
        let id = ContactId::parse("4A573372-1F28-4E26-B97B-0123456789AB").unwrap();
        assert_eq!(id.to_string(), "4a573372-1f28-4e26-b97b-0123456789ab");
        assert!(ContactId::parse("4a5733721f284e26b97b0123456789ab").is_err());
    }

    #[test]
    fn random_bytes_become_a_version_4_uuid() {
        let id = InstanceId::from_random([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}

/// Implements a number that names one thing within a run of the process; printed as `prefix-number`.
macro_rules! process_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The one with this number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn number(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }
    };
}

process_id!(
    /// One leg: one SIP dialog and one media session of a participant. Unique within a run of the process.
    LegId,
    "leg"
);
process_id!(
    /// One participant of a contact, counted from 1 within the contact.
    ParticipantId,
    "participant"
);
process_id!(
    /// One playing of a prompt, counted from 1 within its contact.
    PromptId,
    "prompt"
);
process_id!(
    /// One listener on a leg's media, counted from 1 within its contact.
    TapId,
    "tap"
);
process_id!(
    /// One listening for a caller's utterance, counted from 1 within its contact.
    ListenId,
    "listen"
);
process_id!(
    /// One capture of a contact, counted from 1 within the contact. It names the capture's tap, upload, lease and ledger to the end.
    CaptureId,
    "capture"
);
process_id!(
    /// One bridge between the legs of a contact. Unique within a run of the process.
    BridgeId,
    "bridge"
);
process_id!(
    /// One invocation of a function or bot, counted from 1 within its contact.
    InvocationId,
    "invocation"
);
process_id!(
    /// One exchange of an offer and its answer on a leg, counted from 1 within the leg's dialog.
    ExchangeId,
    "exchange"
);
process_id!(
    /// One REFER of a leg: of the peer, counted by the SIP side, or of ours, numbered by its user.
    ReferId,
    "refer"
);
process_id!(
    /// One request to a live contact that waits for its reply, counted from 1 within the contact.
    RequestId,
    "request"
);
process_id!(
    /// One call that a live contact places, counted from 1 within the contact. It may ring several telephones.
    DialId,
    "dial"
);
process_id!(
    /// One offer of a queued contact to an agent. Unique within a run of the process.
    OfferId,
    "offer"
);
process_id!(
    /// One writing of a contact's state, counted from 1 within the contact.
    WriteId,
    "write"
);

impl ExchangeId {
    /// True for the exchange that sets the session up; every other one changes it.
    pub const fn is_first(self) -> bool {
        self.0 == 1
    }
}
