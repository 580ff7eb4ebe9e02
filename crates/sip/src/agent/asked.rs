//! A request of a peer that waits for its response.

use super::Flow;
use super::core::Core;
use crate::dialog::Tag;
use crate::transaction::ServerKey;
use crate::wire::{Draft, Message, Method, Name, Part, Request, Status, parts};
use bytes::Bytes;
use std::net::SocketAddr;

/// A request in its transaction.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) server: ServerKey,
    pub(super) request: Request,
    /// The path it came by; its peer is the source address.
    pub(super) flow: Flow,
    pub(super) force_rport: bool,
}

impl Asked {
    /// A response with what all of ours have.
    pub(super) fn draft(&self, core: &Core, status: Status, tag: Tag) -> Draft {
        response(core, &self.request, status, tag, self.flow.peer, self.force_rport)
    }

    /// A response that makes or keeps a dialog: with Record-Route as it came, Contact, and what is served.
    pub(super) fn dialog_draft(&self, core: &Core, status: Status, tag: Tag) -> Draft {
        let mut draft = self.draft(core, status, tag);
        for route in self.request.record_routes() {
            draft = draft.header(Name::RecordRoute, route);
        }
        core.capable(draft.header(Name::Contact, core.contact(&self.flow)))
    }

    /// Sends a response.
    pub(super) fn respond(&self, core: &mut Core, status: Status, draft: Draft) -> Bytes {
        let bytes = draft.finish();
        core.respond(self.server, status, bytes.clone());
        bytes
    }

    /// Sends a response without further headers.
    pub(super) fn refuse(&self, core: &mut Core, status: Status, tag: Tag) {
        let draft = self.draft(core, status, tag);
        self.respond(core, status, draft);
    }

    /// True where the other end of the path is the one that wrote the request: no proxy is between.
    pub(super) fn is_direct(&self) -> bool {
        self.request.message.items(Name::Via).take(2).count() == 1
    }

    pub(super) fn supports(&self, extension: &str) -> bool {
        self.request.message.lists(Name::Supported, extension) || self.requires(extension)
    }

    pub(super) fn requires(&self, extension: &str) -> bool {
        self.request.message.lists(Name::Require, extension)
    }
}

/// A response with what all of ours have.
pub(super) fn response(
    core: &Core,
    request: &Request,
    status: Status,
    tag: Tag,
    source: SocketAddr,
    force_rport: bool,
) -> Draft {
    let tag = tag.to_string();
    let draft = Draft::response(request, status, Some(&tag), source, force_rport);
    draft.header(Name::Server, &core.config.product)
}

/// What Require asks for and this agent does not have (RFC 3261 section 8.2.2.3); empty: nothing.
pub(super) fn unsupported(core: &Core, request: &Request) -> Vec<String> {
    if matches!(request.method, Method::Ack | Method::Cancel) {
        return Vec::new();
    }
    let transfers = core.config.takes_transfers;
    let is_known = |option: &str| match option.to_ascii_lowercase().as_str() {
        "100rel" | "timer" => true,
        "replaces" | "norefersub" => transfers,
        "path" | "outbound" => request.method == Method::Register,
        _ => false,
    };
    let required = request.message.items(Name::Require);
    required
        .map(|option| String::from_utf8_lossy(option).into_owned())
        .filter(|option| !is_known(option))
        .collect()
}

/// What the body of a message is to a session.
#[derive(Debug)]
pub(super) enum Content {
    /// A session description and what lies beside it, or parts that may be ignored, or nothing.
    Parts(Vec<Part>),
    /// A multipart body that is broken: 400.
    Broken,
    /// Nothing that can be used: 415.
    Unknown,
}

/// Reads the body of a message that may carry a session description (RFC 5621).
pub(super) fn content(message: &Message) -> Content {
    if message.body().is_empty() {
        return Content::Parts(Vec::new());
    }
    let encoding = message.value(Name::ContentEncoding).unwrap_or_default();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity") {
        return Content::Unknown;
    }
    let Some(parts) = parts(message) else { return Content::Broken };
    // A part beside the session description is for its user, who may ignore it; without one, only what says so is ignored.
    let is_usable = has_session(&parts) || parts.iter().all(is_optional);
    if is_usable { Content::Parts(parts) } else { Content::Unknown }
}

/// True where one of the parts is a session description.
pub(super) fn has_session(parts: &[Part]) -> bool {
    parts.iter().any(|part| part.content_type == "application/sdp")
}

fn is_optional(part: &Part) -> bool {
    let disposition = part.disposition.as_deref().unwrap_or_default().to_ascii_lowercase();
    disposition.replace([' ', '\t', '"'], "").contains("handling=optional")
}

/// The parts of a message of a dialog, where they can be read.
pub(super) fn session_parts(message: &Message) -> Vec<Part> {
    match content(message) {
        Content::Parts(parts) => parts,
        Content::Broken | Content::Unknown => Vec::new(),
    }
}
