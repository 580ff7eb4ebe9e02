//! Finds stamped packets in PCM.

use super::stamp::{MARKER, PACKET_8K, Payload, Stamp};
use tympan_telephony::audio::g711::Law;

/// What a stretch of PCM turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A packet, every sample of it as it was sent.
    Packet(Stamp),
    /// Samples of silence: nothing that is sent is silent.
    Silence(usize),
    /// Samples that no packet accounts for: part of one, or changed ones.
    Stray(usize),
}

/// Reads PCM in pieces of any length and tells what it is made of, in order and without a gap.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// What may be the beginning of a packet.
    pending: Vec<u8>,
}

impl Finder {
    /// Reads more PCM: 16-bit signed little-endian samples at 8 kHz. An odd last byte is ignored.
    pub(crate) fn push(&mut self, pcm: &[u8], mut found: impl FnMut(Finding)) {
        self.pending
            .extend(pcm.chunks_exact(2).map(|bytes| exact_code(i16::from_le_bytes([bytes[0], bytes[1]]))));
        let mut rest = self.pending.as_slice();
        while let Some((length, finding)) = first(rest) {
            found(finding);
            rest = &rest[length..];
        }
        let done = self.pending.len() - rest.len();
        self.pending.drain(..done);
    }

    /// The PCM has ended: what is left is no packet.
    pub(crate) fn finish(self, mut found: impl FnMut(Finding)) {
        if !self.pending.is_empty() {
            found(Finding::Stray(self.pending.len()));
        }
    }
}

/// What `codes` begin with, and how long it is; `None` until more has come.
fn first(codes: &[u8]) -> Option<(usize, Finding)> {
    let run = |ends: fn(u8) -> bool| codes.iter().position(|&code| ends(code)).unwrap_or(codes.len());
    match *codes.first()? {
        SILENCE => {
            let length = run(|code| code != SILENCE);
            Some((length, Finding::Silence(length)))
        }
        code if code != MARKER[0] => {
            let length = run(|code| code == SILENCE || code == MARKER[0]);
            Some((length, Finding::Stray(length)))
        }
        _ => {
            let payload: &Payload = codes.get(..PACKET_8K)?.try_into().ok()?;
            let packet = Stamp::read(payload).map(|stamp| (PACKET_8K, Finding::Packet(stamp)));
            packet.or(Some((1, Finding::Stray(1))))
        }
    }
}

/// The code whose value the sample is; for any other value a code that no payload has.
fn exact_code(sample: i16) -> u8 {
    let code = Law::Mu.encode(sample);
    if Law::Mu.decode(code) == sample { code } else { NO_CODE }
}

const SILENCE: u8 = Law::Mu.silence();
/// The other zero: it never comes out of an encoder.
const NO_CODE: u8 = 0x7f;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Monotonic;
    use proptest::prelude::*;

    fn stamp(sequence: u32) -> Stamp {
        Stamp { call: 7, sequence, sent: Monotonic(u64::from(sequence) * 20_000_000) }
    }

    fn pcm(codes: &[u8]) -> Vec<u8> {
        codes.iter().flat_map(|&code| Law::Mu.decode(code).to_le_bytes()).collect()
    }

    fn findings(pieces: &[&[u8]]) -> Vec<Finding> {
        let mut all = Vec::new();
        let mut finder = Finder::default();
        for piece in pieces {
            finder.push(piece, |finding| all.push(finding));
        }
        finder.finish(|finding| all.push(finding));
        all
    }

    #[test]
    fn finds_packets_between_silence_and_fragments_of_packets() {
        let (one, two) = (stamp(1).payload(), stamp(2).payload());
        let codes = [&one[100..], &[SILENCE; 40], &one[..], &two, &[SILENCE; 160], &two[..30]].concat();
        assert_eq!(
            findings(&[&pcm(&codes)]),
            [
                Finding::Stray(60),
                Finding::Silence(40),
                Finding::Packet(stamp(1)),
                Finding::Packet(stamp(2)),
                Finding::Silence(160),
                Finding::Stray(30)
            ]
        );
    }

    #[test]
    fn a_value_that_mu_law_does_not_have_is_no_part_of_a_packet() {
        let mut samples = pcm(&stamp(3).payload());
        samples[200] ^= 1;
        assert!(findings(&[&samples]).iter().all(|finding| matches!(finding, Finding::Stray(_))));
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(cuts in proptest::collection::vec(1_usize..400, 1..8), lead in 0_usize..200) {
            let codes = [vec![SILENCE; lead], stamp(0).payload().to_vec(), stamp(1).payload().to_vec()].concat();
            let whole = pcm(&codes);
            let mut pieces = Vec::new();
            let mut rest = whole.as_slice();
            for cut in cuts {
                let (piece, after) = rest.split_at((cut * 2).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let packets = |all: Vec<Finding>| {
                all.into_iter().filter(|one| matches!(one, Finding::Packet(_))).collect::<Vec<_>>()
            };
            prop_assert_eq!(packets(findings(&pieces)), [Finding::Packet(stamp(0)), Finding::Packet(stamp(1))]);
        }

        #[test]
        fn every_sample_is_accounted_for(samples: Vec<i16>) {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let length = |finding: &Finding| match finding {
                Finding::Packet(_) => PACKET_8K,
                Finding::Silence(samples) | Finding::Stray(samples) => *samples,
            };
            prop_assert_eq!(findings(&[&bytes]).iter().map(length).sum::<usize>(), samples.len());
        }
    }
}
