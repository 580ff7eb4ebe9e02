//! One call after the other, or many at once.

use super::leg::{Ear, Leg};
use super::media::{LegId, MediaControl, MediaPlane};
use super::report::{CallOutcome, EndedBy, Report};
use super::script::Performance;
use super::sip::{Line, LineEvent, UserAgent};
use super::target::{self, Target};
use super::{CallError, LegReport, Script};
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tympan_sip::dialog::ExchangeId;
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::packet::{RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig};
use tympan_telephony::sdp::{Change, LocalMedia, SdpError, Session, StreamAgreement};

/// Calls to place.
#[derive(Debug)]
pub struct CallPlan {
    /// Who is called.
    pub target: Target,
    /// The user part of From: the caller's number.
    pub caller: String,
    /// What each caller does.
    pub script: Arc<Script>,
    /// Codecs offered, best first.
    pub codecs: Vec<AudioCodec>,
    /// How many calls.
    pub count: usize,
    /// How many are begun in a second.
    pub rate_per_s: f64,
    /// A call that lasts longer is ended.
    pub longest: Duration,
    /// Hang up this long after the script is over; `None` leaves it to the far end.
    pub hang_up_after: Option<Duration>,
    /// Keep what is heard.
    pub keep_heard: bool,
}

/// Places the calls and waits for the last to end. Cancelling `stop` hangs up all that are up and begins no more.
///
/// # Errors
/// Only what prevents every call; how each call went stands in the report.
pub async fn place(plan: CallPlan, stop: CancellationToken) -> Result<Report, CallError> {
    let peer = plan.target.resolve().await?;
    let local = target::local_address(peer)
        .map_err(|error| CallError::Network(format!("there is no way to {peer}: {error}")))?;
    let agent = UserAgent::start(local, &plan.target, peer, &plan.caller, plan.count).await?;
    let media = MediaPlane::start()?;
    let (count, rate_per_s) = (plan.count, plan.rate_per_s.max(RATE_MIN_PER_S));
    let switchboard = Arc::new(Switchboard { plan, agent, media: media.control(), local, stop });

    let begun = tokio::time::Instant::now();
    let mut calls = JoinSet::new();
    for index in 0..count {
        // Counted from the first one, so that no lateness adds up.
        let due = begun + Duration::from_secs_f64(index as f64 / rate_per_s);
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = switchboard.stop.cancelled() => break,
        }
        let switchboard = switchboard.clone();
        calls.spawn(async move { (index, switchboard.call(index as u64).await) });
    }
    let mut outcomes = Vec::with_capacity(calls.len());
    while let Some(joined) = calls.join_next().await {
        // A call's task panics only where a core of ours does; the other calls still count.
        outcomes.push(
            joined
                .unwrap_or_else(|error| (count, CallOutcome::Failed(CallError::Network(error.to_string())))),
        );
    }
    outcomes.sort_by_key(|(index, _)| *index);
    switchboard.agent.shutdown().await;
    drop(switchboard);
    let lateness = tokio::task::spawn_blocking(|| media.finish()).await.unwrap_or_default();
    Ok(Report { calls: outcomes.into_iter().map(|(_, outcome)| outcome).collect(), lateness })
}

/// One call in a quarter of an hour: below it a plan would never end.
const RATE_MIN_PER_S: f64 = 0.001;

/// What all calls share.
struct Switchboard {
    plan: CallPlan,
    agent: UserAgent,
    media: MediaControl,
    local: IpAddr,
    stop: CancellationToken,
}

impl Switchboard {
    async fn call(&self, index: u64) -> CallOutcome {
        let begun = Instant::now();
        match self.answered(index).await {
            Ok(call) => {
                let after = begun.elapsed();
                let (lasted, ended_by, media) = self.talk(call).await;
                CallOutcome::Answered { after, lasted, ended_by, media }
            }
            Err(error) => CallOutcome::Failed(error),
        }
    }

