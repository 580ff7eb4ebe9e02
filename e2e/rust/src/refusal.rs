//! Errors of the service as the SDK gives them.

use aws_sdk_kinesisvideo::config::http::HttpResponse;
use aws_sdk_kinesisvideo::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_kinesisvideo::operation::{self as control, RequestId};
use aws_sdk_kinesisvideoarchivedmedia::operation as archived;
use aws_sdk_kinesisvideomedia::operation as media;
use aws_sdk_kinesisvideomedia::primitives::ByteStreamError;
use std::error::Error;

/// Why a case did not succeed.
pub(crate) enum Failure {
    /// The service answered with an error.
    Refused(Refusal),
    /// Anything else.
    Other(String),
}

/// An error answer.
pub(crate) struct Refusal {
    /// Its code.
    pub(crate) code: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Whether the operation's error has a variant of that name.
    pub(crate) typed: bool,
}

/// An operation's error, and which of its variants it is.
pub(crate) trait Modelled: Error + ProvideErrorMetadata + Send + Sync + 'static {
    /// The variant's name; `None` for an error that the model does not have.
    fn variant(&self) -> Option<&'static str>;
}

macro_rules! modelled {
    ($($service:ident::$operation:ident::$error:ident: $($variant:ident)*;)*) => {
        $(
            impl Modelled for $service::$operation::$error {
                fn variant(&self) -> Option<&'static str> {
                    match self {
                        $(Self::$variant(_) => Some(stringify!($variant)),)*
                        _ => None,
                    }
                }
            }
        )*
    };
}

