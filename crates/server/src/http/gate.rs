//! What a verified request may do, before it is done; and the line in the audit file about it.

use super::body::Body;
use super::respond;
use crate::audit::{Audit, Event, EventKind, kind_of};
use crate::clock::SystemClock;
use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tympan_auth::{Facts, Principal, Refusal, Verified};

/// Resources are written down up to this length.
const RESOURCE_CHARACTERS: usize = 1_024;

/// The other end of a connection; in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    /// Where it is.
    pub(super) ip: IpAddr,
    /// Whether TLS is in between.
    pub(super) is_secure: bool,
}

/// A request from its arrival to its answer.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Names it in logs, answers and the audit file.
    pub(super) request_id: String,
    /// Who is at the other end; nobody knows of a request that came by no connection.
    pub(super) peer: Option<Peer>,
}

impl Visit {
    /// What conditions of policies may ask.
    pub(super) fn facts<'a>(&self, verified: &'a Verified, ask: Option<&'a Ask>) -> Facts<'a> {
        Facts {
            now: SystemClock.wall_now(),
            source_ip: self.peer.map(|peer| peer.ip),
            secure_transport: self.peer.is_some_and(|peer| peer.is_secure),
            region: verified.caller.region.as_str(),
            resource_tags: ask.and_then(|ask| ask.tags.as_ref()),
        }
    }
}

/// What a request wants to do, in the words of policies.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Such as `kinesisvideo:GetMedia`.
    action: Cow<'static, str>,
    /// The ARN of the resource, or `*`.
    resource: String,
    /// The resource as the request named it; shown instead of the ARN.
    named: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

impl Ask {
    pub(super) fn new(action: impl Into<Cow<'static, str>>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), named: None, tags: None }
    }

    /// One of a service in the kit.
    pub(super) fn of_kit(ask: &tympan_aws::Ask) -> Self {
        Self::new(ask.action.to_string(), ask.resource.arn.as_str())
    }

    /// What a request to Kinesis Video Streams is about.
    pub(super) fn of_stream(action: impl Into<Cow<'static, str>>, resource: tympan_kvs::Resource) -> Self {
        let tympan_kvs::Resource { arn, named, tags } = resource;
        Self { action: action.into(), resource: arn, named: Some(named), tags }
    }
}

/// Asks policies, and keeps the audit file.
#[derive(Clone)]
pub(super) struct Gate {
    audit: Audit,
}

