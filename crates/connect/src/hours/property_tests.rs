//! Hours with overrides against a slow reference, which asks of a minute what the documentation asks.

use super::recurrence::{Pattern, Recurrence};
use super::*;
use jiff::civil::{self, Weekday};
use proptest::prelude::*;
use tympan_types::{ResourceId, WallTime};

/// Zones, and what their clocks do in 2026 as POSIX writes it: the database is not its own reference.
const ZONES: [(&str, &str); 6] = [
    ("UTC", "UTC0"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"),
    ("Pacific/Apia", "<+13>-13"),
    ("Asia/Kathmandu", "<+0545>-5:45"),
];

/// The beginning of the period in which everything happens; 100 days from it there are changes of clocks in most zones.
const FIRST: civil::Date = civil::date(2026, 2, 1);

fn weekday(date: civil::Date) -> Day {
    let days = [
        (Weekday::Sunday, Day::Sunday),
        (Weekday::Monday, Day::Monday),
        (Weekday::Tuesday, Day::Tuesday),
        (Weekday::Wednesday, Day::Wednesday),
        (Weekday::Thursday, Day::Thursday),
        (Weekday::Friday, Day::Friday),
        (Weekday::Saturday, Day::Saturday),
    ];
    days.iter().find(|(weekday, _)| *weekday == date.weekday()).unwrap().1
}

/// Whether a time from start to end has a minute of the day on which it begins, or of the one after it.
fn has(start: TimeOfDay, end: TimeOfDay, minute: u32, is_next_day: bool) -> bool {
    let of = |time: TimeOfDay| time.hours * 60 + time.minutes;
    let (start, end) = (of(start), of(end));
    match (end > start, is_next_day) {
        (true, false) => start <= minute && minute < end,
        (true, true) => false,
        (false, false) => start <= minute,
        (false, true) => minute < end,
    }
}

/// The same of a slice of an override on a date.
fn slice_has(slice: &OverrideSlice, on: civil::Date, minute: u32, is_next_day: bool) -> bool {
    if slice.day.is_some_and(|day| day != weekday(on)) {
        return false;
    }
    let midnight = TimeOfDay { hours: 0, minutes: 0 };
    match (slice.start_time, slice.end_time) {
        (None, None) => !is_next_day,
        (start, end) => has(start.unwrap_or(midnight), end.unwrap_or(midnight), minute, is_next_day),
    }
}

/// Counts the weeks, months or years from the first date on, one by one.
fn comes_again(one: &HoursOverride, date: civil::Date) -> bool {
    let Some(Recurrence { recurrence_pattern: pattern }) = &one.recurrence else { return true };
    let from = one.effective_from.0;
    let week_of = |mut date: civil::Date| {
        while weekday(date) != Day::Sunday {
            date = date.yesterday().unwrap();
        }
        date
    };
    let same = |at: civil::Date| match pattern.frequency {
        Frequency::Weekly => week_of(at) == week_of(date),
        Frequency::Monthly => (at.year(), at.month()) == (date.year(), date.month()),
        Frequency::Yearly => at.year() == date.year(),
    };
    let step = |at: civil::Date| {
        let span = jiff::Span::new();
        let interval = i64::from(pattern.interval);
        let next = match pattern.frequency {
            Frequency::Weekly => span.weeks(interval),
            Frequency::Monthly => span.months(interval),
            Frequency::Yearly => span.years(interval),
        };
        at.checked_add(next).unwrap()
    };
    let mut at = if pattern.frequency == Frequency::Weekly { week_of(from) } else { from.first_of_month() };
    while !same(at) {
        if at > date {
            return false;
        }
        at = step(at);
    }
    let is_month = match (pattern.by_month.first(), pattern.frequency) {
        (Some(month), _) => date.month() == *month,
        (None, Frequency::Yearly) => date.month() == from.month(),
        (None, _) => true,
    };
    let days: Vec<Day> = one.config.iter().filter_map(|slice| slice.day).collect();
    let is_day = days.is_empty() || days.contains(&weekday(date));
    let of_month = || (1..=date.days_in_month()).map(|day| civil::date(date.year(), date.month(), day));
    let is_in_turn = match (pattern.by_month_day.first(), pattern.by_weekday_occurrence.first()) {
        (Some(-1), _) => of_month().next_back() == Some(date),
        (Some(day), _) => date.day() == *day,
        (None, Some(which)) => {
            let same_day: Vec<_> = of_month().filter(|one| one.weekday() == date.weekday()).collect();
            let wanted = if *which == -1 {
                same_day.last()
            } else {
                same_day.get(usize::try_from(*which).unwrap() - 1)
            };
            is_day && wanted == Some(&date)
        }
        (None, None) if pattern.frequency == Frequency::Weekly => is_day,
        (None, None) => {
            if days.is_empty() {
                date.day() == from.day()
            } else {
                is_day
            }
        }
    };
    is_month && is_in_turn
}

fn holds(one: &HoursOverride, date: civil::Date) -> bool {
    one.effective_from.0 <= date && date <= one.effective_till.0 && comes_again(one, date)
}

/// Whether one has a minute of a date, by what it says of that date and of the day before.
fn covers(one: &HoursOverride, date: civil::Date, minute: u32) -> bool {
    let by = |on: civil::Date, is_next_day: bool| {
        let whole = one.config.is_empty() && one.override_type == OverrideType::Closed && !is_next_day;
        let slice = one.config.iter().any(|slice| slice_has(slice, on, minute, is_next_day));
        holds(one, on) && (whole || slice)
    };
    by(date, false) || by(date.yesterday().unwrap(), true)
}

/// The reference.
fn is_open(hours: &HoursOfOperation, date: civil::Date, minute: u32) -> bool {
    let of = |wanted: OverrideType| hours.overrides.iter().filter(move |one| one.override_type == wanted);
    if of(OverrideType::Closed).any(|one| covers(one, date, minute)) {
        return false;
    }
    if of(OverrideType::Open).any(|one| covers(one, date, minute)) {
        return true;
    }
    let yesterday = date.yesterday().unwrap();
    let is_standard = |on: civil::Date| of(OverrideType::Standard).any(|one: &HoursOverride| holds(one, on));
    if is_standard(date) {
        return of(OverrideType::Standard).any(|one| holds(one, date) && covers(one, date, minute));
    }
    let by_week = |on: civil::Date, is_next_day: bool| {
        let mut of_day = hours.config.iter().filter(|slice| slice.day == weekday(on));
        of_day.any(|slice| has(slice.start_time, slice.end_time, minute, is_next_day))
    };
    let from_yesterday = if is_standard(yesterday) {
        of(OverrideType::Standard).any(|one| covers(one, date, minute))
    } else {
        by_week(yesterday, true)
    };
    by_week(date, false) || from_yesterday
}

fn any_time() -> impl Strategy<Value = TimeOfDay> {
    // Times that meet often find the edges.
    (prop::sample::select(vec![0, 1, 6, 12, 22, 23]), prop::sample::select(vec![0, 1, 30, 59]))
        .prop_map(|(hours, minutes)| TimeOfDay { hours, minutes })
}

fn any_day() -> impl Strategy<Value = Day> {
    prop::sample::select(Day::ALL.to_vec())
}

fn any_week() -> impl Strategy<Value = Vec<TimeSlice>> {
    let slice = (any_day(), any_time(), any_time());
    prop::collection::vec(
        slice.prop_map(|(day, start_time, end_time)| TimeSlice { day, start_time, end_time }),
        0..8,
    )
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let frequency = prop::sample::select(vec![Frequency::Weekly, Frequency::Monthly, Frequency::Yearly]);
    let on = prop_oneof![
        Just((vec![], vec![])),
        prop::sample::select(vec![-1, 1, 15, 28, 31]).prop_map(|day| (vec![day], vec![])),
        prop::sample::select(vec![-1, 1, 2, 4]).prop_map(|which| (vec![], vec![which])),
    ];
    (frequency, 1u32..=6, prop::collection::vec(2i8..=5, 0..2), on).prop_map(
        |(frequency, interval, by_month, (by_month_day, by_weekday_occurrence))| {
            let is_weekly = frequency == Frequency::Weekly;
            Pattern {
                frequency,
                interval,
                by_month,
                by_month_day: if is_weekly { vec![] } else { by_month_day },
                by_weekday_occurrence: if is_weekly { vec![] } else { by_weekday_occurrence },
            }
        },
    )
}

fn any_override() -> impl Strategy<Value = HoursOverride> {
    let slice = (prop::option::of(any_day()), prop::option::of(any_time()), prop::option::of(any_time()))
        .prop_map(|(day, start_time, end_time)| OverrideSlice { day, start_time, end_time });
    let types = vec![OverrideType::Standard, OverrideType::Open, OverrideType::Closed];
    let pattern = prop::option::of(any_pattern());
    let config = prop::collection::vec(slice, 0..4);
    (prop::sample::select(types), config, 0i64..100, 0i64..60, pattern).prop_map(
        |(override_type, config, begin, length, pattern)| {
            let day = |count: i64| Date(FIRST.checked_add(jiff::Span::new().days(count)).unwrap());
            HoursOverride {
                id: ResourceId::from_random([7; 16]),
                name: "other hours".to_owned(),
                description: None,
                config,
                effective_from: day(begin),
                effective_till: day(begin + length),
                recurrence: pattern.map(|recurrence_pattern| Recurrence { recurrence_pattern }),
                override_type,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn hours_are_open_as_the_reference_says(
        (zone, rules) in prop::sample::select(ZONES.to_vec()),
        config in any_week(),
        overrides in prop::collection::vec(any_override(), 0..5),
        instants in prop::collection::vec(0i64..(160 * 1440), 30),
    ) {
        let time_zone = TimeZone::parse(zone).unwrap();
        let hours = HoursOfOperation { time_zone, config, overrides, parents: Vec::new() };
        let clocks = jiff::tz::TimeZone::posix(rules).unwrap();
        let epoch = FIRST.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond();
        for minutes in instants {
            let now = WallTime::from_unix_ms(epoch + minutes * 60_000);
            let local = jiff::Timestamp::from_millisecond(now.unix_ms()).unwrap().to_zoned(clocks.clone());
            let minute = u32::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
            prop_assert_eq!(hours.is_open(now), is_open(&hours, local.date(), minute), "{} {:?}", local, hours);
        }
    }
}
