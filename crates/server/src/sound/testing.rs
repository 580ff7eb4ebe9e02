//! A store with a stream, and a contact whose captures go there.

use super::{ListenerPlaces, Listening};
use crate::clock::ServiceClock;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::watch;
use tympan_admin::SoundTrack;
use tympan_contact::{Contact, CustomerAudio, fixtures};
use tympan_kms::Keyring;
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{FragmentHead, MediaStore, NewStream, StorageTier, StoreOptions, StreamId, Writer};
use tympan_telephony::audio::pcm;
use tympan_telephony::index::IndexBuilder;
use tympan_types::{FragmentNumber, ProducerTime, StreamArn, WallTime};

/// When the first capture begins.
pub(super) const BEGAN_MS: i64 = 1_706_238_600_000;

pub(super) struct Stage {
    pub(super) store: MediaStore,
    pub(super) clock: ServiceClock,
    pub(super) stream: StreamId,
    arn: StreamArn,
}

impl Stage {
    pub(super) async fn new(retention_hours: u32) -> Self {
        let clock = ServiceClock::default();
        let backend = Arc::new(MemoryBackend::open(&MemoryDisk::new()));
        let keys = Arc::new(Keyring::in_memory());
        let store =
            MediaStore::open(backend, keys, Arc::new(clock.clone()), StoreOptions::default()).unwrap();
        let arn = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076";
        let arn = StreamArn::parse(arn).unwrap();
        let new = NewStream {
            arn: arn.clone(),
            device_name: None,
            media_type: None,
            kms_key_id: "alias/aws/kinesisvideo".to_owned(),
            kms_key_arn: None,
            retention_hours,
            storage_tier: StorageTier::Hot,
            tags: Default::default(),
        };
        let stream = store.create_stream(new, None).await.unwrap().id;
        Self { store, clock, stream, arn }
    }

    /// A session of writing with a document of its own.
    pub(super) async fn session(&self, uid: u8, tracks: &[SoundTrack]) -> Session {
        let heads: Vec<TrackHead<'_>> =
            (1..).zip(tracks).map(|(number, track)| TrackHead::connect(number, track.name())).collect();
        let mut head = Vec::new();
        DocumentHead::connect([uid; 16], &heads).write(&mut head);
        let writer = self.store.open_writer(self.stream).await.unwrap();
        Session { writer, head: head.into(), tracks: tracks.len(), samples: 0, index: Vec::new() }
    }

    /// A capture that runs, whose audio follows this fragment.
    pub(super) fn capture(&self, began_ms: i64, lead_in: FragmentNumber) -> CustomerAudio {
        CustomerAudio {
            stream_arn: self.arn.clone(),
            start_timestamp: WallTime::from_unix_ms(began_ms),
            stop_timestamp: None,
            start_fragment_number: lead_in,
            stop_fragment_number: None,
            ledger: None,
        }
    }
}

/// A listener to a contact of which nothing is captured.
pub(crate) async fn quiet(contact: &watch::Sender<Arc<Contact>>, places: &ListenerPlaces) -> Listening {
    let Stage { store, clock, .. } = Stage::new(0).await;
    let place = places.take().unwrap();
    Listening::open(store, clock, contact.subscribe(), SoundTrack::ALL.to_vec(), place).await.unwrap()
}

/// A contact with these captures.
pub(crate) fn contact(captures: Vec<CustomerAudio>) -> Contact {
    Contact { captures, ..fixtures::contact() }
}

/// Writes fragments as a capture does: a block at a time.
pub(super) struct Session {
    pub(super) writer: Writer,
    head: Bytes,
    tracks: usize,
    /// Of the open fragment.
    samples: usize,
    index: Vec<IndexBuilder>,
}

impl Session {
    pub(super) fn begin(&mut self, at_ms: i64) -> FragmentNumber {
        let producer = ProducerTime::from_unix_ms(at_ms);
        let number = self.writer.begin(FragmentHead { head: self.head.clone(), producer }).unwrap();
        let mut cluster = Vec::new();
        write::cluster_start(&mut cluster, u64::try_from(at_ms).unwrap());
        self.writer.push(cluster.into());
        self.samples = 0;
        self.index = (1..).take(self.tracks).map(IndexBuilder::new).collect();
        number
    }

    /// A block of each track, all of the same length.
    pub(super) fn block(&mut self, tracks: &[&[i16]]) {
        let mut bytes = Vec::new();
        for ((number, samples), index) in (1..).zip(tracks).zip(&mut self.index) {
            let mut payload = Vec::new();
            pcm::extend_le_bytes(&mut payload, samples);
            let at_ms = i16::try_from(self.samples / 8).unwrap();
            write::simple_block(&mut bytes, number, at_ms, FLAG_KEYFRAME, &payload);
            index.pcm(samples);
        }
        self.samples += tracks[0].len();
        self.writer.push(bytes.into());
    }

    pub(super) async fn seal(&mut self) {
        let mut index = Vec::new();
        self.index.iter_mut().for_each(|track| track.finish_fragment_into(&mut index));
        let lasts_ms = u32::try_from(self.samples / 8).unwrap();
        self.writer.seal_indexed(lasts_ms, Some(index.into())).await.unwrap();
    }

    /// The fragment that precedes all audio.
    pub(super) async fn lead_in(&mut self, began_ms: i64) -> FragmentNumber {
        let number = self.begin(began_ms - 20);
        let silence = [0; 160];
        self.block(&vec![&silence[..]; self.tracks]);
        self.seal().await;
        number
    }
}
