use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint};
use serde::{Deserialize, Serialize};
use tympan_aws::{Cx, Operation, Output};

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
pub(crate) struct GetDataEndpointRequest {
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
pub(crate) struct GetDataEndpoint;

impl Operation for GetDataEndpoint {
    type Service = KvsService;
    type Input = GetDataEndpointRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "GetDataEndpoint";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &GetDataEndpointRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: GetDataEndpointRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let api_name = constraint::required(request.api_name.as_deref(), "aPIName")?;
        constraint::one_of(api_name, "aPIName", &API_NAMES)?;
        target.identity()?;
        target.media_stream(cx)?;
        let data_endpoint = cx.reached_at.unwrap_or(&service.options().endpoint).to_owned();
        Ok(Output::json(&GetDataEndpointResponse { data_endpoint }))
    }
}
