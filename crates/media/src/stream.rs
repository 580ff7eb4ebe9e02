//! One audio section of a description: whose packets it takes, their timeline, and what goes back.

use crate::outbox::{Outbox, Port, Sound};
use crate::pace::Pace;
use crate::reports::Reports;
use crate::silence::SilenceSending;
use std::net::SocketAddr;
use std::time::Duration;
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::audio::g722;
use tympan_telephony::audio::pcm::SAMPLE_RATE_HZ;
use tympan_telephony::rtp::latch::{SourceLatch, Verdict};
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::payload::PayloadKind;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::Timeline;
use tympan_telephony::sdp::{Codec, Direction, StreamAgreement};
use tympan_types::Mono;

/// Packet times that are sent, in milliseconds. What is agreed beyond is brought within: no receiver needs to take more than 200 ms
/// (RFC 3551 section 4.2), but every one takes these.
const PTIME_MS: std::ops::RangeInclusive<u32> = 10..=60;

/// The level of comfort noise, -dBov: an ordinary quiet line.
const NOISE_LEVEL_DB: u8 = 65;

/// One stream of a session.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Of the present agreement; `None` while the section is refused or gone.
    agreed: Option<Agreed>,
    latch: SourceLatch,
    pub(crate) timeline: Timeline,
    sender: RtpSender,
    /// Of a stream that sends G.722.
    encoder: Option<Box<g722::Encoder>>,
    pub(crate) pace: Pace,
    reports: Reports,
    /// When the last packet was taken, or since when the peer may send.
    heard: Mono,
}

/// What matters of the agreement, packet by packet.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Agreed {
    codec: Codec,
    destination: Option<SocketAddr>,
    /// Both sides send and receive: a peer that falls silent now is no peer on hold.
    both_ways: bool,
    ptime_ms: u32,
    comfort_noise: Option<u8>,
}

/// How many packets a datagram brought into the timeline, or out of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Received {
    pub(crate) taken: u64,
    pub(crate) refused: u64,
}

/// The first numbers of an outgoing stream (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstNumbers {
    pub(crate) ssrc: Ssrc,
    pub(crate) sequence: u16,
    pub(crate) timestamp: RtpTimestamp,
}

impl Stream {
    pub(crate) fn new(
        now: Mono,
        timeline: Timeline,
        latch: SourceLatch,
        first: FirstNumbers,
        reports: Reports,
    ) -> Self {
        Self {
            agreed: None,
            latch,
            timeline,
            sender: RtpSender::new(first.ssrc, first.sequence, first.timestamp, 0),
            encoder: None,
            pace: Pace::new(now),
            reports,
            heard: now,
        }
    }

    /// Takes what was agreed of it; `None` is a section that was refused.
    pub(crate) fn negotiate(&mut self, now: Mono, agreed: Option<&StreamAgreement>, ptime_ms: Option<u32>) {
        let before = self.agreed;
        let Some(agreement) = agreed else {
            self.agreed = None;
            return;
        };
        if !agreement.remote.ip().is_unspecified() {
            self.latch.expect(agreement.remote);
        }
        self.reports.negotiate(agreement);
        self.timeline.set_payloads(agreement.payloads.clone());
        self.sender.set_payload_type(agreement.codec.payload_type);
        let noise = |(number, kind)| (kind == PayloadKind::ComfortNoise).then_some(number);
        let agreed = Agreed {
            codec: agreement.codec,
            destination: agreement.destination(),
            both_ways: agreement.direction == Direction::SendRecv && agreement.destination().is_some(),
            ptime_ms: ptime_ms.unwrap_or(agreement.ptime_ms).clamp(*PTIME_MS.start(), *PTIME_MS.end()),
            comfort_noise: agreement.payloads.iter().find_map(noise),
        };
        if agreed.codec.kind == AudioCodec::G722 {
            self.encoder.get_or_insert_default();
        } else {
            self.encoder = None;
        }
        if agreed.both_ways && !before.is_some_and(|before| before.both_ways) {
            self.heard = now;
        }
        if before.is_none() {
            self.pace.resume(now);
        }
        // A new place hears from us at once: it may only listen, and its translator lets nothing in before (RFC 3264 section 8.3.1).
        if agreed.destination.is_some() && before.and_then(|before| before.destination) != agreed.destination
        {
            self.pace.hurry(now);
        }
        self.agreed = Some(agreed);
    }

