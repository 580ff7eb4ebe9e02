//! Offer and answer as one machine (RFC 3264; RFC 6337 table 1): when a body may be sent, and what a body is.
//!
//! | offer in | answer in |
//! |---|---|
//! | INVITE | the first reliable response: a reliable provisional one, or 2xx |
//! | reliable provisional response (to an INVITE without an offer) | PRACK |
//! | 2xx (to an INVITE without an offer) | ACK |
//! | PRACK | 2xx to PRACK |
//! | UPDATE | 2xx to UPDATE |
//!
//! The machine takes each message of a dialog that is in this table, with or without a body, in the order in which the dialog
//! takes them. It never has two offers open. A repeated message is not for it.

#[cfg(test)]
mod tests;

pub use tympan_types::ExchangeId;

/// Which message carries a session description, or could.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// INVITE or re-INVITE.
    Invite,
    /// A provisional response that is not reliable: what it carries is a preview of the answer, no answer.
    Provisional,
    /// A provisional response under 100rel.
    ReliableProvisional,
    /// 2xx to an INVITE.
    InviteOk,
    /// ACK of a 2xx.
    Ack,
    /// PRACK.
    Prack,
    /// 2xx to PRACK.
    PrackOk,
    /// UPDATE.
    Update,
    /// 2xx to UPDATE.
    UpdateOk,
}

/// What a message of the peer means for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Nothing: no body, and none was due; or a body that is to be ignored, such as the answer once more in the 2xx.
    Nothing,
    /// An offer: the user answers it.
    Offer(ExchangeId),
    /// The answer to our offer.
    Answer(ExchangeId),
    /// An INVITE without a body: the user makes the offer, in a reliable response (RFC 3261 section 14.2).
    OfferWanted(ExchangeId),
    /// A body in an unreliable provisional response: a preview of the answer that comes.
    Preview(ExchangeId),
    /// Our offer crossed an offer of the peer: 491 (RFC 3261 section 14.2, RFC 3311 section 5.2). Nothing has changed.
    Glare,
    /// An offer of the peer is open already: 500 with Retry-After of 0 to 10 s. Nothing has changed.
    Busy,
    /// An answer or an offer was due and the body is missing: the exchange failed, and is no longer open.
    Broken(ExchangeId),
}

/// The machine of one dialog. It is copied for each fork of an INVITE.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    last: u64,
    open: Option<Open>,
    invite: Option<Invite>,
}

/// An offer that has no answer yet.
#[derive(Debug, Clone, Copy)]
struct Open {
    id: ExchangeId,
    ours: bool,
    carrier: Carrier,
}

/// An INVITE that is under way.
#[derive(Debug, Clone, Copy)]
struct Invite {
    ours: bool,
    phase: Phase,
    /// Reliable provisional responses of ours that no PRACK acknowledged.
    unacknowledged: u8,
    /// PRACKs that are missing until the one for our session description in a reliable provisional response; 0: none is.
    session_due_in: u8,
}

/// How far the offer and the answer of an INVITE are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its offer is open.
    Offered,
    /// It has no offer: the other side owes it, in this exchange.
    Wanted(ExchangeId),
    /// A reliable provisional response carried the answer, or the offer.
    Settled,
    /// Our 2xx is sent and not yet acknowledged.
    Accepted,
}

impl Exchange {
    /// Takes a message of the peer. `has_session` is true where a part of its body is a session description.
    pub fn receive(&mut self, carrier: Carrier, has_session: bool) -> Received {
        match carrier {
            Carrier::Invite => self.receive_invite(has_session),
            Carrier::Provisional => match self.open {
                Some(Open { id, ours: true, carrier: Carrier::Invite }) if has_session => {
                    Received::Preview(id)
                }
                _ => Received::Nothing,
            },
            Carrier::ReliableProvisional => self.receive_reliable(has_session),
            Carrier::InviteOk => self.receive_invite_ok(has_session),
            Carrier::Ack => {
                if self.their_phase() == Some(Phase::Accepted) {
                    self.invite = None;
                }
                self.receive_answer(Carrier::InviteOk, has_session)
            }
            Carrier::Prack => self.receive_prack(has_session),
            Carrier::PrackOk => self.receive_answer(Carrier::Prack, has_session),
            Carrier::Update if has_session => self.receive_offer(Carrier::Update),
            Carrier::Update => Received::Nothing,
            Carrier::UpdateOk => self.receive_answer(Carrier::Update, has_session),
        }
    }

