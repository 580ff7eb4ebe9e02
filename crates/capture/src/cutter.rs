//! Source: the container dump of an Amazon Connect stream of 2024 and the consumers that read such streams;
//! the producer SDK's generator for the bytes (`tympan_mkv::write`).

use super::{Cut, to_track::ToTrack};
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};
use tympan_telephony::audio::g711::Law;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::index::IndexBuilder;
use tympan_telephony::words::{Payload, Tracks};
use tympan_telephony::{Digit, SampleOffset, rtp::ledger::Cause};
use tympan_types::{ContactId, InstanceId, WallTime};

/// Cuts a customer's samples into fragments of one second, as one Matroska document in Amazon Connect's shape.
///
/// Shape: the document's head once; a *lead-in* fragment of one silent frame, closed at once so that the store
/// acknowledges it without waiting for a second of speech; then fragments of exactly 8,000 samples, each
/// frame a SimpleBlock written as it comes, the tags after each Cluster; a shorter last fragment.
/// Units: positions and lengths are samples at 8 kHz, timecodes are absolute milliseconds: the wall clock at the
/// first sample plus the samples since, so they never go back and never drift from the audio.
/// Errors: none. A hole becomes silence and an entry of the loss ledger, an overlap is counted and left out.
#[derive(Debug)]
pub struct Cutter {
    anchor: Anchor,
    /// The position that the next sample will have.
    next: SampleOffset,
    /// Samples in the open fragment; 0 while none is open.
    open_8k: u32,
    from_track: Option<FromTrack>,
    to_track: Option<ToTrack>,
    /// What is not silenced.
    audible: Tracks,
    head: Vec<u8>,
    /// What follows every Cluster: the same bytes each time.
    tags: Vec<u8>,
    stats: CutterStats,
    has_lead_in: bool,
}

/// What the customer says.
#[derive(Debug)]
struct FromTrack {
    number: u8,
    index: IndexBuilder,
}

/// What a cutter needs to know of its capture.
#[derive(Debug, Clone)]
pub struct CutterSpec {
    /// The contact that is captured.
    pub contact: ContactId,
    /// Its instance.
    pub instance: InstanceId,
    /// What is captured.
    pub tracks: Tracks,
    /// How the tracks are called.
    pub profile: TrackProfile,
    /// Sixteen random bytes that name the document.
    pub segment_uid: [u8; 16],
    /// The first fragment is a lead-in: not where the capture goes on at the sample at which another one ended, on the same stream.
    pub has_lead_in: bool,
}

/// How the tracks are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackProfile {
    /// `AUDIO_FROM_CUSTOMER` and `AUDIO_TO_CUSTOMER`, since December 2019.
    #[default]
    Current,
    /// One track called `Track_audio/L16`, the customer's, as it was until then.
    Seed2019,
}

/// Ties positions to the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The position of the first sample to capture.
    pub at: SampleOffset,
    /// When that sample was spoken, as well as is known.
    pub wall: WallTime,
}

/// What a cutter has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CutterStats {
    /// Fragments begun, the lead-in included.
    pub fragments: u32,
    /// SimpleBlocks of the customer's track, the lead-in's not included.
    pub blocks: u64,
    /// Samples that came for positions already written, and were left out.
    pub overlapping_samples: u64,
    /// The samples captured, and which of them were not received; the lead-in is not among them.
    pub ledger: CaptureLedger,
}

/// Samples in every fragment but the lead-in and the last.
const FRAGMENT_8K: u32 = 8_000;

/// Samples in a frame of silence, the lead-in's among them: 20 ms.
const SILENT_FRAME_8K: u32 = 160;

/// The longest block, 120 ms: a longer frame (no telephone sends one) is written as several.
const BLOCK_8K: u32 = 960;

/// Longer jumps of the position are a mistake of the caller's, not audio: the capture goes on from there.
const LONGEST_HOLE_8K: u64 = 600 * 8_000;

/// Tells the store that a fragment is complete before the next one begins.
/// Source: amazon-kinesis-video-streams-pic, mkvgen.
const END_OF_FRAGMENT: &str = "AWS_KINESISVIDEO_END_OF_FRAGMENT";

