//! How a fragment begins: under a number of its own, or as one that another upload has left open.

use super::super::ack::{Ack, AckEvent, ErrorId};
use super::super::elements::{ClusterSize, Element};
use super::super::hold::seal_as_it_stands;
use super::super::put_media::AcksTold;
use super::super::resume::{Behind, Comparison, Verdict};
use super::{Ingest, OpenFragment, Stage};
use tympan_store::{FragmentHead, TakeOver};
use tympan_types::FragmentNumber;

impl Ingest {
    /// The first block is there: the fragment begins, unless it may be one that has begun already.
    pub(super) fn first_block(&mut self) {
        let Some(producer) =
            self.fragment.as_ref().and_then(|fragment| self.producer_time(fragment.timecode?))
        else {
            return;
        };
        let Some((writer, _)) = &mut self.open else { return };
        // An upload may begin with fragments of which only the acks were lost. But what another connection sends just now
        // is ended by nothing but the beginning of an upload.
        let is_first = self.begun == 0;
        let mut open = Vec::new();
        if self.rules.resumes && self.holds.is_on() && (is_first || self.holds.any_waits()) {
            open = writer.on_offer();
            open.retain(|held| is_first || held.waits);
        }
        self.begun += 1;
        match Comparison::new(producer, self.document.scale_ns, &open) {
            Some(comparison) => {
                if let Some(fragment) = &mut self.fragment {
                    fragment.stage = Stage::Compared(Box::new(comparison));
                }
                self.compare();
            }
            None => self.begin(),
        }
    }

    /// Compares the element that has just ended.
    pub(super) fn compare(&mut self) {
        let Some(fragment) = &mut self.fragment else { return };
        let Stage::Compared(comparison) = &mut fragment.stage else { return };
        let bytes = self.pending.get(self.whole..).unwrap_or_default();
        let element = match self.block.and_then(|block| Some((block, self.pending.get(block.range())?))) {
            Some((block, payload)) => Element::Block { track: block.track, at: block.at, payload },
            None => Element::Other { bytes, in_cluster: !fragment.cluster_is_over },
        };
        let over = |size| if fragment.cluster_is_over { ClusterSize::Left(0) } else { size };
        let cluster = [over(fragment.cluster_before), over(fragment.cluster)];
        let verdict = comparison.element(element, cluster);
        let element_bytes = bytes.len();
        match self.decide(verdict, Some(element_bytes)) {
            // The held fragment has grown meanwhile, and this element stands against what has come.
            Decided::Again => self.compare(),
            Decided::Not => {
                if let Some(OpenFragment { stage: Stage::Compared(comparison), .. }) = &self.fragment
                    && let Some(number) = comparison.first().map(|held| held.number)
                {
                    self.tell_buffering(number);
                }
            }
            Decided::Yes => {}
        }
    }

    /// Does what the comparison says. `element_bytes`: the end of the pending bytes that it was last about.
    pub(super) fn decide(&mut self, verdict: Verdict, element_bytes: Option<usize>) -> Decided {
        let (Some((writer, _)), Some(fragment)) = (&mut self.open, &mut self.fragment) else {
            return Decided::Yes;
        };
        let Stage::Compared(comparison) = &mut fragment.stage else { return Decided::Yes };
        let behind = match verdict {
            Verdict::Undecided => return Decided::Not,
            Verdict::Different => {
                self.differ();
                return Decided::Yes;
            }
            Verdict::Same(behind) => behind,
        };
        let Some(held) = comparison.first() else { return Decided::Yes };
        let number = held.number;
        match writer.take_over(number, held.elements.pieces()) {
            TakeOver::Taken => {}
            TakeOver::Grown(pieces) => {
                comparison.grown(&pieces);
                let again = behind == Behind::WithThis && element_bytes.is_some();
                return if again { Decided::Again } else { Decided::Not };
            }
            TakeOver::Gone => {
                comparison.gone();
                self.differ();
                return Decided::Yes;
            }
        }
        // What was sent again is there already.
        let keep = match behind {
            Behind::WithThis => element_bytes.unwrap_or(0),
            Behind::WithNext => 0,
        };
        let _ = self.pending.split_to(self.pending.len().saturating_sub(keep));
        self.whole = 0;
        self.block = None;
        fragment.stage = Stage::Open;
        writer.end_search();
        self.holds.resumed();
        tracing::info!(%number, "an upload goes on with a fragment that another one had open");
        self.document.fragment_head();
        self.tell_buffering(number);
        Decided::Yes
    }

    /// The fragment is none of those that are open: it is stored whole. One that it began to repeat is not continued.
    pub(super) fn differ(&mut self) {
        let stage =
            self.fragment.as_mut().map(|fragment| std::mem::replace(&mut fragment.stage, Stage::Begun));
        if let (Some(Stage::Compared(comparison)), Some((writer, _))) = (stage, &mut self.open) {
            for held in comparison.into_departed() {
                if writer.take_over_waiting(held.number, held.elements.pieces()) == TakeOver::Taken {
                    // No producer gets an acknowledgement; the committer logs a failure.
                    drop(seal_as_it_stands(writer));
                }
            }
        }
        self.begin();
    }

    /// The fragment begins, under a number of its own.
    pub(super) fn begin(&mut self) {
        let Some(timecode) = self.fragment.as_ref().and_then(|fragment| fragment.timecode) else { return };
        let Some(producer) = self.producer_time(timecode) else { return };
        let head = self.document.fragment_head();
        let Some((writer, _)) = &mut self.open else { return };
        writer.end_search();
        let number = match writer.begin(FragmentHead { head, producer }) {
            Ok(number) => number,
            Err(error) => return self.fail(ErrorId::of_store(&error), error.message()),
        };
        if let Some(fragment) = &mut self.fragment {
            fragment.stage = Stage::Open;
        }
        self.tell_buffering(number);
    }

    /// Says that the fragment has this number, once.
    pub(super) fn tell_buffering(&mut self, number: FragmentNumber) {
        let Some(fragment) = &mut self.fragment else { return };
        if fragment.number.replace(number) != Some(number) && self.rules.acks == AcksTold::Every {
            let event = AckEvent::Buffering;
            self.acks.tell(Ack { event, timecode: fragment.timecode, number: Some(number) });
        }
    }
}

/// What [`Ingest::decide`] did.
pub(super) enum Decided {
    /// Nothing yet.
    Not,
    /// The fragment is open in the store, or the session is over.
    Yes,
    /// Nothing yet: the same element is to be compared once more.
    Again,
}
