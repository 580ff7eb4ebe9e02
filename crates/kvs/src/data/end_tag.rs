//! The tag by which a producer ends a fragment. It is the producer's word to the service, not media: no reader gets it.
//!
//! Source: the C producer's own check of what the service returns (scripts/validate-mkv-containing-tags.sh), which tells
//! it from what was sent by the absence of this tag.

use tympan_mkv::element::{self, ElementId};
use tympan_mkv::vint;

/// Its name.
pub(crate) const END_OF_FRAGMENT: &str = "AWS_KINESISVIDEO_END_OF_FRAGMENT";
/// In fragments that were stored with it, its name lies within so many bytes of the end: nothing followed it.
const NAME_REACH_BYTES: usize = 160;
/// And so does the element that holds it.
const REACH_BYTES: usize = 4096;

/// A Tags element without the tag; empty where nothing else was in it. Siblings keep their bytes, their parents get new
/// sizes, in as many bytes as they had.
pub(crate) fn without_end_tag(tags: &[u8]) -> Vec<u8> {
    rewritten(tags, element::TAGS).unwrap_or_default()
}

/// Cuts the tag off the end of a stored fragment's bytes, of which the fragment's body begins at `body_at`.
pub(crate) fn cut_off(bytes: &mut Vec<u8>, body_at: usize) {
    if let Some((at, tags)) = find(bytes.get(body_at..).unwrap_or_default()) {
        bytes.truncate(body_at + at);
        bytes.extend_from_slice(&tags);
    }
}

/// Where the Tags element that ends a body with the tag begins, and what is left of it.
pub(crate) fn find(body: &[u8]) -> Option<(usize, Vec<u8>)> {
    // Nearly every fragment ends without it: this check alone says so.
    rfind(body.get(body.len().saturating_sub(NAME_REACH_BYTES)..)?, END_OF_FRAGMENT.as_bytes())?;
    let reach_at = body.len().saturating_sub(REACH_BYTES);
    let reach = body.get(reach_at..)?;
    let mut before = reach.len();
    while let Some(at) = rfind(reach.get(..before)?, &element::TAGS.0.to_be_bytes()) {
        let tags = &reach[at..];
        if holds_end_tag(tags) {
            return Some((reach_at + at, without_end_tag(tags)));
        }
        before = at;
    }
    None
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (last, rest) = wanted.split_last()?;
    (rest.len()..bytes.len())
        .rev()
        .find(|&at| bytes[at] == *last && bytes[..at].ends_with(rest))
        .map(|at| at - rest.len())
}

/// Whether these bytes are exactly a Tags element that holds the tag.
fn holds_end_tag(tags: &[u8]) -> bool {
    children(tags, element::TAGS).is_some_and(|(_, children)| {
        children.iter().any(|&(id, bytes)| id == element::TAG && tag_holds_end_tag(bytes))
    })
}

fn tag_holds_end_tag(tag: &[u8]) -> bool {
    children(tag, element::TAG)
        .is_some_and(|(_, children)| children.iter().any(|&(id, bytes)| is_end_tag(id, bytes)))
}

fn is_end_tag(id: ElementId, simple_tag: &[u8]) -> bool {
    id == element::SIMPLE_TAG
        && children(simple_tag, element::SIMPLE_TAG).is_some_and(|(_, children)| {
            let name = children.iter().find(|(id, _)| *id == element::TAG_NAME);
            name.and_then(|(_, bytes)| payload(bytes))
                .is_some_and(|name| name.split(|byte| *byte == 0).next() == Some(END_OF_FRAGMENT.as_bytes()))
        })
}

/// The element without the tag; `None` if nothing is left of it.
fn rewritten(bytes: &[u8], id: ElementId) -> Option<Vec<u8>> {
    let (header, children) = children(bytes, id)?;
    let mut kept = Vec::new();
    let mut any_tag = false;
    for (child, bytes) in children {
        // A checksum of what it was is none of what it becomes.
        if is_end_tag(child, bytes) || child == element::CRC32 {
            continue;
        }
        if child == element::TAG && tag_holds_end_tag(bytes) {
            if let Some(tag) = rewritten(bytes, element::TAG) {
                kept.extend(tag);
                any_tag = true;
            }
            continue;
        }
        any_tag |= matches!(child, element::TAG | element::SIMPLE_TAG);
        kept.extend_from_slice(bytes);
    }
    if !any_tag {
        return None;
    }
    let id_bytes = vint::encoded_len(*header.first()?)?;
    let mut out = header.get(..id_bytes)?.to_vec();
    vint::put_size(&mut out, kept.len() as u64, header.len() - id_bytes);
    out.extend(kept);
    Some(out)
}

