//! One call's task: waits for what happens on its legs, lets its contacts decide, and does what they want.

use super::admission::Admission;
use super::effects::keep;
use super::legs::{LegNews, Legs, TaskLeg};
use super::registry::{Answer, Incoming, InvitedLeg, LiveCall, Orders, Published, Request};
use crate::audit::{Audit, Event, EventKind};
use crate::centre::Centre;
use crate::clock::{CallClock, mono_now};
use crate::media::{MediaNotice, MediaStalled};
use crate::metrics::ActiveCall;
use crate::sip::Refusal;
use futures_util::FutureExt;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tympan_capture::{HeldLeases, Lease, Upload};
use tympan_contact::{
    CaptureEvent, Contact, DisconnectReason, EndedBy, HistoryError, Input, LegEvent, LiveContact, Stage,
    close_interrupted, record,
};
use tympan_types::{CaptureId, ContactId, FragmentNumber, LegId, Mono, Redacted, RequestId, WriteId};

/// A call and everything that it holds.
pub(super) struct CallTask {
    /// The contact that the call began with: for logs.
    pub(super) contact_id: ContactId,
    pub(super) admission: Admission,
    pub(super) clock: CallClock,
    pub(super) live: LiveContact,
    incoming: Incoming,
    /// Who waits for which reply.
    pub(super) replies: HashMap<RequestId, Answer>,
    last_request: u64,
    /// Boxed: a channel keeps room for 32 from its beginning.
    pub(super) news: (mpsc::Sender<Box<News>>, mpsc::Receiver<Box<News>>),
    pub(super) legs: Legs,
    /// States of contacts that are on their way to the history, one of each contact at most.
    pub(super) writing: Vec<Writing>,
    /// Uploads that were opened, until the contact says what becomes of them.
    pub(super) opened: BTreeMap<CaptureId, (Box<dyn Upload>, Lease)>,
    /// Until the call ends.
    pub(super) leases: HeldLeases,
    /// Contacts whose last state is on its way to the history.
    pub(super) recorded: Vec<ContactId>,
    /// The newest fragment that is safe.
    last_fragment: Option<FragmentNumber>,
    // Dropped last, in this order, however the task ends.
    published: Vec<Published>,
    pub(super) routed: RoutedContacts,
    _active: ActiveCall,
}

/// Contacts of the call that the routing knows of. With the call, they are over for it.
pub(super) struct RoutedContacts {
    centre: Centre,
    contacts: Vec<ContactId>,
    /// The callback that the call was begun for: without an agent who takes it, it stays in its queue.
    callback: Option<ContactId>,
}

impl RoutedContacts {
    pub(super) fn is_of_callback(&mut self, callback: ContactId) {
        self.callback = Some(callback);
    }

    pub(super) fn add(&mut self, contact: ContactId) {
        if !self.contacts.contains(&contact) && self.callback != Some(contact) {
            self.contacts.push(contact);
        }
    }
}

impl Drop for RoutedContacts {
    fn drop(&mut self) {
        for contact in self.contacts.drain(..) {
            self.centre.closed(contact);
        }
        if let Some(callback) = self.callback {
            self.centre.released(callback);
        }
    }
}

/// A state of a contact that is on its way to the history.
pub(super) struct Writing {
    pub(super) write: WriteId,
    pub(super) task: JoinHandle<Result<(), HistoryError>>,
}

/// News that may wait for a call's task; beyond that their sources wait. The sources are tasks of the same call: a function, a prompt
/// and the acknowledgements of a few captures, so that a few at a time are the rule.
const NEWS: usize = 32;

/// What the tasks of this call tell it, in the order in which it happened: a capture is opened before it is acknowledged.
pub(super) enum News {
    /// It is for the contact itself.
    Input(Input),
    /// A stream is leased and its upload open.
    CaptureOpened { capture: CaptureId, upload: Box<dyn Upload>, lease: Lease },
}

/// What woke the task.
enum Happening {
    Ordered,
    Requested(Request),
    Leg(LegId, LegNews),
    News(News),
    TimePassed,
    Written(usize, Result<Result<(), HistoryError>, JoinError>),
}

impl CallTask {
    pub(super) fn new(
        admission: Admission,
        active: ActiveCall,
        clock: CallClock,
        leg: Option<TaskLeg>,
        live: LiveContact,
    ) -> Box<Self> {
        let contact_id = live.contact().id;
        let (call, incoming) = LiveCall::new();
        let published = vec![admission.registry.begin(call, live.contact().clone())];
        let routed =
            RoutedContacts { centre: admission.centre.clone(), contacts: Vec::new(), callback: None };
        let mut leg = leg;
        if let Some(leg) = &mut leg {
            leg.is_listed(admission.registry.list(contact_id, leg.id), &admission.metrics);
        }
        Box::new(Self {
            contact_id,
            admission,
            clock,
            live,
            incoming,
            replies: HashMap::new(),
            last_request: 0,
            news: mpsc::channel(NEWS),
            legs: Legs::new(leg),
            writing: Vec::new(),
            opened: BTreeMap::new(),
            leases: HeldLeases::default(),
            recorded: Vec::new(),
            last_fragment: None,
            published,
            routed,
            _active: active,
        })
    }