    /// Whether the section is agreed.
    pub(crate) const fn is_agreed(&self) -> bool {
        self.agreed.is_some()
    }

    /// Takes a packet, if it is from the remote party; `datagram` is what it was parsed from. A packet that the latch held comes with
    /// the one that settles whose it is.
    pub(crate) fn receive(
        &mut self,
        now: Mono,
        arrived: Mono,
        from: SocketAddr,
        packet: &RtpPacket<'_>,
        datagram: &[u8],
    ) -> Received {
        let refused_before = self.latch.stats().refused;
        let mut received = Received::default();
        match self.latch.admit(arrived.min(now), from, &packet.header(), datagram) {
            Verdict::Accepted => self.take(now, arrived, packet, &mut received),
            Verdict::Latched => {
                for (arrived, held) in self.latch.take_held() {
                    if let Ok(held) = RtpPacket::parse(&held) {
                        self.take(now, arrived, &held, &mut received);
                    }
                }
                self.take(now, arrived, packet, &mut received);
            }
            Verdict::Held | Verdict::Refused => {}
        }
        received.refused = self.latch.stats().refused - refused_before;
        received
    }

    fn take(&mut self, now: Mono, arrived: Mono, packet: &RtpPacket<'_>, received: &mut Received) {
        received.taken += 1;
        self.heard = now;
        self.reports.received(arrived.min(now), &packet.header());
        self.timeline.handle(now, arrived, packet);
    }

    /// Takes a report, if it is from the remote party; says whether it was. A peer that reports is there, though it says nothing.
    pub(crate) fn receive_report(&mut self, now: Mono, port: Port, from: SocketAddr, bytes: &[u8]) -> bool {
        let is_taken = self.reports.handle(now, port, from, self.latch.remote().ip(), bytes);
        if is_taken {
            self.heard = now;
        }
        is_taken
    }

