use super::HeadError;
use std::fmt;
use time::{Date, Month, OffsetDateTime, Time};
use tympan_types::WallTime;

/// The instant of a signature as `X-Amz-Date` writes it: `20150830T123600Z`, UTC, whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AmzDate(OffsetDateTime);

impl AmzDate {
    /// Parses exactly `YYYYMMDDTHHMMSSZ`.
    ///
    /// # Errors
    /// [`HeadError::Date`].
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        Self::read(text).ok_or_else(|| HeadError::Date(super::rejection::shown(text)))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
        if bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let number = |from: usize, to: usize| {
            bytes.get(from..to)?.iter().try_fold(0u16, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0'))
            })
        };
        let two = |from: usize| number(from, from + 2).and_then(|n| u8::try_from(n).ok());
        let month = Month::try_from(two(4)?).ok()?;
        let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, two(6)?).ok()?;
        let time = Time::from_hms(two(9)?, two(11)?, two(13)?).ok()?;
        Some(Self(OffsetDateTime::new_utc(date, time)))
    }

    /// The second that `now` lies in. An instant past the year 9999 counts as 1970: no clock shows it.
    pub fn from_wall_time(now: WallTime) -> Self {
        let at = OffsetDateTime::from_unix_timestamp(now.unix_ms().div_euclid(1000)).ok();
        Self(at.filter(|at| (0..=9999).contains(&at.year())).unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// The instant.
    pub fn wall_time(self) -> WallTime {
        WallTime::from_unix_ms(self.0.unix_timestamp().saturating_mul(1000))
    }

    /// The day, `20150830`, as a credential scope names it.
    pub fn day(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

impl fmt::Display for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}{:02}{:02}Z", self.day(), self.0.hour(), self.0.minute(), self.0.second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_what_it_parsed() {
        let date = AmzDate::parse("20150830T123600Z").unwrap();
        assert_eq!((date.to_string().as_str(), date.day().as_str()), ("20150830T123600Z", "20150830"));
        assert_eq!(date.wall_time().unix_ms(), 1_440_938_160_000);
        assert_eq!(AmzDate::from_wall_time(date.wall_time().plus_ms(999)), date);
    }

    #[test]
    fn refuses_other_forms_and_days_that_never_were() {
        for text in [
            "",
            "20150830T123600",
            "20150830T123600+",
            "2015-08-30T12:36:00Z",
            "20150230T123600Z",
            "20151330T123600Z",
            "20150830T243600Z",
            "20150830T126000Z",
            "20150830t123600z",
            "+0150830T123600Z",
            "2015083\u{e9}T12360Z",
        ] {
            assert!(AmzDate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn impossible_clocks_do_not_panic() {
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(AmzDate::from_wall_time(WallTime::from_unix_ms(ms)).to_string().len(), 16);
        }
    }

    proptest! {
        #[test]
        fn parsing_is_total_and_exact(text in "\\PC{0,20}|[0-9]{8}T[0-9]{6}Z") {
            if let Ok(date) = AmzDate::parse(&text) {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
