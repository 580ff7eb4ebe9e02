//! ListInstanceStorageConfigs: GET /instance/{InstanceId}/storage-configs.

use super::invocation::Invocation;
use super::{Answer, storage_config};

/// Lists the storage configurations of one resource type: one for enabled media streams, else none.
///
/// Errors: InvalidRequest, InvalidParameter (resource type, paging), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let media_streams = storage_config::is_media_streams(i.query("resourceType"))?;
    let paging = i.query_paging(10)?;
    let instance = i.instance()?;
    let storage = instance.media_streams.as_ref().filter(|_| media_streams);
    let items =
        storage.map(|storage| (storage.association_id.clone(), storage_config::shown(&instance, storage)));
    Ok(Some(paging.answer("StorageConfigs", items)))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn lists_the_one_that_there_is() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let list = |resource_type: &str| {
            let target = format!("/instance/{id}/storage-configs?resourceType={resource_type}&maxResults=10");
            bench.call("GET", &target, Value::Null)
        };
        assert_eq!(list("MEDIA_STREAMS").unwrap(), json!({ "StorageConfigs": [] }));
        let association = bench.streaming(&id, "calls");
        let answer = list("MEDIA_STREAMS").unwrap();
        assert_eq!(answer["StorageConfigs"][0]["AssociationId"], association);
        assert_eq!(list("CALL_RECORDINGS").unwrap(), json!({ "StorageConfigs": [] }));
        assert_eq!(list("X").unwrap_err().code(), ErrorCode::InvalidParameter);
    }
}
