//! DescribeInstanceStorageConfig: GET /instance/{InstanceId}/storage-config/{AssociationId}.

use super::invocation::Invocation;
use super::{Answer, storage_config};
use serde_json::json;

/// Describes the media streams of an instance.
///
/// Errors: InvalidRequest, InvalidParameter (resource type), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let media_streams = storage_config::is_media_streams(i.query("resourceType"))?;
    let instance = i.instance()?;
    let storage = storage_config::associated(&instance, media_streams, i.label("AssociationId"))?;
    Ok(Some(json!({ "StorageConfig": storage_config::shown(&instance, storage) })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn shows_the_prefix_as_the_service_does() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let association = bench.streaming(&id, "calls");
        let target = format!("/instance/{id}/storage-config/{association}?resourceType=MEDIA_STREAMS");
        let answer = bench.call("GET", &target, Value::Null).unwrap();
        assert_eq!(
            answer["StorageConfig"],
            json!({
                "AssociationId": association,
                "StorageType": "KINESIS_VIDEO_STREAM",
                "KinesisVideoStreamConfig": {
                    "Prefix": "calls-connect-demo-contact-",
                    "RetentionPeriodHours": 24,
                    "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": "alias/aws/kinesisvideo" },
                },
            })
        );
    }

    #[test]
    fn other_associations_and_types_are_not_found() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let association = bench.streaming(&id, "calls");
        let refusal =
            |rest: &str| bench.refusal("GET", &format!("/instance/{id}/storage-config/{rest}"), Value::Null);
        assert_eq!(refusal("x?resourceType=MEDIA_STREAMS"), ErrorCode::ResourceNotFound);
        assert_eq!(refusal(&format!("{association}?resourceType=AGENT_EVENTS")), ErrorCode::ResourceNotFound);
        assert_eq!(refusal(&format!("{association}?resourceType=X")), ErrorCode::InvalidParameter);
        assert_eq!(refusal(&association), ErrorCode::InvalidRequest);
    }
}
