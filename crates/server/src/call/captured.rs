//! What a call hears of one capture, on its way to the call's task.

use std::collections::VecDeque;
use tokio::sync::mpsc;
use tympan_capture::{CaptureAcks, CaptureEvent};
use tympan_contact as contact;

/// Passes the events of `acks` on, each made an input of the call, until there are no more or the call is over.
///
/// A task that is slow to take them never holds the acknowledgements back: they share the writer of all captures. What waits
/// meanwhile is merged.
pub(super) async fn follow<T>(
    mut acks: CaptureAcks,
    inputs: mpsc::Sender<T>,
    to_input: impl Fn(CaptureEvent) -> T,
) {
    let (mut waiting, mut is_over) = (Waiting::default(), false);
    while !is_over || !waiting.events.is_empty() {
        tokio::select! {
            room = inputs.reserve(), if !waiting.events.is_empty() => {
                // A call that is over has no more interest in its capture, but its last fragment is waited for.
                let Ok(room) = room else { return drain(acks).await };
                if let Some(event) = waiting.events.pop_front() {
                    room.send(to_input(event));
                }
            }
            event = acks.next(), if !is_over => match event {
                Some(event) => waiting.push(event),
                None => is_over = true,
            },
        }
    }
}

async fn drain(mut acks: CaptureAcks) {
    while acks.next().await.is_some() {}
}

/// The event in the words of the contact.
pub(super) fn of_contact(event: CaptureEvent) -> contact::CaptureEvent {
    match event {
        CaptureEvent::Opened { stream } => contact::CaptureEvent::Opened { stream },
        CaptureEvent::Acknowledged { number } => contact::CaptureEvent::Acknowledged { number },
        CaptureEvent::Failed { reason } => contact::CaptureEvent::Failed { reason },
        CaptureEvent::Closed => contact::CaptureEvent::Closed,
    }
}

/// Events that wait for the task: one acknowledgement, the newest one after it, and the end.
#[derive(Default)]
struct Waiting {
    events: VecDeque<CaptureEvent>,
}

impl Waiting {
    fn push(&mut self, event: CaptureEvent) {
        // The oldest stays, because the first of all begins the recording. Of those that follow the newest says all.
        let is_followed = self.events.len() > 1;
        match (self.events.back_mut(), &event) {
            (Some(last @ CaptureEvent::Acknowledged { .. }), CaptureEvent::Acknowledged { .. })
                if is_followed =>
            {
                *last = event;
            }
            _ => self.events.push_back(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use tympan_capture::{UploadAck, UploadAcks};
    use tympan_types::{FragmentNumber, ServerTime};

    fn number(sequence: u64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(1), 0)
    }

    /// So many fragments, each acknowledged, and then the end of the session, which is reported.
    struct Fragments {
        acknowledged: u64,
        count: u64,
        told: Option<tokio::sync::oneshot::Sender<()>>,
    }

    #[async_trait]
    impl UploadAcks for Fragments {
        async fn next(&mut self) -> Option<UploadAck> {
            if self.acknowledged == self.count {
                self.told.take().map(|told| told.send(()));
                return None;
            }
            self.acknowledged += 1;
            Some(UploadAck::Persisted { number: number(self.acknowledged), timecode_ms: 0 })
        }
    }

    #[tokio::test]
    async fn a_call_that_takes_nothing_holds_no_acknowledgement_back_and_hears_the_first_and_the_last() {
        let (told, all_read) = tokio::sync::oneshot::channel();
        let acks = Fragments { acknowledged: 0, count: 10_000, told: Some(told) };
        let (inputs, mut heard) = mpsc::channel(1);
        let acks = CaptureAcks::new(Box::new(acks), 24);
        let task = tokio::spawn(follow(acks, inputs, |event| event));
        // Nothing is taken before the session is read to its end.
        all_read.await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = heard.recv().await {
            events.push(event);
        }
        task.await.unwrap();
        assert!((3..=6).contains(&events.len()), "{} events", events.len());
        assert_eq!(events.first(), Some(&CaptureEvent::Acknowledged { number: number(1) }));
        let last = &events[events.len() - 2..];
        assert_eq!(last, [CaptureEvent::Acknowledged { number: number(10_000) }, CaptureEvent::Closed]);
    }
}
