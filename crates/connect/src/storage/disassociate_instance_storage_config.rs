//! DisassociateInstanceStorageConfig: DELETE /instance/{InstanceId}/storage-config/{AssociationId}.

use super::storage_config::{self, NamedAssociation, Stored};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use tympan_aws::{Operation, Output};

/// Sends records or recordings nowhere any more, or disables live media streaming: Start blocks take their Error branch from now on. What was captured stays.
///
/// Errors: InvalidRequest, InvalidParameter (resource type), ResourceNotFound.
pub(crate) struct DisassociateInstanceStorageConfig;

impl Operation for DisassociateInstanceStorageConfig {
    type Service = ConnectService;
    type Input = NamedAssociation;
    type Target = InstanceTarget;
    const NAME: &'static str = "DisassociateInstanceStorageConfig";
    const QUERY: &'static [&'static str] = NamedAssociation::QUERY;

    async fn resolve(cx: &Context<'_>, input: &NamedAssociation) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(
        cx: &Context<'_>,
        named: NamedAssociation,
        target: InstanceTarget,
    ) -> Result<Output, ConnectError> {
        let stored = named.stored()?;
        let instance = target.instance?;
        cx.service.change(|edit| {
            let mut instance = edit.instance(&instance)?;
            storage_config::associated(&instance, stored, &named.association_id)?;
            match stored {
                Stored::MediaStreams => instance.media_streams = None,
                Stored::Sent(resource) => {
                    instance.config.storage.retain(|storage| storage.resource != resource)
                }
                Stored::Nothing => {}
            }
            edit.put_instance(instance)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn disables_live_media_streaming() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let association = bench.streaming(&id, "calls");
        let target = format!("/instance/{id}/storage-config/{association}?resourceType=MEDIA_STREAMS");
        assert_eq!(bench.call("DELETE", &target, Value::Null).unwrap(), Value::Null);
        assert_eq!(bench.service.instance(id.parse().unwrap()).unwrap().stream_name_prefix(), None);
        assert_eq!(bench.refusal("DELETE", &target, Value::Null), ErrorCode::ResourceNotFound);
        bench.streaming(&id, "again");
    }
}
