//! The user of one leg: acts by its script, and notices what a user would.

use super::random::Random;
use super::script::{Reception, Ring, Script};
use bytes::Bytes;
use tympan_sip::agent::{Body, Command, Ended, EndedBy, Event, OfferBy, Refusal};
use tympan_sip::dialog::ExchangeId;
use tympan_sip::wire::{Part, Status};
use tympan_types::Mono;

/// What a user does at some moment.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Dial(Box<Command>),
    Ring(Ring),
    Answer,
    Refuse(u16),
    Digit,
    Offer { by_update: bool },
    ReplyOffer(ExchangeId),
    RefuseOffer(ExchangeId),
    RejectAnswer(ExchangeId),
    HangUp,
}

/// Steps to take, and when from now on.
pub(crate) type Steps = Vec<(u64, Step)>;

/// The user of one leg.
#[derive(Debug)]
pub(crate) struct User {
    /// Names the leg in bodies and messages: `h1/leg-7`.
    pub(crate) name: String,
    pub(crate) script: Script,
    pub(crate) is_caller: bool,
    /// An offer of ours may be answered with something else: a proxy moves offers to ACKs.
    is_lenient: bool,
    pub(crate) began: Mono,
    /// When the user hung up.
    pub(crate) hung_up: Option<Mono>,
    pub(crate) confirmed: Option<Mono>,
    pub(crate) ended: Option<(Mono, Ended)>,
    /// Bodies that were made for this leg.
    bodies: u32,
    /// The body that answers the INVITE, once one was made.
    answer: Option<Body>,
    invitation: Option<Offered>,
    /// Our offer that is neither answered nor failed: its number, and when it was made.
    open: Option<(u32, Mono)>,
    /// The number of the last offer that was a step of its own.
    last_offer: u32,
    /// The peer's offer that we have not replied to.
    theirs: Option<Offered>,
    /// When each digit was sent.
    pub(crate) digits_sent: Vec<Mono>,
    pub(crate) digits_taken: u32,
}

#[derive(Debug, Clone)]
struct Offered {
    exchange: Option<ExchangeId>,
    /// The body that is to be answered; `None`: the offer is ours.
    body: Option<String>,
}

/// An offer is answered or fails within this: a re-INVITE behind a provisional response waits 3 minutes, and may wait for another
/// request before.
const OFFER_BOUND_MS: i64 = 250_000;

impl User {
    pub(crate) fn new(name: String, script: Script, is_caller: bool, is_lenient: bool, now: Mono) -> Self {
        Self {
            name,
            script,
            is_caller,
            is_lenient,
            began: now,
            hung_up: None,
            confirmed: None,
            ended: None,
            bodies: 0,
            answer: None,
            invitation: None,
            open: None,
            last_offer: 0,
            theirs: None,
            digits_sent: Vec::new(),
            digits_taken: 0,
        }
    }

    /// The offer of the INVITE, where the script has one.
    pub(crate) fn first_offer(&mut self, now: Mono) -> Option<Body> {
        if self.script.is_late_offer {
            return None;
        }
        let body = self.body(None);
        self.open = Some((self.bodies, now));
        Some(body)
    }

    /// The steps of a leg that was dialled just now.
    pub(crate) fn begin(&self) -> Steps {
        let mut steps = Vec::new();
        steps.extend(self.script.hang_up_ms.map(|ms| (ms, Step::HangUp)));
        steps.extend(self.script.early_offer_ms.map(|ms| (ms, Step::Offer { by_update: true })));
        steps
    }

    /// Takes an event of the leg. An error is a broken promise of the agent.
    pub(crate) fn event(&mut self, now: Mono, event: &Event, random: &mut Random) -> Result<Steps, String> {
        if let Some((_, ended)) = &self.ended {
            return Err(format!("an event after Ended ({ended:?}): {event:?}"));
        }
        if let (Some((number, since)), Some(confirmed)) = (self.open, self.confirmed)
            && now.ms_since(since.max(confirmed)) > OFFER_BOUND_MS
        {
            return Err(format!("offer {number} was neither answered nor refused for {OFFER_BOUND_MS} ms"));
        }
        match event {
            Event::Invited { parts, late_offer, exchange, .. } => {
                Ok(self.invited(*exchange, parts, *late_offer))
            }
            Event::Ringing { .. }
            | Event::Refreshed
            | Event::TargetRefreshed { .. }
            | Event::Referred { .. }
            | Event::ReferProgress { .. }
            | Event::ReferDone { .. }
            | Event::ReferFailed { .. } => Ok(Vec::new()),
            Event::Offered { exchange, parts } => self.offered(*exchange, parts, random),
            Event::OfferWanted { exchange } => self.wanted(*exchange),
            Event::Answered { exchange, parts } => self.answered(*exchange, parts, random),
            Event::Confirmed => self.is_up(now),
            Event::OfferFailed { exchange, .. } => {
                // One that was made while another was open fails alone.
                self.open.take_if(|(number, _)| exchange.is_some() || *number >= self.last_offer);
                Ok(Vec::new())
            }
            Event::Info { parts } => self.digit(parts),
            Event::Ended(ended) => {
                self.ended = Some((now, ended.clone()));
                Ok(Vec::new())
            }
        }
    }

