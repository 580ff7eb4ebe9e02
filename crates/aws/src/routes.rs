//! One routing table over all services.

use crate::answer::Outcome;
use crate::context::{BoxFuture, Invocation};
use crate::operation::{BodyRule, Service};
use crate::operations::{About, Operations};
use crate::protocol::Protocol;
use http::Method;
use http::request::Parts;

/// The services of a server. A request is looked up once and answered in one call, whatever its service.
#[derive(Default)]
pub struct Routes {
    services: Vec<Box<dyn Served>>,
}

/// A service, and the operation that a request's head names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    service: usize,
    row: Option<usize>,
}

/// A row of a service's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The signing name of the service.
    pub scope: &'static str,
    /// How it speaks.
    pub protocol: Protocol,
    /// The method of a request.
    pub method: &'static str,
    /// Its path, with labels in braces.
    pub path: &'static str,
    /// The operation's name.
    pub name: &'static str,
}

trait Served: Send + Sync {
    fn about(&self) -> &About;
    fn body(&self, row: Option<usize>) -> BodyRule;
    fn run<'a>(
        &'a self,
        row: Option<usize>,
        head: &'a Parts,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> BoxFuture<'a, Outcome>;
    fn fault(&self, cause: String, request_id: &str) -> Outcome;
}

struct Mounted<S: Service> {
    service: S,
    operations: Operations<S>,
}

impl<S: Service> Served for Mounted<S> {
    fn about(&self) -> &About {
        self.operations.about()
    }

    fn body(&self, row: Option<usize>) -> BodyRule {
        self.operations.body(row)
    }

    fn run<'a>(
        &'a self,
        row: Option<usize>,
        head: &'a Parts,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> BoxFuture<'a, Outcome> {
        self.operations.run(&self.service, row, head, body, invocation)
    }

    fn fault(&self, cause: String, request_id: &str) -> Outcome {
        self.operations.fault(cause, request_id)
    }
}

impl Routes {
    /// No services yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service: its state, and its operations.
    #[must_use]
    pub fn serve<S: Service>(mut self, service: S, operations: Operations<S>) -> Self {
        self.services.push(Box::new(Mounted { service, operations }));
        self
    }

    /// The signing names of all services.
    pub fn scopes(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().map(|service| service.about().scope)
    }

    /// Every operation of every service's catalogue.
    pub fn catalogue(&self) -> impl Iterator<Item = Listed> {
        self.services.iter().flat_map(|service| {
            let About { scope, protocol, rows, .. } = service.about();
            rows.iter().map(|row| Listed {
                scope,
                protocol: *protocol,
                method: row.method,
                path: row.path,
                name: row.name,
            })
        })
    }

    /// The service of a signing name, and the operation that the head names; `None` where there is no such service. What
    /// names no operation is found all the same: its service words the refusal.
    pub fn find(&self, scope: &str, head: &Parts) -> Option<Found> {
        let service = self.services.iter().position(|service| service.about().scope == scope)?;
        let row = self.services.get(service)?.about().find(head);
        Some(Found { service, row })
    }

    /// The operation that a head names, signed or not: for counting.
    pub fn named(&self, head: &Parts) -> Option<Found> {
        let mut found = self.services.iter().enumerate();
        found.find_map(|(at, service)| Some(Found { service: at, row: Some(service.about().find(head)?) }))
    }

