//! How much silence lies between the end of the timeline and the next packet.
//!
//! Three clocks have a say: the sender's timestamps give the length of a hole, the silence clock may have filled a part of
//! it already, and the wall clock bounds it. Arrival is the upper bound: a packet's last sample is not younger than the
//! packet, so timestamps never take the timeline further ahead of the wall clock than audio itself has taken it, a
//! tolerance aside. Holes therefore cannot add up.

use super::{
    FRAME_SAMPLES, JUMP_TOLERANCE_SAMPLES, LAG_STEP_SAMPLES, LEAD_MAX_SAMPLES, PAUSE_MIN, SILENCE_MAX_SAMPLES,
};
use crate::rtp::lag::LagFloor;
use crate::rtp::ledger::Cause;
use crate::rtp::packet::RtpTimestamp;
use crate::{SampleOffset, samples_between};
use tympan_types::Mono;

/// Ties the sender's clock to the timeline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    /// The sender's timestamp at the end of the timeline; `None` until a packet ties the two clocks together.
    expected: Option<RtpTimestamp>,
    /// No audio has been placed yet.
    silent_so_far: bool,
    /// Silence from the silence clock since the last packet that moved the timeline.
    filled: u64,
    /// Silence emitted in excess of what the sender's clock accounts for, to be taken off a later quiet spell.
    surplus: u64,
    /// Packets known to be missing since the last packet that moved the timeline.
    missing: u64,
    /// An event was received since the last packet that moved the timeline.
    event_since: bool,
    /// Samples of the last audio packet.
    last_span: u64,
    last_audio: Mono,
    lag: LagFloor,
    /// How far ahead of the wall clock a hole may take the timeline.
    tolerance: i64,
}

/// A packet about to be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arriving {
    pub(super) arrival: Mono,
    /// The position that the wall clock gives the arrival.
    pub(super) wall: SampleOffset,
    pub(super) timestamp: RtpTimestamp,
    /// How many samples of audio it carries.
    pub(super) span: u64,
}

/// What comes between the end of the timeline and a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// Silence for packets that are missing; comes first.
    pub(super) lost: u64,
    /// Silence for another cause.
    pub(super) quiet: u64,
    /// That cause.
    pub(super) cause: Cause,
    /// Silence emitted before, in the place of the audio that follows now.
    pub(super) late: u64,
    /// Silence that timestamps claimed and the wall clock has not seen pass.
    pub(super) unelapsed: u64,
    /// The sender's clock jumped.
    pub(super) jumped: bool,
}

impl Gap {
    const NONE: Self = Self { lost: 0, quiet: 0, cause: Cause::Dtx, late: 0, unelapsed: 0, jumped: false };

    const fn of(quiet: u64, cause: Cause) -> Self {
        Self { quiet, cause, ..Self::NONE }
    }

    /// How far it moves the end of the timeline.
    pub(super) const fn samples(&self) -> u64 {
        self.lost + self.quiet
    }
}

impl Placement {
    pub(super) fn new(now: Mono, tolerance_samples: u64) -> Self {
        Self {
            expected: None,
            silent_so_far: true,
            filled: 0,
            surplus: 0,
            missing: 0,
            event_since: false,
            last_span: FRAME_SAMPLES as u64,
            last_audio: now,
            lag: LagFloor::default(),
            tolerance: signed(tolerance_samples).max(LAG_STEP_SAMPLES),
        }
    }

    /// When the last audio packet arrived, or the timeline began.
    pub(super) const fn last_audio(&self) -> Mono {
        self.last_audio
    }

    /// A new numbering and clock begin with the next packet; what the timeline holds stays as it is.
    pub(super) const fn restart(&mut self) {
        self.expected = None;
        self.missing = 0;
    }

    /// Packets are missing before the next one.
    pub(super) fn note_missing(&mut self, packets: u16) {
        self.missing += u64::from(packets);
    }

    /// A key is pressed.
    pub(super) const fn note_event(&mut self) {
        self.event_since = true;
    }

    /// The silence clock emitted silence.
    pub(super) const fn note_filled(&mut self, samples: u64) {
        self.filled = self.filled.saturating_add(samples);
    }

    /// Whether a timestamp lies beyond the end of the timeline, by the sender's clock.
    pub(super) fn is_news(&self, timestamp: RtpTimestamp) -> bool {
        self.expected.is_none_or(|expected| timestamp.samples_after(expected) > 0)
    }

    /// Audio was put at the end of the timeline, or left out there; the timeline now ends at `end`.
    pub(super) fn note_audio(&mut self, packet: &Arriving, end: SampleOffset) {
        self.silent_so_far = false;
        self.expected = Some(packet.timestamp.plus(u32::try_from(packet.span).unwrap_or(u32::MAX)));
        self.last_span = packet.span;
        self.last_audio = packet.arrival;
        self.lag.observe(packet.arrival, packet.wall - end);
    }

    /// The sender said that it is silent from this timestamp on.
    pub(super) const fn note_quiet(&mut self, timestamp: RtpTimestamp) {
        self.expected = Some(timestamp);
    }

