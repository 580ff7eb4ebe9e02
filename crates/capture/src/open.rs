use crate::{
    CaptureAcks, Lease, LeaseError, LeaseSpec, Leases, MediaSink, SinkError, SinkErrorKind, Upload,
    UploadSpec,
};

/// A leased stream with an upload session to it.
pub struct OpenedCapture {
    /// The stream; the call keeps a clone of this until it ends.
    pub lease: Lease,
    /// For [`Capture::attach`](super::Capture::attach).
    pub upload: Box<dyn Upload>,
    /// What the call is to hear.
    pub acks: CaptureAcks,
}

/// Why no capture was opened. The text goes to the flow log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenCaptureError {
    /// No stream.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// No session.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// Leases a stream and opens an upload session to it. A stream that turns out to be unusable is replaced.
pub async fn open(
    leases: &Leases,
    sink: &dyn MediaSink,
    spec: &LeaseSpec,
) -> Result<OpenedCapture, OpenCaptureError> {
    let mut unusable = 0;
    loop {
        let lease = leases.lease(spec).await?;
        match sink.open(UploadSpec { stream: lease.arn().clone(), contact: spec.contact }).await {
            Ok((upload, acks)) => {
                let acks = CaptureAcks::new(acks, lease.retention_hours());
                return Ok(OpenedCapture { lease, upload, acks });
            }
            Err(error) if error.kind == SinkErrorKind::StreamUnusable && unusable < REPLACEMENTS => {
                unusable += 1;
                lease.forget();
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// How many streams that cannot be written are replaced before the Start block is told.
const REPLACEMENTS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::tests::{Account, spec};
    use crate::testing::{RecordingUpload, Scripted, now_or_never};
    use crate::{CaptureEvent, Rest, UploadAck, UploadAcks};
    use async_trait::async_trait;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tympan_types::{FragmentNumber, ServerTime, StreamArn};

    /// Refuses as scripted, then acknowledges one fragment.
    struct Moody {
        refusals: Mutex<VecDeque<SinkErrorKind>>,
        asked: Mutex<Vec<StreamArn>>,
    }

    impl Moody {
        fn new(refusals: &[SinkErrorKind]) -> Self {
            Self { refusals: Mutex::new(refusals.iter().copied().collect()), asked: Mutex::default() }
        }
    }

    #[async_trait]
    impl MediaSink for Moody {
        async fn open(&self, spec: UploadSpec) -> Result<(Box<dyn Upload>, Box<dyn UploadAcks>), SinkError> {
            self.asked.lock().unwrap().push(spec.stream);
            if let Some(kind) = self.refusals.lock().unwrap().pop_front() {
                return Err(SinkError { kind, message: "no".to_owned() });
            }
            let ack = UploadAck::Persisted { number: number(), timecode_ms: 1 };
            Ok((RecordingUpload::pair().0, Box::new(Scripted(VecDeque::from([ack])))))
        }
    }

    fn number() -> FragmentNumber {
        FragmentNumber::new(1, ServerTime::from_unix_ms(1), 1)
    }

    #[test]
    fn a_stream_that_cannot_be_written_is_replaced() {
        let leases = Leases::new(Account::new(9), Rest::none());
        drop(now_or_never(leases.lease(&spec(1))).unwrap());
        let sink = Moody::new(&[SinkErrorKind::StreamUnusable]);
        let mut opened = now_or_never(open(&leases, &sink, &spec(2))).ok().unwrap();
        let asked = sink.asked.lock().unwrap();
        let [unusable, usable] = asked.as_slice() else { panic!("{asked:?}") };
        assert_ne!(unusable, usable);
        assert_eq!(opened.lease.arn(), usable);
        assert_eq!(now_or_never(opened.acks.next()), Some(CaptureEvent::Acknowledged { number: number() }));
        assert_eq!(now_or_never(opened.acks.next()), Some(CaptureEvent::Closed));
        assert_eq!(now_or_never(opened.acks.next()), None);
    }

    #[test]
    fn a_stream_is_replaced_twice_and_no_more_and_those_that_were_are_not_leased_again() {
        let leases = Leases::new(Account::new(3), Rest::none());
        let free: Vec<Lease> = (1..=3).map(|call| now_or_never(leases.lease(&spec(call))).unwrap()).collect();
        drop(free);
        let sink = Moody::new(&[SinkErrorKind::StreamUnusable; 3]);
        let Err(OpenCaptureError::Sink(error)) = now_or_never(open(&leases, &sink, &spec(4))) else {
            panic!("it opened")
        };
        assert_eq!(error.kind, SinkErrorKind::StreamUnusable);
        let asked = sink.asked.lock().unwrap().clone();
        assert!(asked.len() == 3 && asked[0] != asked[1] && asked[1] != asked[2] && asked[0] != asked[2]);
        let opened = now_or_never(open(&leases, &Moody::new(&[]), &spec(5))).ok().unwrap();
        assert_eq!(opened.lease.arn(), &asked[2], "it was not given up");
    }

    #[test]
    fn without_a_stream_the_sink_is_not_asked() {
        let leases = Leases::new(Account::new(0), Rest::none());
        let sink = Moody::new(&[]);
        let Err(OpenCaptureError::Lease(error)) = now_or_never(open(&leases, &sink, &spec(1))) else {
            panic!("it opened")
        };
        assert!(matches!(error, LeaseError::QuotaReached(_)), "{error}");
        assert!(sink.asked.lock().unwrap().is_empty());
    }

    #[test]
    fn a_sink_that_is_down_is_not_asked_again_and_the_stream_stays_free() {
        let leases = Leases::new(Account::new(1), Rest::none());
        let sink = Moody::new(&[SinkErrorKind::Unavailable]);
        let Err(OpenCaptureError::Sink(error)) = now_or_never(open(&leases, &sink, &spec(1))) else {
            panic!("it opened")
        };
        assert_eq!(error.to_string(), "the stream cannot be written: no");
        assert_eq!(sink.asked.lock().unwrap().len(), 1);
        assert!(now_or_never(open(&leases, &sink, &spec(2))).is_ok());
    }
}
