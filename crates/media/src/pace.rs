//! When the next frame of a stream is due, and what its sender's clock shows then.

use std::time::Duration;
use tympan_telephony::samples_between;
use tympan_types::Mono;

/// While a stream sends no frame per packet time, one is sent so often (RFC 6263 section 4.3).
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(15);

/// After a stall at most this many frames are sent at once; the rest of the delay is not caught up.
pub(crate) const CATCH_UP_FRAMES: u32 = 5;

/// The pace of one outgoing stream.
#[derive(Debug)]
pub(crate) struct Pace {
    /// When the next frame is due.
    next: Mono,
    /// The instant that the sender's timestamp stands for: the end of the last frame.
    clock: Mono,
    /// Frames sent since time was last seen to be ahead of them.
    burst: u32,
}

impl Pace {
    /// The first frame is due at once: it opens the way through a translator for the peer's packets.
    pub(crate) const fn new(now: Mono) -> Self {
        Self { next: now, clock: now, burst: 0 }
    }

    pub(crate) const fn next(&self) -> Mono {
        self.next
    }

    /// Whether a frame is due. After a stall some are, and then the pace is taken up again from now.
    pub(crate) fn is_due(&mut self, now: Mono) -> bool {
        if now < self.next {
            self.burst = 0;
            return false;
        }
        if self.burst == CATCH_UP_FRAMES {
            self.burst = 0;
            self.next = self.next.max(now);
            return false;
        }
        self.burst += 1;
        true
    }

    /// Goes on to the frame that is due, `frame` long; gives the samples since the last one for which nothing was sent.
    pub(crate) fn begin_frame(&mut self, frame: Duration) -> u64 {
        let silent = samples_between(self.clock, self.next);
        self.clock = self.next + frame;
        silent
    }

    /// The next frame follows at once.
    pub(crate) const fn follow(&mut self) {
        self.next = self.clock;
    }

    /// The next frame is a keep-alive.
    pub(crate) fn rest(&mut self, frame: Duration) {
        self.next = self.clock + KEEPALIVE.saturating_sub(frame);
    }

    /// The stream is taken up again: what was not sent meanwhile is not made up for.
    pub(crate) fn resume(&mut self, now: Mono) {
        self.next = self.next.max(now);
    }

    /// There is something to send: no keep-alive is waited for. Frames that follow each other keep their pace.
    pub(crate) fn hurry(&mut self, now: Mono) {
        self.next = self.next.min(now.max(self.clock));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    fn ms(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn frames_follow_each_other_without_a_gap_in_the_senders_clock() {
        let mut pace = Pace::new(ms(100));
        for frame in 0..10 {
            let due = ms(100 + 20 * frame);
            assert!(pace.is_due(due));
            assert_eq!(pace.begin_frame(FRAME), 0);
            pace.follow();
            assert!(!pace.is_due(due));
            assert_eq!(pace.next(), ms(120 + 20 * frame));
        }
    }

    #[test]
    fn a_stall_is_caught_up_by_five_frames_and_the_rest_is_a_gap_of_the_clock() {
        let mut pace = Pace::new(ms(0));
        let mut sent = 0;
        while pace.is_due(ms(1_000)) {
            assert_eq!(pace.begin_frame(FRAME), 0);
            pace.follow();
            sent += 1;
        }
        assert_eq!((sent, pace.next()), (CATCH_UP_FRAMES, ms(1_000)));
        assert!(pace.is_due(ms(1_000)));
        assert_eq!(pace.begin_frame(FRAME), 900 * 8);
    }

    #[test]
    fn what_there_is_to_send_waits_for_no_keep_alive_and_overtakes_no_frame() {
        let mut pace = Pace::new(ms(0));
        assert!(pace.is_due(ms(0)));
        pace.begin_frame(FRAME);
        pace.rest(FRAME);
        assert_eq!(pace.next(), ms(15_000));
        pace.hurry(ms(7));
        assert_eq!(pace.next(), ms(20), "the frame before lasts until then");
        pace.rest(FRAME);
        pace.hurry(ms(300));
        assert_eq!(pace.next(), ms(300));
    }
}
