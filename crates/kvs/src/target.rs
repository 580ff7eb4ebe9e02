//! What a request is about: a stream, looked up once, and the key that a new one is to be encrypted under.

use crate::lifecycle::Status;
use crate::service::StreamMembers;
use crate::{KvsError, KvsErrorCode, KvsService, StreamIdentity, constraint};
use std::sync::Arc;
use tympan_aws::{Asks, Cx, KeyUse, Operation, Output, Resource, Target};
use tympan_store::Stream;
use tympan_types::{StreamArn, StreamName};

/// A stream as a request names it. What is wrong with the name, or that there is no such stream, is kept for the
/// operation: it says so at its own place, after the policies have been asked.
pub(crate) struct StreamTarget {
    resources: Vec<Arc<Resource>>,
    identity: Result<StreamIdentity, KvsError>,
    /// `None` where nothing was looked up that the operation acts on.
    found: Option<Result<Stream, KvsError>>,
    /// By its name: a stream that does not exist can be asked for too.
    name: Option<StreamName>,
    key: Option<KeyUse>,
}

type Context<'a> = Cx<'a, KvsService>;

impl StreamTarget {
    /// Of the two members by which most requests name their stream.
    pub(crate) async fn of(cx: &Context<'_>, name: Option<&str>, arn: Option<&str>) -> Self {
        let identity = StreamIdentity::from_members(name, arn);
        let name = name.and_then(|name| StreamName::parse(name).ok()).map(StreamIdentity::Name);
        let arn = arn.and_then(|arn| StreamArn::parse(arn).ok()).map(StreamIdentity::Arn);
        Self::look_up(cx, identity, [name, arn].into_iter().flatten()).await
    }

    /// The same of a request that has them as one.
    pub(crate) async fn of_members(cx: &Context<'_>, members: &StreamMembers) -> Self {
        let (name, arn) = members.texts();
        Self::of(cx, name, arn).await
    }

    /// Of the calls that name any resource.
    pub(crate) async fn of_resource(cx: &Context<'_>, arn: Option<&str>) -> Self {
        let identity = constraint::required(arn, "resourceARN")
            .map_err(KvsError::from)
            .and_then(|arn| constraint::stream_arn(arn, "resourceARN"))
            .map(StreamIdentity::Arn);
        let named = identity.clone().ok();
        Self::look_up(cx, identity, named).await
    }

    /// Of an upload, whose head was read already.
    pub(crate) async fn of_identity(cx: &Context<'_>, identity: &StreamIdentity) -> Self {
        Self::look_up(cx, Ok(identity.clone()), [identity.clone()]).await
    }

    /// Of a stream that does not exist yet, with the master key that it names.
    pub(crate) async fn to_create(
        cx: &Context<'_>,
        name: Option<&str>,
        key: Option<&str>,
    ) -> Result<Self, KvsError> {
        let key = match key.filter(|key| *key != constraint::DEFAULT_KEY) {
            Some(key) => cx.key_to_use(key).await?,
            None => None,
        };
        Ok(Self { key, ..Self::of(cx, name, None).await })
    }

    /// Looks up each stream that is named, whichever the operation acts on: all of them must be granted.
    async fn look_up(
        cx: &Context<'_>,
        identity: Result<StreamIdentity, KvsError>,
        named: impl IntoIterator<Item = StreamIdentity>,
    ) -> Self {
        let mut target = Self { resources: Vec::new(), found: None, identity, name: None, key: None };
        for named in named {
            target.name.get_or_insert_with(|| named.name().clone());
            let is_meant = target.identity.as_ref() == Ok(&named);
            let found = cx.service.stream(cx.caller, &named).await;
            target.resources.push(Arc::new(resource(cx, &named, &found)));
            if is_meant {
                target.found = Some(found);
            }
        }
        target
    }

    /// The key that a new stream is encrypted under, aliases followed; `None` for the service's own, and for an alias that nothing
    /// here can follow.
    pub(crate) fn key_arn(&self) -> Option<&str> {
        let arn = self.key.as_ref().map(|key| key.arn.as_str())?;
        arn.contains(":key/").then_some(arn)
    }

