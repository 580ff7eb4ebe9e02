//! UpdateInstanceStorageConfig: POST /instance/{InstanceId}/storage-config/{AssociationId}.

use super::MediaStreamStorage;
use super::storage_config::{self, Found, StorageConfig, Stored, Wanted};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget, required};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    association_id: String,
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    storage_config: Option<StorageConfig>,
}

/// Changes where and for how long audio is kept, from the next Start block on.
///
/// Errors: InvalidRequest, InvalidParameter (a member), ResourceNotFound.
pub(crate) struct UpdateInstanceStorageConfig;

impl Operation for UpdateInstanceStorageConfig {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "UpdateInstanceStorageConfig";
    const QUERY: &'static [&'static str] = &["resourceType"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        let key = input.storage_config.as_ref().and_then(StorageConfig::key);
        InstanceTarget::with_key(cx, &input.instance_id, key).await
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let stored = storage_config::stored(input.resource_type.as_deref())?;
        let config = required(cx, input.storage_config, "StorageConfig")?;
        let instance = target.instance?;
        cx.service.change(|edit| {
            let mut instance = edit.instance(&instance)?;
            if let Stored::Sent(resource) = stored {
                let sink = resource.sink(config)?;
                storage_config::associated(&instance, stored, &input.association_id)?;
                let storages = instance.config.storage.iter_mut();
                let storage = storages.filter(|storage| storage.resource == resource);
                storage.for_each(|storage| storage.sink = sink.clone());
                edit.put_instance(instance)?;
                return Ok(Output::empty());
            }
            let wanted = config.wanted(&instance)?;
            let found = storage_config::associated(&instance, stored, &input.association_id)?;
            let Found::MediaStreams(storage) = found else {
                return Err(ConnectError::internal(&"media streams are no sink"));
            };
            let storage = storage.clone();
            let Wanted { prefix, retention_hours, key_id } = wanted;
            instance.media_streams = Some(MediaStreamStorage { prefix, retention_hours, key_id, ..storage });
            edit.put_instance(instance)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, storage_config};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn what_was_read_can_be_changed_and_written_back() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let association = bench.streaming(&id, "calls");
        let target = format!("/instance/{id}/storage-config/{association}?resourceType=MEDIA_STREAMS");
        let mut config = bench.call("GET", &target, Value::Null).unwrap();
        config["StorageConfig"]["KinesisVideoStreamConfig"]["RetentionPeriodHours"] = 48.into();
        assert_eq!(bench.call("POST", &target, config.clone()).unwrap(), Value::Null);
        assert_eq!(bench.reopened().call("GET", &target, Value::Null).unwrap(), config);
        let storage = bench.service.instance(id.parse().unwrap()).unwrap().media_streams.clone().unwrap();
        assert_eq!((storage.prefix.as_str(), storage.retention_hours), ("calls", 48));
    }

    #[test]
    fn refuses_absent_associations_and_bad_members() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let association = bench.streaming(&id, "calls");
        let refusal = |rest: &str, retention| {
            let body = json!({ "StorageConfig": storage_config("a", retention) });
            bench.refusal("POST", &format!("/instance/{id}/storage-config/{rest}"), body)
        };
        assert_eq!(refusal("x?resourceType=MEDIA_STREAMS", 1), ErrorCode::ResourceNotFound);
        assert_eq!(
            refusal(&format!("{association}?resourceType=MEDIA_STREAMS"), -1),
            ErrorCode::InvalidParameter
        );
        assert_eq!(
            refusal(&format!("{association}?resourceType=ATTACHMENTS"), 1),
            ErrorCode::ResourceNotFound
        );
    }
}
