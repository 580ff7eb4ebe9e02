//! The types of slots: what a value looks like, spoken or keyed in.
//!
//! Source: Lex V2 developer guide, "Built-in slot types". English words.

use super::definition::SlotValues;
use super::number_words::{digits, number, ordinal};
use super::text;
use crate::model::{Slot, SlotValue};
use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan, Unit};
use tympan_types::WallTime;

/// The type of a slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SlotType {
    /// `AMAZON.Number`
    Number,
    /// `AMAZON.PhoneNumber`
    PhoneNumber,
    /// `AMAZON.Date`
    Date,
    /// `AMAZON.AlphaNumeric`
    AlphaNumeric,
    /// `AMAZON.Confirmation`
    Confirmation,
    /// `AMAZON.FreeFormInput`
    FreeForm,
    /// A list of values.
    Values(Vec<SlotValues>),
}

impl SlotType {
    /// The built-in type of a name.
    pub(super) fn built_in(name: &str) -> Option<Self> {
        Some(match name {
            "AMAZON.Number" => Self::Number,
            "AMAZON.PhoneNumber" => Self::PhoneNumber,
            "AMAZON.Date" => Self::Date,
            "AMAZON.AlphaNumeric" => Self::AlphaNumeric,
            "AMAZON.Confirmation" => Self::Confirmation,
            "AMAZON.FreeFormInput" => Self::FreeForm,
            _ => return None,
        })
    }

    /// The value that all of these words are.
    pub(super) fn read(&self, now: WallTime, said: &[String]) -> Option<String> {
        if said.is_empty() {
            return None;
        }
        match self {
            Self::Number => number(said).map(|number| number.to_string()).or_else(|| digits(said)),
            Self::PhoneNumber => digits(said).filter(|digits| (3..=20).contains(&digits.len())),
            Self::Date => date(today(now)?, said).map(|date| date.to_string()),
            Self::AlphaNumeric => alphanumeric(said),
            Self::Confirmation => confirmation(said).map(str::to_owned),
            Self::FreeForm => Some(said.join(" ")),
            Self::Values(values) => {
                values.iter().find(|value| value.is(said)).map(|value| value.value.clone())
            }
        }
    }

    /// The value that some of these words are: the longest run of them that is one.
    pub(super) fn find(&self, now: WallTime, said: &[String]) -> Option<(String, String)> {
        if *self == Self::FreeForm {
            return self.read(now, said).map(|value| (said.join(" "), value));
        }
        let said = said.get(..said.len().min(WINDOW_WORDS))?;
        (1..=said.len()).rev().find_map(|length| {
            said.windows(length).find_map(|run| self.read(now, run).map(|value| (run.join(" "), value)))
        })
    }
}

/// A slot with this value.
pub(super) fn slot(original: &str, interpreted: String) -> Slot {
    let value = SlotValue {
        original_value: Some(original.to_owned()),
        resolved_values: Some(vec![interpreted.clone()]),
        interpreted_value: interpreted,
    };
    Slot { shape: Some("Scalar".to_owned()), value: Some(value), values: None, sub_slots: None }
}

/// Yes or no, spoken or as the key 1 or 2.
pub(super) fn confirmation(said: &[String]) -> Option<&'static str> {
    let is = |words: &[&str]| said.iter().any(|word| words.contains(&word.as_str()));
    let no = is(&["no", "nope", "nah", "not", "dont", "wrong", "incorrect", "never"]) || said == ["2"];
    let yes = is(&["yes", "yeah", "yep", "yup", "sure", "correct", "right", "ok", "okay", "absolutely"])
        || said == ["1"];
    match (yes, no) {
        (_, true) => Some("No"),
        (true, false) => Some("Yes"),
        (false, false) => None,
    }
}

/// Letters and digits, spelled or said in one.
fn alphanumeric(said: &[String]) -> Option<String> {
    let mut value = String::new();
    for word in said {
        match digits(std::slice::from_ref(word)) {
            // "oh" alone is a letter as often as a digit; spelled codes have the digit.
            Some(digits) => value.push_str(&digits),
            None if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => value.push_str(word),
            None => return None,
        }
    }
    (value.len() <= 100).then_some(value)
}

