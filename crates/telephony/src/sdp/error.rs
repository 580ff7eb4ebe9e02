//! Why there is no agreement.

/// Why there is no agreement. The session is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// The text is not a session description.
    #[error("not a session description: {0}")]
    Syntax(String),
    /// The text is longer than is read.
    #[error("a session description of {0} bytes is longer than is read")]
    TooLong(usize),
    /// There are more media sections than are read.
    #[error("{0} media sections are more than are read")]
    TooManySections(usize),
    /// There are fewer media sections than before (RFC 3264 section 8).
    #[error("{offered} media sections are fewer than the {known} of the session")]
    FewerSections {
        /// What the description has.
        offered: usize,
        /// What the session has.
        known: usize,
    },
    /// No section is audio over plain RTP.
    #[error("no audio over RTP/AVP is offered; what is: {0}")]
    NoAudio(String),
    /// No codec in common.
    #[error("no common codec; what is offered: {0}")]
    NoCommonCodec(String),
    /// No connection line applies to the audio.
    #[error("no c= line says where the audio goes")]
    NoAddress,
    /// A connection line with something other than an IP address.
    #[error("connection address {0:?} is not an IP address; host names are not looked up")]
    Address(String),
    /// An offer of ours has no answer yet: neither side may offer.
    #[error("an offer of ours is open")]
    OfferOpen,
    /// An answer, and no offer of ours is open.
    #[error("an answer came without an offer of ours")]
    NoOffer,
}

impl SdpError {
    /// The SIP status to refuse an offer with: 400 for nonsense, 413 where it is too long, 491 where offers crossed, 488 (Not
    /// Acceptable Here) otherwise.
    pub const fn sip_status(&self) -> u16 {
        match self {
            Self::Syntax(_) | Self::NoOffer => 400,
            Self::TooLong(_) => 413,
            Self::OfferOpen => 491,
            Self::TooManySections(_)
            | Self::FewerSections { .. }
            | Self::NoAudio(_)
            | Self::NoCommonCodec(_)
            | Self::NoAddress
            | Self::Address(_) => 488,
        }
    }
}
