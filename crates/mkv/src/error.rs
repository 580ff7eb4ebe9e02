use crate::element::ElementId;

/// Why an input is not the Matroska that this crate reads. Offsets count bytes from the start of the stream and point
/// at the header of the element named.
///
/// A reader that has failed stays failed: every later call returns the same error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MkvError {
    /// No element id begins like this. The input is not EBML, or an earlier size was wrong.
    #[error(
        "byte {offset}: {byte:#04x} cannot begin an element id; the input is not EBML or an earlier size is wrong"
    )]
    BadId {
        /// Where the id should begin.
        offset: u64,
        /// The byte found there.
        byte: u8,
    },
    /// The size of an element begins with a zero byte, so it would be longer than 8 bytes.
    #[error("{id} at byte {offset}: its size has more than 8 bytes; write sizes of 1 to 8 bytes")]
    BadSize {
        /// The element.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
    },
    /// An element that holds a value, or one that is not known here, has an unknown size: its end cannot be found.
    #[error(
        "{id} at byte {offset}: only a master element such as Segment or Cluster may have an unknown size"
    )]
    UnknownSize {
        /// The element.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
    },
    /// Masters are nested more deeply than the limit.
    #[error("{id} at byte {offset}: nested more than {limit} levels deep")]
    TooDeep {
        /// The element.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
        /// [`Limits::max_depth`](crate::Limits::max_depth).
        limit: usize,
    },
    /// An element reaches past the end of the master that contains it.
    #[error("{id} at byte {offset}: its {size} bytes do not fit into the {room} left in its parent")]
    Overrun {
        /// The element.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
        /// Payload bytes that it claims, or its least possible size where that is unknown.
        size: u64,
        /// Bytes left in the parent for header and payload.
        room: u64,
    },
    /// A Matroska element stands where it has no meaning, for instance a SimpleBlock outside a Cluster.
    #[error("{id} at byte {offset}: it cannot stand {}", Place(*.parent))]
    Misplaced {
        /// The element.
        id: ElementId,
        /// The innermost open element, or none at the top level.
        parent: Option<ElementId>,
        /// Where its header begins.
        offset: u64,
    },
    /// An element whose value must be collected is larger than the limit.
    #[error("{id} at byte {offset}: {size} bytes, at most {limit} are accepted")]
    TooLarge {
        /// The element.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// More elements of a kind than the limit.
    #[error("{id} at byte {offset}: at most {limit} of these are accepted")]
    TooMany {
        /// The element that is one too many.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
        /// The limit.
        limit: usize,
    },
    /// The value of an element is malformed.
    #[error("{id} at byte {offset}: {reason}")]
    BadValue {
        /// The element.
        id: ElementId,
        /// Where its header begins.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The input ended inside an element.
    #[error("the input ends at byte {offset}, inside {}", Within(*.id))]
    Truncated {
        /// The innermost element of known size that is not complete, or none where the cut is in an element's header.
        id: Option<ElementId>,
        /// Where the input ends.
        offset: u64,
    },
}

impl MkvError {
    /// The byte of the stream that the error is about.
    pub fn offset(&self) -> u64 {
        match *self {
            Self::BadId { offset, .. }
            | Self::BadSize { offset, .. }
            | Self::UnknownSize { offset, .. }
            | Self::TooDeep { offset, .. }
            | Self::Overrun { offset, .. }
            | Self::Misplaced { offset, .. }
            | Self::TooLarge { offset, .. }
            | Self::TooMany { offset, .. }
            | Self::BadValue { offset, .. }
            | Self::Truncated { offset, .. } => offset,
        }
    }

    /// The element that the error is about, where its id could be read.
    pub fn element(&self) -> Option<ElementId> {
        match *self {
            Self::BadId { .. } => None,
            Self::Truncated { id, .. } => id,
            Self::BadSize { id, .. }
            | Self::UnknownSize { id, .. }
            | Self::TooDeep { id, .. }
            | Self::Overrun { id, .. }
            | Self::Misplaced { id, .. }
            | Self::TooLarge { id, .. }
            | Self::TooMany { id, .. }
            | Self::BadValue { id, .. } => Some(id),
        }
    }
}

/// "in Cluster (1F43B675)" or "at the top level".
struct Place(Option<ElementId>);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(parent) => write!(f, "in {parent}"),
            None => f.write_str("at the top level"),
        }
    }
}

/// "Cluster (1F43B675)" or "the header of an element".
struct Within(Option<ElementId>);

impl std::fmt::Display for Within {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(id) => write!(f, "{id}"),
            None => f.write_str("the header of an element"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element;

    #[test]
    fn a_message_names_the_element_the_byte_and_the_remedy() {
        let misplaced =
            MkvError::Misplaced { id: element::SIMPLE_BLOCK, parent: Some(element::TAGS), offset: 40 };
        assert_eq!(misplaced.to_string(), "SimpleBlock (A3) at byte 40: it cannot stand in Tags (1254C367)");
        let cut = MkvError::Truncated { id: None, offset: 7 };
        assert_eq!(cut.to_string(), "the input ends at byte 7, inside the header of an element");
        assert_eq!((misplaced.offset(), cut.element()), (40, None));
    }
}