impl Cutter {
    /// Prepares a capture that begins at `anchor`; nothing is written yet.
    pub fn new(spec: &CutterSpec, anchor: Anchor) -> Self {
        let Tracks { from_customer, to_customer } = match spec.profile {
            TrackProfile::Current => spec.tracks,
            TrackProfile::Seed2019 => Tracks::FROM_CUSTOMER,
        };
        // A document without any track is no document: the customer's track is the one always meant.
        let from_customer = from_customer || !to_customer;
        let from_track = from_customer.then_some(1u8);
        let to_number = to_customer.then_some(if from_customer { 2u8 } else { 1 });
        Self {
            anchor,
            next: anchor.at,
            open_8k: 0,
            from_track: from_track.map(|number| FromTrack { number, index: IndexBuilder::new(number) }),
            to_track: to_number.map(|number| ToTrack::new(number, anchor.at)),
            audible: Tracks::BOTH,
            head: head(spec, from_track, to_number),
            tags: tags(spec, from_track, to_number),
            stats: CutterStats::default(),
            has_lead_in: spec.has_lead_in,
        }
    }

    /// Writes the head of the document, and the lead-in fragment where there is to be one. Call once, before any audio.
    pub fn open(&mut self, out: &mut Cut) {
        // Not needed again.
        out.mkv().append(&mut std::mem::take(&mut self.head));
        if !self.has_lead_in {
            return;
        }
        write::cluster_start(out.mkv(), self.timecode_ms(-i64::from(SILENT_FRAME_8K)));
        let lead_in = Samples::Silent(SILENT_FRAME_8K, None);
        if let Some(track) = &mut self.from_track {
            put_block(out, track.number, 0, FLAG_KEYFRAME, lead_in);
            lead_in.index(&mut track.index);
        }
        if let Some(track) = &mut self.to_track {
            put_block(out, track.number(), 0, FLAG_KEYFRAME, lead_in);
            lead_in.index(track.index());
        }
        self.close_fragment(out);
        write::user_tag(out.mkv(), END_OF_FRAGMENT, "");
        self.stats.fragments += 1;
    }

    /// What the customer said, or what the timeline put in its place, from `at` on.
    pub fn received(&mut self, at: SampleOffset, payload: Payload<'_>, out: &mut Cut) {
        let known = self.close_hole(at, payload.samples(), out);
        if let Payload::Silence { samples, cause } = payload {
            let new = samples.saturating_sub(u32::try_from(known).unwrap_or(u32::MAX));
            return self.put_silence(new, cause, out);
        }
        let (_, mut rest) = Samples::of(payload).split(u32::try_from(known).unwrap_or(u32::MAX));
        while rest.count() > 0 {
            let (block, after) = rest.split(BLOCK_8K);
            rest = after;
            if self.audible.from_customer {
                self.stats.ledger.received(u64::from(block.count()));
                self.put(block, out);
            } else {
                self.stats.ledger.silence(u64::from(block.count()), Cause::Suppressed);
                self.put(Samples::Silent(block.count(), Some(Cause::Suppressed)), out);
            }
        }
    }

    /// The customer pressed a key at this position, for so many samples (0 where that is not known): it is written into the index of the
    /// fragment. A key that is not to be known, because what the customer says is not captured now, is not written.
    pub fn key(&mut self, key: Digit, at: SampleOffset, samples: u32) {
        if let Some(track) = &mut self.from_track
            && self.audible.from_customer
            && at >= self.anchor.at
        {
            let fragment_begins = self.next.as_samples().saturating_sub(u64::from(self.open_8k));
            let at = at.samples_since(SampleOffset::from_samples(fragment_begins));
            track.index.key(key, u32::try_from(at).unwrap_or(u32::MAX).min(FRAGMENT_8K - 1), samples);
        }
    }

    /// Audio that came late or was left out on its way to here: the ledger says so.
    pub fn remark(&mut self, samples: u64, cause: Cause) {
        self.stats.ledger.remark(samples, cause);
    }

    /// What the customer heard from `at` on; ignored unless that track is captured. It is written in step with
    /// the customer's own.
    pub fn sent(&mut self, at: SampleOffset, payload: Payload<'_>) {
        if let Some(track) = &mut self.to_track
            && self.audible.to_customer
        {
            match payload {
                Payload::Pcm(samples) => track.push(at, samples.iter().copied()),
                Payload::Ulaw(codes) => track.push(at, codes.iter().map(|code| Law::Mu.decode(*code))),
                Payload::Alaw(codes) => track.push(at, codes.iter().map(|code| Law::A.decode(*code))),
                // Where nothing is known this track is silent.
                Payload::Silence { .. } => {}
            }
        }
    }

