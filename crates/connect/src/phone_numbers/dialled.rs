use super::{NumberType, country};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a caller dials to reach a flow: an E.164 number, or the user part of a SIP address.
///
/// Only a configuration file can claim a user part that is not E.164 (`support`, `6001`); the API's
/// pattern allows E.164 alone. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DialledNumber(String);

impl DialledNumber {
    /// Parses `+` and 2 to 15 digits, the first not 0.
    ///
    /// Source: the model's pattern `\+[1-9]\d{1,14}$`.
    pub fn e164(text: &str) -> Result<Self, NumberError> {
        if is_e164(text) { Ok(Self(text.to_owned())) } else { Err(NumberError::NotE164) }
    }

    /// Parses the user part of a SIP address, 1 to 64 of the characters that need no escape there.
    ///
    /// Source: RFC 3261 section 25.1, `user`, without `&=$,;?/%`.
    pub fn sip_user(text: &str) -> Result<Self, NumberError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()+#".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NumberError::NotSipUser)
        }
    }

    /// The number as dialled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an E.164 number.
    pub fn is_e164(&self) -> bool {
        is_e164(&self.0)
    }

    /// The ISO code of its country, where its digits tell.
    pub fn country(&self) -> Option<&'static str> {
        if self.is_e164() { country::of(&self.0[1..]) } else { None }
    }

    /// What kind of number it is.
    pub fn kind(&self) -> NumberType {
        // North America; Australia, France, Germany, Italy, Japan, Spain, the United Kingdom.
        const TOLL_FREE: [&str; 15] = [
            "+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888", "+611800", "+33800", "+49800",
            "+39800", "+81120", "+34900", "+44800", "+44808",
        ];
        if TOLL_FREE.iter().any(|prefix| self.0.starts_with(prefix)) {
            NumberType::TollFree
        } else if self.0.starts_with("+800") {
            NumberType::Uifn
        } else {
            NumberType::Did
        }
    }
}

fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

impl fmt::Display for DialledNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DialledNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl TryFrom<String> for DialledNumber {
    type Error = NumberError;
    fn try_from(text: String) -> Result<Self, NumberError> {
        Self::sip_user(&text)
    }
}

impl From<DialledNumber> for String {
    fn from(number: DialledNumber) -> Self {
        number.0
    }
}

/// The text is not something that can be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not E.164.
    #[error("a phone number is written in E.164: +, country code and subscriber number, 2 to 15 digits")]
    NotE164,
    /// Not a SIP user part.
    #[error("the user part of a SIP address has 1 to 64 characters out of [A-Za-z0-9-_.!~*'()+#]")]
    NotSipUser,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e164_is_a_plus_and_2_to_15_digits() {
        for good in ["+18005550100", "+12", "+123456789012345"] {
            assert!(DialledNumber::e164(good).is_ok(), "{good}");
        }
        for bad in ["18005550100", "+0123", "+1", "+1234567890123456", "+1800-555", "", "+", "support"] {
            assert!(DialledNumber::e164(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_part_need_not_be_a_number() {
        assert!(DialledNumber::sip_user("support").is_ok());
        assert!(DialledNumber::sip_user("*98#").is_ok());
        assert!(DialledNumber::sip_user("a@b").is_err());
        assert!(DialledNumber::sip_user("").is_err());
    }

    #[test]
    fn tells_country_and_kind_from_the_digits() {
        let number = |text| DialledNumber::e164(text).unwrap();
        assert_eq!(number("+18005550100").country(), Some("US"));
        assert_eq!(number("+18005550100").kind(), NumberType::TollFree);
        assert_eq!(number("+442079460000").country(), Some("GB"));
        assert_eq!(number("+442079460000").kind(), NumberType::Did);
        assert_eq!(number("+448081570000").kind(), NumberType::TollFree);
        assert_eq!(number("+80012345678").kind(), NumberType::Uifn);
        assert_eq!(DialledNumber::sip_user("support").unwrap().country(), None);
    }

    #[test]
    fn is_not_printed_by_debug() {
        assert_eq!(format!("{:?}", DialledNumber::e164("+18005550100").unwrap()), "[redacted]");
    }
}
