//! Telephones that may register, or that stand in the configuration with their address.

use super::policy::{Network, has_host_bits, width};
use crate::wire::digest::{Secret, ha1_md5, ha1_sha256};
use crate::wire::{Text, Uri};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tympan_types::Redacted;

/// What a telephone proves its name with: hashes of its name, the realm and its password (A1 of RFC 7616 section 3.4.2), in
/// hexadecimal. With one of them, only that algorithm is offered.
#[derive(Debug, Clone)]
pub struct PhoneSecret {
    /// For MD5, 32 digits.
    pub md5: Option<Redacted<String>>,
    /// For SHA-256, 64 digits.
    pub sha256: Option<Redacted<String>>,
}

impl PhoneSecret {
    /// Both hashes of a password.
    pub fn of_password(user: &str, realm: &str, password: &str) -> Self {
        Self {
            md5: Some(ha1_md5(user, realm, password).into()),
            sha256: Some(ha1_sha256(user, realm, password).into()),
        }
    }

    pub(super) fn secret(&self) -> Secret<'_> {
        Secret::Ha1 {
            md5: self.md5.as_ref().map(|hash| hash.expose().as_str()),
            sha256: self.sha256.as_ref().map(|hash| hash.expose().as_str()),
        }
    }
}

/// One telephone.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its name: the user part of its address-of-record and of From, and the user name of its digest answers.
    pub user: Arc<str>,
    /// What it registers with; `None`: it does not register.
    pub secret: Option<PhoneSecret>,
    /// Where it is called although it does not register: a `sip` URI.
    pub contact: Option<String>,
    /// Networks that it may come from, as address and prefix length; empty: any.
    pub networks: Vec<(IpAddr, u8)>,
    /// Its calls are challenged, too, not its registrations alone.
    pub challenges_calls: bool,
}

/// Telephones that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// A telephone has no name, or one that no SIP URI can carry.
    #[error(
        "the name {0:?} of a telephone is empty, or has characters other than letters, digits and - _ . ! ~ * ' ( ) + $ &"
    )]
    Name(String),
    /// Two telephones have one name.
    #[error("two telephones are named {0:?}")]
    SameName(String),
    /// A telephone can neither register nor be called.
    #[error("telephone {0:?} has neither a password to register with nor a contact to be called at")]
    Unreachable(String),
    /// A contact is no `sip` URI.
    #[error("telephone {user:?}: {contact:?} is no sip URI")]
    Contact {
        /// The telephone.
        user: String,
        /// Its contact.
        contact: String,
    },
    /// A telephone without a password is open to every address.
    #[error("telephone {0:?} has no password: it needs networks that its calls may come from")]
    Open(String),
    /// A network has a prefix longer than its address, or bits beyond its prefix.
    #[error("telephone {user:?}: {address}/{bits} is no network")]
    Network {
        /// The telephone.
        user: String,
        /// The address.
        address: IpAddr,
        /// The prefix length.
        bits: u8,
    },
    /// A hash has another length, or other characters.
    #[error("telephone {0:?}: a hash of its password is not 32 (MD5) or 64 (SHA-256) hexadecimal digits")]
    Hash(String),
}

/// All telephones and the realm that they register in. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Phones(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    realm: String,
    by_user: BTreeMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    phone: Phone,
    networks: Vec<Network>,
}

impl Phones {
    /// Checks each telephone.
    pub fn new(realm: &str, phones: Vec<Phone>) -> Result<Self, PhoneError> {
        let mut by_user = BTreeMap::new();
        for phone in phones {
            let user = phone.user.clone();
            check(&phone)?;
            let networks =
                phone.networks.iter().map(|&(address, bits)| Network::new(address, bits)).collect();
            if by_user.insert(user.clone(), Entry { phone, networks }).is_some() {
                return Err(PhoneError::SameName(user.to_string()));
            }
        }
        Ok(Self(Arc::new(Table { realm: realm.to_owned(), by_user })))
    }

    /// The realm of challenges.
    pub fn realm(&self) -> &str {
        &self.0.realm
    }

    /// The telephone of this name.
    pub fn get(&self, user: &str) -> Option<&Phone> {
        self.0.by_user.get(user).map(|entry| &entry.phone)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Phone> {
        self.0.by_user.values().map(|entry| &entry.phone)
    }

    /// Whether SHA-256 and MD5 are offered to a name that is not known: what any telephone has.
    pub(super) fn algorithms(&self) -> [bool; 2] {
        let secrets = || self.iter().filter_map(|phone| phone.secret.as_ref());
        [secrets().any(|secret| secret.sha256.is_some()), secrets().any(|secret| secret.md5.is_some())]
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.by_user.is_empty()
    }

    /// True where the telephone may come from this address.
    pub fn may_come_from(&self, user: &str, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.0.by_user.get(user).is_some_and(|entry| {
            entry.networks.is_empty() || entry.networks.iter().any(|network| network.contains(source))
        })
    }
}

fn check(phone: &Phone) -> Result<(), PhoneError> {
    let user = || phone.user.to_string();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_.!~*'()+$&".contains(char);
    if phone.user.is_empty() || !phone.user.chars().all(is_plain) {
        return Err(PhoneError::Name(user()));
    }
    if phone.secret.is_none() && phone.contact.is_none() {
        return Err(PhoneError::Unreachable(user()));
    }
    if phone.secret.is_none() && phone.networks.is_empty() {
        return Err(PhoneError::Open(user()));
    }
    if let Some(contact) = &phone.contact
        && Uri::parse(&Text::from(contact.as_str())).is_none_or(|uri| super::path::Hop::of(&uri).is_none())
    {
        return Err(PhoneError::Contact { user: user(), contact: contact.clone() });
    }
    for &(address, bits) in &phone.networks {
        if bits > width(address) || has_host_bits(address, bits) {
            return Err(PhoneError::Network { user: user(), address, bits });
        }
    }
    let is_hash = |hash: &Option<Redacted<String>>, length: usize| {
        hash.as_ref().is_none_or(|hash| {
            hash.expose().len() == length && hash.expose().bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    match &phone.secret {
        Some(PhoneSecret { md5: None, sha256: None }) => Err(PhoneError::Hash(user())),
        Some(PhoneSecret { md5, sha256 }) if !is_hash(md5, 32) || !is_hash(sha256, 64) => {
            Err(PhoneError::Hash(user()))
        }
        _ => Ok(()),
    }
}