fn today(now: WallTime) -> Option<Date> {
    let now = Timestamp::from_millisecond(now.unix_ms()).ok()?;
    Some(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// A day: a word, a name of a day, day and month, or as it is keyed in (MMDD, MMDDYYYY).
fn date(today: Date, said: &[String]) -> Option<Date> {
    let words: Vec<&str> =
        said.iter().map(String::as_str).filter(|word| !matches!(*word, "the" | "of" | "on")).collect();
    let words = words.as_slice();
    match words {
        ["today" | "now"] => return Some(today),
        ["tomorrow"] => return today.tomorrow().ok(),
        ["yesterday"] => return today.yesterday().ok(),
        ["day", "after", "tomorrow"] => return today.tomorrow().ok()?.tomorrow().ok(),
        [day] | ["next" | "this", day] if weekday(day).is_some() => {
            return weekday(day).and_then(|day| today.nth_weekday(1, day).ok());
        }
        ["next", "week"] => return today.checked_add(1.week()).ok(),
        _ => {}
    }
    if let [year, month, day] = words
        && year.len() == 4
        && let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse())
    {
        return Date::new(year, month, day).ok();
    }
    if let [keys] = words
        && keys.bytes().all(|byte| byte.is_ascii_digit())
    {
        let part = |from: usize, to: usize| keys.get(from..to).and_then(|part| part.parse::<i16>().ok());
        let (month, day) = (part(0, 2)?, part(2, 4)?);
        return match keys.len() {
            8 => of_parts(today, Some(part(4, 8)?), month, day),
            4 => of_parts(today, None, month, day),
            _ => None,
        };
    }
    if let [month, day, rest @ ..] = words
        && let (Ok(month), Ok(day)) = (month.parse(), day.parse())
    {
        // Month first, as in the United States: en_US.
        return of_parts(today, year(rest)?, month, day);
    }
    let at = words.iter().position(|word| month(word).is_some())?;
    let (before, after) = (words.get(..at)?, words.get(at + 1..)?);
    let of = month(words.get(at)?)?;
    if !before.is_empty() {
        return of_parts(today, year(after)?, of, day(before)?);
    }
    (1..=after.len()).rev().find_map(|length| {
        let (day_words, rest) = after.split_at(length);
        of_parts(today, year(rest)?, of, day(day_words)?)
    })
}

/// The day of a month, and of no year the next one that there is.
fn of_parts(today: Date, year: Option<i16>, month: i16, day: i16) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    // Eight years have a 29 February in any case.
    (0..=8)
        .filter_map(|years| Date::new(today.year() + years, month, day).ok())
        .find(|date| date.since((Unit::Day, today)).is_ok_and(|span| span.get_days() >= 0))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn day(words: &[&str]) -> Option<i16> {
    let words = owned(words);
    ordinal(&words).or_else(|| number(&words)).and_then(|day| i16::try_from(day).ok())
}

/// A year; `Some(None)` where none was said.
fn year(words: &[&str]) -> Option<Option<i16>> {
    if words.is_empty() {
        return Some(None);
    }
    let words = owned(words);
    let pair = || {
        let (century, rest) = words.split_first()?;
        Some(number(std::slice::from_ref(century))? * 100 + number(rest)?)
    };
    let year = number(&words).or_else(pair)?;
    (1_900..=2_200).contains(&year).then(|| i16::try_from(year).ok().map(Some)).flatten()
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn month(word: &str) -> Option<i16> {
    let at =
        MONTHS.iter().position(|month| *month == word || (word.len() == 3 && month.starts_with(word)))?;
    i16::try_from(at + 1).ok()
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Values are looked for in so many words.
const WINDOW_WORDS: usize = 40;

impl SlotValues {
    fn is(&self, said: &[String]) -> bool {
        std::iter::once(&self.value).chain(&self.synonyms).any(|name| text::words(name) == said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30, a Monday.
    const NOW: WallTime = WallTime::from_unix_ms(1_796_000_000_000);

    fn read(kind: &SlotType, said: &str) -> Option<String> {
        kind.read(NOW, &text::words(said))
    }

    #[test]
    fn built_in_types_read_what_callers_say_and_key_in() {
        for (kind, said, expected) in [
            ("AMAZON.Number", "forty two", Some("42")),
            ("AMAZON.Number", "four two", Some("42")),
            ("AMAZON.Number", "blue", None),
            ("AMAZON.PhoneNumber", "555-123-4567", Some("5551234567")),
            ("AMAZON.PhoneNumber", "five five five one two three four", Some("5551234")),
            ("AMAZON.PhoneNumber", "12", None),
            ("AMAZON.AlphaNumeric", "a b c one two", Some("abc12")),
            ("AMAZON.AlphaNumeric", "XY77", Some("xy77")),
            ("AMAZON.AlphaNumeric", "é", None),
            ("AMAZON.Confirmation", "yes please", Some("Yes")),
            ("AMAZON.Confirmation", "no that's not right", Some("No")),
            ("AMAZON.Confirmation", "2", Some("No")),
            ("AMAZON.Confirmation", "maybe", None),
            ("AMAZON.FreeFormInput", "Anything goes", Some("anything goes")),
        ] {
            let kind = SlotType::built_in(kind).unwrap();
            assert_eq!(read(&kind, said).as_deref(), expected, "{kind:?} {said}");
        }
        assert_eq!(SlotType::built_in("AMAZON.City"), None);
    }

    #[test]
    fn dates_are_read_as_days_from_today() {
        let today = today(NOW).unwrap();
        assert_eq!(today.to_string(), "2026-11-30");
        for (said, expected) in [
            ("today", Some("2026-11-30")),
            ("tomorrow", Some("2026-12-01")),
            ("the day after tomorrow", Some("2026-12-02")),
            ("friday", Some("2026-12-04")),
            ("next monday", Some("2026-12-07")),
            ("March third", Some("2027-03-03")),
            ("the twenty first of december", Some("2026-12-21")),
            ("december 5th 2027", Some("2027-12-05")),
            ("may four twenty twenty seven", Some("2027-05-04")),
            ("2027-02-28", Some("2027-02-28")),
            ("12/24", Some("2026-12-24")),
            ("12242027", Some("2027-12-24")),
            ("0229", Some("2028-02-29")),
            ("february thirtieth", None),
            ("1399", None),
            ("purple", None),
        ] {
            assert_eq!(
                date(today, &text::words(said)).map(|date| date.to_string()).as_deref(),
                expected,
                "{said}"
            );
        }
    }

    #[test]
    fn a_value_is_found_within_a_sentence() {
        let kind = SlotType::Number;
        let said = text::words("where is order twenty one please");
        assert_eq!(kind.find(NOW, &said), Some(("twenty one".into(), "21".into())));
        let sizes =
            SlotType::Values(vec![SlotValues { value: "Large".into(), synonyms: vec!["really big".into()] }]);
        let said = text::words("a really big one");
        assert_eq!(sizes.find(NOW, &said), Some(("really big".into(), "Large".into())));
        assert_eq!(sizes.find(NOW, &text::words("a small one")), None);
    }
}
