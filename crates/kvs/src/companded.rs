//! The companded form: a body of which the G.711 samples are kept as the bytes that they were expanded from.
//!
//! ```text
//! body = { number = LEB128 of (count * 4 + kind), bytes }
//! kind 0  count bytes follow, as they are
//!      1  count samples of mu-law follow, one byte each
//!      2  count samples of A-law follow, one byte each
//!      3  a block like the one before, its timecode count milliseconds later: the bytes between the samples of the last
//!         two blocks once more, timecode apart, then as many samples of the same law follow
//! ```
//!
//! Exact for a body of any producer: a block becomes codes only if each of its samples is one that its law expands a code
//! to, and everything else stands verbatim. So finding blocks may fail without harm, and does where the body is no
//! Matroska, where blocks are laced, and where samples were mixed, resampled or never companded.
//!
//! Source: docs/storage.md section 2; ITU-T G.711 (11/1988) tables 1 and 2 for the laws, RFC 9559 for the blocks.

use bytes::BufMut;
use std::ops::Range;
use tympan_mkv::vint::{self, Size};
use tympan_mkv::{ElementId, element, lacing::Lacing};
use tympan_store::{BodyCodec, BodyPart};

/// The companded form as the store takes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Companded;

/// The number of this form in stored records.
const FORM: u16 = 1;
/// Shorter blocks are no audio worth a mark.
const LEAST_SAMPLES: usize = 16;
/// A block's timecode: that far before its samples, flags between.
const TIMECODE_BEFORE_SAMPLES: usize = 3;

const VERBATIM: u64 = 0;
const REPEATED: u64 = 3;

impl BodyCodec for Companded {
    fn form(&self) -> u16 {
        FORM
    }

    fn encode(&self, body: &[u8], out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        let mut encoder = Encoder { body, out, done: 0, last: None };
        let mut at = 0;
        while let Some(samples) = next_samples(body, at) {
            at = samples.end;
            encoder.block(samples);
        }
        if encoder.last.is_none() {
            return false;
        }
        encoder.rest();
        out.len() - begin < body.len()
    }

    fn join(&self, parts: &mut dyn Iterator<Item = BodyPart<'_>>, out: &mut Vec<u8>) -> bool {
        let mut joiner = Joiner { out, between: Vec::new(), last: None };
        for part in parts {
            let taken = match part {
                BodyPart::Plain(bytes) => {
                    joiner.plain(bytes);
                    true
                }
                BodyPart::Coded(bytes) => joiner.coded(bytes).is_some(),
            };
            if !taken {
                return false;
            }
        }
        joiner.finish()
    }

    fn decode(&self, stored: &[u8], plain_bytes: usize, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        out.resize(begin + plain_bytes, 0);
        let mut decoder = Decoder { stored, plain: &mut out[begin..], done: 0, last: None };
        while !decoder.stored.is_empty() {
            if decoder.step().is_none() {
                return false;
            }
        }
        decoder.done == plain_bytes
    }
}

impl Companded {
    /// The number of this form in stored records.
    pub(crate) const FORM: u16 = FORM;

    /// Appends a piece of a body that can be decoded by itself: what stands before the samples of a block, and their codes.
    pub(crate) fn piece(before: &[u8], law: Law, codes: &[u8], out: &mut impl BufMut) {
        put(out, before.len() as u64, VERBATIM);
        out.put_slice(before);
        put(out, codes.len() as u64, law as u64);
        out.put_slice(codes);
    }
}

/// A companding law of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Mu-law.
    Mu = 1,
    /// A-law.
    A = 2,
}

impl Law {
    /// Appends the little-endian samples of codes.
    pub fn expand_into(self, codes: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        out.resize(begin + 2 * codes.len(), 0);
        expand(self, codes, &mut out[begin..]);
    }
}

/// A block that became codes: how the next one may refer to it.
struct Block {
    /// What stands between the samples before and its own, in the plain body.
    between: Range<usize>,
    law: Law,
    samples: usize,
}

struct Encoder<'a> {
    body: &'a [u8],
    out: &'a mut Vec<u8>,
    /// Bytes of the body that stand in `out`.
    done: usize,
    last: Option<Block>,
}

