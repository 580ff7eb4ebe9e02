//! UpdateInstanceStorageConfig: POST /instance/{InstanceId}/storage-config/{AssociationId}.

use super::Answer;
use super::invocation::Invocation;
use super::storage_config::{self, StorageConfig, Wanted};
use crate::instance::MediaStreamStorage;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    storage_config: StorageConfig,
}

/// Changes where and for how long audio is kept, from the next Start block on.
///
/// Errors: InvalidRequest, InvalidParameter (a member), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let media_streams = storage_config::is_media_streams(i.query("resourceType"))?;
    let input: Input = i.input()?;
    i.service.change(|edit| {
        let mut instance = i.instance_in(&edit.directory, i.label("InstanceId"))?.as_ref().clone();
        let wanted = input.storage_config.wanted(&instance)?;
        let storage = storage_config::associated(&instance, media_streams, i.label("AssociationId"))?.clone();
        let Wanted { prefix, retention_hours, key_id } = wanted;
        instance.media_streams = Some(MediaStreamStorage { prefix, retention_hours, key_id, ..storage });
        edit.put_instance(instance)?;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, storage_config};
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
