//! Each watch notices what it is for: a watch that sees nothing would prove nothing.

use super::keys::{By, Keys};
use super::prompts::Prompts;
use super::samples::Captured;
use super::{legs, memory, queues};
use crate::whole::prompts::sound;
use crate::whole::voice::Voice;
use tympan_store::StoreStats;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::rtp::ledger::Cause;
use tympan_types::{ContactId, LegId, PromptId};

/// A caller who said so many frames without a pause.
fn voice(frames: u32) -> Voice {
    let mut voice = Voice::new(Law::Mu, 9);
    let (mut frame, mut packet) = (Vec::new(), Vec::new());
    (0..frames).for_each(|_| voice.speak(160, &mut frame, &mut packet));
    voice
}

/// What a capture holds of it.
fn captured(voice: &Voice, positions: std::ops::Range<u64>) -> Captured {
    let from_customer = positions.map(|at| Law::Mu.decode(voice.code(at))).collect();
    Captured { from_customer, ..Captured::default() }
}

#[test]
fn a_capture_is_found_in_what_was_said_wherever_it_begins() {
    let voice = voice(10);
    let mut captured = captured(&voice, 333..1_400);
    captured.from_customer[200..360].fill(0);
    let compared = captured.compare(&voice, None).unwrap();
    assert_eq!((compared.samples, compared.silent), (1_067, 160));
    assert_eq!((compared.span, compared.end), (Some((333, 1_399)), Some(1_400)));
}

#[test]
fn a_sample_that_is_wrong_missing_or_of_another_caller_is_seen() {
    let voice = voice(10);
    let whole = || captured(&voice, 0..1_600);
    let mut wrong = whole();
    wrong.from_customer[700] ^= 256;
    assert!(wrong.compare(&voice, None).is_err());
    let mut shorter = whole();
    shorter.from_customer.remove(700);
    assert!(shorter.compare(&voice, None).is_err());
    let mut longer = whole();
    longer.from_customer.insert(700, 0);
    assert!(longer.compare(&voice, None).is_err());
    assert!(whole().compare(&Voice::new(Law::Mu, 10), None).is_err());
}

#[test]
fn what_is_missing_between_two_sessions_has_to_be_in_the_ledger() {
    let voice = voice(30);
    let mut broken = captured(&voice, 0..1_600);
    broken.from_customer.extend(captured(&voice, 3_200..4_800).from_customer);
    let (mut told, mut told_too_little) = (CaptureLedger::default(), CaptureLedger::default());
    told.remark(1_600, Cause::Break);
    told_too_little.remark(400, Cause::Break);
    assert!(broken.compare(&voice, Some(&told)).is_err(), "within a session nothing is missing");
    broken.seams.push(1_600);
    assert!(broken.compare(&voice, None).is_err());
    assert!(broken.compare(&voice, Some(&told_too_little)).is_err());
    let compared = broken.compare(&voice, Some(&told)).unwrap();
    assert_eq!((compared.span, compared.end), (Some((0, 4_799)), Some(4_800)));
}

#[test]
fn a_ledger_tells_of_all_silence_and_of_nothing_else() {
    let voice = voice(10);
    let mut captured = captured(&voice, 0..1_600);
    captured.from_customer[160..320].fill(0);
    let ledger = |before: u64, silent: u64| {
        let mut ledger = CaptureLedger::default();
        ledger.received(before);
        ledger.silence(silent, Cause::Lost);
        ledger.received(1_600 - before - silent);
        ledger
    };
    assert!(captured.is_told_by(&ledger(160, 160)));
    assert!(!captured.is_told_by(&ledger(320, 160)));
    assert!(!captured.is_told_by(&ledger(160, 80)));
}

#[test]
fn what_is_heard_keeps_step_and_is_of_prompts() {
    let prompt = sound(PromptId::new(3), "word").samples().next().unwrap();
    let captured =
        |to_customer: Vec<i16>| Captured { from_customer: vec![1; 4], to_customer, ..Captured::default() };
    assert_eq!(captured(vec![0, prompt, prompt, 0]).check_heard(false, false), Ok(()));
    assert_eq!(captured(Vec::new()).check_heard(false, false), Ok(()));
    assert!(captured(vec![0, prompt]).check_heard(false, false).is_err());
    assert!(captured(vec![0, 0, 0, 77]).check_heard(false, false).is_err());
}

#[test]
fn a_prompt_is_heard_only_while_it_plays() {
    let (leg, one, two) = (LegId::new(1), PromptId::new(1), PromptId::new(2));
    let codes = |prompt| [Law::A.encode(sound(prompt, "word").samples().next().unwrap())];
    let mut prompts = Prompts::default();
    let heard = |prompts: &Prompts, prompt| prompts.sent(leg, Law::A, &codes(prompt)).is_ok();
    prompts.plays(leg, one);
    assert!(heard(&prompts, one) && !heard(&prompts, two));
    // The stop of another one changes nothing.
    prompts.stops(leg, two);
    assert!(heard(&prompts, one));
    prompts.plays(leg, two);
    assert!(!heard(&prompts, one) && heard(&prompts, two));
    prompts.ends(leg);
    assert!(!heard(&prompts, two));
    assert_eq!(prompts.sent(leg, Law::A, &[Law::A.silence()]), Ok(()));
}

#[test]
fn keys_are_taken_once_in_order_and_in_time() {
    let taken = |keys: &str| {
        let mut watch = Keys::default();
        keys.chars().for_each(|key| watch.taken(1, By::Rtp, key));
        watch
    };
    let pressed = ['1', '2', '2'];
    assert_eq!(taken("12").check(1, By::Rtp, &pressed, 2), Ok(()));
    assert!(taken("12").check(1, By::Rtp, &pressed, 3).is_err());
    assert!(taken("21").check(1, By::Rtp, &pressed, 0).is_err());
    assert!(taken("1222").check(1, By::Rtp, &pressed, 0).is_err());
    assert!(taken("12").check(1, By::Info, &pressed, 1).is_err());
}

#[test]
fn bounds_of_queues_memory_and_legs_are_seen() {
    assert_eq!(queues::node(1_000, 3, 2, 3), Ok(()));
    assert!(queues::node(8 << 20, 0, 0, 1).is_err());
    assert!(queues::node(0, 1_000, 0, 1).is_err());
    assert!(queues::node(0, 0, 100_000, 1).is_err());
    let stats = StoreStats { commit_queue_bytes: 1 << 30, ..StoreStats::default() };
    assert!(queues::store(&stats, 1).is_err());
    assert_eq!(memory::check(100_000, 0, 0), Ok(()));
    assert!(memory::check(1 << 30, 2, 2).is_err());
    let (one, two) = (ContactId::from_random([1; 16]), ContactId::from_random([2; 16]));
    assert_eq!(legs::commands(LegId::new(1), Some(one), one), Ok(()));
    assert!(legs::commands(LegId::new(1), Some(two), one).is_err());
    assert!(legs::commands(LegId::new(1), None, one).is_err());
}
