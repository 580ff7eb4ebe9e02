//! From the bytes of GetMedia bodies to numbered fragments, sans-IO.
//!
//! Source: recordings of the service: each fragment is a document of its own; its number and times stand in tags before
//! the Cluster; `AWS_KINESISVIDEO_CONTINUATION_TOKEN` after it, last of all, says that it is complete.

use super::documents::Documents;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_mkv::consume::{Frame, MediaEvent, MediaReader, Tag};
use tympan_mkv::fragment::Track;
use tympan_mkv::{Limits, MkvError};
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

/// What a fragment says of itself before its media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentHead {
    /// Its number.
    pub number: FragmentNumber,
    /// When the service received it.
    pub server: Option<ServerTime>,
    /// When the producer recorded it.
    pub producer: Option<ProducerTime>,
    /// The tracks it declares.
    pub tracks: Arc<[Track]>,
}

/// One step through a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaItem {
    /// A fragment begins.
    Start(FragmentHead),
    /// A frame of it.
    Frame(Frame),
    /// It is over.
    End {
        /// What was written behind it: the producer's tags and the service's.
        tags: Vec<Tag>,
        /// The fragment's bytes as they came, where they are wanted.
        document: Option<Bytes>,
        /// False when it broke off and never came again.
        complete: bool,
    },
}

/// Why a body cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not Matroska.
    #[error(transparent)]
    Mkv(#[from] MkvError),
    /// A fragment without the tags that GetMedia writes.
    #[error("a fragment without AWS_KINESISVIDEO_FRAGMENT_NUMBER: this is not what GetMedia sends")]
    NotGetMedia,
    /// The service ended the body with an error.
    #[error("{code} ({id}) at fragment {number}")]
    Service {
        /// Such as `KMS_KEY_DISABLED`.
        code: String,
        /// Such as 4501.
        id: u32,
        /// The fragment, as the service names it.
        number: String,
    },
}

/// Reads one body after the other as one run of fragments.
///
/// A fragment that broke off at the end of a body goes on in the next, when it comes again there: frames that were given
/// are not given twice. The law: after [`push`](Self::push), [`end_body`](Self::end_body) and [`finish`](Self::finish),
/// call [`poll`](Self::poll) until it returns `None`.
#[derive(Debug)]
pub struct GetMediaReader {
    reader: MediaReader,
    documents: Option<Documents>,
    items: VecDeque<MediaItem>,
    open: Option<Open>,
    /// Broke off, and may come again.
    interrupted: Option<Open>,
    last_complete: Option<FragmentNumber>,
}

/// A fragment whose end has not come.
#[derive(Debug, Clone, Copy)]
struct Open {
    number: FragmentNumber,
    /// Frames given.
    given: u64,
    /// Frames still to be left out, because they were given before.
    repeated: u64,
}

impl GetMediaReader {
    /// A reader at the start of the first body; `with_documents` keeps the bytes of each fragment.
    pub fn new(with_documents: bool) -> Self {
        Self {
            reader: MediaReader::new(Limits::default()),
            documents: with_documents.then(Documents::new),
            items: VecDeque::new(),
            open: None,
            interrupted: None,
            last_complete: None,
        }
    }

