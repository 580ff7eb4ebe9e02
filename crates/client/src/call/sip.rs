//! The one place that knows the SIP agent.
//!
//! `driver` is the task that owns the agent and its sockets; this file is what a call sees of it.

mod connection;
mod driver;
mod sockets;

use super::CallError;
use super::target::Target;
use driver::{Driver, Order};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tympan_sip::agent::{Body, Command, Ended, EndedBy, Event};
use tympan_sip::dialog::ExchangeId;
use tympan_sip::wire::{Part, Status, Transport};
use tympan_telephony::sdp::SdpError;
use tympan_types::LegId;

/// How long a server may be silent. SIP itself repeats an INVITE for 32 s, which is long for a typing error.
const RESPONSE_LIMIT: Duration = Duration::from_secs(10);
/// How long it may ring.
const RING_LIMIT: Duration = Duration::from_secs(120);
/// How long the answer to a BYE or a CANCEL is waited for.
const BYE_LIMIT: Duration = Duration::from_secs(5);
/// How long that of a peer is waited for that never said anything.
const SILENT_LIMIT: Duration = Duration::from_millis(500);
/// Events of one call that wait for it. The agent has one offer open at a time, so that more than this is a flood.
const EVENTS_WAITING: usize = 32;
/// The first leg of ours; those below are of peers that call us.
const FIRST_LEG: u64 = 1 << 32;
/// What our session descriptions are.
const SDP: &str = "application/sdp";

/// A user agent that calls one peer, from ports that the kernel chose.
pub(super) struct UserAgent {
    orders: mpsc::Sender<Order>,
    legs: AtomicU64,
    caller: String,
    address: SocketAddr,
    peer: SocketAddr,
    transport: Transport,
}

impl UserAgent {
    /// `caller` is the user part of From. `calls_max` is how many calls there may be at once.
    pub(super) async fn start(
        local: IpAddr,
        target: &Target,
        peer: SocketAddr,
        caller: &str,
        calls_max: usize,
    ) -> Result<Self, CallError> {
        let sockets = sockets::bind_pair(local).await?;
        let address = sockets.address;
        let (driver, orders) = Driver::new(sockets, target.host.clone(), peer, caller, calls_max);
        tokio::spawn(driver.run());
        Ok(Self {
            orders,
            legs: AtomicU64::new(FIRST_LEG),
            caller: caller.to_owned(),
            address,
            peer,
            transport: if target.tcp { Transport::Tcp } else { Transport::Udp },
        })
    }

    /// Sends an INVITE with an offer.
    pub(super) async fn invite(&self, target: &Target, offer: String) -> Result<Ringing, CallError> {
        let leg = LegId::new(self.legs.fetch_add(1, Ordering::Relaxed));
        let command = Command::Dial {
            to: target.to_string(),
            from: format!("sip:{}@{}", self.caller, self.address),
            display_name: None,
            route: Vec::new(),
            transport: Some(self.transport),
            credentials: None,
            offer: Some(session(offer)),
            headers: Vec::new(),
            binding: None,
            replaces: None,
        };
        // Room for its events is there before the first one can come: a far end that hangs up at once is heard.
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let line = Line { leg, events, orders: self.orders.clone() };
        self.orders
            .send(Order::Dial { leg, command, events: sender })
            .await
            .map_err(|_| CallError::Network("the SIP agent is gone".to_owned()))?;
        let peer = format!("{} {}", self.transport.as_str().to_ascii_lowercase(), self.peer);
        Ok(Ringing { line, peer })
    }

    /// Writes what is still to be sent, and closes the sockets.
    pub(super) async fn shutdown(&self) {
        let (done, stopped) = oneshot::channel();
        // It may be gone already.
        let _ = self.orders.send(Order::Stop(done)).await;
        let _ = stopped.await;
    }
}

/// A call that is not answered yet.
pub(super) struct Ringing {
    line: Line,
    peer: String,
}

impl Ringing {
    /// Waits for the answer: the line, and the answer's session description. Cancelling `stop` takes the INVITE back.
    pub(super) async fn answered(mut self, stop: &CancellationToken) -> Result<(Line, String), CallError> {
        let begun = tokio::time::Instant::now();
        let (mut responded, mut answer) = (false, String::new());
        loop {
            let limit = if responded { RING_LIMIT } else { RESPONSE_LIMIT };
            let event = tokio::select! {
                biased;
                event = self.line.events.recv() => event,
                () = stop.cancelled() => {
                    self.give_up(responded).await;
                    return Err(CallError::Interrupted);
                }
                () = tokio::time::sleep_until(begun + limit) => {
                    self.give_up(responded).await;
                    return Err(if responded {
                        CallError::NotAnswered { after: limit }
                    } else {
                        CallError::NoResponse { peer: self.peer, after: limit }
                    });
                }
            };
            match event {
                Some(Event::Ringing { .. }) => responded = true,
                Some(Event::Answered { parts, .. }) => {
                    responded = true;
                    answer = description(&parts).unwrap_or_default();
                }
                Some(Event::Confirmed) => return Ok((self.line, answer)),
                // A caller that has said nothing yet keeps to its first offer.
                Some(Event::Offered { exchange, .. } | Event::OfferWanted { exchange }) => {
                    self.line.refuse(exchange).await;
                }
                Some(Event::Ended(ended)) => return Err(self.failure(ended, begun.elapsed())),
                Some(_) => {}
                None => return Err(CallError::Network("the SIP agent is gone".to_owned())),
            }
        }
    }

