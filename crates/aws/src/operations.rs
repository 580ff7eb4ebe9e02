//! The list of a service: every operation that AWS has, and which of them are here.

use crate::answer::Outcome;
use crate::ask::Ask;
use crate::context::{BoxFuture, Cx, Invocation};
use crate::form::Form;
use crate::input::{Malformed, Source};
use crate::operation::{Attempt, BodyRule, Entry, Service, Unknown, Way};
use crate::path::{self, RequestLine};
use crate::protocol::Protocol;
use crate::{Resource, Rule};
use http::Method;
use http::request::Parts;
use std::collections::HashMap;
use std::sync::Arc;

/// The header that names the operation of a JSON 1.1 service.
const TARGET: &str = "x-amz-target";

/// The operations of a service, each with its route.
///
/// The catalogue of the API is one constant table. [`Self::with`] says which rows are served; each other row is answered by
/// [`Self::otherwise`], or by [`Service::not_offered`].
pub struct Operations<S: Service> {
    about: About,
    entries: Vec<Option<Entry<S>>>,
    otherwise: Option<Entry<S>>,
    names: Option<Entry<S>>,
}

/// What does not depend on the type of the service.
pub(crate) struct About {
    pub(crate) scope: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) rows: Vec<Row>,
    pub(crate) may_block: bool,
    pub(crate) for_pages: bool,
    /// The rows of rest-json by the first segment of their paths, those of others by name.
    index: HashMap<&'static str, Vec<usize>>,
}

/// A row of the catalogue.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Why it is not offered, as far as the catalogue says.
    why: &'static str,
    action: Arc<str>,
}

