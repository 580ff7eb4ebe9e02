//! Whether a call's stream holds what was sent, sample for sample.

use crate::clock::Monotonic;
use crate::rtp::finder::Finding;

/// What became of a call's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Packets found in place, every sample as it was sent.
    pub(crate) intact: u64,
    /// Packets that are not there, from the first that is to the last that was sent; all of them if none is.
    pub(crate) lost: u64,
    /// Packets that belong elsewhere: repeated, out of order, of another call.
    pub(crate) misplaced: u64,
    /// Samples of silence between packets. Nothing that was sent is silent.
    pub(crate) silence_8k: u64,
    /// Samples between packets that were never sent.
    pub(crate) stray_8k: u64,
}

impl Verdict {
    /// Adds another call's.
    pub(crate) fn add(&mut self, other: Self) {
        self.intact += other.intact;
        self.lost += other.lost;
        self.misplaced += other.misplaced;
        self.silence_8k += other.silence_8k;
        self.stray_8k += other.stray_8k;
    }

    /// Nothing is missing and nothing is too much.
    pub(crate) fn is_exact(self) -> bool {
        self == Self { intact: self.intact, ..Self::default() } && self.intact > 0
    }
}

/// Compares a stream, as the [`Finder`](crate::rtp::finder::Finder) takes it apart, to what was sent.
///
/// What comes before the first packet does not count, as the call was up before it was captured; nor does what
/// comes after the last.
#[derive(Debug)]
pub(crate) struct Verifier<'a> {
    call: u32,
    sent: &'a [Monotonic],
    /// The packet that has to come next; `None` before the first.
    next: Option<usize>,
    /// Silence and stray samples since the last packet.
    between: (u64, u64),
    verdict: Verdict,
}

impl<'a> Verifier<'a> {
    /// For a call whose packets were sent at these times.
    pub(crate) fn new(call: u32, sent: &'a [Monotonic]) -> Self {
        Self { call, sent, next: None, between: (0, 0), verdict: Verdict::default() }
    }

    /// Takes the next finding.
    pub(crate) fn take(&mut self, finding: Finding) {
        match finding {
            Finding::Silence(samples) => self.between.0 += samples as u64,
            Finding::Stray(samples) => self.between.1 += samples as u64,
            Finding::Packet(stamp) => {
                let sequence = stamp.sequence as usize;
                let expected = self.next.unwrap_or(sequence);
                let is_ours = stamp.call == self.call && self.sent.get(sequence) == Some(&stamp.sent);
                if !is_ours || sequence < expected {
                    self.verdict.misplaced += 1;
                    return;
                }
                let (silence, stray) = std::mem::take(&mut self.between);
                if self.next.is_some() {
                    self.verdict.silence_8k += silence;
                    self.verdict.stray_8k += stray;
                }
                self.verdict.lost += (sequence - expected) as u64;
                self.verdict.intact += 1;
                self.next = Some(sequence + 1);
            }
        }
    }

    /// The stream has ended.
    pub(crate) fn finish(mut self) -> Verdict {
        self.verdict.lost += (self.sent.len() - self.next.unwrap_or(0)) as u64;
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::stamp::Stamp;

    const SENT: [Monotonic; 6] =
        [Monotonic(100), Monotonic(120), Monotonic(140), Monotonic(160), Monotonic(180), Monotonic(200)];

    fn packet(sequence: u32) -> Finding {
        Finding::Packet(Stamp { call: 1, sequence, sent: SENT[sequence as usize] })
    }

    fn verdict(findings: &[Finding]) -> Verdict {
        let mut verifier = Verifier::new(1, &SENT);
        findings.iter().for_each(|&finding| verifier.take(finding));
        verifier.finish()
    }

    #[test]
    fn a_stream_may_begin_late_and_end_in_silence() {
        let found = verdict(&[
            Finding::Silence(40),
            Finding::Stray(60),
            packet(2),
            packet(3),
            packet(4),
            packet(5),
            Finding::Silence(99),
        ]);
        assert!(found.is_exact());
        assert_eq!(found.intact, 4);
    }

    #[test]
    fn a_hole_is_counted_in_packets_and_in_samples() {
        let found = verdict(&[
            packet(0),
            packet(1),
            Finding::Silence(160),
            Finding::Stray(3),
            packet(3),
            packet(4),
            packet(5),
        ]);
        assert_eq!(found, Verdict { intact: 5, lost: 1, misplaced: 0, silence_8k: 160, stray_8k: 3 });
        assert!(!found.is_exact());
    }

    #[test]
    fn silence_that_was_put_in_is_seen_also_when_nothing_is_lost() {
        let all = [packet(0), packet(1), Finding::Silence(1), packet(2), packet(3), packet(4), packet(5)];
        assert_eq!(verdict(&all), Verdict { intact: 6, silence_8k: 1, ..Verdict::default() });
    }

    #[test]
    fn repeated_and_foreign_packets_are_misplaced() {
        let foreign = Finding::Packet(Stamp { call: 2, sequence: 1, sent: SENT[1] });
        let bent = Finding::Packet(Stamp { call: 1, sequence: 1, sent: Monotonic(7) });
        let found = verdict(&[packet(0), packet(0), foreign, bent, packet(1)]);
        assert_eq!((found.intact, found.misplaced, found.lost), (2, 3, 4));
    }

    #[test]
    fn an_empty_stream_has_lost_all() {
        assert_eq!(verdict(&[]), Verdict { lost: 6, ..Verdict::default() });
        assert!(!Verifier::new(1, &[]).finish().is_exact());
    }
}
