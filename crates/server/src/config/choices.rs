//! Keys that take one of a few words.

use serde::{Deserialize, Serialize};

/// `capture.track_profile`: how the customer's track is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackNaming {
    /// `AUDIO_FROM_CUSTOMER`.
    Current,
    /// `Track_audio/L16`.
    Seed2019,
}

/// `speech.sample_rate_hz`: what Amazon Polly offers as PCM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum SpeechRate {
    /// That of a telephone.
    Hz8000,
    /// Twice that.
    Hz16000,
}

impl SpeechRate {
    /// Samples a second.
    pub fn hz(self) -> u32 {
        match self {
            Self::Hz8000 => 8_000,
            Self::Hz16000 => 16_000,
        }
    }
}

impl From<SpeechRate> for u32 {
    fn from(rate: SpeechRate) -> Self {
        rate.hz()
    }
}

impl TryFrom<u32> for SpeechRate {
    type Error = &'static str;

    fn try_from(hz: u32) -> Result<Self, Self::Error> {
        match hz {
            8_000 => Ok(Self::Hz8000),
            16_000 => Ok(Self::Hz16000),
            _ => Err("expected 8000 or 16000"),
        }
    }
}

/// `kvs.limits`: which limits hold that no key of their own sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitProfile {
    /// None of them.
    Open,
    /// The published ones.
    Aws,
}

/// `kms.provider`: who keeps the master keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKeeper {
    /// A keyring on this machine, served by the KMS API.
    Local,
    /// A KMS elsewhere.
    External,
}

/// `log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line.
    Json,
}

/// An algorithm of digest authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DigestAlgorithm {
    /// RFC 2617.
    #[serde(rename = "MD5")]
    Md5,
    /// RFC 7616, RFC 8760.
    #[serde(rename = "SHA-256")]
    Sha256,
}
