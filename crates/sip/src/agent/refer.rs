//! REFER in a call (RFC 3515), both roles, with its implicit subscription and without one (RFC 4488).
//!
//! A subscription of a peer is created by our 202 and says what became of the call that its REFER asked for: one NOTIFY at a time,
//! the newest news, until a final status, the end of the leg or the end of its time. Where we end the leg, a final status that waits
//! goes before BYE. A 481 or no answer to a NOTIFY ends the subscription alone, not the call (RFC 5057).

use super::agent::Agent;
use super::asked::Asked;
use super::core::Core;
use super::leg::Leg;
use super::replaces::Replaces;
use super::sent::Purpose;
use super::{Body, Counter, Event};
use crate::wire::{Address, Name, Request, Response, Scheme, Status};
use std::borrow::Cow;
use tympan_types::{LegId, Mono, ReferId};

/// REFERs of a peer that are open on one leg, at most.
const REFERS_MAX: usize = 4;
/// How long a subscription lasts: longer than any telephone rings.
const SUBSCRIPTION_S: u32 = 300;
/// Refer-To, Referred-By: bytes that are kept.
const KEPT_MAX_BYTES: usize = 1_024;
/// The body of a NOTIFY about a REFER.
const SIPFRAG: &str = "message/sipfrag";

/// The REFERs of a leg.
#[derive(Debug, Default)]
pub(super) struct Refers {
    open: Vec<OpenRefer>,
    /// One of ours.
    ours: Option<Referring>,
    made: u64,
}

/// A REFER of the peer.
#[derive(Debug)]
struct OpenRefer {
    id: ReferId,
    /// Until the user has agreed.
    asked: Option<Asked>,
    /// The CSeq of the REFER: the id of its subscription.
    cseq: u32,
    /// False where the peer wants no subscription.
    wants_events: bool,
    /// The first of a dialog needs no id in Event (RFC 3515 section 2.4.6).
    is_first: bool,
    /// When the user's answer, or a final status, would come too late.
    until: Mono,
    /// News that wait for the response to the NOTIFY before.
    waiting: Option<Status>,
    last: Status,
}

/// A REFER of ours.
#[derive(Debug)]
struct Referring {
    id: ReferId,
    cseq: u32,
    until: Mono,
    last: Option<Status>,
}

/// What a REFER of a peer asks for.
#[derive(Debug)]
pub(super) enum ReferWish {
    /// To call this place.
    Call { target: String, replaces: Option<LegId>, referred_by: Option<String> },
    /// It cannot be done.
    Refused(Status, &'static str),
}

impl Agent {
    /// Reads a REFER. A Replaces in it names a call of this agent: that is what an attended transfer of two of its legs is.
    pub(super) fn refer_wish(&self, request: &Request) -> ReferWish {
        let message = &request.message;
        let mut targets = message.items(Name::ReferTo);
        let (Some(target), None) = (targets.next(), targets.next()) else {
            return ReferWish::Refused(Status::BAD_REQUEST, "Not One Refer-To");
        };
        let Some(target) = Address::parse(&message.text_of(target)) else {
            return ReferWish::Refused(Status::BAD_REQUEST, "Bad Refer-To");
        };
        let uri = target.uri();
        if uri.as_str().len() > KEPT_MAX_BYTES {
            return ReferWish::Refused(Status::BAD_REQUEST, "Refer-To Too Long");
        }
        if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Tel) {
            return ReferWish::Refused(Status::UNSUPPORTED_URI_SCHEME, "No SIP URI To Call");
        }
        if uri.param("method").is_some_and(|method| method != "INVITE") {
            return ReferWish::Refused(Status::NOT_IMPLEMENTED, "REFER To INVITE Alone");
        }
        let replaces = match uri.header("Replaces") {
            None => None,
            Some(value) => {
                let Some(replaces) = Replaces::parse(&value) else {
                    return ReferWish::Refused(Status::BAD_REQUEST, "Bad Replaces");
                };
                match self.leg_replaced(&replaces).filter(|leg| !leg.is_over()) {
                    Some(leg) => Some(leg.id),
                    // 481 would end the call that the REFER came in (RFC 5057).
                    None => return ReferWish::Refused(Status::NOT_FOUND, "No Such Call To Replace"),
                }
            }
        };
        let referred_by = message
            .text(Name::ReferredBy)
            .map(|text| text.as_str().to_owned())
            .filter(|text| text.len() <= KEPT_MAX_BYTES);
        ReferWish::Call { target: uri.without_headers().to_owned(), replaces, referred_by }
    }
}

