//! Element ids, what each element holds and where it may stand.
//!
//! Source: RFC 8794 section 11 (EBML header, global elements), RFC 9559 section 5 (Matroska).
//! Not implemented: the children of Chapters, Attachments and ContentEncodings, and everything else not listed here;
//! such ids are opaque ([`Kind::Binary`]) and allowed anywhere.

use std::fmt;

/// An element id with its length marker, as it is written: `A3`, `4286`, `2AD7B1`, `1F43B675`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(pub u32);

impl ElementId {
    /// The name that RFC 8794 or RFC 9559 gives it, where it is known here.
    pub fn name(self) -> Option<&'static str> {
        describe(self).map(|element| element.name)
    }
}

impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({:X})", self.0),
            None => write!(f, "element {:X}", self.0),
        }
    }
}

impl fmt::Debug for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Other elements.
    Master,
    /// A big-endian unsigned integer of 0 to 8 bytes.
    Uint,
    /// A big-endian IEEE number of 0, 4 or 8 bytes.
    Float,
    /// UTF-8 or ASCII, perhaps padded with zero bytes.
    Text,
    /// Anything else: media, times, private data, unknown elements.
    Binary,
}

/// Where an element may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// At the top level.
    Top,
    /// Anywhere: Void, CRC-32, and ids that are not known here.
    Any,
    /// Inside this master only.
    Of(ElementId),
    /// Inside this master, or inside its own kind.
    Recursive(ElementId),
}

/// What the element holds; [`Kind::Binary`] for an id that is not known here.
pub fn kind(id: ElementId) -> Kind {
    describe(id).map_or(Kind::Binary, |element| element.kind)
}

/// Where the element may stand; [`Parent::Any`] for an id that is not known here.
pub fn parent(id: ElementId) -> Parent {
    describe(id).map_or(Parent::Any, |element| element.parent)
}

/// Whether `id` may be a direct child of `parent`, where none stands for the top level.
///
/// Unknown ids are no children of the top level: there is no telling a document from garbage otherwise.
pub fn is_child(id: ElementId, parent: Option<ElementId>) -> bool {
    may_stand(id, self::parent(id), parent)
}

/// Kind and place with one look at the table.
pub(crate) fn kind_and_parent(id: ElementId) -> (Kind, Parent) {
    describe(id).map_or((Kind::Binary, Parent::Any), |element| (element.kind, element.parent))
}

/// [`is_child`] for an element whose place is known already.
#[inline]
pub(crate) fn may_stand(id: ElementId, place: Parent, parent: Option<ElementId>) -> bool {
    match (place, parent) {
        (Parent::Of(wanted), Some(parent)) => wanted == parent,
        (Parent::Recursive(wanted), Some(parent)) => wanted == parent || id == parent,
        (Parent::Any, Some(_)) | (Parent::Top, None) => true,
        (Parent::Any, None) => id == VOID || id == CRC32,
        (Parent::Top, Some(_)) | (Parent::Of(_) | Parent::Recursive(_), None) => false,
    }
}

/// A row of the table below.
struct Element {
    name: &'static str,
    kind: Kind,
    parent: Parent,
}

macro_rules! elements {
    ($($constant:ident $id:literal $name:literal $kind:ident $parent:expr;)*) => {
        $(
            #[doc = concat!($name, ", `", stringify!($id), "`.")]
            pub const $constant: ElementId = ElementId($id);
        )*

        fn describe(id: ElementId) -> Option<&'static Element> {
            match id {
                $($constant => {
                    const ROW: &Element = &Element { name: $name, kind: Kind::$kind, parent: $parent };
                    Some(ROW)
                })*
                _ => None,
            }
        }

        #[cfg(test)]
        const ALL: &[ElementId] = &[$($constant),*];
    };
}