impl Gate {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit }
    }

    /// Whether the sender of a request may do all that they ask for. Each denial is written down; the service that is asked
    /// gives the first one its own form.
    pub(super) fn permit(&self, visit: &Visit, verified: &Verified, asks: &[Ask]) -> Result<(), Refusal> {
        let mut first = None;
        for ask in asks {
            let facts = visit.facts(verified, Some(ask));
            let Err(mut refusal) = verified.principal.may(&ask.action, &ask.resource, facts) else {
                continue;
            };
            self.audit.record_refusal(&event(EventKind::Denial, visit, verified, ask));
            if let Some(named) = &ask.named {
                refusal.resource.clone_from(named);
            }
            first.get_or_insert(refusal);
        }
        first.map_or(Ok(()), Err)
    }

    /// The same of a service in the kit. STS writes its denials down by itself, with their code.
    pub(super) fn judge(
        &self,
        visit: &Visit,
        verified: &Verified,
        asks: &[tympan_aws::Ask],
    ) -> Result<(), Refusal> {
        let mut first = None;
        for ask in asks {
            let Err(refusal) = ask.judge(&verified.principal, visit.facts(verified, None)) else { continue };
            if ask.rule == tympan_aws::Rule::Allowed {
                let ask = Ask::of_kit(ask);
                self.audit.record_refusal(&event(EventKind::Denial, visit, verified, &ask));
            }
            first.get_or_insert(refusal);
        }
        first.map_or(Ok(()), Err)
    }

    /// Writes a denial down that a service has found by itself.
    pub(super) fn record_denial(&self, visit: &Visit, verified: &Verified, ask: &Ask, error: &str) {
        let denial = event(EventKind::Denial, visit, verified, ask);
        self.audit.record_refusal(&Event { error: Some(error), ..denial });
    }

    /// Writes a request down in which no resource could be found, as far as it would have been written down. No policy was
    /// asked, so that its sender may be one who may do nothing.
    pub(super) fn record_unreadable(
        &self,
        visit: &Visit,
        verified: &Verified,
        action: impl Into<Cow<'static, str>>,
        response: &Response<Body>,
    ) {
        let ask = Ask::new(action, "*");
        let Some(kind) = kind_of(&ask.action) else { return };
        let (status, error) = (response.status().as_u16(), respond::error_type(response));
        let refused = event(kind, visit, verified, &ask);
        self.audit.record_refusal(&Event { status: Some(status), error, ..refused });
    }

    /// Writes down what was done to each of the resources, or failed to be done, as far as it is to be written down. Of
    /// a body of media the end is written down, too.
    pub(super) fn record(
        &self,
        visit: &Visit,
        verified: &Verified,
        asks: &[Ask],
        response: Response<Body>,
    ) -> Response<Body> {
        let error = respond::error_type(&response).map(str::to_owned);
        let status = response.status();
        let mut read = Vec::new();
        for ask in asks {
            let Some(kind) = kind_of(&ask.action) else { continue };
            let done = event(kind, visit, verified, ask);
            self.audit.record(&Event { status: Some(status.as_u16()), error: error.as_deref(), ..done });
            if kind == EventKind::MediaRead {
                read.push(ask.clone());
            }
        }
        if read.is_empty() || !status.is_success() {
            return response;
        }
        let (visit, principal) = (visit.clone(), verified.principal.clone());
        let access_key_id = verified.caller.access_key_id.clone();
        let audit = self.audit.clone();
        let ended = move |bytes: u64, took_ms: u64| {
            for ask in &read {
                let done = about(EventKind::MediaReadEnd, &visit, &principal, &access_key_id, ask);
                audit.record(&Event { bytes: Some(bytes), took_ms: Some(took_ms), ..done });
            }
        };
        response
            .map(|body| Body::new(Counted { body, bytes: 0, begun: Instant::now(), ended: Box::new(ended) }))
    }
}

fn event<'a>(kind: EventKind, visit: &'a Visit, verified: &'a Verified, ask: &'a Ask) -> Event<'a> {
    about(kind, visit, &verified.principal, &verified.caller.access_key_id, ask)
}

fn about<'a>(
    kind: EventKind,
    visit: &'a Visit,
    principal: &'a Principal,
    access_key_id: &'a str,
    ask: &'a Ask,
) -> Event<'a> {
    Event {
        principal: Some(&principal.arn),
        access_key_id: Some(access_key_id),
        session_of: principal.parent_key.as_deref(),
        source_ip: visit.peer.map(|peer| peer.ip.to_canonical()),
        action: Some(&ask.action),
        resource: Some(presentable(&ask.resource)),
        request_id: Some(&visit.request_id),
        ..Event::new(kind)
    }
}

/// A resource as it may be written down: not too long. It is canonical: where ids stand there is nothing but ids.
fn presentable(resource: &str) -> &str {
    let end = resource.char_indices().nth(RESOURCE_CHARACTERS).map_or(resource.len(), |(at, _)| at);
    &resource[..end]
}

/// A body of media that tells at its end how much went out, however it ends.
struct Counted {
    body: Body,
    bytes: u64,
    begun: Instant,
    ended: Box<dyn Fn(u64, u64) + Send>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let took_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        (self.ended)(self.bytes, took_ms);
    }
}

/// A denial in the form of a rest-json service.
pub(super) fn denied(refusal: &Refusal, status: u16, error_type: &'static str) -> Box<Response<Body>> {
    let body = json!({ "Message": refusal.to_string() }).to_string().into_bytes();
    Box::new(respond::error(status, error_type, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_written_down_up_to_a_length() {
        let stream = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076";
        assert_eq!(presentable(stream), stream);
        assert_eq!(presentable(&"é".repeat(5_000)).chars().count(), RESOURCE_CHARACTERS);
    }
}
