//! The archived-media API.

mod codec;
mod get_media_for_fragment_list;
mod list_fragments;
mod playback;

pub(crate) use list_fragments::list_fragments;
pub(crate) use playback::playback;