    /// When something is due of it: of its timeline, of what it sends, of its reports.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        let sending = self.is_agreed().then(|| self.reports.next_deadline(self.latch.remote())).flatten();
        let pace = self.is_agreed().then_some(self.pace.next());
        [self.timeline.next_deadline(), pace, sending].into_iter().flatten().min()
    }

    /// Sends the report that is due; says whether there was one.
    pub(crate) fn report(&mut self, now: Mono, index: usize, out: &mut Outbox) -> bool {
        self.is_agreed() && self.reports.send_due(now, index, self.latch.remote(), out)
    }

    /// Sends the last report; says whether there was one.
    pub(crate) fn report_end(&mut self, now: Mono, index: usize, out: &mut Outbox) -> bool {
        self.is_agreed() && self.reports.send_last(now, index, self.latch.remote(), out)
    }

    /// Since when nothing has come of a peer that is in conversation; `None` of one that is on hold, or holds us.
    pub(crate) fn quiet_since(&self) -> Option<Mono> {
        self.agreed.is_some_and(|agreed| agreed.both_ways).then_some(self.heard)
    }

    /// Whether a frame of silence is sent for each packet time.
    pub(crate) fn fills_silence(&self, silence: SilenceSending) -> bool {
        silence != SilenceSending::Off && self.agreed.is_some_and(|agreed| agreed.both_ways)
    }

    pub(crate) fn frame_samples(&self) -> usize {
        let ptime_ms = self.agreed.map_or(20, |agreed| agreed.ptime_ms);
        usize::try_from(ptime_ms * (SAMPLE_RATE_HZ / 1_000)).unwrap_or(160)
    }

    pub(crate) fn frame_duration(&self) -> Duration {
        Duration::from_millis(self.agreed.map_or(20, |agreed| agreed.ptime_ms).into())
    }

    /// Begins the frame that is due.
    pub(crate) fn begin_frame(&mut self) {
        let silent = self.pace.begin_frame(self.frame_duration());
        if silent > 0 {
            self.sender.skip(u32::try_from(silent).unwrap_or(u32::MAX));
        }
    }

    /// Sends a frame of these samples, and silence where there are fewer than a frame has. Gives the frame as the peer gets it; of G.722,
    /// as it was before it was encoded. `None` where nothing goes out.
    pub(crate) fn send_sound(
        &mut self,
        now: Mono,
        index: usize,
        samples: &[i16],
        out: &mut Outbox,
    ) -> Option<Sound> {
        let count = self.frame_samples();
        let Some((agreed, to)) = self.destination() else {
            self.pass(count);
            return None;
        };
        let samples = samples.get(..count).unwrap_or(samples);
        let Self { sender, encoder, .. } = self;
        let mut sent = None;
        let sound = match (agreed.codec.kind.law(), encoder) {
            (Some(law), _) => {
                let datagram = out.transmit(index, Port::Rtp, to, |bytes| {
                    sent = Some(sender.append_audio_packet(bytes, |payload| {
                        law.encode_into(samples, payload);
                        payload.resize(payload.len() + count.saturating_sub(samples.len()), law.silence());
                    }));
                });
                Sound::companded(law, datagram.end - count..datagram.end)
            }
            (None, Some(encoder)) => {
                out.transmit(index, Port::Rtp, to, |bytes| {
                    sent = Some(sender.append_audio_packet(bytes, |payload| {
                        encoder.encode(samples, payload);
                        // At most a frame of 60 ms.
                        encoder.encode(SILENCE.get(..count - samples.len()).unwrap_or_default(), payload);
                    }));
                });
                out.keep_frame(samples, count)
            }
            (None, None) => {
                self.pass(count);
                return None;
            }
        };
        self.note_sent(now, sent);
        Some(sound)
    }

    /// Sends a frame of silence, or of comfort noise.
    pub(crate) fn send_silence(
        &mut self,
        now: Mono,
        index: usize,
        silence: SilenceSending,
        out: &mut Outbox,
    ) {
        let count = self.frame_samples();
        let noise = self.agreed.and_then(|agreed| agreed.comfort_noise);
        match (silence, noise, self.destination()) {
            (SilenceSending::ComfortNoise, Some(payload_type), Some((_, to))) => {
                let samples = u32::try_from(count).unwrap_or(u32::MAX);
                let (sender, mut sent) = (&mut self.sender, None);
                out.transmit(index, Port::Rtp, to, |bytes| {
                    sent = Some(sender.append_comfort_noise_packet(
                        payload_type,
                        NOISE_LEVEL_DB,
                        samples,
                        bytes,
                    ));
                });
                self.note_sent(now, sent);
            }
            _ => drop(self.send_sound(now, index, &[], out)),
        }
    }

    /// The peer wants nothing: the sender's clock runs on, and its numbers do not, so that nothing looks lost.
    fn pass(&mut self, samples: usize) {
        self.sender.skip(u32::try_from(samples).unwrap_or(u32::MAX));
    }

    /// The timestamp of a packet of ours and the bytes of its payload, for the reports.
    fn note_sent(&mut self, now: Mono, sent: Option<(RtpTimestamp, usize)>) {
        if let Some((timestamp, payload_bytes)) = sent {
            self.reports.sent(now, timestamp, payload_bytes);
        }
    }

    fn destination(&self) -> Option<(Agreed, SocketAddr)> {
        let agreed = self.agreed?;
        agreed.destination.map(|_| (agreed, self.latch.remote()))
    }
}

/// A frame of the longest packet time.
const SILENCE: [i16; 480] = [0; 480];
