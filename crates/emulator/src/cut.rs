//! Where in a body a fault strikes, and what it does there.

use crate::rule::Place;
use crate::seam::Tear;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use std::time::Duration;
use tympan_mkv::Limits;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};

/// What happens at the place.
pub(super) enum Act {
    /// The body ends, in good order.
    End,
    /// The connection is reset.
    Tear(Tear),
    /// Nothing is sent for so long.
    Pause(Duration),
}

/// Lets a body through up to the place, and then acts.
pub(super) fn at(
    chunks: BoxStream<'static, Bytes>,
    finder: Finder,
    act: Act,
) -> impl Stream<Item = Bytes> + Send {
    let struck = Struck { chunks, finder: Some(finder), act, due: false, rest: Bytes::new() };
    stream::unfold(struck, |mut struck| async move { Some((struck.next().await?, struck)) })
}

struct Struck {
    chunks: BoxStream<'static, Bytes>,
    /// Gone once the place was found.
    finder: Option<Finder>,
    act: Act,
    /// The place is reached: act before anything else.
    due: bool,
    /// What follows the place in its chunk.
    rest: Bytes,
}

impl Struck {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.due {
                self.due = false;
                match &self.act {
                    Act::End => return None,
                    Act::Tear(tear) => {
                        // What was sent before is written out while this task lets others run.
                        tokio::task::yield_now().await;
                        tear.tear();
                        std::future::pending::<()>().await;
                    }
                    Act::Pause(pause) => tokio::time::sleep(*pause).await,
                }
            }
            if !self.rest.is_empty() {
                return Some(std::mem::take(&mut self.rest));
            }
            let mut chunk = self.chunks.next().await?;
            let Some(at) = self.finder.as_mut().and_then(|finder| finder.find(&chunk)) else {
                return Some(chunk);
            };
            (self.finder, self.due) = (None, true);
            self.rest = chunk.split_off(at);
            if !chunk.is_empty() {
                return Some(chunk);
            }
        }
    }
}

/// Looks for a place while a body goes by.
pub(super) enum Finder {
    /// So many bytes are left.
    Bytes(u64),
    /// Within Matroska.
    Media(Box<Midst>),
    /// Among acks: after that BUFFERING which so many others precede.
    Acks(u64),
}

impl Finder {
    /// For the body of a reader, such as GetMedia's: one byte into a fragment's first frame.
    pub(super) fn in_media(place: Place) -> Self {
        Self::within(place, Depth::FirstFrameBegun)
    }

    /// For the body of a producer: one byte behind a fragment's first frame, which the service takes as a whole.
    pub(super) fn in_upload(place: Place) -> Self {
        Self::within(place, Depth::FirstFrameOver)
    }

    fn within(place: Place, depth: Depth) -> Self {
        match place {
            Place::Bytes(bytes) => Self::Bytes(bytes),
            Place::Fragments(whole) => Self::Media(Box::new(Midst::new(whole, depth))),
        }
    }

    /// For a body of acks.
    pub(super) fn in_acks(place: Place) -> Self {
        match place {
            Place::Bytes(bytes) => Self::Bytes(bytes),
            Place::Fragments(whole) => Self::Acks(whole),
        }
    }

    /// How many bytes of the next chunk come before the place; `None`: all of it.
    pub(super) fn find(&mut self, chunk: &[u8]) -> Option<usize> {
        match self {
            Self::Bytes(left) => {
                let length = chunk.len() as u64;
                if *left < length {
                    return usize::try_from(*left).ok();
                }
                *left -= length;
                None
            }
            Self::Media(midst) => midst.find(chunk),
            Self::Acks(before) => {
                // Each ack is a chunk of its own.
                if !chunk.starts_with(br#"{"EventType":"BUFFERING""#) {
                    return None;
                }
                if *before == 0 {
                    return Some(chunk.len());
                }
                *before -= 1;
                None
            }
        }
    }
}

/// Finds the midst of a fragment.
pub(super) struct Midst {
    reader: FragmentReader,
    count: Count,
    depth: Depth,
}

/// How much of the fragment is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The first byte of its first frame, and not the second.
    FirstFrameBegun,
    /// Its first frame, and one byte of what follows.
    FirstFrameOver,
}

struct Count {
    /// Clusters until the one that is looked for has begun.
    clusters_left: u64,
    begun: bool,
    over: bool,
}

impl FragmentSink for Count {
    fn cluster_start(&mut self) {
        self.clusters_left = self.clusters_left.saturating_sub(1);
    }

    fn block(&mut self, _: BlockHeader, payload: &[u8], last: bool) {
        if self.clusters_left == 0 {
            self.begun |= !payload.is_empty();
            self.over |= last;
        }
    }
}

