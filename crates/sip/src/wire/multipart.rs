//! multipart bodies (RFC 2046, RFC 5621): SDP beside ISUP, PIDF-LO or SIPREC metadata.

use super::head::{self, HeadEnd};
use super::message::media_type;
use super::params::Params;
use super::{Message, Name, Text};
use bytes::{BufMut, Bytes, BytesMut};

/// The most parts of one body, those of all levels together.
const PARTS_LIMIT: usize = 32;
/// The most levels of multipart in multipart.
const LEVELS_LIMIT: usize = 3;

/// One part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Media type without parameters, in lower case: `application/sdp`.
    pub content_type: String,
    /// Content-Disposition as written, where there is one.
    pub disposition: Option<String>,
    /// The bytes.
    pub body: Bytes,
}

/// The parts of a message: those of a multipart body, or the body alone; empty without a body. At most 32 parts and 3 levels.
/// `None` where the body is multipart and broken.
pub fn parts(message: &Message) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    if !message.body().is_empty() {
        collect(&Entity::of_message(message), 0, &mut parts)?;
    }
    Some(parts)
}

/// What has a type and bytes: a message or a part of one.
struct Entity {
    /// As written, with its parameters.
    content_type: Option<Text>,
    disposition: Option<Text>,
    body: Bytes,
}

impl Entity {
    fn of_message(message: &Message) -> Self {
        Self {
            content_type: message.text(Name::ContentType),
            disposition: message.text(Name::ContentDisposition),
            body: message.body().clone(),
        }
    }

    /// Reads a part: header lines, an empty line, bytes. The header lines may be missing, the empty line may not.
    fn of_part(part: &Bytes) -> Option<Self> {
        let head_end = match part.as_ref() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => HeadEnd::default().find(part)?,
        };
        // A head begins with a start line; a part has none, so an empty one is put before.
        let mut bytes = BytesMut::with_capacity(head_end + 2);
        bytes.put_slice(b"\r\n");
        bytes.put_slice(part.get(..head_end)?);
        let head = head::read(&bytes.freeze());
        if head.is_too_long || head.fault.is_some() {
            return None;
        }
        let part_message = Message::new(head, part.slice(head_end..));
        Some(Self::of_message(&part_message))
    }
}

fn collect(entity: &Entity, level: usize, parts: &mut Vec<Part>) -> Option<()> {
    // RFC 2046 section 5.2: a part that does not say is text.
    let written = entity.content_type.as_deref().unwrap_or("text/plain");
    let content_type = media_type(written.as_bytes())?;
    if !content_type.starts_with("multipart/") {
        if parts.len() >= PARTS_LIMIT {
            return None;
        }
        let disposition = entity.disposition.as_ref().map(ToString::to_string);
        parts.push(Part { content_type, disposition, body: entity.body.clone() });
        return Some(());
    }
    if level >= LEVELS_LIMIT {
        return None;
    }
    let params = Params::parse(written, written.find(';')?)?;
    let boundary =
        params.get(written, "boundary").filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)?;
    for part in split(&entity.body, boundary)? {
        collect(&Entity::of_part(&part)?, level + 1, parts)?;
    }
    Some(())
}

/// The bytes between the boundary lines; `None` where the closing one is missing.
fn split(body: &Bytes, boundary: &str) -> Option<Vec<Bytes>> {
    let mut parts = Vec::new();
    let mut part_start = None;
    let mut start = 0;
    while let Some(rest) = body.get(start..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let line = rest.get(..length)?;
        if let Some(after) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()))
        {
            let after = after.trim_ascii_end();
            let is_last = after == b"--";
            if is_last || after.is_empty() {
                if let Some(begin) = part_start.replace(start + length) {
                    parts.push(body.slice(begin..without_line_end(body, begin, start)));
                }
                if is_last {
                    return Some(parts);
                }
                if parts.len() >= PARTS_LIMIT {
                    return None;
                }
            }
        }
        start += length;
    }
    None
}

/// The line end before a boundary belongs to the boundary.
fn without_line_end(body: &[u8], begin: usize, end: usize) -> usize {
    let part = body.get(begin..end).unwrap_or_default();
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    begin + part.strip_suffix(b"\r").unwrap_or(part).len()
}

/// Writes a `multipart/mixed` body: its Content-Type with the boundary, and the bytes. `seed` makes the boundary.
pub fn write_multipart(parts: &[Part], seed: u64) -> (String, Bytes) {
    let mut seed = seed;
    let mut boundary = format!("part-{seed:016x}");
    let stands_in = |boundary: &str, part: &Part| {
        part.body.windows(boundary.len()).any(|window| window == boundary.as_bytes())
    };
    while parts.iter().any(|part| stands_in(&boundary, part)) {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        boundary = format!("part-{seed:016x}");
    }
    let one_line = |text: &str| text.replace(['\r', '\n'], " ");
    let mut body = BytesMut::new();
    for part in parts {
        body.put_slice(
            format!("--{boundary}\r\nContent-Type: {}\r\n", one_line(&part.content_type)).as_bytes(),
        );
        if let Some(disposition) = &part.disposition {
            body.put_slice(format!("Content-Disposition: {}\r\n", one_line(disposition)).as_bytes());
        }
        body.put_slice(b"\r\n");
        body.put_slice(&part.body);
        body.put_slice(b"\r\n");
    }
    body.put_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/mixed;boundary={boundary}"), body.freeze())
}
