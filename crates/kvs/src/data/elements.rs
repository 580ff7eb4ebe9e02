//! What an open fragment holds, element by element, read from the bytes that the store has of it.
//!
//! The store keeps these bytes for live readers anyway. So nothing is kept per block while media arrives, and equality is
//! exact: there is no hash that two blocks could share.

use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use tympan_mkv::element::{self, ElementId};
use tympan_mkv::fragment::{BlockHeader, DEFAULT_TIMECODE_SCALE_NS, FragmentReader, FragmentSink};
use tympan_mkv::{Limits, vint};
use tympan_store::OpenFragment;

/// A whole child of a Cluster, or a whole element behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element<'a> {
    /// A SimpleBlock or a BlockGroup.
    Block { track: u64, at: i16, payload: &'a [u8] },
    /// Anything else, from its id to its end.
    Other { bytes: &'a [u8], in_cluster: bool },
}

/// The same, with bytes of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeldElement {
    Block { track: u64, at: i16, payload: Bytes },
    Other { bytes: Bytes, in_cluster: bool },
}

impl HeldElement {
    pub(crate) fn equals(&self, other: Element<'_>) -> bool {
        match (self, other) {
            (Self::Block { track, at, payload }, Element::Block { track: t, at: a, payload: p }) => {
                (*track, *at) == (t, a) && payload == p
            }
            (Self::Other { bytes, in_cluster }, Element::Other { bytes: b, in_cluster: c }) => {
                *in_cluster == c && bytes == b
            }
            _ => false,
        }
    }
}

/// An open fragment's elements, from its first block on.
pub(crate) struct Elements {
    reader: FragmentReader,
    found: Found,
    pieces: usize,
}

/// Collects what the reader finds in a piece.
struct Found {
    scale_ns: u64,
    elements: VecDeque<HeldElement>,
    /// Times of the earliest and the latest block.
    span: Option<(i16, i16)>,
    cluster: ClusterSize,
    /// The piece that is being read, and the bytes of it that are not of the current element.
    piece: Bytes,
    taken: usize,
    element_at: usize,
    block: Option<(u64, i16, Bytes)>,
}

/// How much of a Cluster is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ClusterSize {
    /// Its header is still to come.
    #[default]
    Unread,
    /// It has no size of its own.
    Unknown,
    /// So many bytes of its payload are missing.
    Left(u64),
}

impl ClusterSize {
    /// Takes so many bytes of a Cluster's payload.
    pub(crate) fn skip(&mut self, bytes: usize) {
        if let Self::Left(left) = self {
            *left = left.saturating_sub(bytes as u64);
        }
    }

    /// Takes the next bytes of a Cluster, the first of which are its whole header.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        *self = match *self {
            Self::Unread => payload_bytes(bytes),
            Self::Unknown => Self::Unknown,
            Self::Left(left) => Self::Left(left.saturating_sub(bytes.len() as u64)),
        }
    }
}

/// The payload of an element by its header.
fn payload_bytes(header: &[u8]) -> ClusterSize {
    let id_bytes = header.first().and_then(|first| vint::encoded_len(*first)).unwrap_or(0);
    match header.get(id_bytes..).filter(|size| !size.is_empty()).map(vint::size) {
        Some(vint::Size::Known(bytes)) => ClusterSize::Left(bytes),
        Some(vint::Size::Unknown) | None => ClusterSize::Unknown,
    }
}

impl Elements {
    /// Reads what there is of a fragment.
    pub(crate) fn of(fragment: &OpenFragment) -> Self {
        let found = Found {
            scale_ns: DEFAULT_TIMECODE_SCALE_NS,
            elements: VecDeque::new(),
            span: None,
            cluster: ClusterSize::default(),
            piece: Bytes::new(),
            taken: 0,
            element_at: 0,
            block: None,
        };
        let mut elements = Self { reader: FragmentReader::new(Limits::default()), found, pieces: 0 };
        elements.read(&fragment.head);
        elements.grow(&fragment.pieces);
        elements
    }

    /// More pieces have come. Each holds whole elements.
    pub(crate) fn grow(&mut self, pieces: &[Bytes]) {
        for piece in pieces {
            self.read(piece);
        }
        self.pieces += pieces.len();
    }

    fn read(&mut self, piece: &Bytes) {
        (self.found.piece, self.found.taken, self.found.element_at) = (piece.clone(), 0, 0);
        // These bytes went through such a reader before they came into the store.
        if let Err(error) = self.reader.push(piece, &mut self.found) {
            tracing::error!(%error, "an open fragment cannot be read again");
        }
        self.found.piece = Bytes::new();
    }

