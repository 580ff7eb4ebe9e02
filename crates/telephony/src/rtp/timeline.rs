//! The captured timeline: one remote party's packets as a contiguous run of samples.
//!
//! The timeline begins when the call is answered and is measured in 8 kHz samples from there. Every sample that was
//! received appears in it once, in order; what was not received is silence of exactly the length that the sender's
//! timestamps, or else the wall clock, give it. `docs/time.md` says under which assumptions its length is right.
//!
//! Source: RFC 3550 (sequence numbers, timestamps), RFC 3551 (G.711), RFC 3389 (comfort noise), RFC 4733 (events).
//! Not implemented: loss concealment, as a made-up frame is not what the caller said; adaptive playout.

mod output;
mod placement;

use std::time::Duration;

use self::output::OutputQueue;
pub use self::output::{Audio, TimelineOutput};
use self::placement::{Arriving, Placement};
use super::dtmf::{EventPacket, EventReceiver};
use super::ledger::{Cause, Ledger};
use super::packet::{RtpHeader, RtpPacket};
use super::payload::{PayloadKind, PayloadMap};
use super::reorder::{Admission, Held, Release, ReorderWindow};
use crate::audio::pcm::FRAME_SAMPLES;
use crate::time::duration_to_samples;
use crate::{SampleOffset, samples_between};
use tympan_types::Mono;

/// Turns the packets of one remote party into a contiguous run of samples.
///
/// Shape: `handle` or `tick`, then drain `poll`; each output with samples begins where the one before ended, the
/// first at [`SampleOffset::ZERO`]. Call `tick` after draining the socket, never before: packets that wait in a
/// socket would be taken for missing.
/// Units: samples at 8 kHz; `Mono` in microseconds.
/// Errors: none; whatever cannot be used is counted in [`TimelineStats`].
/// Memory: a few packets, independent of the input, as long as `poll` is drained.
#[derive(Debug)]
pub struct Timeline {
    config: TimelineConfig,
    began: Mono,
    out: OutputQueue,
    order: ReorderWindow,
    events: EventReceiver,
    placement: Placement,
    stats: TimelineStats,
}

/// What a timeline may assume and how patient it is.
#[derive(Clone, Debug)]
pub struct TimelineConfig {
    /// Meaning of the negotiated payload types.
    pub payloads: PayloadMap,
    /// How far behind the wall clock the timeline may fall before silence is emitted without a packet. Machines
    /// stall, and what has been emitted cannot be taken back; live readers see a pause at most this late.
    pub silence_grace: Duration,
    /// How many packets may wait behind a missing one.
    pub reorder_packets: usize,
    /// How long packets wait behind a missing one.
    pub reorder_wait: Duration,
}

impl Default for TimelineConfig {
    fn default() -> Self {
        Self {
            payloads: PayloadMap::default(),
            silence_grace: Duration::from_millis(500),
            reorder_packets: 4,
            reorder_wait: Duration::from_millis(100),
        }
    }
}

/// Counters of one timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelineStats {
    /// Packets handed in.
    pub packets: u64,
    /// Audio packets in the timeline.
    pub audio_packets: u64,
    /// Samples of received audio in the timeline.
    pub audio_samples: u64,
    /// Packets that never came, or came too late.
    pub lost_packets: u64,
    /// Packets that came out of order and were put right.
    pub reordered: u64,
    /// Packets that had been received before.
    pub duplicates: u64,
    /// Packets left out because later ones were already in the timeline.
    pub too_late: u64,
    /// Times audio arrived after silence had been emitted in its place; it was appended, not dropped.
    pub late: u64,
    /// Lone packets whose number fitted nothing.
    pub strays: u64,
    /// Packets of payload types that were not negotiated.
    pub unknown_payload: u64,
    /// Comfort noise packets.
    pub comfort_noise: u64,
    /// Telephone event packets.
    pub event_packets: u64,
    /// Keys.
    pub digits: u64,
    /// Changes of the synchronisation source.
    pub source_changes: u64,
    /// New sequence numberings of the same source.
    pub renumberings: u64,
    /// Timestamps that ran backwards, or forwards by more than a silence may be long or the wall clock has run on.
    pub clock_jumps: u64,
    /// Samples of silence that timestamps claimed although the wall clock had not seen them pass; left out.
    pub unelapsed_samples: u64,
    /// Audio packets left out because they would have led the wall clock by more than [`Timeline::LEAD_MAX`].
    pub excess_packets: u64,
    /// Samples of those.
    pub excess_samples: u64,
    /// Audio packets without audio.
    pub empty_packets: u64,
}

