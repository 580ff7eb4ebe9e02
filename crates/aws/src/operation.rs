//! An operation, its service, and the way of a request through both.

use crate::answer::{Outcome, Output, Stage};
use crate::ask::{Ask, Asks, Resource};
use crate::context::{BoxFuture, Cx, Permit};
use crate::error::ServiceError;
use crate::input::{Malformed, Places, Source};
use crate::protocol::Protocol;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tympan_auth::Refusal;

/// A service: its state, and how it words what the kit finds wrong.
///
/// The type is what operations find in [`Cx::service`](crate::Cx).
pub trait Service: Send + Sync + Sized + 'static {
    /// Its errors.
    type Error: ServiceError;

    /// The request is no input of the operation.
    fn malformed(operation: &'static str, malformed: &Malformed) -> Self::Error;

    /// The policies deny the request.
    fn denied(operation: &'static str, refusal: &Refusal) -> Self::Error;

    /// AWS has the operation and this server does not, because of `why`; that is empty where the catalogue says nothing.
    fn not_offered(operation: &'static str, why: &'static str) -> Self::Error;

    /// AWS has no such operation either.
    fn unknown(named: Unknown<'_>) -> Self::Error;

    /// Something failed inside. The cause goes to the log.
    fn fault(cause: String) -> Self::Error;

    /// Counts a call to what it is about ([`Target::subject`]), after the policies have granted it.
    ///
    /// # Errors
    /// Where it is one call too many.
    fn admit(cx: &Cx<'_, Self>, subject: Option<&str>) -> Result<(), Self::Error> {
        let _ = (cx, subject);
        Ok(())
    }

    /// An error of an operation under a code that the model declares for it.
    fn declared(operation: &'static str, error: Self::Error) -> Self::Error {
        let _ = operation;
        error
    }
}

/// A request that names no operation of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown<'a> {
    /// No operation has this method and path, or this target.
    Operation,
    /// The parameter `Action` is missing.
    NoAction,
    /// No operation has this name.
    Action(&'a str),
    /// The service does not have this version of its API; empty if none is named.
    Version {
        /// The operation that was named.
        action: &'a str,
        /// The version.
        version: &'a str,
    },
}

/// The error of an operation's service.
pub type ErrorOf<O> = <<O as Operation>::Service as Service>::Error;

/// One operation. It is read once, what it names is looked up once, and `call` gets the very values that were authorised.
pub trait Operation: Send + Sync + 'static {
    /// Whose it is.
    type Service: Service;
    /// The members of the request under their wire names, wherever they stand. Rules of single members are for [`Self::call`]:
    /// who may not do it is not told what is wrong with the request.
    type Input: DeserializeOwned + Send + Sync;
    /// What the request is about, aliases followed: [`Target`].
    type Target: Target;

    /// Its name: `CreateStream`.
    const NAME: &'static str;
    /// The query parameters that are members.
    const QUERY: &'static [&'static str] = &[];
    /// Headers that are members: the name in lower case, and the member's.
    const HEADERS: &'static [(&'static str, &'static str)] = &[];
    /// What its body is.
    const BODY: BodyRule = BodyRule::USUAL;

    /// Looks up what the input names. It changes nothing.
    ///
    /// # Errors
    /// What a text that can name nothing is answered with: its action on `*` is asked for, and if that is granted the error is
    /// told. A resource that does not exist is no error here, since a caller may not learn that: the target holds it.
    fn resolve(
        cx: &Cx<'_, Self::Service>,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Self::Target, ErrorOf<Self>>> + Send;

    /// Does it.
    ///
    /// # Errors
    /// The operation's own.
    fn call(
        cx: &Cx<'_, Self::Service>,
        input: Self::Input,
        target: Self::Target,
    ) -> impl Future<Output = Result<Output, ErrorOf<Self>>> + Send;
}

/// What a request is about.
pub trait Target: Send + Sync {
    /// Everything that must be granted; nothing is `*`. Also what stands behind the operation, such as the use of a key.
    fn asks(&self, asks: &mut Asks);

    /// What limits of calls count by, beside the account: a stream's name.
    fn subject(&self) -> Option<&str> {
        None
    }
}

/// Operations about nothing single: lists, and what is about its caller.
impl Target for () {
    fn asks(&self, asks: &mut Asks) {
        asks.on(Resource::any());
    }
}

/// One resource, and nothing that was looked up with it.
impl Target for Resource {
    fn asks(&self, asks: &mut Asks) {
        asks.on(self.clone());
    }
}

/// What the body of an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// It is read before the operation, up to this many bytes.
    Whole {
        /// The most that is taken; the server's configuration may say less.
        limit_bytes: usize,
    },
    /// It is no JSON, and read before the operation, up to this many bytes; the input is in the head, and the body in
    /// [`Cx::media`](crate::Cx). Its signature may leave the body out, as SDKs leave it out for these operations.
    Media {
        /// The most that is taken.
        limit_bytes: usize,
    },
    /// The input is in the head. The server hands the body to the [`Stream`](crate::Stream) that the operation gives.
    Streamed,
}

impl BodyRule {
    /// Of nearly all operations: a thousand fragment numbers fit, and all attributes of a contact.
    pub const USUAL: Self = Self::Whole { limit_bytes: 256 * 1024 };
    /// Of operations that take a flow, of 256,000 characters in JSON's escapes at most.
    pub const CONTENT: Self = Self::Whole { limit_bytes: 4 << 20 };

    fn limit_bytes(self) -> usize {
        match self {
            Self::Whole { limit_bytes } | Self::Media { limit_bytes } => limit_bytes,
            Self::Streamed => 0,
        }
    }
}

