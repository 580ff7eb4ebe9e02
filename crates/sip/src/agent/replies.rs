//! Requests of ours in dialogs, and the responses to them.

use super::core::{Core, Failure, SentBy, refreshes_target};
use super::dial::Dial;
use super::leg::{Leg, Phase};
use super::remote::{Remote, is_too_large};
use super::sent::{Purpose, REINVITE_MAX_MS, SENT_MAX, Sent, Stage};
use super::{Body, Counter, Ended, EndedBy, Event, Flow, Way};
use crate::dialog::Carrier;
use crate::transaction::Outgoing;
use crate::wire::digest::Authorizer;
use crate::wire::{Method, Name, Response, Status};
use bytes::Bytes;

/// How often a BYE goes again whose connection was lost.
const BYE_ANEW_MAX: u8 = 2;
/// How long a request waits for room until it asks again.
const ROOM_AGAIN_MS: i64 = 1_000;
/// How often a request goes again because a later one came first.
const OVERTAKEN_MAX: u8 = 8;

impl Leg {
    /// Sends a request in the leg's dialog, once its path is known. False where too many are under way.
    pub(super) fn request(
        &mut self,
        core: &mut Core,
        purpose: Purpose,
        headers: Vec<(Name, String)>,
        body: Option<Body>,
    ) -> bool {
        self.request_crossed(core, purpose, headers, body, 0)
    }

    /// The same for an offer that crossed an offer of the peer so many times.
    pub(super) fn request_crossed(
        &mut self,
        core: &mut Core,
        purpose: Purpose,
        headers: Vec<(Name, String)>,
        body: Option<Body>,
        crossed: u8,
    ) -> bool {
        // BYE always goes.
        if self.sent.len() >= SENT_MAX && purpose != Purpose::Bye {
            core.count(Counter::Overloaded);
            return false;
        }
        let (number, cseq) = (self.take_number(), self.main.dialog.next_cseq());
        let remote_tag = &self.main.dialog.id.remote_tag;
        let until = matches!(purpose, Purpose::ReInvite { .. }).then(|| core.now.plus_ms(REINVITE_MAX_MS));
        let sent = Sent { until, crossed, ..Sent::new(number, remote_tag, purpose, cseq, headers, body) };
        self.sent.push(Box::new(sent));
        self.flush(core);
        true
    }

    /// Sends what waits and whose path is known now.
    pub(super) fn flush(&mut self, core: &mut Core) {
        let (mut failed, mut unsent) = (Vec::new(), Vec::new());
        let hint = self.dial.as_ref().and_then(|dial| dial.transport);
        for sent in &mut self.sent {
            if !matches!(sent.stage, Stage::Waiting) {
                continue;
            }
            let mut remotes = ends(&mut self.main, &mut self.strays, self.dial.as_deref_mut());
            let Some(remote) = remotes.find(|remote| remote.dialog.id.remote_tag == sent.remote_tag) else {
                failed.push((sent.number, Status::CALL_DOES_NOT_EXIST));
                continue;
            };
            let Some(flow) = remote.flow(core, self.id, hint) else {
                if !matches!(remote.path, super::path::Path::Asked(_)) {
                    failed.push((sent.number, Status::SERVICE_UNAVAILABLE));
                } else if self.lookup_until.is_none() {
                    self.lookup_until = Some(core.now.plus_ms(core.config.timers.patience_ms()));
                }
                continue;
            };
            if self.is_proven {
                core.admission.source_confirmed(core.now, flow.peer.ip());
            }
            match begin(core, self.id, remote, sent, flow, self.authorizer.as_deref_mut()) {
                Ok(()) => {}
                // In a call, a request waits until there is room: a BYE that does not go leaves the peer up.
                Err(Status::SERVICE_UNAVAILABLE) if sent.purpose != Purpose::Invite => {
                    self.flush_at = Some(core.now.plus_ms(ROOM_AGAIN_MS));
                }
                Err(status) => unsent.push((sent.number, status)),
            }
        }
        for (number, status) in failed {
            self.failed(core, number, status, Failure::Transport);
        }
        for (number, status) in unsent {
            self.not_sent(core, number, status);
        }
    }

