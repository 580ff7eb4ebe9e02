//! Contacts: lists, searches, one with all that is kept of it, its waveform, its sound, its flow log, its end.

mod contact_index;
mod delete_contact;
mod describe_contact;
mod filter;
mod get_audio;
mod get_contact_counts;
mod get_flow_log;
mod get_waveform;
mod ledger;
mod list_contacts;
mod listen_contact;
mod records;
mod search_contacts;
mod sounds;
mod summary;
mod target;

pub use contact_index::{ContactIndex, ContactPage, FlowLogLines, IndexError, Intervals};
pub(crate) use delete_contact::DeleteContact;
pub(crate) use describe_contact::DescribeContact;
pub use filter::meets;
pub(crate) use get_audio::GetAudio;
pub(crate) use get_contact_counts::GetContactCounts;
pub(crate) use get_flow_log::GetFlowLog;
pub(crate) use get_waveform::GetWaveform;
pub use get_waveform::{WaveformError, Waveforms};
pub(crate) use list_contacts::ListContacts;
pub(crate) use listen_contact::ListenContact;
pub(crate) use search_contacts::SearchContacts;
pub use sounds::{AxisPart, SoundError, SoundForm, SoundTrack, Sounds, WantedSound};
pub(crate) use summary::summary;
pub(crate) use target::{ContactTarget, is_of};
