//! English numbers as they are spoken.

/// Digits that are said one by one: "one two double five oh", or keyed in.
pub(super) fn digits(words: &[String]) -> Option<String> {
    let mut digits = String::new();
    let mut times = 1;
    for word in words {
        let said = match word.as_str() {
            "double" => {
                times = 2;
                continue;
            }
            "triple" => {
                times = 3;
                continue;
            }
            "oh" | "o" => "0".to_owned(),
            word if word.bytes().all(|byte| byte.is_ascii_digit()) => word.to_owned(),
            word => unit(word).filter(|unit| *unit < 10)?.to_string(),
        };
        digits.push_str(&said.repeat(times));
        times = 1;
    }
    (!digits.is_empty() && times == 1).then_some(digits)
}

/// A whole number: "forty two", "one hundred and five thousand", "12".
pub(super) fn number(words: &[String]) -> Option<u64> {
    if let [word] = words
        && let Ok(number) = word.parse()
    {
        return Some(number);
    }
    let (mut total, mut group, mut any) = (0u64, 0u64, false);
    let mut last = u64::MAX;
    for word in words {
        match word.as_str() {
            "and" if any => {}
            "a" if !any => {}
            "hundred" if group < 100 => {
                group = group.max(1) * 100;
                (any, last) = (true, 100);
            }
            word @ ("thousand" | "million") => {
                let scale = if word == "thousand" { 1_000 } else { 1_000_000 };
                total = total.checked_add(group.max(1).checked_mul(scale)?)?;
                (group, any, last) = (0, true, u64::MAX);
            }
            word => {
                let value = unit(word).or_else(|| word.parse().ok())?;
                // "twenty one" is a number, and "one twenty" is two of them.
                let fits = last == u64::MAX || last == 100 || (last >= 20 && last % 10 == 0 && value < 10);
                if !fits {
                    return None;
                }
                group = group.checked_add(value)?;
                (any, last) = (true, value);
            }
        }
    }
    any.then(|| total.checked_add(group)).flatten()
}

/// An ordinal up to the 31st: "third", "twenty first", "3rd".
pub(super) fn ordinal(words: &[String]) -> Option<u64> {
    match words {
        [word] => {
            let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending));
            let written = digits.and_then(|digits| digits.parse().ok());
            written.or_else(|| {
                let at = ORDINALS.iter().position(|known| known == word)?;
                u64::try_from(at + 1).ok()
            })
        }
        [tens, rest] => {
            let tens = unit(tens).filter(|tens| [20, 30].contains(tens))?;
            let rest = ORDINALS.iter().take(9).position(|known| known == rest)?;
            Some(tens + u64::try_from(rest + 1).ok()?)
        }
        _ => None,
    }
}

fn unit(word: &str) -> Option<u64> {
    let at = UNITS.iter().position(|known| *known == word).and_then(|at| u64::try_from(at).ok());
    at.or_else(|| TENS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value))
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [(&str, u64); 8] = [
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
];
const ORDINALS: [&str; 31] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "thirtieth",
    "-",
];

#[cfg(test)]
mod tests {
    use super::super::text::words;
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_spoken() {
        for (said, expected) in [
            ("42", Some(42)),
            ("forty two", Some(42)),
            ("forty-two", Some(42)),
            ("a hundred and five", Some(105)),
            ("two thousand twelve", Some(2_012)),
            ("one hundred five thousand and three", Some(105_003)),
            ("three million", Some(3_000_000)),
            ("zero", Some(0)),
            ("one two", None),
            ("twenty thirty", None),
            ("hello", None),
            ("and", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(number(&words(said)), expected, "{said}");
        }
        assert_eq!(number(&words(&"million ".repeat(500))), Some(500_000_000));
    }

    #[test]
    fn digits_are_read_one_by_one() {
        for (said, expected) in [
            ("one two double five oh", Some("12550")),
            ("555 123 4567", Some("5551234567")),
            ("triple nine", Some("999")),
            ("double", None),
            ("twelve", None),
            ("", None),
        ] {
            assert_eq!(digits(&words(said)).as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn ordinals_are_read_to_the_31st() {
        for (said, expected) in [
            ("third", Some(3)),
            ("22nd", Some(22)),
            ("thirty first", Some(31)),
            ("one", None),
            ("thirtieth", Some(30)),
        ] {
            assert_eq!(ordinal(&words(said)), expected, "{said}");
        }
    }
}
