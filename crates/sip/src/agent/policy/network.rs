//! Networks of addresses.

use std::net::IpAddr;

/// A network. IPv4 networks that are written as IPv6 (`::ffff:192.0.2.0/120`) are IPv4 here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::agent) struct Network {
    is_ipv4: bool,
    /// The address with its first bit highest, without the bits beyond the prefix.
    prefix: u128,
    bits: u8,
}

impl Network {
    /// `bits` beyond the width count as the whole width.
    pub(in crate::agent) fn new(address: IpAddr, bits: u8) -> Self {
        let (address, bits) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), plain @ IpAddr::V4(_)) if bits >= 96 => (plain, bits - 96),
            _ => (address, bits),
        };
        let bits = bits.min(width(address));
        Self { is_ipv4: address.is_ipv4(), prefix: high_bits(address) & mask(bits), bits }
    }

    /// `address` is canonical: IPv4 in its plain form.
    pub(in crate::agent) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.is_ipv4 && high_bits(address) & mask(self.bits) == self.prefix
    }

    pub(super) const fn bits(&self) -> u8 {
        self.bits
    }
}

/// True where the address has bits beyond the prefix.
pub(in crate::agent) fn has_host_bits(address: IpAddr, bits: u8) -> bool {
    high_bits(address) & !mask(bits) != 0
}

/// 32 or 128.
pub(in crate::agent) const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn high_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(bits))).unwrap_or(0)
}
