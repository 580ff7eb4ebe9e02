//! One call's task: waits for what happens, lets the contact decide, and does what it wants.

use super::admission::Admission;
use super::effects::keep;
use super::leg_media::LegMedia;
use super::registry::{AttributeChange, Incoming, LiveCall, Orders, Registered, Reply};
use crate::clock::{CallClock, mono_now};
use crate::connections::Work;
use crate::media::{MediaNotice, MediaStalled, ReservedPort};
use crate::metrics::ActiveCall;
use crate::sip::{Invitation, Leg};
use futures_util::FutureExt;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tympan_capture::{HeldLeases, Lease, Upload};
use tympan_contact::{
    CaptureEvent, EndedBy, HistoryError, Input, LegEvent, LiveContact, Stage, close_interrupted, record,
};
use tympan_sip::agent::TrunkId;
use tympan_types::{CaptureId, ContactId, FragmentNumber, Mono, Redacted, RequestId, WriteId};

/// A call and everything that it holds.
pub(super) struct CallTask {
    pub(super) contact_id: ContactId,
    pub(super) admission: Admission,
    pub(super) clock: CallClock,
    pub(super) live: LiveContact,
    incoming: Incoming,
    /// Who waits for which reply.
    pub(super) replies: HashMap<RequestId, Reply>,
    last_request: u64,
    /// Boxed: a channel keeps room for 32 from its beginning.
    pub(super) news: (mpsc::Sender<Box<News>>, mpsc::Receiver<Box<News>>),
    pub(super) leg: Leg,
    /// `None` once the SIP side has said its last.
    leg_events: Option<mpsc::Receiver<LegEvent>>,
    /// The TCP connection that the call came by keeps its place.
    _carrier: Option<Work>,
    pub(super) source: SocketAddr,
    /// The trunk that the call came by.
    pub(super) trunk: TrunkId,
    pub(super) media: LegMedia,
    /// The state of the contact that is on its way to the history.
    pub(super) writing: Option<(WriteId, JoinHandle<Result<(), HistoryError>>)>,
    /// Uploads that were opened, until the contact says what becomes of them.
    pub(super) opened: BTreeMap<CaptureId, (Box<dyn Upload>, Lease)>,
    /// Until the call ends.
    pub(super) leases: HeldLeases,
    /// The last state of the contact is on its way to the history.
    pub(super) is_recorded: bool,
    /// The newest fragment that is safe.
    last_fragment: Option<FragmentNumber>,
    // Dropped last, in this order, however the task ends.
    _registered: Registered,
    _active: ActiveCall,
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
    Attributes(AttributeChange),
    Leg(Option<LegEvent>),
    Media(Option<MediaNotice>),
    News(News),
    TimePassed,
    Written(Result<Result<(), HistoryError>, JoinError>),
}

impl CallTask {
    pub(super) fn new(
        admission: Admission,
        active: ActiveCall,
        clock: CallClock,
        invitation: Invitation,
        port: ReservedPort,
        live: LiveContact,
    ) -> Box<Self> {
        let Invitation { leg, events, source, trunk, carrier, .. } = invitation;
        let contact_id = live.contact().id;
        let (call, incoming) = LiveCall::new(live.contact().clone());
        let registered = admission.registry.add(contact_id, call);
        Box::new(Self {
            contact_id,
            admission,
            clock,
            live,
            incoming,
            replies: HashMap::new(),
            last_request: 0,
            news: mpsc::channel(NEWS),
            leg,
            leg_events: Some(events),
            _carrier: carrier,
            source,
            trunk,
            media: LegMedia::Reserved(port),
            writing: None,
            opened: BTreeMap::new(),
            leases: HeldLeases::default(),
            is_recorded: false,
            last_fragment: None,
            _registered: registered,
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
            Ok(()) => tracing::info!(contact_id = %self.contact_id, "a call has ended"),
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
            self.publish();
        }
    }

    /// Ends the call without asking its state machine, which has failed: hangs up, completes the capture, and closes the record.
    async fn abandon(&mut self) {
        self.media.close();
        self.leg.hang_up().await;
        let mut contact = self.live.contact().as_ref().clone();
        if self.is_recorded || !record::is_due(&contact) {
            return;
        }
        contact.disconnect_timestamp.get_or_insert(self.clock.now().wall);
        if contact.customer_audio().is_some_and(|audio| audio.is_running()) {
            let limit = Duration::from_millis(self.admission.options.contact.close_limit_ms.into());
            let _ = tokio::time::timeout(limit, self.capture_closed()).await;
        }
        if let Some((_, writing)) = self.writing.take() {
            // Whatever it says: the state that follows is the newer one.
            let _ = writing.await;
        }
        let contact = close_interrupted(contact, self.last_fragment, self.clock.now().wall);
        let history = self.admission.history.clone();
        let _ = tokio::task::spawn_blocking(move || keep(&*history, Stage::Ended, &contact)).await;
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
        let leg = async {
            match &mut self.leg_events {
                Some(events) => events.recv().await,
                None => std::future::pending().await,
            }
        };
        let passed = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        let written = async {
            match &mut self.writing {
                Some((_, writing)) => writing.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = leg => Happening::Leg(event),
            event = self.media.next() => Happening::Media(event),
            Ok(()) = self.incoming.orders.changed() => Happening::Ordered,
            Some(change) = self.incoming.attributes.recv() => Happening::Attributes(*change),
            Some(news) = self.news.1.recv() => Happening::News(*news),
            result = written => Happening::Written(result),
            () = passed => Happening::TimePassed,
        }
    }

    fn apply(&mut self, happening: Happening) {
        let leg = self.leg.id();
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
            Happening::Attributes(AttributeChange { changes, reply }) => {
                self.last_request += 1;
                let request = RequestId::new(self.last_request);
                self.replies.insert(request, reply);
                self.handle(Input::SetAttributes { request, changes: Redacted::new(changes) });
            }
            Happening::Leg(Some(event)) => self.handle(Input::Leg { leg, event }),
            Happening::Leg(None) => {
                // What is left of the call is only its capture.
                self.leg_events = None;
                self.handle(Input::Leg { leg, event: LegEvent::Ended(EndedBy::Failure) });
            }
            Happening::Media(Some(notice)) => self.media_notice(notice),
            Happening::Media(None) => {
                let result = if self.media.is_running() { Err(MediaStalled) } else { Ok(()) };
                self.told(leg, result);
            }
            Happening::Written(result) => {
                let Some((write, _)) = self.writing.take() else { return };
                let result = result.unwrap_or_else(|error| Err(HistoryError { message: error.to_string() }));
                self.handle(Input::Written { write, result });
            }
            Happening::TimePassed => self.handle(Input::TimePassed),
        }
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

    /// Shows others the contact as it is now.
    fn publish(&self) {
        let contact = self.live.contact();
        self.incoming.contact.send_if_modified(|published| {
            let is_new = !Arc::ptr_eq(published, contact);
            if is_new {
                published.clone_from(contact);
            }
            is_new
        });
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}
