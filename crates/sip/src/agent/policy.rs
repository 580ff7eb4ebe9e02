//! Trunks: what holds for peers by where they come from.

mod caller;
mod dialling;
mod network;
mod numbers;
mod presentation;
#[cfg(test)]
mod tests;
mod validate;

pub use dialling::{DialPlace, DialRule, DialRules};
pub use presentation::Presentation;
pub(super) use presentation::quoted;
pub use validate::TrunkError;

use crate::dialog::TimerRules;
use crate::wire::{Transport, Uri};
pub(super) use network::{Network, has_host_bits, width};
use std::net::IpAddr;
use std::sync::Arc;

/// The name of a trunk in the configuration; `default` for what no other matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub Arc<str>);

/// Which requests a trunk takes: the longest prefix of the source wins, then one that names the transport, then one that names
/// the user of the request URI. All that is named must match.
#[derive(Debug, Clone, Default)]
pub struct TrunkMatch {
    /// Source networks, as address and prefix length; empty: any. An IPv4 network also takes IPv4 sources that an IPv6 socket
    /// shows as `::ffff:a.b.c.d`; `::/0` takes no IPv4 source.
    pub networks: Vec<(IpAddr, u8)>,
    /// UDP, TCP or TLS; `None`: any.
    pub transport: Option<Transport>,
    /// The user part of the request URI, as a number without separators or a name; `None`: any.
    pub user: Option<String>,
}

/// Whose headers say who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// From alone.
    From,
    /// P-Asserted-Identity, else Remote-Party-ID, else From.
    Asserted,
}

/// From where digits are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitSource {
    /// RTP events once one was seen, else INFO.
    Both,
    /// RTP alone.
    Rtp,
    /// INFO alone.
    Info,
}

/// How numbers of a trunk are read (RFC 3966): the result is compared with claimed numbers. Names, and numbers that begin with
/// `+`, stay as they are. The steps, in this order: an international prefix becomes `+`; else a prefix is stripped, once (and
/// an international one may follow); then [`NumberRules::add_plus`]; then the country code.
#[derive(Debug, Clone, Default)]
pub struct NumberRules {
    /// Put before national numbers, such as `+1`. Numbers of fewer than 7 digits are short codes and extensions, and stay.
    pub country_code: Option<String>,
    /// Dropped where a number begins with it, such as `0` or `9`; the longest that leaves 3 digits.
    pub strip_prefixes: Vec<String>,
    /// Begins an international number, such as `00` or `011`: replaced by `+` where 7 digits follow.
    pub international_prefixes: Vec<String>,
    /// Put a `+` before numbers that begin with the country code's digits and have none.
    pub add_plus: bool,
}

/// One trunk.
#[derive(Debug, Clone)]
pub struct Trunk {
    /// Its name.
    pub id: TrunkId,
    /// What it takes.
    pub matches: TrunkMatch,
    /// Responses go to the source port also where Via has no rport.
    pub force_rport: bool,
    /// Numbers.
    pub numbers: NumberRules,
    /// Who calls.
    pub identity: Identity,
    /// Digits.
    pub digits: DigitSource,
    /// Session timers.
    pub timers: TimerRules,
    /// The longest call, in seconds.
    pub longest_call_s: Option<u32>,
    /// Calls at once; 503 beyond.
    pub calls_max: Option<u32>,
    /// New calls per second; 503 beyond.
    pub calls_per_s: Option<u32>,
    /// The realm of challenges.
    pub realm: String,
    /// Requests are challenged for these users (name, password); empty: no request is.
    pub users: Vec<(String, tympan_types::Redacted<String>)>,
}

impl Trunk {
    /// A trunk that matches nothing in particular, asserts identities, asks for no session timer, takes digits by RTP and INFO,
    /// and has no limit: what the default trunk is unless configured.
    pub fn new(id: &str) -> Self {
        Self {
            id: TrunkId(id.into()),
            matches: TrunkMatch::default(),
            force_rport: false,
            numbers: NumberRules::default(),
            identity: Identity::Asserted,
            digits: DigitSource::Both,
            timers: TimerRules { session_expires_s: None, min_se_s: 90 },
            longest_call_s: None,
            calls_max: None,
            calls_per_s: None,
            realm: "tympan".to_owned(),
            users: Vec::new(),
        }
    }
}

/// All trunks. The last one is the default.
#[derive(Debug, Clone)]
pub struct Trunks {
    rules: Arc<[Rule]>,
    default: Arc<Trunk>,
}

#[derive(Debug)]
struct Rule {
    trunk: Arc<Trunk>,
    networks: Vec<Network>,
}

impl Default for Trunks {
    /// The default trunk alone.
    fn default() -> Self {
        Self { rules: Arc::from([]), default: Arc::new(Trunk::new("default")) }
    }
}

impl Trunks {
    /// Checks each trunk, and that no two of them take the same requests. The matches of the default one are empty.
    pub fn new(trunks: Vec<Trunk>, default: Trunk) -> Result<Self, TrunkError> {
        validate::all(&trunks, &default)?;
        let rule = |trunk: Trunk| {
            let networks =
                trunk.matches.networks.iter().map(|&(address, bits)| Network::new(address, bits)).collect();
            Rule { trunk: Arc::new(trunk), networks }
        };
        Ok(Self { rules: trunks.into_iter().map(rule).collect(), default: Arc::new(default) })
    }

    /// The trunk of a request.
    pub fn select(&self, source: IpAddr, transport: Transport, uri: &Uri) -> &Arc<Trunk> {
        let is_number = |wanted: &str| uri.number().is_some_and(|number| number.text == wanted);
        let is_user = |wanted: &str| uri.user() == Some(wanted) || is_number(wanted);
        self.best(source, transport, is_user)
    }

    /// The one that takes what no other matches.
    pub fn default_trunk(&self) -> &Arc<Trunk> {
        &self.default
    }

    /// The trunk of this name.
    pub fn get(&self, id: &TrunkId) -> Option<&Arc<Trunk>> {
        self.iter().find(|trunk| trunk.id == *id)
    }

    /// Each trunk, the default one last.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Trunk>> {
        self.rules.iter().map(|rule| &rule.trunk).chain([&self.default])
    }

    fn best(&self, source: IpAddr, transport: Transport, is_user: impl Fn(&str) -> bool) -> &Arc<Trunk> {
        let source = source.to_canonical();
        let mut best: Option<(Rank, &Rule)> = None;
        for rule in self.rules.iter() {
            let matches = &rule.trunk.matches;
            let bits =
                rule.networks.iter().filter(|network| network.contains(source)).map(Network::bits).max();
            if (bits.is_none() && !rule.networks.is_empty())
                || matches.transport.is_some_and(|wanted| wanted != transport)
                || matches.user.as_deref().is_some_and(|wanted| !is_user(wanted))
            {
                continue;
            }
            let rank = Rank { bits, transport: matches.transport.is_some(), user: matches.user.is_some() };
            // The first of equals stays; there are none, except for a user that is written in two ways.
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, rule));
            }
        }
        best.map_or(&self.default, |(_, rule)| &rule.trunk)
    }
}

/// How exactly a trunk matches; the order of the fields is the order of what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// `None`, the least, where the trunk names no network.
    bits: Option<u8>,
    transport: bool,
    user: bool,
}
