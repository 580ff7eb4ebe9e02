//! Overrides of hours of operation: other hours on some dates.

mod create;
mod delete;
mod describe;
mod list;
mod search;
mod update;

pub(crate) use create::CreateHoursOfOperationOverride;
pub(crate) use delete::DeleteHoursOfOperationOverride;
pub(crate) use describe::DescribeHoursOfOperationOverride;
pub(crate) use list::ListHoursOfOperationOverrides;
pub(crate) use search::SearchHoursOfOperationOverrides;
pub(crate) use update::UpdateHoursOfOperationOverride;

use super::HoursOfOperation;
use super::calendar::{Date, Day, Span, TimeOfDay};
use super::recurrence::Recurrence;
use crate::error::{ConnectError, ErrorCode};
use crate::named::{Named, Scene};
use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tympan_types::ResourceId;

/// The most that one resource may have: a bound on the size of its row.
const MOST: usize = 100;

/// Other hours on some dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HoursOverride {
    /// Its id.
    #[serde(rename = "HoursOfOperationOverrideId")]
    pub id: ResourceId,
    /// Its name, unique among those of its hours.
    pub name: String,
    /// A text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What holds on its dates.
    pub config: Vec<OverrideSlice>,
    /// Its first date.
    pub effective_from: Date,
    /// Its last date.
    pub effective_till: Date,
    /// On which of the dates between it holds; all of them where this is not set.
    #[serde(rename = "RecurrenceConfig", default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// How it and the week go together.
    pub override_type: OverrideType,
}

/// One span of an override. Without a day it is every day, without times the whole of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OverrideSlice {
    /// The day of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// From this minute on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<TimeOfDay>,
    /// Up to this minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<TimeOfDay>,
}

/// How an override and the week go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OverrideType {
    /// It stands for the week on its dates; with no times it is closed.
    Standard,
    /// It is open then beside the week.
    Open,
    /// It is closed then, whatever the week says.
    Closed,
}

/// The members of a new or changed one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    #[serde(default)]
    hours_of_operation_override_id: String,
    name: Option<String>,
    description: Option<String>,
    config: Option<Vec<OverrideSlice>>,
    effective_from: Option<String>,
    effective_till: Option<String>,
    recurrence_config: Option<Recurrence>,
    override_type: Option<OverrideType>,
}

impl HoursOverride {
    /// Whether it holds on a date.
    pub(super) fn is_on(&self, date: civil::Date) -> bool {
        if date < self.effective_from.0 || date > self.effective_till.0 {
            return false;
        }
        let Some(recurrence) = &self.recurrence else { return true };
        let weekdays: Vec<Day> = self.config.iter().filter_map(|slice| slice.day).collect();
        recurrence.is_on(self.effective_from.0, &weekdays, date)
    }

    /// Its spans on a date on which it holds. One that closes and names no times closes the whole day.
    pub(super) fn spans(&self, date: civil::Date) -> Vec<Span> {
        let day = Day::of(date);
        let of_day = self.config.iter().filter(|slice| slice.day.is_none_or(|of| of == day));
        let spans: Vec<Span> = of_day
            .map(|slice| match (slice.start_time, slice.end_time) {
                (None, None) => Span::WHOLE_DAY,
                (start, end) => {
                    Span::new(start.unwrap_or(TimeOfDay::MIDNIGHT), end.unwrap_or(TimeOfDay::MIDNIGHT))
                }
            })
            .collect();
        if self.config.is_empty() && self.override_type == OverrideType::Closed {
            return vec![Span::WHOLE_DAY];
        }
        spans
    }

    fn check(&self, among: &[Self]) -> Result<(), ConnectError> {
        let refused = |text: &str| Err(ConnectError::parameter(text));
        let length = |text: &str| text.chars().count();
        if self.name.trim().is_empty() || length(&self.name) > 127 {
            return refused("Name has 1 to 127 characters");
        }
        if self.description.as_deref().is_some_and(|text| length(text) > 250) {
            return refused("Description has at most 250 characters");
        }
        if self.config.len() > 100 {
            return refused("Config has at most 100 entries");
        }
        if self.effective_till < self.effective_from {
            return refused("EffectiveTill is before EffectiveFrom");
        }
        let mut times = self.config.iter().flat_map(|slice| [slice.start_time, slice.end_time]).flatten();
        times.try_for_each(TimeOfDay::check).map_err(ConnectError::parameter)?;
        self.recurrence.iter().try_for_each(Recurrence::check).map_err(ConnectError::parameter)?;
        if among.iter().any(|other| other.name == self.name && other.id != self.id) {
            let message = format!("the hours have an override named {:?} already", self.name);
            return Err(ConnectError::new(ErrorCode::DuplicateResource, message));
        }
        Ok(())
    }

    fn shown(&self, hours: &Named<HoursOfOperation>, scene: &Scene<'_>) -> Value {
        let mut shown = json!(self);
        shown["HoursOfOperationId"] = json!(hours.id);
        shown["HoursOfOperationArn"] = scene.arn::<HoursOfOperation>(hours.id).into();
        shown
    }
}

/// The override that a request names.
fn found<'a>(hours: &'a Named<HoursOfOperation>, text: &str) -> Result<&'a HoursOverride, ConnectError> {
    let id: Option<ResourceId> = text.parse().ok();
    let known = hours.spec.overrides.iter().find(|one| Some(one.id) == id);
    known.ok_or_else(|| {
        let text = crate::reference::shown(text);
        ConnectError::not_found(format!("hours of operation {} have no override {text}", hours.id))
    })
}
