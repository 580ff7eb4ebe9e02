//! One call's contact on its way to the history: in order, and never on the call's own task.

use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tympan_connect::contact::{Contact, History, HistoryError};

/// Writes the states of one contact, one after the other.
pub(super) struct Journal {
    states: mpsc::UnboundedSender<State>,
    task: JoinHandle<()>,
}

enum State {
    Opened(Box<Contact>),
    Changed(Box<Contact>),
    Ended(Box<Contact>),
}

impl Journal {
    pub(super) fn new(history: Arc<dyn History>) -> Self {
        let (states, mut waiting) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Some(state) = waiting.recv().await {
                write(&history, state).await;
            }
        });
        Self { states, task }
    }

    pub(super) fn opened(&self, contact: Box<Contact>) {
        self.send(State::Opened(contact));
    }

    pub(super) fn changed(&self, contact: Box<Contact>) {
        self.send(State::Changed(contact));
    }

    pub(super) fn ended(&self, contact: Box<Contact>) {
        self.send(State::Ended(contact));
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) {
        drop(self.states);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the journal of a contact broke off");
        }
    }

    fn send(&self, state: State) {
        // The task ends only after this sender.
        let _ = self.states.send(state);
    }
}

async fn write(history: &Arc<dyn History>, state: State) {
    let history = history.clone();
    let written = tokio::task::spawn_blocking(move || match state {
        State::Opened(contact) => (contact.id, history.open(&contact)),
        State::Changed(contact) => (contact.id, history.update(&contact)),
        State::Ended(contact) => (contact.id, history.close(&contact)),
    });
    match written.await {
        Ok((_, Ok(()))) => {}
        // The call goes on: losing a record is bad, losing the caller is worse.
        Ok((contact_id, Err(HistoryError { message }))) => {
            tracing::error!(%contact_id, message, "a contact could not be written");
        }
        Err(error) => tracing::error!(%error, "a contact could not be written"),
    }
}
