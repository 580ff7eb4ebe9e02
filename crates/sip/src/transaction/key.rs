//! What names a transaction (RFC 3261 sections 8.2.2.2, 17.1.3, 17.2.3).

use crate::wire::{Method, Request};
use std::fmt::Write;
use std::sync::Arc;

/// A client transaction: ours is named by the branch that we chose, and by the method (CANCEL shares its INVITE's branch).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey(pub(crate) u64);

/// A server transaction. The number is internal and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerKey(pub(crate) u64);

/// The port of sent-by where none is written.
const DEFAULT_PORT: u16 = 5060;

/// The name of a client transaction (RFC 3261 section 17.1.3).
pub(super) fn client_name(branch: &str, method: &Method) -> Arc<str> {
    format!("{branch}\n{method}").into()
}

/// The name of the server transaction of this request, or of another `method` with the same identity: an ACK looks for its
/// INVITE, and so does a CANCEL.
///
/// With the magic cookie: branch, sent-by and method (RFC 3261 section 17.2.3). Without it, as for a peer of RFC 2543:
/// request URI, tag of From, Call-ID, CSeq and the whole top Via. The tag of To is left out, since an ACK has the one that our
/// response chose, and all the rest is unique already.
pub(super) fn server_name(request: &Request, method: &Method) -> Arc<str> {
    let mut name = String::with_capacity(96);
    // Writing to a string cannot fail.
    let _ = match request.via.branch() {
        Some(branch) if request.via.has_cookie() => {
            let port = request.via.port().unwrap_or(DEFAULT_PORT);
            write!(name, "{branch}\n{}:{port}\n{method}", request.via.host().to_ascii_lowercase())
        }
        _ => write!(
            name,
            "2543\n{}\n{}\n{}\n{}\n{}\n{method}",
            request.uri.as_str(),
            request.from_tag(),
            &*request.call_id,
            request.cseq,
            request.via.as_str(),
        ),
    };
    name.into()
}

/// What two copies of a request share that came by different paths (RFC 3261 section 8.2.2.2). `None` for a request within a
/// dialog.
pub(super) fn merge_name(request: &Request) -> Option<Arc<str>> {
    if request.to_tag().is_some() {
        return None;
    }
    let (call_id, method) = (&*request.call_id, &request.method);
    Some(format!("{call_id}\n{}\n{}\n{method}", request.from_tag(), request.cseq).into())
}
