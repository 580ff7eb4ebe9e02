//! The service: options, dispatch, and what all operations share.

use crate::connections::Connections;
use crate::{KvsError, KvsErrorCode, Limits, Operation, StreamIdentity};
use crate::{archived, control};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tympan_store::{Clock, MediaStore, Stream, StreamRef, StreamStatus};
use tympan_types::{Caller, WallTime};

/// The Content-Type of GetMedia and GetMediaForFragmentList bodies.
pub const MEDIA_CONTENT_TYPE: &str = "video/webm";

/// How the service behaves.
#[derive(Clone)]
pub struct KvsOptions {
    /// The time of day: the clock that the store was opened with.
    pub clock: Arc<dyn Clock>,
    /// What GetDataEndpoint answers: a whole URL without a path.
    pub endpoint: String,
    /// Quotas.
    pub limits: Limits,
    /// PutMedia: an IDLE ack is sent each time that nothing has arrived for so long.
    pub put_media_idle_ack: Duration,
    /// PutMedia: the connection is closed when nothing has arrived for so long.
    pub put_media_idle_close: Duration,
    /// GetMedia: the body ends when no fragment has been open for so long.
    pub get_media_idle: Duration,
    /// GetMedia: the body ends at the first end of a fragment after so long.
    pub get_media_lifetime: Duration,
}

impl KvsOptions {
    /// The service's own timings where they are known, and [`Limits::open`].
    pub fn new(endpoint: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            endpoint: endpoint.into(),
            limits: Limits::open(),
            put_media_idle_ack: Duration::from_secs(5),
            put_media_idle_close: Duration::from_secs(30),
            get_media_idle: Duration::from_secs(3),
            get_media_lifetime: Duration::from_secs(45 * 60),
        }
    }
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct KvsService(Arc<Shared>);

struct Shared {
    store: MediaStore,
    options: KvsOptions,
    connections: Arc<Connections>,
}

impl KvsService {
    /// Puts the service before a store.
    pub fn new(store: MediaStore, options: KvsOptions) -> Self {
        Self(Arc::new(Shared { store, options, connections: Arc::default() }))
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
        match operation {
            Operation::CreateStream => answer(&control::create_stream(self, caller, body).await?),
            Operation::DescribeStream => answer(&control::describe_stream(self, caller, body).await?),
            Operation::ListStreams => answer(&control::list_streams(self, caller, body).await?),
            Operation::DeleteStream => answer(&control::delete_stream(self, caller, body).await?),
            Operation::UpdateStream => answer(&control::update_stream(self, caller, body).await?),
            Operation::UpdateDataRetention => {
                answer(&control::update_data_retention(self, caller, body).await?)
            }
            Operation::TagStream => answer(&control::tag_stream(self, caller, body).await?),
            Operation::UntagStream => answer(&control::untag_stream(self, caller, body).await?),
            Operation::ListTagsForStream => answer(&control::list_tags_for_stream(self, caller, body).await?),
            Operation::GetDataEndpoint => answer(&control::get_data_endpoint(self, caller, body).await?),
            Operation::ListFragments => answer(&archived::list_fragments(self, caller, body).await?),
            Operation::Playback(playback) => Err(archived::playback(self, caller, playback, body).await),
            Operation::PutMedia | Operation::GetMedia | Operation::GetMediaForFragmentList => {
                Err(KvsError::new(
                    KvsErrorCode::InvalidEndpoint,
                    format!("{} carries media: it is not a JSON operation.", operation.name()),
                ))
            }
            Operation::Refused(name) => Err(KvsError::new(
                KvsErrorCode::NotImplemented,
                format!("{name} is not offered by this service."),
            )),
        }
    }

    /// The stream that a caller names. Streams of other accounts and regions are not found.
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
        let stream = self.0.store.stream(named).await?;
        match stream.status {
            StreamStatus::Active => Ok(stream),
            StreamStatus::Deleting => Err(KvsError::stream_not_found()),
        }
    }

    pub(crate) fn store(&self) -> &MediaStore {
        &self.0.store
    }

    pub(crate) fn options(&self) -> &KvsOptions {
        &self.0.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.options.limits
    }

    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.0.connections
    }

    pub(crate) fn now(&self) -> WallTime {
        self.0.options.clock.now()
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
    pub(crate) fn identity(&self) -> Result<StreamIdentity, KvsError> {
        StreamIdentity::from_members(self.name.as_deref(), self.arn.as_deref())
    }
}

fn answer(response: &impl Serialize) -> Result<Vec<u8>, KvsError> {
    serde_json::to_vec(response).map_err(|error| {
        tracing::error!(%error, "response cannot be written as JSON");
        KvsError::new(KvsErrorCode::InternalFailure, "The service failed inside. Try again.")
    })
}
