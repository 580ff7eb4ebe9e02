//! What is wrong with configured trunks, in words for the operator.

use super::network::{Network, has_host_bits, width};
use super::{NumberRules, Trunk};
use crate::dialog::TimerRules;
use crate::wire::Transport;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Trunks that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrunkError {
    /// A trunk has no name.
    #[error("a trunk has no name")]
    NoName,
    /// Two trunks have one name.
    #[error("two trunks are named {0:?}")]
    SameName(String),
    /// A trunk other than the default takes every request.
    #[error("trunk {0:?} names no network, transport or user: only the default trunk takes all")]
    MatchesAll(String),
    /// The default trunk has a match.
    #[error("the default trunk {0:?} takes what no other does: it names no network, transport or user")]
    DefaultMatches(String),
    /// A prefix is longer than its address.
    #[error("trunk {trunk:?}: {address}/{bits} has a prefix longer than {width} bits", width = width(*address))]
    PrefixTooLong {
        /// The trunk.
        trunk: String,
        /// The address.
        address: IpAddr,
        /// The prefix length.
        bits: u8,
    },
    /// A network has bits beyond its prefix, such as 192.0.2.1/24.
    #[error("trunk {trunk:?}: {address} has bits beyond its prefix of {bits}")]
    HostBits {
        /// The trunk.
        trunk: String,
        /// The address.
        address: IpAddr,
        /// The prefix length.
        bits: u8,
    },
    /// Two trunks take the same requests.
    #[error("trunks {0:?} and {1:?} match the same network, transport and user")]
    Ambiguous(String, String),
    /// A value of a trunk is out of its range.
    #[error("trunk {trunk:?}: {key}: {problem}")]
    Value {
        /// The trunk.
        trunk: String,
        /// The setting.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What no two trunks may share.
type Key<'a> = (Option<Network>, Option<&'static str>, Option<&'a str>);

pub(super) fn all(trunks: &[Trunk], default: &Trunk) -> Result<(), TrunkError> {
    let mut names = BTreeMap::new();
    let mut keys: BTreeMap<Key<'_>, &Trunk> = BTreeMap::new();
    for trunk in trunks.iter().chain([default]) {
        if trunk.id.0.trim().is_empty() {
            return Err(TrunkError::NoName);
        }
        if names.insert(&trunk.id, ()).is_some() {
            return Err(TrunkError::SameName(trunk.id.0.to_string()));
        }
        one(trunk)?;
    }
    if !matches_all(default) {
        return Err(TrunkError::DefaultMatches(default.id.0.to_string()));
    }
    for trunk in trunks {
        if matches_all(trunk) {
            return Err(TrunkError::MatchesAll(trunk.id.0.to_string()));
        }
        for key in keys_of(trunk) {
            if let Some(other) = keys.insert(key, trunk) {
                return Err(TrunkError::Ambiguous(other.id.0.to_string(), trunk.id.0.to_string()));
            }
        }
    }
    Ok(())
}

fn matches_all(trunk: &Trunk) -> bool {
    let matches = &trunk.matches;
    matches.networks.is_empty() && matches.transport.is_none() && matches.user.is_none()
}

fn keys_of(trunk: &Trunk) -> Vec<Key<'_>> {
    let matches = &trunk.matches;
    let rest = (matches.transport.map(Transport::as_str), matches.user.as_deref());
    if matches.networks.is_empty() {
        return vec![(None, rest.0, rest.1)];
    }
    matches
        .networks
        .iter()
        .map(|&(address, bits)| (Some(Network::new(address, bits)), rest.0, rest.1))
        .collect()
}

fn one(trunk: &Trunk) -> Result<(), TrunkError> {
    let name = || trunk.id.0.to_string();
    for &(address, bits) in &trunk.matches.networks {
        if bits > width(address) {
            return Err(TrunkError::PrefixTooLong { trunk: name(), address, bits });
        }
        if has_host_bits(address, bits) {
            return Err(TrunkError::HostBits { trunk: name(), address, bits });
        }
    }
    let problem = numbers(&trunk.numbers).or_else(|| timers(trunk.timers)).or_else(|| limits(trunk));
    match problem.or_else(|| users(trunk)) {
        Some((key, problem)) => Err(TrunkError::Value { trunk: name(), key, problem }),
        None => Ok(()),
    }
}

type Problem = Option<(&'static str, &'static str)>;

fn numbers(rules: &NumberRules) -> Problem {
    let is_code = |code: &str| {
        code.strip_prefix('+').is_some_and(|digits| {
            (1..=3).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0')
        })
    };
    let are_digits = |prefixes: &[String]| {
        prefixes.iter().all(|prefix| !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if rules.country_code.as_deref().is_some_and(|code| !is_code(code)) {
        return Some(("country_code", "is a `+` and 1 to 3 digits, such as \"+1\""));
    }
    if rules.add_plus && rules.country_code.is_none() {
        return Some(("add_plus", "needs country_code"));
    }
    if !are_digits(&rules.strip_prefixes) {
        return Some(("strip_prefixes", "are digits"));
    }
    (!are_digits(&rules.international_prefixes)).then_some(("international_prefixes", "are digits"))
}

fn timers(rules: TimerRules) -> Problem {
    if rules.min_se_s < 90 {
        return Some(("min_se_s", "is at least 90 (RFC 4028 section 5)"));
    }
    let is_below = rules.session_expires_s.is_some_and(|interval| interval < rules.min_se_s);
    is_below.then_some(("session_expires_s", "is at least min_se_s"))
}

fn limits(trunk: &Trunk) -> Problem {
    [
        ("longest_call_s", trunk.longest_call_s),
        ("calls_max", trunk.calls_max),
        ("calls_per_s", trunk.calls_per_s),
    ]
    .into_iter()
    .find(|(_, limit)| *limit == Some(0))
    .map(|(key, _)| (key, "is above 0; left out, there is no limit"))
}

fn users(trunk: &Trunk) -> Problem {
    let is_plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    if trunk.matches.user.as_deref().is_some_and(|user| !is_plain(user)) {
        return Some(("user", "is not empty and has no control characters"));
    }
    if !is_plain(&trunk.realm) {
        return Some(("realm", "is not empty and has no control characters"));
    }
    let mut names: Vec<&str> = trunk.users.iter().map(|(name, _)| name.as_str()).collect();
    // A colon would let one user's name and realm read as another's (RFC 7616 section 3.4.2).
    if names.iter().any(|name| !is_plain(name) || name.contains(':')) {
        return Some(("users", "have names without colons and control characters"));
    }
    names.sort_unstable();
    let has_twice = names.windows(2).any(|pair| pair.first() == pair.last());
    has_twice.then_some(("users", "have different names"))
}
