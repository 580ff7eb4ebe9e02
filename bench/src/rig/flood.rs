//! A producer on a socket: one PutMedia request, as fast as it is taken.

use super::http::{Client, Service};
use super::wire;
use crate::clock::Monotonic;
use crate::corpus::{self, FRAGMENT_PCM_BYTES, Shape};
use anyhow::{Context, ensure};
use serde_json::json;

/// A producer's stream, rendered once: head, and a Cluster of which only the timecode changes.
#[derive(Clone)]
pub(crate) struct Producer {
    head: Vec<u8>,
    cluster: Vec<u8>,
}

/// Where a Cluster's Timestamp stands in what [`tympan_mkv::write::cluster_start`] writes: behind its id, its size
/// and the Timestamp's own header.
const TIMECODE_AT: usize = 4 + 1 + 2;

impl Producer {
    /// Of fragments of a second that hold this PCM.
    pub(crate) fn new(pcm: &[u8]) -> Self {
        let (mut head, mut cluster) = (Vec::new(), Vec::new());
        corpus::head(&mut head);
        corpus::cluster(&mut cluster, Shape::Unknown, 0, &pcm[..pcm.len().min(FRAGMENT_PCM_BYTES)]);
        Self { head, cluster }
    }

    /// Bytes of so many fragments, with the head before the first.
    pub(crate) fn bytes(&self, fragments: usize) -> u64 {
        (self.head.len() + fragments * self.cluster.len()) as u64
    }

    /// Chunks for [`wire::put`].
    pub(crate) fn chunks(&self, fragments: usize) -> impl FnMut(&mut Vec<u8>) -> bool {
        let mut producer = self.clone();
        let mut sent = 0;
        move |out| {
            if sent == 0 {
                wire::chunk(out, &producer.head);
            }
            if sent == fragments {
                return false;
            }
            let timecode_ms = sent as u64 * 1_000;
            producer.cluster[TIMECODE_AT..TIMECODE_AT + 8].copy_from_slice(&timecode_ms.to_be_bytes());
            wire::chunk(out, &producer.cluster);
            sent += 1;
            true
        }
    }
}

/// Makes a stream whose fragments are kept.
pub(crate) async fn create_stream(client: &Client, name: &str) -> anyhow::Result<()> {
    let request = json!({ "StreamName": name, "DataRetentionInHours": 24, "MediaType": "audio/L16" });
    client.call(Service::KinesisVideo, "POST", "/createStream", Some(request)).await?;
    Ok(())
}

/// Uploads, and gives the time when the last fragment was acknowledged as stored.
///
/// Errors: a fragment that was not.
pub(crate) fn upload(
    client: &Client,
    stream: &str,
    producer: &Producer,
    fragments: usize,
) -> anyhow::Result<Monotonic> {
    let head = client.unsigned_body_head(
        "/putMedia",
        &[
            ("x-amzn-stream-name", stream),
            ("x-amzn-fragment-timecode-type", "RELATIVE"),
            ("x-amzn-producer-start-timestamp", "1700000000.000"),
            ("x-amzn-fragment-acknowledgment-required", "1"),
        ],
    );
    let mut acks = AckCounter::default();
    let counting = &mut acks;
    let received =
        wire::put(client.authority(), &head, producer.chunks(fragments), |piece| counting.take(piece))?;
    let refusal = acks.refusal.map(|line| String::from_utf8_lossy(&line).into_owned());
    ensure!(refusal.is_none(), "the upload was refused: {}", refusal.unwrap_or_default());
    ensure!(acks.persisted == fragments, "{} of {fragments} fragments were acknowledged", acks.persisted);
    Ok(received.last)
}

/// Counts lines by what they say; parsing each would cost the load more than sending it.
#[derive(Default)]
struct AckCounter {
    line: Vec<u8>,
    persisted: usize,
    refusal: Option<Vec<u8>>,
}

impl AckCounter {
    fn take(&mut self, piece: &[u8]) {
        for line in piece.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                continue;
            }
            if self.line.starts_with(br#"{"EventType":"PERSISTED""#) {
                self.persisted += 1;
            } else if self.line.starts_with(br#"{"EventType":"ERROR""#) {
                self.refusal = Some(self.line.clone());
            }
            self.line.clear();
        }
    }
}

/// Uploads to several streams at once, each from a thread of its own; gives the time of the last acknowledgement.
pub(crate) fn upload_to_all(
    client: &Client,
    streams: &[String],
    producer: &Producer,
    fragments: usize,
) -> anyhow::Result<Monotonic> {
    std::thread::scope(|scope| {
        let uploads: Vec<_> = streams
            .iter()
            .map(|stream| scope.spawn(move || upload(client, stream, producer, fragments)))
            .collect();
        let mut last = Monotonic::default();
        for upload in uploads {
            let ended = upload.join().ok().context("an upload panicked")??;
            last = last.max(ended);
        }
        Ok(last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_mkv::Limits;
    use tympan_mkv::fragment::{FragmentReader, FragmentSink};

    #[derive(Default)]
    struct Timecodes(Vec<u64>);

    impl FragmentSink for Timecodes {
        fn cluster_timecode(&mut self, timecode: u64) {
            self.0.push(timecode);
        }
    }

    #[test]
    fn a_producer_sends_one_document_whose_timecodes_rise() {
        let producer = Producer::new(&[1; FRAGMENT_PCM_BYTES]);
        let mut chunks = producer.chunks(3);
        let (mut chunk, mut mkv) = (Vec::new(), Vec::new());
        while chunks(&mut chunk) {
            let mut rest = &chunk[..];
            while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
                mkv.extend_from_slice(&rest[end + 2..end + 2 + length]);
                rest = &rest[end + 2 + length + 2..];
            }
            chunk.clear();
        }
        assert_eq!(mkv.len() as u64, producer.bytes(3));
        let mut found = Timecodes::default();
        FragmentReader::new(Limits::default()).push(&mkv, &mut found).unwrap();
        assert_eq!(found.0, [0, 1_000, 2_000]);
    }

    #[test]
    fn acknowledgements_are_counted_wherever_they_are_cut() {
        let answer =
            b"HTTP/1.1 200 OK\r\n\r\n7f\r\n{\"EventType\":\"PERSISTED\",\"FragmentTimecode\":1}\n\r\n\
            7f\r\n{\"EventType\":\"RECEIVED\"}\n\r\n7f\r\n{\"EventType\":\"PERSISTED\"}\n\r\n";
        for cut in 0..answer.len() {
            let mut acks = AckCounter::default();
            acks.take(&answer[..cut]);
            acks.take(&answer[cut..]);
            assert_eq!((acks.persisted, acks.refusal.is_none()), (2, true), "cut at {cut}");
        }
    }
}
