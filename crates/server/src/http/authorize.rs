//! What a verified request may do, before it is done; and the line in the audit file about it.

use super::body::Body;
use super::listen::AtEnd;
use super::respond;
use crate::audit::{Audit, Event, EventKind, kind_of};
use crate::clock::SystemClock;
use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use tympan_admin::KeyUses;
use tympan_auth::{Facts, Principal, Refusal, Verified};
use tympan_aws::{Ask, Permit, Rule, Stage};

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
pub(super) struct Exchange {
    /// Names it in logs, answers and the audit file.
    pub(super) request_id: String,
    /// The other end; not known of a request that came by no connection.
    pub(super) peer: Option<Peer>,
}

impl Exchange {
    /// What conditions of policies may ask, the tags of the resource aside.
    fn facts<'a>(&self, verified: &'a Verified) -> Facts<'a> {
        Facts {
            now: SystemClock.wall_now(),
            source_ip: self.peer.map(|peer| peer.ip),
            secure_transport: self.peer.is_some_and(|peer| peer.is_secure),
            region: verified.caller.region.as_str(),
            resource_tags: None,
        }
    }
}

/// What the audit file wants to know of a request.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// How far it has come.
    pub(super) stage: Stage,
    /// What the policies were asked, or would have been.
    pub(super) asks: &'a [Ask],
    /// Whether a policy has denied it; that is written down already.
    pub(super) denied_by_policy: bool,
}

/// Asks policies, keeps the audit file, and counts the use of access keys.
#[derive(Clone)]
pub(super) struct Authorizer {
    audit: Audit,
    key_uses: KeyUses,
}

/// The policies of the sender of one request.
pub(super) struct Asker<'a> {
    authorizer: &'a Authorizer,
    exchange: &'a Exchange,
    verified: &'a Verified,
    has_denied: AtomicBool,
}

impl Asker<'_> {
    /// Whether a denial is written down.
    pub(super) fn has_denied(&self) -> bool {
        self.has_denied.load(Ordering::Relaxed)
    }
}

impl Permit for Asker<'_> {
    /// Each denial is written down; the service that is asked gives the first one its own form.
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let mut first = None;
        let facts = self.exchange.facts(self.verified);
        for ask in asks {
            let Err(refusal) = ask.judge(&self.verified.principal, facts) else { continue };
            // A service that needs no allow tells its denials from each other, and has them written down with their code.
            if ask.rule == Rule::Allowed {
                let denial = event(EventKind::Denial, self.exchange, self.verified, ask);
                self.authorizer.audit.record_refusal(&denial);
                self.has_denied.store(true, Ordering::Relaxed);
            }
            first.get_or_insert(refusal);
        }
        first.map_or(Ok(()), Err)
    }
}

impl Authorizer {
    pub(super) fn new(audit: Audit, key_uses: KeyUses) -> Self {
        Self { audit, key_uses }
    }

