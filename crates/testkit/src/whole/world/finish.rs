//! What must hold once all calls are over.

use super::{LOOK_MS, REST_MS, World};
use crate::sim::schedule::later;
use crate::whole::core::Action;
use crate::whole::outcome::Tally;
use crate::whole::phone::Phone;
use crate::whole::voice::Spoken;
use crate::whole::watch::keys::By;
use crate::whole::watch::samples::{Captured, Compared};
use crate::whole::watch::taps::Tap;
use crate::whole::watch::{acknowledged, keys, live, records, samples};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_contact::{Contact, CustomerAudio};
use tympan_store::simulation::{fragments_of, now_or_never};
use tympan_store::{Fragment, StreamRef};
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::rtp::ledger::Cause;
use tympan_types::{Mono, StreamArn};

impl World {
    /// Whether all calls are over: then what they left is compared.
    pub(super) fn look(&mut self) {
        let left = self.what_is_left();
        let now = self.site.core.now();
        match left {
            None => {
                self.compare();
                self.is_over = true;
            }
            Some(what) if now > later(self.last_dial, REST_MS) => {
                self.site.core.broken("every call ends", &"world", &what);
            }
            Some(_) => self.site.core.schedule.after_ms(LOOK_MS, Action::Finish),
        }
    }

    fn what_is_left(&self) -> Option<String> {
        let Some(node) = &self.node else { return Some("the node has no power".to_owned()) };
        for phone in self.phones.values() {
            if phone.ended.is_none() && !phone.has_vanished() {
                return Some(format!("{} has not ended", phone.name()));
            }
        }
        if !node.is_idle() {
            return Some(node.what_is_left());
        }
        if let Some(agent) = node.busy_agent() {
            return Some(agent);
        }
        let rows = &self.site.rows;
        (rows.pending() > 0 || rows.has_to_deliver()).then(|| format!("{} rows wait", rows.pending()))
    }

    fn compare(&mut self) {
        let Some(node) = &self.node else { return };
        let site = &mut self.site;
        if !site.keeps {
            let Tally { calls, connected, records, .. } = site.core.tally;
            if calls != records {
                let what = format!("{calls} calls in, {connected} of them connected, {records} records out");
                site.core.broken(records::NAME, &"at the end", &what);
            }
            return;
        }
        let outcome = site.watches.acknowledged.check(&node.store, &site.rows);
        site.core.check(acknowledged::NAME, &"at the end", outcome);
        let outcome = site.watches.records.check(&site.rows, node.epoch);
        site.core.check(records::NAME, &"at the end", outcome);
        let contacts: Vec<Arc<Contact>> = site.rows.all().map(|(contact, _)| contact.clone()).collect();
        let mut streams: BTreeMap<StreamArn, Vec<Fragment>> = BTreeMap::new();
        for audio in contacts.iter().flat_map(|contact| &contact.captures) {
            if streams.contains_key(&audio.stream_arn) {
                continue;
            }
            let found = now_or_never(node.store.stream(StreamRef::Arn(&audio.stream_arn)));
            let found = found.and_then(Result::ok).map(|stream| fragments_of(&node.store, stream.id));
            match found {
                Some(Ok(fragments)) => drop(streams.insert(audio.stream_arn.clone(), fragments)),
                other => {
                    site.core.broken(acknowledged::NAME, &audio.stream_arn.name(), &format!("{other:?}"))
                }
            }
        }
        for (stream, fragments) in &streams {
            for fragment in fragments {
                let outcome = site.watches.live.check(stream, fragment.meta.number, &fragment.body);
                site.core.check(live::NAME, &stream.name(), outcome);
            }
        }
        for contact in &contacts {
            let Some(phone) = site.calls.get(&contact.id).and_then(|call| self.phones.get(call)) else {
                continue;
            };
            let first = site.chains.get(&contact.id).copied().unwrap_or(contact.id);
            let chain: Vec<String> = site
                .chains
                .iter()
                .filter(|(_, one)| **one == first)
                .map(|(id, _)| id.to_string())
                .chain([first.to_string()])
                .collect();
            let taps: Vec<&Tap> = site.watches.taps.of(first).map(|(_, tap)| tap).collect();
            for audio in &contact.captures {
                site.core.tally.captures += 1;
                let fragments = streams.get(&audio.stream_arn).map(Vec::as_slice).unwrap_or_default();
                let is_calm = site.core.conditions.is_calm;
                let is_interrupted =
                    site.interrupted.contains(&contact.id) || site.interrupted.contains(&first);
                let origin = Origin { chain: &chain, hears_others: site.centre.is_some(), is_interrupted };
                let outcome = captured(&origin, audio, fragments, phone, &taps);
                let outcome = outcome.and_then(|(compared, taps)| {
                    let mut outcomes = taps.iter().map(|tap| complete(phone, tap, &compared, is_calm));
                    let first = outcomes.next().unwrap_or(Ok(()));
                    first.or_else(|what| outcomes.find(Result::is_ok).unwrap_or(Err(what))).map(|()| compared)
                });
                match outcome {
                    Ok(compared) => {
                        site.core.tally.samples += compared.samples;
                        site.core.tally.silent_samples += compared.silent;
                    }
                    Err(what) => site.core.broken(samples::NAME, &contact.id, &what),
                }
            }
        }
        self.compare_keys();
    }