    /// How the request names it.
    pub(crate) fn identity(&self) -> Result<&StreamIdentity, KvsError> {
        self.identity.as_ref().map_err(Clone::clone)
    }

    /// The stream, whatever its status.
    pub(crate) fn stream(self) -> Result<Stream, KvsError> {
        self.identity?;
        self.found.unwrap_or_else(|| Err(KvsError::stream_not_found()))
    }

    /// The stream for operations on its media, which takes and gives none while it is CREATING or DELETING.
    pub(crate) fn media_stream(self, cx: &Context<'_>) -> Result<Stream, KvsError> {
        let stream = self.stream()?;
        match cx.service.status(&stream) {
            Status::Active | Status::Updating => Ok(stream),
            Status::Creating | Status::Deleting => Err(KvsError::stream_not_found()),
        }
    }

    /// The stream for operations that change it, which must be ACTIVE.
    pub(crate) fn changeable_stream(self, cx: &Context<'_>) -> Result<Stream, KvsError> {
        let (stream, status) = self.described_stream(cx)?;
        match status {
            Status::Active => Ok(stream),
            other => Err(KvsError::new(
                KvsErrorCode::ResourceInUse,
                format!("The stream is {}. Repeat the call when it is ACTIVE.", other.name()),
            )),
        }
    }

    /// The stream and its status; one that is being deleted is still shown.
    pub(crate) fn described_stream(self, cx: &Context<'_>) -> Result<(Stream, Status), KvsError> {
        let identity = self.identity?;
        match self.found.unwrap_or_else(|| Err(KvsError::stream_not_found())) {
            Ok(stream) => {
                let status = cx.service.status(&stream);
                Ok((stream, status))
            }
            Err(error) if error.code() == KvsErrorCode::ResourceNotFound => {
                let deleting = cx.service.deleting_streams(cx.caller, |stream| identity.is_of(&stream.arn));
                deleting.into_iter().next().map(|stream| (stream, Status::Deleting)).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// The streams that a request names by any member, where it is no input of its operation.
pub(crate) struct Named;

/// The members by which requests name a stream.
#[derive(serde::Deserialize)]
pub(crate) struct NamingMembers {
    #[serde(rename = "StreamName")]
    name: Option<String>,
    #[serde(rename = "StreamARN")]
    arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource: Option<String>,
}

impl Operation for Named {
    type Service = KvsService;
    type Input = NamingMembers;
    type Target = StreamTarget;
    const NAME: &'static str = "";

    async fn resolve(cx: &Context<'_>, input: &NamingMembers) -> Result<StreamTarget, KvsError> {
        let name = input.name.as_deref().and_then(|name| StreamName::parse(name).ok());
        let arns = [&input.arn, &input.resource].map(|arn| StreamArn::parse(arn.as_deref()?).ok());
        let arns = arns.map(|arn| arn.map(StreamIdentity::Arn));
        let named = [name.map(StreamIdentity::Name)].into_iter().chain(arns).flatten();
        Ok(StreamTarget::look_up(cx, Err(KvsError::stream_not_found()), named).await)
    }

    async fn call(_: &Context<'_>, _: NamingMembers, _: StreamTarget) -> Result<Output, KvsError> {
        Ok(Output::empty())
    }
}

/// A stream named by its name has the ARN it has now, or one with any creation time where there is none. A refusal shows the
/// latter, and so does not tell whether the stream exists.
fn resource(cx: &Context<'_>, named: &StreamIdentity, found: &Result<Stream, KvsError>) -> Resource {
    let shown = named.resource(cx.caller);
    match found {
        Ok(stream) => Resource::new(stream.arn.text()).shown_as(shown).tagged(stream.tags.clone()),
        Err(_) => Resource::new(shown.as_str()).shown_as(shown),
    }
}

impl Target for StreamTarget {
    fn asks(&self, asks: &mut Asks) {
        if self.resources.is_empty() {
            asks.on(Resource::any());
        }
        self.resources.iter().for_each(|resource| asks.on(resource.clone()));
        if let Some(key) = &self.key {
            asks.uses(key);
        }
    }

    fn subject(&self) -> Option<&str> {
        self.name.as_ref().map(StreamName::as_str)
    }
}
