//! `say-as`: content rewritten so that any voice speaks it as it is meant.

use std::fmt::Write as _;

/// How the content of a `say-as` is meant.
pub(super) enum SayAs {
    Characters,
    Digits,
    Telephone,
    Cardinal,
    Ordinal,
    /// By its format.
    Date(String),
    Expletive,
    /// What voices make of it by themselves.
    AsItStands,
}

impl SayAs {
    pub(super) fn new(interpret_as: &str, format: &str) -> Self {
        match interpret_as.trim().to_ascii_lowercase().as_str() {
            "characters" | "spell-out" => Self::Characters,
            "digits" => Self::Digits,
            "telephone" => Self::Telephone,
            "cardinal" | "number" => Self::Cardinal,
            "ordinal" => Self::Ordinal,
            "date" => Self::Date(format.trim().to_ascii_lowercase()),
            "expletive" | "bleep" => Self::Expletive,
            _ => Self::AsItStands,
        }
    }

    /// The content as it is to be spoken; as it stands where it is not of the kind.
    pub(super) fn rewrite(&self, content: &str) -> String {
        let content = content.trim();
        let rewritten = match self {
            Self::Characters => Some(spelt(content)),
            Self::Digits => Some(digit_by_digit(content)),
            Self::Telephone => Some(telephone(content)),
            Self::Cardinal => cardinal(content),
            Self::Ordinal => cardinal(content).map(ordinal),
            Self::Date(format) => date(content, format),
            Self::Expletive => Some(String::new()),
            Self::AsItStands => None,
        };
        // Words do not run into their neighbours.
        format!(" {} ", rewritten.as_deref().unwrap_or(content))
    }
}

/// Capital letters are read by their names.
fn spelt(content: &str) -> String {
    content.chars().filter(|character| !character.is_whitespace()).fold(
        String::new(),
        |mut text, character| {
            match character {
                '-' => text.push_str("dash"),
                '.' => text.push_str("dot"),
                '@' => text.push_str("at"),
                '#' => text.push_str("pound"),
                '*' => text.push_str("star"),
                '_' => text.push_str("underscore"),
                '/' => text.push_str("slash"),
                '+' => text.push_str("plus"),
                other => text.extend(other.to_uppercase()),
            }
            text.push(' ');
            text
        },
    )
}

fn digit_by_digit(content: &str) -> String {
    content.chars().fold(String::new(), |mut text, character| {
        text.push(character);
        text.push(' ');
        text
    })
}

/// Digits in the groups that they are written in; ten as 3, 3 and 4, seven as 3 and 4.
fn telephone(content: &str) -> String {
    let (number, extension) = match content.split_once(['x', 'X']) {
        Some((number, extension)) => (number, Some(extension)),
        None => (content, None),
    };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let groups: Vec<&str> = match (digits.len(), number.trim().len() == digits.len()) {
        (10, true) => vec![&digits[..3], &digits[3..6], &digits[6..]],
        (7, true) => vec![&digits[..3], &digits[3..]],
        _ => number.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect(),
    };
    let mut text = if number.trim_start().starts_with('+') { "plus ".to_owned() } else { String::new() };
    let groups: Vec<_> =
        groups.into_iter().map(|group| digit_by_digit(group).trim_end().to_owned()).collect();
    text.push_str(&groups.join(", "));
    if let Some(extension) = extension {
        // Writing to a string does not fail.
        let _ = write!(text, ", extension {}", digit_by_digit(extension.trim()));
    }
    text
}

/// The number without the commas of its thousands; `None` where it is none.
fn cardinal(content: &str) -> Option<String> {
    let number: String = content.chars().filter(|c| *c != ',' && !c.is_whitespace()).collect();
    let digits = number.strip_prefix('-').unwrap_or(&number);
    let is_number = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().filter(|b| *b == b'.').count() <= 1;
    is_number.then_some(number)
}

fn ordinal(number: String) -> String {
    if number.contains(['.', '-']) {
        return number;
    }
    let suffix = match number.as_bytes() {
        [.., b'1', _] => "th",
        [.., b'1'] => "st",
        [.., b'2'] => "nd",
        [.., b'3'] => "rd",
        _ => "th",
    };
    number + suffix
}

/// A date in words: `22 9 2026` by `dmy` is "September 22, 2026".
fn date(content: &str, format: &str) -> Option<String> {
    let (year, month, day) = match format {
        "" | "yyyymmdd" if is_digits(content, 8) => {
            (Some(content.get(..4)?), Some(content.get(4..6)?), Some(content.get(6..)?))
        }
        _ => {
            let parts: Vec<&str> =
                content.split(['/', '-', '.', ' ']).filter(|part| !part.is_empty()).collect();
            if format.is_empty() || parts.len() != format.len() {
                return None;
            }
            let part = |kind| format.find(kind).and_then(|at| parts.get(at).copied());
            if !format.bytes().all(|kind| b"dmy".contains(&kind)) {
                return None;
            }
            (part('y'), part('m'), part('d'))
        }
    };
    let number = |part: Option<&str>, max: usize| match part {
        None => Some(None),
        Some(part) if part.len() <= 2 => {
            part.parse().ok().filter(|number| (1..=max).contains(number)).map(Some)
        }
        Some(_) => None,
    };
    let (month, day) = (number(month, 12)?, number(day, 31)?);
    let year = match year {
        Some(year) if year.len() <= 4 && is_digits(year, year.len()) => Some(year),
        None => None,
        Some(_) => return None,
    };
    let month = month.and_then(|month| MONTHS.get(month - 1).copied());
    Some(match (month, day, year) {
        (Some(month), Some(day), Some(year)) => format!("{month} {day}, {year}"),
        (Some(month), Some(day), None) => format!("{month} {day}"),
        (Some(month), None, Some(year)) => format!("{month} {year}"),
        (Some(month), None, None) => month.to_owned(),
        (None, Some(day), None) => ordinal(day.to_string()),
        (None, None, Some(year)) => year.to_owned(),
        _ => return None,
    })
}

fn is_digits(text: &str, count: usize) -> bool {
    !text.is_empty() && text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
