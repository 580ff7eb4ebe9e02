use super::check_name;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::Document;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    alias_name: Option<String>,
}

/// Takes a name away from its key, also from one that awaits its deletion.
///
/// Errors: NotFound, NotAuthorized (`alias/aws/...`).
pub(crate) struct DeleteAlias;

impl Operation for DeleteAlias {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "DeleteAlias";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.alias_name.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let alias = constraint::required(input.alias_name, "aliasName")?;
        check_name(&alias)?;
        cx.service.keyring().edit(|document: &mut Document| {
            let id = target.found.holder(cx, document, &alias)?.id;
            document.key_mut(id)?.aliases.remove(&alias);
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::Bench;
    use serde_json::json;

    #[test]
    fn the_name_goes_and_the_key_stays() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/calls", &key);
        bench.call("DeleteAlias", json!({ "AliasName": "alias/calls" })).unwrap();
        assert_eq!(bench.metadata(&key)["KeyState"], "Enabled");
        let of = |alias: &str| bench.refusal("DeleteAlias", json!({ "AliasName": alias }));
        assert_eq!(of("alias/calls"), KmsErrorCode::NotFound);
        assert_eq!(of("alias/aws/kinesisvideo"), KmsErrorCode::NotAuthorized);
    }
}
