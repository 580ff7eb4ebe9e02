//! Messages as bytes: framing, parsing, values, writing.

mod address;
mod cut;
mod head;
mod judge;
mod message;
mod method;
mod multipart;
mod name;
mod number;
mod params;
mod request;
mod status;
mod text;
mod uri;
mod value;
mod via;
mod write;

pub mod digest;

pub use address::Address;
pub use cut::{Cut, Cutter, cut_packet};
pub use judge::{Doubt, Dropped, Judged, judge};
pub use message::Message;
pub use method::Method;
pub use multipart::{Part, parts, write_multipart};
pub use name::Name;
pub use request::{Request, Response};
pub use status::Status;
pub use text::Text;
pub use uri::{Number, Scheme, Uri};
pub use value::{CSeq, RAck, SessionExpires, number as decimal};
pub use via::{Transport, Via};
pub use write::Draft;

/// The largest head (start line and headers) that is read, in bytes; 513 above.
pub const HEAD_LIMIT_BYTES: usize = 64 * 1024;
/// The most header lines; 513 above.
pub const HEADER_LINES_LIMIT: usize = 256;
/// The longest URI that is read, in bytes; 414 above where it is the Request-URI.
pub const URI_LIMIT_BYTES: usize = 4096;
/// The largest body, in bytes; 413 above.
pub const BODY_LIMIT_BYTES: usize = 256 * 1024;
