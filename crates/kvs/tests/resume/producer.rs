//! A producer with the rollback of the C SDK, and what its stream must hold after all that happened to it.

use super::support::{self, Bench, caller};
use tympan_kvs::{AckEvent, BodyEnd, PutMediaRequest, PutMediaSession};
use tympan_mkv::{vint, write};
use tympan_store::Clock;

/// A generator that a seed replays: xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A fragment as its producer keeps it until it is acknowledged.
#[derive(Debug, Clone)]
pub struct Fragment {
    pub time_ms: i64,
    pub frames: Vec<Vec<u8>>,
    known_size: bool,
    tagged: bool,
    end_tag: bool,
}

/// How a producer writes.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    pub relative: bool,
    pub known_size: bool,
    pub tagged: bool,
    pub end_tag: bool,
}

impl Fragment {
    pub fn random(random: &mut Random, time_ms: i64, habits: Habits) -> Self {
        let frame = |random: &mut Random| {
            let bytes = 8 + random.below(60);
            (0..bytes).map(|_| random.below(256) as u8).collect()
        };
        let frames = (0..2 + random.below(4)).map(|_| frame(random)).collect();
        let Habits { known_size, tagged, end_tag, .. } = habits;
        Self { time_ms, frames, known_size, tagged, end_tag }
    }

    /// The Cluster, a piece for each frame, and what follows it.
    pub fn pieces(&self, timecode: u64) -> Vec<Vec<u8>> {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        for (at, frame) in self.frames.iter().enumerate() {
            let mut piece = Vec::new();
            write::simple_block(&mut piece, 1, 20 * at as i16, write::FLAG_KEYFRAME, frame);
            pieces.push(piece);
        }
        let mut opening = Vec::new();
        write::cluster_start(&mut opening, timecode);
        if self.known_size {
            // Id and a size of one byte come before the children.
            let children = opening.split_off(5);
            let bytes = children.len() + pieces.iter().map(Vec::len).sum::<usize>();
            opening.truncate(4);
            vint::put_size(&mut opening, bytes as u64, 4);
            opening.extend(children);
        }
        pieces[0].splice(0..0, opening);
        let mut trailer = Vec::new();
        if self.tagged {
            trailer.extend(support::tag("k", "v"));
        }
        if self.end_tag {
            trailer.extend(support::tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""));
        }
        if !trailer.is_empty() {
            pieces.push(trailer);
        }
        pieces
    }
}

/// A fragment in the stream: its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub frames: Vec<Vec<u8>>,
}

/// One upload.
pub struct Upload {
    pub session: PutMediaSession,
    start_ms: i64,
    relative: bool,
    received: usize,
    persisted: usize,
}

impl Upload {
    /// Connects; a RELATIVE session counts from `start_ms`, printed as the C SDK does it: without padding.
    pub async fn open(bench: &Bench, habits: Habits, start_ms: i64) -> Self {
        let start = format!("{}.{}", start_ms / 1000, start_ms % 1000);
        let kind = if habits.relative { "RELATIVE" } else { "ABSOLUTE" };
        let header = |name: &str| match name {
            "x-amzn-stream-name" => Some("s"),
            "x-amzn-fragment-timecode-type" => Some(kind),
            "x-amzn-producer-start-timestamp" => Some(start.as_str()),
            _ => None,
        };
        let request = PutMediaRequest::parse(&header).unwrap();
        let mut session = bench.service.put_media(&caller(), request).await.unwrap();
        session.push(&support::head(&["a"]));
        Self { session, start_ms, relative: habits.relative, received: 0, persisted: 0 }
    }

    pub fn pieces(&self, fragment: &Fragment) -> Vec<Vec<u8>> {
        let base = if self.relative { self.start_ms } else { 0 };
        fragment.pieces((fragment.time_ms - base) as u64)
    }

    /// Reads acks until so many fragments of this upload were received, and persisted.
    pub async fn read_acks(&mut self, received: usize, persisted: usize) {
        while self.received < received || self.persisted < persisted {
            let ack = self.session.next_ack().await.expect("an ack is due");
            match ack.event {
                AckEvent::Received => self.received += 1,
                AckEvent::Persisted => self.persisted += 1,
                AckEvent::Buffering => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Ends the body in good order, as the last one, and reads every ack.
    pub async fn end(mut self) {
        self.session.finish(BodyEnd::Finished);
        for event in support::events(&support::acks(&mut self.session).await) {
            assert!(!event.starts_with("ERROR"), "{event}");
        }
    }
}

/// Now, for the test's own fragments.
pub fn now_ms(bench: &Bench) -> i64 {
    bench.clock.now().unix_ms()
}
