//! What an operation knows of its request beside its input.

use crate::ask::{Ask, KeyUse};
use crate::path::RequestLine;
use std::pin::Pin;
use tympan_auth::{Principal, Refusal};
use tympan_types::{Caller, PageToken, WallTime};

/// A future behind a pointer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asks the policies; the server's also keeps the audit file.
pub trait Permit: Send + Sync {
    /// Whether all of it is granted.
    ///
    /// # Errors
    /// The first refusal.
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal>;
}

/// Grants everything: for requests within the process, and tests.
#[derive(Debug, Clone, Copy)]
pub struct Unrestricted;

impl Permit for Unrestricted {
    fn permit(&self, _: &[Ask]) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Follows the names of master keys, for services that have data encrypted.
pub trait KeyNames: Send + Sync {
    /// The key that is meant; `None` for the service's own key, which all may use, and for a text that can name no key. A
    /// key that does not exist has the ARN that it would have.
    fn key_to_use<'a>(
        &'a self,
        caller: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>>;
}

/// The keys cannot be looked up now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeysAway(pub String);

/// Where there are no keys to name.
#[derive(Debug, Clone, Copy)]
pub struct NoKeys;

impl KeyNames for NoKeys {
    fn key_to_use<'a>(
        &'a self,
        _: &'a Caller,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// One verified request, as its receiver hands it in.
#[derive(Clone, Copy)]
pub struct Invocation<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The same by name; `None` within the process.
    pub principal: Option<&'a Principal>,
    /// When. For KMS a time that is believed where it destroys keys.
    pub now: WallTime,
    /// Names the request in answers.
    pub request_id: &'a str,
    /// The URL at which the client has reached this server, without a path, where it is known.
    pub reached_at: Option<&'a str>,
    /// The master keys.
    pub keys: &'a dyn KeyNames,
    /// The policies.
    pub permit: &'a dyn Permit,
}

impl<'a> Invocation<'a> {
    /// A request that nothing is known of but who asks and when, and that may do everything.
    pub fn within_process(caller: &'a Caller, now: WallTime) -> Self {
        Self {
            caller,
            principal: None,
            now,
            request_id: "",
            reached_at: None,
            keys: &NoKeys,
            permit: &Unrestricted,
        }
    }
}

/// What an operation is given: its service, and the request that it answers.
pub struct Cx<'a, S> {
    /// The service's state.
    pub service: &'a S,
    /// The operation's name: one type may serve several.
    pub operation: &'static str,
    /// Who asks.
    pub caller: &'a Caller,
    /// The same by name; `None` within the process.
    pub principal: Option<&'a Principal>,
    /// When.
    pub now: WallTime,
    /// Names the request in answers.
    pub request_id: &'a str,
    /// The URL at which the client has reached this server, where it is known.
    pub reached_at: Option<&'a str>,
    /// The body, of an operation whose body is media: [`BodyRule::Media`](crate::BodyRule).
    pub media: &'a [u8],
    keys: &'a dyn KeyNames,
    line: RequestLine<'a>,
}

impl<S> Clone for Cx<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Cx<'_, S> {}

impl<'a, S> Cx<'a, S> {
    pub(crate) fn new(
        service: &'a S,
        operation: &'static str,
        line: RequestLine<'a>,
        media: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> Self {
        let Invocation { caller, principal, now, request_id, reached_at, keys, permit: _ } = *invocation;
        Self { service, operation, caller, principal, now, request_id, reached_at, media, keys, line }
    }

    /// The paging tokens of this request: of its operation, its caller, its path and query but for the members for paging, and
    /// of these members of its body.
    pub fn tokens<'t>(&self, members: impl IntoIterator<Item = &'t str>) -> PageToken {
        let asker = [self.operation, self.caller.account.as_str(), self.caller.region.as_str()];
        let mut bound = asker.map(str::to_owned).to_vec();
        bound.extend(self.line.labels().map(|(_, value)| value.into_owned()));
        let query = self.line.query_pairs().filter(|(name, _)| name != "nextToken" && name != "maxResults");
        bound.extend(query.flat_map(|(name, value)| [name.into_owned(), value.into_owned()]));
        bound.extend(members.into_iter().map(str::to_owned));
        PageToken::of(bound.iter().map(String::as_str))
    }

    /// The key that a request names, for its [`Target`](crate::Target) to ask for: [`Asks::uses`](crate::Asks::uses).
    ///
    /// # Errors
    /// [`KeysAway`]
    pub async fn key_to_use(&self, named: &str) -> Result<Option<KeyUse>, KeysAway> {
        self.keys.key_to_use(self.caller, named).await
    }
}
