//! SearchHoursOfOperationOverrides: POST /search-hours-of-operation-overrides.

use crate::error::ConnectError;
use crate::hours::{Date, HoursOfOperation, HoursOverride};
use crate::instances::InstanceView;
use crate::named::{Item, Members, Scene, Wanted};
use crate::target::Context;
use serde_json::Value;
use tympan_aws::Output;

/// Searches the overrides of all hours of an instance: by name or description, by their first or last date
/// (`DateCondition` on `EffectiveFrom` or `EffectiveTill`), and by the tags of their hours.
///
/// Errors: InvalidParameter (criteria, paging), ResourceNotFound.
pub(crate) struct SearchHoursOfOperationOverrides;

impl InstanceView for SearchHoursOfOperationOverrides {
    const NAME: &'static str = "SearchHoursOfOperationOverrides";

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let wanted = Wanted::of(cx, input, 100)?;
        wanted.each_condition("DateCondition", &|condition| DateCondition::of(condition).map(drop))?;
        let mut found = Vec::new();
        for hours in scene.all::<HoursOfOperation>() {
            for one in &hours.spec.overrides {
                let Value::Object(shown) = one.shown(hours, scene) else { continue };
                let item = Item { name: &one.name, shown, tags: &hours.tags };
                let dated = |condition: &str, value: &Value| {
                    let is_date = condition == "DateCondition";
                    is_date.then(|| DateCondition::of(value).is_ok_and(|condition| condition.fits(one)))
                };
                if wanted.fits(&item, &dated)? {
                    found.push((format!("{}/{}", one.name, one.id), Value::Object(item.shown)));
                }
            }
        }
        Ok(wanted.answer("HoursOfOperationOverrides", found))
    }
}

/// A condition on the first or last date of an override.
struct DateCondition {
    is_of_end: bool,
    date: Date,
    compares: fn(&Date, &Date) -> bool,
}

impl DateCondition {
    fn of(condition: &Value) -> Result<Self, ConnectError> {
        let text = |member: &str| condition.get(member).and_then(Value::as_str).unwrap_or_default();
        // The model does not say how fields are spelt.
        let field = text("FieldName").to_lowercase().replace('_', "");
        let is_of_end = match field.as_str() {
            "effectivefrom" => false,
            "effectivetill" => true,
            _ => {
                return Err(ConnectError::parameter(format!(
                    "FieldName {:?} is no date of an override: EffectiveFrom or EffectiveTill",
                    text("FieldName")
                )));
            }
        };
        let date = super::super::hours_of_operation::date(text("Value"), "Value")?;
        let compares: fn(&Date, &Date) -> bool = match text("ComparisonType") {
            "GREATER_THAN" => |known, wanted| known > wanted,
            "LESS_THAN" => |known, wanted| known < wanted,
            "GREATER_THAN_OR_EQUAL_TO" => |known, wanted| known >= wanted,
            "LESS_THAN_OR_EQUAL_TO" => |known, wanted| known <= wanted,
            "EQUAL_TO" => |known, wanted| known == wanted,
            _ => {
                return Err(ConnectError::parameter(
                    "ComparisonType must be GREATER_THAN, LESS_THAN, GREATER_THAN_OR_EQUAL_TO, LESS_THAN_OR_EQUAL_TO or \
                     EQUAL_TO",
                ));
            }
        };
        Ok(Self { is_of_end, date, compares })
    }

    fn fits(&self, one: &HoursOverride) -> bool {
        (self.compares)(if self.is_of_end { &one.effective_till } else { &one.effective_from }, &self.date)
    }
}
