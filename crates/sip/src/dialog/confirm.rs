//! A 2xx to an INVITE until its ACK comes (RFC 3261 section 13.3.1.4): repeated by the dialog, not by the transaction.

use crate::transaction::{ServerKey, Timers};
use bytes::Bytes;
use tympan_types::Mono;

/// One 2xx that waits for its ACK. It is repeated over reliable transports too, because a hop behind the first may lose it.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The CSeq of the INVITE, which the ACK repeats.
    pub cseq: u32,
    /// The transaction that it answers.
    pub server: ServerKey,
    /// The 2xx.
    pub bytes: Bytes,
    next: Mono,
    pause_ms: i64,
    until: Mono,
    longest_pause_ms: i64,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmDue {
    /// The 2xx is sent once more.
    Repeat,
    /// 64*T1 passed: the session ends with BYE.
    GivenUp,
}

impl Confirm {
    /// The 2xx was sent for the first time now.
    pub fn new(now: Mono, timers: Timers, cseq: u32, server: ServerKey, bytes: Bytes) -> Self {
        Self {
            cseq,
            server,
            bytes,
            next: now.plus_ms(timers.t1_ms),
            pause_ms: timers.t1_ms,
            until: now.plus_ms(timers.patience_ms()),
            longest_pause_ms: timers.t2_ms,
        }
    }

    /// What is due now. After [`ConfirmDue::GivenUp`] it is to be dropped.
    pub fn poll(&mut self, now: Mono) -> Option<ConfirmDue> {
        if now >= self.until {
            return Some(ConfirmDue::GivenUp);
        }
        if now < self.next {
            return None;
        }
        self.pause_ms = self.pause_ms.saturating_mul(2).min(self.longest_pause_ms);
        self.next = now.plus_ms(self.pause_ms);
        Some(ConfirmDue::Repeat)
    }

    /// When something is due.
    pub fn next_deadline(&self) -> Mono {
        self.next.min(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_2xx_is_repeated_from_t1_to_t2_until_64_t1_have_passed() {
        let at = Mono::from_millis;
        let mut confirm = Confirm::new(at(0), Timers::default(), 1, ServerKey(1), Bytes::new());
        let mut repeated = Vec::new();
        loop {
            let now = confirm.next_deadline();
            match confirm.poll(now) {
                Some(ConfirmDue::Repeat) => repeated.push(now.as_millis()),
                Some(ConfirmDue::GivenUp) => break assert_eq!(now, at(32_000)),
                None => panic!("nothing is due at the deadline"),
            }
        }
        assert_eq!(repeated, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    }
}
