//! PutMedia: a body of Matroska in, a line per ack out.

mod driven;

pub use driven::{PutMediaInput, PutMediaOutput};

use super::ack::{Ack, AckEvent, ErrorId};
use super::ack_stream::{AckQueue, AckStream, IdleRule};
use super::ingest::{Ingest, IngestRules};
use crate::connections::ConnectionKind;
use crate::rate::Pace;
use crate::stopwatch::Stopwatch;
use crate::{G711, KvsError, KvsService, Operation, StreamIdentity, constraint};
use std::sync::Arc;
use tokio::time::sleep_until;
use tympan_mkv::fragment::FragmentReader;
use tympan_store::{Ending, ErrorKind, Stream, Writer};
use tympan_types::{Caller, ProducerTime, StreamArn};

/// What the timecodes of a session count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimecodeType {
    /// 1970.
    Absolute,
    /// The producer's start.
    Relative(ProducerTime),
}

/// Which acks of its fragments a producer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcksTold {
    /// BUFFERING, RECEIVED and PERSISTED.
    Every,
    /// The last of these alone: PERSISTED, and RECEIVED where the stream keeps nothing. So the reader of the acks is woken once a
    /// fragment, and not three times.
    Last,
    /// Nothing.
    None,
}

/// The head of a PutMedia request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutMediaRequest {
    /// The stream.
    pub stream: StreamIdentity,
    /// What timecodes count from.
    pub timecodes: TimecodeType,
    /// Which acks of fragments the session gives; it always gives errors.
    pub acks: AcksTold,
    /// Whether silence is told (IDLE) and closes the session.
    pub idle_close: bool,
    /// Whether a fragment that was cut off is continued when the producer sends it again, and whether the producer is held
    /// back while it does not read its acks. A capture does neither: it is never sent again, and cannot wait.
    pub resumes: bool,
}

/// How the body of an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// In good order, and the producer is done: readers at the tail end at once.
    Finished,
    /// In good order. The producer may come back with another body, as one does that rotates its token.
    Ended,
    /// Without the producer's word: the connection broke, or nothing came for too long.
    Lost,
    /// The server stops, and cannot wait for the end of the fragment.
    Stopped,
}

impl PutMediaRequest {
    /// Reads the request's headers; `header` is given lower-case names.
    ///
    /// # Errors
    /// `InvalidArgumentException` for a missing, double or malformed header.
    pub fn parse<'a>(header: &dyn Fn(&str) -> Option<&'a str>) -> Result<Self, KvsError> {
        let stream = match (header("x-amzn-stream-name"), header("x-amzn-stream-arn")) {
            (Some(_), Some(_)) => {
                return Err(KvsError::invalid("Specify the stream name or the stream ARN, not both."));
            }
            (name, arn) => StreamIdentity::from_members(name, arn)?,
        };
        let kind = constraint::required(header("x-amzn-fragment-timecode-type"), "fragmentTimecodeType")?;
        let relative =
            constraint::one_of(kind, "fragmentTimecodeType", &[("ABSOLUTE", false), ("RELATIVE", true)])?;
        let start = header("x-amzn-producer-start-timestamp").map(start_timestamp).transpose()?;
        let timecodes = match (relative, start) {
            (false, _) => TimecodeType::Absolute,
            (true, Some(start)) => TimecodeType::Relative(start),
            (true, None) => {
                return Err(KvsError::invalid("RELATIVE timecodes need a producer start timestamp."));
            }
        };
        // Sent by the C SDK and not documented: 1 or 0.
        let acks =
            header("x-amzn-fragment-acknowledgment-required").is_none_or(|wanted| wanted.trim() != "0");
        let acks = if acks { AcksTold::Every } else { AcksTold::None };
        Ok(Self { stream, timecodes, acks, idle_close: true, resumes: true })
    }

    /// A session within the process, fed by a capture: absolute timecodes, and never closed for silence.
    pub fn capture(stream: StreamArn) -> Self {
        Self {
            stream: StreamIdentity::Arn(stream),
            timecodes: TimecodeType::Absolute,
            acks: AcksTold::Last,
            idle_close: false,
            resumes: false,
        }
    }
}

/// Reads seconds with a decimal fraction.
///
/// The C SDK prints `seconds.millis` without padding, so 5 ms arrives as `.5`. That is read as the number that it is:
/// clients see the same times here as at AWS.
fn start_timestamp(text: &str) -> Result<ProducerTime, KvsError> {
    let rule = "Member must be a timestamp in seconds";
    let refused = || KvsError::from(constraint::Breach::new(text, "producerStartTimestamp", rule));
    let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=12).contains(&seconds.len()) || !digits(seconds) || !digits(fraction) {
        return Err(refused());
    }
    let seconds: i64 = seconds.parse().map_err(|_| refused())?;
    let ms = fraction.bytes().chain(*b"000").take(3).fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    Ok(ProducerTime::from_unix_ms(seconds * 1000 + ms))
}

