use crate::RoutedFlow;
use tympan_types::{InstanceId, StreamSettings};

/// What a call asks its instance while it lives: settings count from the next block on that needs them.
pub trait InstanceSettings: Send + Sync {
    /// Where customers' audio goes; `None` while live media streaming is not enabled.
    fn media_streaming(&self, instance: InstanceId) -> Option<StreamSettings>;

    /// Whether flows of the instance may invoke a function.
    fn may_invoke(&self, instance: InstanceId, function_arn: &str) -> bool;

    /// A published flow of the instance, by id or ARN.
    fn flow(&self, instance: InstanceId, id_or_arn: &str) -> Option<RoutedFlow>;
}
