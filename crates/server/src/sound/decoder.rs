//! The samples of a fragment, while its bytes come.

use bytes::Bytes;
use tympan_admin::SoundTrack;
use tympan_client::media::Sound;
use tympan_mkv::Limits;
use tympan_mkv::consume::{MediaEvent, MediaReader};
use tympan_mkv::fragment::Track;

/// Reads the tracks of one fragment.
pub(super) struct Decoder {
    reader: MediaReader,
    tracks: Vec<Heard>,
    /// What comes after something that cannot be read is left out.
    is_broken: bool,
}

struct Heard {
    number: u64,
    track: SoundTrack,
    sound: Sound,
    /// Samples so far.
    samples: u64,
}

/// Samples of a track, in the order of the fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) track: SoundTrack,
    /// Samples of the track before them in the fragment.
    pub(super) at: u64,
    /// 16-bit little-endian.
    pub(super) pcm: Vec<u8>,
}

impl Block {
    pub(super) fn samples(&self) -> u64 {
        self.pcm.len() as u64 / 2
    }
}

impl Decoder {
    /// Of a fragment with this document head.
    pub(super) fn new(head: Bytes) -> Self {
        let mut decoder =
            Self { reader: MediaReader::new(Limits::default()), tracks: Vec::new(), is_broken: false };
        decoder.push(head);
        decoder
    }

    /// The blocks that these bytes complete.
    pub(super) fn push(&mut self, bytes: Bytes) -> Vec<Block> {
        if self.is_broken {
            return Vec::new();
        }
        if let Err(error) = self.reader.push(bytes) {
            tracing::debug!(%error, "a fragment is heard as far as it can be read");
            self.is_broken = true;
        }
        let mut blocks = Vec::new();
        while let Some(event) = self.reader.poll() {
            match event {
                MediaEvent::FragmentStart { tracks, .. } if self.tracks.is_empty() => {
                    self.tracks = tracks.iter().filter_map(Heard::of).collect();
                    self.tracks.dedup_by_key(|heard| heard.track);
                }
                MediaEvent::Frame(frame) => {
                    let heard = self.tracks.iter_mut().find(|heard| heard.number == frame.track);
                    blocks.extend(heard.map(|heard| heard.block(&frame.data)));
                }
                _ => {}
            }
        }
        blocks
    }

    /// How many samples the longest of its tracks has so far.
    pub(super) fn samples(&self) -> u64 {
        self.tracks.iter().map(|heard| heard.samples).max().unwrap_or(0)
    }
}

impl Heard {
    /// As the index of a fragment counts tracks: what is not said to be what the customer hears is the customer's own.
    fn of(track: &Track) -> Option<Self> {
        let to_customer = track.name.as_deref() == Some(SoundTrack::ToCustomer.name());
        let heard = if to_customer { SoundTrack::ToCustomer } else { SoundTrack::FromCustomer };
        Some(Self { number: track.number, track: heard, sound: Sound::of(track)?, samples: 0 })
    }

    fn block(&mut self, frame: &[u8]) -> Block {
        let mut pcm = Vec::with_capacity(2 * frame.len());
        self.sound.extend_l16(frame, &mut pcm);
        let block = Block { track: self.track, at: self.samples, pcm };
        self.samples += block.samples();
        block
    }
}
