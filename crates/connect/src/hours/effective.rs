//! GetEffectiveHoursOfOperations: GET /effective-hours-of-operations/{InstanceId}/{HoursOfOperationId}.

use super::HoursOfOperation;
use super::calendar::{Date, Span, TimeOfDay};
use super::hours_of_operation::{date, overrides_of};
use super::overrides::OverrideType;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::target::Context;
use serde_json::{Value, json};
use tympan_aws::Output;

/// The longest period that is answered.
const DAYS: usize = 366;

/// Tells when it is open on each day of a period, and what of that overrides say.
///
/// Errors: InvalidParameter (a date, a period of more than 366 days), ResourceNotFound.
pub(crate) struct GetEffectiveHoursOfOperations;

impl View for GetEffectiveHoursOfOperations {
    type Spec = HoursOfOperation;
    const NAME: &'static str = "GetEffectiveHoursOfOperations";
    const QUERY: &'static [&'static str] = &["fromDate", "toDate"];

    fn of(
        _: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        hours: &Named<HoursOfOperation>,
    ) -> Result<Output, ConnectError> {
        let date = |member| date(input.text(member), member);
        let (Date(from), Date(to)) = (date("fromDate")?, date("toDate")?);
        let overrides = overrides_of(hours, scene);
        let (mut days, mut overridden) = (Vec::new(), Vec::new());
        let mut next = (from <= to).then_some(from);
        while let Some(day) = next {
            if days.len() == DAYS {
                return Err(ConnectError::parameter(format!(
                    "from fromDate to toDate are at most {DAYS} days"
                )));
            }
            let open: Vec<Value> = hours.spec.spans(&overrides, day).into_iter().map(shown).collect();
            days.push(json!({ "Date": day.to_string(), "OperationalHours": open }));
            let on_day = overrides.iter().filter(|one| one.is_on(day));
            let slices: Vec<Value> = on_day
                .flat_map(|one| {
                    let spans = one.spans(day);
                    // One that opens nothing in place of the week closes the day.
                    let closes = spans.is_empty() && one.override_type == OverrideType::Standard;
                    let spans = if closes { vec![Span::WHOLE_DAY] } else { spans };
                    let is_closed = closes || one.override_type == OverrideType::Closed;
                    spans.into_iter().map(move |span| {
                        let mut slice = shown(span);
                        slice["OverrideName"] = one.name.as_str().into();
                        slice["OperationalStatus"] = if is_closed { "CLOSED" } else { "OPEN" }.into();
                        slice
                    })
                })
                .collect();
            if !slices.is_empty() {
                overridden.push(json!({ "Date": day.to_string(), "OverrideHours": slices }));
            }
            next = day.tomorrow().ok().filter(|day| *day <= to);
        }
        Ok(Output::json(&json!({
            "EffectiveHoursOfOperationList": days,
            "EffectiveOverrideHoursList": overridden,
            "TimeZone": hours.spec.time_zone.as_str(),
        })))
    }
}

fn shown(span: Span) -> Value {
    json!({ "Start": TimeOfDay::at(span.from), "End": TimeOfDay::at(span.till) })
}
