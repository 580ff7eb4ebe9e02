//! The data plane: media in (PutMedia) and out (GetMedia).

mod ack;
mod ack_stream;
mod document_head;
mod get_media;
mod ingest;
mod media_body;
mod put_media;
mod service_tags;

pub use ack::{Ack, AckEvent, ErrorId};
pub use ack_stream::AckStream;
pub(crate) use get_media::fragment_number;
pub use media_body::MediaBody;
pub use put_media::{PutMediaRequest, PutMediaSession, TimecodeType};
