use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    description: Option<String>,
}

/// Describes a key anew.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState.
pub(crate) struct UpdateKeyDescription;

impl Operation for UpdateKeyDescription {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "UpdateKeyDescription";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let description = constraint::required(input.description, "description")?;
        constraint::length(&description, "description", 0, 8192)?;
        target.found.change(cx, &id, |key| {
            key.staying()?;
            key.description = description;
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
    fn the_new_words_are_shown() {
        let bench = Bench::new();
        let key = bench.key();
        bench.call("UpdateKeyDescription", json!({ "KeyId": key, "Description": "gr\u{fc}n" })).unwrap();
        assert_eq!(bench.metadata(&key)["Description"], "gr\u{fc}n");
        assert_eq!(bench.refusal("UpdateKeyDescription", json!({ "KeyId": key })), KmsErrorCode::Validation);
        let request = json!({ "KeyId": bench.services_key(), "Description": "" });
        assert_eq!(bench.refusal("UpdateKeyDescription", request), KmsErrorCode::AccessDenied);
    }
}