impl Encoder<'_> {
    /// Takes a block's samples, which follow what was taken before; leaves them to stand verbatim if no law has them.
    fn block(&mut self, samples: Range<usize>) {
        let count = samples.len() / 2;
        if count < LEAST_SAMPLES || !samples.len().is_multiple_of(2) {
            return;
        }
        let begin = self.out.len();
        for law in [Law::Mu, Law::A] {
            let block = Block { between: self.done..samples.start, law, samples: count };
            self.announce(&block);
            if compress(law, &self.body[samples.clone()], self.out) {
                self.done = samples.end;
                self.last = Some(block);
                return;
            }
            self.out.truncate(begin);
        }
    }

    fn announce(&mut self, block: &Block) {
        if let Some(step) = self.last.as_ref().and_then(|last| last.step_to(block, self.body)) {
            return put(self.out, u64::from(step), REPEATED);
        }
        self.verbatim(block.between.clone());
        put(self.out, block.samples as u64, block.law as u64);
    }

    fn verbatim(&mut self, bytes: Range<usize>) {
        if !bytes.is_empty() {
            put(self.out, bytes.len() as u64, VERBATIM);
            self.out.extend_from_slice(&self.body[bytes]);
        }
    }

    fn rest(&mut self) {
        self.verbatim(self.done..self.body.len());
    }
}

impl Block {
    /// How much later `next` is if it is like this one in everything else.
    fn step_to(&self, next: &Self, body: &[u8]) -> Option<u16> {
        if (self.law, self.samples) != (next.law, next.samples) {
            return None;
        }
        step(&body[self.between.clone()], &body[next.between.clone()])
    }
}

/// How much later the block behind `now` is than the one behind `before`, if they are alike in everything else.
fn step(before: &[u8], now: &[u8]) -> Option<u16> {
    let timecode = before.len().checked_sub(TIMECODE_BEFORE_SAMPLES)?;
    let timecode = timecode..timecode + 2;
    let alike = before.len() == now.len()
        && before[..timecode.start] == now[..timecode.start]
        && before[timecode.end..] == now[timecode.end..];
    let of = |bytes: &[u8]| u16::from_be_bytes([bytes[timecode.start], bytes[timecode.start + 1]]);
    alike.then(|| of(now).wrapping_sub(of(before)))
}

/// Makes a whole of parts, some of which are in the form already. No sample of those is touched.
struct Joiner<'a> {
    out: &'a mut Vec<u8>,
    /// What stands behind the samples of the last block, and is not in `out`.
    between: Vec<u8>,
    last: Option<JoinedBlock>,
}

struct JoinedBlock {
    between: Vec<u8>,
    law: Law,
    samples: usize,
}

impl Joiner<'_> {
    /// Whole elements as they are: their blocks are searched for samples that a law has.
    fn plain(&mut self, bytes: &[u8]) {
        let (mut at, mut done) = (0, 0);
        let mut codes = Vec::new();
        while let Some(samples) = next_samples(bytes, at) {
            at = samples.end;
            let pcm = &bytes[samples.clone()];
            if pcm.len() < 2 * LEAST_SAMPLES || !pcm.len().is_multiple_of(2) {
                continue;
            }
            let law = [Law::Mu, Law::A].into_iter().find(|law| {
                codes.clear();
                compress(*law, pcm, &mut codes)
            });
            if let Some(law) = law {
                self.between.extend_from_slice(&bytes[done..samples.start]);
                self.block(law, &codes);
                done = samples.end;
            }
        }
        self.between.extend_from_slice(&bytes[done..]);
    }

    /// A piece as [`Companded::piece`] makes them.
    fn coded(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let (count, kind) = take_number(&mut bytes)?;
            let (taken, rest) = bytes.split_at_checked(usize::try_from(count).ok()?)?;
            bytes = rest;
            match kind {
                VERBATIM => self.between.extend_from_slice(taken),
                REPEATED => return None,
                law => self.block(if law == Law::Mu as u64 { Law::Mu } else { Law::A }, taken),
            }
        }
        Some(())
    }

    fn block(&mut self, law: Law, codes: &[u8]) {
        let alike = self.last.as_ref().filter(|last| (last.law, last.samples) == (law, codes.len()));
        match alike.and_then(|last| step(&last.between, &self.between)) {
            Some(step) => put(self.out, u64::from(step), REPEATED),
            None => {
                self.verbatim();
                put(self.out, codes.len() as u64, law as u64);
            }
        }
        self.out.extend_from_slice(codes);
        // The two buffers take turns, so that a body costs two allocations.
        let mut between = self.last.take().map(|last| last.between).unwrap_or_default();
        std::mem::swap(&mut between, &mut self.between);
        self.between.clear();
        self.last = Some(JoinedBlock { between, law, samples: codes.len() });
    }

    fn verbatim(&mut self) {
        if !self.between.is_empty() {
            put(self.out, self.between.len() as u64, VERBATIM);
            self.out.extend_from_slice(&self.between);
        }
    }

    fn finish(mut self) -> bool {
        self.verbatim();
        self.last.is_some()
    }
}

