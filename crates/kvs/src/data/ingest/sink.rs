//! The document as it arrives, element by element.

use super::super::ack::ErrorId;
use super::super::elements::{ClusterSize, span_ms};
use super::super::end_tag::{END_OF_FRAGMENT, without_end_tag};
use super::{BlockSpan, DeclaredTrack, Ingest, OpenFragment, Stage};
use tympan_mkv::element::{self, ElementId};
use tympan_mkv::fragment::{BlockHeader, FragmentSink, HeadPart, Track};

impl FragmentSink for Ingest {
    fn document(&mut self) {
        if self.document.begun {
            self.fail(ErrorId::InvalidMkvData, "a second document begins; a session carries one");
        }
        self.document.begun = true;
    }

    fn head(&mut self, bytes: &[u8], part: HeadPart) {
        let Some(draft) = &mut self.document.draft else { return };
        if draft.len() + bytes.len() > self.rules.limits.head_bytes {
            return self.fail(ErrorId::InvalidMkvData, "too much precedes the first Cluster");
        }
        draft.push(bytes, part);
    }

    fn segment_child(&mut self, id: ElementId) {
        if let Some(draft) = &mut self.document.draft {
            draft.child(id);
        }
    }

    fn segment_child_end(&mut self, id: ElementId) {
        if !self.ends_fragment || id != element::TAGS {
            return self.element_end();
        }
        // What else stands beside the tag is the readers'.
        let kept = without_end_tag(self.pending.get(self.whole..).unwrap_or_default());
        self.pending.truncate(self.whole);
        if !kept.is_empty() {
            self.pending.extend_from_slice(&kept);
            self.element_end();
        }
        self.seal();
        self.end_if_expired();
    }

    fn tracks(&mut self, tracks: &[Track]) {
        if self.document.draft.is_none() {
            return;
        }
        if tracks.len() > self.rules.limits.tracks {
            return self.fail(ErrorId::MoreThanAllowedTracks, "the document has more tracks than allowed");
        }
        let declared = tracks.iter().map(|track| DeclaredTrack { number: track.number, seen: false });
        self.document.tracks = declared.collect();
    }

    fn timecode_scale(&mut self, ns: u64) {
        if self.document.draft.is_some() {
            self.document.scale_ns = ns;
        }
    }

    fn cluster_start(&mut self) {
        self.seal();
        self.end_if_expired();
        if !self.is_open() {
            return;
        }
        self.document.end_head();
        let (bytes, tags) = self.document.head_share();
        self.fragment = Some(OpenFragment {
            timecode: None,
            stage: Stage::Begun,
            number: None,
            bytes,
            blocks: None,
            tags,
            cluster: ClusterSize::Unread,
            cluster_before: ClusterSize::Unread,
            cluster_is_over: false,
            index: Vec::new(),
        });
    }

    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.take(bytes);
        let Some(fragment) = &mut self.fragment else { return };
        let is_header = fragment.cluster == ClusterSize::Unread;
        fragment.cluster.take(bytes);
        if is_header {
            self.whole = self.pending.len();
            fragment.cluster_before = fragment.cluster;
            if matches!(fragment.cluster, ClusterSize::Left(left) if left > self.rules.limits.fragment_bytes as u64)
            {
                self.fail(ErrorId::MaxFragmentSize, "the Cluster is larger than a fragment may be");
            }
        }
    }

    fn cluster_timecode(&mut self, timecode: u64) {
        let Some(fragment) = &mut self.fragment else { return };
        if fragment.timecode.replace(timecode).is_some() {
            return self.fail(ErrorId::InvalidMkvData, "a Cluster has two Timestamps");
        }
        self.timestamp(timecode);
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], _last: bool) {
        let end = self.pending.len();
        let Some(fragment) = &mut self.fragment else { return };
        if !block.first {
            if let Some(span) = &mut self.block {
                span.payload.1 = end;
            }
            return;
        }
        let at = block.relative_timecode;
        self.block =
            Some(BlockSpan { track: block.track, at, payload: (end.saturating_sub(payload.len()), end) });
        if fragment.timecode.is_none() {
            return self.fail(ErrorId::InvalidMkvData, "a block comes before its Cluster's Timestamp");
        }
        let Some(track) = self.document.tracks.iter_mut().find(|track| track.number == block.track) else {
            return self.fail(ErrorId::TrackNumberMismatch, "a block is of a track that is not declared");
        };
        track.seen = true;
        let (first, last) = fragment.blocks.unwrap_or((at, at));
        fragment.blocks = Some((first.min(at), last.max(at)));
        let (blocks, time) = (fragment.blocks, fragment.frame_time(at));
        if self.previous.as_ref().is_some_and(|previous| time < previous.last_frame) {
            return self.fail_backwards("a frame comes before the last one of the previous fragment");
        }
        let duration_ms = span_ms(blocks, self.document.scale_ns);
        if u128::from(duration_ms) > self.rules.limits.fragment_duration.as_millis() {
            self.fail(ErrorId::MaxFragmentDuration, "the fragment lasts longer than allowed");
        }
    }

    fn cluster_child_end(&mut self) {
        self.element_end();
    }

    fn cluster_end(&mut self) {
        if let Some(fragment) = &mut self.fragment {
            fragment.cluster_is_over = true;
        }
    }

    fn trailer_bytes(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }

    fn tag(&mut self, name: &str, value: &str) {
        if let Some(draft) = &self.document.draft {
            if !draft.is_in_leading_tags() {
                return;
            }
            if !self.is_tag_allowed(name, value, self.document.leading_tags) {
                return self
                    .fail(ErrorId::FragmentMetadataLimit, "a tag before Info breaks the rules of tags");
            }
            self.document.leading_tags += 1;
            return;
        }
        let Some(fragment) = &self.fragment else { return };
        let ends_fragment = name == END_OF_FRAGMENT;
        // It counts like any other.
        let (name, value) = if ends_fragment { ("", "") } else { (name, value) };
        if !self.is_tag_allowed(name, value, fragment.tags) {
            return self.fail(ErrorId::FragmentMetadataLimit, "a tag breaks the rules of tags");
        }
        self.ends_fragment |= ends_fragment;
        if let Some(fragment) = &mut self.fragment {
            fragment.tags += 1;
        }
    }
}