    /// From here on only these tracks are captured; a declared track that is not among them is silent.
    pub fn only(&mut self, tracks: Tracks) {
        self.audible = tracks;
    }

    /// Completes the last fragment, however short it is.
    pub fn finish(&mut self, out: &mut Cut) {
        if self.open_8k > 0 {
            self.close_fragment(out);
        }
    }

    /// The position that the next sample will have.
    pub fn next_sample(&self) -> SampleOffset {
        self.next
    }

    /// What was done so far.
    pub fn stats(&self) -> &CutterStats {
        &self.stats
    }

    /// Fills up to `at` with silence; gives how many of the `samples` from there on are written already.
    fn close_hole(&mut self, at: SampleOffset, samples: u64, out: &mut Cut) -> usize {
        let hole = at.samples_since(self.next);
        if hole > LONGEST_HOLE_8K {
            return 0;
        }
        self.put_silence(u32::try_from(hole).unwrap_or(0), Cause::Lost, out);
        let known = self.next.samples_since(at).min(samples);
        self.stats.overlapping_samples += known;
        usize::try_from(known).unwrap_or(usize::MAX)
    }

    fn put_silence(&mut self, samples: u32, cause: Cause, out: &mut Cut) {
        if samples > 0 {
            self.stats.ledger.silence(u64::from(samples), cause);
        }
        let mut left = samples;
        while left > 0 {
            let frame = left.min(SILENT_FRAME_8K).min(FRAGMENT_8K - self.open_8k);
            self.put(Samples::Silent(frame, Some(cause)), out);
            left -= frame;
        }
    }

    /// Writes a frame at the next position, over two fragments where it straddles their border.
    fn put(&mut self, mut samples: Samples<'_>, out: &mut Cut) {
        while samples.count() > 0 {
            let (block, rest) = samples.split(FRAGMENT_8K - self.open_8k);
            self.put_in_fragment(block, out);
            samples = rest;
        }
    }

    fn put_in_fragment(&mut self, block: Samples<'_>, out: &mut Cut) {
        let flags = if self.open_8k == 0 { FLAG_KEYFRAME } else { 0 };
        if self.open_8k == 0 {
            write::cluster_start(out.mkv(), self.timecode_ms(self.next - self.anchor.at));
            self.stats.fragments += 1;
        }
        // A fragment lasts a second, so this never leaves an i16.
        let relative_ms = i16::try_from(self.open_8k / 8).unwrap_or(i16::MAX);
        if let Some(track) = &mut self.from_track {
            put_block(out, track.number, relative_ms, flags, block);
            block.index(&mut track.index);
        }
        let count = block.count();
        if let Some(track) = &mut self.to_track {
            let mut heard = [0i16; BLOCK_8K as usize];
            if let Some(heard) = heard.get_mut(..count as usize) {
                track.take(self.next, heard);
                put_block(out, track.number(), relative_ms, flags, Samples::Pcm(heard));
                track.index().pcm(heard);
            }
        }
        self.stats.blocks += 1;
        self.next += u64::from(count);
        self.open_8k += count;
        if self.open_8k == FRAGMENT_8K {
            self.close_fragment(out);
        }
    }

    /// The index goes before the tags: whatever comes after them may end the fragment.
    fn close_fragment(&mut self, out: &mut Cut) {
        let Self { from_track, to_track, .. } = self;
        out.index(|index| {
            let from = from_track.iter_mut().map(|track| &mut track.index);
            for track in from.chain(to_track.iter_mut().map(ToTrack::index)) {
                track.finish_fragment_into(index);
            }
        });
        out.mkv().extend_from_slice(&self.tags);
        self.open_8k = 0;
    }

    /// The wall clock, `samples` after the anchor.
    fn timecode_ms(&self, samples: i64) -> u64 {
        u64::try_from(self.anchor.wall.plus_ms(samples.div_euclid(8)).unix_ms()).unwrap_or(0)
    }
}

