//! Stand-ins for the ends of a capture: nothing waits, so every future is ready at once.

use super::{Cut, CutterSpec, Piece, TrackProfile, Upload, UploadAck, UploadAcks};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tympan_telephony::words::Tracks;
use tympan_types::{ContactId, InstanceId};

/// Runs a future that never waits.
pub(crate) fn now_or_never<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something"),
    }
}

/// Acknowledgements in the order given, then the end of the session.
pub(crate) struct Scripted(pub(crate) VecDeque<UploadAck>);

#[async_trait]
impl UploadAcks for Scripted {
    async fn next(&mut self) -> Option<UploadAck> {
        self.0.pop_front()
    }
}

/// A capture of any contact.
pub(crate) fn spec() -> CutterSpec {
    CutterSpec {
        contact: ContactId::from_random([1; 16]),
        instance: InstanceId::from_random([2; 16]),
        tracks: Tracks::FROM_CUSTOMER,
        profile: TrackProfile::Current,
        segment_uid: [3; 16],
        has_lead_in: true,
    }
}

/// What an upload was given.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) mkv: Vec<u8>,
    /// With the place in the document that each came at.
    pub(crate) indexes: Vec<(usize, Vec<u8>)>,
    pub(crate) finished: u32,
}

/// Reads what a [`RecordingUpload`] was given.
#[derive(Clone, Default)]
pub(crate) struct Recording(Arc<Mutex<Recorded>>);

impl Recording {
    pub(crate) fn take(&self) -> Recorded {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().unwrap().mkv.len()
    }
}

/// An upload that keeps everything.
pub(crate) struct RecordingUpload(Recording);

impl RecordingUpload {
    pub(crate) fn pair() -> (Box<dyn Upload>, Recording) {
        let recording = Recording::default();
        (Box::new(Self(recording.clone())), recording)
    }
}

impl Upload for RecordingUpload {
    fn write(&mut self, mkv: &[u8]) {
        self.0.0.lock().unwrap().mkv.extend_from_slice(mkv);
    }

    fn write_cut(&mut self, cut: &Cut) {
        for piece in cut.pieces() {
            let recorded = &mut *self.0.0.lock().unwrap();
            piece.expand_into(&mut recorded.mkv);
            if let Piece::Index(index) = piece {
                recorded.indexes.push((recorded.mkv.len(), index.to_vec()));
            }
        }
    }

    fn finish(self: Box<Self>) {
        self.0.0.lock().unwrap().finished += 1;
    }
}
