use crate::delivery::Delivery;
use crate::flow_run::log;
use crate::{Contact, ContactOptions, Effect, InstanceSettings, Now, Stage};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_flow::FlowIdentity;
use tympan_types::{CaptureId, InvocationId, Mono, PromptId};

/// What all parts of a live contact share while they take in an input: the instant, the contact's facts, and what they want done.
pub(crate) struct Context {
    pub(crate) now: Now,
    pub(crate) contact: Arc<Contact>,
    pub(crate) instance: Arc<dyn InstanceSettings>,
    pub(crate) options: ContactOptions,
    pub(crate) delivery: Delivery,
    pub(crate) effects: VecDeque<Effect>,
    last_capture: u64,
    last_invocation: u64,
    last_prompt: u64,
    draws: u64,
}

impl Context {
    pub(crate) fn new(
        now: Now,
        contact: Contact,
        instance: Arc<dyn InstanceSettings>,
        options: ContactOptions,
    ) -> Self {
        Self {
            now,
            contact: Arc::new(contact),
            instance,
            options,
            delivery: Delivery::default(),
            effects: VecDeque::new(),
            last_capture: 0,
            last_invocation: 0,
            last_prompt: 0,
            draws: 0,
        }
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    /// The contact, to be changed. What others were given of it stays as it was.
    pub(crate) fn edit(&mut self) -> &mut Contact {
        Arc::make_mut(&mut self.contact)
    }

    /// Dates the contact and sends it to the history.
    pub(crate) fn persist(&mut self, stage: Stage) {
        self.edit().last_update_timestamp = self.now.wall;
        self.delivery.take(stage, self.contact.clone(), &mut self.effects);
    }

    /// The instant in so many milliseconds.
    pub(crate) fn in_ms(&self, ms: u32) -> Mono {
        self.now.mono.plus_ms(ms.into())
    }

    pub(crate) fn log(&mut self, entry: Value) {
        self.emit(Effect::Log(entry));
    }

    /// Says in the flow log what no block can say.
    pub(crate) fn remark(&mut self, flow: &FlowIdentity, block: &str, results: &str, reason: &str) {
        let entry = log::remark(self.now.wall, self.contact.id, flow, block, results, reason);
        self.log(entry);
    }

    pub(crate) fn next_capture(&mut self) -> CaptureId {
        self.last_capture += 1;
        CaptureId::new(self.last_capture)
    }

    pub(crate) fn next_invocation(&mut self) -> InvocationId {
        self.last_invocation += 1;
        InvocationId::new(self.last_invocation)
    }

    /// A number from 1 to 100. It comes from the contact's id, which is random, so that a run can be repeated.
    pub(crate) fn draw_percent(&mut self) -> u8 {
        self.draws += 1;
        // The finaliser of SplitMix64, over the id and the number of the draw.
        let mut mixed = self.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in self.contact.id.to_string().bytes() {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed ^= mixed >> 27;
        }
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        u8::try_from(mixed % 100).map_or(1, |number| number + 1)
    }

    pub(crate) fn next_prompt(&mut self) -> PromptId {
        self.last_prompt += 1;
        PromptId::new(self.last_prompt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::contact;
    use crate::tests::rig::{began, no_settings};

    #[test]
    fn draws_of_a_contact_go_over_all_hundred_and_are_the_same_again() {
        let draws = |contact: Contact| {
            let mut cx = Context::new(began(), contact, no_settings(), ContactOptions::default());
            (0..10_000).map(|_| cx.draw_percent()).collect::<Vec<_>>()
        };
        let first = draws(contact());
        assert_eq!(draws(contact()), first);
        let mut counts = [0u32; 101];
        first.iter().for_each(|number| counts[usize::from(*number)] += 1);
        assert_eq!(counts[0], 0);
        // 100 each is expected: five standard deviations are 50.
        assert!(counts[1..].iter().all(|count| (50..=150).contains(count)), "{counts:?}");
        let other = Contact { id: tympan_types::ContactId::from_random([3; 16]), ..contact() };
        assert_ne!(draws(other), first);
    }
}