impl KvsService {
    /// Begins a PutMedia session. Once this succeeds the response's head is due, before any of the body is read.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ClientLimitExceededException`; `ConnectionLimitExceededException`, after earlier
    /// connections were given [`Limits::put_media_overlap`](crate::Limits::put_media_overlap) to end. A key that cannot be used is not an error here:
    /// the session exists and tells the one ack that says so.
    pub async fn put_media(
        &self,
        caller: &Caller,
        request: PutMediaRequest,
    ) -> Result<PutMediaSession, KvsError> {
        self.meter_call(caller, Operation::PutMedia, Some(request.stream.name()))?;
        let stream = self.media_stream(caller, &request.stream).await?;
        self.open_upload(request, stream).await
    }

    /// Begins the session of an upload that was counted, to a stream that was looked up.
    pub(crate) async fn open_upload(
        &self,
        request: PutMediaRequest,
        stream: Stream,
    ) -> Result<PutMediaSession, KvsError> {
        let limits = self.limits();
        let (limit, patience) = (limits.put_media_connections_per_stream, limits.put_media_overlap);
        let kind = ConnectionKind::PutMedia;
        let stopwatch = self.stopwatch();
        let connection = if stopwatch.is_driven() {
            self.connections().open(stream.id, kind, limit)?
        } else {
            self.connections().open_within(stream.id, kind, limit, patience).await?
        };
        let now = stopwatch.now();
        let idle = IdleRule {
            ack_after: self.options().put_media_idle_ack,
            close_after: self.options().put_media_idle_close,
        };
        let idle = request.idle_close.then_some(idle);
        let log = self.ack_logs().open(stream.id);
        let acks = Arc::new(AckQueue::new(limits.waiting_acks, idle, stopwatch.clone(), log));
        let holds = Arc::clone(self.holds());
        let rules = IngestRules {
            limits: limits.clone(),
            start: match request.timecodes {
                TimecodeType::Absolute => ProducerTime::from_unix_ms(0),
                TimecodeType::Relative(start) => start,
            },
            acks: request.acks,
            expires_at: limits.put_media_lifetime.map(|lifetime| now + lifetime),
            resumes: request.resumes,
        };
        let ingest = match self.store().open_writer(stream.id).await {
            Ok(writer) => Ingest::new(rules, Arc::clone(&acks), holds, writer, connection),
            Err(error) if matches!(error.kind(), ErrorKind::Key(_)) => {
                let event = AckEvent::Error(ErrorId::of_store(&error));
                acks.fail(Ack { event, timecode: None, number: None });
                Ingest::closed(rules, Arc::clone(&acks), holds)
            }
            Err(error) => return Err(error.into()),
        };
        let pace = Pace::new(now, limits.put_media_bytes_per_s, limits.put_media_fragments_per_s);
        Ok(PutMediaSession::new(ingest, acks, pace, request.resumes, stopwatch.clone()))
    }
}

/// A PutMedia session. Dropped without [`Self::finish`], it ends as [`BodyEnd::Lost`].
pub struct PutMediaSession {
    reader: FragmentReader,
    ingest: Ingest,
    acks: Arc<AckQueue>,
    /// The session gives IDLE acks, so it notices media.
    tells_silence: bool,
    told: AckStream,
    pace: Pace,
    /// The producer waits for the client that reads the acks.
    waits_for_acks: bool,
    stopwatch: Stopwatch,
    /// The end of the acks was given.
    told_end: bool,
}

impl PutMediaSession {
    fn new(
        ingest: Ingest,
        acks: Arc<AckQueue>,
        pace: Pace,
        waits_for_acks: bool,
        stopwatch: Stopwatch,
    ) -> Self {
        let reader = FragmentReader::new(tympan_mkv::Limits::default());
        let told = AckStream::new(Arc::clone(&acks));
        let tells_silence = acks.tells_silence();
        Self { reader, ingest, told, acks, tells_silence, pace, waits_for_acks, stopwatch, told_end: false }
    }

    /// Takes the next bytes of the body, cut anywhere. Frames that are whole go to live readers before this returns.
    ///
    /// Never waits, needs no runtime, and does nothing once the session has failed or ended.
    pub fn push(&mut self, mkv: &[u8]) {
        self.touch();
        if !self.is_taking() {
            return;
        }
        let begun = self.ingest.begun();
        if let Err(error) = self.reader.push(mkv, &mut self.ingest) {
            self.ingest.fail(ErrorId::InvalidMkvData, &error.to_string());
        }
        self.ingest.flush();
        if !self.pace.is_free() {
            self.pace.count(self.stopwatch.now(), mkv.len() as u64, self.ingest.begun() - begun);
        }
    }