/// An element's id and bytes.
type Child<'a> = (ElementId, &'a [u8]);

/// The header and the children of a master of known size that is exactly these bytes.
fn children(bytes: &[u8], id: ElementId) -> Option<(&[u8], Vec<Child<'_>>)> {
    let (header, mut rest) = split(bytes, id)?;
    let mut children = Vec::new();
    while !rest.is_empty() {
        let (child, length) = measure(rest)?;
        let (bytes, after) = rest.split_at_checked(length)?;
        children.push((child, bytes));
        rest = after;
    }
    Some((header, children))
}

/// The payload of an element that is exactly these bytes.
fn payload(bytes: &[u8]) -> Option<&[u8]> {
    let (id, _) = measure(bytes)?;
    split(bytes, id).map(|(_, payload)| payload)
}

fn split(bytes: &[u8], id: ElementId) -> Option<(&[u8], &[u8])> {
    let (found, length) = measure(bytes)?;
    let id_bytes = vint::encoded_len(*bytes.first()?)?;
    let header = id_bytes + vint::encoded_len(*bytes.get(id_bytes)?)?;
    (found == id && length == bytes.len()).then(|| bytes.split_at_checked(header)).flatten()
}

/// The id of the element that begins here, and its length.
fn measure(bytes: &[u8]) -> Option<(ElementId, usize)> {
    let id_bytes = vint::encoded_len(*bytes.first()?).filter(|bytes| *bytes <= vint::MAX_ID_BYTES)?;
    let id = ElementId(u32::try_from(vint::big_endian(bytes.get(..id_bytes)?)).ok()?);
    let size_bytes = vint::encoded_len(*bytes.get(id_bytes)?)?;
    let header = id_bytes + size_bytes;
    let vint::Size::Known(size) = vint::size(bytes.get(id_bytes..header)?) else { return None };
    Some((id, header.checked_add(usize::try_from(size).ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_mkv::write;

    fn tag(name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write::user_tag(&mut out, name, "");
        out
    }

    /// One Tags element with a Tag for each list, and in it a SimpleTag for each name.
    fn tags(lists: &[&[&str]]) -> Vec<u8> {
        let element = |id: &[u8], payload: &[u8]| {
            let mut out = id.to_vec();
            vint::put_size(&mut out, payload.len() as u64, 2);
            out.extend_from_slice(payload);
            out
        };
        let simple = |name: &&str| element(b"\x67\xc8", &element(b"\x45\xa3", name.as_bytes()));
        let list =
            |names: &&[&str]| element(b"\x73\x73", &names.iter().flat_map(simple).collect::<Vec<u8>>());
        element(b"\x12\x54\xc3\x67", &lists.iter().flat_map(list).collect::<Vec<u8>>())
    }

    #[test]
    fn only_this_tag_goes_and_its_neighbours_keep_their_bytes() {
        assert_eq!(without_end_tag(&tag(END_OF_FRAGMENT)), b"");
        assert_eq!(without_end_tag(&tag("ContactId")), tag("ContactId"));
        assert_eq!(
            without_end_tag(&tags(&[&["a", END_OF_FRAGMENT, "b"], &["c"]])),
            tags(&[&["a", "b"], &["c"]])
        );
        assert_eq!(without_end_tag(&tags(&[&["a"], &[END_OF_FRAGMENT]])), tags(&[&["a"]]));
    }

    #[test]
    fn a_stored_body_that_ends_with_it_is_cut_and_any_other_is_not() {
        let media = [b"media".to_vec(), tag("ContactId")].concat();
        for (end, left) in [
            (tag(END_OF_FRAGMENT), vec![]),
            (tag("other"), tag("other")),
            (tags(&[&["a", END_OF_FRAGMENT]]), tags(&[&["a"]])),
            // Its name in a payload is no tag.
            (END_OF_FRAGMENT.as_bytes().to_vec(), END_OF_FRAGMENT.as_bytes().to_vec()),
        ] {
            let mut bytes = [&b"head"[..], &media, &end].concat();
            cut_off(&mut bytes, 4);
            assert_eq!(bytes, [&b"head"[..], &media, &left].concat());
        }
        let mut short = b"head".to_vec();
        cut_off(&mut short, 4);
        cut_off(&mut short, 9);
        assert_eq!(short, b"head");
    }
}
