//! The service: options, dispatch, and what all operations share.

use crate::connections::Connections;
use crate::data::{AckLogs, CutFragments, Holds, ToldAck};
use crate::lifecycle::{Lifecycle, Status};
use crate::meter::CallMeters;
use crate::operations::OPERATIONS;
use crate::readers::{self, ReaderCounts, ReaderStatus};
use crate::stopwatch::Stopwatch;
use crate::{KvsError, KvsErrorCode, Limits, MediaBody, Operation, StreamIdentity};
use std::sync::Arc;
use std::time::Duration;
use tympan_aws::{Invocation, Output, Service};
use tympan_store::{Clock, MediaStore, Stream, StreamId, StreamRef, StreamStatus};
use tympan_types::{Caller, Mono, WallTime};

/// The Content-Type of GetMedia and GetMediaForFragmentList bodies.
pub const MEDIA_CONTENT_TYPE: &str = "video/webm";

/// How the service behaves.
#[derive(Clone)]
pub struct KvsOptions {
    /// The time of day: the clock that the store was opened with.
    pub clock: Arc<dyn Clock>,
    /// What GetDataEndpoint answers a request of which it is not known by which URL it came: a whole URL without a path.
    pub endpoint: String,
    /// Quotas.
    pub limits: Limits,
    /// How long a stream is CREATING, UPDATING or DELETING; nothing takes that long here, it is only said.
    pub status_delay: Duration,
    /// PutMedia: an IDLE ack is sent each time that nothing has arrived for so long.
    pub put_media_idle_ack: Duration,
    /// PutMedia: the connection is closed when nothing has arrived for so long.
    pub put_media_idle_close: Duration,
    /// PutMedia: a fragment whose upload ended without its producer's word waits so long for an upload that goes on with it;
    /// zero: not at all.
    pub put_media_resume: Duration,
    /// GetMedia: the body ends when no fragment has been open for so long.
    pub get_media_idle: Duration,
    /// GetMedia: the body ends at the first end of a fragment after so long.
    pub get_media_lifetime: Duration,
    /// GetMedia: a reader that has taken nothing for so long is told so at the next end of a fragment, which ends the
    /// body.
    pub get_media_stall: Duration,
}

impl KvsOptions {
    /// The service's own timings where they are known, and [`Limits::open`].
    pub fn new(endpoint: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            endpoint: endpoint.into(),
            limits: Limits::open(),
            status_delay: Duration::ZERO,
            put_media_idle_ack: Duration::from_secs(5),
            put_media_idle_close: Duration::from_secs(30),
            put_media_resume: Duration::from_secs(10),
            get_media_idle: Duration::from_secs(3),
            get_media_lifetime: Duration::from_secs(45 * 60),
            get_media_stall: Duration::from_secs(30),
        }
    }
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct KvsService {
    shared: Arc<Shared>,
    limits: Arc<Limits>,
    /// Statuses that are only said to delay do not hold this one back.
    in_process: bool,
}

struct Shared {
    store: MediaStore,
    options: KvsOptions,
    connections: Arc<Connections>,
    meters: CallMeters,
    lifecycle: Lifecycle,
    holds: Arc<Holds>,
    ack_logs: AckLogs,
    stopwatch: Stopwatch,
}

impl KvsService {
    /// Puts the service before a store.
    pub fn new(store: MediaStore, options: KvsOptions) -> Self {
        Self::timed_by(Stopwatch::Runtime, store, options)
    }

    /// A service that waits for nothing, reads no clock and needs no runtime, for a simulation: time is what
    /// [`Self::begin_put_media`](KvsService::begin_put_media), the sessions and [`Self::turn`] are told. `store` was opened
    /// by [`MediaStore::open_inline`]; then the future of [`Self::call`] is ready when it is polled first.
    pub fn driven(store: MediaStore, options: KvsOptions) -> Self {
        Self::timed_by(Stopwatch::driven(), store, options)
    }

