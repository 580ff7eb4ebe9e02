//! One call leg: commands towards the caller, events from the caller.

use super::request;
use crate::connections::Work;
use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver, TerminatedReason, TransactionHandle};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, Method, Request, StatusCode};
use rsipstack::transaction::transaction::Transaction;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;
use tympan_types::Redacted;

/// A call that wants to come in.
pub(crate) struct Invitation {
    /// The SIP Call-ID, for logs.
    pub call_id: String,
    /// Who is called: the user part of the request URI.
    pub called: Redacted<String>,
    /// Who calls: the asserted identity, else From.
    pub caller: Redacted<String>,
    /// Where the request came from.
    pub source: Option<SocketAddr>,
    /// The caller's SDP offer; `None` when the caller leaves the offer to us.
    pub offer: Option<String>,
    /// Commands.
    pub leg: Leg,
    /// What happens on the leg; ends after [`LegEvent::Ended`].
    pub events: mpsc::UnboundedReceiver<LegEvent>,
    /// Keeps the TCP connection that the call came by.
    pub carrier: Option<Work>,
}

/// Why an invitation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 404: no flow answers that number.
    UnknownNumber,
    /// 488: no codec, or no offer, that we can work with.
    NotAcceptable,
    /// 503: the call limit is reached, or the server is going down.
    Overloaded,
    /// 503: the descriptors for calls are used up.
    OutOfDescriptors,
}

/// What the caller did.
pub(crate) enum LegEvent {
    /// The caller acknowledged the answer: the call is up.
    Confirmed,
    /// The caller changes the session: hold, resume, a moved address, another codec. It waits for an answer.
    Reoffer(Reoffer),
    /// A digit in a SIP INFO request.
    Digit(char),
    /// The leg is over.
    Ended(EndedBy),
}

/// Who ended a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// BYE or CANCEL from the caller.
    Caller,
    /// Our own BYE or refusal.
    Us,
    /// No acknowledgement, or the transport failed.
    Failure,
}

/// A re-INVITE or UPDATE that waits for its answer.
pub(crate) struct Reoffer {
    /// The new offer; `None` in a mere refresh.
    pub offer: Option<String>,
    transaction: TransactionHandle,
}

impl Reoffer {
    /// 200 with our answer, or 200 without a body where nothing was offered.
    pub(crate) async fn accept(self, answer: Option<String>) {
        let headers = answer.as_ref().map(|_| vec![Header::ContentType("application/sdp".into())]);
        // The transaction may be gone with the call: then nobody waits for this.
        let _ = self.transaction.respond(StatusCode::OK, headers, answer.map(String::into_bytes)).await;
    }

    /// 488: the session stays as it was (RFC 3261 section 14.2).
    pub(crate) async fn refuse(self) {
        let _ = self.transaction.reply(StatusCode::NotAcceptableHere).await;
    }
}

/// The commands of one leg. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Leg {
    dialog: InviteDialog,
}

impl Leg {
    /// 200 OK with our SDP, an answer or an offer; retransmitted until acknowledged. False when the caller is gone already.
    pub(crate) fn accept(&self, sdp: String) -> bool {
        let headers = vec![Header::ContentType("application/sdp".into())];
        self.dialog.accept(Some(headers), Some(sdp.into_bytes())).is_ok()
    }

    /// The caller's SDP answer out of its acknowledgement, where the offer was ours (RFC 3261 section 13.2.1).
    pub(crate) fn remote_answer(&self) -> Option<String> {
        self.dialog.last_remote_ack().and_then(|ack| request::sdp(&ack))
    }

    /// The final refusal.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        let status = match refusal {
            Refusal::UnknownNumber => StatusCode::NotFound,
            Refusal::NotAcceptable => StatusCode::NotAcceptableHere,
            Refusal::Overloaded | Refusal::OutOfDescriptors => StatusCode::ServiceUnavailable,
        };
        let _ = self.dialog.reject(Some(status), None);
    }

    /// BYE. Returns when it was answered or gave up; a leg that is over already is fine.
    pub(crate) async fn hang_up(&self) {
        let _ = self.dialog.bye().await;
    }
}

/// Puts an invitation together and starts the task that turns dialog states into events.
pub(super) fn invitation(
    transaction: &Transaction,
    dialog: InviteDialog,
    dialogs: Arc<DialogLayer>,
    states: DialogStateReceiver,
) -> Invitation {
    let request = &transaction.original;
    let remote = transaction.connection.as_ref().and_then(|connection| connection.get_remote_addr().cloned());
    let (events, receiver) = mpsc::unbounded_channel();
    tokio::spawn(follow(dialog.clone(), dialogs, states, events));
    Invitation {
        call_id: dialog.id().call_id,
        called: request::called(request).into(),
        caller: request::caller(request).into(),
        source: remote.and_then(|address| address.get_socketaddr().ok()),
        offer: request::sdp(request),
        leg: Leg { dialog },
        events: receiver,
        carrier: None,
    }
}

async fn follow(
    dialog: InviteDialog,
    dialogs: Arc<DialogLayer>,
    mut states: DialogStateReceiver,
    events: mpsc::UnboundedSender<LegEvent>,
) {
    let mut confirmed = false;
    while let Some(state) = states.recv().await {
        let event = match state {
            // It comes again after each re-INVITE, with our own SDP in it: only the first means anything.
            DialogState::Confirmed(..) if !confirmed => {
                confirmed = true;
                LegEvent::Confirmed
            }
            DialogState::Updated(_, request, transaction) => {
                LegEvent::Reoffer(Reoffer { offer: request::sdp(&request), transaction })
            }
            DialogState::Info(_, request, transaction) => match answer_info(&request, transaction).await {
                Some(digit) => LegEvent::Digit(digit),
                None => continue,
            },
            DialogState::Refer(_, _, transaction)
            | DialogState::Message(_, _, transaction)
            | DialogState::Notify(_, _, transaction)
            | DialogState::Publish(_, _, transaction)
            | DialogState::Options(_, _, transaction) => {
                let _ = transaction.reply(StatusCode::NotImplemented).await;
                continue;
            }
            DialogState::Terminated(_, reason) => {
                dialogs.remove_dialog(&dialog.id());
                // Who hangs up has had our answer, also where the BYE overtakes the acknowledgement: the call was up.
                if !confirmed && matches!(reason, TerminatedReason::UacBye) {
                    let _ = events.send(LegEvent::Confirmed);
                }
                let _ = events.send(LegEvent::Ended(ended_by(&reason)));
                return;
            }
            _ => continue,
        };
        if events.send(event).is_err() {
            // The call task is gone (it panicked or was dropped): do not leave the caller on a dead line.
            let _ = dialog.bye().await;
            dialogs.remove_dialog(&dialog.id());
            return;
        }
    }
}

async fn answer_info(request: &Request, transaction: TransactionHandle) -> Option<char> {
    debug_assert_eq!(request.method, Method::Info);
    let digit = request::info_digit(request);
    let status = if digit.is_some() || request.body.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UnsupportedMediaType
    };
    let _ = transaction.reply(status).await;
    digit
}

fn ended_by(reason: &TerminatedReason) -> EndedBy {
    match reason {
        TerminatedReason::UacBye | TerminatedReason::UacCancel => EndedBy::Caller,
        TerminatedReason::Timeout => EndedBy::Failure,
        _ => EndedBy::Us,
    }
}