struct Decoder<'a> {
    stored: &'a [u8],
    /// Room for the body, which is filled from the front.
    plain: &'a mut [u8],
    done: usize,
    last: Option<Block>,
}

impl<'a> Decoder<'a> {
    fn step(&mut self) -> Option<()> {
        let (count, kind) = self.number()?;
        match kind {
            VERBATIM => {
                let bytes = self.take(count)?;
                let begin = self.advance(bytes.len())?;
                self.plain[begin..self.done].copy_from_slice(bytes);
            }
            REPEATED => {
                let last = self.last.take()?;
                let between = self.repeat(&last, u16::try_from(count).ok()?)?;
                self.samples(Block { between, ..last })?;
            }
            law => {
                let samples = usize::try_from(count).ok()?;
                let law = if law == Law::Mu as u64 { Law::Mu } else { Law::A };
                let begin = self.last.as_ref().map_or(0, Block::end);
                self.samples(Block { between: begin..self.done, law, samples })?;
            }
        }
        Some(())
    }

    /// What stands before the samples of `last` again, `step` later.
    fn repeat(&mut self, last: &Block, step: u16) -> Option<Range<usize>> {
        let begin = self.advance(last.between.len())?;
        self.plain.copy_within(last.between.clone(), begin);
        let timecode = last.between.len().checked_sub(TIMECODE_BEFORE_SAMPLES)? + begin;
        let timecode: &mut [u8; 2] = self.plain[timecode..].first_chunk_mut()?;
        *timecode = u16::from_be_bytes(*timecode).wrapping_add(step).to_be_bytes();
        Some(begin..self.done)
    }

    fn samples(&mut self, block: Block) -> Option<()> {
        let codes = self.take(block.samples as u64)?;
        let begin = self.advance(codes.len().checked_mul(2)?)?;
        expand(block.law, codes, &mut self.plain[begin..self.done]);
        self.last = Some(block);
        Some(())
    }

    /// Takes room for so many bytes, and says where it begins.
    fn advance(&mut self, bytes: usize) -> Option<usize> {
        let begin = self.done;
        self.done = begin.checked_add(bytes).filter(|done| *done <= self.plain.len())?;
        Some(begin)
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.stored.split_at_checked(usize::try_from(count).ok()?)?;
        self.stored = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<(u64, u64)> {
        take_number(&mut self.stored)
    }
}

/// The count and the kind at the beginning of `stored`.
fn take_number(stored: &mut &[u8]) -> Option<(u64, u64)> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = stored.split_first()?;
        *stored = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number >> 2, number & 3));
        }
    }
    None
}

impl Block {
    /// Where its samples end in the plain body.
    fn end(&self) -> usize {
        self.between.end + 2 * self.samples
    }
}

