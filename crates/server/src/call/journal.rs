//! One call's contact on its way to the history: in order, and never on the call's own task.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tympan_connect::live_calls::SetAttributes;
use tympan_contact::{Contact, History, HistoryError};

/// Writes the states of one contact. While one is being written only the newest of those that follow waits.
pub(super) struct Journal {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Answers a change of attributes.
pub(super) type Reply = oneshot::Sender<SetAttributes>;

/// How far the contact's call is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    Opened,
    Changed,
    Ended,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    state: Option<(Stage, Box<Contact>)>,
    /// Answered once `state` is written.
    replies: Vec<Reply>,
    is_over: bool,
}

impl Journal {
    pub(super) fn new(history: Arc<dyn History>) -> Self {
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(run(shared.clone(), history));
        Self { shared, task }
    }

    /// Takes the newest state of the contact. `replies` are of changes that it holds: each is sent when it is written.
    pub(super) fn take(&self, stage: Stage, contact: Box<Contact>, replies: Vec<Reply>) {
        self.shared.change(|waiting| {
            waiting.state = Some((stage, contact));
            waiting.replies.extend(replies);
        });
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) {
        self.shared.change(|waiting| waiting.is_over = true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the journal of a contact broke off");
        }
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// The newest state, once there is one; `None` when there will be no more.
    async fn next(&self) -> Option<(Stage, Box<Contact>, Vec<Reply>)> {
        loop {
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((stage, contact)) = waiting.state.take() {
                    return Some((stage, contact, std::mem::take(&mut waiting.replies)));
                }
                if waiting.is_over {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }
}

async fn run(shared: Arc<Shared>, history: Arc<dyn History>) {
    while let Some((stage, contact, replies)) = shared.next().await {
        let written = write(history.clone(), stage, contact).await;
        for reply in replies {
            // A client that went away needs no answer.
            let _ = reply.send(match &written {
                Ok(()) => SetAttributes::Set,
                Err(error) => SetAttributes::NotWritten(error.clone()),
            });
        }
    }
}

async fn write(history: Arc<dyn History>, stage: Stage, contact: Box<Contact>) -> Result<(), HistoryError> {
    let contact_id = contact.id;
    let written = tokio::task::spawn_blocking(move || match stage {
        Stage::Opened => history.open(&contact),
        Stage::Changed => history.update(&contact),
        Stage::Ended => history.close(&contact),
    });
    let written = written.await.unwrap_or_else(|error| Err(HistoryError { message: error.to_string() }));
    // The call goes on, and the history has what could not be written.
    if let Err(error) = &written {
        tracing::debug!(%contact_id, %error, "a contact could not be written yet");
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::mpsc;
    use tympan_contact::{HistoryQuery, InitiationMethod, InstanceRef, NewContact, SetAttributesError};
    use tympan_types::{AccountId, ContactId, InstanceId, Region, WallTime};

    /// A history that says what it is to write, and writes when it is let.
    struct Held {
        asked: Mutex<mpsc::Sender<Contact>>,
        let_go: Mutex<mpsc::Receiver<Result<(), HistoryError>>>,
    }

    impl History for Held {
        fn open(&self, contact: &Contact) -> Result<(), HistoryError> {
            self.update(contact)
        }

        fn update(&self, contact: &Contact) -> Result<(), HistoryError> {
            self.asked.lock().unwrap().send(contact.clone()).unwrap();
            self.let_go.lock().unwrap().recv().unwrap()
        }

        fn close(&self, contact: &Contact) -> Result<(), HistoryError> {
            self.update(contact)
        }

        fn find(&self, _: ContactId) -> Result<Option<Contact>, HistoryError> {
            Ok(None)
        }

        fn list(&self, _: &HistoryQuery) -> Result<Vec<Contact>, HistoryError> {
            Ok(Vec::new())
        }

        fn set_attributes(
            &self,
            _: WallTime,
            _: ContactId,
            _: BTreeMap<String, String>,
        ) -> Result<(), SetAttributesError> {
            Err(SetAttributesError::NoSuchContact)
        }
    }

    fn contact(updated_ms: i64) -> Box<Contact> {
        let instance = InstanceRef {
            id: InstanceId::from_random([9; 16]),
            alias: "demo".into(),
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
        };
        let new = NewContact {
            id: ContactId::from_random([1; 16]),
            instance,
            initiation_method: InitiationMethod::Inbound,
            customer_number: None,
            system_number: None,
            sip_headers: BTreeMap::new(),
        };
        Box::new(Contact::new(WallTime::from_unix_ms(updated_ms), new))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_change_is_answered_by_the_write_that_holds_it() {
        let (asked, writes) = mpsc::channel();
        let (let_go, held) = mpsc::channel();
        let journal = Journal::new(Arc::new(Held { asked: Mutex::new(asked), let_go: Mutex::new(held) }));
        let written = || writes.recv().unwrap().last_update_timestamp.unix_ms();
        let promise = |stage, ms| {
            let (reply, answer) = oneshot::channel();
            journal.take(stage, contact(ms), vec![reply]);
            answer
        };
        let mut first = promise(Stage::Opened, 1);
        assert_eq!(written(), 1);
        // While the first state is being written, more come: only the newest waits.
        let mut others: Vec<_> = (2..1_000).map(|ms| promise(Stage::Changed, ms)).collect();
        assert!(first.try_recv().is_err() && others.iter_mut().all(|other| other.try_recv().is_err()));
        let_go.send(Ok(())).unwrap();
        assert_eq!(first.await, Ok(SetAttributes::Set));
        assert_eq!(written(), 999);
        let full = HistoryError { message: "full".into() };
        let_go.send(Err(full.clone())).unwrap();
        for other in others {
            assert_eq!(other.await, Ok(SetAttributes::NotWritten(full.clone())));
        }
        let last = promise(Stage::Ended, 1_000);
        let_go.send(Ok(())).unwrap();
        journal.finish().await;
        assert_eq!((written(), last.await), (1_000, Ok(SetAttributes::Set)));
    }
}
