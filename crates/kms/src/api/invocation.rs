use super::error::{KmsApiError, KmsErrorCode};
use super::key_reference;
use super::operation::Operation;
use crate::keyring::{Document, MasterKey};
use crate::{KeyManager, Keyring};
use serde::de::DeserializeOwned;
use tympan_types::{Caller, PageToken, WallTime};

/// One request on its way through an operation: who asks what, when, of which keyring.
pub(super) struct Invocation<'a> {
    pub(super) keyring: &'a Keyring,
    pub(super) now: WallTime,
    pub(super) caller: &'a Caller,
    pub(super) operation: Operation,
    pub(super) body: &'a [u8],
}

impl Invocation<'_> {
    /// The body as this operation's input; members that it does not know are ignored, as the service does.
    pub(super) fn input<T: DeserializeOwned>(&self) -> Result<T, KmsApiError> {
        // Only the place is told: the text at it may be somebody's plaintext.
        let refused = |what: String| KmsApiError::new(KmsErrorCode::Serialization, what);
        let body = if self.body.is_empty() { b"{}" } else { self.body };
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(refused("The request body must be a JSON object.".to_owned()));
        }
        serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            refused(format!(
                "The request body is not what {} takes: line {line}, column {column}.",
                self.operation
            ))
        })
    }

    /// The paging tokens of this request, of which these are the members beside those for paging.
    pub(super) fn tokens<'t>(&'t self, members: impl IntoIterator<Item = &'t str>) -> PageToken {
        let asker = [self.operation.name(), self.caller.account.as_str(), self.caller.region.as_str()];
        PageToken::of(asker.into_iter().chain(members))
    }

    /// Changes a key that is named by its id or ARN and belongs to the caller.
    pub(super) fn change<T>(
        &self,
        key: &str,
        change: impl FnOnce(&mut MasterKey) -> Result<T, KmsApiError>,
    ) -> Result<T, KmsApiError> {
        self.keyring.edit(|document: &mut Document| {
            let key = key_reference::by_id(document, self.caller, key)?;
            self.refuse_unless_the_callers(key)?;
            let id = key.id;
            change(document.key_mut(id)?)
        })
    }

    /// Refuses to change the service's own key, in the words that AWS has for it.
    pub(super) fn refuse_unless_the_callers(&self, key: &MasterKey) -> Result<(), KmsApiError> {
        if key.manager == KeyManager::Customer {
            return Ok(());
        }
        let (action, arn) = (self.operation.action(), key.arn());
        Err(KmsApiError::new(
            KmsErrorCode::AccessDenied,
            format!(
                "{action} is not allowed on {arn}: it is the service's own key, which nobody changes. Create a key \
                 with CreateKey and use that one"
            ),
        ))
    }
}
