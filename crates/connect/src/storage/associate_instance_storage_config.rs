//! AssociateInstanceStorageConfig: PUT /instance/{InstanceId}/storage-config. This enables live media streaming.

use super::MediaStreamStorage;
use super::storage_config::{self, StorageConfig, Stored, Wanted};
use super::{SinkResource, SinkStorage};
use crate::error::{ConnectError, ErrorCode};
use crate::instances::Instance;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget, required};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    resource_type: Option<String>,
    storage_config: Option<StorageConfig>,
    client_token: Option<String>,
}

/// Enables live media streaming, which the next Start block of any call uses, or has records or recordings sent somewhere.
///
/// Errors: InvalidParameter (a member, or a resource type that is not implemented), ResourceConflict (it is
/// enabled already: update it), ResourceNotFound.
pub(crate) struct AssociateInstanceStorageConfig;

impl Operation for AssociateInstanceStorageConfig {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "AssociateInstanceStorageConfig";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        let key = input.storage_config.as_ref().and_then(StorageConfig::key);
        InstanceTarget::with_key(cx, &input.instance_id, key).await
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let config = required(cx, input.storage_config, "StorageConfig")?;
        let stored = storage_config::stored(input.resource_type.as_deref())?;
        if stored == Stored::Nothing {
            return Err(ConnectError::parameter(
                "of the storage resource types MEDIA_STREAMS, CONTACT_TRACE_RECORDS, AGENT_EVENTS and CALL_RECORDINGS can be configured on this server",
            ));
        }
        let instance = target.instance?;
        if let Stored::Sent(resource) = stored {
            return send(cx, &instance, resource, config, input.client_token);
        }
        let association_id = cx.service.change(|edit| {
            let mut instance = edit.instance(&instance)?;
            let wanted = config.wanted(&instance)?;
            if let Some(existing) = &instance.media_streams {
                let repeated = input.client_token.is_some() && existing.client_token == input.client_token;
                return if repeated && Wanted::of(existing) == wanted {
                    Ok(existing.association_id.clone())
                } else {
                    Err(ConnectError::new(
                        ErrorCode::ResourceConflict,
                        format!(
                            "instance {} has a MEDIA_STREAMS storage configuration already; update it",
                            instance.id
                        ),
                    ))
                };
            }
            let Wanted { prefix, retention_hours, key_id } = wanted;
            let association_id = cx.service.new_association_id();
            instance.media_streams = Some(MediaStreamStorage {
                association_id: association_id.clone(),
                prefix,
                retention_hours,
                key_id,
                client_token: input.client_token,
            });
            edit.put_instance(instance)?;
            Ok(association_id)
        })?;
        Ok(Output::json(&json!({ "AssociationId": association_id })))
    }
}

/// Has records or recordings sent somewhere.
fn send(
    cx: &Context<'_>,
    instance: &Instance,
    resource: SinkResource,
    config: StorageConfig,
    client_token: Option<String>,
) -> Result<Output, ConnectError> {
    let sink = resource.sink(config)?;
    cx.service.change(|edit| {
        let mut instance = edit.instance(instance)?;
        let existing = instance.config.storage.iter().find(|storage| storage.resource == resource);
        let association_id = match existing {
            Some(existing) => {
                let repeated = client_token.is_some() && existing.client_token == client_token;
                if !repeated || existing.sink != sink {
                    let message = "the instance has a storage configuration of this type already; update it";
                    return Err(ConnectError::new(ErrorCode::ResourceConflict, message));
                }
                existing.association_id.clone()
            }
            None => {
                let association_id = cx.service.new_association_id();
                let storage =
                    SinkStorage { association_id: association_id.clone(), resource, sink, client_token };
                instance.config.storage.push(storage);
                edit.put_instance(instance)?;
                association_id
            }
        };
        Ok(Output::json(&json!({ "AssociationId": association_id })))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, storage_config};
    use serde_json::Value;

    #[test]
    fn enables_live_media_streaming() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let association = bench.streaming(&id, "calls");
        assert_eq!(association.len(), 64);
        let instance = bench.service.instance(id.parse().unwrap()).unwrap();
        assert_eq!(instance.stream_name_prefix().as_deref(), Some("calls-connect-demo-contact-"));
    }

    #[test]
    fn a_second_one_conflicts_unless_it_is_the_same_request() {
        let bench = Bench::new();
        let target = format!("/instance/{}/storage-config", bench.instance("demo"));
        let mut body = json!({ "ResourceType": "MEDIA_STREAMS", "StorageConfig": storage_config("a", 1),
            "ClientToken": "t" });
        let first = bench.call("PUT", &target, body.clone()).unwrap();
        assert_eq!(bench.call("PUT", &target, body.clone()).unwrap(), first);
        body["StorageConfig"] = storage_config("b", 1);
        assert_eq!(bench.refusal("PUT", &target, body.clone()), ErrorCode::ResourceConflict);
        body["ClientToken"] = Value::Null;
        assert_eq!(bench.refusal("PUT", &target, body), ErrorCode::ResourceConflict);
    }

    #[test]
    fn refuses_what_it_would_not_act_on() {
        let bench = Bench::new();
        let target = format!("/instance/{}/storage-config", bench.instance("demo"));
        let with = |resource_type: &str, config: Value| json!({ "ResourceType": resource_type, "StorageConfig": config });
        let s3 = json!({ "StorageType": "S3", "S3Config": { "BucketName": "b", "BucketPrefix": "p" } });
        for body in [
            with("AGENT_EVENTS", s3.clone()),
            with("CONTACT_TRACE_RECORDS", s3.clone()),
            with("MEDIA_STREAMS", s3),
            with("NOTHING", storage_config("a", 1)),
            with("MEDIA_STREAMS", storage_config("a b", 1)),
            with("MEDIA_STREAMS", storage_config("a", 87_601)),
            with("MEDIA_STREAMS", json!({ "StorageType": "KINESIS_VIDEO_STREAM" })),
        ] {
            assert_eq!(bench.refusal("PUT", &target, body.clone()), ErrorCode::InvalidParameter, "{body}");
        }
        let without_type = json!({ "StorageConfig": storage_config("a", 1) });
        assert_eq!(bench.refusal("PUT", &target, without_type), ErrorCode::InvalidRequest);
        assert_eq!(bench.refusal("PUT", &target, Value::Null), ErrorCode::InvalidRequest);
    }

    #[test]
    fn an_absent_instance_is_not_found() {
        let body = json!({ "ResourceType": "MEDIA_STREAMS", "StorageConfig": storage_config("a", 1) });
        let target = format!("/instance/{ABSENT}/storage-config");
        assert_eq!(Bench::new().refusal("PUT", &target, body), ErrorCode::ResourceNotFound);
    }
}
