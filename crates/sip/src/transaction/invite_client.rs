//! INVITE client transactions (RFC 3261 section 17.1.1, RFC 6026 section 7.2).

use super::timers::{Pace, Repetition, Step, earlier};
use crate::wire::{Cut, Draft, Method, Name, Response, cut_packet};
use bytes::Bytes;
use tympan_types::Mono;

/// The machine.
#[derive(Debug)]
pub(super) struct InviteClient {
    state: State,
}

#[derive(Debug)]
enum State {
    /// The INVITE goes again (timer A) until a response, or until timer B.
    Calling {
        invite: Bytes,
        repeat: Option<Repetition>,
        until: Mono,
    },
    /// A provisional response came. There is no timer here: how long it may ring is the user's choice.
    Proceeding {
        invite: Bytes,
    },
    /// A 2xx came. Every further one is for the user, until timer M.
    Accepted {
        until: Mono,
    },
    /// A refusal came: each copy of it is acknowledged again, until timer D.
    Completed {
        ack: Option<Bytes>,
        until: Mono,
    },
    Over,
}

/// What a response does.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The user is to see it.
    pub(super) is_news: bool,
    /// To be sent: the ACK of a refusal.
    pub(super) send: Option<Bytes>,
}

impl InviteClient {
    pub(super) fn new(now: Mono, pace: Pace, invite: Bytes) -> Self {
        let (repeat, until) = (pace.doubling(now), pace.patience_from(now));
        Self { state: State::Calling { invite, repeat, until } }
    }

    /// Takes a response.
    pub(super) fn receive(&mut self, now: Mono, pace: Pace, response: &Response) -> Taken {
        let status = response.status;
        match &mut self.state {
            State::Calling { invite, .. } | State::Proceeding { invite } => {
                let invite = std::mem::take(invite);
                if status.is_provisional() {
                    self.state = State::Proceeding { invite };
                    return Taken { is_news: true, send: None };
                }
                if status.is_success() {
                    self.state = State::Accepted { until: pace.patience_from(now) };
                    return Taken { is_news: true, send: None };
                }
                let ack = ack_of_refusal(invite, response);
                self.state = if pace.reliable {
                    State::Over
                } else {
                    State::Completed { ack: ack.clone(), until: pace.patience_from(now) }
                };
                Taken { is_news: true, send: ack }
            }
            State::Accepted { .. } => Taken { is_news: status.is_success(), send: None },
            State::Completed { ack, .. } if !status.is_provisional() && !status.is_success() => {
                Taken { is_news: false, send: ack.clone() }
            }
            State::Completed { .. } | State::Over => Taken::default(),
        }
    }

    /// True where no final response came.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }

    pub(super) fn due(&self) -> Option<Mono> {
        match &self.state {
            State::Calling { repeat, until, .. } => Some(earlier(repeat.as_ref(), *until)),
            State::Accepted { until } | State::Completed { until, .. } => Some(*until),
            State::Proceeding { .. } | State::Over => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn advance(&mut self, now: Mono) -> Step {
        let step = match &mut self.state {
            State::Calling { until, .. } if now >= *until => Step::GivenUp,
            State::Accepted { until } | State::Completed { until, .. } if now >= *until => Step::Over,
            State::Calling { invite, repeat: Some(repeat), .. } if now >= repeat.due() => {
                repeat.restart(now);
                return Step::Send(invite.clone());
            }
            _ => return Step::Nothing,
        };
        self.state = State::Over;
        step
    }
}

/// The ACK of a refusal (RFC 3261 section 17.1.1.3): request URI, Call-ID, From, top Via, Route and the number of CSeq are the
/// INVITE's, To is the response's. `None` only where the INVITE was no message.
fn ack_of_refusal(invite: Bytes, response: &Response) -> Option<Bytes> {
    let Cut::Message(invite) = cut_packet(invite) else { return None };
    let uri = invite.start_line().split(|&byte| byte == b' ').nth(1)?;
    let mut draft = Draft::request(&Method::Ack, std::str::from_utf8(uri).ok()?)
        .header(Name::Via, invite.text(Name::Via)?)
        .header(Name::MaxForwards, 70);
    for route in invite.values(Name::Route) {
        draft = draft.header(Name::Route, String::from_utf8_lossy(route));
    }
    let draft = draft
        .header(Name::From, invite.text(Name::From)?)
        .header(Name::To, response.to.as_str())
        .header(Name::CallId, invite.text(Name::CallId)?)
        .header(Name::CSeq, format_args!("{} ACK", response.cseq));
    Some(draft.finish())
}