    fn compare_keys(&mut self) {
        let is_calm = self.site.core.conditions.is_calm;
        for phone in self.phones.values() {
            for by in [By::Rtp, By::Info] {
                let pressed = phone.pressed.iter().filter(|(_, way, _)| *way == by);
                let keys: Vec<char> = pressed.clone().map(|(_, _, key)| *key).collect();
                let due = if is_calm { pressed.filter(|(at, ..)| is_due(phone, *at)).count() } else { 0 };
                let outcome = self.site.watches.keys.check(phone.call, by, &keys, due);
                self.site.core.check(keys::NAME, &phone.name(), outcome);
            }
        }
    }
}

/// Whose audio it is.
struct Origin<'a> {
    /// The contacts of the conversation.
    chain: &'a [String],
    /// The customer may hear more than prompts.
    hears_others: bool,
    /// Power went while it was captured.
    is_interrupted: bool,
}

/// Whether a caller pressed a key well before the end.
fn is_due(phone: &Phone, at: Mono) -> bool {
    let end = [phone.left, phone.ended].into_iter().flatten().min();
    end.is_none_or(|end| end.ms_since(at) > 1_000)
}

/// Compares a capture that a record names with what was sent. Gives the taps too whose ledgers tell of it: short captures of one
/// contact may have equal ones.
fn captured<'a>(
    origin: &Origin<'_>,
    audio: &CustomerAudio,
    fragments: &[Fragment],
    phone: &Phone,
    taps: &[&'a Tap],
) -> Result<(Compared, Vec<&'a Tap>), String> {
    let (start, stop) = (audio.start_fragment_number, audio.stop_fragment_number);
    let stop = stop.ok_or("the record is closed and its capture runs")?;
    let own: Vec<Fragment> =
        fragments.iter().filter(|fragment| (start..=stop).contains(&fragment.meta.number)).cloned().collect();
    let numbers = || own.iter().map(|fragment| fragment.meta.number);
    if numbers().next() != Some(start) {
        return Err(format!("the record begins with {start}, and the stream with {:?}", numbers().next()));
    }
    if numbers().next_back() != Some(stop) {
        return Err(format!("the record ends with {stop}, and the stream with {:?}", numbers().next_back()));
    }
    let captured = Captured::read(&own)?;
    if captured.lead_in != [0; 160] {
        return Err(format!("{start} is no lead-in: {} samples", captured.lead_in.len()));
    }
    // An upload keeps the contact that started it.
    if captured.contacts.len() != 1 || !origin.chain.contains(&captured.contacts[0]) {
        return Err(format!("the fragments name the contacts {:?}", captured.contacts));
    }
    if !captured.timecodes_ms.is_sorted() {
        return Err(format!("timecodes go back: {:?}", captured.timecodes_ms));
    }
    captured.check_heard(origin.hears_others, taps.len() > 1)?;
    let compared = captured.compare(&phone.voice, audio.ledger.as_ref())?;
    let told = audio.ledger.as_ref();
    // A record that was closed before its last fragment was safe has the ledger of all that was cut.
    let is_short = told.is_some_and(|ledger| ledger.samples() > compared.samples);
    // Power may have taken the ledger of what went on.
    let is_cut = |ledger: &CaptureLedger| origin.is_interrupted && ledger.samples() < compared.samples;
    if let Some(ledger) = told.filter(|ledger| !is_short && !is_cut(ledger))
        && !captured.is_told_by(ledger)
    {
        let Compared { samples, silent, .. } = compared;
        return Err(format!("{samples} samples, {silent} of them silent; the record's ledger: {ledger:?}"));
    }
    let told_by = |tap: &&Tap| tap.ledger().is_some_and(|ledger| captured.is_told_by(ledger));
    let telling: Vec<&Tap> = taps.iter().copied().filter(told_by).collect();
    // Of one that went on with more tracks, the taps tell together.
    let together: u64 = taps.iter().filter_map(|tap| tap.ledger()).map(CaptureLedger::samples).sum();
    let is_of_several = told.is_some() && taps.len() > 1 && together >= compared.samples;
    // Power takes what was not safe yet, and ledgers that were in memory alone.
    if telling.is_empty() && !is_of_several && !origin.is_interrupted && !taps.iter().any(|tap| tap.is_late())
    {
        let ledgers: Vec<_> = taps.iter().filter_map(|tap| tap.ledger()).collect();
        let Compared { samples, silent, .. } = compared;
        return Err(format!("{samples} samples, {silent} of them silent; the ledgers: {ledgers:?}"));
    }
    Ok((compared, telling))
}

/// Every packet that came while a capture ran lies before its end: it is in it, or came too late for its place. Without faults it is
/// in it.
fn complete(phone: &Phone, tap: &Tap, compared: &Compared, is_calm: bool) -> Result<(), String> {
    let is_suppressed = tap.ledger().is_some_and(|ledger| ledger.total(Cause::Suppressed).samples > 0);
    let Some(closed) = tap.closed.filter(|_| !is_suppressed) else { return Ok(()) };
    let came =
        |spoken: &&Spoken| spoken.arrived.is_some_and(|arrived| arrived > tap.opened && arrived < closed);
    let missing = phone.voice.sent.iter().filter(came).find(|spoken| {
        let end = spoken.position + u64::from(spoken.samples);
        match (is_calm, compared.span) {
            (true, Some((first, last))) => spoken.position < first || end > last + 1,
            (true, None) => true,
            (false, _) => compared.end.is_some_and(|captured| end > captured),
        }
    });
    match missing {
        Some(spoken) => Err(format!(
            "what arrived at {:?} is missing: position {} is not within {:?} to {:?}; the tap was open from {:?} to {closed:?}",
            spoken.arrived, spoken.position, compared.span, compared.end, tap.opened
        )),
        None => Ok(()),
    }
}
