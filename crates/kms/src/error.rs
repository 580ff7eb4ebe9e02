/// Why a key provider refused or failed; each variant carries a sentence for the person who has to act on it.
///
/// The variants are the service's own: PutMedia acks and GetMedia error tags print [`Self::kvs_code`] and
/// [`Self::kvs_name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KmsError {
    /// The caller may not use this key.
    #[error("{0}")]
    AccessDenied(String),
    /// The key exists and is switched off.
    #[error("{0}")]
    Disabled(String),
    /// A wrapped key or an argument is not what it should be: damaged, foreign, or for another context.
    #[error("{0}")]
    Validation(String),
    /// The provider could not be reached or could not read its keys; trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// The key is of a kind that cannot wrap data keys.
    #[error("{0}")]
    InvalidUsage(String),
    /// The key is in a state that forbids its use, for instance awaiting deletion.
    #[error("{0}")]
    InvalidState(String),
    /// No such key or alias.
    #[error("{0}")]
    NotFound(String),
}

impl KmsError {
    /// The service's error id, 4500..=4506.
    pub fn kvs_code(&self) -> u16 {
        self.kvs_id().0
    }

    /// The service's error code, such as `KMS_KEY_DISABLED`.
    pub fn kvs_name(&self) -> &'static str {
        self.kvs_id().1
    }

    /// Ids from the PutMedia API page, names from the producer SDK's sources.
    fn kvs_id(&self) -> (u16, &'static str) {
        match self {
            Self::AccessDenied(_) => (4500, "KMS_KEY_ACCESS_DENIED"),
            Self::Disabled(_) => (4501, "KMS_KEY_DISABLED"),
            Self::Validation(_) => (4502, "KMS_KEY_VALIDATION_ERROR"),
            Self::Unavailable(_) => (4503, "KMS_KEY_UNAVAILABLE"),
            Self::InvalidUsage(_) => (4504, "KMS_KEY_INVALID_USAGE"),
            Self::InvalidState(_) => (4505, "KMS_KEY_INVALID_STATE"),
            Self::NotFound(_) => (4506, "KMS_KEY_NOT_FOUND"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_the_id_that_producers_know() {
        let text = String::new;
        let errors = [
            KmsError::AccessDenied(text()),
            KmsError::Disabled(text()),
            KmsError::Validation(text()),
            KmsError::Unavailable(text()),
            KmsError::InvalidUsage(text()),
            KmsError::InvalidState(text()),
            KmsError::NotFound(text()),
        ];
        let codes: Vec<u16> = errors.iter().map(KmsError::kvs_code).collect();
        assert_eq!(codes, [4500, 4501, 4502, 4503, 4504, 4505, 4506]);
        assert_eq!(errors[1].kvs_name(), "KMS_KEY_DISABLED");
    }
}
