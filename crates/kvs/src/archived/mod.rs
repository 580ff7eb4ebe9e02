//! The archived-media API.

mod codec;
mod get_media_for_fragment_list;
mod list_fragments;
mod playback;

pub(crate) use get_media_for_fragment_list::GetMediaForFragmentList;
pub(crate) use list_fragments::ListFragments;
pub(crate) use playback::PlaybackCall;