impl Leg {
    /// A REFER of the peer.
    pub(super) fn referred(&mut self, core: &mut Core, asked: Asked, wish: ReferWish) {
        let tag = self.tag();
        let (target, replaces, referred_by) = match wish {
            ReferWish::Call { target, replaces, referred_by } => (target, replaces, referred_by),
            ReferWish::Refused(status, reason) => {
                core.count(Counter::ReferRefused);
                let draft = asked.draft(core, status, tag).reason(reason);
                asked.respond(core, status, draft);
                return;
            }
        };
        let refers = self.refers.get_or_insert_default();
        if !matches!(self.phase, super::leg::Phase::Up) || refers.open.len() >= REFERS_MAX {
            core.count(Counter::ReferRefused);
            return self.refuse_busy(core, &asked);
        }
        refers.made += 1;
        let id = ReferId::new(refers.made);
        let sub = asked.request.message.text(Name::ReferSub);
        let declines = sub.is_some_and(|text| {
            text.as_str().split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case("false"))
        });
        refers.open.push(OpenRefer {
            id,
            cseq: asked.request.cseq,
            wants_events: !declines,
            is_first: refers.made == 1,
            until: super::in_dialog::answer_until(core),
            asked: Some(asked),
            waiting: None,
            last: Status::TRYING,
        });
        core.count(Counter::Referred);
        core.event(self.id, Event::Referred { refer: id, target, replaces, referred_by });
    }

    /// The user agrees.
    pub(super) fn accept_refer(&mut self, core: &mut Core, refer: ReferId) {
        let tag = self.tag();
        let Some(open) = self.open_refer(refer) else { return };
        let Some(asked) = open.asked.take() else { return };
        open.until = core.now.plus_ms(i64::from(SUBSCRIPTION_S) * 1_000);
        let wants_events = open.wants_events;
        let mut draft = asked.dialog_draft(core, Status::ACCEPTED, tag);
        if !wants_events {
            draft = draft.header(Name::ReferSub, "false");
        }
        asked.respond(core, Status::ACCEPTED, draft);
        self.notify_refer(core, refer, Status::TRYING);
    }

    /// The user refuses.
    pub(super) fn refuse_refer(&mut self, core: &mut Core, refer: ReferId, status: Status) {
        let tag = self.tag();
        let Some(open) = self.open_refer(refer) else { return };
        let Some(asked) = open.asked.take() else { return };
        let ends_calls = matches!(status, Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT);
        let status = if ends_calls || status.code() < 300 { Status::DECLINE } else { status };
        core.count(Counter::ReferRefused);
        asked.refuse(core, status, tag);
        self.close_refer(refer);
    }

    /// What became of the call that a REFER asked for.
    pub(super) fn notify_refer(&mut self, core: &mut Core, refer: ReferId, status: Status) {
        let is_under_way = self.is_notifying(refer);
        let Some(open) = self.open_refer(refer) else { return };
        if open.asked.is_some() {
            return;
        }
        if !open.wants_events {
            if !status.is_provisional() {
                self.close_refer(refer);
            }
            return;
        }
        if is_under_way {
            // What is older than the newest news is of no use; a final status stays.
            if open.waiting.is_none_or(Status::is_provisional) {
                open.waiting = Some(status);
            }
            return;
        }
        open.last = status;
        let state = if status.is_provisional() {
            let left_s = open.until.ms_since(core.now).max(0) / 1_000;
            format!("active;expires={left_s}")
        } else {
            "terminated;reason=noresource".to_owned()
        };
        self.send_notify(core, refer, status, state);
    }

    fn send_notify(&mut self, core: &mut Core, refer: ReferId, status: Status, state: String) {
        let Some(open) = self.open_refer(refer) else { return };
        let event = if open.is_first { "refer".to_owned() } else { format!("refer;id={}", open.cseq) };
        let headers = vec![(Name::Event, event), (Name::SubscriptionState, state)];
        let fragment = format!("SIP/2.0 {} {}\r\n", status.code(), status.reason());
        let body = Body { content_type: format!("{SIPFRAG};version=2.0"), bytes: fragment.into() };
        if !status.is_provisional() {
            self.close_refer(refer);
        }
        self.request(core, Purpose::Notify { refer }, headers, Some(body));
    }

    /// A NOTIFY of ours is answered, or never will be.
    pub(super) fn notified(&mut self, core: &mut Core, refer: ReferId, succeeded: bool) {
        if !succeeded {
            self.close_refer(refer);
        }
        let waiting = self.open_refer(refer).and_then(|open| open.waiting.take());
        if let Some(status) = waiting {
            return self.notify_refer(core, refer, status);
        }
        // The outcome that a BYE has waited for is known to the peer, or never will be.
        let is_last = self.refers.as_ref().is_none_or(|refers| refers.open.is_empty());
        if let Some(reason) = self.over.as_mut().filter(|_| is_last).and_then(|over| over.bye.take()) {
            self.bye(core, reason);
        }
    }

    /// The outcomes of REFERs that wait for the response to a NOTIFY before them.
    pub(super) fn take_last_news(&mut self) -> Option<Box<Refers>> {
        let refers = self.refers.as_mut()?;
        let (news, others) = std::mem::take(&mut refers.open)
            .into_iter()
            .partition(|open| open.waiting.is_some_and(|status| !status.is_provisional()));
        refers.open = others;
        (!Vec::is_empty(&news)).then(|| Box::new(Refers { open: news, ..Refers::default() }))
    }

    /// The user refers the peer; `replaces` is the value of Replaces for the target.
    pub(super) fn refer(&mut self, core: &mut Core, refer: ReferId, target: &str, replaces: Option<String>) {
        let failed = |status| Event::ReferFailed { refer, status };
        if !self.is_up() {
            return core.event(self.id, failed(Status::CALL_DOES_NOT_EXIST));
        }
        if self.refers.as_ref().is_some_and(|refers| refers.ours.is_some()) {
            return core.event(self.id, failed(Status::REQUEST_PENDING));
        }
        let target = match replaces {
            Some(value) => format!("<{target}?Replaces={}>", escaped(&value)),
            None => format!("<{target}>"),
        };
        let referred_by = self.main.dialog.local_uri().to_owned();
        let headers = vec![(Name::ReferTo, target), (Name::ReferredBy, referred_by)];
        let until = core.now.plus_ms(i64::from(SUBSCRIPTION_S) * 1_000);
        // The number that the request is about to get.
        let cseq = self.main.dialog.last_cseq().saturating_add(1);
        self.refers.get_or_insert_default().ours = Some(Referring { id: refer, cseq, until, last: None });
        if !self.request(core, Purpose::Refer { refer }, headers, None) {
            self.refer_over(core, refer, Status::SERVICE_UNAVAILABLE);
        }
    }

    /// The peer answered our REFER.
    pub(super) fn refer_answered(&mut self, core: &mut Core, refer: ReferId, response: &Response) {
        let declined = response.message.text(Name::ReferSub).is_some_and(|text| {
            text.as_str().split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case("false"))
        });
        if declined {
            return self.refer_over(core, refer, Status::ACCEPTED);
        }
        self.refer_progress(core, refer, Status::TRYING);
    }

    /// What the peer says of our REFER: each status once.
    fn refer_progress(&mut self, core: &mut Core, refer: ReferId, status: Status) {
        let Some(ours) = self.our_refer(refer) else { return };
        if ours.last == Some(status) {
            return;
        }
        ours.last = Some(status);
        core.event(self.id, Event::ReferProgress { refer, status });
    }

    /// Our REFER came to its end, well or not.
    pub(super) fn refer_over(&mut self, core: &mut Core, refer: ReferId, status: Status) {
        if self.our_refer(refer).is_none() || self.is_over() {
            return;
        }
        if let Some(refers) = &mut self.refers {
            refers.ours = None;
        }
        let is_done = status.is_success();
        let event =
            if is_done { Event::ReferDone { refer, status } } else { Event::ReferFailed { refer, status } };
        core.event(self.id, event);
    }

    /// NOTIFY of the peer.
    pub(super) fn notify_received(&mut self, core: &mut Core, asked: &Asked) {
        let tag = self.tag();
        let message = &asked.request.message;
        let event = message.text(Name::Event).unwrap_or_default();
        let mut params = event.as_str().split(';').map(str::trim);
        if !params.next().is_some_and(|package| package.eq_ignore_ascii_case("refer")) {
            let draft = asked.draft(core, Status::BAD_EVENT, tag).extension("Allow-Events", "refer");
            asked.respond(core, Status::BAD_EVENT, draft);
            return;
        }
        let id: Option<u32> =
            params.find_map(|param| param.strip_prefix("id=")).and_then(|id| id.trim().parse().ok());
        let ours = self.refers.as_ref().and_then(|refers| refers.ours.as_ref());
        let ours = ours.filter(|ours| id.is_none_or(|id| id == ours.cseq)).map(|ours| ours.id);
        let Some(refer) = ours else { return asked.refuse(core, Status::CALL_DOES_NOT_EXIST, tag) };
        asked.refuse(core, Status::OK, tag);
        let is_fragment = message.content_type().is_some_and(|kind| kind == SIPFRAG);
        let status = is_fragment.then(|| fragment_status(message.body())).flatten();
        let state = message.text(Name::SubscriptionState).unwrap_or_default();
        let is_terminated = state.as_str().trim_start().to_ascii_lowercase().starts_with("terminated");
        match status {
            Some(status) if !status.is_provisional() => self.refer_over(core, refer, status),
            _ if is_terminated => self.refer_over(core, refer, Status::REQUEST_TIMEOUT),
            Some(status) => self.refer_progress(core, refer, status),
            None => {}
        }
    }

    /// When [`Leg::advance_refers`] is due.
    pub(super) fn refers_deadline(&self) -> Option<Mono> {
        let refers = self.refers.as_ref()?;
        let ours = refers.ours.as_ref().map(|ours| ours.until);
        refers.open.iter().map(|open| open.until).chain(ours).min()
    }

    /// Ends what takes too long.
    pub(super) fn advance_refers(&mut self, core: &mut Core) {
        let Some(refers) = &self.refers else { return };
        let due: Vec<(ReferId, bool, Status)> = refers
            .open
            .iter()
            .filter(|open| core.now >= open.until)
            .map(|open| (open.id, open.asked.is_some(), open.last))
            .collect();
        let ours = refers.ours.as_ref().filter(|ours| core.now >= ours.until).map(|ours| ours.id);
        for (refer, is_unanswered, last) in due {
            if is_unanswered {
                self.refuse_refer(core, refer, Status::DECLINE);
            } else {
                let wants_events = self.open_refer(refer).is_some_and(|open| open.wants_events);
                if wants_events {
                    self.send_notify(core, refer, last, "terminated;reason=timeout".to_owned());
                }
                self.close_refer(refer);
            }
        }
        if let Some(refer) = ours {
            self.refer_over(core, refer, Status::REQUEST_TIMEOUT);
        }
    }

    /// The leg is over: what the peer still waits for is answered.
    pub(super) fn end_refers(&mut self, core: &mut Core) {
        let tag = self.tag();
        let Some(refers) = self.refers.take() else { return };
        for asked in refers.open.into_iter().filter_map(|open| open.asked) {
            asked.refuse(core, Status::REQUEST_TERMINATED, tag);
        }
    }

    fn is_notifying(&self, refer: ReferId) -> bool {
        self.sent.iter().any(|sent| sent.purpose == Purpose::Notify { refer })
    }

    fn open_refer(&mut self, refer: ReferId) -> Option<&mut OpenRefer> {
        self.refers.as_mut()?.open.iter_mut().find(|open| open.id == refer)
    }

    fn our_refer(&mut self, refer: ReferId) -> Option<&mut Referring> {
        self.refers.as_mut()?.ours.as_mut().filter(|ours| ours.id == refer)
    }

    fn close_refer(&mut self, refer: ReferId) {
        if let Some(refers) = &mut self.refers {
            refers.open.retain(|open| open.id != refer);
        }
    }
}

/// The status line that a `message/sipfrag` begins with.
fn fragment_status(body: &[u8]) -> Option<Status> {
    let line = body.split(|&byte| matches!(byte, b'\r' | b'\n')).next()?;
    let text = std::str::from_utf8(line).map_or(Cow::Borrowed(""), Cow::Borrowed);
    let code = text.trim_start().strip_prefix("SIP/2.0 ")?.split(' ').next()?;
    Status::new(code.parse().ok()?)
}

/// A header value within a URI (RFC 3261 section 25.1: hvalue).
fn escaped(value: &str) -> String {
    use std::fmt::Write;
    value.bytes().fold(String::with_capacity(value.len() + 16), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_has_a_status_line_or_no_status() {
        let status = |text: &str| fragment_status(text.as_bytes()).map(Status::code);
        assert_eq!(status("SIP/2.0 180 Ringing"), Some(180));
        assert_eq!(status("SIP/2.0 603 Decline\r\nContact: <sip:a@b>\r\n"), Some(603));
        for text in ["", "SIP/2.0", "SIP/2.0 99 x", "SIP/2.0 x", "HTTP/1.1 200 OK", "\u{fc}"] {
            assert_eq!(status(text), None, "{text}");
        }
    }
}
