//! Whether a fragment that begins is one that an earlier upload has left open.
//!
//! A producer that lost its connection in the midst of a fragment sends that fragment again, from its beginning. Its
//! timecode may be another one then (RELATIVE counts from a new start), so content decides: the blocks, one by one. The
//! producer's time only bounds which fragments are compared. It is the first fragment of the upload, or, where the cut
//! swallowed acks of whole fragments, one behind those.
//!
//! A state machine without I/O: elements in, a verdict out.
//!
//! ```text
//!                   equal, more is held           all that is held was equal
//!   first block ──> Undecided ──────────────────> Same: go on behind it
//!                      │ unequal, or it ends first
//!                      └────────────────────────> Different: store the new one whole
//! ```

use super::elements::{ClusterSize, Element, Elements, HeldElement};
use tympan_store::OpenFragment;
use tympan_types::{FragmentNumber, ProducerTime};

/// How far apart the producer's times of a fragment and of its repetition may be.
const NEAR_MS: u64 = 1_000;

/// The comparison of a fragment that arrives with those that are open.
pub(crate) struct Comparison {
    candidates: Vec<Candidate>,
    /// Waiting fragments that began like this one and went on otherwise.
    departed: Vec<Candidate>,
}

/// A fragment that is open elsewhere.
pub(crate) struct Candidate {
    pub(crate) number: FragmentNumber,
    /// Its producer has gone.
    pub(crate) waits: bool,
    pub(crate) elements: Elements,
    /// Blocks that were equal.
    matched: u64,
}

/// What is known after an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be one of them.
    Undecided,
    /// It is the first candidate, of which everything has been sent again.
    Same(Behind),
    /// It is none of them.
    Different,
}

/// With what the held fragment goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// With this element.
    WithThis,
    /// With what comes next.
    WithNext,
}

impl Comparison {
    /// A fragment that begins at `producer`, with timecodes of `scale_ns`; `None` if nothing that is open is near.
    pub(crate) fn new(producer: ProducerTime, scale_ns: u64, open: &[OpenFragment]) -> Option<Self> {
        let near = |held: &&OpenFragment| held.producer.unix_ms().abs_diff(producer.unix_ms()) <= NEAR_MS;
        let candidate = |held: &OpenFragment| Candidate {
            number: held.number,
            waits: held.waits,
            elements: Elements::of(held),
            matched: 0,
        };
        let candidates: Vec<Candidate> = open
            .iter()
            .filter(near)
            .map(candidate)
            .filter(|candidate| candidate.elements.scale_ns() == scale_ns)
            .collect();
        (!candidates.is_empty()).then_some(Self { candidates, departed: Vec::new() })
    }

    /// The fragment that it would be.
    pub(crate) fn first(&self) -> Option<&Candidate> {
        self.candidates.first()
    }

    /// The fragment that the new one began to repeat, if its producer has gone: it is worth keeping on.
    pub(crate) fn repeated(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.waits && candidate.matched > 0)
    }

    /// The waiting fragments that the new one began to repeat and then departed from: nothing will continue them.
    pub(crate) fn into_departed(self) -> Vec<Candidate> {
        self.departed
    }

    /// The next element of the new fragment. `cluster`: what is missing of its Cluster before it and after it.
    pub(crate) fn element(&mut self, element: Element<'_>, cluster: [ClusterSize; 2]) -> Verdict {
        self.judge(|candidate| candidate.element(element, cluster))
    }

    /// The new fragment has ended.
    pub(crate) fn ended(&mut self, cluster: ClusterSize) -> Verdict {
        self.judge(|candidate| candidate.ended(cluster))
    }

    /// The first candidate has grown by these pieces.
    pub(crate) fn grown(&mut self, pieces: &[bytes::Bytes]) -> Verdict {
        if let Some(first) = self.candidates.first_mut() {
            first.elements.grow(pieces);
        }
        Verdict::Undecided
    }

    /// The first candidate is not to be had any more.
    pub(crate) fn gone(&mut self) -> Verdict {
        self.candidates.clear();
        Verdict::Different
    }

    fn judge(&mut self, mut ask: impl FnMut(&mut Candidate) -> Verdict) -> Verdict {
        let mut same = None;
        for mut candidate in std::mem::take(&mut self.candidates) {
            match ask(&mut candidate) {
                Verdict::Different if candidate.waits && candidate.matched > 0 => {
                    self.departed.push(candidate);
                }
                Verdict::Different => {}
                Verdict::Undecided => self.candidates.push(candidate),
                Verdict::Same(_) if same.is_some() => self.candidates.push(candidate),
                Verdict::Same(behind) => {
                    same = Some(behind);
                    self.candidates.insert(0, candidate);
                }
            }
        }
        match same {
            Some(behind) => Verdict::Same(behind),
            None if self.candidates.is_empty() => Verdict::Different,
            None => Verdict::Undecided,
        }
    }
}

impl Candidate {
    fn element(&mut self, element: Element<'_>, [before, after]: [ClusterSize; 2]) -> Verdict {
        let Some(rest) = self.skip_to(element) else { return Verdict::Different };
        match rest {
            Rest::Equal => {
                self.matched += u64::from(matches!(element, Element::Block { .. }));
                self.elements.rest().pop_front();
                if self.elements.rest().is_empty() {
                    return self.same(Behind::WithNext, after);
                }
                Verdict::Undecided
            }
            Rest::Left => Verdict::Undecided,
            Rest::Nothing => self.same(Behind::WithThis, before),
        }
    }

    /// What stands against the next element of the new fragment; `None` if it cannot be the same.
    fn skip_to(&mut self, element: Element<'_>) -> Option<Rest> {
        let rest = self.elements.rest();
        if matches!(element, Element::Block { .. }) {
            // Only blocks decide: what stood between them does not.
            while rest.front().is_some_and(|held| matches!(held, HeldElement::Other { in_cluster: true, .. }))
            {
                rest.pop_front();
            }
        }
        match (rest.front(), element) {
            (None, _) => Some(Rest::Nothing),
            (Some(held), element) if held.equals(element) => Some(Rest::Equal),
            (Some(_), Element::Block { .. }) => None,
            (Some(_), Element::Other { in_cluster, .. }) => {
                let blocks_left = rest.iter().any(|held| matches!(held, HeldElement::Block { .. }));
                if !blocks_left && !in_cluster {
                    rest.clear();
                    return Some(Rest::Nothing);
                }
                Some(Rest::Left)
            }
        }
    }

    fn ended(&mut self, cluster: ClusterSize) -> Verdict {
        let blocks_left = self.elements.rest().iter().any(|held| matches!(held, HeldElement::Block { .. }));
        if blocks_left { Verdict::Different } else { self.same(Behind::WithNext, cluster) }
    }

    /// A Cluster of known size can only be continued by exactly what it lacks.
    fn same(&self, behind: Behind, new: ClusterSize) -> Verdict {
        let fits = match (self.elements.cluster(), new) {
            (ClusterSize::Left(held), ClusterSize::Left(new)) => held == new,
            (ClusterSize::Left(held), _) => held == 0,
            _ => true,
        };
        if fits { Verdict::Same(behind) } else { Verdict::Different }
    }
}

/// What is held against an element.
enum Rest {
    /// The same element.
    Equal,
    /// Others, with which it says nothing.
    Left,
    /// Nothing more.
    Nothing,
}

#[cfg(test)]
mod tests;
