use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads one; the error says what it is not.
    ///
    /// # Errors
    /// A text that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address and no network such as 10.0.0.0/8 or 2001:db8::/32");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= longest).ok_or_else(wrong)?,
        };
        Ok(Self { address, prefix })
    }

    /// Whether `address` is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        let mask = |bits: u32| u128::MAX.checked_shl(bits).unwrap_or(0);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let outside = mask(32 - self.prefix);
                u128::from(u32::from(network)) & outside == u128::from(u32::from(address)) & outside
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_network(network, address, mask(128 - self.prefix))
            }
            // A network of IPv4 addresses as they look in IPv6.
            (IpAddr::V6(network), IpAddr::V4(address)) => {
                same_network(network, address.to_ipv6_mapped(), mask(128 - self.prefix))
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, prefix } = self;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if *prefix == longest { address.fmt(f) } else { write!(f, "{address}/{prefix}") }
    }
}

fn same_network(network: Ipv6Addr, address: Ipv6Addr, mask: u128) -> bool {
    u128::from(network) & mask == u128::from(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_prints_as_it_is_written() {
        for text in ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("::ffff:0:0/96", "127.0.0.1", true),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.has(address.parse().unwrap()), inside, "{network:?} {address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "host"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