impl Midst {
    fn new(whole: u64, depth: Depth) -> Self {
        let count = Count { clusters_left: whole.saturating_add(1), begun: false, over: false };
        Self { reader: FragmentReader::new(Limits::default()), count, depth }
    }

    fn find(&mut self, chunk: &[u8]) -> Option<usize> {
        // A byte at a time: the reader tells what it has seen, not where. Bodies that faults strike are short.
        for (index, byte) in chunk.iter().enumerate() {
            // This byte is the one behind the frame.
            if self.depth == Depth::FirstFrameOver && self.count.over {
                return Some(index + 1);
            }
            // What is no Matroska has no fragments: the place is never reached.
            self.reader.push(std::slice::from_ref(byte), &mut self.count).ok()?;
            if self.depth == Depth::FirstFrameBegun && self.count.begun {
                return Some(index + 1);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three documents of one Cluster with two frames each, as GetMedia sends them.
    fn media() -> Vec<u8> {
        let mut body = Vec::new();
        for fragment in 0..3_u8 {
            body.extend(hex("1a45dfa3 80 18538067 01ffffffffffffff 1549a966 80"));
            body.extend(hex("1654ae6b 8b ae 89 d7 81 01 83 81 02 86 81 41"));
            body.extend(hex("1f43b675 ff e7 81"));
            body.push(fragment);
            for frame in [b"first", b"other"] {
                body.extend(hex("a3 89 81 0000 80"));
                body.extend_from_slice(frame);
            }
        }
        body
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }

    async fn cut(body: &[u8], size: usize, finder: Finder, act: Act) -> Vec<u8> {
        let chunks: Vec<Bytes> = body.chunks(size).map(Bytes::copy_from_slice).collect();
        let struck = at(stream::iter(chunks).boxed(), finder, act);
        struck.collect::<Vec<_>>().await.concat()
    }

    #[tokio::test]
    async fn the_midst_of_a_fragment_is_one_byte_into_its_first_frame_however_the_body_is_cut() {
        let body = media();
        let length = body.len() / 3;
        let first_frame = body.windows(5).position(|at| at == b"first").unwrap();
        for size in [1, 3, 7, length, 4096] {
            for whole in 0..3 {
                let finder = Finder::in_media(Place::Fragments(whole));
                let sent = cut(&body, size, finder, Act::End).await;
                assert_eq!(sent.len(), usize::try_from(whole).unwrap() * length + first_frame + 1, "{size}");
            }
            let beyond = Finder::in_media(Place::Fragments(3));
            assert_eq!(cut(&body, size, beyond, Act::End).await, body);
        }
    }

    #[tokio::test]
    async fn the_midst_of_an_upload_is_one_byte_behind_its_first_frame_however_the_body_is_cut() {
        let body = media();
        let length = body.len() / 3;
        let behind = body.windows(5).position(|at| at == b"first").unwrap() + b"first".len() + 1;
        for size in [1, 3, 7, length, 4096] {
            for whole in 0..3 {
                let finder = Finder::in_upload(Place::Fragments(whole));
                let sent = cut(&body, size, finder, Act::End).await;
                assert_eq!(sent.len(), usize::try_from(whole).unwrap() * length + behind, "{size}");
            }
        }
    }

    #[tokio::test]
    async fn bytes_are_counted_and_a_pause_loses_none() {
        let body = media();
        for at in [0, 1, 10, body.len() - 1] {
            let place = Place::Bytes(at as u64);
            assert_eq!(cut(&body, 4, Finder::in_media(place), Act::End).await, body[..at]);
            let pause = Act::Pause(Duration::from_millis(1));
            assert_eq!(cut(&body, 4, Finder::in_media(place), pause).await, body);
        }
    }

    #[test]
    fn among_acks_a_fragment_is_begun_by_its_first_ack() {
        let mut finder = Finder::in_acks(Place::Fragments(1));
        assert_eq!(finder.find(b"{\"EventType\":\"BUFFERING\",\"FragmentTimecode\":1}\n"), None);
        assert_eq!(finder.find(b"{\"EventType\":\"PERSISTED\",\"FragmentTimecode\":1}\n"), None);
        let second = b"{\"EventType\":\"BUFFERING\",\"FragmentTimecode\":2}\n";
        assert_eq!(finder.find(second), Some(second.len()));
    }

    #[tokio::test]
    async fn what_is_no_matroska_is_left_alone() {
        let finder = Finder::in_media(Place::Fragments(0));
        assert_eq!(cut(b"no media at all", 4, finder, Act::End).await, b"no media at all");
    }
}
