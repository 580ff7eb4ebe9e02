//! The lines that PutMedia answers with: one JSON object each.
//!
//! Shape: `{"EventType":"PERSISTED","FragmentTimecode":1711124585823,"FragmentNumber":"9134..."}`, then `\n`.
//! Source: logs of real uploads; the developer guide's own example has another shape that is not on the wire.

use serde::Deserialize;
use std::collections::VecDeque;
use tympan_types::FragmentNumber;

/// One acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// What happened.
    pub event: AckEvent,
    /// The Cluster's Timestamp as it was sent.
    pub timecode: Option<u64>,
    /// The number that the service gave to the fragment.
    pub number: Option<FragmentNumber>,
}

/// What an acknowledgement tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AckEvent {
    /// The fragment has begun to arrive.
    Buffering,
    /// It has arrived.
    Received,
    /// It is stored durably.
    Persisted,
    /// Nothing arrives.
    Idle,
    /// It was refused, and the upload with it.
    Error {
        /// Such as 4004.
        id: u32,
        /// Such as `FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS`.
        code: String,
    },
    /// An event that this client does not know.
    Other(String),
}

/// Why a line is no acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// It goes on for more than 16 KB.
    #[error("an acknowledgement of more than {LINE_LIMIT_BYTES} bytes")]
    TooLong,
    /// It is not JSON, or a member has the wrong type.
    #[error("{line:?} is not an acknowledgement: {reason}")]
    Malformed {
        /// The beginning of the line.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Puts acknowledgements together, wherever their lines were cut.
///
/// The law: after each [`push`](Self::push) and after [`finish`](Self::finish), call [`poll`](Self::poll) until it
/// returns `None`. Memory: one line of at most 16 KB, and the acknowledgements of one push.
#[derive(Debug, Default)]
pub struct AckLines {
    line: Vec<u8>,
    acks: VecDeque<Ack>,
}

/// A real line has about 120 bytes.
const LINE_LIMIT_BYTES: usize = 16 << 10;

impl AckLines {
    /// Takes the next bytes of the answer. What was complete before an error can still be polled.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), AckError> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + piece.len() > LINE_LIMIT_BYTES {
                return Err(AckError::TooLong);
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }

    /// Ends the answer, and the line that has no end of its own.
    pub fn finish(&mut self) -> Result<(), AckError> {
        self.end_line()
    }

    /// The next acknowledgement.
    pub fn poll(&mut self) -> Option<Ack> {
        self.acks.pop_front()
    }

    fn end_line(&mut self) -> Result<(), AckError> {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii();
        if !line.is_empty() {
            self.acks.push_back(parse(line)?);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    event_type: String,
    fragment_timecode: Option<u64>,
    fragment_number: Option<FragmentNumber>,
    error_id: Option<u32>,
    error_code: Option<String>,
}

fn parse(line: &[u8]) -> Result<Ack, AckError> {
    let line: Line = serde_json::from_slice(line).map_err(|error| AckError::Malformed {
        line: String::from_utf8_lossy(line).chars().take(120).collect(),
        reason: error.to_string(),
    })?;
    let event = match line.event_type.as_str() {
        "BUFFERING" => AckEvent::Buffering,
        "RECEIVED" => AckEvent::Received,
        "PERSISTED" => AckEvent::Persisted,
        "IDLE" => AckEvent::Idle,
        "ERROR" => AckEvent::Error {
            id: line.error_id.unwrap_or(0),
            code: line.error_code.unwrap_or_else(|| "ERROR".to_owned()),
        },
        _ => AckEvent::Other(line.event_type),
    };
    Ok(Ack { event, timecode: line.fragment_timecode, number: line.fragment_number })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "91343852333181432392682062607743920146159169392";

    fn read(chunks: &[&[u8]]) -> Result<Vec<Ack>, AckError> {
        let mut lines = AckLines::default();
        for chunk in chunks {
            lines.push(chunk)?;
        }
        lines.finish()?;
        Ok(std::iter::from_fn(|| lines.poll()).collect())
    }

    fn sample() -> String {
        format!(
            "{{\"EventType\":\"BUFFERING\",\"FragmentTimecode\":1711124585823,\"FragmentNumber\":\"{NUMBER}\"}}\n\
             {{\"EventType\":\"IDLE\"}}\r\n\n\
             {{\"EventType\":\"ERROR\",\"FragmentTimecode\":5,\"FragmentNumber\":\"{NUMBER}\",\"ErrorId\":4002,\
             \"ErrorCode\":\"MAX_FRAGMENT_DURATION_REACHED\"}}\n{{\"EventType\":\"ARCHIVED\",\"New\":[1]}}"
        )
    }

    #[test]
    fn reads_every_event_wherever_the_lines_are_cut() {
        let sample = sample();
        let number = Some(NUMBER.parse().unwrap());
        let error = AckEvent::Error { id: 4002, code: "MAX_FRAGMENT_DURATION_REACHED".to_owned() };
        let expected = [
            Ack { event: AckEvent::Buffering, timecode: Some(1_711_124_585_823), number },
            Ack { event: AckEvent::Idle, timecode: None, number: None },
            Ack { event: error, timecode: Some(5), number },
            Ack { event: AckEvent::Other("ARCHIVED".to_owned()), timecode: None, number: None },
        ];
        assert_eq!(read(&[sample.as_bytes()]).unwrap(), expected);
        for cut in 0..sample.len() {
            let (head, tail) = sample.as_bytes().split_at(cut);
            assert_eq!(read(&[head, tail]).unwrap(), expected, "cut at {cut}");
        }
    }

    #[test]
    fn refuses_lines_that_are_no_acknowledgements() {
        for line in [
            "{",
            "[]",
            "\"PERSISTED\"",
            "{\"EventType\":1}",
            "{\"EventType\":\"IDLE\",\"FragmentNumber\":\"x\"}",
        ] {
            assert!(matches!(read(&[line.as_bytes()]), Err(AckError::Malformed { .. })), "{line}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_collected_for_ever() {
        let mut lines = AckLines::default();
        let outcome = (0..1_000).try_for_each(|_| lines.push(&[b' '; 100]));
        assert_eq!(outcome, Err(AckError::TooLong));
        assert!(lines.line.len() <= LINE_LIMIT_BYTES);
    }
}
