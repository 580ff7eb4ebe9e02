//! The sink of this process: a PutMedia session without HTTP around it.

use super::queue::CaptureQueue;
use async_trait::async_trait;
use std::sync::Arc;
use tympan_capture::{MediaSink, SinkError, SinkErrorKind, Upload, UploadAck, UploadAcks, UploadSpec};
use tympan_kvs::{Ack, AckEvent, AckStream, KvsErrorCode, KvsService, PutMediaRequest};
use tympan_types::{Caller, FragmentNumber};

/// Writes captures into the store of this process, through the same sessions as PutMedia over HTTP.
pub(crate) struct LocalSink {
    kvs: KvsService,
    queue: Arc<CaptureQueue>,
}

impl LocalSink {
    /// A sink for `kvs`, whose sessions are fed from `queue`.
    pub(crate) fn new(kvs: KvsService, queue: Arc<CaptureQueue>) -> Self {
        Self { kvs: kvs.within_process(), queue }
    }
}

#[async_trait]
impl MediaSink for LocalSink {
    async fn open(&self, spec: UploadSpec) -> Result<(Box<dyn Upload>, Box<dyn UploadAcks>), SinkError> {
        let caller = Caller {
            account: spec.stream.account().clone(),
            region: spec.stream.region().clone(),
            access_key_id: "tympan-capture".into(),
        };
        let session =
            self.kvs.put_media(&caller, PutMediaRequest::capture(spec.stream)).await.map_err(|error| {
                let kind = match error.code() {
                    KvsErrorCode::ResourceNotFound | KvsErrorCode::InvalidArgument => {
                        SinkErrorKind::StreamUnusable
                    }
                    _ => SinkErrorKind::Unavailable,
                };
                SinkError { kind, message: error.to_string() }
            })?;
        let acks = LocalAcks(session.acks());
        Ok((Box::new(self.queue.upload(session)), Box::new(acks)))
    }
}

/// The acks of a session, as a capture wants them.
struct LocalAcks(AckStream);

#[async_trait]
impl UploadAcks for LocalAcks {
    async fn next(&mut self) -> Option<UploadAck> {
        loop {
            if let Some(ack) = translate(&self.0.next().await?) {
                return Some(ack);
            }
        }
    }
}

/// `None` for what says nothing about a fragment.
fn translate(ack: &Ack) -> Option<UploadAck> {
    let fragment = |make: fn(FragmentNumber, u64) -> UploadAck| Some(make(ack.number?, ack.timecode?));
    match ack.event {
        AckEvent::Buffering => fragment(|number, timecode_ms| UploadAck::Buffering { number, timecode_ms }),
        AckEvent::Received => fragment(|number, timecode_ms| UploadAck::Received { number, timecode_ms }),
        AckEvent::Persisted => fragment(|number, timecode_ms| UploadAck::Persisted { number, timecode_ms }),
        AckEvent::Error(id) => Some(UploadAck::Error { id: id.id(), code: id.code().to_owned() }),
        AckEvent::Idle => None,
    }
}
