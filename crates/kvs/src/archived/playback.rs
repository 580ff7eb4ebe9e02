//! HLS, DASH, clips and images: refused, with the error that AWS has for media that cannot be played that way.

use crate::operation::Playback;
use crate::service::StreamMembers;
use crate::{KvsError, KvsErrorCode, KvsService, constraint};
use tympan_types::Caller;

/// Answers a playback call. All of them need H.264, H.265 or AAC; call audio is linear PCM.
pub(crate) async fn playback(
    service: &KvsService,
    caller: &Caller,
    playback: Playback,
    body: &[u8],
) -> KvsError {
    let named = constraint::request::<StreamMembers>(body).and_then(|request| request.identity());
    let identity = match named {
        Ok(identity) => identity,
        Err(error) => return error,
    };
    match service.stream(caller, &identity).await {
        Ok(stream) if stream.retention_hours == 0 => {
            KvsError::new(KvsErrorCode::NoDataRetention, "The stream has no data retention.")
        }
        Ok(_) => KvsError::new(
            KvsErrorCode::UnsupportedStreamMediaType,
            match playback {
                Playback::GetHlsStreamingSessionUrl | Playback::GetDashStreamingSessionUrl => {
                    "The stream's media cannot be played by HLS or DASH. Read it with GetMedia."
                }
                Playback::GetClip | Playback::GetImages => {
                    "The stream's media has no clips or images. Read it with GetMediaForFragmentList."
                }
            },
        ),
        Err(error) => error,
    }
}