impl<S: Service> Operations<S> {
    /// A rest-json service. `scope` is its signing name and the prefix of its actions; a row of the catalogue is method, path
    /// template and name.
    pub fn rest_json(scope: &'static str, catalogue: &[(&'static str, &'static str, &'static str)]) -> Self {
        let rows = catalogue.iter().map(|(method, path, name)| (*method, *path, *name, ""));
        Self::new(scope, Protocol::RestJson, rows)
    }

    /// A JSON 1.1 service. `target` stands before the dot in `X-Amz-Target`; a row of the catalogue is a name and why it is
    /// not offered, if it is not.
    pub fn json_1_1(
        scope: &'static str,
        target: &'static str,
        catalogue: &[(&'static str, &'static str)],
    ) -> Self {
        let rows = catalogue.iter().map(|(name, why)| ("POST", "/", *name, *why));
        Self::new(scope, Protocol::Json11 { target }, rows)
    }

    /// A service of the query protocol. What the catalogue has beside what is served is unknown like any other name.
    pub fn query(
        scope: &'static str,
        namespace: &'static str,
        version: &'static str,
        catalogue: &[&'static str],
    ) -> Self {
        let rows = catalogue.iter().map(|name| ("POST", "/", *name, ""));
        Self::new(scope, Protocol::Query { namespace, version }, rows)
    }

    fn new(
        scope: &'static str,
        protocol: Protocol,
        rows: impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)>,
    ) -> Self {
        let rows: Vec<Row> = rows
            .map(|(method, path, name, why)| Row {
                name,
                method,
                path,
                why,
                action: format!("{scope}:{name}").into(),
            })
            .collect();
        let mut index: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let key = match protocol {
                Protocol::RestJson => path::first_segment(row.path),
                Protocol::Json11 { .. } | Protocol::Query { .. } => row.name,
            };
            index.entry(key).or_default().push(at);
        }
        let entries = rows.iter().map(|_| None).collect();
        let about = About { scope, protocol, rows, may_block: false, for_pages: false, index };
        Self { about, entries, otherwise: None, names: None }
    }

    /// Serves an operation: `.with(register::<CreateStream>())`.
    ///
    /// # Panics
    /// If the catalogue has no row of that name: the constants of a service do not fit each other.
    #[must_use]
    pub fn with(mut self, entry: Entry<S>) -> Self {
        let at = self.about.rows.iter().position(|row| row.name == entry.name);
        assert!(at.is_some(), "the catalogue of {} has no {}", self.about.scope, entry.name);
        if let Some(place) = at.and_then(|at| self.entries.get_mut(at)) {
            *place = Some(entry);
        }
        self
    }

    /// Answers all operations of the catalogue that are not served.
    #[must_use]
    pub fn otherwise(self, entry: Entry<S>) -> Self {
        Self { otherwise: Some(entry), ..self }
    }

    /// An operation that reads nothing but the members by which requests name resources. Of a request that is no input of its
    /// own operation these are looked up and asked about, so that only a caller who may do it learns what is wrong with the rest.
    /// Without it such a request is refused before any policy is asked.
    #[must_use]
    pub fn names(self, entry: Entry<S>) -> Self {
        Self { names: Some(entry), ..self }
    }

    /// Its operations may block: they are to run where that is allowed.
    #[must_use]
    pub fn blocking(mut self) -> Self {
        self.about.may_block = true;
        self
    }

    /// Web pages may call it, uploads aside (CORS).
    #[must_use]
    pub fn for_pages(mut self) -> Self {
        self.about.for_pages = true;
        self
    }

    /// Names of the operations that are served.
    pub fn served(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().flatten().map(|entry| entry.name)
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    pub(crate) fn body(&self, row: Option<usize>) -> BodyRule {
        self.entry(row).map_or(BodyRule::USUAL, |entry| entry.body)
    }

    fn entry(&self, row: Option<usize>) -> Option<&Entry<S>> {
        let entry = self.entries.get(row?)?.as_ref();
        entry.or(self.otherwise.as_ref())
    }

    /// Answers a request, of which the head says that it is the operation in this row.
    pub(crate) fn run<'a>(
        &'a self,
        service: &'a S,
        row: Option<usize>,
        head: &'a Parts,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> BoxFuture<'a, Outcome> {
        let (protocol, request_id) = (self.about.protocol, invocation.request_id);
        let refused = move |error: S::Error| -> BoxFuture<'a, Outcome> {
            let outcome = Attempt::unknown(error).into_outcome::<S>(protocol, "", request_id);
            Box::pin(std::future::ready(outcome))
        };
        if !matches!(protocol, Protocol::Query { .. }) {
            return match self.of_head(service, row, head, body, invocation) {
                Ok((entry, way)) => entry.answer(way),
                Err(error) => refused(error),
            };
        }
        let (form, row) = match self.of_form(head, body) {
            Ok(named) => named,
            Err(error) => return refused(error),
        };
        let invocation = *invocation;
        Box::pin(async move {
            match self.way(service, row, Source::Form(&form), &invocation) {
                Ok((entry, way)) => entry.answer(way).await,
                Err(error) => refused(error).await,
            }
        })
    }

    /// The answer to a request that failed outside of its operation.
    pub(crate) fn fault(&self, cause: String, request_id: &str) -> Outcome {
        Attempt::unknown(S::fault(cause)).into_outcome::<S>(self.about.protocol, "", request_id)
    }

    /// Answers a request without putting the answer into the form of a protocol: for callers within the process, and tests,
    /// that look at the service's own error.
    pub fn attempt<'a>(
        &'a self,
        service: &'a S,
        head: &'a Parts,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> BoxFuture<'a, Attempt<S::Error>> {
        if !matches!(self.about.protocol, Protocol::Query { .. }) {
            let row = self.about.find(head);
            return started(self.of_head(service, row, head, body, invocation));
        }
        let (form, row) = match self.of_form(head, body) {
            Ok(named) => named,
            Err(error) => return started::<S>(Err(error)),
        };
        let invocation = *invocation;
        Box::pin(async move { started(self.way(service, row, Source::Form(&form), &invocation)).await })
    }

    /// As [`Self::attempt`], of an operation by its name whose input is all in its body, a JSON object.
    pub fn attempt_named<'a>(
        &'a self,
        service: &'a S,
        operation: &str,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> BoxFuture<'a, Attempt<S::Error>> {
        started(match self.about.rows.iter().position(|row| row.name == operation) {
            Some(row) => self.way(service, row, Source::Body(body), invocation),
            None => Err(S::unknown(Unknown::Operation)),
        })
    }

    fn of_head<'a>(
        &'a self,
        service: &'a S,
        row: Option<usize>,
        head: &'a Parts,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> Result<(&'a Entry<S>, Way<'a, S>), S::Error> {
        let about = row.and_then(|row| self.about.rows.get(row));
        let (Some(row), Some(about)) = (row, about) else { return Err(S::unknown(Unknown::Operation)) };
        let query = head.uri.query().unwrap_or("");
        let line = RequestLine { template: about.path, path: head.uri.path(), query };
        self.way(service, row, Source::Request { line, headers: &head.headers, body }, invocation)
    }

    /// The form of a request, and the operation that it names.
    fn of_form(&self, head: &Parts, body: &[u8]) -> Result<(Form, usize), S::Error> {
        let bytes = if body.is_empty() { head.uri.query().unwrap_or("").as_bytes() } else { body };
        let form = Form::parse(bytes).map_err(|error| S::malformed("", &Malformed::Form(error)))?;
        let action = form.get("Action").ok_or_else(|| S::unknown(Unknown::NoAction))?;
        let version = form.get("Version").unwrap_or_default();
        if !matches!(self.about.protocol, Protocol::Query { version: known, .. } if known == version) {
            return Err(S::unknown(Unknown::Version { action, version }));
        }
        let row = self.about.named(action).filter(|row| self.entry(Some(*row)).is_some());
        let row = row.ok_or_else(|| S::unknown(Unknown::Action(action)))?;
        Ok((form, row))
    }

    fn way<'a>(
        &'a self,
        service: &'a S,
        row: usize,
        source: Source<'a>,
        invocation: &Invocation<'a>,
    ) -> Result<(&'a Entry<S>, Way<'a, S>), S::Error> {
        let about = self.about.rows.get(row).ok_or_else(|| S::unknown(Unknown::Operation))?;
        let entry = self.entry(Some(row)).ok_or_else(|| S::not_offered(about.name, about.why))?;
        let media = if matches!(entry.body, BodyRule::Media { .. }) { source.body() } else { &[] };
        let cx = Cx::new(service, about.name, source.line(), media, invocation);
        let (action, protocol, permit) = (about.action.clone(), self.about.protocol, invocation.permit);
        Ok((entry, Way { cx, source, action, protocol, permit, names: self.names.as_ref() }))
    }
}