    /// Takes the next chunk of the body.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), ReadError> {
        let split = self.documents.as_mut().map_or(Ok(()), |documents| documents.push(&chunk));
        let outcome = self.reader.push(chunk);
        // What was whole before an error counts.
        self.take_events()?;
        Ok(outcome.and(split)?)
    }

    /// The body is over, in good order or not; the next chunk is the first of another.
    pub fn end_body(&mut self) -> Result<(), ReadError> {
        if let Some(documents) = &mut self.documents {
            documents.finish();
        }
        // Cut in mid-element: the fragment is left open, and remembered as interrupted below.
        let _ = self.reader.finish();
        let outcome = self.take_events();
        self.reader = MediaReader::new(Limits::default());
        if let Some(open) = self.open.take() {
            self.interrupted = Some(open);
        }
        if let Some(documents) = &mut self.documents {
            *documents = Documents::new();
        }
        outcome
    }

    /// There will be no other body.
    pub fn finish(&mut self) {
        self.give_up_interrupted();
    }

    /// The next item.
    pub fn poll(&mut self) -> Option<MediaItem> {
        self.items.pop_front()
    }

    /// The last fragment that came in whole: where another body has to go on after.
    pub fn last_complete(&self) -> Option<FragmentNumber> {
        self.last_complete
    }

    /// Whether a fragment broke off.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.is_some()
    }

    fn take_events(&mut self) -> Result<(), ReadError> {
        while let Some(event) = self.reader.poll() {
            match event {
                MediaEvent::FragmentStart { tags, tracks, .. } => self.start(&tags, tracks)?,
                MediaEvent::Frame(frame) => self.frame(frame),
                MediaEvent::FragmentEnd { tags } => self.end(tags),
                MediaEvent::TagsOnly { tags } => service_error(&tags)?,
            }
        }
        Ok(())
    }

    fn start(&mut self, tags: &[Tag], tracks: Arc<[Track]>) -> Result<(), ReadError> {
        service_error(tags)?;
        let number: FragmentNumber =
            value(tags, FRAGMENT_NUMBER).and_then(|text| text.parse().ok()).ok_or(ReadError::NotGetMedia)?;
        if let Some(before) = self.interrupted.take_if(|before| before.number == number) {
            self.open = Some(Open { number, given: before.given, repeated: before.given });
            return Ok(());
        }
        self.give_up_interrupted();
        self.open = Some(Open { number, given: 0, repeated: 0 });
        let ms = |name| value(tags, name).and_then(epoch_seconds_to_ms);
        self.items.push_back(MediaItem::Start(FragmentHead {
            number,
            server: ms(SERVER_TIMESTAMP).map(ServerTime::from_unix_ms),
            producer: ms(PRODUCER_TIMESTAMP).map(ProducerTime::from_unix_ms),
            tracks,
        }));
        Ok(())
    }

    fn frame(&mut self, frame: Frame) {
        let Some(open) = &mut self.open else { return };
        if open.repeated > 0 {
            open.repeated -= 1;
        } else {
            open.given += 1;
            self.items.push_back(MediaItem::Frame(frame));
        }
    }

    fn end(&mut self, tags: Vec<Tag>) {
        let document = self.documents.as_mut().and_then(Documents::poll);
        let Some(open) = self.open.take() else { return };
        if value(&tags, CONTINUATION_TOKEN).is_none() && value(&tags, MILLIS_BEHIND_NOW).is_none() {
            self.interrupted = Some(open);
            return;
        }
        self.last_complete = Some(open.number);
        self.items.push_back(MediaItem::End { tags, document, complete: true });
    }

    fn give_up_interrupted(&mut self) {
        if self.interrupted.take().is_some() {
            self.items.push_back(MediaItem::End { tags: Vec::new(), document: None, complete: false });
        }
    }
}

fn service_error(tags: &[Tag]) -> Result<(), ReadError> {
    let Some(code) = value(tags, ERROR_CODE) else { return Ok(()) };
    Err(ReadError::Service {
        code: code.to_owned(),
        id: value(tags, ERROR_ID).and_then(|id| id.parse().ok()).unwrap_or(0),
        number: value(tags, FRAGMENT_NUMBER).unwrap_or("?").to_owned(),
    })
}

/// The value of a tag.
pub(super) fn value<'a>(tags: &'a [Tag], name: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.name == name).map(|tag| tag.value.as_str())
}

/// `1511852109.126` as milliseconds.
fn epoch_seconds_to_ms(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(fraction) || !digits(seconds) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let ms: i64 = format!("{fraction:0<3.3}").parse().ok()?;
    seconds.checked_mul(1_000)?.checked_add(ms)
}