    /// Does a step: the command for the agent, where there is something to do.
    pub(crate) fn step(&mut self, now: Mono, step: Step) -> Option<Command> {
        match step {
            Step::Dial(command) => Some(*command),
            Step::Ring(ring) => self.ring(ring),
            Step::Answer => {
                let body = self.answer_body();
                let is_ours = self.invitation.as_ref().is_some_and(|offered| offered.body.is_none());
                if is_ours && self.ended.is_none() {
                    self.open = Some((self.bodies, now));
                }
                Some(Command::Answer { body })
            }
            Step::Refuse(code) => Some(Command::Refuse(Refusal {
                status: Status::new(code)?,
                retry_after_s: (code == 480).then_some(5),
                headers: Vec::new(),
            })),
            Step::Digit => {
                let number = self.digits_sent.len();
                self.digits_sent.push(now);
                let text =
                    format!("Signal={}\r\nDuration=160\r\nX-Digit={} {number}\r\n", number % 10, self.name);
                Some(Command::Info { body: body_of("application/dtmf-relay", text) })
            }
            Step::Offer { by_update } => {
                let was_open = self.open.is_some();
                let body = self.body(None);
                self.last_offer = self.bodies;
                if !was_open && self.ended.is_none() {
                    self.open = Some((self.bodies, now));
                }
                Some(Command::Offer { body, by: if by_update { OfferBy::Update } else { OfferBy::ReInvite } })
            }
            Step::ReplyOffer(exchange) => {
                let theirs = self.theirs.take_if(|theirs| theirs.exchange == Some(exchange))?;
                let body = self.body(theirs.body.as_deref());
                if theirs.body.is_none() {
                    self.open = Some((self.bodies, now));
                }
                Some(Command::ReplyOffer { exchange, body })
            }
            Step::RefuseOffer(exchange) => {
                self.theirs.take_if(|theirs| theirs.exchange == Some(exchange))?;
                Some(Command::RefuseOffer { exchange, status: Status::NOT_ACCEPTABLE_HERE })
            }
            Step::RejectAnswer(exchange) => Some(Command::RejectAnswer { exchange }),
            Step::HangUp => {
                self.hung_up.get_or_insert(now);
                Some(Command::HangUp { reason: None })
            }
        }
    }

    fn invited(&mut self, exchange: ExchangeId, parts: &[Part], late_offer: bool) -> Steps {
        self.invitation =
            Some(Offered { exchange: Some(exchange), body: (!late_offer).then(|| identity(parts)) });
        let mut steps = self.begin();
        steps.extend(self.script.rings.iter().map(|ring| (ring.after_ms, Step::Ring(*ring))));
        match self.script.reception {
            Reception::Answer { after_ms } => steps.push((after_ms, Step::Answer)),
            Reception::Refuse { after_ms, status } => steps.push((after_ms, Step::Refuse(status))),
            Reception::Wait => {}
        }
        steps
    }

    fn ring(&mut self, ring: Ring) -> Option<Command> {
        // A reliable response to an INVITE without an offer may not be sent before ours is there: the 200 makes it.
        let answers = self.invitation.as_ref().is_some_and(|offered| offered.body.is_some());
        let body = (ring.has_body && answers).then(|| self.answer_body());
        Some(Command::Ring { status: Status::new(ring.status)?, body, reliable: ring.is_reliable })
    }

    /// All bodies that answer one INVITE are the same (RFC 3261 section 13.2.1).
    fn answer_body(&mut self) -> Body {
        if self.answer.is_none() {
            let offer = self.invitation.as_ref().and_then(|offered| offered.body.clone());
            self.answer = Some(self.body(offer.as_deref()));
        }
        self.answer.clone().unwrap_or_else(|| body_of("application/sdp", String::new()))
    }