    /// A look-up was answered, and the path of one of our remote ends is known.
    pub(super) fn resolved(&mut self, core: &mut Core, query: u64, flow: Option<Flow>) {
        let mut awaited = false;
        for remote in ends(&mut self.main, &mut self.strays, self.dial.as_deref_mut()) {
            if remote.awaits(query) {
                awaited = true;
                remote.path = flow.map_or(super::path::Path::Unknown, super::path::Path::Ready);
            }
        }
        if !awaited {
            return;
        }
        self.lookup_until = None;
        if flow.is_none() {
            return self.lookup_failed(core);
        }
        for remote in std::iter::once(&mut self.main).chain(&mut self.strays) {
            if remote.ack.as_ref().is_some_and(|ack| ack.sent.is_none()) {
                remote.acknowledge(core, self.id);
            }
        }
        self.flush(core);
    }

    /// There is no place to send to: what waits has failed.
    pub(super) fn lookup_failed(&mut self, core: &mut Core) {
        for remote in ends(&mut self.main, &mut self.strays, self.dial.as_deref_mut()) {
            if let Some(query) = remote.query() {
                core.answered(query);
                remote.path = super::path::Path::Unknown;
            }
        }
        let waiting = self.sent.iter().filter(|sent| matches!(sent.stage, Stage::Waiting));
        let numbers: Vec<u32> = waiting.map(|sent| sent.number).collect();
        for number in numbers {
            self.failed(core, number, Status::SERVICE_UNAVAILABLE, Failure::Transport);
        }
        if self.dial.as_ref().is_some_and(|dial| dial.is_looking_up()) {
            self.dial_failed(core, EndedBy::Failure, Status::SERVICE_UNAVAILABLE, None);
        }
    }

