use super::DialledNumber;
use std::fmt;
use std::str::FromStr;

/// A run of consecutive E.164 numbers that the operator owns and SearchAvailablePhoneNumbers offers.
///
/// Text form: `+18005550100` or `+18005550100-+18005550109`; at most a million numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRange {
    first: u64,
    last: u64,
}

const LONGEST: u64 = 1_000_000;

impl NumberRange {
    /// The numbers in ascending order.
    pub fn numbers(&self) -> impl Iterator<Item = DialledNumber> + use<> {
        (self.first..=self.last).filter_map(|digits| DialledNumber::e164(&format!("+{digits}")).ok())
    }
}

impl Default for NumberRange {
    /// `+18005550100-+18005550109`: numbers that no subscriber has, for demonstrations.
    fn default() -> Self {
        Self { first: 18_005_550_100, last: 18_005_550_109 }
    }
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}-+{}", self.first, self.last)
    }
}

impl FromStr for NumberRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let digits = |text: &str| -> Option<u64> {
            let number = DialledNumber::e164(text.trim()).ok()?;
            number.as_str()[1..].parse().ok()
        };
        let (first, last) = digits(first).zip(digits(last)).ok_or(RangeError::NotNumbers)?;
        if first > last || first.ilog10() != last.ilog10() {
            return Err(RangeError::NotAscending);
        }
        if last - first >= LONGEST {
            return Err(RangeError::TooLong);
        }
        Ok(Self { first, last })
    }
}

/// The text is not a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// An end is not E.164.
    #[error("a range of numbers is written +18005550100-+18005550109, both ends in E.164")]
    NotNumbers,
    /// The second end is the smaller one, or has another number of digits.
    #[error("a range of numbers ascends, and both ends have the same number of digits")]
    NotAscending,
    /// More than a million numbers.
    #[error("a range has at most {LONGEST} numbers")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_both_ends() {
        let range: NumberRange = "+18005550100-+18005550102".parse().unwrap();
        let numbers: Vec<String> = range.numbers().map(|number| number.to_string()).collect();
        assert_eq!(numbers, ["+18005550100", "+18005550101", "+18005550102"]);
        assert_eq!("+18005550100-+18005550109".parse(), Ok(NumberRange::default()));
        assert_eq!(NumberRange::default().to_string(), "+18005550100-+18005550109");
        assert_eq!("+4420".parse::<NumberRange>().unwrap().numbers().count(), 1);
    }

    #[test]
    fn refuses_what_is_no_range() {
        let parse = |text: &str| text.parse::<NumberRange>();
        assert_eq!(parse("support"), Err(RangeError::NotNumbers));
        assert_eq!(parse("+200-+100"), Err(RangeError::NotAscending));
        assert_eq!(parse("+99-+100"), Err(RangeError::NotAscending));
        assert_eq!(parse("+1000000000-+1001000000"), Err(RangeError::TooLong));
    }
}