    /// True where we may make an offer now, in this message.
    pub fn may_offer(&self, carrier: Carrier) -> bool {
        match carrier {
            Carrier::Invite => self.invite.is_none() && self.open.is_none(),
            Carrier::ReliableProvisional | Carrier::InviteOk => self.wanted_of_us().is_some(),
            Carrier::Prack => self.open.is_none() && self.our_phase() == Some(Phase::Settled),
            // RFC 3311 section 5.1: during an INVITE only once its own exchange is over and, where that ended with a reliable
            // response of ours, acknowledged. After our 2xx the ACK is awaited: until the peer has that 2xx, its offer is open.
            Carrier::Update => {
                self.open.is_none()
                    && self
                        .invite
                        .is_none_or(|invite| invite.phase == Phase::Settled && invite.session_due_in == 0)
            }
            Carrier::Provisional | Carrier::Ack | Carrier::PrackOk | Carrier::UpdateOk => false,
        }
    }

    /// We send an offer in this message. `None` where it may not be. Where an INVITE of the peer wanted the offer, the
    /// exchange is the one of [`Received::OfferWanted`].
    pub fn send_offer(&mut self, carrier: Carrier) -> Option<ExchangeId> {
        if !self.may_offer(carrier) {
            return None;
        }
        let id = match carrier {
            Carrier::ReliableProvisional | Carrier::InviteOk => self.wanted_of_us()?,
            _ => self.next_id(),
        };
        match carrier {
            Carrier::Invite => self.begin_invite(true, Phase::Offered),
            Carrier::ReliableProvisional | Carrier::InviteOk => self.settle(carrier),
            _ => {}
        }
        self.open = Some(Open { id, ours: true, carrier });
        Some(id)
    }

    /// We answer the open offer of the peer in this message. False where there is none that this message may answer: a
    /// preview in an unreliable provisional response is none.
    pub fn send_answer(&mut self, exchange: ExchangeId, carrier: Carrier) -> bool {
        let Some(Open { id, ours: false, carrier: offered_in }) = self.open else { return false };
        if id != exchange || !answers(carrier, offered_in) {
            return false;
        }
        self.open = None;
        self.settle(carrier);
        true
    }

    /// We send this message without a session description. False where it needs one, or may not be sent now: nothing has
    /// changed then. An INVITE goes without an offer this way; a 2xx, where the answer was in a reliable provisional response.
    pub fn send_without(&mut self, carrier: Carrier) -> bool {
        match carrier {
            Carrier::Invite => {
                if !self.may_offer(Carrier::Invite) {
                    return false;
                }
                let id = self.next_id();
                self.begin_invite(true, Phase::Wanted(id));
                true
            }
            // RFC 3262 section 5: the first reliable response to an INVITE without an offer has one.
            Carrier::ReliableProvisional => match &mut self.invite {
                Some(Invite {
                    ours: false, phase: Phase::Offered | Phase::Settled, unacknowledged, ..
                }) => {
                    *unacknowledged = unacknowledged.saturating_add(1);
                    true
                }
                _ => false,
            },
            // RFC 3262 section 3: a 2xx waits for the PRACK of a session description.
            Carrier::InviteOk => match &mut self.invite {
                Some(Invite { ours: false, phase: phase @ Phase::Settled, session_due_in: 0, .. }) => {
                    *phase = Phase::Accepted;
                    true
                }
                _ => false,
            },
            Carrier::Ack => !self.is_open(false, Carrier::InviteOk),
            Carrier::Prack => !self.is_open(false, Carrier::ReliableProvisional),
            Carrier::PrackOk => !self.is_open(false, Carrier::Prack),
            Carrier::UpdateOk => !self.is_open(false, Carrier::Update),
            Carrier::Provisional | Carrier::Update => true,
        }
    }