const FRAGMENT_NUMBER: &str = "AWS_KINESISVIDEO_FRAGMENT_NUMBER";
const SERVER_TIMESTAMP: &str = "AWS_KINESISVIDEO_SERVER_TIMESTAMP";
const PRODUCER_TIMESTAMP: &str = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP";
const MILLIS_BEHIND_NOW: &str = "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW";
const CONTINUATION_TOKEN: &str = "AWS_KINESISVIDEO_CONTINUATION_TOKEN";
const ERROR_CODE: &str = "AWS_KINESISVIDEO_ERROR_CODE";
const ERROR_ID: &str = "AWS_KINESISVIDEO_ERROR_ID";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::PathBuf;
    use tympan_mkv::write::{self, DocumentHead, SegmentSize, TrackHead};

    pub(crate) fn number(sequence: u64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(1_700_000_000_000), 7)
    }

    /// A fragment as GetMedia sends it, with frames 20 ms apart.
    pub(crate) fn fragment(sequence: u64, start_ms: u64, frames: &[&[u8]]) -> Vec<u8> {
        contact_fragment(sequence, start_ms, frames, None)
    }

    pub(crate) fn contact_fragment(
        sequence: u64,
        start_ms: u64,
        frames: &[&[u8]],
        contact: Option<&str>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let tracks = [TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
        DocumentHead::connect([1; 16], &tracks)
            .with_segment_size(SegmentSize::UnknownInEightBytes)
            .write(&mut out);
        let text = number(sequence).to_string();
        let seconds = ServerTime::from_unix_ms(start_ms as i64).epoch_seconds();
        write::service_tags(
            &mut out,
            &[(FRAGMENT_NUMBER, &text), (SERVER_TIMESTAMP, "1700000000.000"), (PRODUCER_TIMESTAMP, &seconds)],
        );
        write::cluster_start(&mut out, start_ms);
        for (index, frame) in frames.iter().enumerate() {
            write::simple_block(&mut out, 1, index as i16 * 20, 0x80, frame);
        }
        if let Some(contact) = contact {
            write::user_tag(&mut out, "ContactId", contact);
        }
        write::service_tags(&mut out, &[(MILLIS_BEHIND_NOW, "0"), (CONTINUATION_TOKEN, &text)]);
        out
    }

    pub(crate) fn drain(reader: &mut GetMediaReader) -> Vec<MediaItem> {
        std::iter::from_fn(|| reader.poll()).collect()
    }

    /// `S1` a start, `f2` a frame of twos, `E` an end, `X` the end of a fragment that broke off.
    fn sketch(items: &[MediaItem]) -> String {
        let word = |item: &MediaItem| match item {
            MediaItem::Start(head) => format!("S{}", head.number.sequence()),
            MediaItem::Frame(frame) => format!("f{}", frame.data.first().copied().unwrap_or(0)),
            MediaItem::End { complete: true, .. } => "E".to_owned(),
            MediaItem::End { complete: false, .. } => "X".to_owned(),
        };
        items.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_body_becomes_numbered_fragments() {
        let body = [fragment(1, 1_000, &[&[1; 4], &[2; 4]]), fragment(2, 1_040, &[&[3; 4]])].concat();
        for chunk_bytes in [1, 13, body.len()] {
            let mut reader = GetMediaReader::new(true);
            for chunk in body.chunks(chunk_bytes) {
                reader.push(Bytes::copy_from_slice(chunk)).unwrap();
            }
            reader.end_body().unwrap();
            reader.finish();
            let items = drain(&mut reader);
            assert_eq!(sketch(&items), "S1 f1 f2 E S2 f3 E");
            let MediaItem::Start(head) = &items[0] else { panic!("{items:?}") };
            assert_eq!(head.producer, Some(ProducerTime::from_unix_ms(1_000)));
            assert_eq!(head.tracks[0].name.as_deref(), Some("AUDIO_FROM_CUSTOMER"));
            let MediaItem::End { document, .. } = &items[3] else { panic!("{items:?}") };
            assert_eq!(document.as_deref(), Some(&fragment(1, 1_000, &[&[1; 4], &[2; 4]])[..]));
            assert_eq!(reader.last_complete(), Some(number(2)));
        }
    }

    /// Cuts the second fragment at every byte, then lets it come again, as it does after a lost connection.
    #[test]
    fn a_fragment_that_comes_again_neither_repeats_nor_loses_a_frame() {
        let first = fragment(1, 0, &[&[1; 4]]);
        let second = fragment(2, 20, &[&[2; 4], &[3; 4], &[4; 4]]);
        for cut in 1..second.len() {
            let mut reader = GetMediaReader::new(true);
            reader.push(Bytes::from([&first[..], &second[..cut]].concat())).unwrap();
            reader.end_body().unwrap();
            // The service goes on after the last fragment that came in whole.
            let missing: &[&[u8]] = match reader.last_complete() {
                None => &[&first, &second],
                Some(last) if last == number(1) => &[&second],
                Some(_) => &[],
            };
            reader.push(Bytes::from(missing.concat())).unwrap();
            reader.end_body().unwrap();
            reader.finish();
            let items = drain(&mut reader);
            assert_eq!(sketch(&items), "S1 f1 E S2 f2 f3 f4 E", "cut at {cut}");
        }
    }

    #[test]
    fn a_fragment_that_never_comes_again_ends_as_incomplete() {
        let second = fragment(2, 20, &[&[2; 320], &[3; 320]]);
        let mut reader = GetMediaReader::new(false);
        reader.push(Bytes::from(fragment(1, 0, &[&[1; 4]]))).unwrap();
        // Into the second of its frames: 171 bytes of tags follow that.
        reader.push(Bytes::copy_from_slice(&second[..second.len() - 300])).unwrap();
        reader.end_body().unwrap();
        assert!(reader.is_interrupted());
        reader.push(Bytes::from(fragment(3, 60, &[&[5; 4]]))).unwrap();
        reader.end_body().unwrap();
        reader.finish();
        assert_eq!(sketch(&drain(&mut reader)), "S1 f1 E S2 f2 X S3 f5 E");
    }

    #[test]
    fn an_error_in_mid_stream_is_told_as_one() {
        let mut error = Vec::new();
        write::ebml_header(&mut error);
        write::segment_header_unknown_8(&mut error);
        write::service_tags(
            &mut error,
            &[(FRAGMENT_NUMBER, "9"), (ERROR_ID, "4501"), (ERROR_CODE, "KMS_KEY_DISABLED")],
        );
        let mut reader = GetMediaReader::new(false);
        reader.push(Bytes::from(fragment(1, 0, &[&[1; 4]]))).unwrap();
        let outcome = reader.push(Bytes::from(error)).and_then(|()| reader.end_body());
        let expected = ReadError::Service { code: "KMS_KEY_DISABLED".into(), id: 4501, number: "9".into() };
        assert_eq!(outcome, Err(expected));
        assert_eq!(sketch(&drain(&mut reader)), "S1 f1 E");
    }

    #[test]
    fn an_ordinary_matroska_file_is_told_apart() {
        let mut file = Vec::new();
        DocumentHead::sdk([1; 16], &[TrackHead::connect(1, "a")]).write(&mut file);
        write::cluster_start(&mut file, 0);
        write::simple_block(&mut file, 1, 0, 0x80, &[1]);
        let outcome = GetMediaReader::new(false).push(Bytes::from(file));
        assert_eq!(outcome, Err(ReadError::NotGetMedia));
    }

    #[test]
    fn times_are_read_to_the_millisecond_without_floats() {
        assert_eq!(epoch_seconds_to_ms("1511852109.126"), Some(1_511_852_109_126));
        assert_eq!(epoch_seconds_to_ms("0.000"), Some(0));
        assert_eq!(epoch_seconds_to_ms("5"), Some(5_000));
        assert_eq!(epoch_seconds_to_ms("5.5"), Some(5_500));
        for text in ["", "-1", "1e3", "1.-2", "99999999999999999999"] {
            assert_eq!(epoch_seconds_to_ms(text), None, "{text}");
        }
    }

    #[test]
    fn reads_recordings_of_the_service() {
        for (file, fragments, complete) in [
            ("test_mixed_tags.mkv", 10, 10),
            ("output_get_media_sparse_fragments.mkv", 3, 3),
            ("output-get-media-equal-timecode.mkv", 2, 1),
        ] {
            let Some(body) = recording(file) else { return };
            let mut reader = GetMediaReader::new(true);
            for chunk in body.chunks(1_021) {
                reader.push(Bytes::copy_from_slice(chunk)).unwrap();
            }
            reader.end_body().unwrap();
            reader.finish();
            let items = drain(&mut reader);
            let starts = items.iter().filter(|item| matches!(item, MediaItem::Start(_))).count();
            let ends: Vec<&Bytes> = items
                .iter()
                .filter_map(|item| match item {
                    MediaItem::End { document, complete: true, .. } => document.as_ref(),
                    _ => None,
                })
                .collect();
            assert_eq!((starts, ends.len()), (fragments, complete), "{file}");
            let verbatim: Vec<u8> = ends.iter().flat_map(|document| document.to_vec()).collect();
            assert!(body.starts_with(&verbatim), "{file}: documents are the body, byte for byte");
        }
    }

    pub(crate) fn recording(file: &str) -> Option<Vec<u8>> {
        let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
        let folder = std::env::var_os("TYMPAN_GROUND_TRUTH").map_or(PathBuf::from(default), PathBuf::from);
        let body = std::fs::read(folder.join("kvs-recordings").join(file)).ok();
        if body.is_none() {
            eprintln!("skipped: no {file} in {}", folder.display());
        }
        body
    }
}
