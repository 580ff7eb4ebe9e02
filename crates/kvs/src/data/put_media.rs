//! PutMedia: a body of Matroska in, a line per ack out.

use super::ack::{Ack, AckEvent, ErrorId};
use super::ack_stream::{AckQueue, AckStream, IdleRule};
use super::ingest::{Ingest, IngestRules};
use crate::connections::ConnectionKind;
use crate::rate::Pace;
use crate::{KvsError, KvsService, Operation, StreamIdentity, constraint};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};
use tympan_mkv::fragment::FragmentReader;
use tympan_store::{Ending, ErrorKind, Writer};
use tympan_types::{Caller, ProducerTime, StreamArn};

/// What the timecodes of a session count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimecodeType {
    /// 1970.
    Absolute,
    /// The producer's start.
    Relative(ProducerTime),
}

/// The head of a PutMedia request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutMediaRequest {
    /// The stream.
    pub stream: StreamIdentity,
    /// What timecodes count from.
    pub timecodes: TimecodeType,
    /// Whether BUFFERING, RECEIVED and PERSISTED are told; errors always are.
    pub acks: bool,
    /// Whether silence is told (IDLE) and closes the session.
    pub idle_close: bool,
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
        Ok(Self { stream, timecodes, acks, idle_close: true })
    }

    /// A session within the process, fed by a capture: absolute timecodes, and never closed for silence.
    pub fn capture(stream: StreamArn) -> Self {
        Self {
            stream: StreamIdentity::Arn(stream),
            timecodes: TimecodeType::Absolute,
            acks: true,
            idle_close: false,
        }
    }
}

/// Reads seconds with a decimal fraction.
///
/// The C SDK prints `seconds.millis` without padding, so 5 ms arrives as `.5`. That is read as the number that it is:
/// clients see the same times here as at AWS.
fn start_timestamp(text: &str) -> Result<ProducerTime, KvsError> {
    let refused =
        || constraint::failed(text, "producerStartTimestamp", "Member must be a timestamp in seconds");
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
        self.meter_call(caller, Operation::PutMedia, || Some(request.stream.clone()))?;
        let stream = self.media_stream(caller, &request.stream).await?;
        let limits = self.limits();
        let (limit, patience) = (limits.put_media_connections_per_stream, limits.put_media_overlap);
        let connection =
            self.connections().open_within(stream.id, ConnectionKind::PutMedia, limit, patience).await?;
        let now = Instant::now();
        let idle = IdleRule {
            ack_after: self.options().put_media_idle_ack,
            close_after: self.options().put_media_idle_close,
        };
        let acks = Arc::new(AckQueue::new(self.limits().waiting_acks, request.idle_close.then_some(idle)));
        let rules = IngestRules {
            limits: limits.clone(),
            start: match request.timecodes {
                TimecodeType::Absolute => ProducerTime::from_unix_ms(0),
                TimecodeType::Relative(start) => start,
            },
            acks: request.acks,
            expires_at: limits.put_media_lifetime.map(|lifetime| now + lifetime),
        };
        let ingest = match self.store().open_writer(stream.id).await {
            Ok(writer) => Ingest::new(rules, Arc::clone(&acks), writer, connection),
            Err(error) if matches!(error.kind(), ErrorKind::Key(_)) => {
                let event = AckEvent::Error(ErrorId::of_store(&error));
                acks.fail(Ack { event, timecode: None, number: None });
                Ingest::closed(rules, Arc::clone(&acks))
            }
            Err(error) => return Err(error.into()),
        };
        let pace = Pace::new(now, limits.put_media_bytes_per_s, limits.put_media_fragments_per_s);
        Ok(PutMediaSession::new(ingest, acks, pace))
    }
}

/// A PutMedia session. Dropped without [`Self::finish`], it ends as [`Ending::Disconnected`].
pub struct PutMediaSession {
    reader: FragmentReader,
    ingest: Ingest,
    acks: Arc<AckQueue>,
    told: AckStream,
    pace: Pace,
}

impl PutMediaSession {
    fn new(ingest: Ingest, acks: Arc<AckQueue>, pace: Pace) -> Self {
        let reader = FragmentReader::new(tympan_mkv::Limits::default());
        Self { reader, ingest, told: AckStream::new(Arc::clone(&acks)), acks, pace }
    }

    /// Takes the next bytes of the body, cut anywhere. Frames go to live readers before this returns.
    ///
    /// Never waits, needs no runtime, and does nothing once the session has failed or ended.
    pub fn push(&mut self, mkv: &[u8]) {
        self.acks.touch();
        if !self.is_taking() {
            return;
        }
        let begun = self.ingest.begun();
        if let Err(error) = self.reader.push(mkv, &mut self.ingest) {
            self.ingest.fail(ErrorId::InvalidMkvData, &error.to_string());
        }
        self.ingest.flush();
        if !self.pace.is_free() {
            self.pace.count(Instant::now(), mkv.len() as u64, self.ingest.begun() - begun);
        }
    }

    /// Waits while the store wants nothing more, or while the session has had its share of bytes and fragments:
    /// called before the next piece of a body is read.
    pub async fn ready(&mut self) {
        if let Some(resume_at) = self.pace.resume_at() {
            self.acks.hold_back(true);
            sleep_until(resume_at).await;
            self.acks.hold_back(false);
            self.pace.resumed();
        }
        if let Some(writer) = self.ingest.writer() {
            self.acks.hold_back(true);
            writer.ready().await;
            self.acks.room().await;
            self.acks.hold_back(false);
        }
    }

    /// Bytes that wait for the disk, of all streams: for a capture, which cannot wait and counts a lag instead.
    pub fn backlog_bytes(&self) -> usize {
        self.ingest.writer().map_or(0, Writer::backlog_bytes)
    }

    /// Ends the body. What is complete is kept: also a fragment whose connection broke between two elements.
    pub fn finish(&mut self, ending: Ending) {
        if !self.is_taking() {
            return;
        }
        match (self.reader.finish(&mut self.ingest), ending) {
            (Ok(()), _) => self.ingest.seal(),
            (Err(error), Ending::Finished) => self.ingest.fail(ErrorId::InvalidMkvData, &error.to_string()),
            (Err(error), Ending::Disconnected) => {
                tracing::info!(%error, "putmedia connection broke within an element; its fragment is dropped");
            }
        }
        self.ingest.close(ending);
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

    /// Notices that the reader of acks ended the session: closed for silence, or a fragment was lost.
    fn is_taking(&mut self) -> bool {
        if self.ingest.is_open() && !self.acks.is_open() {
            self.ingest.close(Ending::Disconnected);
        }
        self.ingest.is_open()
    }
}

impl Drop for PutMediaSession {
    fn drop(&mut self) {
        self.finish(Ending::Disconnected);
    }
}