elements! {
    EBML 0x1A45DFA3 "EBML" Master Parent::Top;
    EBML_VERSION 0x4286 "EBMLVersion" Uint Parent::Of(EBML);
    EBML_READ_VERSION 0x42F7 "EBMLReadVersion" Uint Parent::Of(EBML);
    EBML_MAX_ID_LENGTH 0x42F2 "EBMLMaxIDLength" Uint Parent::Of(EBML);
    EBML_MAX_SIZE_LENGTH 0x42F3 "EBMLMaxSizeLength" Uint Parent::Of(EBML);
    DOC_TYPE 0x4282 "DocType" Text Parent::Of(EBML);
    DOC_TYPE_VERSION 0x4287 "DocTypeVersion" Uint Parent::Of(EBML);
    DOC_TYPE_READ_VERSION 0x4285 "DocTypeReadVersion" Uint Parent::Of(EBML);

    VOID 0xEC "Void" Binary Parent::Any;
    CRC32 0xBF "CRC-32" Binary Parent::Any;

    SEGMENT 0x18538067 "Segment" Master Parent::Top;

    SEEK_HEAD 0x114D9B74 "SeekHead" Master Parent::Of(SEGMENT);
    SEEK 0x4DBB "Seek" Master Parent::Of(SEEK_HEAD);
    SEEK_ID 0x53AB "SeekID" Binary Parent::Of(SEEK);
    SEEK_POSITION 0x53AC "SeekPosition" Uint Parent::Of(SEEK);

    INFO 0x1549A966 "Info" Master Parent::Of(SEGMENT);
    SEGMENT_UID 0x73A4 "SegmentUUID" Binary Parent::Of(INFO);
    TIMECODE_SCALE 0x2AD7B1 "TimestampScale" Uint Parent::Of(INFO);
    DURATION 0x4489 "Duration" Float Parent::Of(INFO);
    DATE_UTC 0x4461 "DateUTC" Binary Parent::Of(INFO);
    TITLE 0x7BA9 "Title" Text Parent::Of(INFO);
    MUXING_APP 0x4D80 "MuxingApp" Text Parent::Of(INFO);
    WRITING_APP 0x5741 "WritingApp" Text Parent::Of(INFO);

    TRACKS 0x1654AE6B "Tracks" Master Parent::Of(SEGMENT);
    TRACK_ENTRY 0xAE "TrackEntry" Master Parent::Of(TRACKS);
    TRACK_NUMBER 0xD7 "TrackNumber" Uint Parent::Of(TRACK_ENTRY);
    TRACK_UID 0x73C5 "TrackUID" Uint Parent::Of(TRACK_ENTRY);
    TRACK_TYPE 0x83 "TrackType" Uint Parent::Of(TRACK_ENTRY);
    NAME 0x536E "Name" Text Parent::Of(TRACK_ENTRY);
    LANGUAGE 0x22B59C "Language" Text Parent::Of(TRACK_ENTRY);
    CODEC_ID 0x86 "CodecID" Text Parent::Of(TRACK_ENTRY);
    CODEC_PRIVATE 0x63A2 "CodecPrivate" Binary Parent::Of(TRACK_ENTRY);
    DEFAULT_DURATION 0x23E383 "DefaultDuration" Uint Parent::Of(TRACK_ENTRY);
    CONTENT_ENCODINGS 0x6D80 "ContentEncodings" Master Parent::Of(TRACK_ENTRY);
    VIDEO 0xE0 "Video" Master Parent::Of(TRACK_ENTRY);
    PIXEL_WIDTH 0xB0 "PixelWidth" Uint Parent::Of(VIDEO);
    PIXEL_HEIGHT 0xBA "PixelHeight" Uint Parent::Of(VIDEO);
    AUDIO 0xE1 "Audio" Master Parent::Of(TRACK_ENTRY);
    SAMPLING_FREQUENCY 0xB5 "SamplingFrequency" Float Parent::Of(AUDIO);
    CHANNELS 0x9F "Channels" Uint Parent::Of(AUDIO);
    BIT_DEPTH 0x6264 "BitDepth" Uint Parent::Of(AUDIO);

    CHAPTERS 0x1043A770 "Chapters" Master Parent::Of(SEGMENT);
    ATTACHMENTS 0x1941A469 "Attachments" Master Parent::Of(SEGMENT);

    TAGS 0x1254C367 "Tags" Master Parent::Of(SEGMENT);
    TAG 0x7373 "Tag" Master Parent::Of(TAGS);
    TARGETS 0x63C0 "Targets" Master Parent::Of(TAG);
    SIMPLE_TAG 0x67C8 "SimpleTag" Master Parent::Recursive(TAG);
    TAG_NAME 0x45A3 "TagName" Text Parent::Of(SIMPLE_TAG);
    TAG_STRING 0x4487 "TagString" Text Parent::Of(SIMPLE_TAG);
    TAG_BINARY 0x4485 "TagBinary" Binary Parent::Of(SIMPLE_TAG);
    TAG_LANGUAGE 0x447A "TagLanguage" Text Parent::Of(SIMPLE_TAG);
    TAG_DEFAULT 0x4484 "TagDefault" Uint Parent::Of(SIMPLE_TAG);

    CLUSTER 0x1F43B675 "Cluster" Master Parent::Of(SEGMENT);
    TIMECODE 0xE7 "Timestamp" Uint Parent::Of(CLUSTER);
    POSITION 0xA7 "Position" Uint Parent::Of(CLUSTER);
    PREV_SIZE 0xAB "PrevSize" Uint Parent::Of(CLUSTER);
    SIMPLE_BLOCK 0xA3 "SimpleBlock" Binary Parent::Of(CLUSTER);
    BLOCK_GROUP 0xA0 "BlockGroup" Master Parent::Of(CLUSTER);
    BLOCK 0xA1 "Block" Binary Parent::Of(BLOCK_GROUP);
    BLOCK_DURATION 0x9B "BlockDuration" Uint Parent::Of(BLOCK_GROUP);
    REFERENCE_BLOCK 0xFB "ReferenceBlock" Binary Parent::Of(BLOCK_GROUP);

    CUES 0x1C53BB6B "Cues" Master Parent::Of(SEGMENT);
    CUE_POINT 0xBB "CuePoint" Master Parent::Of(CUES);
    CUE_TIME 0xB3 "CueTime" Uint Parent::Of(CUE_POINT);
    CUE_TRACK_POSITIONS 0xB7 "CueTrackPositions" Master Parent::Of(CUE_POINT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_of_the_table_carries_the_marker_of_its_length() {
        for &id in ALL {
            let bytes = 4 - id.0.leading_zeros() as usize / 8;
            let first = id.0 >> (8 * (bytes - 1));
            assert_eq!(first.leading_zeros() as usize - 24 + 1, bytes, "{id}");
        }
    }

    #[test]
    fn a_simple_tag_nests_in_itself_and_a_block_only_in_its_cluster() {
        assert!(is_child(SIMPLE_TAG, Some(TAG)) && is_child(SIMPLE_TAG, Some(SIMPLE_TAG)));
        assert!(is_child(SIMPLE_BLOCK, Some(CLUSTER)) && !is_child(SIMPLE_BLOCK, Some(SEGMENT)));
        assert!(is_child(EBML, None) && !is_child(EBML, Some(SEGMENT)) && !is_child(INFO, None));
    }

    #[test]
    fn an_unknown_id_may_stand_in_any_master_but_not_at_the_top() {
        let unknown = ElementId(0x4FFE);
        assert!(is_child(unknown, Some(CLUSTER)) && !is_child(unknown, None));
        assert!(is_child(VOID, None) && is_child(CRC32, Some(TAGS)));
        assert_eq!((kind(unknown), parent(unknown)), (Kind::Binary, Parent::Any));
    }

    #[test]
    fn an_id_prints_with_its_name() {
        assert_eq!(CLUSTER.to_string(), "Cluster (1F43B675)");
        assert_eq!(ElementId(0x4FFE).to_string(), "element 4FFE");
    }
}
