//! The control plane: streams and their metadata.

mod create_stream;
mod delete_stream;
mod describe_mapped_resource_configuration;
mod describe_stream;
mod describe_stream_storage_configuration;
mod get_data_endpoint;
mod list_streams;
mod list_tags_for_resource;
mod list_tags_for_stream;
mod not_offered;
mod storage_configuration;
mod stream_info;
mod tag_resource;
mod tag_stream;
mod untag_resource;
mod untag_stream;
mod update_data_retention;
mod update_stream;
mod update_stream_storage_configuration;

pub(crate) use create_stream::CreateStream;
pub(crate) use delete_stream::DeleteStream;
pub(crate) use describe_mapped_resource_configuration::DescribeMappedResourceConfiguration;
pub(crate) use describe_stream::DescribeStream;
pub(crate) use describe_stream_storage_configuration::DescribeStreamStorageConfiguration;
pub(crate) use get_data_endpoint::GetDataEndpoint;
pub(crate) use list_streams::ListStreams;
pub(crate) use list_tags_for_resource::ListTagsForResource;
pub(crate) use list_tags_for_stream::ListTagsForStream;
pub(crate) use not_offered::NotOffered;
pub(crate) use tag_resource::TagResource;
pub(crate) use tag_stream::TagStream;
pub(crate) use untag_resource::UntagResource;
pub(crate) use untag_stream::UntagStream;
pub(crate) use update_data_retention::UpdateDataRetention;
pub(crate) use update_stream::UpdateStream;
pub(crate) use update_stream_storage_configuration::UpdateStreamStorageConfiguration;