/// An operation that was found and begins, or the error instead of it.
fn started<'a, S: Service>(
    found: Result<(&'a Entry<S>, Way<'a, S>), S::Error>,
) -> BoxFuture<'a, Attempt<S::Error>> {
    match found {
        Ok((entry, way)) => entry.attempt(way),
        Err(error) => Box::pin(std::future::ready(Attempt::unknown(error))),
    }
}

impl About {
    /// The row that a request's head names.
    pub(crate) fn find(&self, head: &Parts) -> Option<usize> {
        let (method, path) = (head.method.as_str(), head.uri.path());
        match self.protocol {
            Protocol::RestJson => self.at(method, path),
            Protocol::Json11 { target } => {
                let named = head.headers.get(TARGET)?.to_str().ok()?;
                let name = named.strip_prefix(target)?.strip_prefix('.')?;
                self.named(name).filter(|_| head.method == Method::POST && path == "/")
            }
            Protocol::Query { .. } => None,
        }
    }

    /// The rest-json operation of a method and a path. Where two paths fit, the one with more literal segments is meant.
    pub(crate) fn at(&self, method: &str, path: &str) -> Option<usize> {
        if self.protocol != Protocol::RestJson {
            return None;
        }
        let rows = self.index.get(path::first_segment(path))?.iter();
        let fitting = rows.filter_map(|at| {
            let row = self.rows.get(*at).filter(|row| row.method == method)?;
            Some((path::literals_of_match(row.path, path)?, *at))
        });
        fitting.max_by_key(|(literals, _)| *literals).map(|(_, at)| at)
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.index.get(name)?.first().copied()
    }

    /// The action of a row on `*`, for what could not be asked.
    pub(crate) fn ask(&self, row: usize) -> Option<Ask> {
        let action = self.rows.get(row)?.action.clone();
        Some(Ask { action, resource: Resource::any().into(), rule: Rule::Allowed })
    }
}