    fn timed_by(stopwatch: Stopwatch, store: MediaStore, options: KvsOptions) -> Self {
        let delay_ms = i64::try_from(options.status_delay.as_millis()).unwrap_or(i64::MAX);
        Self {
            limits: Arc::new(options.limits.clone()),
            shared: Arc::new(Shared {
                store,
                holds: Arc::new(Holds::new(options.put_media_resume, stopwatch.clone())),
                ack_logs: AckLogs::new(Arc::clone(&options.clock)),
                stopwatch,
                options,
                connections: Arc::default(),
                meters: CallMeters::default(),
                lifecycle: Lifecycle::new(delay_ms),
            }),
            in_process: false,
        }
    }

    /// The same service for the calls of this process: a telephone call is never refused for what API clients are
    /// held to, neither rates nor connections nor lifetimes nor delayed statuses. Quotas and sizes hold for both.
    #[must_use]
    pub fn within_process(&self) -> Self {
        let limits = Arc::new(self.limits.without_rates());
        Self { limits, in_process: true, ..self.clone() }
    }

    /// The server stops: fragments that wait for their producers are taken back, or sealed where the producer wants no acks
    /// and will not send them again.
    pub fn stop(&self) {
        self.shared.holds.stop();
    }

    /// Of a driven service: does what is due at `now` with fragments that wait for an upload that goes on with them.
    pub fn turn(&self, now: Mono) {
        self.shared.stopwatch.set(now);
        self.shared.holds.turn();
    }

