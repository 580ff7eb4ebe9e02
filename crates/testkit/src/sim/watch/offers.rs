//! Never two offers at once (RFC 3264 section 4), as seen from one end of a dialog.

use crate::sim::packet::Packet;
use std::collections::BTreeSet;
use tympan_types::Mono;

/// The offer of one dialog that is open.
#[derive(Debug, Clone, Default)]
pub(super) struct Offers {
    open: Option<Open>,
    /// Requests of the peer whose offer met another one: they may not be accepted with an answer.
    crossed: BTreeSet<u32>,
    /// INVITEs without an offer, of both sides, whose response had one already.
    late: BTreeSet<(bool, u32)>,
    /// INVITEs and UPDATEs that carried an offer, of both sides.
    offering: BTreeSet<(bool, u32)>,
}

#[derive(Debug, Clone)]
struct Open {
    is_ours: bool,
    /// CSeq of the request that carries it, or whose response carries it.
    number: u32,
    /// True where we sent that request.
    is_our_request: bool,
    since: Mono,
}

/// After this the transaction of an offer is over, whatever became of it.
const LIFE_MS: i64 = 33_000;

impl Offers {
    pub(super) fn sent_request(&mut self, now: Mono, packet: &Packet) -> Result<(), String> {
        let Some((number, method)) = packet.cseq() else { return Ok(()) };
        match method {
            "INVITE" | "UPDATE" if packet.has_session() => {
                self.may_open(now, packet)?;
                self.offering.insert((true, number));
                self.open = Some(Open { is_ours: true, number, is_our_request: true, since: now });
            }
            // The answer to an offer in a response, by ACK or PRACK; a PRACK may also offer.
            "ACK" | "PRACK" if packet.has_session() => {
                let answers = self.open.take_if(|open| !open.is_ours && open.is_our_request).is_some();
                if !answers && method == "PRACK" {
                    self.may_open(now, packet)?;
                    self.offering.insert((true, number));
                    self.open = Some(Open { is_ours: true, number, is_our_request: true, since: now });
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn received_request(&mut self, now: Mono, packet: &Packet) {
        let Some((number, method)) = packet.cseq() else { return };
        match method {
            "ACK" => {
                self.open.take_if(|open| open.is_ours && !open.is_our_request && open.number == number);
            }
            "INVITE" | "UPDATE" | "PRACK" if packet.has_session() => {
                if method == "PRACK"
                    && self.open.take_if(|open| open.is_ours && !open.is_our_request).is_some()
                {
                    return;
                }
                self.forget_old(now);
                if !self.offering.insert((false, number)) {
                    // The same request by another path (482).
                    return;
                }
                if self.open.is_some() {
                    self.crossed.insert(number);
                } else {
                    self.open = Some(Open { is_ours: false, number, is_our_request: false, since: now });
                }
            }
            _ => {}
        }
    }

    pub(super) fn sent_response(&mut self, now: Mono, packet: &Packet) -> Result<(), String> {
        let Some((number, method)) = packet.cseq() else { return Ok(()) };
        let answers = packet.status() / 100 == 2 || packet.is_reliable_provisional();
        let is_theirs = |open: &Open| !open.is_ours && !open.is_our_request && open.number == number;
        if packet.status() >= 300 {
            self.open.take_if(|open| is_theirs(open));
            self.crossed.remove(&number);
            return Ok(());
        }
        if !answers {
            return Ok(());
        }
        if !self.offering.contains(&(false, number)) {
            // No offer came: what we send is ours, the first time.
            if method == "INVITE" && packet.has_session() && self.late.insert((false, number)) {
                self.may_open(now, packet)?;
                self.open = Some(Open { is_ours: true, number, is_our_request: false, since: now });
            }
            return Ok(());
        }
        if packet.has_session() && self.crossed.contains(&number) {
            return Err(format!(
                "two offers are open: {number} {method} is answered, but another offer is open"
            ));
        }
        if packet.has_session() || packet.status() >= 200 {
            self.open.take_if(|open| is_theirs(open));
        }
        Ok(())
    }

    pub(super) fn received_response(&mut self, now: Mono, packet: &Packet) {
        let Some((number, method)) = packet.cseq() else { return };
        let is_final = packet.status() >= 200;
        if self.offering.contains(&(true, number)) {
            let answers = packet.has_session() && (is_final || packet.is_reliable_provisional());
            if is_final || answers {
                self.open.take_if(|open| open.is_ours && open.is_our_request && open.number == number);
            }
            return;
        }
        let is_offer =
            packet.has_session() && (packet.status() / 100 == 2 || packet.is_reliable_provisional());
        if method == "INVITE" && is_offer && self.late.insert((true, number)) {
            self.open = Some(Open { is_ours: false, number, is_our_request: true, since: now });
        } else if method == "INVITE" && packet.status() >= 300 {
            self.open.take_if(|open| open.is_our_request && open.number == number);
        }
    }

    fn may_open(&mut self, now: Mono, packet: &Packet) -> Result<(), String> {
        self.forget_old(now);
        let Some(open) = &self.open else { return Ok(()) };
        let whose = if open.is_ours { "ours" } else { "the peer's" };
        Err(format!("two offers are open: {} while {whose} of CSeq {} is", packet.start, open.number))
    }

    fn forget_old(&mut self, now: Mono) {
        self.open.take_if(|open| now.ms_since(open.since) > LIFE_MS);
    }
}
