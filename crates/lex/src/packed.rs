//! Headers that carry JSON: base64 of gzip of it, as RecognizeUtterance and PutSession have them.
//!
//! Source: Lex Runtime V2 API reference, RecognizeUtterance ("compressed with gzip and then base64 encoded").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Read;

/// What a header may unpack to: far more than a session state has, and far less than a bomb.
pub const UNPACKED_MAX_BYTES: usize = 256 * 1024;

/// Why a header cannot be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackedError {
    /// It is no base64.
    #[error("it is not base64")]
    Base64,
    /// What it encodes is no gzip, or is cut off.
    #[error("it is not compressed with gzip")]
    Gzip,
    /// It unpacks to more than is taken.
    #[error("it unpacks to more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// What it holds is no JSON of the kind that is wanted.
    #[error("what it holds cannot be read: {0}")]
    Json(String),
}

/// Packs a value. It is empty where the value is no JSON.
pub fn pack(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut packed = Vec::new();
    // Reading from memory into memory does not fail.
    let _ = GzEncoder::new(json.as_slice(), Compression::fast()).read_to_end(&mut packed);
    STANDARD.encode(packed)
}

/// Unpacks to bytes, at most [`UNPACKED_MAX_BYTES`].
///
/// # Errors
/// [`PackedError`]
pub fn unpack_bytes(text: &str) -> Result<Vec<u8>, PackedError> {
    let packed = STANDARD.decode(text.trim()).map_err(|_| PackedError::Base64)?;
    let mut bytes = Vec::new();
    let most = UNPACKED_MAX_BYTES as u64 + 1;
    let read = GzDecoder::new(packed.as_slice()).take(most).read_to_end(&mut bytes);
    if bytes.len() > UNPACKED_MAX_BYTES {
        return Err(PackedError::TooLarge { limit_bytes: UNPACKED_MAX_BYTES });
    }
    read.map_err(|_| PackedError::Gzip)?;
    Ok(bytes)
}

/// Unpacks a value.
///
/// # Errors
/// [`PackedError`]
pub fn unpack<T: DeserializeOwned>(text: &str) -> Result<T, PackedError> {
    let bytes = unpack_bytes(text)?;
    serde_json::from_slice(&bytes).map_err(|error| PackedError::Json(error.to_string()))
}

/// Unpacks a text: a JSON string, as the service sends it, or the bare text.
///
/// # Errors
/// [`PackedError`]
pub fn unpack_text(text: &str) -> Result<String, PackedError> {
    let bytes = unpack_bytes(text)?;
    match serde_json::from_slice::<String>(&bytes) {
        Ok(text) => Ok(text),
        Err(_) => String::from_utf8(bytes).map_err(|error| PackedError::Json(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SessionState;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_python_packs_is_unpacked() {
        // base64.b64encode(gzip.compress(b'{"sessionAttributes":{"a":"b"}}', mtime=0))
        let packed = "H4sIAAAAAAACA6tWKk4tLs7Mz3MsKSnKTCotSS1WsqpWSlSyUkpSqq0FABbm1jIfAAAA";
        let state: Result<SessionState, _> = unpack(packed);
        let text = unpack_bytes(packed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(state.is_ok(), "{state:?} {text:?}");
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let bomb = pack(&json!("a".repeat(16 << 20)));
        assert!(bomb.len() < 128 * 1024, "{} bytes", bomb.len());
        assert_eq!(unpack_bytes(&bomb), Err(PackedError::TooLarge { limit_bytes: UNPACKED_MAX_BYTES }));
        let just = pack(&json!("a".repeat(UNPACKED_MAX_BYTES - 2)));
        assert_eq!(unpack_bytes(&just).map(|bytes| bytes.len()), Ok(UNPACKED_MAX_BYTES));
    }

    #[test]
    fn what_is_no_base64_no_gzip_cut_off_or_no_json_says_so() {
        assert_eq!(unpack_bytes("***"), Err(PackedError::Base64));
        assert_eq!(unpack_bytes(&STANDARD.encode("{}")), Err(PackedError::Gzip));
        let whole = STANDARD.decode(pack(&json!({"a": 1}))).unwrap();
        assert_eq!(unpack_bytes(&STANDARD.encode(&whole[..whole.len() - 5])), Err(PackedError::Gzip));
        let wrong: Result<SessionState, _> = unpack(&pack(&json!([1])));
        assert!(matches!(wrong, Err(PackedError::Json(_))), "{wrong:?}");
    }

    #[test]
    fn a_transcript_is_read_as_a_json_string_or_bare() {
        assert_eq!(unpack_text(&pack(&json!("two words"))), Ok("two words".into()));
        let mut bare = Vec::new();
        GzEncoder::new(&b"two words"[..], Compression::fast()).read_to_end(&mut bare).unwrap();
        assert_eq!(unpack_text(&STANDARD.encode(bare)), Ok("two words".into()));
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_and_noise_is_an_error(text in ".{0,200}", noise in ".{0,200}") {
            prop_assert_eq!(unpack_text(&pack(&json!(text))), Ok(text));
            let _ = unpack::<SessionState>(&noise);
        }
    }
}
