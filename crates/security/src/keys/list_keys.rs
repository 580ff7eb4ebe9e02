use crate::kms::page::Paging;
use crate::kms::{KmsApiError, KmsCx, KmsService, constraint, key_reference};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    paging: Paging,
    resource_owners: Option<Vec<String>>,
}

/// Lists the keys that the caller sees, by id: 100 a page unless said, 1,000 at most.
///
/// Errors: InvalidMarker.
pub(crate) struct ListKeys;

impl Operation for ListKeys {
    type Service = KmsService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListKeys";

    async fn resolve(_: &KmsCx<'_>, _: &Input) -> Result<(), KmsApiError> {
        Ok(())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, (): ()) -> Result<Output, KmsApiError> {
        let owners = input.resource_owners.unwrap_or_else(|| vec!["SELF".to_owned()]);
        for owner in &owners {
            constraint::one_of(owner, "resourceOwners", &["SELF", "OTHER_ACCOUNTS_VIA_RAM"])?;
        }
        let own = owners.iter().any(|owner| owner == "SELF");
        let document = cx.service.keyring().read()?;
        let items = key_reference::visible(&document, cx.caller).filter(|_| own).map(|key| {
            let id = key.id.to_string();
            (id.clone(), json!({ "KeyId": id, "KeyArn": key.arn() }))
        });
        let tokens = cx.tokens(owners.iter().map(String::as_str));
        input.paging.answer(tokens, "Keys", 100, 1_000, items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::Bench;
    use std::collections::BTreeSet;

    #[test]
    fn pages_show_each_key_once() {
        let bench = Bench::new();
        let mut known: BTreeSet<String> = (0..5).map(|_| bench.key()).collect();
        known.insert(bench.services_key());
        let (mut seen, mut request) = (BTreeSet::new(), json!({ "Limit": 2 }));
        loop {
            let page = bench.call("ListKeys", request.clone()).unwrap();
            for key in page["Keys"].as_array().unwrap() {
                assert_eq!(key["KeyArn"], bench.arn(key["KeyId"].as_str().unwrap()));
                assert!(seen.insert(key["KeyId"].as_str().unwrap().to_owned()), "shown twice");
            }
            assert_eq!(page["Truncated"].as_bool(), Some(page.get("NextMarker").is_some()));
            match page.get("NextMarker") {
                Some(marker) => request["Marker"] = marker.clone(),
                None => break,
            }
        }
        assert_eq!(seen, known);
    }

    #[test]
    fn another_region_sees_the_services_key_alone() {
        let bench = Bench::new();
        bench.key();
        let page = bench.call_as(&bench.abroad(), "ListKeys", json!({})).unwrap();
        assert_eq!(page["Keys"].as_array().unwrap().len(), 1);
        assert_eq!(page["Keys"][0]["KeyId"], bench.services_key());
    }

    #[test]
    fn shared_keys_are_none() {
        let bench = Bench::new();
        let page = bench.call("ListKeys", json!({ "ResourceOwners": ["OTHER_ACCOUNTS_VIA_RAM"] })).unwrap();
        assert_eq!(page["Keys"], json!([]));
        assert_eq!(bench.refusal("ListKeys", json!({ "ResourceOwners": ["ME"] })), KmsErrorCode::Validation);
        assert_eq!(bench.refusal("ListKeys", json!({ "Limit": 1001 })), KmsErrorCode::Validation);
        assert_eq!(bench.refusal("ListKeys", json!({ "Marker": "?" })), KmsErrorCode::InvalidMarker);
    }
}