    /// The request that carried the open offer was refused, or our offer was: what held before holds again. An INVITE that
    /// carried or wanted it is over. False where that exchange is not open.
    pub fn roll_back(&mut self, exchange: ExchangeId) -> bool {
        if self.wanted() == Some(exchange) {
            self.invite = None;
            return true;
        }
        match self.open {
            Some(open) if open.id == exchange => {
                self.open = None;
                if open.carrier == Carrier::Invite {
                    self.invite = None;
                }
                true
            }
            _ => false,
        }
    }

    /// The INVITE under way got a refusal, of ours or of the peer. What it agreed on before, in a reliable provisional
    /// response, holds (RFC 6141 section 3.1); gives the exchange that failed with it.
    pub fn invite_refused(&mut self) -> Option<ExchangeId> {
        let invite = self.invite.take()?;
        if let Phase::Wanted(id) = invite.phase {
            return Some(id);
        }
        // An offer in UPDATE or PRACK lives on: its own transaction ends it.
        let open = self
            .open
            .filter(|open| matches!(open.carrier, Carrier::Invite | Carrier::ReliableProvisional))?;
        self.open = None;
        Some(open.id)
    }

    /// The exchange that is open, and whether we offered.
    pub fn open(&self) -> Option<(ExchangeId, bool)> {
        self.open.map(|open| (open.id, open.ours))
    }

    /// The exchange whose offer an INVITE without one leaves to its receiver, until that offer is made.
    pub fn wanted(&self) -> Option<ExchangeId> {
        match self.invite?.phase {
            Phase::Wanted(id) => Some(id),
            _ => None,
        }
    }

    /// True where the peer's offer waits for our answer in a response to this INVITE, or the peer waits for our offer there.
    pub fn is_due_in_invite_ok(&self) -> bool {
        self.wanted_of_us().is_some() || self.is_open(false, Carrier::Invite)
    }

    fn receive_invite(&mut self, has_session: bool) -> Received {
        match self.invite {
            Some(Invite { ours: true, .. }) => return Received::Glare,
            // A new INVITE says that the peer has our 2xx, though the ACK is late or lost (RFC 5407 section 3.1.4).
            Some(Invite { phase: Phase::Accepted, .. }) | None => {}
            Some(_) => return Received::Busy,
        }
        match self.open {
            Some(Open { ours: true, .. }) => return Received::Glare,
            Some(_) => return Received::Busy,
            None => {}
        }
        let id = self.next_id();
        if has_session {
            self.begin_invite(false, Phase::Offered);
            self.open = Some(Open { id, ours: false, carrier: Carrier::Invite });
            Received::Offer(id)
        } else {
            self.begin_invite(false, Phase::Wanted(id));
            Received::OfferWanted(id)
        }
    }

    fn receive_reliable(&mut self, has_session: bool) -> Received {
        // Without a body, the answer or the offer comes later; after the exchange, bodies are ignored (RFC 3261 13.2.1).
        let (Some(invite), true) = (self.invite.as_mut().filter(|invite| invite.ours), has_session) else {
            return Received::Nothing;
        };
        match invite.phase {
            Phase::Offered => {
                invite.phase = Phase::Settled;
                self.receive_answer(Carrier::Invite, true)
            }
            Phase::Wanted(id) => {
                invite.phase = Phase::Settled;
                self.open = Some(Open { id, ours: false, carrier: Carrier::ReliableProvisional });
                Received::Offer(id)
            }
            Phase::Settled | Phase::Accepted => Received::Nothing,
        }
    }