    /// What comes between `end` and this packet.
    pub(super) fn advance(&mut self, end: SampleOffset, packet: &Arriving) -> Gap {
        let filled = signed(std::mem::take(&mut self.filled));
        let lost = std::mem::take(&mut self.missing).saturating_mul(self.last_span);
        let event = std::mem::take(&mut self.event_since);
        let Some(expected) = self.expected else {
            let (cause, tolerance) =
                if self.silent_so_far { (Cause::Start, 0) } else { (Cause::Jump, JUMP_TOLERANCE_SAMPLES) };
            return self.catch_up(end, packet, cause, tolerance);
        };
        let hole = packet.timestamp.samples_after(expected);
        // The silence clock has filled this hole already, wholly or in part: one trigger only.
        let rest = hole - filled;
        if hole < -SILENCE_MAX_SAMPLES || rest > SILENCE_MAX_SAMPLES {
            return self.jump(end, packet);
        }
        if rest <= 0 {
            return self.append(packet, hole, filled);
        }
        let rest = rest.unsigned_abs();
        let lost = lost.min(rest);
        let quiet = rest - lost;
        let owed = self.owed(end + rest + packet.span, packet.wall, quiet);
        let cause = if event { Cause::Event } else { Cause::Dtx };
        let gap = Gap { lost, quiet: quiet - owed, cause, ..Gap::NONE };
        let claimed = (end + gap.samples() + packet.span) - packet.wall;
        let excess = u64::try_from(claimed - self.lead_max(packet.arrival)).unwrap_or(0).min(gap.samples());
        if signed(excess) > self.tolerance {
            return self.jump(end, packet);
        }
        self.surplus -= owed;
        let quiet_left_out = excess.min(gap.quiet);
        Gap {
            quiet: gap.quiet - quiet_left_out,
            lost: gap.lost - (excess - quiet_left_out),
            unelapsed: excess,
            ..gap
        }
    }

    /// How far ahead of the wall clock a hole may take the timeline: as far as audio has within the last seconds, and what
    /// a fast clock has gained since.
    fn lead_max(&self, arrival: Mono) -> i64 {
        let gained = signed(samples_between(self.last_audio, arrival) / FAST_CLOCK + 1);
        self.tolerance.max(self.lag.lead_samples().saturating_add(gained)).min(LEAD_MAX_SAMPLES)
    }

    /// The packet follows what there is: silence has been emitted in its place, or its timestamp ran backwards.
    fn append(&mut self, packet: &Arriving, hole: i64, filled: i64) -> Gap {
        self.surplus =
            (self.surplus + (hole - filled).unsigned_abs()).min(SILENCE_MAX_SAMPLES.unsigned_abs());
        let gap = if hole == 0 { self.step_after_pause(packet.arrival) } else { Gap::NONE };
        let late = u64::try_from(filled - hole.max(0)).unwrap_or(0);
        Gap { late, jumped: hole < 0, ..gap }
    }

    /// How much of a quiet spell was emitted before, as silence that late audio then followed.
    ///
    /// Never more than the timeline is ahead of the wall clock: after a pause that the sender's clock slept through,
    /// the silence was right and nothing is owed.
    fn owed(&self, end: SampleOffset, wall: SampleOffset, quiet: u64) -> u64 {
        let lead = u64::try_from(end - wall).unwrap_or(0);
        self.surplus.min(quiet).min(lead)
    }

    /// The sender's clock says what cannot be: the wall clock alone counts.
    fn jump(&mut self, end: SampleOffset, packet: &Arriving) -> Gap {
        self.surplus = 0;
        Gap { jumped: true, ..self.catch_up(end, packet, Cause::Jump, JUMP_TOLERANCE_SAMPLES) }
    }

    /// Sets the timeline to the wall clock when it is behind: the packet is to end at its arrival.
    fn catch_up(&mut self, end: SampleOffset, packet: &Arriving, cause: Cause, tolerance: i64) -> Gap {
        self.lag.reset();
        let behind = packet.wall - (end + packet.span);
        if behind > tolerance { Gap::of(behind.unsigned_abs(), cause) } else { Gap::NONE }
    }

    /// Makes up for pauses too short for the silence clock, of senders whose clock sleeps while they are silent.
    ///
    /// Only after a gap in arrivals, and only what even the most punctual packet of some seconds lagged behind: a
    /// stall followed by a burst, jitter, and speech without a pause never come here.
    fn step_after_pause(&mut self, arrival: Mono) -> Gap {
        if arrival.since(self.last_audio) < PAUSE_MIN {
            return Gap::NONE;
        }
        let Some(lag) = self.lag.samples().filter(|&lag| lag > LAG_STEP_SAMPLES) else { return Gap::NONE };
        self.lag.make_up(lag);
        Gap::of(lag.unsigned_abs(), Cause::Pause)
    }
}

/// A sender's clock may gain one sample in so many, 1,000 ppm: ten times what a crystal does.
const FAST_CLOCK: u64 = 1_000;

/// A length of a timeline as a difference of positions.
fn signed(samples: u64) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}
