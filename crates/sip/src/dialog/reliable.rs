//! Reliable provisional responses (RFC 3262), both sides.

#[cfg(test)]
mod tests;

use crate::wire::{CSeq, RAck};
use bytes::Bytes;
use std::collections::VecDeque;
use tympan_types::Mono;

/// Responses that one INVITE may have waiting.
const WAITING_MAX: usize = 8;

/// Our reliable provisional responses to one INVITE: one at a time is unacknowledged, the others wait.
#[derive(Debug, Clone)]
pub struct ReliableSender {
    invite: CSeq,
    t1_ms: i64,
    next_rseq: u32,
    /// The first one is under way. Their RSeqs are consecutive and end before `next_rseq`.
    waiting: VecDeque<Bytes>,
    /// Of the first one; `None` where none waits, or once the final response is sent.
    repetition: Option<Repetition>,
}

#[derive(Debug, Clone, Copy)]
struct Repetition {
    next_at: Mono,
    pause_ms: i64,
    give_up_at: Mono,
}

/// What a PRACK does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It acknowledges the response that waits: 200.
    Yes,
    /// It acknowledges nothing that is known: 481.
    Unknown,
}

impl ReliableSender {
    /// `first_rseq` is random, from 1 to 2^31 - 1.
    pub fn new(invite: CSeq, first_rseq: u32, t1_ms: i64) -> Self {
        Self { invite, t1_ms, next_rseq: first_rseq, waiting: VecDeque::new(), repetition: None }
    }

    /// The RSeq for the next response.
    pub fn next_rseq(&self) -> u32 {
        self.next_rseq
    }

    /// False where 8 wait already. Ask before a response goes to [`super::Exchange`], which counts those that are sent.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX && self.next_rseq < u32::MAX
    }

    /// A response with that RSeq is sent now, or as soon as those before it are acknowledged; false where there is no room.
    pub fn send(&mut self, now: Mono, response: Bytes) -> bool {
        if !self.has_room() {
            return false;
        }
        // RSeq never wraps (RFC 3262 section 3): there is no room after the last one.
        self.next_rseq = self.next_rseq.saturating_add(1);
        self.waiting.push_back(response);
        if self.waiting.len() == 1 {
            self.begin(now);
        }
        true
    }

    /// A PRACK came.
    pub fn acknowledge(&mut self, now: Mono, rack: &RAck) -> Acknowledged {
        if self.waiting.is_empty() || rack.response != self.first_rseq() || rack.request != self.invite {
            return Acknowledged::Unknown;
        }
        self.waiting.pop_front();
        if self.repetition.take().is_some() && !self.waiting.is_empty() {
            self.begin(now);
        }
        Acknowledged::Yes
    }

    /// True where a response waits for its PRACK. A 2xx waits for the one that carries a session description (RFC 3262 section 3):
    /// [`super::Exchange::send_without`] knows.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The final response is sent: nothing more is repeated, and what was not sent yet never is. The PRACK of what was sent is
    /// still known.
    pub fn finish(&mut self) {
        self.repetition = None;
        // What is dropped at the end takes its RSeq with it, so that the first one keeps its own.
        let dropped = self.waiting.len().saturating_sub(1);
        self.waiting.truncate(1);
        self.next_rseq = self.next_rseq.saturating_sub(u32::try_from(dropped).unwrap_or(0));
    }

    /// Bytes to send now: first transmissions and repetitions (after T1, then doubling).
    pub fn poll(&mut self, now: Mono) -> Option<Bytes> {
        let repetition = self.repetition.as_mut()?;
        if now < repetition.next_at || now >= repetition.give_up_at {
            return None;
        }
        repetition.next_at = now.plus_ms(repetition.pause_ms);
        repetition.pause_ms = repetition.pause_ms.saturating_mul(2);
        self.waiting.front().cloned()
    }

    /// True once 64*T1 passed without a PRACK: the INVITE is refused 504, and then [`ReliableSender::finish`] is called.
    pub fn is_given_up(&self, now: Mono) -> bool {
        self.repetition.is_some_and(|repetition| now >= repetition.give_up_at)
    }

    /// When something is due.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.repetition.map(|repetition| repetition.next_at.min(repetition.give_up_at))
    }

    fn first_rseq(&self) -> u32 {
        self.next_rseq.saturating_sub(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX))
    }

    fn begin(&mut self, now: Mono) {
        let give_up_at = now.plus_ms(self.t1_ms.saturating_mul(64));
        self.repetition = Some(Repetition { next_at: now, pause_ms: self.t1_ms, give_up_at });
    }
}

/// The peer's reliable provisional responses, per early dialog.
#[derive(Debug, Clone, Default)]
pub struct ReliableReceiver {
    /// CSeq of the INVITE and RSeq of the last response that was taken.
    last: Option<(u32, u32)>,
}

/// What a provisional response with RSeq is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The next in order: it is handled, and a PRACK with this RAck is sent.
    New(RAck),
    /// A repetition: its PRACK is sent again by its own transaction; nothing to do.
    Repeated,
    /// One before it is missing: it is ignored, and comes again (RFC 3262 section 4).
    OutOfOrder,
}

impl ReliableReceiver {
    /// A provisional response with `rseq` to the request `cseq`. The first one of an INVITE begins the order, and each INVITE
    /// has its own.
    pub fn receive(&mut self, rseq: u32, cseq: CSeq) -> Taken {
        match self.last {
            // Below the range of RFC 3262 section 7.1.
            _ if rseq == 0 => return Taken::OutOfOrder,
            Some((invite, _)) if cseq.number < invite => return Taken::Repeated,
            Some((invite, last)) if cseq.number == invite => {
                if rseq <= last {
                    return Taken::Repeated;
                }
                if rseq != last.saturating_add(1) {
                    return Taken::OutOfOrder;
                }
            }
            _ => {}
        }
        self.last = Some((cseq.number, rseq));
        Taken::New(RAck { response: rseq, request: cseq })
    }
}
