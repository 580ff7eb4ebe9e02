//! Every captured sample is what the caller sent, at its place, or is silence that stands in the ledger.

use crate::whole::prompts;
use crate::whole::voice::Voice;
use bytes::Bytes;
use tympan_mkv::Limits;
use tympan_mkv::consume::{MediaEvent, MediaReader};
use tympan_store::Fragment;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::rtp::ledger::Cause;

pub(crate) const NAME: &str = "every captured sample is what was sent, or stands in the ledger";

/// A capture as its stream has it, read without the code that wrote it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Captured {
    /// Samples of the lead-in fragment.
    pub(crate) lead_in: Vec<i16>,
    /// Where a session ended and the next one went on: positions in the customer's track.
    pub(crate) seams: Vec<usize>,
    /// All samples of the customer's track after it.
    pub(crate) from_customer: Vec<i16>,
    /// All samples of what the customer heard, where that is captured.
    pub(crate) to_customer: Vec<i16>,
    /// The contacts that the tags name, without repetition.
    pub(crate) contacts: Vec<String>,
    /// Timecodes in ms, one per fragment.
    pub(crate) timecodes_ms: Vec<u64>,
}

/// What was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// All samples.
    pub(crate) samples: u64,
    /// Silent ones.
    pub(crate) silent: u64,
    /// The first and the last position of the caller's sound that is there.
    pub(crate) span: Option<(u64, u64)>,
    /// The position behind the last sample, where the caller's sound is in it at all.
    pub(crate) end: Option<u64>,
}

impl Captured {
    /// Reads the fragments of one capture.
    pub(crate) fn read(fragments: &[Fragment]) -> Result<Self, String> {
        let mut captured = Self::default();
        // The header of each session has an id of its own.
        for session in fragments.chunk_by(|one, next| one.head == next.head) {
            for (index, fragment) in session.iter().enumerate() {
                captured.fragment(index == 0, fragment)?;
            }
        }
        Ok(captured)
    }

    /// The first fragment of a session: that of the first one is a lead-in. A later session goes on without one, or after a break has
    /// its own.
    fn first_fragment(&mut self, from_customer: Vec<i16>, to_customer: Vec<i16>) {
        if self.lead_in.is_empty() && self.from_customer.is_empty() {
            self.lead_in = from_customer;
            return;
        }
        self.seams.push(self.from_customer.len());
        if from_customer != [0; 160] {
            self.from_customer.extend(from_customer);
            self.to_customer.extend(to_customer);
        }
    }

