//! The sound of contacts, as this service asks for it: what was captured, and what is captured now.

use crate::error::{AdminError, ErrorCode};
use tympan_aws::{BoxFuture, Output, constraint};
use tympan_contact::Contact;

/// Reads the sound of contacts.
pub trait Sounds: Send + Sync {
    /// A body with the captured sound, which the server reads while it sends it.
    fn read<'a>(
        &'a self,
        contact: &'a Contact,
        wanted: WantedSound,
    ) -> BoxFuture<'a, Result<Output, SoundError>>;

    /// What a WebSocket is fed with: the sound of these tracks of a call that is up, as it is captured.
    fn listen<'a>(
        &'a self,
        contact: &'a Contact,
        tracks: Vec<SoundTrack>,
    ) -> BoxFuture<'a, Result<Output, SoundError>>;

    /// How many listeners are connected.
    fn listeners(&self) -> u64;
}

/// A part of a contact's captured sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedSound {
    /// Where on the axis.
    pub part: AxisPart,
    /// As what.
    pub form: SoundForm,
}

/// A part of the time axis of a contact, on which 0 is the waveform's StartTimestamp.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AxisPart {
    /// Where it begins, in milliseconds.
    pub from_ms: Option<u32>,
    /// Where it ends, in milliseconds; not before it begins.
    pub to_ms: Option<u32>,
}

/// How captured sound is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundForm {
    /// The samples of a track in a WAV file.
    Wav(SoundTrack),
    /// The samples of a track alone.
    Raw(SoundTrack),
    /// The stored fragments.
    Matroska,
}

/// One of the tracks of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundTrack {
    /// What the customer says.
    FromCustomer,
    /// What the customer hears.
    ToCustomer,
}

/// Why there is no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// The key of a stream may not be used.
    #[error("{0}")]
    Key(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
    /// The call is not up.
    #[error("The contact has ended: what was captured is at GetAudio.")]
    Ended,
    /// As many listeners are connected as may be.
    #[error("{most} listeners are connected already")]
    Full {
        /// How many.
        most: usize,
    },
}

impl SoundTrack {
    /// Both.
    pub const ALL: [Self; 2] = [Self::FromCustomer, Self::ToCustomer];

    /// As in a capture: `AUDIO_FROM_CUSTOMER`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromCustomer => "AUDIO_FROM_CUSTOMER",
            Self::ToCustomer => "AUDIO_TO_CUSTOMER",
        }
    }

    pub(super) fn parse(text: &str, member: &str) -> Result<Self, AdminError> {
        Ok(constraint::one_of(text, member, &Self::ALL.map(|track| (track.name(), track)))?)
    }
}

impl AxisPart {
    pub(super) fn parse(from: Option<i64>, to: Option<i64>) -> Result<Self, AdminError> {
        let bound = |value: Option<i64>, member| -> Result<Option<u32>, AdminError> {
            let value =
                value.map(|value| constraint::range(value, member, 0, i64::from(MOST_MS))).transpose()?;
            Ok(value.and_then(|value| u32::try_from(value).ok()))
        };
        let (from_ms, to_ms) = (bound(from, "from")?, bound(to, "to")?);
        if to_ms.is_some_and(|to_ms| from_ms.unwrap_or(0) > to_ms) {
            return Err(AdminError::validation("from must not be later than to."));
        }
        Ok(Self { from_ms, to_ms })
    }
}

impl From<SoundError> for AdminError {
    fn from(error: SoundError) -> Self {
        let message = error.to_string();
        match error {
            SoundError::Key(_) => Self::new(ErrorCode::KeyAccessDenied, message),
            SoundError::Store(_) => Self::internal(message),
            SoundError::Ended => Self::new(ErrorCode::ContactEnded, message),
            SoundError::Full { .. } => Self::new(ErrorCode::LimitExceeded, message),
        }
    }
}

/// The latest place on an axis that can be named: 49 days.
const MOST_MS: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_axis_ends_where_it_begins_or_later() {
        let part = |from_ms, to_ms| AxisPart { from_ms, to_ms };
        assert_eq!(AxisPart::parse(None, None).unwrap(), AxisPart::default());
        assert_eq!(AxisPart::parse(Some(7), Some(7)).unwrap(), part(Some(7), Some(7)));
        assert_eq!(AxisPart::parse(None, Some(0)).unwrap(), part(None, Some(0)));
        for (from, to) in [(Some(8), Some(7)), (Some(-1), None), (None, Some(-1)), (Some(1 << 32), None)] {
            assert_eq!(
                AxisPart::parse(from, to).unwrap_err().code(),
                ErrorCode::Validation,
                "{from:?} {to:?}"
            );
        }
    }
}
