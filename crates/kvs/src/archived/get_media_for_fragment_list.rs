//! GetMediaForFragmentList: the fragments of a list of numbers, in the order of the list.

use crate::connections::ConnectionKind;
use crate::data::{MediaBody, Wanted, fragment_number};
use crate::meter::Points;
use crate::{KvsError, KvsService, Operation, StreamIdentity, constraint};
use serde::Deserialize;
use std::collections::VecDeque;
use tympan_types::Caller;

/// The most numbers of one call.
const MOST_FRAGMENTS: usize = 1000;

#[derive(Debug, Deserialize)]
struct GetMediaForFragmentListRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "Fragments")]
    fragments: Option<Vec<String>>,
}

impl KvsService {
    /// Begins to deliver the fragments of a list.
    ///
    /// Shape: as GetMedia, without the second service tags. A fragment that is not there has a document with
    /// `AWS_KINESISVIDEO_ERROR_CODE` in its place.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `InvalidArgumentException`, `ConnectionLimitExceededException`,
    /// `ClientLimitExceededException`.
    pub async fn get_media_for_fragment_list(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<MediaBody, KvsError> {
        let request: GetMediaForFragmentListRequest = constraint::request(body)?;
        let fragments = constraint::required(request.fragments, "fragments")?;
        if !(1..=MOST_FRAGMENTS).contains(&fragments.len()) {
            return Err(KvsError::invalid(format!("Fragments must have 1 to {MOST_FRAGMENTS} numbers.")));
        }
        let wanted = |text: String| {
            let number = fragment_number(&text, "fragments")?;
            Ok(Wanted { text, number })
        };
        let numbers: VecDeque<Wanted> = fragments.into_iter().map(wanted).collect::<Result<_, KvsError>>()?;
        let identity =
            StreamIdentity::from_members(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
        self.meter_call(caller, Operation::GetMediaForFragmentList, || Some(identity.clone()))?;
        let stream = self.media_stream(caller, &identity).await?;
        if stream.retention_hours == 0 {
            return Err(KvsError::invalid("The stream has no data retention: only GetMedia can read it."));
        }
        self.meter_points(caller, Points::Reading, &identity, numbers.len())?;
        let limit = self.limits().fragment_list_connections_per_stream;
        let connection = self.connections().open(stream.id, ConnectionKind::FragmentList, limit)?;
        Ok(MediaBody::list(self, stream.id, numbers, connection))
    }
}
