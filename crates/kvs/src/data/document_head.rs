//! The head of the producer's document, as it is put before each fragment.

use bytes::{Bytes, BytesMut};
use tympan_mkv::element::{self, ElementId};
use tympan_mkv::fragment::HeadPart;
use tympan_mkv::write::SEGMENT_HEADER_UNKNOWN_8;

/// Collects the head while it arrives.
///
/// Source: recordings of GetMedia. Each fragment carries the producer's head verbatim, except that the Segment's size
/// is always unknown in 8 bytes, and that Tags before Info stand in the first fragment only.
#[derive(Debug, Default)]
pub(crate) struct HeadDraft {
    ebml: BytesMut,
    before_info: BytesMut,
    /// As `before_info`, without Tags.
    before_info_untagged: BytesMut,
    from_info: BytesMut,
    child: Option<ElementId>,
}

impl HeadDraft {
    /// Bytes collected so far.
    pub(crate) fn len(&self) -> usize {
        self.ebml.len() + self.before_info.len() + self.from_info.len()
    }

    /// A child of the Segment begins.
    pub(crate) fn child(&mut self, id: ElementId) {
        self.child = Some(id);
    }

    /// Whether the present child of the Segment is a Tags element before Info.
    pub(crate) fn is_in_leading_tags(&self) -> bool {
        self.child == Some(element::TAGS) && self.from_info.is_empty()
    }

    pub(crate) fn push(&mut self, bytes: &[u8], part: HeadPart) {
        match part {
            HeadPart::Ebml => self.ebml.extend_from_slice(bytes),
            HeadPart::SegmentHeader => {}
            HeadPart::BeforeInfo => {
                self.before_info.extend_from_slice(bytes);
                if self.child != Some(element::TAGS) {
                    self.before_info_untagged.extend_from_slice(bytes);
                }
            }
            HeadPart::FromInfo => self.from_info.extend_from_slice(bytes),
        }
    }

    /// The head of the first fragment and that of all others.
    pub(crate) fn finish(self) -> (Bytes, Bytes) {
        let join = |before_info: &[u8]| {
            let parts = [&self.ebml[..], &SEGMENT_HEADER_UNKNOWN_8, before_info, &self.from_info];
            Bytes::from(parts.concat())
        };
        let first = join(&self.before_info);
        if self.before_info.len() == self.before_info_untagged.len() {
            return (first.clone(), first);
        }
        let others = join(&self.before_info_untagged);
        (first, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(parts: &[(Option<ElementId>, &[u8], HeadPart)]) -> (Bytes, Bytes) {
        let mut draft = HeadDraft::default();
        for (id, bytes, part) in parts {
            if let Some(id) = id {
                draft.child(*id);
            }
            draft.push(bytes, *part);
        }
        draft.finish()
    }

    #[test]
    fn seek_heads_are_repeated_and_tags_before_info_are_not() {
        let (first, others) = draft(&[
            (None, b"E", HeadPart::Ebml),
            (None, b"\x18\x53\x80\x67\xff", HeadPart::SegmentHeader),
            (Some(element::SEEK_HEAD), b"seek", HeadPart::BeforeInfo),
            (Some(element::TAGS), b"ta", HeadPart::BeforeInfo),
            (None, b"gs", HeadPart::BeforeInfo),
            (Some(element::VOID), b"void", HeadPart::BeforeInfo),
            (Some(element::INFO), b"info", HeadPart::FromInfo),
            (Some(element::TAGS), b"more", HeadPart::FromInfo),
        ]);
        let segment = &SEGMENT_HEADER_UNKNOWN_8[..];
        assert_eq!(first, [b"E", segment, b"seektagsvoidinfomore"].concat());
        assert_eq!(others, [b"E", segment, b"seekvoidinfomore"].concat());
    }

    #[test]
    fn a_head_without_such_tags_is_shared() {
        let (first, others) =
            draft(&[(None, b"E", HeadPart::Ebml), (Some(element::INFO), b"info", HeadPart::FromInfo)]);
        assert_eq!(first.as_ptr(), others.as_ptr());
    }
}
