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

pub(crate) use create_stream::create_stream;
pub(crate) use delete_stream::delete_stream;
pub(crate) use describe_mapped_resource_configuration::describe_mapped_resource_configuration;
pub(crate) use describe_stream::describe_stream;
pub(crate) use describe_stream_storage_configuration::describe_stream_storage_configuration;
pub(crate) use get_data_endpoint::get_data_endpoint;
pub(crate) use list_streams::list_streams;
pub(crate) use list_tags_for_resource::list_tags_for_resource;
pub(crate) use list_tags_for_stream::list_tags_for_stream;
pub(crate) use not_offered::not_offered;
pub(crate) use tag_resource::tag_resource;
pub(crate) use tag_stream::tag_stream;
pub(crate) use untag_resource::untag_resource;
pub(crate) use untag_stream::untag_stream;
pub(crate) use update_data_retention::update_data_retention;
pub(crate) use update_stream::update_stream;
pub(crate) use update_stream_storage_configuration::update_stream_storage_configuration;

/// The answer of operations that answer nothing: `{}`.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Empty {}
