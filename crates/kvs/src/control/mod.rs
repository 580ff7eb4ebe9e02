//! The control plane: streams and their metadata.

mod create_stream;
mod delete_stream;
mod describe_stream;
mod get_data_endpoint;
mod list_streams;
mod list_tags_for_stream;
mod stream_info;
mod tag_stream;
mod untag_stream;
mod update_data_retention;
mod update_stream;

pub(crate) use create_stream::create_stream;
pub(crate) use delete_stream::delete_stream;
pub(crate) use describe_stream::describe_stream;
pub(crate) use get_data_endpoint::get_data_endpoint;
pub(crate) use list_streams::list_streams;
pub(crate) use list_tags_for_stream::list_tags_for_stream;
pub(crate) use tag_stream::tag_stream;
pub(crate) use untag_stream::untag_stream;
pub(crate) use update_data_retention::update_data_retention;
pub(crate) use update_stream::update_stream;

/// The answer of operations that answer nothing: `{}`.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Empty {}