    fn receive_invite_ok(&mut self, has_session: bool) -> Received {
        let Some(Invite { ours: true, phase, .. }) = self.invite else { return Received::Nothing };
        self.invite = None;
        match phase {
            Phase::Offered => self.receive_answer(Carrier::Invite, has_session),
            Phase::Wanted(id) if has_session => {
                self.open = Some(Open { id, ours: false, carrier: Carrier::InviteOk });
                Received::Offer(id)
            }
            Phase::Wanted(id) => Received::Broken(id),
            Phase::Settled | Phase::Accepted => Received::Nothing,
        }
    }

    fn receive_prack(&mut self, has_session: bool) -> Received {
        if let Some(invite) = self.invite.as_mut().filter(|invite| !invite.ours) {
            invite.unacknowledged = invite.unacknowledged.saturating_sub(1);
            let was_due_in = invite.session_due_in;
            invite.session_due_in = was_due_in.saturating_sub(1);
            if was_due_in == 1 && self.is_open(true, Carrier::ReliableProvisional) {
                return self.receive_answer(Carrier::ReliableProvisional, has_session);
            }
        }
        if has_session { self.receive_offer(Carrier::Prack) } else { Received::Nothing }
    }

    /// An offer in a request that is no INVITE.
    fn receive_offer(&mut self, carrier: Carrier) -> Received {
        match self.open {
            Some(Open { ours: true, .. }) => return Received::Glare,
            Some(_) => return Received::Busy,
            None => {}
        }
        // An offer that an INVITE leaves to one side will come: a second one would cross it.
        if self.wanted().is_some() {
            return Received::Glare;
        }
        let id = self.next_id();
        self.open = Some(Open { id, ours: false, carrier });
        Received::Offer(id)
    }

    /// A message in which the answer to an offer of ours in `offered_in` is due, if such an offer is open.
    fn receive_answer(&mut self, offered_in: Carrier, has_session: bool) -> Received {
        match self.open {
            Some(Open { id, ours: true, carrier }) if carrier == offered_in => {
                self.open = None;
                if has_session { Received::Answer(id) } else { Received::Broken(id) }
            }
            _ => Received::Nothing,
        }
    }

    /// A response of ours to the peer's INVITE carries a session description.
    fn settle(&mut self, carrier: Carrier) {
        let Some(invite) = self.invite.as_mut().filter(|invite| !invite.ours) else { return };
        match carrier {
            Carrier::ReliableProvisional => {
                invite.phase = Phase::Settled;
                invite.unacknowledged = invite.unacknowledged.saturating_add(1);
                invite.session_due_in = invite.unacknowledged;
            }
            Carrier::InviteOk => invite.phase = Phase::Accepted,
            _ => {}
        }
    }

    fn begin_invite(&mut self, ours: bool, phase: Phase) {
        self.invite = Some(Invite { ours, phase, unacknowledged: 0, session_due_in: 0 });
    }

    fn next_id(&mut self) -> ExchangeId {
        self.last = self.last.wrapping_add(1);
        ExchangeId::new(self.last)
    }

    fn our_phase(&self) -> Option<Phase> {
        self.invite.filter(|invite| invite.ours).map(|invite| invite.phase)
    }

    fn their_phase(&self) -> Option<Phase> {
        self.invite.filter(|invite| !invite.ours).map(|invite| invite.phase)
    }

    /// The exchange whose offer we owe.
    fn wanted_of_us(&self) -> Option<ExchangeId> {
        self.wanted().filter(|_| self.their_phase().is_some())
    }

    fn is_open(&self, ours: bool, carrier: Carrier) -> bool {
        self.open.is_some_and(|open| open.ours == ours && open.carrier == carrier)
    }
}

/// True where an offer in `offered_in` may be answered in `carrier`.
const fn answers(carrier: Carrier, offered_in: Carrier) -> bool {
    matches!(
        (offered_in, carrier),
        (Carrier::Invite, Carrier::ReliableProvisional | Carrier::InviteOk)
            | (Carrier::InviteOk, Carrier::Ack)
            | (Carrier::ReliableProvisional, Carrier::Prack)
            | (Carrier::Prack, Carrier::PrackOk)
            | (Carrier::Update, Carrier::UpdateOk)
    )
}
