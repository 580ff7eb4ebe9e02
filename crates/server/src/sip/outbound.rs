//! By which trunk a number is dialled, and which places may be dialled at all.

use super::calls::{NotDialled, user_part};
use tympan_sip::agent::{Credentials, DialPlace, DialRules, TrunkId};

/// How a trunk is dialled.
#[derive(Debug, Clone)]
pub(crate) struct OutboundTrunk {
    /// Its name.
    pub id: TrunkId,
    /// Where its calls go: a host or `host:port`, with `;transport=tcp` where it is not UDP.
    pub host: String,
    /// Numbers that begin with one of these go by it; the longest of all trunks wins. An empty one takes every number.
    pub prefixes: Vec<String>,
    /// Which numbers it may be asked for.
    pub allow: DialRules,
    /// For its challenges.
    pub credentials: Option<Credentials>,
    /// It is trusted with P-Asserted-Identity.
    pub asserts: bool,
}

/// All of them, and the rules for URIs elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbound {
    /// The trunks that can be dialled.
    pub trunks: Vec<OutboundTrunk>,
    /// Which URIs elsewhere may be dialled.
    pub uris: DialRules,
}

/// The way that a number takes.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) uri: String,
    pub(super) route: Vec<String>,
    pub(super) trunk: TrunkId,
    pub(super) credentials: Option<Credentials>,
    pub(super) asserts: bool,
}

impl Outbound {
    /// The trunk with the longest prefix, where its rules allow the number.
    pub(super) fn route(&self, number: &str) -> Result<Found, NotDialled> {
        let longest = |trunk: &OutboundTrunk| {
            trunk.prefixes.iter().filter(|prefix| number.starts_with(prefix.as_str())).map(String::len).max()
        };
        // `max_by_key` gives the last of equals: from behind, that is the first of the configuration.
        let reaching = self.trunks.iter().rev().filter_map(|trunk| Some((longest(trunk)?, trunk)));
        let (_, trunk) = reaching.max_by_key(|(length, _)| *length).ok_or(NotDialled::NoTrunk)?;
        if !trunk.allow.allow(&DialPlace::Number(number.to_owned())) {
            return Err(NotDialled::NotAllowed);
        }
        Ok(Found {
            uri: format!("sip:{}@{}", user_part(number), trunk.host),
            route: Vec::new(),
            trunk: trunk.id.clone(),
            credentials: trunk.credentials.clone(),
            asserts: trunk.asserts,
        })
    }

    /// A `sip` URI elsewhere.
    pub(super) fn allows_uri(&self, uri: &str) -> Result<(), NotDialled> {
        let place = DialPlace::parse(uri, |_| false).ok_or(NotDialled::NoPlace)?;
        if self.uris.allow(&place) { Ok(()) } else { Err(NotDialled::NotAllowed) }
    }
}