    fn offered(
        &mut self,
        exchange: ExchangeId,
        parts: &[Part],
        random: &mut Random,
    ) -> Result<Steps, String> {
        self.one_offer("the peer offers")?;
        let body = identity(parts);
        if body.is_empty() {
            return Err("an offer without a session description".into());
        }
        self.theirs = Some(Offered { exchange: Some(exchange), body: Some(body) });
        let is_refused = self.confirmed.is_some() && random.permille(self.script.refuses_permille);
        let step = if is_refused { Step::RefuseOffer(exchange) } else { Step::ReplyOffer(exchange) };
        Ok(vec![(self.script.thinks_ms, step)])
    }

    fn wanted(&mut self, exchange: ExchangeId) -> Result<Steps, String> {
        self.one_offer("the peer wants an offer")?;
        self.theirs = Some(Offered { exchange: Some(exchange), body: None });
        Ok(vec![(self.script.thinks_ms, Step::ReplyOffer(exchange))])
    }

    fn one_offer(&self, what: &str) -> Result<(), String> {
        if let Some((number, _)) = self.open {
            return Err(format!("two offers are open: {what} while our offer {number} is not answered"));
        }
        if let Some(theirs) = &self.theirs {
            return Err(format!(
                "two offers are open: {what} while {:?} waits for our reply",
                theirs.exchange
            ));
        }
        Ok(())
    }

    fn answered(
        &mut self,
        exchange: ExchangeId,
        parts: &[Part],
        random: &mut Random,
    ) -> Result<Steps, String> {
        let answer = line(parts, "a=re:");
        let number = answer
            .as_deref()
            .and_then(|answer| answer.strip_prefix(&self.name))
            .and_then(|rest| rest.strip_prefix('#').and_then(|number| number.parse::<u32>().ok()));
        let is_known = number.is_some_and(|number| number <= self.bodies);
        if !is_known && !self.is_lenient {
            return Err(format!("the answer answers {answer:?}, which is no offer of ours"));
        }
        // The answer to a refresh answers an older body.
        if self.open.is_some_and(|(open, _)| self.is_lenient || number == Some(open)) {
            self.open = None;
        }
        let is_rejected = random.permille(self.script.rejects_permille);
        Ok(if is_rejected { vec![(0, Step::RejectAnswer(exchange))] } else { Vec::new() })
    }

    fn is_up(&mut self, now: Mono) -> Result<Steps, String> {
        if self.confirmed.is_some() {
            return Err("Confirmed comes twice".into());
        }
        if let Some((number, _)) = self.open
            && self.hung_up.is_none()
            && number == 1
        {
            return Err("the call is confirmed, but the offer of its INVITE was not answered".into());
        }
        self.confirmed = Some(now);
        let mut steps: Steps = self.script.digits_ms.iter().map(|ms| (*ms, Step::Digit)).collect();
        let offers =
            self.script.offers_ms.iter().map(|(ms, by_update)| (*ms, Step::Offer { by_update: *by_update }));
        steps.extend(offers);
        Ok(steps)
    }

    fn digit(&mut self, parts: &[Part]) -> Result<Steps, String> {
        let digit = line(parts, "X-Digit=").ok_or("an INFO without its body")?;
        let number = digit.rsplit_once(' ').and_then(|(_, number)| number.parse::<u32>().ok());
        let due = self.digits_taken;
        if number != Some(due) {
            return Err(format!("digits once and in order: digit {due} of {digit:?} was due"));
        }
        self.digits_taken += 1;
        Ok(Vec::new())
    }

    /// A session description: each has its own name, and an answer says what it answers.
    fn body(&mut self, answers: Option<&str>) -> Body {
        self.bodies += 1;
        let mut text = format!(
            "v=0\r\no=- {0} {0} IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
             a=id:{1}#{0}\r\n",
            self.bodies, self.name
        );
        if let Some(answers) = answers {
            text.push_str(&format!("a=re:{answers}\r\n"));
        }
        body_of("application/sdp", text)
    }

    /// True where the leg ended because something failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.ended.as_ref().is_some_and(|(_, ended)| ended.by == EndedBy::Failure)
    }
}

fn body_of(content_type: &str, text: String) -> Body {
    Body { content_type: content_type.to_owned(), bytes: Bytes::from(text) }
}

/// The name of a session description; empty where there is none.
fn identity(parts: &[Part]) -> String {
    line(parts, "a=id:").unwrap_or_default()
}

/// What follows `prefix` in the line of a body that begins with it.
fn line(parts: &[Part], prefix: &str) -> Option<String> {
    parts.iter().find_map(|part| {
        let text = std::str::from_utf8(&part.body).ok()?;
        text.split("\r\n").find_map(|line| line.strip_prefix(prefix)).map(str::to_owned)
    })
}
