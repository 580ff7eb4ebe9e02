//! The data plane: media in (PutMedia) and out (GetMedia).

mod ack;
mod ack_log;
mod ack_stream;
mod document_head;
mod elements;
mod end_tag;
mod get_media;
mod hold;
mod ingest;
mod media_body;
mod put_media;
mod put_media_operation;
mod resume;
mod service_tags;

pub use ack::{Ack, AckEvent, ErrorId};
pub(crate) use ack_log::AckLogs;
pub use ack_log::ToldAck;
pub use ack_stream::AckStream;
pub(crate) use get_media::{GetMedia, fragment_number};
pub use hold::CutFragments;
pub(crate) use hold::Holds;
pub(crate) use media_body::Wanted;
pub use media_body::{MediaBody, error_document_of, fragment_document};
pub use put_media::{
    AcksTold, BodyEnd, PutMediaInput, PutMediaOutput, PutMediaRequest, PutMediaSession, TimecodeType,
};
pub(crate) use put_media_operation::PutMedia;
