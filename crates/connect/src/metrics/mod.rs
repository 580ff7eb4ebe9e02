//! Metrics: of queues and agents as they are now, out of routing; of the past, out of the contacts that are kept.

mod current;
mod get_contact_metrics;
mod get_current_metric_data;
mod get_current_user_data;
mod get_metric_data;
mod get_metric_data_v2;
pub(crate) mod past;
mod scope;
mod tally;

pub(crate) use get_contact_metrics::GetContactMetrics;
pub(crate) use get_current_metric_data::GetCurrentMetricData;
pub(crate) use get_current_user_data::GetCurrentUserData;
pub(crate) use get_metric_data::GetMetricData;
pub(crate) use get_metric_data_v2::GetMetricDataV2;
