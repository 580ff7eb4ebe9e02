//! What the payload types of one media stream mean.

use crate::audio::g711::Law;

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// G.711 audio, one byte a sample.
    Audio(Law),
    /// RFC 4733 telephone events.
    TelephoneEvent,
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
    audio: Vec<(u8, Law)>,
    telephone_event: Option<u8>,
}

impl PayloadMap {
    /// Understands comfort noise only.
    pub const fn new() -> Self {
        Self { audio: Vec::new(), telephone_event: None }
    }

    /// Both laws on their static payload types: what a stream means when nobody said otherwise.
    pub fn g711() -> Self {
        Self::new().with_audio(0, Law::Mu).with_audio(8, Law::A)
    }

    /// Adds audio on a payload type; the first meaning given to a payload type stands.
    #[must_use]
    pub fn with_audio(mut self, payload_type: u8, law: Law) -> Self {
        if payload_type < 128 && !self.audio.iter().any(|&(known, _)| known == payload_type) {
            self.audio.push((payload_type, law));
        }
        self
    }

    /// Sets the payload type of telephone events.
    #[must_use]
    pub fn with_telephone_event(mut self, payload_type: u8) -> Self {
        self.telephone_event = Some(payload_type);
        self
    }

    /// What a payload type carries.
    pub fn kind(&self, payload_type: u8) -> PayloadKind {
        if let Some(&(_, law)) = self.audio.iter().find(|&&(known, _)| known == payload_type) {
            PayloadKind::Audio(law)
        } else if self.telephone_event == Some(payload_type) {
            PayloadKind::TelephoneEvent
        } else if matches!(payload_type, 13 | 19) {
            PayloadKind::ComfortNoise
        } else {
            PayloadKind::Unknown
        }
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
        let map = PayloadMap::new().with_audio(13, Law::A).with_telephone_event(96);
        assert_eq!(map.kind(13), PayloadKind::Audio(Law::A));
        assert_eq!(map.kind(19), PayloadKind::ComfortNoise);
        assert_eq!(map.kind(96), PayloadKind::TelephoneEvent);
        assert_eq!(map.kind(0), PayloadKind::Unknown);
    }
}
