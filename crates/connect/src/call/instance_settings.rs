use crate::capture::StreamSettings;
use crate::service::{ConnectService, RoutedFlow};
use tympan_types::InstanceId;

/// What a call asks its instance while it lives: settings count from the next block on that needs them.
pub trait InstanceSettings: Send + Sync {
    /// Where customers' audio goes; `None` while live media streaming is not enabled.
    fn media_streaming(&self, instance: InstanceId) -> Option<StreamSettings>;

    /// Whether flows of the instance may invoke a function.
    fn may_invoke(&self, instance: InstanceId, function_arn: &str) -> bool;

    /// A published flow of the instance, by id or ARN.
    fn flow(&self, instance: InstanceId, id_or_arn: &str) -> Option<RoutedFlow>;
}

impl InstanceSettings for ConnectService {
    fn media_streaming(&self, instance: InstanceId) -> Option<StreamSettings> {
        let instance = self.instance(instance)?;
        let storage = instance.media_streams.as_ref()?;
        Some(StreamSettings {
            name_prefix: instance.stream_name_prefix()?,
            retention_hours: storage.retention_hours,
            key_id: storage.key_id.clone(),
        })
    }

    fn may_invoke(&self, instance: InstanceId, function_arn: &str) -> bool {
        Self::may_invoke(self, instance, function_arn)
    }

    fn flow(&self, instance: InstanceId, id_or_arn: &str) -> Option<RoutedFlow> {
        Self::flow(self, instance, id_or_arn)
    }
}
