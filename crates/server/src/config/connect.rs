//! `[connect]`: the contact centre, and instances that exist from the start.

use super::written::{text, texts};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tympan_connect::hours::TimeZone;
use tympan_connect::phone_numbers::NumberRange;
use tympan_kms::KeyId;

/// `[connect]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connect {
    /// How long a stream rests after a call, in seconds, unless the account may have no more.
    pub stream_rest_s: u64,
    /// Keys that a caller types before a block asks for them are kept for the next block that does.
    pub keys_ahead: bool,
    /// The run of each flow is traced into the flow log, so that it can be repeated: `tympan contacts trace`.
    pub flow_traces: bool,
    /// How many days a contact is kept after its beginning; 0: until it is deleted.
    pub contacts_kept_days: u32,
    /// The numbers that SearchAvailablePhoneNumbers offers, as ranges.
    #[serde(with = "texts")]
    pub number_ranges: Vec<NumberRange>,
    /// The time zone of the hours of operation that an instance begins with.
    #[serde(with = "text")]
    pub time_zone: TimeZone,
    /// Instances that exist from the start; changes made by the API stay.
    pub instances: Vec<Instance>,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            stream_rest_s: 120,
            keys_ahead: true,
            flow_traces: false,
            contacts_kept_days: 731,
            number_ranges: vec![NumberRange::default()],
            time_zone: TimeZone::utc(),
            instances: Vec::new(),
        }
    }
}

/// `[[connect.instances]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    /// The instance alias.
    pub alias: String,
    /// How many days its contacts are kept; absent: as `connect.contacts_kept_days` says.
    pub contacts_kept_days: Option<u32>,
    /// Live media streaming; absent: not enabled.
    pub media_streaming: Option<MediaStreaming>,
    /// Functions that flows may invoke.
    pub lambda_functions: Vec<String>,
    /// Contact flows.
    pub flows: Vec<Flow>,
}

/// `[connect.instances.media_streaming]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaStreaming {
    /// Prefix of the streams' names.
    pub prefix: String,
    /// The KMS key: id, ARN or alias.
    #[serde(with = "text")]
    pub kms_key: KeyId,
    /// Hours that audio is kept; 0: no data retention.
    pub retention_hours: u32,
}

/// `[[connect.instances.flows]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flow {
    /// The flow's name.
    pub name: String,
    /// The file that holds its JSON.
    pub file: PathBuf,
    /// Numbers that ring it, in E.164.
    pub numbers: Vec<String>,
}