modelled! {
    control::create_stream::CreateStreamError:
        AccountStreamLimitExceededException ClientLimitExceededException InvalidArgumentException
        ResourceInUseException TagsPerResourceExceededLimitException;
    control::describe_stream::DescribeStreamError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceNotFoundException;
    control::list_streams::ListStreamsError: ClientLimitExceededException InvalidArgumentException;
    control::update_stream::UpdateStreamError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceInUseException
        ResourceNotFoundException VersionMismatchException;
    control::update_data_retention::UpdateDataRetentionError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceInUseException
        ResourceNotFoundException VersionMismatchException;
    control::delete_stream::DeleteStreamError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceInUseException
        ResourceNotFoundException VersionMismatchException;
    control::tag_stream::TagStreamError:
        ClientLimitExceededException InvalidArgumentException InvalidResourceFormatException NotAuthorizedException
        ResourceNotFoundException TagsPerResourceExceededLimitException;
    control::untag_stream::UntagStreamError:
        ClientLimitExceededException InvalidArgumentException InvalidResourceFormatException NotAuthorizedException
        ResourceNotFoundException;
    control::list_tags_for_stream::ListTagsForStreamError:
        ClientLimitExceededException InvalidArgumentException InvalidResourceFormatException NotAuthorizedException
        ResourceNotFoundException;
    control::describe_stream_storage_configuration::DescribeStreamStorageConfigurationError:
        AccessDeniedException ClientLimitExceededException InvalidArgumentException ResourceNotFoundException;
    control::update_stream_storage_configuration::UpdateStreamStorageConfigurationError:
        AccessDeniedException ClientLimitExceededException InvalidArgumentException ResourceInUseException
        ResourceNotFoundException VersionMismatchException;
    control::describe_mapped_resource_configuration::DescribeMappedResourceConfigurationError:
        AccessDeniedException ClientLimitExceededException InvalidArgumentException ResourceNotFoundException;
    control::tag_resource::TagResourceError:
        AccessDeniedException ClientLimitExceededException InvalidArgumentException ResourceNotFoundException
        TagsPerResourceExceededLimitException;
    control::untag_resource::UntagResourceError:
        AccessDeniedException ClientLimitExceededException InvalidArgumentException ResourceNotFoundException;
    control::list_tags_for_resource::ListTagsForResourceError:
        AccessDeniedException ClientLimitExceededException InvalidArgumentException ResourceNotFoundException;
    control::get_data_endpoint::GetDataEndpointError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceNotFoundException;
    control::create_signaling_channel::CreateSignalingChannelError: InvalidArgumentException;
    control::delete_edge_configuration::DeleteEdgeConfigurationError: StreamEdgeConfigurationNotFoundException;
    control::delete_signaling_channel::DeleteSignalingChannelError: ResourceNotFoundException;
    control::describe_edge_configuration::DescribeEdgeConfigurationError: StreamEdgeConfigurationNotFoundException;
    control::describe_image_generation_configuration::DescribeImageGenerationConfigurationError:
        ResourceNotFoundException;
    control::describe_media_storage_configuration::DescribeMediaStorageConfigurationError: ResourceNotFoundException;
    control::describe_notification_configuration::DescribeNotificationConfigurationError: ResourceNotFoundException;
    control::describe_signaling_channel::DescribeSignalingChannelError: ResourceNotFoundException;
    control::get_signaling_channel_endpoint::GetSignalingChannelEndpointError: ResourceNotFoundException;
    control::list_edge_agent_configurations::ListEdgeAgentConfigurationsError: InvalidArgumentException;
    control::list_signaling_channels::ListSignalingChannelsError: InvalidArgumentException;
    control::start_edge_configuration_update::StartEdgeConfigurationUpdateError: ResourceNotFoundException;
    control::update_image_generation_configuration::UpdateImageGenerationConfigurationError:
        ResourceNotFoundException;
    control::update_media_storage_configuration::UpdateMediaStorageConfigurationError: ResourceNotFoundException;
    control::update_notification_configuration::UpdateNotificationConfigurationError: ResourceNotFoundException;
    control::update_signaling_channel::UpdateSignalingChannelError: ResourceNotFoundException;
    media::get_media::GetMediaError:
        ClientLimitExceededException ConnectionLimitExceededException InvalidArgumentException
        InvalidEndpointException NotAuthorizedException ResourceNotFoundException;
    archived::list_fragments::ListFragmentsError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceNotFoundException;
    archived::get_media_for_fragment_list::GetMediaForFragmentListError:
        ClientLimitExceededException InvalidArgumentException NotAuthorizedException ResourceNotFoundException;
    archived::get_hls_streaming_session_url::GetHLSStreamingSessionURLError:
        ClientLimitExceededException InvalidArgumentException InvalidCodecPrivateDataException
        MissingCodecPrivateDataException NoDataRetentionException NotAuthorizedException ResourceNotFoundException
        UnsupportedStreamMediaTypeException;
    archived::get_dash_streaming_session_url::GetDASHStreamingSessionURLError:
        ClientLimitExceededException InvalidArgumentException InvalidCodecPrivateDataException
        MissingCodecPrivateDataException NoDataRetentionException NotAuthorizedException ResourceNotFoundException
        UnsupportedStreamMediaTypeException;
    archived::get_clip::GetClipError:
        ClientLimitExceededException InvalidArgumentException InvalidCodecPrivateDataException InvalidMediaFrameException
        MissingCodecPrivateDataException NoDataRetentionException NotAuthorizedException ResourceNotFoundException
        UnsupportedStreamMediaTypeException;
    archived::get_images::GetImagesError:
        ClientLimitExceededException InvalidArgumentException NoDataRetentionException NotAuthorizedException
        ResourceNotFoundException;
}

impl<E: Modelled> From<SdkError<E, HttpResponse>> for Failure {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let variant = error.as_service_error().and_then(Modelled::variant);
        refused(&error, |code| variant == Some(code))
    }
}

fn refused<E>(error: &SdkError<E, HttpResponse>, typed: impl Fn(&str) -> bool) -> Failure
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let service = error.as_service_error().and_then(|error| Some((error.code()?, error.message()?)));
    match (service, error.raw_response(), error.request_id()) {
        (Some((code, message)), Some(response), Some(_)) if !message.is_empty() => {
            let status = response.status().as_u16();
            Failure::Refused(Refusal { code: code.to_owned(), status, typed: typed(code) })
        }
        _ => Failure::Other(format!(
            "no error answer with code, message and request id: {}",
            DisplayErrorContext(error)
        )),
    }
}

macro_rules! other {
    ($($error:ty)*) => {
        $(
            impl From<$error> for Failure {
                fn from(error: $error) -> Self {
                    Self::Other(error.to_string())
                }
            }
        )*
    };
}

other! { BuildError ByteStreamError std::io::Error String }