impl Timeline {
    /// How far a timeline may lead the wall clock, whatever arrives: a burst after the longest stall fits in.
    ///
    /// So no timeline is longer than the time since it began plus this.
    pub const LEAD_MAX: Duration = Duration::from_secs(10);

    /// A timeline that begins at `now`, the instant the call is answered.
    pub fn new(config: TimelineConfig, now: Mono) -> Self {
        Self {
            order: ReorderWindow::new(config.reorder_packets, config.reorder_wait),
            placement: Placement::new(now, duration_to_samples(config.silence_grace)),
            config,
            began: now,
            out: OutputQueue::default(),
            events: EventReceiver::default(),
            stats: TimelineStats::default(),
        }
    }

    /// Takes a packet that arrived at `arrival`.
    ///
    /// `arrival` may lie before `now` (a socket's own stamp); a stamp after `now` comes from a clock that disagrees
    /// and counts as `now`.
    pub fn handle(&mut self, now: Mono, arrival: Mono, packet: &RtpPacket<'_>) {
        self.stats.packets += 1;
        self.order_packet(arrival.min(now), packet.header(), packet.payload());
    }

    /// Lets time pass: gives up waiting for missing packets, and emits silence while nothing arrives.
    pub fn tick(&mut self, now: Mono) {
        self.release(now);
        let due = self.silence_due(now);
        if due > 0 {
            self.out.push_silence(due, Cause::Pause);
            self.placement.note_filled(due);
        }
    }

    /// Ends the timeline at `now`: nothing is waited for any longer, and silence reaches up to `now`.
    pub fn finish(&mut self, now: Mono) {
        self.flush();
        let behind = self.wall(now) - self.end();
        if behind > FRAME_SAMPLES as i64 {
            self.out.push_silence(behind as u64, Cause::Pause);
        }
    }

