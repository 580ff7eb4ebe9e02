//! INVITE server transactions (RFC 3261 section 17.2.1, RFC 6026 section 7.1).

use super::timers::{Pace, Repetition, Step, earlier};
use crate::wire::Status;
use bytes::Bytes;
use tympan_types::Mono;

/// How long an INVITE may stay without a response until a 100 goes by itself (RFC 3261 section 17.2.1).
const TRYING_AFTER_MS: i64 = 200;

/// The machine.
#[derive(Debug)]
pub(super) struct InviteServer {
    state: State,
}

#[derive(Debug)]
enum State {
    /// No response yet: the 100 that goes by itself lies ready.
    Fresh {
        trying: Bytes,
        at: Mono,
    },
    /// The last provisional response is repeated for each repetition of the INVITE.
    Proceeding {
        last: Bytes,
    },
    /// A 2xx was sent, which the dialog repeats. Repetitions of the INVITE are absorbed until timer L and another T4.
    Accepted {
        until: Mono,
    },
    /// A refusal is repeated (timer G) until its ACK, or until timer H.
    Completed {
        response: Bytes,
        repeat: Option<Repetition>,
        until: Mono,
        copies_past: Mono,
    },
    /// The refusal was acknowledged, or never will be. Copies of the ACK are absorbed until timer I, copies of the INVITE for another
    /// T4.
    Confirmed {
        until: Mono,
    },
    Over,
}

/// What an ACK is to this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ack {
    /// It acknowledges the refusal.
    First,
    /// It was acknowledged already.
    Again,
    /// It is not for this transaction: the ACK of a 2xx.
    OfDialog,
}

impl InviteServer {
    /// `trying` is the 100.
    pub(super) fn new(now: Mono, trying: Bytes) -> Self {
        Self { state: State::Fresh { trying, at: now.plus_ms(TRYING_AFTER_MS) } }
    }

    /// The response to a repetition of the INVITE.
    pub(super) fn repeated(&self) -> Option<Bytes> {
        match &self.state {
            State::Proceeding { last } => Some(last.clone()),
            State::Completed { response, .. } => Some(response.clone()),
            State::Fresh { .. } | State::Accepted { .. } | State::Confirmed { .. } | State::Over => None,
        }
    }

    /// Takes a response; true where it is to be sent.
    pub(super) fn respond(&mut self, now: Mono, pace: Pace, status: Status, bytes: &Bytes) -> bool {
        match &self.state {
            State::Fresh { .. } | State::Proceeding { .. } if status.is_provisional() => {
                self.state = State::Proceeding { last: bytes.clone() };
            }
            State::Fresh { .. } | State::Proceeding { .. } if status.is_success() => {
                self.state = State::Accepted { until: pace.copies_past_from(now) };
            }
            State::Fresh { .. } | State::Proceeding { .. } => {
                let (repeat, until) = (pace.doubling_to_t2(now), pace.patience_from(now));
                let copies_past = pace.copies_past_from(now);
                self.state = State::Completed { response: bytes.clone(), repeat, until, copies_past };
            }
            State::Accepted { .. } => return status.is_success(),
            State::Completed { .. } | State::Confirmed { .. } | State::Over => return false,
        }
        true
    }

    /// Takes an ACK.
    pub(super) fn acknowledge(&mut self, now: Mono, pace: Pace) -> Ack {
        match &self.state {
            // Also on a reliable transport, for which RFC 3261 has no timer I: a stateless proxy brings repetitions of a UDP
            // client by TCP, and one that comes after the ACK must not raise a second call.
            State::Completed { .. } => {
                self.state = State::Confirmed { until: now.plus_ms(pace.timers.t4_ms) };
                Ack::First
            }
            State::Confirmed { .. } | State::Over => Ack::Again,
            State::Fresh { .. } | State::Proceeding { .. } | State::Accepted { .. } => Ack::OfDialog,
        }
    }

    /// True where no final response was sent.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Fresh { .. } | State::Proceeding { .. })
    }

    /// True where another copy of the INVITE is to be answered 482: until a refusal.
    pub(super) fn merges(&self) -> bool {
        self.is_open() || matches!(self.state, State::Accepted { .. })
    }

    pub(super) fn due(&self) -> Option<Mono> {
        match &self.state {
            State::Fresh { at, .. } => Some(*at),
            State::Accepted { until } | State::Confirmed { until } => Some(*until),
            State::Completed { repeat, until, .. } => Some(earlier(repeat.as_ref(), *until)),
            State::Proceeding { .. } | State::Over => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn advance(&mut self, now: Mono) -> Step {
        let (next, step) = match &mut self.state {
            State::Fresh { trying, at } if now >= *at => {
                (State::Proceeding { last: trying.clone() }, Step::Send(trying.clone()))
            }
            State::Accepted { until } | State::Confirmed { until } if now >= *until => {
                (State::Over, Step::Over)
            }
            State::Completed { until, copies_past, .. } if now >= *until => {
                (State::Confirmed { until: *copies_past }, Step::GivenUp)
            }
            State::Completed { response, repeat: Some(repeat), .. } if now >= repeat.due() => {
                repeat.restart(now);
                return Step::Send(response.clone());
            }
            _ => return Step::Nothing,
        };
        self.state = next;
        step
    }
}