/// An operation without its type.
pub struct Entry<S: Service> {
    pub(crate) name: &'static str,
    pub(crate) body: BodyRule,
    answer: for<'a> fn(Way<'a, S>) -> BoxFuture<'a, Outcome>,
    attempt: for<'a> fn(Way<'a, S>) -> BoxFuture<'a, Attempt<S::Error>>,
}

/// What the kit brings to an operation's request.
pub(crate) struct Way<'a, S: Service> {
    pub(crate) cx: Cx<'a, S>,
    pub(crate) source: Source<'a>,
    pub(crate) action: Arc<str>,
    pub(crate) protocol: Protocol,
    pub(crate) permit: &'a dyn Permit,
    /// What to ask about where the request is no input of the operation.
    pub(crate) names: Option<&'a Entry<S>>,
}

/// What came of a request, before it is put into the form of a protocol.
#[derive(Debug)]
pub struct Attempt<E> {
    /// How far it has come.
    pub stage: Stage,
    /// What the policies were asked; where they were not, the operation's action on `*`.
    pub asks: Vec<Ask>,
    /// The answer.
    pub result: Result<Output, E>,
}

/// The entry of an operation in its service's list.
pub fn register<O: Operation>() -> Entry<O::Service> {
    register_as::<O>(O::NAME)
}

/// The entry of an operation under another name: operations that differ in little are one type, which looks at
/// [`Cx::operation`](crate::Cx).
pub fn register_as<O: Operation>(name: &'static str) -> Entry<O::Service> {
    Entry { name, body: O::BODY, answer: answer::<O>, attempt: attempt::<O> }
}

impl<S: Service> Entry<S> {
    pub(crate) fn answer<'a>(&self, way: Way<'a, S>) -> BoxFuture<'a, Outcome> {
        (self.answer)(way)
    }

    pub(crate) fn attempt<'a>(&self, way: Way<'a, S>) -> BoxFuture<'a, Attempt<S::Error>> {
        (self.attempt)(way)
    }
}

fn answer<'a, O: Operation>(way: Way<'a, O::Service>) -> BoxFuture<'a, Outcome> {
    Box::pin(async move {
        let (protocol, operation, request_id) = (way.protocol, way.cx.operation, way.cx.request_id);
        run::<O>(way).await.into_outcome::<O::Service>(protocol, operation, request_id)
    })
}

fn attempt<'a, O: Operation>(way: Way<'a, O::Service>) -> BoxFuture<'a, Attempt<ErrorOf<O>>> {
    Box::pin(run::<O>(way))
}

async fn run<O: Operation>(way: Way<'_, O::Service>) -> Attempt<ErrorOf<O>> {
    let Way { cx, source, action, permit, names, .. } = way;
    let mut asks = Asks::new(action.clone());
    let unread =
        |asks: Asks, error| Attempt { stage: Stage::Unread, asks: asks.into_list(), result: Err(error) };
    let input = match read::<O>(source) {
        Ok(input) => input,
        Err(malformed) => {
            let error = O::Service::malformed(cx.operation, &malformed);
            let Some(names) = names else { return unread(asks, error) };
            return names.attempt(Way { cx, source, action, names: None, ..way }).await.instead(error);
        }
    };
    let resolved = match O::resolve(&cx, &input).await {
        Err(error) if error.is_fault() => return unread(asks, error),
        resolved => resolved,
    };
    if let Ok(target) = &resolved {
        target.asks(&mut asks);
    }
    let asks = asks.into_list();
    if let Err(refusal) = permit.permit(&asks) {
        let result = Err(O::Service::denied(cx.operation, &refusal));
        return Attempt { stage: Stage::Denied, asks, result };
    }
    let admitted = O::Service::admit(&cx, resolved.as_ref().ok().and_then(Target::subject));
    let result = match admitted.and(resolved) {
        Ok(target) => O::call(&cx, input, target).await,
        Err(error) => Err(error),
    };
    let denied = result.as_ref().is_err_and(ServiceError::is_denial);
    let stage = if denied { Stage::Denied } else { Stage::Performed };
    let result = result.map_err(|error| O::Service::declared(cx.operation, error));
    Attempt { stage, asks, result }
}

impl<E: ServiceError> Attempt<E> {
    /// A request that names no operation that is offered.
    pub(crate) fn unknown(error: E) -> Self {
        Self { stage: Stage::Unknown, asks: Vec::new(), result: Err(error) }
    }

    /// The same with another error, unless its sender was denied.
    fn instead(self, error: E) -> Self {
        match self.stage {
            Stage::Denied => self,
            Stage::Unread | Stage::Unknown => Self { stage: Stage::Unread, result: Err(error), ..self },
            Stage::Performed => Self { result: Err(error), ..self },
        }
    }

    pub(crate) fn into_outcome<S: Service<Error = E>>(
        self,
        protocol: Protocol,
        operation: &str,
        request_id: &str,
    ) -> Outcome {
        let Self { stage, asks, result } = self;
        let replied =
            result.and_then(|output| protocol.success(operation, output, request_id).map_err(S::fault));
        match replied {
            Ok(reply) => Outcome { stage, asks, reply, cause: None },
            Err(error) => {
                let cause = error.internal_cause().map(str::to_owned);
                Outcome { stage, asks, reply: protocol.error(&error, request_id), cause }
            }
        }
    }
}

/// Apart, so that what reading needs is not kept while the operation waits.
fn read<O: Operation>(source: Source<'_>) -> Result<O::Input, Malformed> {
    let source = if matches!(O::BODY, BodyRule::Media { .. }) { source.head() } else { source };
    source.parse(Places { query: O::QUERY, headers: O::HEADERS }, O::BODY.limit_bytes())
}