    /// The policies of who has sent a request, which is counted.
    pub(super) fn of<'a>(&'a self, exchange: &'a Exchange, verified: &'a Verified) -> Asker<'a> {
        self.key_uses.count_request(long_term_key(verified), SystemClock.wall_now());
        Asker { authorizer: self, exchange, verified, has_denied: AtomicBool::new(false) }
    }

    /// Writes a request down, as far as it is to be written down, with its answer. Of a body of media the end is written
    /// down, too.
    pub(super) fn record_outcome(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        told: &Told<'_>,
        response: Response<Body>,
    ) -> Response<Body> {
        let Told { stage, asks, denied_by_policy } = *told;
        if stage == Stage::Denied {
            self.key_uses.count_refusal(long_term_key(verified));
        }
        match stage {
            Stage::Unknown => response,
            Stage::Unread => {
                asks.iter().for_each(|ask| self.record_unreadable(exchange, verified, ask, &response));
                response
            }
            Stage::Denied if denied_by_policy => response,
            Stage::Denied => {
                let error = respond::error_type(&response);
                asks.iter().for_each(|ask| self.record_denial(exchange, verified, ask, error));
                response
            }
            Stage::Performed => self.record(exchange, verified, asks, response),
        }
    }

    /// Writes a denial down that a service has found by itself.
    fn record_denial(&self, exchange: &Exchange, verified: &Verified, ask: &Ask, error: Option<&str>) {
        let denial = event(EventKind::Denial, exchange, verified, ask);
        self.audit.record_refusal(&Event { error, ..denial });
    }

    /// Writes a request down in which no resource could be found, as far as it would have been written down. No policy was
    /// asked, so that its sender may be one who may do nothing.
    fn record_unreadable(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        ask: &Ask,
        response: &Response<Body>,
    ) {
        let Some(kind) = kind_of(&ask.action) else { return };
        let (status, error) = (response.status().as_u16(), respond::error_type(response));
        let refused = event(kind, exchange, verified, ask);
        self.audit.record_refusal(&Event { status: Some(status), error, ..refused });
    }

    /// Writes down what was done to each of the resources, or failed to be done, as far as it is to be written down. Of
    /// a body of media and of listening the end is written down, too.
    fn record(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        asks: &[Ask],
        response: Response<Body>,
    ) -> Response<Body> {
        let error = respond::error_type(&response).map(str::to_owned);
        let status = response.status();
        let (mut read, mut heard) = (Vec::new(), Vec::new());
        for ask in asks {
            let Some(kind) = kind_of(&ask.action) else { continue };
            let done = event(kind, exchange, verified, ask);
            self.audit.record(&Event { status: Some(status.as_u16()), error: error.as_deref(), ..done });
            match kind {
                EventKind::MediaRead => read.push(ask.clone()),
                EventKind::Listening => heard.push(ask.clone()),
                _ => {}
            }
        }
        if let Some(at_end) = response.extensions().get::<AtEnd>() {
            self.record_end_of_listening(exchange, verified, heard, at_end);
        }
        if read.is_empty() || !status.is_success() {
            return response;
        }
        let (exchange, principal) = (exchange.clone(), verified.principal.clone());
        let access_key_id = verified.caller.access_key_id.clone();
        let audit = self.audit.clone();
        let ended = move |bytes: u64, took_ms: u64| {
            for ask in &read {
                let done = about(EventKind::MediaReadEnd, &exchange, &principal, &access_key_id, ask);
                audit.record(&Event { bytes: Some(bytes), took_ms: Some(took_ms), ..done });
            }
        };
        response
            .map(|body| Body::new(Counted { body, bytes: 0, begun: Instant::now(), ended: Box::new(ended) }))
    }
}

impl Authorizer {
    /// Has a line written once a listener hears no more.
    fn record_end_of_listening(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        heard: Vec<Ask>,
        at_end: &AtEnd,
    ) {
        let (exchange, principal) = (exchange.clone(), verified.principal.clone());
        let access_key_id = verified.caller.access_key_id.clone();
        let (audit, begun) = (self.audit.clone(), Instant::now());
        at_end.set(move |listened| {
            for ask in &heard {
                let done = about(EventKind::ListeningEnd, &exchange, &principal, &access_key_id, ask);
                audit.record(&Event {
                    took_ms: Some(milliseconds(begun)),
                    samples: Some(listened.samples),
                    holes: Some(listened.holes),
                    reason: Some(listened.reason),
                    ..done
                });
            }
        });
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The access key of a request, or the one that its session was begun with.
fn long_term_key(verified: &Verified) -> &str {
    verified.principal.parent_key.as_ref().unwrap_or(&verified.caller.access_key_id)
}

fn event<'a>(kind: EventKind, exchange: &'a Exchange, verified: &'a Verified, ask: &'a Ask) -> Event<'a> {
    about(kind, exchange, &verified.principal, &verified.caller.access_key_id, ask)
}

fn about<'a>(
    kind: EventKind,
    exchange: &'a Exchange,
    principal: &'a Principal,
    access_key_id: &'a str,
    ask: &'a Ask,
) -> Event<'a> {
    Event {
        principal: Some(&principal.arn),
        access_key_id: Some(access_key_id),
        session_of: principal.parent_key.as_deref(),
        source_ip: exchange.peer.map(|peer| peer.ip.to_canonical()),
        action: Some(&ask.action),
        resource: Some(presentable(&ask.resource.arn)),
        request_id: Some(&exchange.request_id),
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
        (self.ended)(self.bytes, milliseconds(self.begun));
    }
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