    /// A response to one of our requests.
    pub(super) fn replied(&mut self, core: &mut Core, number: u32, response: &Response) {
        let Some(at) = self.sent.iter().position(|sent| sent.number == number) else {
            if response.method == Method::Invite && response.status.is_success() {
                self.accepted_again(core, response);
            }
            return;
        };
        let status = response.status;
        if status.is_provisional() {
            if self.sent[at].purpose == Purpose::Invite {
                self.progressed(core, response);
            }
            return;
        }
        if matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)
            && self.answer_challenge(core, at, response)
        {
            return;
        }
        if status == Status::SESSION_INTERVAL_TOO_SMALL && self.ask_longer(core, at, response) {
            return;
        }
        if status == Status::SERVER_INTERNAL_ERROR && self.was_overtaken(at) {
            self.sent[at].overtaken = self.sent[at].overtaken.saturating_add(1);
            return self.send_anew(core, at);
        }
        let sent = self.sent.remove(at);
        if sent.purpose == Purpose::Invite {
            return if status.is_success() {
                self.dial_accepted(core, &sent, response)
            } else {
                self.dial_refused(core, response)
            };
        }
        if status.is_success() {
            self.succeeded(core, &sent, response);
        } else {
            self.refused(core, &sent, status, response.status == Status::REQUEST_TIMEOUT);
        }
        self.send_infos(core);
    }

    /// One of our requests has no response.
    pub(super) fn failed(&mut self, core: &mut Core, number: u32, status: Status, failure: Failure) {
        let Some(at) = self.sent.iter().position(|sent| sent.number == number) else { return };
        let sent = &mut self.sent[at];
        let has_lost_connection = failure == Failure::Transport
            && matches!(sent.stage, Stage::Under { flow: Flow { way: Way::Stream(_), .. }, .. });
        if sent.purpose == Purpose::Bye && has_lost_connection && sent.overtaken < BYE_ANEW_MAX {
            // A peer that hears no BYE stays up: it goes once more, by another connection.
            sent.overtaken += 1;
            return self.send_anew(core, at);
        }
        let sent = self.sent.remove(at);
        match sent.purpose {
            Purpose::Invite => self.dial_unanswered(core, status, failure),
            // A failure of the path is as a 503 (RFC 3261 section 8.1.3.1), which says nothing of the call.
            Purpose::Prack | Purpose::Refresh => {
                self.refused(core, &sent, status, failure == Failure::TimedOut);
            }
            // But it does not say either whether the peer has an offer or a digit that was under way: to send it again, or to go on
            // without it, would be a guess.
            _ => self.refused(core, &sent, status, true),
        }
        self.send_infos(core);
    }

    /// Requests whose transactions would wait without an end.
    pub(super) fn advance_sent(&mut self, core: &mut Core) {
        let is_due = |sent: &Sent| sent.until.is_some_and(|until| core.now >= until);
        let Some(sent) = self.sent.iter().find(|sent| is_due(sent)) else { return };
        let number = sent.number;
        if let Stage::Under { client, .. } = sent.stage {
            core.transactions.forget(client);
        }
        self.failed(core, number, Status::REQUEST_TIMEOUT, Failure::TimedOut);
    }

    /// One of our requests did not go out, for its size, or an INVITE for want of room: it fails, and a call goes on.
    fn not_sent(&mut self, core: &mut Core, number: u32, status: Status) {
        let Some(at) = self.sent.iter().position(|sent| sent.number == number) else { return };
        let sent = self.sent.remove(at);
        core.count(Counter::Overloaded);
        match sent.purpose {
            Purpose::Invite => self.dial_failed(core, EndedBy::Failure, status, None),
            _ => self.refused(core, &sent, status, false),
        }
    }

    fn succeeded(&mut self, core: &mut Core, sent: &Sent, response: &Response) {
        if refreshes_target(&sent.method) {
            if let Some(contact) = response.contact() {
                let flow = match &sent.stage {
                    Stage::Under { flow, .. } => Some(*flow),
                    Stage::Waiting => None,
                };
                if let Some(flow) = flow
                    && self.main.refresh_target(core, &contact, &flow, self.trunk.force_rport)
                    && !self.is_over()
                {
                    core.event(self.id, Event::TargetRefreshed { target: contact.detached() });
                }
            }
            self.refresh.accepted(core.now, response);
        }
        match sent.purpose {
            Purpose::ReInvite { refresh, .. } => {
                self.reinvite_accepted(core, sent, refresh, response);
            }
            Purpose::Update { .. } => self.answer_received(core, sent, Carrier::UpdateOk, response),
            Purpose::Refresh if !self.is_over() => core.event(self.id, Event::Refreshed),
            Purpose::Prack => self.answer_received(core, sent, Carrier::PrackOk, response),
            Purpose::Notify { refer } => self.notified(core, refer, true),
            Purpose::Refer { refer } => self.refer_answered(core, refer, response),
            _ => {}
        }
    }

    fn refused(&mut self, core: &mut Core, sent: &Sent, status: Status, is_timeout: bool) {
        if self.is_over() {
            if let Purpose::Notify { refer } = sent.purpose {
                self.notified(core, refer, false);
            }
            return;
        }
        // RFC 3261 sections 12.2.1.2 and 14.1: the dialog is over for the peer, or the peer is gone.
        if sent.is_vital()
            && (is_timeout || matches!(status, Status::REQUEST_TIMEOUT | Status::CALL_DOES_NOT_EXIST))
            && self.phase != Phase::Dialling
        {
            let by = match sent.purpose {
                Purpose::Refresh | Purpose::ReInvite { refresh: true, .. } => EndedBy::SessionExpired,
                _ => EndedBy::Failure,
            };
            self.end(core, Ended::by(by, Some(status)));
            return self.bye(core, None);
        }
        match sent.purpose {
            Purpose::ReInvite { exchange, refresh } => {
                self.exchange.invite_refused();
                self.offer_refused(core, sent, exchange, status, refresh);
            }
            Purpose::Update { exchange } => {
                self.exchange.roll_back(exchange);
                self.offer_refused(core, sent, exchange, status, false);
            }
            Purpose::Refresh => self.refresh.refresh_failed(core.now, false),
            Purpose::Notify { refer } => self.notified(core, refer, false),
            Purpose::Refer { refer } => self.refer_over(core, refer, status),
            Purpose::Invite | Purpose::Info | Purpose::Prack | Purpose::Bye => {}
        }
    }

    /// A 401 or 407: once more with credentials, where we have some (RFC 3261 section 22.2, 22.3).
    fn answer_challenge(&mut self, core: &mut Core, at: usize, response: &Response) -> bool {
        if self.is_over() && self.sent[at].purpose == Purpose::Invite {
            return false;
        }
        let attempts = self.sent[at].challenged;
        let Some(authorizer) = &mut self.authorizer else { return false };
        if !authorizer.challenged(response, attempts) {
            return false;
        }
        self.sent[at].challenged = attempts.saturating_add(1);
        self.send_anew(core, at);
        true
    }

    /// A later request came first: the peer refused the lower number without a look at the request (RFC 3261 section 12.2.2). An
    /// INFO goes again, or its digit would be lost, and a PRACK, or its response would never be acknowledged.
    fn was_overtaken(&self, at: usize) -> bool {
        let sent = &self.sent[at];
        matches!(sent.purpose, Purpose::Info | Purpose::Prack)
            && !self.is_over()
            && sent.overtaken < OVERTAKEN_MAX
            && sent.remote_tag == self.main.dialog.id.remote_tag
            && sent.cseq < self.main.dialog.last_cseq()
    }

    /// INFO goes one at a time, so that the order survives networks that reorder.
    pub(super) fn send_infos(&mut self, core: &mut Core) {
        if !self.is_up() || self.sent.iter().any(|sent| sent.purpose == Purpose::Info) {
            return;
        }
        if let Some(body) = self.infos.pop_front() {
            self.request(core, Purpose::Info, Vec::new(), Some(body));
        }
    }

    /// A 422 to INVITE or UPDATE: once more with a longer interval (RFC 4028 section 7.3).
    fn ask_longer(&mut self, core: &mut Core, at: usize, response: &Response) -> bool {
        if self.is_over() || !refreshes_target(&self.sent[at].method) || !self.refresh.refused(response) {
            return false;
        }
        let timers = self.timer_headers();
        let sent = &mut self.sent[at];
        sent.headers.retain(|(name, _)| !matches!(name, Name::SessionExpires | Name::MinSe));
        sent.headers.extend(timers);
        self.send_anew(core, at);
        true
    }

    /// The same request with a new number and branch, after a refusal that said how it has to be.
    pub(super) fn send_anew(&mut self, core: &mut Core, at: usize) {
        if self.sent[at].purpose == Purpose::Invite {
            self.reset_forks();
        }
        let sent = &mut self.sent[at];
        sent.cseq = self.main.dialog.next_cseq();
        sent.stage = Stage::Waiting;
        self.flush(core);
    }

    /// Session-Expires and Min-SE for a request of ours.
    pub(super) fn timer_headers(&self) -> Vec<(Name, String)> {
        let (expires, min_se_s) = self.refresh.request_headers();
        let expires = expires.map(|expires| (Name::SessionExpires, expires.to_string()));
        let min_se = min_se_s.map(|min_se_s| (Name::MinSe, min_se_s.to_string()));
        expires.into_iter().chain(min_se).collect()
    }
}

