use crate::kms::constraint::epoch_seconds;
use crate::kms::page::Paging;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::{Origin, material_id};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    paging: Paging,
    key_id: Option<String>,
    include_key_material: Option<String>,
}

/// Lists the rotations of a key, the oldest first; with ALL_KEY_MATERIAL, its first material as well.
///
/// Errors: NotFound, InvalidArn, InvalidMarker.
pub(crate) struct ListKeyRotations;

impl Operation for ListKeyRotations {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "ListKeyRotations";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let wanted = input.include_key_material.as_deref().unwrap_or("ROTATIONS_ONLY");
        let wanted =
            constraint::one_of(wanted, "includeKeyMaterial", &["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"])?;
        let document = cx.service.keyring().read()?;
        let key = target.found.managed_key(cx, &document, &id)?;
        let current = key.newest().number;
        let materials = key
            .material
            .iter()
            .filter(|material| wanted == "ALL_KEY_MATERIAL" || material.origin != Origin::Creation);
        let items = materials.map(|material| {
            let state = if material.number == current { "CURRENT" } else { "NON_CURRENT" };
            let mut item = json!({
                "KeyId": key.id.to_string(),
                "KeyMaterialId": material_id(key.id, material.number),
                "KeyMaterialState": state,
            });
            let kind = match material.origin {
                Origin::Creation => None,
                Origin::Schedule => Some("AUTOMATIC"),
                Origin::Demand => Some("ON_DEMAND"),
            };
            if let Some(kind) = kind {
                item["RotationDate"] = epoch_seconds(material.created_unix_ms).into();
                item["RotationType"] = kind.into();
            }
            (format!("{:010}", material.number), item)
        });
        let tokens = cx.tokens([key.arn().as_str(), wanted]);
        input.paging.answer(tokens, "Rotations", 100, 1_000, items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench, NOW};

    #[test]
    fn rotations_are_listed_with_their_kind_and_date() {
        let bench = Bench::new();
        let key = bench.key();
        let list = |request: serde_json::Value| {
            bench.call("ListKeyRotations", request).unwrap()["Rotations"].clone()
        };
        assert_eq!(list(json!({ "KeyId": key })), json!([]));
        bench.call("EnableKeyRotation", json!({ "KeyId": key, "RotationPeriodInDays": 90 })).unwrap();
        bench.call("RotateKeyOnDemand", json!({ "KeyId": key })).unwrap();
        let later = NOW.plus_ms(91 * 86_400_000);
        bench.at(later);
        let rotations = list(json!({ "KeyId": bench.arn(&key) }));
        assert_eq!(rotations.as_array().unwrap().len(), 2);
        assert_eq!(rotations[0]["RotationType"], "ON_DEMAND");
        assert_eq!(rotations[0]["RotationDate"], epoch_seconds(NOW));
        assert_eq!(rotations[0]["KeyMaterialState"], "NON_CURRENT");
        assert_eq!(rotations[1]["RotationType"], "AUTOMATIC");
        assert_eq!(rotations[1]["RotationDate"], epoch_seconds(later));
        assert_eq!(rotations[1]["KeyMaterialId"], bench.metadata(&key)["CurrentKeyMaterialId"]);
        assert_eq!(rotations[1]["KeyMaterialState"], "CURRENT");
        let all = list(json!({ "KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL" }));
        assert_eq!(all.as_array().unwrap().len(), 3);
        assert!(all[0].get("RotationDate").is_none());
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let bench = Bench::new();
        assert_eq!(bench.refusal("ListKeyRotations", json!({ "KeyId": ABSENT })), KmsErrorCode::NotFound);
        let request = json!({ "KeyId": bench.key(), "IncludeKeyMaterial": "SOME" });
        assert_eq!(bench.refusal("ListKeyRotations", request), KmsErrorCode::Validation);
        let request = json!({ "KeyId": bench.key(), "Marker": "!" });
        assert_eq!(bench.refusal("ListKeyRotations", request), KmsErrorCode::InvalidMarker);
    }
}
