//! Hours of operation: when a contact centre is open, by the clock on its wall.

mod associate_hours_of_operations;
mod calendar;
mod create_hours_of_operation;
mod disassociate_hours_of_operations;
mod effective;
mod hours_of_operation;
mod list_child_hours_of_operations;
mod overrides;
#[cfg(test)]
mod property_tests;
mod recurrence;
#[cfg(test)]
mod tests;
mod update_hours_of_operation;
mod zone;

pub use calendar::{Date, Day, TimeOfDay, TimeSlice};
pub use hours_of_operation::HoursOfOperation;
pub use overrides::{HoursOverride, OverrideSlice, OverrideType};
pub use recurrence::{Frequency, Recurrence};
pub use zone::TimeZone;

pub(crate) use associate_hours_of_operations::AssociateHoursOfOperations;
pub(crate) use create_hours_of_operation::CreateHoursOfOperation;
pub(crate) use disassociate_hours_of_operations::DisassociateHoursOfOperations;
pub(crate) use effective::GetEffectiveHoursOfOperations;
pub(crate) use hours_of_operation::is_open;
pub(crate) use list_child_hours_of_operations::ListChildHoursOfOperations;
pub(crate) use overrides::{
    CreateHoursOfOperationOverride, DeleteHoursOfOperationOverride, DescribeHoursOfOperationOverride,
    ListHoursOfOperationOverrides, SearchHoursOfOperationOverrides, UpdateHoursOfOperationOverride,
};
pub(crate) use update_hours_of_operation::UpdateHoursOfOperation;
