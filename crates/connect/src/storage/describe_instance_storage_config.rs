//! DescribeInstanceStorageConfig: GET /instance/{InstanceId}/storage-config/{AssociationId}.

use super::storage_config::{self, NamedAssociation};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde_json::json;
use tympan_aws::{Operation, Output};

/// Describes where something of an instance is kept or sent.
///
/// Errors: InvalidRequest, InvalidParameter (resource type), ResourceNotFound.
pub(crate) struct DescribeInstanceStorageConfig;

impl Operation for DescribeInstanceStorageConfig {
    type Service = ConnectService;
    type Input = NamedAssociation;
    type Target = InstanceTarget;
    const NAME: &'static str = "DescribeInstanceStorageConfig";
    const QUERY: &'static [&'static str] = NamedAssociation::QUERY;

    async fn resolve(cx: &Context<'_>, input: &NamedAssociation) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(
        _: &Context<'_>,
        named: NamedAssociation,
        target: InstanceTarget,
    ) -> Result<Output, ConnectError> {
        let stored = named.stored()?;
        let instance = target.instance?;
        let storage = storage_config::associated(&instance, stored, &named.association_id)?;
        Ok(Output::json(&json!({ "StorageConfig": storage.shown(&instance) })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;
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
