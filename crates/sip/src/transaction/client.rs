//! Client transactions of all methods but INVITE (RFC 3261 section 17.1.2).

use super::timers::{Pace, Repetition, Step, earlier};
use crate::wire::Status;
use bytes::Bytes;
use tympan_types::Mono;

/// The machine. Trying and Proceeding are one state: they differ by the pause of timer E.
#[derive(Debug)]
pub(super) struct Client {
    state: State,
}

#[derive(Debug)]
enum State {
    /// The request goes again (timer E) until a final response, or until timer F.
    Trying {
        request: Bytes,
        repeat: Option<Repetition>,
        until: Mono,
    },
    /// Copies of the final response are absorbed until timer K.
    Completed {
        until: Mono,
    },
    Over,
}

impl Client {
    pub(super) fn new(now: Mono, pace: Pace, request: Bytes) -> Self {
        let (repeat, until) = (pace.doubling_to_t2(now), pace.patience_from(now));
        Self { state: State::Trying { request, repeat, until } }
    }

    /// Takes a response; true where the user is to see it.
    pub(super) fn receive(&mut self, now: Mono, pace: Pace, status: Status) -> bool {
        let State::Trying { repeat, .. } = &mut self.state else { return false };
        if status.is_provisional() {
            if let Some(repeat) = repeat {
                repeat.slow_down();
            }
        } else if pace.reliable {
            self.state = State::Over;
        } else {
            self.state = State::Completed { until: now.plus_ms(pace.timers.t4_ms) };
        }
        true
    }

    /// True where no final response came.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    pub(super) fn due(&self) -> Option<Mono> {
        match &self.state {
            State::Trying { repeat, until, .. } => Some(earlier(repeat.as_ref(), *until)),
            State::Completed { until } => Some(*until),
            State::Over => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn advance(&mut self, now: Mono) -> Step {
        let step = match &mut self.state {
            State::Trying { until, .. } if now >= *until => Step::GivenUp,
            State::Completed { until } if now >= *until => Step::Over,
            State::Trying { request, repeat: Some(repeat), .. } if now >= repeat.due() => {
                repeat.restart(now);
                return Step::Send(request.clone());
            }
            _ => return Step::Nothing,
        };
        self.state = State::Over;
        step
    }
}
