use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_types::{FragmentNumber, StreamArn, WallTime};

/// Where one capture of a customer's audio lies: `$.MediaStreams.Customer.Audio` and one item of `Recordings`.
///
/// It exists from the moment the first fragment is acknowledged. The stop values are absent while the
/// capture runs; once set they stay until the next Start block of the contact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CustomerAudio {
    /// The stream that holds the audio.
    pub stream_arn: StreamArn,
    /// When the Start block was entered.
    pub start_timestamp: WallTime,
    /// When the Stop block was entered, or the call ended.
    pub stop_timestamp: Option<WallTime>,
    /// The lead-in fragment: all audio comes after it, so an exclusive read from here misses nothing.
    pub start_fragment_number: FragmentNumber,
    /// The last fragment of the capture; it exists and holds the last sample.
    pub stop_fragment_number: Option<FragmentNumber>,
    /// What of the audio was not received, and why. Absent until a capture of this entry has ended, and after a crash in mid-call; rows of
    /// versions without ledgers have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<CaptureLedger>,
}

impl CustomerAudio {
    /// A capture of this entry has ended: after a break there may be several, one after the other.
    pub(crate) fn add_ledger(&mut self, later: CaptureLedger) {
        match &mut self.ledger {
            Some(ledger) => ledger.append(&later),
            None => self.ledger = Some(later),
        }
    }

    /// Whether audio is still being captured.
    pub fn is_running(&self) -> bool {
        self.stop_timestamp.is_none()
    }
}
