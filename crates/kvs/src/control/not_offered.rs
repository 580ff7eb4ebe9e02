//! Operations that AWS has and this service does not: the error that the operation's own model has for it where one
//! fits, and `NotImplementedException` otherwise.

use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsErrorCode, KvsService};
use tympan_aws::{Cx, Operation, Output};

/// Every operation of the model that is not offered.
pub(crate) struct NotOffered;

impl Operation for NotOffered {
    type Service = KvsService;
    type Input = StreamMembers;
    type Target = StreamTarget;
    const NAME: &'static str = "";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &StreamMembers) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, input).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        _: StreamMembers,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        Err(refusal(cx.operation, target).unwrap_or_else(|error| error))
    }
}

/// What is wrong with a call of an operation that is not offered.
fn refusal(operation: &'static str, target: StreamTarget) -> Result<KvsError, KvsError> {
    let not_implemented = || {
        KvsError::new(KvsErrorCode::NotImplemented, format!("{operation} is not offered by this service."))
    };
    match operation {
        // Of one channel: nobody can have made one.
        "DescribeSignalingChannel"
        | "UpdateSignalingChannel"
        | "DeleteSignalingChannel"
        | "GetSignalingChannelEndpoint"
        | "DescribeMediaStorageConfiguration"
        | "UpdateMediaStorageConfiguration" => Ok(KvsError::new(
            KvsErrorCode::ResourceNotFound,
            "The requested channel is not found: this service has streams and no signaling channels.",
        )),
        "CreateSignalingChannel" | "ListSignalingChannels" | "ListEdgeAgentConfigurations" => {
            Ok(not_implemented())
        }
        // Of one stream.
        _ => {
            let stream = target.stream()?;
            Ok(match operation {
                "DescribeEdgeConfiguration" | "DeleteEdgeConfiguration" => KvsError::new(
                    KvsErrorCode::StreamEdgeConfigurationNotFound,
                    "The stream has no edge configuration.",
                ),
                "StartEdgeConfigurationUpdate"
                | "UpdateImageGenerationConfiguration"
                | "UpdateNotificationConfiguration"
                    if stream.retention_hours == 0 =>
                {
                    KvsError::new(KvsErrorCode::NoDataRetention, "The stream has no data retention.")
                }
                _ => not_implemented(),
            })
        }
    }
}
