//! What a request is about, for authorisation.

use crate::{KvsError, KvsService, Operation, StreamIdentity, constraint};
use std::collections::BTreeMap;
use tympan_types::{Caller, StreamArn, StreamName};

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

/// The members by which requests name a stream.
#[derive(serde::Deserialize)]
struct Members {
    #[serde(rename = "StreamName")]
    name: Option<String>,
    #[serde(rename = "StreamARN")]
    arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource: Option<String>,
}

/// The master key that a request would have its stream encrypted under; `None` where it names none, or the service's own.
///
/// # Errors
/// As [`KvsService::resources`].
pub fn master_key(operation: Operation, body: &[u8]) -> Result<Option<String>, KvsError> {
    #[derive(serde::Deserialize)]
    struct Members {
        #[serde(rename = "KmsKeyId")]
        key: Option<String>,
    }
    if operation != Operation::CreateStream {
        return Ok(None);
    }
    let Members { key } = constraint::request(body)?;
    Ok(key.filter(|key| key != constraint::DEFAULT_KEY))
}

impl KvsService {
    /// The resources of a JSON request: every stream that it names by any member, each once, whichever of them the
    /// operation reads. The request is denied if any one of them is denied. At least one; `*` where none is named.
    ///
    /// What is no name and no ARN names nothing: the operation itself says so, if it reads it.
    ///
    /// # Errors
    /// `SerializationException` for a body that is no JSON object of the right types, or has a member twice. It must not
    /// reach the operation, which might read more of it than this did.
    pub async fn resources(
        &self,
        caller: &Caller,
        operation: Operation,
        body: &[u8],
    ) -> Result<Vec<Resource>, KvsError> {
        let Members { name, arn, resource } = constraint::request(body)?;
        let mut resources = Vec::new();
        if operation != Operation::ListStreams {
            let name = name.and_then(|name| StreamName::parse(&name).ok());
            let arns = [arn, resource].into_iter().flatten().filter_map(|arn| StreamArn::parse(&arn).ok());
            let named = name.map(StreamIdentity::Name).into_iter().chain(arns.map(StreamIdentity::Arn));
            for identity in named {
                let resource = self.resource_of(caller, &identity).await;
                if resources.iter().all(|known: &Resource| known.arn != resource.arn) {
                    resources.push(resource);
                }
            }
        }
        if resources.is_empty() {
            resources.push(Resource { arn: "*".to_owned(), named: "*".to_owned(), tags: None });
        }
        Ok(resources)
    }

    /// As [`Self::resources`], of a PutMedia request.
    pub async fn resource_of(&self, caller: &Caller, identity: &StreamIdentity) -> Resource {
        let named = identity.resource(caller);
        match self.stream(caller, identity).await {
            Ok(stream) => Resource { arn: stream.arn.to_string(), named, tags: Some(stream.tags) },
            Err(_) => Resource { arn: named.clone(), named, tags: None },
        }
    }
}
