use super::calendar::{DAY_MINUTES, Date, Day, Span, TimeOfDay, TimeSlice};
use super::overrides::{HoursOverride, OverrideType};
use super::zone::TimeZone;
use crate::error::ConnectError;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use crate::queues::Queue;
use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_db::Kind;
use tympan_types::{ResourceId, WallTime};

/// The most parents of one.
pub(super) const MOST_PARENTS: usize = 3;

/// When it is open: a week by the clock of a time zone, and what overrides it on some dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoursOfOperation {
    /// The zone by whose clock it opens and closes.
    pub time_zone: TimeZone,
    /// The week; up to 100, several of a day among them.
    pub config: Vec<TimeSlice>,
    /// What overrides the week, of these hours alone.
    pub overrides: Vec<HoursOverride>,
    /// Other hours, up to three, whose overrides hold here too.
    pub parents: Vec<ResourceId>,
}

impl HoursOfOperation {
    /// Open day and night.
    pub fn always(time_zone: TimeZone) -> Self {
        let midnight = TimeOfDay::MIDNIGHT;
        let config = Day::ALL.map(|day| TimeSlice { day, start_time: midnight, end_time: midnight });
        Self { time_zone, config: config.to_vec(), overrides: Vec::new(), parents: Vec::new() }
    }

    /// Whether it is open, by the week and by its own overrides.
    pub fn is_open(&self, now: WallTime) -> bool {
        self.is_open_with(&self.overrides.iter().collect::<Vec<_>>(), now)
    }

    /// The same by these overrides.
    pub(crate) fn is_open_with(&self, overrides: &[&HoursOverride], now: WallTime) -> bool {
        let local = self.time_zone.local(now);
        let (date, time) = (local.date(), local.time());
        let part = |number: i8| u32::try_from(number).unwrap_or_default();
        let minute = part(time.hour()) * 60 + part(time.minute());
        let today = self.spans(overrides, date);
        let yesterday = date.yesterday().map(|date| self.spans(overrides, date)).unwrap_or_default();
        today.iter().any(|span| span.has(minute))
            || yesterday.iter().any(|span| span.has(minute + DAY_MINUTES))
    }

    /// When it is open by what begins on a date. A span may reach into the next day.
    pub(super) fn spans(&self, overrides: &[&HoursOverride], date: civil::Date) -> Vec<Span> {
        let on = |date, wanted| {
            let of_type = overrides.iter().filter(move |one| one.override_type == wanted);
            of_type.filter(move |one| one.is_on(date))
        };
        let (yesterday, tomorrow) = (date.yesterday().ok(), date.tomorrow().ok());
        // A STANDARD override has its dates alone: what another schedule began the day before ends with that day.
        let is_replaced_tomorrow =
            tomorrow.is_some_and(|date| on(date, OverrideType::Standard).next().is_some());
        let goes_on = |one: &HoursOverride| tomorrow.is_some_and(|date| one.is_on(date));
        let mut standard = on(date, OverrideType::Standard).peekable();
        let mut open: Vec<Span> = if standard.peek().is_some() {
            let spans = standard.flat_map(|one| {
                let is_cut = is_replaced_tomorrow && !goes_on(one);
                one.spans(date).into_iter().map(move |span| if is_cut { span.within_day() } else { span })
            });
            spans.collect()
        } else {
            let day = Day::of(date);
            let of_day = self.config.iter().filter(|slice| slice.day == day);
            let spans = of_day.map(|slice| Span::new(slice.start_time, slice.end_time));
            spans.map(|span| if is_replaced_tomorrow { span.within_day() } else { span }).collect()
        };
        open.extend(on(date, OverrideType::Open).flat_map(|one| one.spans(date)));
        let closed = |date: Option<civil::Date>| -> Vec<Span> {
            let date = date.into_iter();
            date.flat_map(|date| on(date, OverrideType::Closed).flat_map(move |one| one.spans(date)))
                .collect()
        };
        let of_yesterday = closed(yesterday).into_iter().map(Span::seen_from_tomorrow);
        let of_tomorrow = closed(tomorrow).into_iter().map(Span::seen_from_yesterday);
        for closed in closed(Some(date)).into_iter().chain(of_yesterday).chain(of_tomorrow) {
            open = open.into_iter().flat_map(|span| span.without(closed)).collect();
        }
        open.sort();
        open
    }

    /// Checks the bounds of the model.
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        if self.config.len() > 100 {
            return Err(ConnectError::parameter("Config has at most 100 entries"));
        }
        let mut times = self.config.iter().flat_map(|slice| [slice.start_time, slice.end_time]);
        times.try_for_each(TimeOfDay::check).map_err(ConnectError::parameter)
    }
}

/// The overrides that hold for hours: their own, and those of their parents.
pub(super) fn overrides_of<'a>(
    hours: &'a Named<HoursOfOperation>,
    scene: &'a Scene<'_>,
) -> Vec<&'a HoursOverride> {
    let parents = hours.spec.parents.iter().filter_map(|id| scene.get::<HoursOfOperation>(*id));
    let inherited = parents.flat_map(|parent| &parent.spec.overrides);
    hours.spec.overrides.iter().chain(inherited).collect()
}

/// Whether hours are open.
pub(crate) fn is_open(hours: &Named<HoursOfOperation>, scene: &Scene<'_>) -> bool {
    hours.spec.is_open_with(&overrides_of(hours, scene), scene.now)
}

impl Spec for HoursOfOperation {
    const KIND: &'static Kind = &rows("connect-hours-of-operation");
    const WORDS: &'static Words = &Words {
        noun: "hours of operation",
        arn: "operating-hours",
        label: "HoursOfOperationId",
        name: "Name",
        created: ("HoursOfOperationId", "HoursOfOperationArn"),
        shown: ("HoursOfOperation", "HoursOfOperationId", "HoursOfOperationArn"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeHoursOfOperation",
            list: "ListHoursOfOperations",
            search: "SearchHoursOfOperations",
            delete: "DeleteHoursOfOperation",
        },
        summaries: "HoursOfOperationSummaryList",
        found: ("HoursOfOperations", 100),
        longest: (127, 250),
    };

    fn show(named: &Named<Self>, scene: &Scene<'_>, shown: &mut Map<String, Value>) {
        shown.insert("TimeZone".to_owned(), named.spec.time_zone.as_str().into());
        shown.insert("Config".to_owned(), json!(named.spec.config));
        let parents = named.spec.parents.iter().filter_map(|id| scene.get::<Self>(*id));
        let parents: Vec<Value> = parents
            .map(
                |parent| json!({ "Name": parent.name, "Id": parent.id, "Arn": scene.arn::<Self>(parent.id) }),
            )
            .collect();
        if !parents.is_empty() {
            shown.insert("ParentHoursOfOperations".to_owned(), parents.into());
        }
    }

    fn used_by(named: &Named<Self>, scene: &Scene<'_>) -> Option<String> {
        let child = scene.all::<Self>().find(|hours| hours.spec.parents.contains(&named.id));
        let queue = || scene.all::<Queue>().find(|queue| queue.spec.hours == named.id);
        match child {
            Some(child) => Some(format!("hours {:?}", child.name)),
            None => queue().map(|queue| format!("queue {:?}", queue.name)),
        }
    }
}

/// The date of a request.
pub(super) fn date(text: &str, member: &str) -> Result<Date, ConnectError> {
    Date::try_from(text.to_owned()).map_err(|error| ConnectError::parameter(format!("{member}: {error}")))
}
