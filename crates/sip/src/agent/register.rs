//! REGISTER (RFC 3261 section 10.3), and which telephone a call comes from.

use super::agent::Agent;
use super::core::Core;
use super::outside::Stranger;
use super::registrar::{BadWish, Registering, Unregisterable, Wish};
use super::{Binding, BindingEvent, Counter, Output, Phones};
use crate::transaction::Arrival;
use crate::wire::digest::Verdict;
use crate::wire::{Draft, Name, Request, Status, Uri};
use std::sync::Arc;

/// User-Agent texts that are kept, in bytes.
const USER_AGENT_MAX_BYTES: usize = 128;
/// Retry-After where there are too many bindings, in seconds: they expire within such a time.
const FULL_RETRY_S: u32 = 300;

/// Who sends a request.
pub(super) enum Sender {
    /// A trunk's peer, or anyone where nothing else is asked for.
    Peer,
    /// This telephone.
    Phone(Arc<str>),
}

impl Agent {
    /// A REGISTER. Nothing of it leaves state behind before its sender has proved its name.
    pub(super) fn register(&mut self, stranger: &Stranger<'_>) {
        let core = &mut self.core;
        if core.phones.is_empty() {
            let draft = core.capable(stranger.draft(core, Status::METHOD_NOT_ALLOWED));
            return stranger.respond(core, draft);
        }
        if self.is_draining {
            return stranger.refuse_for_a_while(core, super::outside::DRAIN_RETRY_S);
        }
        let missing = super::asked::unsupported(core, stranger.request);
        if !missing.is_empty() {
            return super::outside::refuse_extension(core, stranger, &missing);
        }
        let Some(user) = self.proven_phone(stranger) else { return };
        let core = &mut self.core;
        let request = stranger.request;
        // Step 5: a telephone registers its own address-of-record alone. Which host it names is its own business: all are ours.
        let is_own = names(request.to.uri(), &user);
        if !is_own {
            return stranger.refuse_because(core, Status::FORBIDDEN, "Not Your Address-Of-Record");
        }
        let arrival = core.transactions.receive_request(core.now, request, stranger.answer_flow());
        core.settle();
        let server = match arrival {
            Arrival::New(server) => server,
            Arrival::Merged(server) => {
                core.count(Counter::Merged);
                return stranger.asked(server).refuse(core, Status::LOOP_DETECTED, stranger.tag(core));
            }
            _ => {
                core.count(Counter::Overloaded);
                return stranger.refuse_for_a_while(core, 1);
            }
        };
        let (status, draft) = self.registered(stranger, &user);
        stranger.asked(server).respond(&mut self.core, status, draft);
    }

    /// Does what the REGISTER of a telephone asks for, and gives its response.
    fn registered(&mut self, stranger: &Stranger<'_>, user: &Arc<str>) -> (Status, Draft) {
        let core = &mut self.core;
        let request = stranger.request;
        let limits = core.config.limits;
        let wish = Wish::read(request, &limits).and_then(|wish| Ok((wish, Wish::path(request)?)));
        let (wish, path) = match wish {
            Ok(read) => read,
            Err(bad) => {
                let draft = stranger.draft(core, bad.status());
                let draft = match bad {
                    BadWish::Bad(reason) => draft.reason(reason),
                    BadWish::TooBrief(min_s) => draft.header(Name::MinExpires, min_s),
                    BadWish::Scheme => draft,
                };
                return (bad.status(), draft);
            }
        };
        let user_agent = request.message.text(Name::UserAgent);
        let registering = Registering {
            user,
            // By UDP, where the response goes: the source, with its port where rport asks for it.
            flow: stranger.answer_flow(),
            call_id: &request.call_id,
            cseq: request.cseq,
            path: path.clone(),
            user_agent: user_agent
                .filter(|text| text.as_str().len() <= USER_AGENT_MAX_BYTES)
                .map(|text| text.as_str().into()),
        };
        match core.registrar.register(core.now, &limits, &registering, &wish) {
            Ok(events) => {
                core.bindings_changed(events);
                let mut draft = stranger.draft(core, Status::OK).header(Name::Supported, "path");
                for binding in core.registrar.of(user) {
                    draft = draft.header(Name::Contact, contact_value(core, binding));
                }
                for hop in path.iter() {
                    draft = draft.header(Name::Path, hop);
                }
                (Status::OK, draft)
            }
            Err(Unregisterable::OutOfOrder) => {
                core.count(Counter::OutOfOrder);
                let status = Status::SERVER_INTERNAL_ERROR;
                (status, stranger.draft(core, status).reason("CSeq Is Not Above The Last One"))
            }
            Err(Unregisterable::PhoneFull) => {
                core.count(Counter::BindingsFull);
                (Status::FORBIDDEN, stranger.draft(core, Status::FORBIDDEN).reason("Too Many Contacts"))
            }
            Err(Unregisterable::Full) => {
                core.count(Counter::BindingsFull);
                let status = Status::SERVICE_UNAVAILABLE;
                (status, stranger.draft(core, status).header(Name::RetryAfter, FULL_RETRY_S))
            }
        }
    }

