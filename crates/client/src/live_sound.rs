//! The sound of a call that is up, as a tympan server gives it (docs/admin.md, Sound). Not an AWS operation.

use crate::websocket::{self, Socket};
use crate::{ClientError, Contacts};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tympan_types::ContactId;

/// The largest frame: far more than a packet of sound.
const FRAME_BYTES: usize = 1 << 20;
/// The bytes of a binary frame before its samples.
const HEADER_BYTES: usize = 28;

/// A connection by which the sound of one track of a call comes.
pub struct LiveSound {
    socket: Socket,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveItem {
    /// A text frame: Begin, Paused, Resumed or End.
    Text(Value),
    /// Samples at their place on the contact's axis, 8,000 a second: 16-bit little-endian.
    Sound {
        /// Of the first sample.
        position: u64,
        /// The samples.
        pcm: Bytes,
    },
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveEnd {
    /// The contact has ended.
    Over,
    /// The listener was too slow, the server stops, or the connection broke: listen again; places stay the same.
    Again(String),
    /// The key of the contact's stream may not be used any more.
    KeyLost(String),
}

impl Contacts {
    /// Listens to a track of a call that is up, from now on.
    ///
    /// # Errors
    /// The service's refusal: ContactEndedException, LimitExceededException, KMSKeyAccessDeniedException; no connection.
    pub async fn live_sound(&self, id: ContactId, track: &str) -> Result<LiveSound, ClientError> {
        let (http, endpoint) = self.parts();
        let (path, query) = (format!("/tympan/contacts/{id}/listen"), format!("tracks={track}"));
        let at = (path.as_str(), query.as_str());
        Ok(LiveSound { socket: websocket::connect(http, "ListenContact", endpoint, at, FRAME_BYTES).await? })
    }
}

impl LiveSound {
    /// What comes next. Cancel-safe.
    ///
    /// # Errors
    /// How the connection ended.
    pub async fn next(&mut self) -> Result<LiveItem, LiveEnd> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let read = serde_json::from_str(&text).map(LiveItem::Text);
                    return read.map_err(|error| LiveEnd::Again(format!("a frame is no JSON ({error})")));
                }
                Some(Ok(Message::Binary(frame))) => {
                    return sound(&frame)
                        .ok_or_else(|| LiveEnd::Again("a frame of sound is too short".to_owned()));
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((NO_CODE, String::new()), |frame| {
                        (u16::from(frame.code), frame.reason.to_string())
                    });
                    return Err(end(code, reason));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(LiveEnd::Again(error.to_string())),
                None => return Err(LiveEnd::Again("the connection is over".to_owned())),
            }
        }
    }
}

fn sound(frame: &Bytes) -> Option<LiveItem> {
    let position = frame.get(4..12)?.try_into().ok().map(u64::from_be_bytes)?;
    (frame.len() >= HEADER_BYTES).then(|| LiveItem::Sound { position, pcm: frame.slice(HEADER_BYTES..) })
}

/// RFC 6455 7.1.5: a close frame without a code.
const NO_CODE: u16 = 1_005;
const NORMAL: u16 = 1_000;
/// The key may not be used any more.
const KEY_LOST: u16 = 4_009;

fn end(code: u16, reason: String) -> LiveEnd {
    match code {
        NORMAL => LiveEnd::Over,
        KEY_LOST => LiveEnd::KeyLost(reason),
        _ if reason.is_empty() => LiveEnd::Again("the server closed it".to_owned()),
        _ => LiveEnd::Again(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_sound_has_its_place_and_its_samples() {
        let mut frame = vec![0, 1, 0, 0];
        frame.extend(300_000u64.to_be_bytes());
        frame.extend([9; 16]);
        frame.extend([1, 2, 3, 4]);
        let item = sound(&Bytes::from(frame.clone())).unwrap();
        assert_eq!(item, LiveItem::Sound { position: 300_000, pcm: Bytes::from_static(&[1, 2, 3, 4]) });
        frame.truncate(27);
        assert_eq!(sound(&Bytes::from(frame)), None);
    }

    #[test]
    fn a_close_code_says_whether_to_listen_again() {
        assert_eq!(end(1_000, String::new()), LiveEnd::Over);
        assert_eq!(end(4_009, "gone".to_owned()), LiveEnd::KeyLost("gone".to_owned()));
        assert_eq!(end(4_008, "slow".to_owned()), LiveEnd::Again("slow".to_owned()));
        assert_eq!(end(1_001, String::new()), LiveEnd::Again("the server closed it".to_owned()));
    }
}
