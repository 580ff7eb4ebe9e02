//! What the payload types of one media stream mean.

use crate::audio::codec::AudioCodec;

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// Audio, one byte for each tick of the stream's clock.
    Audio(AudioCodec),
    /// RFC 4733 telephone events.
    TelephoneEvent {
        /// Ticks in a second of the event's durations and timestamps: 8,000 beside all our codecs, but a peer that offers Opus too
        /// may use 48,000 where it should not.
        clock_hz: u32,
    },
    /// RFC 3389 comfort noise: the sender is silent.
    ComfortNoise,
    /// Nothing that was negotiated.
    Unknown,
}

/// The negotiated meaning of all 128 payload types.
///
/// Comfort noise is always understood on 13 and, for old Cisco gateways, on 19 (RFC 3389 section 4: formerly used).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadMap {
    /// The best one, which nearly every packet has. It lies with the stream, where the others are another place in memory.
    first: Option<(u8, PayloadKind)>,
    /// No payload type twice, so at most 127.
    others: Vec<(u8, PayloadKind)>,
}

impl PayloadMap {
    /// Understands comfort noise only.
    pub const fn new() -> Self {
        Self { first: None, others: Vec::new() }
    }

    /// Both laws of G.711 on their static payload types: what a stream means when nothing was said of it.
    pub fn g711() -> Self {
        Self::new().with_audio(0, AudioCodec::Pcmu).with_audio(8, AudioCodec::Pcma)
    }

    /// Gives a payload type a meaning. The first one stands, and numbers above 127 have none.
    #[must_use]
    pub fn with(mut self, payload_type: u8, kind: PayloadKind) -> Self {
        if payload_type < 128 && !self.iter().any(|(known, _)| known == payload_type) {
            match self.first {
                None => self.first = Some((payload_type, kind)),
                Some(_) => self.others.push((payload_type, kind)),
            }
        }
        self
    }

    /// Adds audio on a payload type; the first meaning given to a payload type stands.
    #[must_use]
    pub fn with_audio(self, payload_type: u8, codec: AudioCodec) -> Self {
        self.with(payload_type, PayloadKind::Audio(codec))
    }

    /// Adds telephone events at 8,000 Hz on a payload type; the first meaning given to a payload type stands.
    #[must_use]
    pub fn with_telephone_event(self, payload_type: u8) -> Self {
        self.with(payload_type, PayloadKind::TelephoneEvent { clock_hz: AudioCodec::RTP_CLOCK_HZ })
    }

    /// What a payload type carries.
    pub fn kind(&self, payload_type: u8) -> PayloadKind {
        match self.iter().find(|&(known, _)| known == payload_type) {
            Some((_, kind)) => kind,
            None if matches!(payload_type, 13 | 19) => PayloadKind::ComfortNoise,
            None => PayloadKind::Unknown,
        }
    }

    /// The payload type of a codec.
    pub fn of_audio(&self, codec: AudioCodec) -> Option<u8> {
        let is_it = |&(_, kind): &(u8, PayloadKind)| kind == PayloadKind::Audio(codec);
        self.iter().find(is_it).map(|(payload_type, _)| payload_type)
    }

    /// Everything that was negotiated, best first.
    pub fn iter(&self) -> impl Iterator<Item = (u8, PayloadKind)> + '_ {
        self.first.into_iter().chain(self.others.iter().copied())
    }
}

impl Default for PayloadMap {
    fn default() -> Self {
        Self::g711().with_telephone_event(101)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiated_types_win_over_customary_ones() {
        let map = PayloadMap::new().with_audio(13, AudioCodec::Pcma).with_telephone_event(96);
        assert_eq!(map.kind(13), PayloadKind::Audio(AudioCodec::Pcma));
        assert_eq!(map.kind(19), PayloadKind::ComfortNoise);
        assert_eq!(map.kind(96), PayloadKind::TelephoneEvent { clock_hz: 8_000 });
        assert_eq!(map.kind(0), PayloadKind::Unknown);
    }

    #[test]
    fn the_first_meaning_of_a_payload_type_stands_and_the_map_has_an_end() {
        let map = PayloadMap::new()
            .with_audio(9, AudioCodec::G722)
            .with_telephone_event(9)
            .with(128, PayloadKind::ComfortNoise)
            .with(97, PayloadKind::TelephoneEvent { clock_hz: 48_000 });
        assert_eq!(map.kind(9), PayloadKind::Audio(AudioCodec::G722));
        assert_eq!(map.kind(128), PayloadKind::Unknown);
        assert_eq!(map.iter().map(|(number, _)| number).collect::<Vec<_>>(), [9, 97]);
        let full = (0..=255).fold(map, PayloadMap::with_telephone_event);
        assert_eq!(full.iter().count(), 128);
    }
}
