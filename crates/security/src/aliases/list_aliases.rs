use crate::kms::constraint::epoch_seconds;
use crate::kms::page::Paging;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint, key_reference};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    paging: Paging,
    key_id: Option<String>,
}

/// Lists the aliases that the caller sees, or those of one key, by name: 50 a page unless said, 100 at most.
///
/// Errors: InvalidMarker, InvalidArn, NotFound (the key).
pub(crate) struct ListAliases;

impl Operation for ListAliases {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "ListAliases";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let document = cx.service.keyring().read()?;
        let only = match input.key_id {
            None => None,
            Some(id) => {
                let id = constraint::key_id(Some(id), "keyId")?;
                Some(target.found.managed_key(cx, &document, &id)?.id)
            }
        };
        let keys =
            key_reference::visible(&document, cx.caller).filter(|key| only.is_none_or(|only| key.id == only));
        let items = keys.flat_map(|key| {
            key.aliases.iter().map(|(alias, dates)| {
                let item = json!({
                    "AliasName": alias,
                    "AliasArn": key.alias_arn(alias),
                    "TargetKeyId": key.id.to_string(),
                    "CreationDate": epoch_seconds(dates.created_unix_ms),
                    "LastUpdatedDate": epoch_seconds(dates.updated_unix_ms),
                });
                (alias.clone(), item)
            })
        });
        let only = only.map(|id| id.to_string());
        input.paging.answer(cx.tokens(only.as_deref()), "Aliases", 50, 100, items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench, NOW};

    #[test]
    fn aliases_come_by_name_with_their_dates() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/b", &key);
        bench.alias("alias/a", &bench.key());
        bench.at(NOW.plus_ms(1_000));
        bench.call("UpdateAlias", json!({ "AliasName": "alias/a", "TargetKeyId": key })).unwrap();
        let page = bench.call("ListAliases", json!({})).unwrap();
        let names: Vec<&str> = page["Aliases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alias| alias["AliasName"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["alias/a", "alias/aws/kinesisvideo", "alias/b"]);
        let moved = json!({
            "AliasName": "alias/a",
            "AliasArn": "arn:aws:kms:us-west-2:111122223333:alias/a",
            "TargetKeyId": key,
            "CreationDate": epoch_seconds(NOW),
            "LastUpdatedDate": epoch_seconds(NOW.plus_ms(1_000)),
        });
        assert_eq!(page["Aliases"][0], moved);
    }

    #[test]
    fn one_keys_aliases_can_be_asked_for() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/a", &key);
        let of = |key: &str| bench.call("ListAliases", json!({ "KeyId": key }));
        assert_eq!(of(&bench.arn(&key)).unwrap()["Aliases"].as_array().unwrap().len(), 1);
        assert_eq!(of(&bench.key()).unwrap()["Aliases"], json!([]));
        assert_eq!(of(ABSENT).unwrap_err().code(), KmsErrorCode::NotFound);
        assert_eq!(of("alias/a").unwrap_err().code(), KmsErrorCode::NotFound);
        assert_eq!(bench.refusal("ListAliases", json!({ "Limit": 101 })), KmsErrorCode::Validation);
    }
}