fn put(out: &mut impl BufMut, count: u64, kind: u64) {
    let mut number = count << 2 | kind;
    while number > 0x7f {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

/// The samples of the next block from `at` on that is not laced. Elements are met in the order of the bytes, whatever
/// their nesting: that needs no stack and goes through Clusters of unknown size.
fn next_samples(body: &[u8], mut at: usize) -> Option<Range<usize>> {
    loop {
        let id_bytes = vint::encoded_len(*body.get(at)?)?;
        let id = vint::big_endian(body.get(at..at + id_bytes)?);
        at += id_bytes;
        let size_bytes = vint::encoded_len(*body.get(at)?)?;
        let size = vint::size(body.get(at..at + size_bytes)?);
        at += size_bytes;
        let id = ElementId(u32::try_from(id).ok()?);
        if matches!(id, element::SEGMENT | element::CLUSTER | element::BLOCK_GROUP) {
            continue;
        }
        let Size::Known(size) = size else { return None };
        let end = at.checked_add(usize::try_from(size).ok()?).filter(|end| *end <= body.len())?;
        if matches!(id, element::SIMPLE_BLOCK | element::BLOCK) {
            let track_bytes = vint::encoded_len(*body.get(at)?)?;
            let samples = at + track_bytes + TIMECODE_BEFORE_SAMPLES;
            if samples <= end && Lacing::of(body[samples - 1]) == Lacing::None {
                return Some(samples..end);
            }
        }
        at = end;
    }
}

/// The sample of every code, as it stands in a block.
type Samples = [[u8; 2]; 256];

static MU_SAMPLES: Samples = samples(Law::Mu);
static A_SAMPLES: Samples = samples(Law::A);

/// Samples that are tried at once: a block that has no codes is given up early.
const TRIED_SAMPLES: usize = 80;

/// Appends the codes of little-endian samples; `false` at the first ones that have none.
fn compress(law: Law, pcm: &[u8], out: &mut Vec<u8>) -> bool {
    match law {
        Law::Mu => compress_by(mu_code, pcm, out),
        Law::A => compress_by(a_code, pcm, out),
    }
}

#[inline]
fn compress_by(code_of: impl Fn(i16) -> (u8, u32), pcm: &[u8], out: &mut Vec<u8>) -> bool {
    let samples = pcm.as_chunks::<2>().0;
    let begin = out.len();
    out.resize(begin + samples.len(), 0);
    let codes = out[begin..].chunks_mut(TRIED_SAMPLES);
    codes.zip(samples.chunks(TRIED_SAMPLES)).all(|(codes, samples)| {
        let mut differs = 0;
        for (code, sample) in codes.iter_mut().zip(samples) {
            let (nearest, difference) = code_of(i16::from_le_bytes(*sample));
            *code = nearest;
            differs |= difference;
        }
        differs == 0
    })
}

// Both laws are floating-point numbers of three bits of exponent and four of mantissa, and an expanded code lies in the
// middle of its interval: as an f32, its mantissa is the four bits, a one, and zeros. That is found without a branch or
// a look-up, four samples at a time.

/// Bits of an f32's mantissa below the four that a code has.
const REST: u32 = 0x7_ffff;
/// What they are in the middle of an interval.
const MIDDLE: u32 = 0x4_0000;

/// A sample's code in mu-law, and 0 if the law expands it to the sample.
#[inline]
fn mu_code(sample: i16) -> (u8, u32) {
    let sample = i32::from(sample);
    let bits = ((sample.abs() + 0x84) as f32).to_bits();
    // Segment 0 begins at 2^7.
    let code = (bits >> 19).wrapping_sub((127 + 7) << 4);
    let sign = (sample >> 31) as u32 & 0x80;
    (!(code | sign) as u8, ((bits & REST) ^ MIDDLE) | (code & !0x7f))
}

/// A sample's code in A-law, and 0 if the law expands it to the sample.
#[inline]
fn a_code(sample: i16) -> (u8, u32) {
    let sample = i32::from(sample);
    let magnitude = sample.abs();
    // Segments 0 and 1 have the same step: 0 is moved to where 1 is, and counted back.
    let first = u32::from(magnitude < 0x100);
    let bits = ((magnitude + (first << 8) as i32) as f32).to_bits();
    let code = (bits >> 19).wrapping_sub(((127 + 7) << 4) + (first << 4));
    let sign = !(sample >> 31) as u32 & 0x80;
    (((code | sign) ^ 0x55) as u8, ((bits & REST) ^ MIDDLE) | (code & !0x7f))
}

/// Writes the samples of codes.
fn expand(law: Law, codes: &[u8], out: &mut [u8]) {
    let samples = match law {
        Law::Mu => &MU_SAMPLES,
        Law::A => &A_SAMPLES,
    };
    for (sample, code) in out.as_chunks_mut::<2>().0.iter_mut().zip(codes) {
        *sample = samples[usize::from(*code)];
    }
}

const fn samples(law: Law) -> Samples {
    let mut samples = [[0; 2]; 256];
    let mut code = 0;
    while code < 256 {
        samples[code] = expanded(law, code as u8).to_le_bytes();
        code += 1;
    }
    samples
}

/// The sample of a code, left-justified in sixteen bits as everybody expands it.
const fn expanded(law: Law, code: u8) -> i16 {
    match law {
        Law::Mu => {
            let code = !code;
            let magnitude = ((((code & 0x0f) as i16) << 3) + 0x84) << ((code >> 4) & 7);
            if code & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
        }
        Law::A => {
            let code = code ^ 0x55;
            let interval = ((code & 0x0f) as i16) << 4;
            let magnitude = match (code >> 4) & 7 {
                0 => interval + 8,
                segment => (interval + 0x108) << (segment - 1),
            };
            if code & 0x80 == 0 { -magnitude } else { magnitude }
        }
    }
}

#[cfg(test)]
#[path = "companded_tests.rs"]
mod tests;