    /// Which telephone an INVITE comes from; `None` where it was answered: challenged or refused.
    ///
    /// An INVITE is a telephone's where From names one and it came by the flow of one of its bindings, or by no trunk with
    /// networks of its own. Such a one proves its name, unless its rule takes the flow or its networks for proof.
    pub(super) fn sender(&mut self, stranger: &Stranger<'_>) -> Option<Sender> {
        let core = &self.core;
        let from = stranger.request.from.uri();
        let phone = from.user().and_then(|user| core.phones.get(user));
        let phone = phone.or_else(|| core.phones.get(&from.number()?.text));
        let Some(phone) = phone else { return Some(Sender::Peer) };
        let came_by = core.registrar.came_by(&phone.user, &stranger.flow);
        let is_default = Arc::ptr_eq(&stranger.trunk, core.config.trunks.default_trunk());
        if !came_by && !is_default {
            return Some(Sender::Peer);
        }
        let is_of_network =
            !phone.networks.is_empty() && core.phones.may_come_from(&phone.user, stranger.flow.peer.ip());
        let proves = phone.secret.is_some() && phone.challenges_calls;
        if !proves && (came_by || is_of_network) {
            return Some(Sender::Phone(phone.user.clone()));
        }
        let user = phone.user.clone();
        let proven = self.proven_phone(stranger)?;
        if proven != user {
            stranger.refuse_because(&mut self.core, Status::FORBIDDEN, "From Is Not Your Name");
            return None;
        }
        Some(Sender::Phone(user))
    }

    /// The telephone whose password answers the challenge; else the request is challenged or refused.
    fn proven_phone(&mut self, stranger: &Stranger<'_>) -> Option<Arc<str>> {
        let core = &mut self.core;
        let (phones, source) = (core.phones.clone(), stranger.flow.peer.ip());
        let (realm, request) = (phones.realm(), stranger.request);
        if let Err(retry_after_s) = core.admission.admit_answer(core.now, source) {
            core.count(Counter::SourceLimited);
            stranger.refuse_for_a_while(core, retry_after_s);
            return None;
        }
        let verdict = core.verifier.verify_with(core.now, source, request, realm, |username| {
            let phone = phones.get(username)?;
            Some((&*phone.user, phone.secret.as_ref()?.secret()))
        });
        let is_stale = match verdict {
            Verdict::Accepted(user) => {
                // The nonce came to this source and back.
                core.admission.source_confirmed(core.now, source);
                if !phones.may_come_from(user, source) {
                    stranger.refuse_because(core, Status::FORBIDDEN, "Not From This Network");
                    return None;
                }
                return phones.get(user).map(|phone| phone.user.clone());
            }
            Verdict::Replayed => {
                core.count(Counter::ReplayedNonce);
                true
            }
            Verdict::Wrong => {
                core.count(Counter::WrongCredentials);
                // Only what names a nonce of ours shows that the source is not forged: no source locks another one out.
                if core.verifier.has_nonce(core.now, source, request, realm) {
                    core.admission.answered_wrong(core.now, source);
                }
                false
            }
            other => other.is_stale(),
        };
        let mut draft = stranger.draft(core, Status::UNAUTHORIZED);
        let offered = offered(&phones, stranger.request);
        let challenges = core.verifier.challenges(core.now, source, realm, is_stale);
        for (challenge, _) in challenges.into_iter().zip(offered).filter(|(_, is_offered)| *is_offered) {
            draft = draft.header(Name::WwwAuthenticate, challenge);
        }
        stranger.respond(core, draft);
        None
    }
}

impl Core {
    /// Tells the user what became of bindings.
    pub(super) fn bindings_changed(&mut self, events: Vec<BindingEvent>) {
        for event in events {
            self.count(match &event {
                BindingEvent::Registered(_) => Counter::Registered,
                BindingEvent::Refreshed(_) => Counter::Reregistered,
                BindingEvent::Unregistered { .. } => Counter::Unregistered,
            });
            self.output(Output::Binding(event));
        }
    }
}

/// Whether SHA-256 and MD5 are offered to who claims to be a telephone: only hashes that we have can be compared.
fn offered(phones: &Phones, request: &Request) -> [bool; 2] {
    let from = request.from.uri();
    let phone = from.user().and_then(|user| phones.get(user));
    let phone = phone.or_else(|| phones.get(&from.number()?.text));
    match phone.and_then(|phone| phone.secret.as_ref()) {
        Some(secret) => [secret.sha256.is_some(), secret.md5.is_some()],
        // As to most of them: a challenge does not tell whether a name is known.
        None => phones.algorithms(),
    }
}

/// True where a URI names this telephone.
fn names(uri: &Uri, user: &str) -> bool {
    uri.user() == Some(user) || uri.number().is_some_and(|number| number.text == user)
}

/// One binding as the response lists it.
fn contact_value(core: &Core, binding: &Binding) -> String {
    let left_s = binding.expires_at.ms_since(core.now).max(0) / 1_000;
    let mut value = format!("<{}>;expires={left_s}", binding.contact);
    if binding.q_thousandths != 1_000 {
        value.push_str(&format!(";q=0.{:03}", binding.q_thousandths));
    }
    if let Some(instance) = &binding.instance {
        value.push_str(&format!(";+sip.instance=\"{instance}\""));
    }
    value
}
