use super::operations::CATALOGUE;
use super::target::{KeyTarget, Lookup};
use super::{KmsApiError, KmsCx, KmsService};
use crate::kms::constraint::Blob;
use serde::Deserialize;
use tympan_aws::{Operation, Output, Service};

/// Every operation of the model that is not offered: refused by name and reason, to who may do it to what it names.
pub(crate) struct NotOffered;

/// Every member by which operations name keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    target_key_id: Option<String>,
    source_key_id: Option<String>,
    destination_key_id: Option<String>,
    alias_name: Option<String>,
    ciphertext_blob: Option<Blob>,
}

impl Operation for NotOffered {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget<()>;
    const NAME: &'static str = "";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget<()>, KmsApiError> {
        let mut lookup = Lookup::begin(cx)?;
        let keys = [&input.key_id, &input.target_key_id, &input.source_key_id, &input.destination_key_id];
        for text in keys.into_iter().chain([&input.alias_name]) {
            lookup.named(text.as_deref());
        }
        lookup.ciphertext(input.ciphertext_blob.as_ref());
        Ok(lookup.target(()))
    }

    async fn call(cx: &KmsCx<'_>, _: Input, _: KeyTarget<()>) -> Result<Output, KmsApiError> {
        let row = CATALOGUE.iter().find(|(name, _)| *name == cx.operation);
        Err(KmsService::not_offered(cx.operation, row.map_or("", |(_, why)| why)))
    }
}
