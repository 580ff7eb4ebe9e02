use crate::{UploadAck, UploadAcks};
use tympan_types::{FragmentNumber, StreamArn};

/// What a call hears of one of its captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureEvent {
    /// A stream is leased and an upload to it is open.
    Opened {
        /// The stream.
        stream: StreamArn,
    },
    /// One more fragment is as safe as the stream's retention makes it. The first is the lead-in.
    Acknowledged {
        /// Its number.
        number: FragmentNumber,
    },
    /// The capture could not be opened, or broke. Nothing more comes of it.
    Failed {
        /// Why, for the flow log.
        reason: String,
    },
    /// The session is over; every fragment of it that will ever be acknowledged has been.
    Closed,
}

/// Follows the acknowledgements of one upload session.
pub struct CaptureAcks {
    acks: Box<dyn UploadAcks>,
    /// Whether the stream keeps fragments, so that only PERSISTED counts.
    retains: bool,
    over: bool,
}

impl CaptureAcks {
    /// Follows `acks` of a stream with this retention.
    pub fn new(acks: Box<dyn UploadAcks>, retention_hours: u32) -> Self {
        Self { acks, retains: retention_hours > 0, over: false }
    }

    /// The next event; `None` after `Failed` or `Closed`. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<CaptureEvent> {
        if self.over {
            return None;
        }
        loop {
            match self.acks.next().await {
                Some(UploadAck::Persisted { number, .. }) => {
                    return Some(CaptureEvent::Acknowledged { number });
                }
                Some(UploadAck::Received { number, .. }) if !self.retains => {
                    return Some(CaptureEvent::Acknowledged { number });
                }
                Some(UploadAck::Buffering { .. } | UploadAck::Received { .. }) => {}
                Some(UploadAck::Error { id, code }) => {
                    self.over = true;
                    return Some(CaptureEvent::Failed {
                        reason: format!("the stream refused the audio: {code} ({id})"),
                    });
                }
                None => {
                    self.over = true;
                    return Some(CaptureEvent::Closed);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scripted, now_or_never};
    use proptest::prelude::*;
    use tympan_types::ServerTime;

    fn number(sequence: u64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(1), 0)
    }

    fn events(retention_hours: u32, script: Vec<UploadAck>) -> Vec<CaptureEvent> {
        let mut acks = CaptureAcks::new(Box::new(Scripted(script.into_iter().collect())), retention_hours);
        std::iter::from_fn(|| now_or_never(acks.next())).collect()
    }

    fn three_kinds(sequence: u64) -> Vec<UploadAck> {
        let (number, timecode_ms) = (number(sequence), 0);
        vec![
            UploadAck::Buffering { number, timecode_ms },
            UploadAck::Received { number, timecode_ms },
            UploadAck::Persisted { number, timecode_ms },
        ]
    }

    #[test]
    fn with_retention_only_persisted_counts() {
        let script = [three_kinds(1), three_kinds(2)].concat();
        assert_eq!(
            events(24, script),
            [
                CaptureEvent::Acknowledged { number: number(1) },
                CaptureEvent::Acknowledged { number: number(2) },
                CaptureEvent::Closed
            ]
        );
        let unpersisted = three_kinds(1)[..2].to_vec();
        assert_eq!(events(24, unpersisted), [CaptureEvent::Closed]);
    }

    #[test]
    fn without_retention_received_counts() {
        let script = three_kinds(1)[..2].to_vec();
        assert_eq!(
            events(0, script),
            [CaptureEvent::Acknowledged { number: number(1) }, CaptureEvent::Closed]
        );
    }

    proptest! {
        /// Of any acknowledgements: those that count are told in their order, up to the first error or the end, and that once.
        #[test]
        fn what_counts_is_told_in_order_up_to_the_first_error(
            kinds in prop::collection::vec(0u8..8, 0..30),
            retention_hours in prop_oneof![Just(0u32), 1u32..100],
        ) {
            let script = (1u64..).zip(&kinds).map(|(sequence, kind)| match kind {
                0..=2 => three_kinds(sequence)[0].clone(),
                3 | 4 => three_kinds(sequence)[1].clone(),
                5 | 6 => three_kinds(sequence)[2].clone(),
                _ => UploadAck::Error { id: 4000, code: "STREAM_READ_ERROR".to_owned() },
            });
            let before_error = kinds.iter().take_while(|kind| **kind < 7).count();
            let counts = |kind: u8| matches!(kind, 5 | 6) || (retention_hours == 0 && matches!(kind, 3 | 4));
            let mut expected: Vec<CaptureEvent> = (1u64..)
                .zip(&kinds[..before_error])
                .filter(|(_, kind)| counts(**kind))
                .map(|(sequence, _)| CaptureEvent::Acknowledged { number: number(sequence) })
                .collect();
            let events = events(retention_hours, script.collect());
            if before_error == kinds.len() {
                expected.push(CaptureEvent::Closed);
                prop_assert_eq!(events, expected);
            } else {
                let is_failed = matches!(events.last(), Some(CaptureEvent::Failed { .. }));
                prop_assert!(is_failed);
                prop_assert_eq!(&events[..events.len() - 1], expected);
            }
        }
    }

    #[test]
    fn an_error_is_the_last_word_and_names_its_code() {
        let error = UploadAck::Error { id: 4501, code: "KMS_KEY_DISABLED".to_owned() };
        let events = events(24, [vec![error], three_kinds(1)].concat());
        let [CaptureEvent::Failed { reason }] = events.as_slice() else { panic!("{events:?}") };
        assert!(reason.contains("KMS_KEY_DISABLED (4501)"), "{reason}");
    }
}