/// All remote ends of a leg.
fn ends<'a>(
    main: &'a mut Remote,
    strays: &'a mut [Remote],
    dial: Option<&'a mut Dial>,
) -> impl Iterator<Item = &'a mut Remote> {
    std::iter::once(main).chain(strays).chain(dial.into_iter().flat_map(Dial::forks))
}

/// Writes a request and sends it in a transaction.
fn begin(
    core: &mut Core,
    leg: tympan_types::LegId,
    remote: &mut Remote,
    sent: &mut Sent,
    flow: Flow,
    authorizer: Option<&mut Authorizer>,
) -> Result<(), Status> {
    let branch = core.ids.branch();
    let credentials = match authorizer {
        Some(authorizer) => {
            let cnonce = core.ids.cnonce();
            authorizer.headers(&sent.method, &remote.dialog.heading().uri, cnonce)
        }
        None => Vec::new(),
    };
    let bytes = write(core, remote, sent, &flow, &branch, &credentials);
    if is_too_large(core, &flow, &bytes) {
        return Err(Status::MESSAGE_TOO_LARGE);
    }
    let user = SentBy { leg, number: sent.number };
    let outgoing = Outgoing { branch: branch.clone(), method: sent.method.clone(), bytes, flow, user };
    let client = core.begin(outgoing).ok_or(Status::SERVICE_UNAVAILABLE)?;
    sent.stage = Stage::Under { client, branch, flow };
    Ok(())
}

/// The bytes of a request for a path.
pub(super) fn write(
    core: &Core,
    remote: &Remote,
    sent: &Sent,
    flow: &Flow,
    branch: &str,
    credentials: &[(Name, String)],
) -> Bytes {
    let heading = remote.dialog.heading();
    let via = core.via(flow, branch);
    let mut draft = remote.dialog.draft(&sent.method, sent.cseq, &heading, via);
    if refreshes_target(&sent.method) {
        draft = core.capable(draft.header(Name::Contact, core.contact(flow)));
    }
    if matches!(sent.purpose, Purpose::Refer { .. } | Purpose::Notify { .. }) {
        draft = draft.header(Name::Contact, core.contact(flow));
    }
    draft = draft.header(Name::UserAgent, &core.config.product);
    for (name, value) in sent.headers.iter().chain(credentials) {
        draft = draft.header(*name, value);
    }
    super::uas::with_body(draft, sent.body.as_ref()).finish()
}
