use super::calendar::Day;
use jiff::civil;
use serde::{Deserialize, Serialize};

/// How an override comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Recurrence {
    /// The pattern.
    pub recurrence_pattern: Pattern,
}

/// On which days it comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Pattern {
    /// What is counted.
    pub frequency: Frequency,
    /// Every how manieth of them, 1 to 6.
    pub interval: u32,
    /// The month, 1 to 12; of yearly ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_month: Vec<i8>,
    /// The day of the month, 1 to 31, or -1 for the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_month_day: Vec<i8>,
    /// Which of the weekdays in a month, 1 to 4, or -1 for the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_weekday_occurrence: Vec<i8>,
}

/// What a recurrence counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the words say it")]
pub enum Frequency {
    Weekly,
    Monthly,
    Yearly,
}

impl Recurrence {
    pub(super) fn check(&self) -> Result<(), String> {
        let Pattern { frequency, interval, by_month, by_month_day, by_weekday_occurrence } =
            &self.recurrence_pattern;
        let bounds = [
            ((1..=6).contains(interval), "Interval must be 1 to 6"),
            (by_month.iter().all(|month| (1..=12).contains(month)), "ByMonth must be 1 to 12"),
            (
                by_month_day.iter().all(|day| *day == -1 || (1..=31).contains(day)),
                "ByMonthDay must be 1 to 31, or -1",
            ),
            (
                by_weekday_occurrence.iter().all(|which| *which == -1 || (1..=4).contains(which)),
                "ByWeekdayOccurrence must be 1 to 4, or -1",
            ),
            (
                by_month.len() <= 1 && by_month_day.len() <= 1 && by_weekday_occurrence.len() <= 1,
                "ByMonth, ByMonthDay and ByWeekdayOccurrence have one value each",
            ),
            (
                by_month_day.is_empty() || by_weekday_occurrence.is_empty(),
                "ByMonthDay and ByWeekdayOccurrence exclude each other",
            ),
            (
                *frequency != Frequency::Weekly
                    || (by_month_day.is_empty() && by_weekday_occurrence.is_empty()),
                "ByMonthDay and ByWeekdayOccurrence are for MONTHLY and YEARLY",
            ),
        ];
        bounds.iter().find(|(is_kept, _)| !is_kept).map_or(Ok(()), |(_, rule)| Err((*rule).to_owned()))
    }

    /// Whether an override that begins on `from`, on these weekdays, comes again on a date.
    pub(super) fn is_on(&self, from: civil::Date, weekdays: &[Day], date: civil::Date) -> bool {
        let Pattern { frequency, interval, by_month, by_month_day, by_weekday_occurrence } =
            &self.recurrence_pattern;
        let months = (i32::from(date.year()) - i32::from(from.year())) * 12 + i32::from(date.month())
            - i32::from(from.month());
        let count = match frequency {
            Frequency::Weekly => weeks(date) - weeks(from),
            Frequency::Monthly => months,
            Frequency::Yearly => i32::from(date.year()) - i32::from(from.year()),
        };
        let in_turn = i32::try_from(*interval).is_ok_and(|interval| count.checked_rem(interval) == Some(0));
        let in_month = match frequency {
            Frequency::Yearly if by_month.is_empty() => date.month() == from.month(),
            _ => by_month.is_empty() || by_month.contains(&date.month()),
        };
        let last = date.days_in_month();
        let on_day = match (by_month_day.first(), by_weekday_occurrence.first()) {
            (Some(-1), _) => date.day() == last,
            (Some(day), _) => date.day() == *day,
            (None, Some(-1)) => date.day() + 7 > last,
            (None, Some(which)) => (date.day() - 1) / 7 + 1 == *which,
            (None, None) => match frequency {
                Frequency::Weekly => true,
                Frequency::Monthly | Frequency::Yearly => {
                    weekdays.is_empty().then_some(from.day()).is_none_or(|day| date.day() == day)
                }
            },
        };
        let by_date = !by_month_day.is_empty();
        let on_weekday = by_date || weekdays.is_empty() || weekdays.contains(&Day::of(date));
        in_turn && in_month && on_day && on_weekday
    }
}

/// The number of a date's week, which begins on Sunday.
fn weeks(date: civil::Date) -> i32 {
    // 1970-01-04 was the first Sunday after the epoch; divisions round down, also before it.
    let days = date.since(civil::date(1970, 1, 4)).map_or(0, |span| span.get_days());
    days.div_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn pattern(frequency: Frequency, interval: u32, change: impl FnOnce(&mut Pattern)) -> Recurrence {
        let mut pattern = Pattern {
            frequency,
            interval,
            by_month: Vec::new(),
            by_month_day: Vec::new(),
            by_weekday_occurrence: Vec::new(),
        };
        change(&mut pattern);
        Recurrence { recurrence_pattern: pattern }
    }

    #[test]
    fn every_second_tuesday_of_a_month_and_every_third_month_on_the_15th() {
        let second_tuesday = pattern(Frequency::Monthly, 1, |p| p.by_weekday_occurrence = vec![2]);
        let on = |date| second_tuesday.is_on(civil::date(2026, 1, 1), &[Day::Tuesday], date);
        assert!(on(date(2026, 1, 13)) && on(date(2026, 2, 10)));
        assert!(!on(date(2026, 1, 6)) && !on(date(2026, 1, 14)) && !on(date(2026, 1, 20)));
        let third_month = pattern(Frequency::Monthly, 3, |p| p.by_month_day = vec![15]);
        let on = |date| third_month.is_on(civil::date(2026, 1, 1), &[], date);
        assert!(on(date(2026, 1, 15)) && on(date(2026, 4, 15)) && on(date(2027, 1, 15)));
        assert!(!on(date(2026, 2, 15)) && !on(date(2026, 4, 16)));
    }

    #[test]
    fn weeks_are_counted_from_the_one_of_the_first_day_also_over_a_new_year() {
        let other_week = pattern(Frequency::Weekly, 2, |_| {});
        let on = |date| other_week.is_on(civil::date(2025, 12, 24), &[Day::Monday, Day::Friday], date);
        assert!(on(date(2025, 12, 26)) && on(date(2026, 1, 5)) && on(date(2026, 1, 9)));
        assert!(!on(date(2025, 12, 29)) && !on(date(2026, 1, 6)) && !on(date(2026, 1, 2)));
    }

    #[test]
    fn the_last_day_of_february_is_the_29th_where_there_is_one() {
        let last = pattern(Frequency::Yearly, 1, |p| {
            p.by_month = vec![2];
            p.by_month_day = vec![-1];
        });
        let on = |date| last.is_on(civil::date(2024, 1, 1), &[], date);
        assert!(on(date(2024, 2, 29)) && on(date(2025, 2, 28)));
        assert!(!on(date(2024, 2, 28)) && !on(date(2024, 3, 31)));
    }
}