    /// Serves the call to its end. A panic ends the call and nothing else.
    ///
    /// The record is durable before the call counts as gone: a drain waits for that, and so do changes of attributes that came too late for
    /// the call. The history takes those.
    ///
    /// Boxed: a future keeps what it is called on twice.
    pub(super) async fn run(mut self: Box<Self>) {
        match AssertUnwindSafe(self.serve()).catch_unwind().await {
            Ok(()) => {
                let reason = self.live.contact().disconnect_reason.map_or("none", DisconnectReason::word);
                tracing::info!(contact_id = %self.contact_id, reason, "a call has ended");
            }
            Err(panic) => {
                self.admission.metrics.call_task_panicked();
                let panic = text_of(&*panic);
                tracing::error!(contact_id = %self.contact_id, panic, "a call's task panicked; the call is ended");
                if AssertUnwindSafe(Box::pin(self.abandon())).catch_unwind().await.is_err() {
                    tracing::error!(contact_id = %self.contact_id, "the call could not be ended in order");
                }
            }
        }
    }

    async fn serve(&mut self) {
        self.perform_effects().await;
        while !self.live.is_over() {
            let happening = self.select(self.live.next_deadline()).await;
            self.apply(happening);
            self.perform_effects().await;
            self.legs.forget_spent();
            self.publish();
        }
    }

    /// Ends the call without asking its state machine, which has failed: hangs up, completes the capture, and closes the records.
    async fn abandon(&mut self) {
        self.legs.iter_mut().for_each(|leg| leg.media.close());
        for leg in self.legs.iter().filter_map(TaskLeg::open) {
            leg.hang_up().await;
        }
        let is_capturing =
            |contact: &Contact| contact.customer_audio().is_some_and(|audio| audio.is_running());
        let contacts: Vec<Contact> = self
            .live
            .contacts()
            .filter(|contact| !self.recorded.contains(&contact.id) || is_capturing(contact))
            .filter(|contact| record::is_due(contact))
            .map(|contact| contact.as_ref().clone())
            .collect();
        if contacts.is_empty() {
            return;
        }
        let ended = self.clock.now().wall;
        if contacts.iter().any(is_capturing) {
            let limit = Duration::from_millis(self.admission.options.contact.close_limit_ms.into());
            let _ = tokio::time::timeout(limit, self.capture_closed()).await;
        }
        for Writing { task, .. } in self.writing.drain(..) {
            // Whatever it says: the state that follows is the newer one.
            let _ = task.await;
        }
        for mut contact in contacts {
            contact.disconnect_timestamp.get_or_insert(ended);
            let contact = close_interrupted(contact, self.last_fragment, self.clock.now().wall);
            let history = self.admission.history.clone();
            let _ = tokio::task::spawn_blocking(move || keep(&*history, Stage::Ended, &contact)).await;
        }
    }

    /// Waits for the last acknowledgement of the capture.
    async fn capture_closed(&mut self) {
        while let Some(news) = self.news.1.recv().await {
            let News::Input(Input::Capture { event, .. }) = *news else { continue };
            match event {
                CaptureEvent::Acknowledged { number } => {
                    self.last_fragment = self.last_fragment.max(Some(number));
                }
                CaptureEvent::Closed | CaptureEvent::Failed { .. } => return,
                CaptureEvent::Finished { .. } | CaptureEvent::Opened { .. } => {}
            }
        }
    }

    async fn select(&mut self, deadline: Option<Mono>) -> Happening {
        let wait = deadline.map(|deadline| deadline.since(mono_now()));
        let passed = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        let writing = &mut self.writing;
        let written = std::future::poll_fn(|cx| {
            for (index, Writing { task, .. }) in writing.iter_mut().enumerate() {
                if let Poll::Ready(result) = task.poll_unpin(cx) {
                    return Poll::Ready((index, result));
                }
            }
            Poll::Pending
        });
        tokio::select! {
            (leg, news) = self.legs.next() => Happening::Leg(leg, news),
            Ok(()) = self.incoming.orders.changed() => Happening::Ordered,
            Some(request) = self.incoming.requests.recv() => Happening::Requested(request.what),
            Some(news) = self.news.1.recv() => Happening::News(*news),
            (index, result) = written => Happening::Written(index, result),
            () = passed => Happening::TimePassed,
        }
    }

