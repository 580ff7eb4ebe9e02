//! What a request is about, for authorisation.

use crate::{KvsService, Operation, StreamIdentity, constraint};
use std::collections::BTreeMap;
use tympan_types::{Caller, StreamArn};

/// What a policy's `Resource` is compared with, and its conditions on tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The stream's ARN, or `*` where none is named.
    ///
    /// A stream named by its name has the ARN it has now, or one with any creation time (`/*`) where there is none.
    pub arn: String,
    /// As the request names it: the same ARN, but with any creation time if it names the stream by name. A refusal
    /// shows this, and so tells nobody whether the stream exists.
    pub named: String,
    /// The tags of the stream, if there is one.
    pub tags: Option<BTreeMap<String, String>>,
}

/// The members by which requests name a stream; each operation reads its own.
#[derive(serde::Deserialize)]
struct Members {
    #[serde(rename = "StreamName")]
    name: Option<String>,
    #[serde(rename = "StreamARN")]
    arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource: Option<String>,
}

impl KvsService {
    /// The resource of a JSON request.
    ///
    /// A malformed request is about `*`, which only a policy for everything allows: the operation itself then says what
    /// is wrong with it.
    pub async fn resource(&self, caller: &Caller, operation: Operation, body: &[u8]) -> Resource {
        let named = constraint::request::<Members>(body).ok().and_then(|members| {
            let Members { name, arn, resource } = &members;
            // Members that an operation ignores must not decide about it.
            match operation.name() {
                "ListStreams" => None,
                "CreateStream" => StreamIdentity::from_members(name.as_deref(), None).ok(),
                "TagResource" | "UntagResource" | "ListTagsForResource" => {
                    Some(StreamIdentity::Arn(StreamArn::parse(resource.as_deref()?).ok()?))
                }
                _ => StreamIdentity::from_members(name.as_deref(), arn.as_deref()).ok(),
            }
        });
        match named {
            Some(identity) => self.resource_of(caller, &identity).await,
            None => Resource { arn: "*".to_owned(), named: "*".to_owned(), tags: None },
        }
    }

    /// As [`Self::resource`], of a PutMedia request.
    pub async fn resource_of(&self, caller: &Caller, identity: &StreamIdentity) -> Resource {
        let named = identity.resource(caller);
        match self.stream(caller, identity).await {
            Ok(stream) => Resource { arn: stream.arn.to_string(), named, tags: Some(stream.tags) },
            Err(_) => Resource { arn: named.clone(), named, tags: None },
        }
    }
}
