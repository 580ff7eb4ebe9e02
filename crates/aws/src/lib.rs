//! One kit for every AWS-shaped service: rest-json, JSON 1.1 and query. No clock, no socket, no runtime.
//!
//! An operation is one file with one type, and one line in its service's list:
//!
//! ```
//! # use std::{borrow::Cow, fmt};
//! # use tympan_aws::*;
//! # use tympan_auth::Refusal;
//! # #[derive(Debug)] pub struct ThingError(Code, String);
//! # error_codes! { pub enum Code {
//! #     Missing = "ResourceNotFoundException", 404;
//! #     Invalid = "InvalidArgumentException", 400;
//! #     Denied = "AccessDeniedException", 403;
//! #     Fault = "InternalFailure", 500;
//! # } }
//! # impl fmt::Display for ThingError {
//! #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.1) }
//! # }
//! # impl std::error::Error for ThingError {}
//! # impl ServiceError for ThingError {
//! #     fn code(&self) -> &'static str { self.0.name() }
//! #     fn status(&self) -> u16 { self.0.status() }
//! #     fn message(&self) -> Cow<'_, str> { Cow::Borrowed(&self.1) }
//! # }
//! # impl From<constraint::Breach> for ThingError {
//! #     fn from(breach: constraint::Breach) -> Self { Self(Code::Invalid, breach.to_string()) }
//! # }
//! # pub struct Things;
//! # impl Things {
//! #     async fn find(&self, name: &str) -> Option<String> { Some(name.to_owned()) }
//! #     async fn rename(&self, _: &str, _: &str) {}
//! # }
//! # impl Service for Things {
//! #     type Error = ThingError;
//! #     fn malformed(_: &'static str, m: &Malformed) -> ThingError { ThingError(Code::Invalid, m.to_string()) }
//! #     fn denied(_: &'static str, r: &Refusal) -> ThingError { ThingError(Code::Denied, r.to_string()) }
//! #     fn not_offered(o: &'static str, _: &'static str) -> ThingError { ThingError(Code::Invalid, o.to_string()) }
//! #     fn unknown(_: Unknown<'_>) -> ThingError { ThingError(Code::Missing, String::new()) }
//! #     fn fault(cause: String) -> ThingError { ThingError(Code::Fault, cause) }
//! # }
//! // rename_thing.rs
//! use serde::Deserialize;
//! use tympan_aws::{Asks, Cx, Operation, Output, Resource, Target, constraint};
//!
//! pub struct RenameThing;
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! pub struct Input {
//!     thing_id: String,         // a label of the path
//!     new_name: Option<String>, // a member of the body
//! }
//!
//! pub struct Thing {
//!     arn: String,
//!     /// Looked up once: what was authorised is renamed, whatever its alias points to by then.
//!     found: Option<String>,
//! }
//!
//! impl Target for Thing {
//!     fn asks(&self, asks: &mut Asks) {
//!         asks.on(Resource::new(self.arn.as_str())); // things:RenameThing on the canonical ARN
//!     }
//! }
//!
//! impl Operation for RenameThing {
//!     type Service = Things;
//!     type Input = Input;
//!     type Target = Thing;
//!     const NAME: &'static str = "RenameThing";
//!
//!     async fn resolve(cx: &Cx<'_, Things>, input: &Input) -> Result<Thing, ThingError> {
//!         let found = cx.service.find(&input.thing_id).await;
//!         let id = found.as_deref().unwrap_or(&input.thing_id);
//!         let arn = format!("arn:aws:things:{}:{}:thing/{id}", cx.caller.region, cx.caller.account);
//!         Ok(Thing { arn, found })
//!     }
//!
//!     async fn call(cx: &Cx<'_, Things>, input: Input, thing: Thing) -> Result<Output, ThingError> {
//!         let name = constraint::required(input.new_name, "newName")?;
//!         constraint::length(&name, "newName", 1, 256)?;
//!         let id = thing.found.ok_or_else(|| ThingError(Code::Missing, "There is no such thing.".into()))?;
//!         cx.service.rename(&id, &name).await;
//!         Ok(Output::empty_object())
//!     }
//! }
//!
//! // the service's list
//! /// Method, path and name of every operation of the model.
//! const CATALOGUE: &[(&str, &str, &str)] = &[
//!     ("POST", "/things/{ThingId}/name", "RenameThing"),
//!     ("DELETE", "/things/{ThingId}", "DeleteThing"), // answered by Service::not_offered
//! ];
//!
//! pub fn operations() -> Operations<Things> {
//!     Operations::rest_json("things", CATALOGUE)
//!         .with(register::<RenameThing>())
//! }
//! # let routes = Routes::new().serve(Things, operations());
//! # assert_eq!(routes.scopes().collect::<Vec<_>>(), ["things"]);
//! ```
//!
//! # The way of a request
//!
//! 1. Before a signature is checked: [`cors`], [`Routes::nothing_at`], and [`Routes::find`] by the signing name that the
//!    request claims. [`Routes::body`] says whether and up to where the body is to be read.
//! 2. With the signature verified, [`Routes::run`] reads the input once (labels, query, headers, body), looks up once what it
//!    names ([`Operation::resolve`]), has [`Permit`] ask the policies for all of [`Target::asks`], and hands the very same
//!    input and target to [`Operation::call`]. Nothing calls an operation without asking, and nothing reads a body twice.
//! 3. [`Outcome`] has the [`Reply`] in the protocol's form, what was asked, and how far it came, for the audit file.
//!
//! # What a caller learns
//!
//! A body that is no object or has a member twice is refused before any policy is asked ([`Service::malformed`]), and so is a
//! request whose resources cannot be looked up through a fault on this side. One with a member of another type is refused so
//! only where that member names a resource, or where the service does not say which do ([`Operations::names`]). All else
//! that is wrong with a request is answered only after its action is granted: on the resources that it names, or on `*` where
//! it names none ([`Operation::resolve`] failed). So a check of a member that names nothing belongs into [`Operation::call`].
//! A resource that does not exist is asked for by the ARN that it would have, and shown as the request named it.
//!
//! # Bodies that are media
//!
//! The kit neither reads nor writes a stream. GetMedia answers [`Output::stream`] with a value that the server drains. PutMedia
//! declares [`BodyRule::Streamed`]: its input is in its headers ([`Operation::HEADERS`]), it is authorised before any of its
//! body is read, and the session that it answers with is fed by the server. Both get their value back by [`Stream::downcast`].
//!
//! RecognizeUtterance declares [`BodyRule::Media`]: a body of some seconds of sound that is read whole ([`Cx::media`]), and
//! answers [`Output::media`], whose members are headers.
//!
//! # Services that block
//!
//! Operations of a list that is [`Operations::blocking`] are `async fn`s that never wait; the server runs the whole future
//! where blocking is allowed. The future borrows, so that nothing is allocated for a request but the future itself.

mod answer;
mod ask;
pub mod constraint;
mod context;
pub mod cors;
mod error;
mod form;
mod input;
mod operation;
mod operations;
pub mod outgoing;
mod page;
mod path;
mod protocol;
mod routes;
mod text;
mod xml;

pub use answer::{Media, Outcome, Output, Reply, ReplyBody, Stage, Stream};
pub use ask::{Ask, Asks, KeyUse, Resource, Rule};
pub use context::{BoxFuture, Cx, Invocation, KeyNames, KeysAway, NoKeys, Permit, Unrestricted};
pub use error::ServiceError;
pub use form::{Form, FormError};
pub use input::Malformed;
pub use operation::{
    Attempt, BodyRule, Entry, ErrorOf, Operation, Service, Target, Unknown, register, register_as,
};
pub use operations::Operations;
pub use page::{Alphabet, Page, PageError};
pub use protocol::Protocol;
pub use routes::{Found, Listed, Routes};
pub use xml::{Element, text_of};