    /// Of a driven service: when [`Self::turn`] has something to do. Also after anything that an upload did.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.shared.holds.next_deadline().map(|at| self.shared.stopwatch.mono(at))
    }

    /// What became of fragments whose uploads ended without their producer's word.
    pub fn cut_fragments(&self) -> CutFragments {
        self.shared.holds.counts()
    }

    /// Who follows a stream of a caller's account and region by GetMedia, oldest first.
    pub fn readers(&self, caller: &Caller) -> Vec<ReaderStatus> {
        let readings = self.shared.connections.readings();
        readers::statuses(readings, caller, |stream| self.shared.store.head(stream))
    }

    /// What the producers of a stream were told last, oldest first; only since the start of the server, and only of the
    /// streams that were uploaded to lately.
    pub fn told_acks(&self, stream: StreamId) -> Vec<ToldAck> {
        self.shared.ack_logs.last(stream)
    }

    /// How many follow any stream.
    pub fn reader_counts(&self) -> ReaderCounts {
        self.shared.connections.reader_counts()
    }

    /// How many streams an account may have in a region; `None`: any number.
    pub fn streams_max(&self) -> Option<u32> {
        self.limits.streams_per_account
    }

    /// Answers a JSON operation with a JSON body.
    ///
    /// # Errors
    /// The operation's own; `NotImplementedException` for what is not offered; `InvalidEndpointException` for the
    /// three operations whose body is media, which have methods of their own.
    pub async fn call(
        &self,
        caller: &Caller,
        operation: Operation,
        body: &[u8],
    ) -> Result<Vec<u8>, KvsError> {
        if matches!(operation, Operation::PutMedia | Operation::GetMedia | Operation::GetMediaForFragmentList)
        {
            return Err(KvsError::new(
                KvsErrorCode::InvalidEndpoint,
                format!("{} carries media: it is not a JSON operation.", operation.name()),
            ));
        }
        let output = self.attempt(caller, operation, body).await?;
        output.into_json().ok_or_else(|| Self::fault(format!("{} answers no JSON", operation.name())))
    }

    /// Begins to read a stream.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `InvalidArgumentException`, `ConnectionLimitExceededException`,
    /// `ClientLimitExceededException`. What goes wrong later stands within the body.
    pub async fn get_media(&self, caller: &Caller, body: &[u8]) -> Result<MediaBody, KvsError> {
        self.media(caller, Operation::GetMedia, body).await
    }

    /// Begins to deliver the fragments of a list. A fragment that is not there has a document with
    /// `AWS_KINESISVIDEO_ERROR_CODE` in its place.
    ///
    /// # Errors
    /// As [`Self::get_media`].
    pub async fn get_media_for_fragment_list(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<MediaBody, KvsError> {
        self.media(caller, Operation::GetMediaForFragmentList, body).await
    }

    async fn media(&self, caller: &Caller, operation: Operation, body: &[u8]) -> Result<MediaBody, KvsError> {
        let output = self.attempt(caller, operation, body).await?;
        let media = output.into_stream().and_then(|stream| stream.downcast::<MediaBody>().ok());
        media.ok_or_else(|| Self::fault(format!("{} answers no media", operation.name())))
    }

    async fn attempt(&self, caller: &Caller, operation: Operation, body: &[u8]) -> Result<Output, KvsError> {
        let invocation = Invocation::within_process(caller, self.now());
        OPERATIONS.attempt_named(self, operation.name(), body, &invocation).await.result
    }

    /// The stream that a caller names, whatever its status. Streams of other accounts and regions are not found.
    pub(crate) async fn stream(
        &self,
        caller: &Caller,
        identity: &StreamIdentity,
    ) -> Result<Stream, KvsError> {
        let named = match identity {
            StreamIdentity::Name(name) => {
                StreamRef::Name { account: &caller.account, region: &caller.region, name }
            }
            StreamIdentity::Arn(arn)
                if *arn.account() != caller.account || *arn.region() != caller.region =>
            {
                return Err(KvsError::stream_not_found());
            }
            StreamIdentity::Arn(arn) => StreamRef::Arn(arn),
        };
        let stream = self.shared.store.stream(named).await?;
        match stream.status {
            StreamStatus::Active => Ok(stream),
            StreamStatus::Deleting => Err(KvsError::stream_not_found()),
        }
    }

    /// A stream for operations on its media, which takes and gives none while it is CREATING or DELETING.
    pub(crate) async fn media_stream(
        &self,
        caller: &Caller,
        identity: &StreamIdentity,
    ) -> Result<Stream, KvsError> {
        let stream = self.stream(caller, identity).await?;
        match self.status(&stream) {
            Status::Active | Status::Updating => Ok(stream),
            Status::Creating | Status::Deleting => Err(KvsError::stream_not_found()),
        }
    }

    /// Streams of a caller that are being deleted, of those that `wanted` wants.
    pub(crate) fn deleting_streams(&self, caller: &Caller, wanted: impl Fn(&Stream) -> bool) -> Vec<Stream> {
        self.shared.lifecycle.deleting(self.mono(), |stream| {
            (stream.arn.account(), stream.arn.region()) == (&caller.account, &caller.region) && wanted(stream)
        })
    }

    /// The status of a stream that the store knows.
    pub(crate) fn status(&self, stream: &Stream) -> Status {
        if self.in_process { Status::Active } else { self.shared.lifecycle.status(self.mono(), stream.id) }
    }

    /// A change of a stream was made; it is told for a while.
    pub(crate) fn passes_through(&self, stream: &Stream, status: Status) {
        if !self.in_process {
            self.shared.lifecycle.begin(self.mono(), stream, status);
        }
    }

    pub(crate) fn store(&self) -> &MediaStore {
        &self.shared.store
    }

    pub(crate) fn options(&self) -> &KvsOptions {
        &self.shared.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.shared.connections
    }

    pub(crate) fn ack_logs(&self) -> &AckLogs {
        &self.shared.ack_logs
    }

    pub(crate) fn holds(&self) -> &Arc<Holds> {
        &self.shared.holds
    }

    pub(crate) fn stopwatch(&self) -> &Stopwatch {
        &self.shared.stopwatch
    }

    pub(crate) fn meters(&self) -> &CallMeters {
        &self.shared.meters
    }

    fn mono(&self) -> Mono {
        self.shared.options.clock.mono()
    }

    pub(crate) fn now(&self) -> WallTime {
        self.shared.options.clock.now()
    }
}

/// The two members by which most requests name their stream.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct StreamMembers {
    #[serde(rename = "StreamName")]
    name: Option<String>,
    #[serde(rename = "StreamARN")]
    arn: Option<String>,
}

impl StreamMembers {
    /// Name and ARN.
    pub(crate) fn texts(&self) -> (Option<&str>, Option<&str>) {
        (self.name.as_deref(), self.arn.as_deref())
    }
}