    fn failure(self, ended: Ended, after: Duration) -> CallError {
        let Self { peer, .. } = self;
        match ended {
            Ended { by: EndedBy::Peer, status: Some(status), reason, .. } => {
                let reason = reason.unwrap_or_else(|| status.reason().to_owned());
                CallError::Refused { status: status.code(), reason }
            }
            Ended { reason: Some(reason), .. } => CallError::Network(format!("cannot call {peer}: {reason}")),
            Ended { by: EndedBy::Failure, status: Some(Status::NOT_ACCEPTABLE_HERE), .. } => {
                CallError::Media(SdpError::Syntax("the answer has none".to_owned()))
            }
            Ended { by: EndedBy::Failure, status: Some(Status::SERVICE_UNAVAILABLE), .. } => {
                CallError::Network(format!("the connection to {peer} was lost before the call was answered"))
            }
            Ended { by: EndedBy::Failure, .. } => CallError::NoResponse { peer, after },
            _ => CallError::Network(format!("{peer} ended the call before it was answered")),
        }
    }

    /// Takes the INVITE back.
    async fn give_up(&self, responded: bool) {
        self.line.end_within(if responded { BYE_LIMIT } else { SILENT_LIMIT }).await;
    }
}

/// A call that is up.
pub(super) struct Line {
    leg: LegId,
    events: mpsc::Receiver<Event>,
    orders: mpsc::Sender<Order>,
}

/// What the far end does.
pub(super) enum LineEvent {
    /// It hung up.
    HungUp,
    /// It changes the session: hold, resume, a moved address. It waits for an answer.
    Offered(ExchangeId, String),
    /// It invites again and leaves the offer to us.
    OfferWanted(ExchangeId),
    /// It answered the offer that it wanted.
    Answered(ExchangeId, String),
}

impl Line {
    /// The next event. Cancel-safe.
    pub(super) async fn event(&mut self) -> LineEvent {
        loop {
            match self.events.recv().await {
                None | Some(Event::Ended(_)) => return LineEvent::HungUp,
                Some(Event::Offered { exchange, parts }) => {
                    return LineEvent::Offered(exchange, description(&parts).unwrap_or_default());
                }
                Some(Event::OfferWanted { exchange }) => return LineEvent::OfferWanted(exchange),
                Some(Event::Answered { exchange, parts }) => {
                    return LineEvent::Answered(exchange, description(&parts).unwrap_or_default());
                }
                // Nothing that a caller would act on.
                Some(_) => {}
            }
        }
    }

    /// Our answer to an offer, or the offer that is wanted.
    pub(super) async fn reply(&self, exchange: ExchangeId, description: String) {
        self.order(Command::ReplyOffer { exchange, body: session(description) }).await;
    }

    /// 488: the session stays as it was.
    pub(super) async fn refuse(&self, exchange: ExchangeId) {
        self.order(Command::RefuseOffer { exchange, status: Status::NOT_ACCEPTABLE_HERE }).await;
    }

    /// The far end's answer is of no use.
    pub(super) async fn reject_answer(&self, exchange: ExchangeId) {
        self.order(Command::RejectAnswer { exchange }).await;
    }

    /// BYE; returns when it was answered, or gave up.
    pub(super) async fn hang_up(&self) {
        self.end_within(BYE_LIMIT).await;
    }

    async fn end_within(&self, limit: Duration) {
        let (done, answered) = oneshot::channel();
        let _ = self.orders.send(Order::HangUp { leg: self.leg, done }).await;
        let _ = tokio::time::timeout(limit, answered).await;
    }

    async fn order(&self, command: Command) {
        // The agent may be gone with the call.
        let _ = self.orders.send(Order::Command { leg: self.leg, command }).await;
    }
}

fn session(description: String) -> Body {
    Body { content_type: SDP.to_owned(), bytes: description.into() }
}

/// The session description among the parts of a body.
fn description(parts: &[Part]) -> Option<String> {
    let part = parts.iter().find(|part| part.content_type == SDP)?;
    Some(String::from_utf8_lossy(&part.body).into_owned())
}