/// A run of samples.
#[derive(Clone, Copy)]
enum Samples<'a> {
    Pcm(&'a [i16]),
    Companded(Law, &'a [u8]),
    /// So many, and why; `None` for those of the lead-in, which stand for nothing.
    Silent(u32, Option<Cause>),
}

impl<'a> Samples<'a> {
    fn of(payload: Payload<'a>) -> Self {
        match payload {
            Payload::Pcm(samples) => Self::Pcm(samples),
            Payload::Ulaw(codes) => Self::Companded(Law::Mu, codes),
            Payload::Alaw(codes) => Self::Companded(Law::A, codes),
            Payload::Silence { samples, cause } => Self::Silent(samples, Some(cause)),
        }
    }

    fn count(self) -> u32 {
        let count = match self {
            Self::Pcm(samples) => samples.len(),
            Self::Companded(_, codes) => codes.len(),
            Self::Silent(count, _) => return count,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn index(self, index: &mut IndexBuilder) {
        match self {
            Self::Pcm(samples) => index.pcm(samples),
            Self::Companded(law, codes) => index.companded(law, codes),
            Self::Silent(count, Some(cause)) => index.gap(count, cause.into()),
            Self::Silent(count, None) => (0..count).for_each(|_| index.pcm(&[0])),
        }
    }

    fn split(self, at: u32) -> (Self, Self) {
        match self {
            Self::Pcm(samples) => {
                let (first, rest) = samples.split_at(samples.len().min(at as usize));
                (Self::Pcm(first), Self::Pcm(rest))
            }
            Self::Companded(law, codes) => {
                let (first, rest) = codes.split_at(codes.len().min(at as usize));
                (Self::Companded(law, first), Self::Companded(law, rest))
            }
            Self::Silent(count, cause) => {
                (Self::Silent(count.min(at), cause), Self::Silent(count.saturating_sub(at), cause))
            }
        }
    }
}

/// A SimpleBlock of 16-bit samples.
fn put_block(out: &mut Cut, track: u8, relative_ms: i16, flags: u8, samples: Samples<'_>) {
    let bytes = 2 * samples.count() as usize;
    write::simple_block_header(out.mkv(), track, relative_ms, flags, bytes);
    match samples {
        Samples::Pcm(samples) => {
            let payload_at = out.mkv().len();
            out.mkv().resize(payload_at + bytes, 0);
            let payload = out.mkv().get_mut(payload_at..).unwrap_or_default().as_chunks_mut::<2>().0;
            for (bytes, sample) in payload.iter_mut().zip(samples) {
                *bytes = sample.to_le_bytes();
            }
        }
        Samples::Companded(law, codes) => out.codes(law, codes),
        Samples::Silent(..) => {
            let end = out.mkv().len() + bytes;
            out.mkv().resize(end, 0);
        }
    }
}

fn head(spec: &CutterSpec, from_track: Option<u8>, to_track: Option<u8>) -> Vec<u8> {
    let from_name = match spec.profile {
        TrackProfile::Current => "AUDIO_FROM_CUSTOMER",
        TrackProfile::Seed2019 => "Track_audio/L16",
    };
    let from = from_track.map(|number| TrackHead::connect(number, from_name));
    let to = to_track.map(|number| TrackHead::connect(number, "AUDIO_TO_CUSTOMER"));
    let tracks: Vec<TrackHead<'_>> = from.into_iter().chain(to).collect();
    let mut out = Vec::new();
    DocumentHead::connect(spec.segment_uid, &tracks).write(&mut out);
    out
}

/// One Tags element each; consumers know their contact by `ContactId` and their track by its name's tag.
fn tags(spec: &CutterSpec, from_track: Option<u8>, to_track: Option<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    write::user_tag(&mut out, "ContactId", &spec.contact.to_string());
    write::user_tag(&mut out, "InstanceId", &spec.instance.to_string());
    write::user_tag(&mut out, "MimeType", "audio/L16;rate=8000;channels=1;");
    if spec.profile == TrackProfile::Current {
        let named = [("AUDIO_FROM_CUSTOMER", from_track), ("AUDIO_TO_CUSTOMER", to_track)];
        for (name, number) in named.into_iter().filter_map(|(name, number)| Some((name, number?))) {
            write::user_tag(&mut out, name, &number.to_string());
        }
    }
    write::user_tag(&mut out, "Events", "[]");
    out
}

#[cfg(test)]
#[path = "cutter_tests.rs"]
mod tests;
