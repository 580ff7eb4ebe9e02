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
