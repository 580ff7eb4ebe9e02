//! The states of a contact on their way to the history, and the replies that wait for them.
//!
//! | state | `take` | `written` | `promise` |
//! |---|---|---|---|
//! | idle | writes the state | - | waits for the next state |
//! | a write is under way | the state waits; an older one that waits is replaced | replies, and goes idle | waits for the next state |
//! | a write is under way, a state waits | the newest waits | replies, and writes what waits | waits for what waits |
//!
//! One write is under way at a time, so that states reach the history in order. Of what waits only the newest counts: it holds all
//! changes before it. What it is to do is never less than what the replaced one was to do: a contact that was to be opened is opened,
//! one that has ended stays so.
//!
//! A failed write is not tried again here: a [`History`](crate::History) keeps what it could not write, and writes it when it can. The
//! requests that waited for it hear so.

use crate::{Contact, Effect, HistoryError, Reply, Stage};
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_types::{RequestId, WriteId};

/// Requests of one contact that may wait for their reply; further ones are refused.
pub const REQUESTS_MAX: usize = 64;

/// The outbox of one contact.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    last: u64,
    under_way: Option<UnderWay>,
    waiting: Option<(Stage, Arc<Contact>)>,
    /// Of changes that are in no write yet.
    requests: Vec<RequestId>,
    /// They came after the last state: answered when nothing is left to write.
    late: Vec<RequestId>,
    has_begun: bool,
}

#[derive(Debug)]
struct UnderWay {
    write: WriteId,
    requests: Vec<RequestId>,
}

impl Delivery {
    /// One whose writes are numbered after this: the writes of a conversation are told apart.
    pub(crate) fn numbered_from(last: u64) -> Self {
        Self { last, ..Self::default() }
    }

    /// Whether a state was taken: of a contact that is not open yet, none was.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether one more request may wait.
    pub(crate) fn has_room(&self) -> bool {
        let under_way = self.under_way.as_ref().map_or(0, |write| write.requests.len());
        under_way + self.requests.len() + self.late.len() < REQUESTS_MAX
    }

    /// The request's change is in the contact: it is answered when the next state that is taken is written.
    pub(crate) fn promise(&mut self, request: RequestId) {
        self.requests.push(request);
    }

    /// The request came after the last state.
    pub(crate) fn too_late(&mut self, request: RequestId, effects: &mut VecDeque<Effect>) {
        self.late.push(request);
        self.answer_late(effects);
    }

    /// No state will hold what was promised: there will be no record.
    pub(crate) fn give_up(&mut self, effects: &mut VecDeque<Effect>) {
        self.late.append(&mut self.requests);
        self.answer_late(effects);
    }

    /// Takes the newest state.
    pub(crate) fn take(&mut self, stage: Stage, contact: Arc<Contact>, effects: &mut VecDeque<Effect>) {
        self.has_begun = true;
        let stage = match self.waiting.take() {
            Some((Stage::Opened, _)) if stage == Stage::Changed => Stage::Opened,
            Some((waiting, _)) => waiting.max(stage),
            None => stage,
        };
        self.waiting = Some((stage, contact));
        self.write(effects);
    }

    /// A write is over.
    pub(crate) fn written(
        &mut self,
        which: WriteId,
        result: &Result<(), HistoryError>,
        effects: &mut VecDeque<Effect>,
    ) {
        let Some(UnderWay { requests, .. }) = self.under_way.take_if(|under_way| under_way.write == which)
        else {
            return;
        };
        let reply = match result {
            Ok(()) => Reply::Set,
            Err(error) => Reply::NotWritten(error.clone()),
        };
        effects.extend(requests.into_iter().map(|request| Effect::Reply { request, reply: reply.clone() }));
        self.write(effects);
        self.answer_late(effects);
    }

    /// Whether everything that was taken is written, or is the history's to write.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_none() && self.waiting.is_none()
    }

    fn write(&mut self, effects: &mut VecDeque<Effect>) {
        if self.under_way.is_some() {
            return;
        }
        let Some((stage, contact)) = self.waiting.take() else { return };
        self.last += 1;
        let write = WriteId::new(self.last);
        self.under_way = Some(UnderWay { write, requests: std::mem::take(&mut self.requests) });
        effects.push_back(Effect::Persist { write, stage, contact });
    }

    fn answer_late(&mut self, effects: &mut VecDeque<Effect>) {
        if self.is_idle() {
            let late = self.late.drain(..);
            effects.extend(late.map(|request| Effect::Reply { request, reply: Reply::Over }));
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