    /// The signing name of the service that was found.
    pub fn scope(&self, found: Found) -> &'static str {
        self.about(found).map_or("", |about| about.scope)
    }

    /// The name of the operation that was found; `None` where the head names none, or the body does.
    pub fn operation(&self, found: Found) -> Option<&'static str> {
        self.about(found)?.rows.get(found.row?).map(|row| row.name)
    }

    /// How the service that was found speaks.
    pub fn protocol(&self, found: Found) -> Protocol {
        self.about(found).map_or(Protocol::RestJson, |about| about.protocol)
    }

    /// What the body of the request is.
    pub fn body(&self, found: Found) -> BodyRule {
        self.services.get(found.service).map_or(BodyRule::USUAL, |service| service.body(found.row))
    }

    /// Whether it must run where blocking is allowed.
    pub fn may_block(&self, found: Found) -> bool {
        self.about(found).is_some_and(|about| about.may_block)
    }

    /// Answers a verified request: reads it, looks up what it names, asks the policies, and performs it. `body` is empty for
    /// [`BodyRule::Streamed`].
    ///
    /// Of a service that may block ([`Self::may_block`]) the future blocks and never waits.
    pub fn run<'a>(
        &'a self,
        found: Found,
        head: &'a Parts,
        body: &'a [u8],
        invocation: &Invocation<'a>,
    ) -> Option<BoxFuture<'a, Outcome>> {
        let service = self.services.get(found.service)?;
        Some(service.run(found.row, head, body, invocation))
    }

    /// The answer to a request that failed outside of its operation: its task panicked.
    pub fn fault(&self, found: Found, cause: String, request_id: &str) -> Option<Outcome> {
        Some(self.services.get(found.service)?.fault(cause, request_id))
    }

    /// The operation's action on `*`: what an audit file says of a request that was never asked about.
    pub fn ask(&self, found: Found) -> Option<crate::Ask> {
        self.about(found)?.ask(found.row?)
    }

    /// The paths of what web pages may call (CORS).
    pub fn paths_for_pages(&self) -> impl Iterator<Item = &'static str> {
        let services = self.services.iter().filter(|service| service.about().for_pages);
        services.flat_map(|service| {
            let rows = service.about().rows.iter().enumerate();
            let whole = rows.filter(|(at, _)| service.body(Some(*at)) != BodyRule::Streamed);
            whole.map(|(_, row)| row.path)
        })
    }

    /// Why there is nothing at a path, in words that name a slip; `None` where something may be. It is answered before a
    /// signature is looked at: a slip in a path changes what is signed, and the refusal of the signature would mislead.
    pub fn nothing_at(&self, method: &Method, path: &str) -> Option<String> {
        // The services of other protocols have one path.
        if path == "/" || self.is_at(method.as_str(), path) {
            return None;
        }
        let shown: String = path.chars().take(80).collect();
        let other = METHODS.into_iter().find(|other| self.has_literal(other, path));
        Some(match (other, self.meant(method.as_str(), path)) {
            (Some(other), _) => format!("{path} takes {other}, and this is a {method}."),
            (None, Some(meant)) => format!("No operation has the path {shown:?}: did you mean {meant:?}?"),
            (None, None) => format!("No operation has the path {shown:?}."),
        })
    }

    fn is_at(&self, method: &str, path: &str) -> bool {
        self.services.iter().any(|service| service.about().at(method, path).is_some())
    }

    /// The operations of pages have literal paths and one method; of others a path alone says too little.
    fn has_literal(&self, method: &str, path: &str) -> bool {
        self.literal_paths().any(|(its_method, its_path)| (its_method, its_path) == (method, path))
    }

    fn literal_paths(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let services = self.services.iter().filter(|service| service.about().for_pages);
        services.flat_map(|service| service.about().rows.iter().map(|row| (row.method, row.path)))
    }

    /// The path that this one is a slip of: a slash too many, another case.
    fn meant(&self, method: &str, path: &str) -> Option<String> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let clean = format!("/{}", parts.join("/"));
        let named = self.literal_paths().find(|(_, known)| known.eq_ignore_ascii_case(&clean));
        let named = named.map(|(_, known)| known.to_owned());
        named.or_else(|| self.is_at(method, &clean).then(|| clean.chars().take(80).collect()))
    }

    fn about(&self, found: Found) -> Option<&About> {
        self.services.get(found.service).map(|service| service.about())
    }
}

const METHODS: [&str; 4] = ["POST", "GET", "PUT", "DELETE"];
