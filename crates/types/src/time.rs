//! Instants. All are Unix milliseconds, each type says whose clock it is; see `docs/time.md`.

use std::fmt;

macro_rules! unix_ms_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// From Unix milliseconds.
            pub const fn from_unix_ms(unix_ms: i64) -> Self {
                Self(unix_ms)
            }

            /// Unix milliseconds.
            pub const fn unix_ms(self) -> i64 {
                self.0
            }

            /// This instant moved by some milliseconds, saturating.
            #[must_use]
            pub const fn plus_ms(self, ms: i64) -> Self {
                Self(self.0.saturating_add(ms))
            }

            /// Milliseconds from `earlier` to this instant; negative when `earlier` is the later one.
            pub const fn ms_since(self, earlier: Self) -> i64 {
                self.0.saturating_sub(earlier.0)
            }

            /// Seconds with always three decimals, as in the service's fragment tags: `1511852109.126`.
            pub fn epoch_seconds(self) -> String {
                let (sign, ms) = if self.0 < 0 { ("-", self.0.unsigned_abs()) } else { ("", self.0.unsigned_abs()) };
                format!("{sign}{}.{:03}", ms / 1000, ms % 1000)
            }

            /// RFC 3339 with milliseconds, in UTC: `2017-11-28T06:55:09.126Z`.
            pub fn rfc3339_ms(self) -> String {
                let Some(at) = self.date_time() else { return self.epoch_seconds() };
                format!(
                    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                    at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute(), at.second(), at.millisecond()
                )
            }

            /// RFC 3339 with whole seconds, in UTC, as contact records print it: `2017-11-28T06:55:09Z`.
            pub fn rfc3339_seconds(self) -> String {
                let Some(at) = self.date_time() else { return self.epoch_seconds() };
                format!(
                    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                    at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute(), at.second()
                )
            }

            fn date_time(self) -> Option<time::OffsetDateTime> {
                time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.rfc3339_ms())
            }
        }
    };
}

unix_ms_newtype!(
    /// The wall clock of this machine.
    WallTime
);
unix_ms_newtype!(
    /// When the store accepted the head of a fragment; inside the fragment's number.
    ServerTime
);
unix_ms_newtype!(
    /// When the producer says a fragment began.
    ProducerTime
);

impl From<WallTime> for ServerTime {
    /// The store's clock is this machine's wall clock.
    fn from(now: WallTime) -> Self {
        Self::from_unix_ms(now.unix_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_always_have_three_decimals() {
        assert_eq!(ServerTime::from_unix_ms(1_511_852_109_126).epoch_seconds(), "1511852109.126");
        assert_eq!(ProducerTime::from_unix_ms(0).epoch_seconds(), "0.000");
        assert_eq!(ProducerTime::from_unix_ms(-1).epoch_seconds(), "-0.001");
    }

    #[test]
    fn prints_utc() {
        let at = WallTime::from_unix_ms(1_511_852_109_126);
        assert_eq!(at.to_string(), "2017-11-28T06:55:09.126Z");
        assert_eq!(at.rfc3339_seconds(), "2017-11-28T06:55:09Z");
    }

    #[test]
    fn years_past_9999_fall_back_to_seconds_and_never_panic() {
        assert_eq!(WallTime::from_unix_ms(i64::MAX).to_string(), "9223372036854775.807");
        assert_eq!(WallTime::from_unix_ms(i64::MAX).plus_ms(1).unix_ms(), i64::MAX);
    }
}
