//! Server transactions of all methods but INVITE (RFC 3261 section 17.2.2).

use super::timers::{Pace, Step};
use crate::wire::Status;
use bytes::Bytes;
use tympan_types::Mono;

/// The machine. Trying and Proceeding are one state: they differ by whether a response was sent.
#[derive(Debug)]
pub(super) struct Server {
    state: State,
}

#[derive(Debug)]
enum State {
    /// No final response yet. The client gives up at `until` (its timer F), so that an answer after it is of no use.
    Proceeding {
        last: Option<Bytes>,
        until: Mono,
    },
    /// The final response is repeated for each repetition of the request, until timer J. RFC 3261 has none on a reliable
    /// transport, but a stateless proxy (section 16.11) brings the repetitions of a UDP client by TCP: an INFO, answered once and
    /// repeated, must not be answered 500.
    Completed {
        response: Bytes,
        is_success: bool,
        until: Mono,
    },
    Over,
}

impl Server {
    pub(super) fn new(now: Mono, pace: Pace) -> Self {
        Self { state: State::Proceeding { last: None, until: pace.patience_from(now) } }
    }

    /// The response to a repetition of the request.
    pub(super) fn repeated(&self) -> Option<Bytes> {
        match &self.state {
            State::Proceeding { last, .. } => last.clone(),
            State::Completed { response, .. } => Some(response.clone()),
            State::Over => None,
        }
    }

    /// Takes a response; true where it is to be sent.
    pub(super) fn respond(&mut self, now: Mono, pace: Pace, status: Status, bytes: &Bytes) -> bool {
        let State::Proceeding { last, .. } = &mut self.state else { return false };
        if status.is_provisional() {
            *last = Some(bytes.clone());
        } else {
            let (is_success, until) = (status.is_success(), pace.patience_from(now));
            self.state = State::Completed { response: bytes.clone(), is_success, until };
        }
        true
    }

    /// True where another copy of the request is to be answered 482: until a refusal.
    pub(super) fn merges(&self) -> bool {
        matches!(self.state, State::Proceeding { .. } | State::Completed { is_success: true, .. })
    }

    pub(super) fn due(&self) -> Option<Mono> {
        match &self.state {
            State::Proceeding { until, .. } | State::Completed { until, .. } => Some(*until),
            State::Over => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn advance(&mut self, now: Mono) -> Step {
        match &self.state {
            State::Proceeding { until, .. } | State::Completed { until, .. } if now < *until => Step::Nothing,
            _ => {
                self.state = State::Over;
                Step::Over
            }
        }
    }
}
