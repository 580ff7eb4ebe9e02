//! Fragment numbers, in the layout decoded from real ones:
//! `2^156 + (sequence << 92) + (server_ms << 28) + low28`.

use crate::ServerTime;
use std::fmt;
use std::str::FromStr;

/// The number of a fragment: 160 bits, printed in decimal.
///
/// Every number that this system mints has 47 digits, so numbers sort the same as text and as numbers.
/// A number that a client sends may be any decimal that fits into 160 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentNumber([u8; 20]);

impl FragmentNumber {
    /// The smallest number: everything in a stream comes after it.
    pub const MIN: Self = Self([0; 20]);
    /// The largest number: nothing in a stream comes after it.
    pub const MAX: Self = Self([0xff; 20]);

    /// Mints a number. Only the low 28 bits of `low28` count; a time before 1970 counts as 0.
    pub fn new(sequence: u64, server: ServerTime, low28: u32) -> Self {
        let server_ms = u64::try_from(server.unix_ms()).unwrap_or(0);
        // The number in two halves: `high` holds bits 156..92, `low` bits 91..0.
        let low = (u128::from(server_ms) << 28) | u128::from(low28 & 0x0fff_ffff);
        let high = (1u128 << 64) | u128::from(sequence);
        // Bits 92.. begin in the middle of a byte, so the halves are joined 4 bits apart.
        let mut bytes = [0u8; 20];
        let joined_low = low | (high << 92);
        bytes[4..].copy_from_slice(&joined_low.to_be_bytes());
        let joined_high = u32::try_from(high >> 36).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&joined_high.to_be_bytes());
        Self(bytes)
    }

    /// The per-stream sequence number of a number in the service's layout.
    pub fn sequence(&self) -> u64 {
        let (high, low) = self.halves();
        (u64::from(high) << 36) | u64::try_from(low >> 92).unwrap_or(0)
    }

    /// The server time within a number in the service's layout.
    pub fn server_time(&self) -> ServerTime {
        let (_, low) = self.halves();
        let server_ms = (low >> 28) as u64;
        ServerTime::from_unix_ms(i64::try_from(server_ms).unwrap_or(i64::MAX))
    }

    /// The twenty bytes, big-endian, as they stand on disk.
    pub const fn to_bytes(self) -> [u8; 20] {
        self.0
    }

    /// From twenty bytes, big-endian.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    fn halves(&self) -> (u32, u128) {
        let [a, b, c, d, low @ ..] = self.0;
        (u32::from_be_bytes([a, b, c, d]), u128::from_be_bytes(low))
    }
}

impl fmt::Display for FragmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 160 bits as five 32-bit digits, divided down in steps of 10^9.
        let mut digits = [0u32; 5];
        for (digit, bytes) in digits.iter_mut().zip(self.0.chunks_exact(4)) {
            *digit = bytes.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
        }
        let mut text = [b'0'; 54];
        for group in text.rchunks_exact_mut(9) {
            let mut rest = 0u64;
            for digit in &mut digits {
                let part = (rest << 32) | u64::from(*digit);
                *digit = (part / 1_000_000_000) as u32;
                rest = part % 1_000_000_000;
            }
            for place in group.iter_mut().rev() {
                *place = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        let text = std::str::from_utf8(&text).map_err(|_| fmt::Error)?.trim_start_matches('0');
        f.pad_integral(true, "", if text.is_empty() { "0" } else { text })
    }
}

impl fmt::Debug for FragmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FragmentNumber({self})")
    }
}

/// Why a text is not a fragment number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FragmentNumberError {
    /// Empty, longer than 128 characters, or something else than digits.
    #[error("a fragment number is 1 to 128 decimal digits")]
    NotDigits,
    /// More than 160 bits: larger than any number there can be.
    #[error("the fragment number is larger than any this service has minted")]
    TooLarge,
}

impl FromStr for FragmentNumber {
    type Err = FragmentNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !(1..=128).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(FragmentNumberError::NotDigits);
        }
        let mut bytes = [0u8; 20];
        for digit in text.bytes() {
            let mut carry = u32::from(digit - b'0');
            for byte in bytes.iter_mut().rev() {
                carry += u32::from(*byte) * 10;
                *byte = (carry & 0xff) as u8;
                carry >>= 8;
            }
            if carry != 0 {
                return Err(FragmentNumberError::TooLarge);
            }
        }
        Ok(Self(bytes))
    }
}

impl serde::Serialize for FragmentNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for FragmentNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Public samples: the parser library's recordings, the contact record of a public sample, a dump of 2024.
    const SAMPLES: [(&str, u64, i64); 3] = [
        ("91343852333181432392682062607743920146159169392", 1, 1_511_852_109_126),
        ("91343852333181432546186627531311271605344142199", 32, 1_706_238_492_167),
        ("91343852333181531502161607852955530730504675150", 20016, 1_726_677_687_758),
    ];

    #[test]
    fn decodes_the_sequence_and_server_time_of_real_numbers() {
        for (text, sequence, server_ms) in SAMPLES {
            let number: FragmentNumber = text.parse().unwrap();
            assert_eq!(number.to_string(), text);
            assert_eq!((number.sequence(), number.server_time().unix_ms()), (sequence, server_ms), "{text}");
        }
    }

    #[test]
    fn sorts_the_same_as_text_and_as_number() {
        let mut numbers: Vec<FragmentNumber> =
            SAMPLES.iter().map(|(text, ..)| text.parse().unwrap()).collect();
        numbers.sort();
        let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted());
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        assert_eq!("".parse::<FragmentNumber>(), Err(FragmentNumberError::NotDigits));
        assert_eq!("-1".parse::<FragmentNumber>(), Err(FragmentNumberError::NotDigits));
        assert_eq!("1".repeat(129).parse::<FragmentNumber>(), Err(FragmentNumberError::NotDigits));
        assert_eq!("9".repeat(128).parse::<FragmentNumber>(), Err(FragmentNumberError::TooLarge));
        assert_eq!("0".parse::<FragmentNumber>(), Ok(FragmentNumber::MIN));
        assert_eq!(FragmentNumber::MAX.to_string().parse(), Ok(FragmentNumber::MAX));
    }

    proptest! {
        #[test]
        fn minted_numbers_have_47_digits_and_give_back_their_parts(
            sequence in 0u64..1_000_000_000_000_000_000, server_ms in 0i64..(1 << 46), low28 in any::<u32>(),
        ) {
            let number = FragmentNumber::new(sequence, ServerTime::from_unix_ms(server_ms), low28);
            prop_assert_eq!(number.to_string().len(), 47);
            prop_assert_eq!(number.sequence(), sequence);
            prop_assert_eq!(number.server_time().unix_ms(), server_ms);
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }

        #[test]
        fn any_160_bits_print_and_parse(bytes in any::<[u8; 20]>()) {
            let number = FragmentNumber::from_bytes(bytes);
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }
    }
}