    fn apply(&mut self, happening: Happening) {
        match happening {
            Happening::News(News::Input(input)) => {
                if let Input::Capture { event: CaptureEvent::Acknowledged { number }, .. } = &input {
                    self.last_fragment = self.last_fragment.max(Some(*number));
                }
                self.handle(input);
            }
            Happening::News(News::CaptureOpened { capture, upload, lease }) => {
                let stream = lease.arn().clone();
                self.opened.insert(capture, (upload, lease));
                self.handle(Input::Capture { capture, event: CaptureEvent::Opened { stream } });
            }
            Happening::Ordered => {
                let Orders { stop, drain_until } = *self.incoming.orders.borrow_and_update();
                if let Some(until) = drain_until {
                    self.handle(Input::Drain { until });
                }
                if stop {
                    self.handle(Input::Stop);
                }
            }
            Happening::Requested(request) => self.requested(request),
            Happening::Leg(leg, LegNews::Signalling(Some(event))) => {
                if let Some(outcome) = self.legs.get_mut(leg).and_then(|leg| leg.rung(&event)) {
                    self.admission.metrics.dialled(outcome);
                }
                self.handle(Input::Leg { leg, event });
            }
            // What is left of the leg is only its capture.
            Happening::Leg(leg, LegNews::Signalling(None)) => {
                self.handle(Input::Leg { leg, event: LegEvent::Ended(EndedBy::Failure) });
            }
            Happening::Leg(_, LegNews::Media(Some(notice))) => self.media_notice(notice),
            Happening::Leg(leg, LegNews::Media(None)) => {
                let is_lost = self.legs.get(leg).is_some_and(|leg| leg.media.is_lost());
                self.told(leg, if is_lost { Err(MediaStalled) } else { Ok(()) });
            }
            Happening::Written(index, result) => {
                let Writing { write, .. } = self.writing.swap_remove(index);
                let result = result.unwrap_or_else(|error| Err(HistoryError { message: error.to_string() }));
                self.handle(Input::Written { write, result });
            }
            Happening::TimePassed => self.handle(Input::TimePassed),
        }
    }

    fn answered_by(&mut self, answer: Answer) -> RequestId {
        self.last_request += 1;
        let request = RequestId::new(self.last_request);
        self.replies.insert(request, answer);
        request
    }

    fn requested(&mut self, request: Request) {
        match request {
            Request::Attributes(changes, answer) => {
                let request = self.answered_by(answer);
                self.handle(Input::SetAttributes { request, changes: Redacted::new(changes) });
            }
            Request::Change(contact, change, answer) => {
                let request = self.answered_by(answer);
                self.handle(Input::Change { request, contact, change });
            }
            Request::Order(order) => self.handle(Input::Ordered(order)),
            Request::Routing(event) => self.handle(Input::Routing(event)),
            Request::Called { invited, agent } => {
                let called = invited.invitation.called.clone();
                if let Some(leg) = self.take_leg(*invited) {
                    self.handle(Input::Called { leg, agent: *agent, called });
                }
            }
            Request::Replaced { leg, invited } => {
                if let Some(by) = self.take_leg(*invited) {
                    self.handle(Input::Replaced { leg, by });
                }
            }
        }
    }

    /// A leg that the far end began while the call is up.
    fn take_leg(&mut self, invited: InvitedLeg) -> Option<Box<tympan_contact::Leg>> {
        let InvitedLeg { invitation, port, leg } = invited;
        if !self.legs.has_room() {
            self.admission.refuse(&invitation, Refusal::Overloaded);
            return None;
        }
        self.add_leg(TaskLeg::invited(invitation, port));
        Some(Box::new(leg))
    }

    pub(super) fn add_leg(&mut self, mut leg: TaskLeg) {
        leg.is_listed(self.admission.registry.list(self.contact_id, leg.id), &self.admission.metrics);
        self.legs.add(leg);
    }

    fn media_notice(&mut self, notice: MediaNotice) {
        match notice {
            MediaNotice::Event(leg, event) => self.handle(Input::Media { leg, event }),
            MediaNotice::CaptureFinished { leg, capture, stats } => {
                let ledger = stats.cutter.ledger;
                tracing::info!(
                    contact_id = %self.contact_id,
                    %leg,
                    %capture,
                    samples = ledger.samples(),
                    fragments = stats.cutter.fragments,
                    received_samples = ledger.received_samples(),
                    abandoned_bytes = stats.abandoned_bytes,
                    "a capture has ended"
                );
                self.handle(Input::Capture { capture, event: CaptureEvent::Finished { ledger } });
            }
        }
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.live.handle(self.clock.now(), input);
    }

    /// Shows others the contacts as they are now.
    fn publish(&mut self) {
        for contact in self.live.contacts() {
            match self.published.iter().find(|published| published.id() == contact.id) {
                Some(published) => {
                    supervised(&self.admission.audit, &published.contact(), contact);
                    published.publish(contact);
                }
                None => {
                    let registry = &self.admission.registry;
                    self.published.extend(registry.add(self.contact_id, contact.clone()));
                }
            }
        }
    }
}

/// Writes down that a supervisor begins to hear a conversation, or to be heard in it.
fn supervised(audit: &Audit, before: &Contact, now: &Contact) {
    let Some(begun) = now.monitoring.get(before.monitoring.len()..) else { return };
    for state in begun {
        let supervisor = now.agent.as_ref().map(|part| part.agent.arn.as_str());
        let resource = format!("{}/contact/{}", now.instance.arn(), now.id);
        audit.record(&Event {
            principal: supervisor,
            action: Some(&state.state),
            resource: Some(&resource),
            ..Event::new(EventKind::Listening)
        });
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}
