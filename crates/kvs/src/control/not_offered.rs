//! Operations that AWS has and this service does not: the error that the operation's own model has for it where one
//! fits, and `NotImplementedException` otherwise.

use crate::service::StreamMembers;
use crate::{KvsError, KvsErrorCode, KvsService, constraint};
use tympan_types::Caller;

/// What is wrong with a call of an operation that is not offered.
pub(crate) async fn not_offered(
    service: &KvsService,
    caller: &Caller,
    operation: &'static str,
    body: &[u8],
) -> KvsError {
    match refusal(service, caller, operation, body).await {
        Ok(error) | Err(error) => error,
    }
}

async fn refusal(
    service: &KvsService,
    caller: &Caller,
    operation: &'static str,
    body: &[u8],
) -> Result<KvsError, KvsError> {
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
            let request: StreamMembers = constraint::request(body)?;
            let stream = service.stream(caller, &request.identity()?).await?;
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
