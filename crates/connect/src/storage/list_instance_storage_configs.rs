//! ListInstanceStorageConfigs: GET /instance/{InstanceId}/storage-configs.

use super::storage_config;
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    #[serde(rename = "nextToken")]
    next_token: Option<String>,
    #[serde(rename = "maxResults")]
    max_results: Option<String>,
}

/// Lists the storage configurations of one resource type: one, or none.
///
/// Errors: InvalidRequest, InvalidParameter (resource type, paging), ResourceNotFound.
pub(crate) struct ListInstanceStorageConfigs;

impl Operation for ListInstanceStorageConfigs {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "ListInstanceStorageConfigs";
    const QUERY: &'static [&'static str] = &["resourceType", "nextToken", "maxResults"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let stored = storage_config::stored(input.resource_type.as_deref())?;
        let (token, size) = (input.next_token.as_deref(), input.max_results.as_deref());
        let page = paging::of_query(cx, token, size, 10)?;
        let instance = target.instance?;
        let found = storage_config::configured(&instance, stored);
        let items = found.map(|found| (found.association_id().to_owned(), found.shown(&instance)));
        Ok(paging::list(&page, "StorageConfigs", items))
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
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
