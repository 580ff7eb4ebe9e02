//! Matroska, read apart from the product's own code, as far as a GetMedia body needs it.
//!
//! Source: RFC 8794 (EBML), RFC 9559 (Matroska). What is not as it should be panics: it is a check that fails.

use std::collections::HashMap;

const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CLUSTER: u32 = 0x1F43_B675;
const TAGS: u32 = 0x1254_C367;
const TAG: u32 = 0x7373;
const SIMPLE_TAG: u32 = 0x67C8;
const TAG_NAME: u32 = 0x45A3;
const TAG_STRING: u32 = 0x4487;
const SIMPLE_BLOCK: u32 = 0xA3;
const CUES: u32 = 0x1C53_BB6B;
const SEEK_HEAD: u32 = 0x114D_9B74;
/// What can follow a Cluster of unknown size, apart from the end.
const SEGMENT_CHILDREN: [u32; 7] = [INFO, TRACKS, CLUSTER, TAGS, CUES, SEEK_HEAD, EBML];

/// One document of a GetMedia body.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    /// Every tag.
    pub(crate) tags: HashMap<String, String>,
    /// The payloads of its blocks, one after the other.
    pub(crate) payload: Vec<u8>,
    /// Its Clusters, whole.
    pub(crate) clusters: Vec<Vec<u8>>,
}

impl Fragment {
    /// A tag of the service, by what follows `AWS_KINESISVIDEO_`.
    pub(crate) fn service_tag(&self, name: &str) -> Option<&str> {
        self.tags.get(&format!("AWS_KINESISVIDEO_{name}")).map(String::as_str)
    }

    /// The fragment's number.
    pub(crate) fn number(&self) -> &str {
        self.service_tag("FRAGMENT_NUMBER").expect("a fragment has a number")
    }
}

/// The fragments of a GetMedia body.
pub(crate) fn fragments(body: &[u8]) -> Vec<Fragment> {
    let mut found = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (ebml, after) = element(rest);
        assert_eq!(ebml.id, EBML, "a document begins with an EBML header");
        let (segment, after) = element(after);
        assert_eq!(segment.id, SEGMENT, "a Segment follows the EBML header");
        found.push(fragment(segment.data));
        rest = after;
    }
    found
}

/// The Clusters of a producer's file.
pub(crate) fn input_clusters(file: &[u8]) -> Vec<Vec<u8>> {
    let (_, after) = element(file);
    fragment(element(after).0.data).clusters
}

fn fragment(segment: &[u8]) -> Fragment {
    let mut fragment = Fragment::default();
    for child in children(segment) {
        match child.id {
            CLUSTER => {
                fragment.clusters.push(child.whole.to_vec());
                // Track number in one byte, relative timecode in two, flags in one.
                let blocks = children(child.data).into_iter().filter(|block| block.id == SIMPLE_BLOCK);
                fragment.payload.extend(blocks.flat_map(|block| &block.data[4..]));
            }
            TAGS => {
                let tags = children(child.data).into_iter().filter(|tag| tag.id == TAG);
                let simple = tags.flat_map(|tag| children(tag.data)).filter(|tag| tag.id == SIMPLE_TAG);
                fragment
                    .tags
                    .extend(simple.map(|tag| (text(tag.data, TAG_NAME), text(tag.data, TAG_STRING))));
            }
            _ => {}
        }
    }
    fragment
}

fn text(tag: &[u8], id: u32) -> String {
    let part = children(tag).into_iter().find(|part| part.id == id);
    part.map_or_else(String::new, |part| String::from_utf8_lossy(part.data).into_owned())
}

struct Element<'a> {
    id: u32,
    whole: &'a [u8],
    data: &'a [u8],
}

fn children(mut data: &[u8]) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    while !data.is_empty() {
        let (child, rest) = element(data);
        found.push(child);
        data = rest;
    }
    found
}

/// The element that `data` begins with, and what follows it.
fn element(data: &[u8]) -> (Element<'_>, &[u8]) {
    let (id, begin, size) = header(data);
    let end = size.map_or_else(|| begin + unknown_size(id, &data[begin..]), |size| begin + size);
    assert!(end <= data.len(), "element {id:X} ends {} bytes after the end", end.saturating_sub(data.len()));
    let (whole, rest) = data.split_at(end);
    (Element { id, whole, data: &whole[begin..] }, rest)
}

/// The id, where the data begins, and its size unless that is unknown.
fn header(data: &[u8]) -> (u32, usize, Option<usize>) {
    let id_width = data[0].leading_zeros() as usize + 1;
    let id = data[..id_width].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let size_width = data[id_width].leading_zeros() as usize + 1;
    let begin = id_width + size_width;
    let marked = data[id_width..begin].iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
    let ones = (1u64 << (7 * size_width)) - 1;
    let size = marked & ones;
    (id, begin, (size != ones).then(|| usize::try_from(size).expect("a size fits into memory")))
}

/// How long an element of unknown size is: up to what cannot be its child.
fn unknown_size(id: u32, data: &[u8]) -> usize {
    let ends = |child: u32| if id == SEGMENT { child == EBML } else { SEGMENT_CHILDREN.contains(&child) };
    let mut at = 0;
    while at < data.len() {
        let (child, begin, size) = header(&data[at..]);
        if ends(child) {
            break;
        }
        at += begin + size.unwrap_or_else(|| unknown_size(child, &data[at + begin..]));
    }
    at
}
