use crate::delivery::Delivery;
use crate::flow_run::log;
use crate::{
    AttributesTooLarge, Contact, ContactOptions, CustomerAudio, Effect, HistoryError, InstanceSettings, Now,
    RoutedFlow, Stage,
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tympan_flow::{CallMemory, FlowIdentity, ResourceRef};
use tympan_types::{CaptureId, ContactId, InvocationId, LegId, ListenId, Mono, PromptId, WriteId};

/// What all parts of a live contact share while they take in an input: the instant, the facts of its contacts, and what they want done.
///
/// A conversation with one customer may be a chain of contacts. One of them is in focus: what a flow reads and changes is that one's.
pub(crate) struct Context {
    pub(crate) now: Now,
    /// The contact in focus.
    pub(crate) contact: Arc<Contact>,
    pub(crate) instance: Arc<dyn InstanceSettings>,
    pub(crate) options: ContactOptions,
    /// The outbox of the contact in focus.
    pub(crate) delivery: Delivery,
    pub(crate) effects: VecDeque<Effect>,
    /// The leg that is captured.
    pub(crate) customer_leg: LegId,
    others: Vec<Held>,
    contacts: u64,
    last_capture: u64,
    last_invocation: u64,
    last_listen: u64,
    last_prompt: u64,
    draws: u64,
    flow_runs: u32,
    /// What the flows of the conversation leave to those that follow.
    pub(crate) flow_memory: CallMemory,
}

/// A contact that is not in focus.
struct Held {
    contact: Arc<Contact>,
    delivery: Delivery,
    /// It has changed since it was last sent to the history.
    is_touched: bool,
}

impl Context {
    /// Contacts of one conversation at most: Amazon Connect allows a chain of twelve by DequeueContactAndTransferToQueue.
    pub(crate) const CONTACTS_MAX: usize = 32;

    pub(crate) fn new(
        now: Now,
        contact: Contact,
        instance: Arc<dyn InstanceSettings>,
        options: ContactOptions,
    ) -> Self {
        let flow_memory = CallMemory::with_logging(options.flow_log);
        Self {
            customer_leg: LegId::new(0),
            others: Vec::new(),
            contacts: 1,
            now,
            contact: Arc::new(contact),
            instance,
            options,
            delivery: Delivery::default(),
            effects: VecDeque::new(),
            last_capture: 0,
            last_invocation: 0,
            last_listen: 0,
            last_prompt: 0,
            draws: 0,
            flow_runs: 0,
            flow_memory,
        }
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    /// The contact, to be changed. What others were given of it stays as it was.
    pub(crate) fn edit(&mut self) -> &mut Contact {
        Arc::make_mut(&mut self.contact)
    }

    /// Dates the contact and sends it to the history, and with it each other contact that has changed meanwhile.
    pub(crate) fn persist(&mut self, stage: Stage) {
        let now = self.now.wall;
        date(Arc::make_mut(&mut self.contact), &self.delivery, now);
        self.delivery.take(stage, self.contact.clone(), &mut self.effects);
        for held in self.others.iter_mut().filter(|held| held.is_touched && held.delivery.has_begun()) {
            held.is_touched = false;
            date(Arc::make_mut(&mut held.contact), &held.delivery, now);
            held.delivery.take(Stage::Changed, held.contact.clone(), &mut self.effects);
        }
    }

    /// Puts another contact of the conversation in focus; `false` where there is none of this id.
    pub(crate) fn focus(&mut self, id: ContactId) -> bool {
        if self.contact.id == id {
            return true;
        }
        let Some(held) = self.others.iter_mut().find(|held| held.contact.id == id) else { return false };
        std::mem::swap(&mut self.contact, &mut held.contact);
        std::mem::swap(&mut self.delivery, &mut held.delivery);
        held.is_touched = false;
        true
    }

    /// Takes one more contact into the conversation; the focus stays. `false` where there are too many.
    pub(crate) fn adopt(&mut self, contact: Contact) -> bool {
        if self.others.len() + 1 >= Self::CONTACTS_MAX {
            return false;
        }
        let delivery = Delivery::numbered_from(self.contacts << 32);
        self.contacts += 1;
        self.others.push(Held { contact: Arc::new(contact), delivery, is_touched: false });
        true
    }

    /// Forgets a contact that was adopted and never opened.
    pub(crate) fn disown(&mut self, id: ContactId) {
        self.others.retain(|held| held.contact.id != id);
    }

    /// Every contact of the conversation, that in focus first.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = &Arc<Contact>> {
        std::iter::once(&self.contact).chain(self.others.iter().map(|held| &held.contact))
    }

    /// Whether everything that was sent to the history is written, or is the history's to write.
    pub(crate) fn is_written(&self) -> bool {
        self.delivery.is_idle() && self.others.iter().all(|held| held.delivery.is_idle())
    }

    /// A write is over.
    pub(crate) fn written(&mut self, write: WriteId, result: &Result<(), HistoryError>) {
        self.delivery.written(write, result, &mut self.effects);
        for held in &mut self.others {
            held.delivery.written(write, result, &mut self.effects);
        }
    }

    /// Sets attributes of the chain, all or none: all its contacts have the same.
    ///
    /// Source: the API's UpdateContactAttributes: attributes belong to the initial contact.
    pub(crate) fn set_attributes(
        &mut self,
        changes: BTreeMap<String, String>,
    ) -> Result<(), AttributesTooLarge> {
        self.edit().attributes.set(changes)?;
        for held in &mut self.others {
            Arc::make_mut(&mut held.contact).attributes = self.contact.attributes.clone();
            held.is_touched = true;
        }
        Ok(())
    }

    /// Changes what the contacts say of one capture: each contact that lived during it says the same.
    pub(crate) fn edit_audio(
        &mut self,
        find: impl Fn(&mut Contact) -> Option<&mut CustomerAudio>,
        change: impl Fn(&mut CustomerAudio),
    ) -> bool {
        let mut is_found = false;
        if let Some(audio) = find(Arc::make_mut(&mut self.contact)) {
            change(audio);
            is_found = true;
        }
        for held in &mut self.others {
            if let Some(audio) = find(Arc::make_mut(&mut held.contact)) {
                change(audio);
                held.is_touched = true;
                is_found = true;
            }
        }
        is_found
    }

    /// The flow that runs at an event of the contact in focus: the one of its hook, else the instance's default; `None` where it is disabled.
    pub(crate) fn hooked_flow(&self, event: &str) -> Option<RoutedFlow> {
        let instance = self.contact.instance.id;
        let hook = self.contact.details.event_hooks.get(event);
        if hook.is_some_and(|hook| hook.is_disabled) {
            return None;
        }
        let set = hook.and_then(|hook| {
            let flow = ResourceRef { id: hook.flow.clone()?, name: hook.name.clone() };
            self.instance.flow(instance, &flow)
        });
        set.or_else(|| self.instance.default_flow(instance, event))
    }

    /// An id for the next contact of the chain. It comes from the first one's, which is random.
    pub(crate) fn next_contact_id(&mut self) -> ContactId {
        let (high, low) = (self.draw(), self.draw());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        ContactId::from_random(bytes)
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
        u8::try_from(self.draw() % 100).map_or(1, |number| number + 1)
    }

    /// The number under which another flow of the conversation is traced; `None` where it is not.
    pub(crate) fn next_trace(&mut self) -> Option<u32> {
        let run = self.flow_runs;
        self.flow_runs = run.saturating_add(1);
        (self.options.flow_traces && run < Self::TRACES_MAX).then_some(run)
    }

    /// Flows of one conversation that are traced: each hold runs one more.
    const TRACES_MAX: u32 = 32;

    fn draw(&mut self) -> u64 {
        self.draws += 1;
        // The finaliser of SplitMix64, over the id and the number of the draw.
        let mut mixed = self.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in self.contact.id.to_string().bytes() {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed ^= mixed >> 27;
        }
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn next_listen(&mut self) -> ListenId {
        self.last_listen += 1;
        ListenId::new(self.last_listen)
    }

    pub(crate) fn next_prompt(&mut self) -> PromptId {
        self.last_prompt += 1;
        PromptId::new(self.last_prompt)
    }
}

/// Dates a state before it is handed over: later than the one before it.
fn date(contact: &mut Contact, delivery: &Delivery, now: tympan_types::WallTime) {
    if delivery.has_begun() {
        contact.date_later(now);
    } else {
        contact.last_update_timestamp = now;
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
        let other = Contact { id: ContactId::from_random([3; 16]), ..contact() };
        assert_ne!(draws(other), first);
    }
}
