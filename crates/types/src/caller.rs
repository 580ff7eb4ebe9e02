use crate::{AccountId, Region};

/// Who sent a request, after its signature was verified.
///
/// Services receive this and nothing else of the authentication; they cannot verify, forge or forget a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account that the access key belongs to.
    pub account: AccountId,
    /// The region named in the signature's scope.
    pub region: Region,
    /// The access key id: an identifier, not a secret.
    pub access_key_id: String,
}