    /// Waits while the store wants nothing more, while too many acks wait for the client, or while the session has had its
    /// share of bytes and fragments: called before the next piece of a body is read. Cancel-safe.
    pub async fn ready(&mut self) {
        let _held_back = HeldBack::new(&self.acks);
        if let Some(resume_at) = self.pace.resume_at() {
            sleep_until(resume_at).await;
            self.pace.resumed();
        }
        if let Some(writer) = self.ingest.writer() {
            writer.ready().await;
            if self.waits_for_acks {
                self.acks.room().await;
            } else {
                self.acks.room_on_disk().await;
            }
        }
    }

    /// Takes the samples of a block, companded: they stand for the little-endian samples that their law expands them to, which are what
    /// readers get. The header of the block came before. As [`Self::push`] otherwise; only within this process.
    pub fn push_codes(&mut self, law: G711, codes: &[u8]) {
        self.touch();
        if !self.is_taking() {
            return;
        }
        if !self.ingest.keeps_codes() || !self.keep_codes(law, codes) {
            let mut samples = Vec::with_capacity(2 * codes.len());
            law.expand_into(codes, &mut samples);
            self.push(&samples);
        }
    }

    fn touch(&self) {
        if self.tells_silence {
            self.acks.touch();
        }
    }

    /// `false` where they are not just the samples of the block that has begun.
    fn keep_codes(&mut self, law: G711, codes: &[u8]) -> bool {
        let begun = self.ingest.begun();
        self.ingest.codes(law, codes);
        match self.reader.skip_samples(2 * codes.len(), &mut self.ingest) {
            Ok(true) => {}
            Ok(false) => {
                self.ingest.forget_codes();
                return false;
            }
            Err(error) => self.ingest.fail(ErrorId::InvalidMkvData, &error.to_string()),
        }
        self.ingest.flush();
        if !self.pace.is_free() {
            self.pace.count(self.stopwatch.now(), 2 * codes.len() as u64, self.ingest.begun() - begun);
        }
        true
    }

    /// Takes the index of the fragment that has begun, or more of it: before what ends the fragment. Bytes that are kept
    /// beside the fragment and lost only with it; nothing looks into them. Only within this process.
    pub fn push_index(&mut self, index: &[u8]) {
        if self.is_taking() {
            self.ingest.index(index);
        }
    }

    /// Bytes that wait for the disk, of all streams: for a capture, which cannot wait and counts a lag instead.
    pub fn backlog_bytes(&self) -> usize {
        self.ingest.writer().map_or(0, Writer::backlog_bytes)
    }

    /// Ends the session at the next end of a fragment, with an ERROR that makes the producer open another one: the server
    /// stops.
    pub fn end_soon(&mut self) {
        if self.is_taking() {
            self.ingest.end_soon();
        }
    }

    /// Ends the body. A fragment is complete only by its producer's word; one that was cut off waits to be sent again.
    pub fn finish(&mut self, end: BodyEnd) {
        if !self.is_taking() {
            return;
        }
        match end {
            BodyEnd::Lost => self.ingest.leave(),
            BodyEnd::Stopped => self.ingest.stop(),
            BodyEnd::Finished | BodyEnd::Ended => {
                match self.reader.finish(&mut self.ingest) {
                    Ok(()) => self.ingest.seal(),
                    Err(error) => self.ingest.fail(ErrorId::InvalidMkvData, &error.to_string()),
                }
                let finished = end == BodyEnd::Finished;
                self.ingest.close(if finished { Ending::Finished } else { Ending::Disconnected });
            }
        }
    }

    /// Ends the session because the body cannot be trusted, as when its hash is not the signed one. The open fragment
    /// is taken back; what was acknowledged stays.
    pub fn break_off(&mut self, why: &str) {
        if self.is_taking() {
            self.ingest.fail(ErrorId::StreamReadError, why);
        }
    }

    /// The next ack; see [`AckStream::next`].
    pub async fn next_ack(&mut self) -> Option<Ack> {
        self.told.next().await
    }

    /// The acks apart from the session, for a task of their own. Use this or [`Self::next_ack`], not both.
    pub fn acks(&self) -> AckStream {
        AckStream::new(Arc::clone(&self.acks))
    }

    /// Whether the session takes nothing more: it failed, was closed for silence, or ended.
    pub fn failed(&self) -> bool {
        !self.ingest.is_open() || !self.acks.is_open()
    }

    /// Notices that the session has ended elsewhere: closed for silence, a fragment lost, or taken over by another session.
    fn is_taking(&mut self) -> bool {
        if self.ingest.is_open() && !self.acks.is_open() {
            if self.acks.has_failed() {
                // The producer was told so, and sends it again.
                self.ingest.close(Ending::Disconnected);
            } else {
                self.ingest.leave();
            }
        }
        self.ingest.is_open()
    }
}

/// While it lives, a session is held back and not idle.
struct HeldBack(Arc<AckQueue>);

impl HeldBack {
    fn new(acks: &Arc<AckQueue>) -> Self {
        acks.hold_back(true);
        Self(Arc::clone(acks))
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        self.0.hold_back(false);
    }
}

impl Drop for PutMediaSession {
    fn drop(&mut self) {
        self.finish(BodyEnd::Lost);
    }
}