    /// The next output. Drain it after every `handle`, `tick` and `finish`.
    pub fn poll(&mut self) -> Option<TimelineOutput<'_>> {
        self.out.poll()
    }

    /// When `tick` has something to do, should no packet arrive before.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.order.deadline().or_else(|| {
            let quiet = self.placement.last_audio() + self.config.silence_grace;
            let frame_after_end = self.end() + FRAME_SAMPLES as u64;
            Some(quiet.max(self.began + frame_after_end.to_duration() + self.config.silence_grace))
        })
    }

    /// Lets time pass as `tick` does, and gives the place where the audio of packets that arrive after `now` begins.
    ///
    /// This is the sample to begin or end a capture at: whatever arrived before lies before it, packets that still
    /// wait behind a missing one included. Drain `poll` afterwards.
    pub fn position(&mut self, now: Mono) -> SampleOffset {
        self.tick(now);
        let (mut end, mut placement) = (self.end(), self.placement);
        for (held, missing) in self.order.waiting() {
            placement.note_missing(missing);
            let (kind, span) = (self.config.payloads.kind(held.header.payload_type), held.payload.len());
            match kind {
                PayloadKind::Audio(_) if span > 0 => {
                    let packet = self.arriving(held.arrival, held.header, span);
                    let gap = placement.advance(end, &packet);
                    end += gap.samples();
                    end += if self.is_in_time(end, &packet) { packet.span } else { 0 };
                    placement.note_audio(&packet, end);
                }
                PayloadKind::ComfortNoise if placement.is_news(held.header.timestamp) => {
                    end += placement.advance(end, &self.arriving(held.arrival, held.header, 0)).samples();
                    placement.note_quiet(held.header.timestamp);
                }
                PayloadKind::TelephoneEvent { .. } => placement.note_event(),
                PayloadKind::Audio(_) | PayloadKind::ComfortNoise | PayloadKind::Unknown => {}
            }
        }
        end
    }

    /// Where the outputs so far end.
    pub const fn end(&self) -> SampleOffset {
        self.out.end()
    }

    /// How far the timeline has run ahead of the wall clock, in samples; negative when it lags behind.
    pub fn lead_samples(&self, now: Mono) -> i64 {
        self.end() - self.wall(now)
    }

    /// Changes the meaning of payload types, after a re-offer.
    pub fn set_payloads(&mut self, payloads: PayloadMap) {
        self.config.payloads = payloads;
    }

    /// Counters so far.
    pub const fn stats(&self) -> &TimelineStats {
        &self.stats
    }

    /// What is not received audio, and why.
    pub const fn ledger(&self) -> &Ledger {
        self.out.ledger()
    }

    /// The ledger, to take entries out.
    pub const fn ledger_mut(&mut self) -> &mut Ledger {
        self.out.ledger_mut()
    }

    fn order_packet(&mut self, arrival: Mono, header: RtpHeader, payload: &[u8]) {
        let kind = self.config.payloads.kind(header.payload_type);
        if !self.order.fits(&header) {
            match kind {
                // Gateways send events with a source or numbering of their own: no reason to move the audio.
                PayloadKind::TelephoneEvent { clock_hz } => {
                    return self.handle_event(&EventPacket { arrival, header, payload, clock_hz });
                }
                PayloadKind::Unknown => {
                    self.stats.unknown_payload += 1;
                    return;
                }
                PayloadKind::Audio(_) | PayloadKind::ComfortNoise => {}
            }
        }
        match self.order.offer(arrival, header, payload) {
            Admission::Next => self.place(arrival, header, payload, 0),
            Admission::Held => self.stats.strays += self.order.take_displaced(),
            Admission::Duplicate => self.stats.duplicates += 1,
            Admission::TooLate => {
                self.stats.too_late += 1;
                if let PayloadKind::TelephoneEvent { clock_hz } = kind {
                    self.handle_event(&EventPacket { arrival, header, payload, clock_hz });
                }
            }
            Admission::NewSource => {
                self.flush();
                self.stats.source_changes += u64::from(self.stats.audio_packets > 0);
                self.restart(arrival, header, payload);
            }
            Admission::Renumbered => {
                let suspect = self.order.take_suspect();
                self.flush();
                if let Some(suspect) = suspect {
                    self.renumber(suspect);
                }
                self.order_packet(arrival, header, payload);
                return;
            }
        }
        self.release(arrival);
    }

    /// Places the packets whose turn has come.
    fn release(&mut self, now: Mono) {
        while let Some(release) = self.order.release(now) {
            self.apply(release);
        }
    }

    /// Places all packets that wait, whatever is missing between them.
    fn flush(&mut self) {
        while let Some(release) = self.order.flush() {
            self.apply(release);
        }
    }

    fn apply(&mut self, release: Release) {
        match release {
            Release::Packet { held, missing } => {
                self.stats.reordered += u64::from(missing == 0);
                self.place(held.arrival, held.header, &held.payload, missing);
                self.order.recycle(held.payload);
            }
            Release::Stray => self.stats.strays += 1,
            Release::Renumbered(held) => self.renumber(held),
        }
    }

    fn renumber(&mut self, held: Held) {
        self.stats.renumberings += 1;
        self.restart(held.arrival, held.header, &held.payload);
        self.order.recycle(held.payload);
    }

    /// Begins a new numbering and clock with this packet; what the timeline holds stays as it is.
    fn restart(&mut self, arrival: Mono, header: RtpHeader, payload: &[u8]) {
        self.order.restart(&header);
        self.placement.restart();
        self.out.begin_stream();
        self.place(arrival, header, payload, 0);
    }

    /// Puts a packet into the timeline; packets come here in the order of their numbers.
    fn place(&mut self, arrival: Mono, header: RtpHeader, payload: &[u8], missing: u16) {
        self.stats.lost_packets += u64::from(missing);
        self.placement.note_missing(missing);
        match self.config.payloads.kind(header.payload_type) {
            PayloadKind::Audio(_) if payload.is_empty() => self.stats.empty_packets += 1,
            PayloadKind::Audio(codec) => {
                let packet = self.arriving(arrival, header, payload.len());
                self.advance_to(&packet);
                if self.is_in_time(self.end(), &packet) {
                    self.stats.audio_packets += 1;
                    self.stats.audio_samples += packet.span;
                    self.out.push_audio(arrival, codec, payload);
                } else {
                    self.stats.excess_packets += 1;
                    self.stats.excess_samples += packet.span;
                    self.out.note(packet.span, Cause::Excess);
                }
                self.placement.note_audio(&packet, self.out.end());
            }
            PayloadKind::ComfortNoise => {
                self.stats.comfort_noise += 1;
                if self.placement.is_news(header.timestamp) {
                    self.advance_to(&self.arriving(arrival, header, 0));
                    self.placement.note_quiet(header.timestamp);
                }
            }
            PayloadKind::TelephoneEvent { clock_hz } => {
                self.placement.note_event();
                self.handle_event(&EventPacket { arrival, header, payload, clock_hz });
            }
            PayloadKind::Unknown => self.stats.unknown_payload += 1,
        }
    }

    /// Emits the silence between the end of the timeline and a packet.
    fn advance_to(&mut self, packet: &Arriving) {
        let gap = self.placement.advance(self.out.end(), packet);
        self.stats.clock_jumps += u64::from(gap.jumped);
        self.stats.unelapsed_samples += gap.unelapsed;
        if gap.late > 0 {
            self.stats.late += 1;
            self.out.note(gap.late, Cause::Late);
        }
        self.out.push_silence(gap.lost, Cause::Lost);
        self.out.push_silence(gap.quiet, gap.cause);
    }

    /// Whether the audio of a packet may follow at `end`: beyond the bound it is a flood, and left out.
    fn is_in_time(&self, end: SampleOffset, packet: &Arriving) -> bool {
        (end + packet.span) - packet.wall <= LEAD_MAX_SAMPLES
    }

    const fn arriving(&self, arrival: Mono, header: RtpHeader, span: usize) -> Arriving {
        Arriving { arrival, wall: self.wall(arrival), timestamp: header.timestamp, span: span as u64 }
    }

    fn handle_event(&mut self, packet: &EventPacket<'_>) {
        self.stats.event_packets += 1;
        if let Some(digit) = self.events.handle(packet) {
            self.stats.digits += 1;
            self.out.push_digit(digit);
        }
    }

    /// Silence that is due because nothing arrives and the wall clock runs on, in whole frames.
    fn silence_due(&self, now: Mono) -> u64 {
        if !self.order.held().is_empty() || now.since(self.placement.last_audio()) < self.config.silence_grace
        {
            return 0;
        }
        let grace = duration_to_samples(self.config.silence_grace) as i64;
        let due = (self.wall(now) - self.end() - grace).max(0) as u64;
        due - due % FRAME_SAMPLES as u64
    }

    /// The position that the wall clock gives an instant.
    const fn wall(&self, instant: Mono) -> SampleOffset {
        SampleOffset::from_samples(samples_between(self.began, instant))
    }
}

/// The longest silence that timestamps alone can bring about, 10 s: a garbled one must not fill a disk.
const SILENCE_MAX_SAMPLES: i64 = 80_000;
/// [`Timeline::LEAD_MAX`] in samples.
const LEAD_MAX_SAMPLES: i64 = 80_000;
/// A new source or clock that begins within 40 ms of the old one's end follows it without a gap.
const JUMP_TOLERANCE_SAMPLES: i64 = 320;
/// A timeline that lags less than 200 ms is left alone.
const LAG_STEP_SAMPLES: i64 = 1_600;
/// Packets further apart than this have a pause between them.
const PAUSE_MIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
