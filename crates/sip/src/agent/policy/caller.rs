//! Who calls: which header is believed, and what is withheld (RFC 3323, RFC 3325).

use super::{Identity, Trunk};
use crate::agent::Peer;
use crate::wire::{Address, Message, Name, Request, Text};
use tympan_types::Redacted;

/// Longer display names are cut, in characters.
const DISPLAY_NAME_MAX: usize = 256;

impl Trunk {
    /// Who calls. Only the URI of a parsed address says a number: a display name that looks like one says nothing.
    pub fn caller(&self, request: &Request) -> Peer {
        let asserted = match self.identity {
            Identity::From => None,
            Identity::Asserted => asserted_identity(&request.message),
        };
        let is_asserted = asserted.is_some();
        let (address, is_private) = asserted.unwrap_or_else(|| (request.from.clone(), false));
        if is_private || asks_for_privacy(&request.message) || is_anonymous(&address) {
            return Peer { number: None, display_name: None, is_asserted };
        }
        let number = address.uri().number().filter(|number| !number.text.is_empty());
        let display_name = address
            .display_name()
            .filter(|name| !name.eq_ignore_ascii_case("anonymous"))
            .map(|name| Redacted::new(name.chars().take(DISPLAY_NAME_MAX).collect()));
        Peer {
            number: number.map(|number| Redacted::new(self.numbers.apply(number))),
            display_name,
            is_asserted,
        }
    }
}

/// The identity that a trusted proxy wrote, and whether it says that it is private.
fn asserted_identity(message: &Message) -> Option<(Address, bool)> {
    // Up to two: a `sip` and a `tel` URI (RFC 3325 section 9.1). A number says more than a name.
    let asserted: Vec<Address> = addresses(message, Name::PAssertedIdentity).collect();
    let is_global =
        |address: &&Address| address.uri().number().is_some_and(|number| number.text.starts_with('+'));
    let asserted =
        asserted.iter().find(is_global).or(asserted.first()).map(|address| (address.clone(), false));
    asserted.or_else(|| {
        // draft-ietf-sip-privacy-04: one for each party; without `party` it is the one that sends.
        let is_calling = |address: &Address| {
            address.param("party").is_none_or(|party| party.eq_ignore_ascii_case("calling"))
        };
        let address = addresses(message, Name::RemotePartyId).find(is_calling)?;
        let is_private = address.param("privacy").is_some_and(|privacy| !privacy.eq_ignore_ascii_case("off"));
        Some((address, is_private))
    })
}

/// The addresses of a header that name a number or a user.
fn addresses(message: &Message, name: Name) -> impl Iterator<Item = Address> {
    message
        .items(name)
        .filter_map(|item| Address::parse(&Text::from_packet(bytes::Bytes::copy_from_slice(item))))
        .filter(|address| address.uri().number().is_some_and(|number| !number.text.is_empty()))
}

/// `Privacy: id` (RFC 3325 section 9.3) or `user` (RFC 3323 section 4.2) withholds who calls.
fn asks_for_privacy(message: &Message) -> bool {
    message.values(Name::Privacy).any(|value| {
        value.split(|&byte| matches!(byte, b';' | b',')).any(|token| {
            let token = token.trim_ascii();
            token.eq_ignore_ascii_case(b"id") || token.eq_ignore_ascii_case(b"user")
        })
    })
}

/// The forms of RFC 3323 section 4.1.1.3 and of those that withhold without Privacy.
fn is_anonymous(address: &Address) -> bool {
    let uri = address.uri();
    uri.user().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"))
        || ["anonymous.invalid", "unknown.invalid"].iter().any(|host| uri.host().eq_ignore_ascii_case(host))
}