    fn fragment(&mut self, is_first: bool, fragment: &Fragment) -> Result<(), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("fragment {}: {error}", fragment.meta.number);
        let mut reader = MediaReader::new(Limits::default());
        let document: Bytes = [fragment.head.as_ref(), fragment.body.as_ref()].concat().into();
        reader.push(document).map_err(|error| wrong(&error))?;
        reader.finish().map_err(|error| wrong(&error))?;
        let (mut customer, mut heard) = (None, None);
        let (mut from_customer, mut to_customer) = (Vec::new(), Vec::new());
        while let Some(event) = reader.poll() {
            match event {
                MediaEvent::FragmentStart { tracks, timecode, .. } => {
                    let named = |name| tracks.iter().find(|track| track.name.as_deref() == Some(name));
                    customer = named("AUDIO_FROM_CUSTOMER").map(|track| track.number);
                    heard = named("AUDIO_TO_CUSTOMER").map(|track| track.number);
                    self.timecodes_ms.push(timecode);
                }
                MediaEvent::Frame(frame) => {
                    let kept = match Some(frame.track) {
                        track if track == customer => &mut from_customer,
                        track if track == heard => &mut to_customer,
                        _ => return Err(wrong(&"a track that no one declared")),
                    };
                    let (pairs, rest) = frame.data.as_chunks::<2>();
                    if !rest.is_empty() {
                        return Err(wrong(&"half a sample"));
                    }
                    kept.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
                }
                MediaEvent::FragmentEnd { tags } => {
                    let contact = tags.into_iter().find(|tag| tag.name == "ContactId").map(|tag| tag.value);
                    let contact = contact.ok_or_else(|| wrong(&"no ContactId"))?;
                    if !self.contacts.contains(&contact) {
                        self.contacts.push(contact);
                    }
                }
                MediaEvent::TagsOnly { .. } => {}
            }
        }
        if is_first {
            self.first_fragment(from_customer, to_customer);
        } else {
            self.from_customer.extend(from_customer);
            self.to_customer.extend(to_customer);
        }
        Ok(())
    }

    /// What the customer heard is in step with what the customer said, and nothing but prompts, unless others talk as well.
    pub(crate) fn check_heard(&self, hears_others: bool, began_later: bool) -> Result<(), String> {
        let (said, heard) = (self.from_customer.len(), self.to_customer.len());
        // A second Start block may ask for this track later.
        let is_in_step = heard == said || (began_later && heard < said);
        if heard > 0 && !is_in_step {
            return Err(format!("{heard} samples were heard while {said} were said"));
        }
        if hears_others {
            return Ok(());
        }
        match self.to_customer.iter().find(|sample| **sample != 0 && !prompts::is_known(**sample)) {
            Some(strange) => Err(format!("{strange} is heard, which is of no prompt")),
            None => Ok(()),
        }
    }

    /// Whether a ledger tells exactly of the silence that is here.
    pub(crate) fn is_told_by(&self, ledger: &CaptureLedger) -> bool {
        let samples = &self.from_customer;
        let silent = samples.iter().filter(|sample| **sample == 0).count() as u64;
        let silences = ledger.spans().filter(|span| span.cause.is_silence());
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let mut spans = silences.map(|span| samples.get(place(span.at)..place(span.at + span.samples)));
        ledger.samples() == samples.len() as u64
            && ledger.samples() - ledger.received_samples() == silent
            && spans.all(|span| span.is_some_and(|span| span.iter().all(|sample| *sample == 0)))
    }

    /// Compares the samples with what was said. Between two sessions so much may be missing as the ledger says.
    pub(crate) fn compare(&self, voice: &Voice, ledger: Option<&CaptureLedger>) -> Result<Compared, String> {
        let mut may_miss = ledger.map_or(0, |ledger| ledger.total(Cause::Break).samples);
        let samples = &self.from_customer;
        let mut compared = Compared { samples: samples.len() as u64, ..Compared::default() };
        // Where the caller's position 0 would lie, once it is known.
        let mut shift: Option<i64> = None;
        let mut last_heard = 0;
        let mut at = 0;
        while at < samples.len() {
            if samples[at] == 0 {
                compared.silent += 1;
                at += 1;
                continue;
            }
            let here = i64::try_from(at).unwrap_or(i64::MAX);
            let position = match shift.map(|shift| here - shift) {
                Some(position) if says(voice, position, samples[at]) => position,
                known => {
                    let run = &samples[at..samples.len().min(at + PROBE)];
                    let run = &run[..run.iter().position(|sample| *sample == 0).unwrap_or(run.len())];
                    let from = compared.span.map_or(0, |(_, last)| last + 1);
                    let Some(found) = find(voice, run, from) else {
                        return Err(format!(
                            "sample {at} of {} is nothing that the caller said (place {known:?})",
                            samples.len()
                        ));
                    };
                    let missing = known.map(|known| found.saturating_sub(u64::try_from(known).unwrap_or(0)));
                    match missing {
                        None => {}
                        Some(missing)
                            if missing > 0
                                && missing <= may_miss + BREAK_TOLERANCE
                                && self.seams.iter().any(|seam| (last_heard..=at).contains(seam)) =>
                        {
                            may_miss = may_miss.saturating_sub(missing);
                        }
                        Some(_) => {
                            let known = known.unwrap_or_default();
                            return Err(format!(
                                "sample {at} is what the caller said at {found}, not at {known}; seams {:?}, {may_miss} may be missing",
                                self.seams
                            ));
                        }
                    }
                    let found = i64::try_from(found).unwrap_or(i64::MAX);
                    shift = Some(here - found);
                    found
                }
            };
            let position = u64::try_from(position).unwrap_or_default();
            compared.span = Some((compared.span.map_or(position, |(first, _)| first), position));
            at += 1;
            last_heard = at;
        }
        let length = i64::try_from(samples.len()).unwrap_or(i64::MAX);
        compared.end = shift.and_then(|shift| u64::try_from(length - shift).ok());
        Ok(compared)
    }
}

/// A break is counted by the wall clock, in which the ends of the two captures are known to a packet and a queue.
const BREAK_TOLERANCE: u64 = 800;

/// So many samples tell a place beyond doubt.
const PROBE: usize = 24;

fn says(voice: &Voice, position: i64, sample: i16) -> bool {
    u64::try_from(position)
        .is_ok_and(|position| voice.law.decode(voice.code(position)) == sample && voice.was_sent(position))
}

/// Where the caller said this.
fn find(voice: &Voice, run: &[i16], from: u64) -> Option<u64> {
    let end = voice.sent.last().map(|spoken| spoken.position + u64::from(spoken.samples))?;
    (from..end).find(|position| {
        (*position..).zip(run).all(|(position, sample)| {
            voice.law.decode(voice.code(position)) == *sample && voice.was_sent(position)
        })
    })
}