    /// INVITE to ACK, and media from there on.
    async fn answered(&self, index: u64) -> Result<Call, CallError> {
        let no_socket =
            |error: std::io::Error| CallError::Network(format!("cannot open an RTP socket: {error}"));
        let socket = UdpSocket::bind((self.local, 0)).map_err(no_socket)?;
        socket.set_nonblocking(true).map_err(no_socket)?;
        let random = uuid::Uuid::new_v4().as_u128();
        let mut session = Session::new(LocalMedia {
            codecs: self.plan.codecs.clone(),
            ..LocalMedia::new(socket.local_addr().map_err(no_socket)?, u64::from((random >> 96) as u32))
        });
        let ringing = self.agent.invite(&self.plan.target, session.make_offer()?).await?;
        let (line, sdp) = ringing.answered(&self.stop).await?;
        let agreed = match agree(&mut session, &sdp) {
            Ok(agreed) => agreed,
            Err(error) => {
                line.hang_up().await;
                return Err(error.into());
            }
        };
        let (script_over, over) = oneshot::channel();
        let timeline = TimelineConfig { payloads: agreed.payloads.clone(), ..TimelineConfig::default() };
        let leg = Leg {
            destination: agreed.destination(),
            // RFC 3550 section 5.1 wants the three to begin anywhere.
            sender: RtpSender::new(
                Ssrc(random as u32),
                (random >> 32) as u16,
                RtpTimestamp((random >> 48) as u32),
                agreed.codec.payload_type,
            ),
            performance: Performance::new(self.plan.script.clone(), agreed.codec.kind, agreed.dtmf),
            ear: if self.plan.keep_heard {
                Ear::Keeping(Box::new(Timeline::new(timeline, self.media.now())), Vec::new())
            } else {
                Ear::Counting
            },
            script_over: Some(script_over),
            report: LegReport::default(),
            socket,
        };
        Ok(Call { leg: self.media.start(index, leg), line, session, script_over: over })
    }

    /// From the answer to the end.
    async fn talk(&self, mut call: Call) -> (Duration, EndedBy, LegReport) {
        let begun = tokio::time::Instant::now();
        let mut until = begun + self.plan.longest;
        let mut script_is_over = false;
        let ended_by = loop {
            tokio::select! {
                event = call.line.event() => match event {
                    LineEvent::HungUp => break EndedBy::FarEnd,
                    LineEvent::Offered(exchange, offer) => self.answer(&mut call, exchange, &offer).await,
                    LineEvent::OfferWanted(exchange) => {
                        // SIP lets none in while an offer of ours is open: that one has failed.
                        call.session.roll_back();
                        match call.session.make_offer() {
                            Ok(offer) => call.line.reply(exchange, offer).await,
                            Err(_) => call.line.refuse(exchange).await,
                        }
                    }
                    LineEvent::Answered(exchange, answer) => self.answered_again(&mut call, exchange, &answer).await,
                },
                _ = &mut call.script_over, if !script_is_over => {
                    script_is_over = true;
                    if let Some(after) = self.plan.hang_up_after {
                        until = until.min(tokio::time::Instant::now() + after);
                    }
                }
                () = tokio::time::sleep_until(until) => break EndedBy::Plan,
                () = self.stop.cancelled() => break EndedBy::Interrupt,
            }
        };
        let lasted = begun.elapsed();
        let report = self.media.stop(call.leg).await;
        if ended_by != EndedBy::FarEnd {
            call.line.hang_up().await;
        }
        (lasted, ended_by, report)
    }

    /// A new offer of the far end.
    async fn answer(&self, call: &mut Call, exchange: ExchangeId, offer: &str) {
        call.session.roll_back();
        match call.session.receive_offer(offer) {
            Ok(answer) => {
                call.line.reply(exchange, answer.text).await;
                self.change(call, answer.change);
            }
            Err(_) => call.line.refuse(exchange).await,
        }
    }

    /// The answer to an offer that the far end wanted of us.
    async fn answered_again(&self, call: &mut Call, exchange: ExchangeId, answer: &str) {
        if !call.session.is_offering() {
            // A refresh by SIP repeats what we said last. It cannot fail: no offer is open.
            let _ = call.session.repeat_offer();
        }
        match call.session.receive_answer(answer) {
            Ok(change) => self.change(call, change),
            Err(_) => call.line.reject_answer(exchange).await,
        }
    }

    /// The media follow the session.
    fn change(&self, call: &Call, change: Change) {
        if change == Change::Changed
            && let Some(agreed) = call.session.audio().cloned()
        {
            self.media.retarget(call.leg, agreed);
        }
    }
}

/// Reads the answer to our first offer.
fn agree(session: &mut Session, answer: &str) -> Result<StreamAgreement, SdpError> {
    session.receive_answer(answer)?;
    session.audio().cloned().ok_or_else(|| SdpError::NoAudio(String::new()))
}

/// A call that is up.
struct Call {
    line: Line,
    leg: LegId,
    session: Session,
    script_over: oneshot::Receiver<()>,
}
