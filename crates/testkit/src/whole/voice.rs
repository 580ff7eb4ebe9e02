//! What a caller says: sound of which every sample tells its place, so that each captured one can be traced.

use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::packet::{RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_types::Mono;

/// A caller's sound and all that was sent of it. Positions count samples since the call was answered.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) law: Law,
    key: u64,
    sender: RtpSender,
    position: u64,
    /// What was sent, in order.
    pub(crate) sent: Vec<Spoken>,
}

/// One packet of sound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken {
    /// Of its first sample.
    pub(crate) position: u64,
    pub(crate) samples: u32,
    /// When the node got it first, if at all.
    pub(crate) arrived: Option<Mono>,
}

impl Voice {
    /// A voice of its own for this key.
    pub(crate) fn new(law: Law, key: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = key.to_le_bytes();
        let (ssrc, timestamp) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let sequence = u16::from_le_bytes([c, f]);
        let sender = RtpSender::new(Ssrc(ssrc), sequence, RtpTimestamp(timestamp), law.static_payload_type());
        Self { law, key, sender, position: 0, sent: Vec::new() }
    }

    /// The code at a position: never silence, in either law, and such that a few of them in a row are found only once.
    pub(crate) fn code(&self, position: u64) -> u8 {
        code(self.key, position)
    }

    /// The next packet of sound, of so many samples.
    pub(crate) fn speak(&mut self, samples: u32, frame: &mut Vec<u8>, packet: &mut Vec<u8>) {
        frame.clear();
        frame.extend((self.position..self.position + u64::from(samples)).map(|at| code(self.key, at)));
        self.sender.audio_packet(frame, packet);
        self.sent.push(Spoken { position: self.position, samples, arrived: None });
        self.position += u64::from(samples);
    }

    /// Says nothing for so many samples, and sends nothing.
    pub(crate) fn pause(&mut self, samples: u32) {
        self.sender.skip(samples);
        self.position += u64::from(samples);
    }

    /// The numbers of its packets, for keys; [`Self::pressed`] follows.
    pub(crate) fn sender(&mut self) -> &mut RtpSender {
        &mut self.sender
    }

    /// A key took so many samples, which the sender has skipped already.
    pub(crate) fn pressed(&mut self, samples: u32) {
        self.position += u64::from(samples);
    }

    /// The packet that begins at this position arrives.
    pub(crate) fn arrived(&mut self, now: Mono, packet: &[u8]) {
        let Some(timestamp) = packet.get(4..8).and_then(|bytes| bytes.try_into().ok()) else { return };
        let [_, _, _, _, e, f, g, h] = self.key.to_le_bytes();
        let begin = u32::from_le_bytes([e, f, g, h]);
        let position = u64::from(u32::from_be_bytes(timestamp).wrapping_sub(begin));
        if let Ok(index) = self.sent.binary_search_by_key(&position, |spoken| spoken.position) {
            self.sent[index].arrived.get_or_insert(now);
        }
    }

    /// Whether the sample at a position was sent.
    pub(crate) fn was_sent(&self, position: u64) -> bool {
        self.spoken(position).is_some()
    }

    /// The packet that holds a position.
    pub(crate) fn spoken(&self, position: u64) -> Option<&Spoken> {
        let behind = self.sent.partition_point(|spoken| spoken.position <= position);
        let spoken = self.sent.get(behind.checked_sub(1)?)?;
        (position < spoken.position + u64::from(spoken.samples)).then_some(spoken)
    }
}

fn code(key: u64, position: u64) -> u8 {
    let mut mixed = (key ^ position).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    // The highest bits of a product are the best mixed. Mu-law's two zeros stand for silence.
    let [.., high] = mixed.to_le_bytes();
    if matches!(high, 0x7f | 0xff) { 0x2a } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_never_silent_and_knows_what_it_sent() {
        let mut voice = Voice::new(Law::Mu, 7);
        let (mut frame, mut packet) = (Vec::new(), Vec::new());
        voice.speak(160, &mut frame, &mut packet);
        voice.pause(80);
        voice.speak(160, &mut frame, &mut packet);
        assert!(frame.iter().all(|code| Law::Mu.decode(*code) != 0));
        voice.arrived(Mono::from_millis(9), &packet);
        assert_eq!(voice.spoken(240).and_then(|spoken| spoken.arrived), Some(Mono::from_millis(9)));
        assert!(voice.was_sent(159) && !voice.was_sent(160) && voice.was_sent(399) && !voice.was_sent(400));
        assert_eq!(frame[5], voice.code(245));
    }
}
