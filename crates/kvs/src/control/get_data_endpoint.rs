use crate::{KvsError, KvsService, StreamIdentity, constraint};
use serde::{Deserialize, Serialize};
use tympan_types::Caller;

/// The operations that have an endpoint of their own at AWS. Here all have the same.
const API_NAMES: [(&str, ()); 8] = [
    ("PUT_MEDIA", ()),
    ("GET_MEDIA", ()),
    ("LIST_FRAGMENTS", ()),
    ("GET_MEDIA_FOR_FRAGMENT_LIST", ()),
    ("GET_HLS_STREAMING_SESSION_URL", ()),
    ("GET_DASH_STREAMING_SESSION_URL", ()),
    ("GET_CLIP", ()),
    ("GET_IMAGES", ()),
];

#[derive(Debug, Deserialize)]
struct GetDataEndpointRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "APIName")]
    api_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetDataEndpointResponse {
    data_endpoint: String,
}

/// Answers where media of a stream is sent to and read from.
pub(crate) async fn get_data_endpoint(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<GetDataEndpointResponse, KvsError> {
    let request: GetDataEndpointRequest = constraint::request(body)?;
    let api_name = constraint::required(request.api_name.as_deref(), "aPIName")?;
    constraint::one_of(api_name, "aPIName", &API_NAMES)?;
    let identity =
        StreamIdentity::from_members(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
    service.media_stream(caller, &identity).await?;
    Ok(GetDataEndpointResponse { data_endpoint: service.endpoint().to_owned() })
}
