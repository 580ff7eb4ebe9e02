//! What a check says. Everything is text and numbers, so that the same goes to people and to programs.

use crate::{SEQUENCE_BLOCK, Stream};
use serde::Serialize;
use tympan_types::FragmentNumber;

/// How far a long reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that were read.
    pub done_bytes: u64,
    /// Bytes that there are.
    pub total_bytes: u64,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// What the file `FORMAT` says.
    pub format: String,
    /// The streams by ARN.
    pub streams: Vec<StreamCheck>,
    /// The journal.
    pub journal: JournalCheck,
    /// Chunks that were read.
    pub chunks: u64,
    /// Fragments that are what was written.
    pub fragments_intact: u64,
    /// Fragments that are not.
    pub fragments_damaged: u64,
    /// Intact ones of which only the checksum could be looked at, because their key was not at hand.
    pub fragments_without_key: u64,
    /// Indexes of fragments in side files.
    pub indexes: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Whatever is not as it should be, and what is worth knowing.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether nothing is damaged and nothing is missing.
    pub fn is_sound(&self) -> bool {
        !self.findings.iter().any(|finding| finding.kind.is_loss())
    }
}

/// What was found of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StreamCheck {
    /// The generation.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its chunks.
    pub chunks: u64,
    /// Chunks that the catalogue names and that are not there.
    pub chunks_missing: u64,
    /// Fragments that are what was written, in chunks and in the journal.
    pub fragments_intact: u64,
    /// Fragments that are not.
    pub fragments_damaged: u64,
    /// Of all these, those that are in the journal only.
    pub fragments_in_journal: u64,
    /// Wrapped data keys.
    pub data_keys: u64,
    /// Those that opened.
    pub data_keys_opened: u64,
    /// The first fragment.
    pub first: Option<String>,
    /// The last fragment.
    pub last: Option<String>,
    /// Numbers that are missing within sessions: abandoned by their writers, refused by a full disk, or taken out.
    pub numbers_skipped: u64,
    /// Where, for the first hundred places.
    pub gaps: Vec<Gap>,
}

impl StreamCheck {
    pub(super) fn of(stream: &Stream) -> Self {
        Self {
            id: stream.id.to_string(),
            name: stream.arn.name().to_string(),
            arn: stream.arn.to_string(),
            ..Self::default()
        }
    }
}

/// Numbers that are missing within a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The fragment before.
    pub after: String,
    /// The fragment behind.
    pub before: String,
    /// How many numbers lie between.
    pub numbers: u64,
}

impl Gap {
    /// A session begins at one more than a multiple of the block: what is missing before that was never used.
    pub(super) fn between(one: FragmentNumber, other: FragmentNumber) -> Option<Self> {
        let numbers = other.sequence().checked_sub(one.sequence())?.checked_sub(1)?;
        let begins_session = other.sequence() % SEQUENCE_BLOCK == 1;
        (numbers > 0 && !begins_session).then(|| Self {
            after: one.to_string(),
            before: other.to_string(),
            numbers,
        })
    }
}

/// What was found of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JournalCheck {
    /// Its segments.
    pub segments: u64,
    /// Records that are in no chunk.
    pub records: u64,
    /// Records that nobody needs any more: chunked, or of a stream that is gone.
    pub dead_records: u64,
}

/// Something that a check has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub kind: FindingKind,
    /// The stream's id, if it is about one.
    pub stream: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The fragment's number, if it is about one.
    pub fragment: Option<String>,
    /// The file, and where in it.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingKind {
    /// Bytes are not what was written.
    Damage,
    /// Something that should be there is not.
    Missing,
    /// A file that nothing refers to: harmless.
    Orphan,
    /// Worth knowing, and no loss.
    Note,
}

impl FindingKind {
    /// Whether something that was promised is gone.
    pub fn is_loss(self) -> bool {
        matches!(self, Self::Damage | Self::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_types::ServerTime;

    #[test]
    fn numbers_that_are_missing_before_a_session_are_no_gap() {
        let number = |sequence| FragmentNumber::new(sequence, ServerTime::from_unix_ms(5), 0);
        assert_eq!(Gap::between(number(4), number(5)), None);
        assert_eq!(Gap::between(number(4), number(1_001)), None);
        assert_eq!(Gap::between(number(4), number(7)).map(|gap| gap.numbers), Some(2));
        assert_eq!(Gap::between(number(4), number(4)), None);
    }
}
