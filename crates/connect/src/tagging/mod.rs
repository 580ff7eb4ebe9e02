//! Tags of resources of any kind, by their ARNs.

mod list_tags_for_resource;
mod tag_resource;
mod tagged;
mod untag_resource;

pub(crate) use list_tags_for_resource::ListTagsForResource;
pub(crate) use tag_resource::TagResource;
pub(crate) use untag_resource::UntagResource;