    /// Pieces read so far.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces
    }

    /// What has not been taken off the front.
    pub(crate) fn rest(&mut self) -> &mut VecDeque<HeldElement> {
        &mut self.found.elements
    }

    /// The unit of its timecodes.
    pub(crate) fn scale_ns(&self) -> u64 {
        self.found.scale_ns
    }

    /// How much of its Cluster is still to come.
    pub(crate) fn cluster(&self) -> ClusterSize {
        self.found.cluster
    }

    /// From the first to the last block, in milliseconds.
    pub(crate) fn duration_ms(&self) -> u32 {
        u32::try_from(span_ms(self.found.span, self.found.scale_ns)).unwrap_or(u32::MAX)
    }

    /// What makes a Cluster of known size whole that will not be continued: nothing, or a Void element over the missing
    /// bytes, so that readers that know the size find what follows. `None` if one byte is missing: no element is that
    /// small.
    pub(crate) fn padding(&self) -> Option<Bytes> {
        match self.found.cluster {
            ClusterSize::Left(missing) if missing > 0 => void(missing),
            _ => Some(Bytes::new()),
        }
    }
}

/// From the first to the last block, in milliseconds.
pub(crate) fn span_ms(span: Option<(i16, i16)>, scale_ns: u64) -> u64 {
    let Some((first, last)) = span else { return 0 };
    u64::from(last.abs_diff(first)).saturating_mul(scale_ns) / 1_000_000
}

/// A Void element of so many bytes in all.
fn void(bytes: u64) -> Option<Bytes> {
    let width = if bytes <= 128 { 1 } else { 8 };
    let payload = bytes.checked_sub(1 + width)?;
    let mut void = BytesMut::zeroed(usize::try_from(bytes).ok()?);
    let mut header = &mut void[..];
    header.put_u8(element::VOID.0 as u8);
    vint::put_size(&mut header, payload, width as usize);
    Some(void.freeze())
}

impl Found {
    fn take(&mut self, bytes: &[u8]) {
        self.taken += bytes.len();
    }

    /// The element that ends here, from its id.
    fn element(&mut self) -> Bytes {
        let (from, to) = (self.element_at.min(self.taken), self.taken.min(self.piece.len()));
        self.element_at = self.taken;
        self.piece.slice(from.min(to)..to)
    }
}

impl FragmentSink for Found {
    fn timecode_scale(&mut self, ns: u64) {
        self.scale_ns = ns;
    }

    fn cluster_bytes(&mut self, bytes: &[u8]) {
        let is_header = self.cluster == ClusterSize::Unread;
        self.cluster.take(bytes);
        self.take(bytes);
        if is_header {
            self.element_at = self.taken;
        }
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], _last: bool) {
        let at = block.relative_timecode;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        // In a piece of whole elements a payload is in one piece, and lies in it.
        let from = self.taken.saturating_sub(payload.len()).min(self.piece.len());
        let to = self.taken.min(self.piece.len());
        self.block = Some((block.track, at, self.piece.slice(from..to)));
    }

    fn cluster_child_end(&mut self) {
        let bytes = self.element();
        match self.block.take() {
            Some((track, at, payload)) => {
                self.elements.push_back(HeldElement::Block { track, at, payload });
            }
            // What comes before the first block says where the fragment stands: it is another place when it is sent again.
            None if self.span.is_none() => {}
            None => self.elements.push_back(HeldElement::Other { bytes, in_cluster: true }),
        }
    }

    fn trailer_bytes(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }

    fn segment_child_end(&mut self, _id: ElementId) {
        if self.span.is_some() {
            let bytes = self.element();
            self.elements.push_back(HeldElement::Other { bytes, in_cluster: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_void_element_fills_any_gap_but_that_of_one_byte() {
        for bytes in [2, 3, 127, 128, 129, 130, 5_000] {
            let filling = void(bytes).unwrap();
            assert_eq!(filling.len() as u64, bytes);
            let mut reader = tympan_mkv::read::Reader::new(Limits::default());
            let mut input = &filling[..];
            while reader.next(&mut input).unwrap().is_some() {}
            assert!(reader.finish().unwrap().is_none(), "{bytes} bytes are one whole element");
        }
        assert_eq!(void(1), None);
    }
}
