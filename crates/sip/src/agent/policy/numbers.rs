//! Numbers as one trunk writes them, in the form of E.164.

use super::{NumberRules, Trunk};
use crate::wire::{Number, Request};

/// Shorter numbers are short codes, emergency numbers and extensions: no country code goes before them.
const NATIONAL_DIGITS_MIN: usize = 7;
/// A prefix is stripped only where this much is left: 911 does not begin with a trunk prefix of 9.
const STRIPPED_DIGITS_MIN: usize = 3;

impl NumberRules {
    /// The number as it is compared. A number that became global has no context any more.
    #[must_use]
    pub fn apply(&self, number: Number) -> Number {
        let digits = number.text.as_str();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return number;
        }
        let stripped = longest(&self.strip_prefixes, digits, STRIPPED_DIGITS_MIN).unwrap_or(digits);
        let text = match longest(&self.international_prefixes, digits, NATIONAL_DIGITS_MIN) {
            Some(rest) => format!("+{rest}"),
            None => self.national(stripped),
        };
        let context = number.context.filter(|_| !text.starts_with('+'));
        Number { text, context }
    }

    fn national(&self, digits: &str) -> String {
        if let Some(rest) = longest(&self.international_prefixes, digits, NATIONAL_DIGITS_MIN) {
            return format!("+{rest}");
        }
        let Some(code) = self.country_code.as_deref().filter(|_| digits.len() >= NATIONAL_DIGITS_MIN) else {
            return digits.to_owned();
        };
        if self.add_plus && digits.starts_with(code.trim_start_matches('+')) {
            format!("+{digits}")
        } else {
            format!("{code}{digits}")
        }
    }
}

impl Trunk {
    /// The number or name that is called: that of the request URI, else of To; empty where neither has one.
    pub fn called(&self, request: &Request) -> Number {
        let number = request.uri.number().filter(|number| !number.text.is_empty());
        let number = number.or_else(|| request.to.uri().number());
        self.numbers.apply(number.unwrap_or(Number { text: String::new(), context: None }))
    }
}

/// What follows the longest of the prefixes that leaves enough digits; `None` where none fits.
fn longest<'a>(prefixes: &[String], digits: &'a str, left_min: usize) -> Option<&'a str> {
    prefixes
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix.as_str()))
        .filter(|rest| rest.len() >= left_min)
        .min_by_key(|rest| rest.len())
}
