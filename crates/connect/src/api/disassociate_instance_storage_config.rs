//! DisassociateInstanceStorageConfig: DELETE /instance/{InstanceId}/storage-config/{AssociationId}.

use super::invocation::Invocation;
use super::{Answer, storage_config};

/// Disables live media streaming: Start blocks take their Error branch from now on. What was captured stays.
///
/// Errors: InvalidRequest, InvalidParameter (resource type), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let media_streams = storage_config::is_media_streams(i.query("resourceType"))?;
    i.service.change(|edit| {
        let mut instance = i.instance_in(&edit.directory, i.label("InstanceId"))?.as_ref().clone();
        storage_config::associated(&instance, media_streams, i.label("AssociationId"))?;
        instance.media_streams = None;
        edit.put_instance(instance)?;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
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
