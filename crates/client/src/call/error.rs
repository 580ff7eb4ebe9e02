use crate::Exit;
use std::time::Duration;
use tympan_telephony::sdp::SdpError;

/// Why a call did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The far end said no.
    #[error("the call was refused: {status} {reason}")]
    Refused {
        /// SIP status, 300 to 699.
        status: u16,
        /// Its reason phrase.
        reason: String,
    },
    /// Nothing came back.
    #[error("no answer from {peer} within {} s", after.as_secs())]
    NoResponse {
        /// Address and transport.
        peer: String,
        /// How long was waited.
        after: Duration,
    },
    /// It rang, and nobody picked up.
    #[error("it rang for {} s, and nobody answered", after.as_secs())]
    NotAnswered {
        /// How long was waited.
        after: Duration,
    },
    /// The answer's session description does not fit our offer.
    #[error("the call was answered with media that cannot be used: {0}")]
    Media(#[from] SdpError),
    /// The address cannot be called.
    #[error("{target:?} cannot be called: {reason}")]
    Target {
        /// As it was given.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A socket could not be had, or a connection.
    #[error("{0}")]
    Network(String),
    /// Ctrl-C before the call was answered.
    #[error("given up before it was answered")]
    Interrupted,
}

impl CallError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Refused { status, .. } => match status {
                404 | 410 | 484 | 604 => Exit::NotFound,
                401 | 403 | 407 | 603 => Exit::Denied,
                486 | 600 => Exit::Conflict,
                408 | 480 | 500 | 502..=504 => Exit::Unavailable,
                _ => Exit::Failed,
            },
            Self::NoResponse { .. } | Self::NotAnswered { .. } | Self::Network(_) => Exit::Unavailable,
            Self::Target { .. } => Exit::Usage,
            Self::Media(_) => Exit::Failed,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    pub(crate) fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Refused { status: 404, .. } => {
                "no contact flow is attached to that number; `tympan serve --dev` answers +18005550100"
                    .to_owned()
            }
            Self::Refused { status: 488, .. } => {
                "the far end wants another codec: try --codec pcmu, pcma or g722".to_owned()
            }
            Self::Refused { status: 401 | 407, .. } => {
                "the far end wants a password, which this caller cannot give".to_owned()
            }
            Self::Refused { status: 503, .. } => {
                "the far end is full, or going down: wait, or lower --count and --rate".to_owned()
            }
            Self::NoResponse { .. } => {
                "is a SIP server there, and does a firewall let its packets through? try --tcp".to_owned()
            }
            _ => return None,
        })
    }

    /// What the summary of many calls counts it under: the status, or a word.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Refused { status, .. } => status.to_string(),
            Self::NoResponse { .. } => "no response".to_owned(),
            Self::NotAnswered { .. } => "not answered".to_owned(),
            Self::Media(_) => "unusable media".to_owned(),
            Self::Target { .. } => "bad address".to_owned(),
            Self::Network(_) => "network".to_owned(),
            Self::Interrupted => "interrupted".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_status() {
        for (status, exit) in [(404, 3), (403, 4), (603, 4), (486, 5), (503, 6), (408, 6), (488, 1)] {
            let error = CallError::Refused { status, reason: String::new() };
            assert_eq!(error.exit() as u8, exit, "{status}");
        }
        let silent =
            CallError::NoResponse { peer: "udp 127.0.0.1:5060".into(), after: Duration::from_secs(10) };
        assert_eq!(silent.exit(), Exit::Unavailable);
        assert_eq!(silent.to_string(), "no answer from udp 127.0.0.1:5060 within 10 s");
    }
}
