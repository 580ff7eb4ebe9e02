//! The audio codecs of a call, as SDP and RTP name them.

use super::g711::Law;

/// A codec that is understood. All of them count 8,000 ticks a second in RTP and send one byte a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// G.711 mu-law: North America, Japan. Static RTP payload type 0.
    Pcmu,
    /// G.711 A-law: everywhere else. Static RTP payload type 8.
    Pcma,
    /// G.722 at 64 kbit/s: 7 kHz of audio, sampled at 16 kHz. Static RTP payload type 9.
    G722,
}

impl AudioCodec {
    /// All of them, best understood first.
    pub const ALL: [Self; 3] = [Self::Pcmu, Self::Pcma, Self::G722];

    /// Ticks of the RTP clock in a second. G.722 has 8,000 too, although it carries 16,000 samples (RFC 3551 section 4.5.2).
    pub const RTP_CLOCK_HZ: u32 = 8_000;

    /// The encoding name in SDP (RFC 3551 section 6).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
        }
    }

    /// The codec with this encoding name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The static RTP payload type (RFC 3551 section 6).
    pub const fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
        }
    }

    /// The codec that a payload type means where no description says otherwise (RFC 3551 section 6).
    pub fn of_static_payload_type(payload_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.static_payload_type() == payload_type)
    }

    /// The companding law of G.711; `None` for a codec that is no table of samples.
    pub const fn law(self) -> Option<Law> {
        match self {
            Self::Pcmu => Some(Law::Mu),
            Self::Pcma => Some(Law::A),
            Self::G722 => None,
        }
    }
}

impl From<Law> for AudioCodec {
    fn from(law: Law) -> Self {
        match law {
            Law::Mu => Self::Pcmu,
            Law::A => Self::Pcma,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_static_payload_types_lead_back_to_the_codec() {
        for codec in AudioCodec::ALL {
            assert_eq!(AudioCodec::from_name(&codec.name().to_lowercase()), Some(codec));
            assert_eq!(AudioCodec::of_static_payload_type(codec.static_payload_type()), Some(codec));
            assert!(codec.law().is_none_or(|law| AudioCodec::from(law) == codec));
        }
        assert_eq!(AudioCodec::from_name("G729"), None);
        assert_eq!(AudioCodec::of_static_payload_type(18), None);
    }
}
