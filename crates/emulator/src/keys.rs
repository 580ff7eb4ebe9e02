//! A key provider that refuses when a rule says so: the store and everything before it tell what they always tell.

use crate::faults::Faults;
use crate::operation::operation;
use crate::rule::{Fault, Seam};
use async_trait::async_trait;
use std::sync::Arc;
use tympan_kms::{DataKey, EncryptionContext, KeyDescription, KeyId, KeyProvider, KmsError, WrappedKey};
use tympan_types::StreamArn;

/// Stands before the real provider.
pub struct FaultyKeys {
    inner: Arc<dyn KeyProvider>,
    faults: Faults,
}

impl FaultyKeys {
    /// Refuses what the rules say, and asks `inner` for the rest.
    pub fn new(inner: Arc<dyn KeyProvider>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    fn ask(&self, stream: Option<&str>) -> Result<(), KmsError> {
        match self.faults.strike(Seam::Keys, &operation(), stream) {
            Some(Fault::KmsDenied { id }) => Err(refusal(id)),
            _ => Ok(()),
        }
    }
}

fn refusal(id: u16) -> KmsError {
    let why = format!("A fault rule of the emulator refuses the key ({id}).");
    match id {
        4501 => KmsError::Disabled(why),
        4502 => KmsError::Validation(why),
        4503 => KmsError::Unavailable(why),
        4504 => KmsError::InvalidUsage(why),
        4505 => KmsError::InvalidState(why),
        4506 => KmsError::NotFound(why),
        _ => KmsError::AccessDenied(why),
    }
}

/// The name of the stream that a data key belongs to.
fn stream_of(context: &EncryptionContext) -> Option<String> {
    let arn = context.entries().get("tympan:stream-arn")?;
    Some(StreamArn::parse(arn).ok()?.name().to_string())
}

#[async_trait]
impl KeyProvider for FaultyKeys {
    async fn describe(&self, key: &KeyId) -> Result<KeyDescription, KmsError> {
        self.ask(None)?;
        self.inner.describe(key).await
    }

    async fn generate_data_key(
        &self,
        key: &KeyId,
        context: &EncryptionContext,
    ) -> Result<(DataKey, WrappedKey), KmsError> {
        self.ask(stream_of(context).as_deref())?;
        self.inner.generate_data_key(key, context).await
    }

    async fn unwrap(&self, wrapped: &WrappedKey, context: &EncryptionContext) -> Result<DataKey, KmsError> {
        self.ask(stream_of(context).as_deref())?;
        self.inner.unwrap(wrapped, context).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_refused_with_itself() {
        for id in 4500..=4506 {
            assert_eq!(refusal(id).kvs_code(), id);
        }
    }
}
