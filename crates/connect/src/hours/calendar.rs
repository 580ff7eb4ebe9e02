//! Days, dates and times of a day, as the API writes them.

use jiff::civil;
use serde::{Deserialize, Serialize};

/// The minutes of a day.
pub(super) const DAY_MINUTES: u32 = 1440;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the days of the week")]
pub enum Day {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
}

impl Day {
    /// All seven, Sunday first.
    pub const ALL: [Self; 7] = [
        Self::Sunday,
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
    ];

    pub(super) fn of(date: civil::Date) -> Self {
        match date.weekday() {
            civil::Weekday::Sunday => Self::Sunday,
            civil::Weekday::Monday => Self::Monday,
            civil::Weekday::Tuesday => Self::Tuesday,
            civil::Weekday::Wednesday => Self::Wednesday,
            civil::Weekday::Thursday => Self::Thursday,
            civil::Weekday::Friday => Self::Friday,
            civil::Weekday::Saturday => Self::Saturday,
        }
    }
}

/// A time of the day, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hours: u32,
    /// 0 to 59.
    pub minutes: u32,
}

impl TimeOfDay {
    /// Midnight.
    pub const MIDNIGHT: Self = Self { hours: 0, minutes: 0 };

    pub(super) fn minute(self) -> u32 {
        self.hours * 60 + self.minutes
    }

    /// The time of a minute of a day or of the next one.
    pub(super) fn at(minute: u32) -> Self {
        Self { hours: minute / 60 % 24, minutes: minute % 60 }
    }

    pub(super) fn check(self) -> Result<(), String> {
        if self.hours < 24 && self.minutes < 60 {
            return Ok(());
        }
        Err("Hours must be 0 to 23 and Minutes 0 to 59".to_owned())
    }
}

/// When it is open on one day of the week. An end that is not after the start is on the next day: 00:00 is its midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeSlice {
    /// The day on which it starts.
    pub day: Day,
    /// It is open from this minute on.
    pub start_time: TimeOfDay,
    /// It is closed from this minute on.
    pub end_time: TimeOfDay,
}

/// Minutes from the midnight with which a day begins; the end is not among them, and may be on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) from: u32,
    pub(super) till: u32,
}

impl Span {
    pub(super) const WHOLE_DAY: Self = Self { from: 0, till: DAY_MINUTES };

    pub(super) fn new(start: TimeOfDay, end: TimeOfDay) -> Self {
        let (from, till) = (start.minute(), end.minute());
        Self { from, till: if till > from { till } else { till + DAY_MINUTES } }
    }

    pub(super) fn has(self, minute: u32) -> bool {
        (self.from..self.till).contains(&minute)
    }

    /// As much of it as is on the day on which it begins.
    pub(super) fn within_day(self) -> Self {
        Self { from: self.from, till: self.till.min(DAY_MINUTES) }
    }

    /// The same in minutes from the next midnight; what was before that is left out.
    pub(super) fn seen_from_tomorrow(self) -> Self {
        Self { from: self.from.saturating_sub(DAY_MINUTES), till: self.till.saturating_sub(DAY_MINUTES) }
    }

    /// The same in minutes from the midnight before.
    pub(super) fn seen_from_yesterday(self) -> Self {
        Self { from: self.from + DAY_MINUTES, till: self.till + DAY_MINUTES }
    }

    /// What is left of it outside of another one.
    pub(super) fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let before = Self { from: self.from, till: self.till.min(other.from) };
        let after = Self { from: self.from.max(other.till), till: self.till };
        [before, after].into_iter().filter(|span| span.from < span.till)
    }
}

/// A day of the calendar: `2026-12-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(pub(super) civil::Date);

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let in_form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = in_form.then(|| text.parse().ok()).flatten();
        date.map(Self).ok_or_else(|| format!("a date is written as 2026-12-24, not as {text:?}"))
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.0.to_string()
    }
}
