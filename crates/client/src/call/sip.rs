//! The one place that knows the SIP stack.
//!
//! What is known of it: `Confirmed` comes again after each re-INVITE and carries no news; a dialog that is dropped from
//! the layer's list is not ended; an outgoing request needs a UDP listener for its Via also when it goes by TCP.

use super::CallError;
use super::target::Target;
use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog::{Dialog, DialogState, DialogStateReceiver, TransactionHandle};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invitation::{InviteAsyncResult, InviteOption};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Method, Param, Response, Scheme, StatusCode, StatusCodeKind, Transport, Uri};
use rsipstack::transaction::endpoint::EndpointOption;
use rsipstack::transaction::transaction::Transaction;
use rsipstack::transaction::{Endpoint, TransactionReceiver};
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a server may be silent. SIP itself repeats an INVITE for 32 s, which is long for a typing error.
const RESPONSE_LIMIT: Duration = Duration::from_secs(10);
/// How long it may ring.
const RING_LIMIT: Duration = Duration::from_secs(120);
/// How long the answer to a BYE is waited for.
const BYE_LIMIT: Duration = Duration::from_secs(5);

/// A user agent that calls one peer, from ports that the kernel chose.
pub(super) struct UserAgent {
    dialogs: Arc<DialogLayer>,
    address: SocketAddr,
    peer: SocketAddr,
    transport: Transport,
    cancel: CancellationToken,
}

impl UserAgent {
    pub(super) async fn start(local: IpAddr, peer: SocketAddr, tcp: bool) -> Result<Self, CallError> {
        let failed = |what: &str, error: String| CallError::Network(format!("cannot {what}: {error}"));
        let cancel = CancellationToken::new();
        let (udp, listener, address) = bind_pair(local, &cancel).await?;
        let transports = TransportLayer::new(cancel.child_token());
        transports.add_transport(SipConnection::Udp(udp));
        let endpoint = EndpointBuilder::new()
            .with_cancel_token(cancel.child_token())
            .with_transport_layer(transports)
            .with_user_agent(concat!("tympan-call/", env!("CARGO_PKG_VERSION")))
            .with_option(EndpointOption {
                callid_suffix: Some("tympan".to_owned()),
                ..EndpointOption::default()
            })
            .build();
        let endpoint = Arc::new(endpoint);
        let incoming = endpoint
            .incoming_transactions()
            .map_err(|error| failed("start the SIP stack", error.to_string()))?;
        let dialogs = Arc::new(DialogLayer::new(endpoint.inner.clone()));
        if tcp {
            tokio::spawn(accept_tcp(listener, address, endpoint.clone(), cancel.clone()));
        }
        tokio::spawn({
            let endpoint = endpoint.clone();
            async move { endpoint.serve().await }
        });
        tokio::spawn(answer_requests(dialogs.clone(), incoming, endpoint));
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        Ok(Self { dialogs, address, peer, transport, cancel })
    }

    /// Sends an INVITE with an offer. `caller` is the user part of From.
    pub(super) fn invite(&self, target: &Target, caller: &str, offer: String) -> Result<Ringing, CallError> {
        let failed = |reason: String| CallError::Target { target: target.to_string(), reason };
        let callee = Uri::try_from(target.to_string().as_str()).map_err(|error| failed(error.to_string()))?;
        let own = |params| Uri {
            scheme: Some(Scheme::Sip),
            auth: Some(caller.to_owned().into()),
            host_with_port: self.address.into(),
            params,
            ..Uri::default()
        };
        let contact_params = if self.transport == Transport::Tcp {
            vec![Param::Transport(Transport::Tcp)]
        } else {
            Vec::new()
        };
        let options = InviteOption {
            caller: own(Vec::new()),
            callee,
            destination: Some(SipAddr { r#type: Some(self.transport), addr: self.peer.into() }),
            contact: own(contact_params),
            offer: Some(offer.into_bytes()),
            // The stack's own ids name its maker's domain.
            call_id: Some(uuid::Uuid::new_v4().to_string()),
            ..InviteOption::default()
        };
        let (states, receiver) = self.dialogs.new_dialog_state_channel();
        let (dialog, outcome) = self
            .dialogs
            .do_invite_async(options, states)
            .map_err(|error| CallError::Network(error.to_string()))?;
        let transport = if self.transport == Transport::Tcp { "tcp" } else { "udp" };
        let peer = format!("{transport} {}", self.peer);
        let line = Line { dialog, states: receiver, dialogs: self.dialogs.clone() };
        Ok(Ringing { line, outcome, peer })
    }

    /// Closes the sockets.
    pub(super) fn shutdown(&self) {
        self.cancel.cancel();
    }
}

/// A call that is not answered yet.
pub(super) struct Ringing {
    line: Line,
    outcome: JoinHandle<InviteAsyncResult>,
    peer: String,
}

impl Ringing {
    /// Waits for the answer: the line, and the answer's session description. Cancelling `stop` takes the INVITE back.
    pub(super) async fn answered(mut self, stop: &CancellationToken) -> Result<(Line, String), CallError> {
        let begun = tokio::time::Instant::now();
        let mut responded = false;
        let outcome = loop {
            let limit = if responded { RING_LIMIT } else { RESPONSE_LIMIT };
            tokio::select! {
                biased;
                outcome = &mut self.outcome => break outcome,
                Some(state) = self.line.states.recv() => {
                    responded |= matches!(state, DialogState::Trying(_) | DialogState::Early(..));
                }
                () = stop.cancelled() => {
                    self.give_up().await;
                    return Err(CallError::Interrupted);
                }
                () = tokio::time::sleep_until(begun + limit) => {
                    self.give_up().await;
                    return Err(if responded {
                        CallError::NotAnswered { after: limit }
                    } else {
                        CallError::NoResponse { peer: self.peer, after: limit }
                    });
                }
            }
        };
        let response = match outcome {
            Ok(Ok((_, Some(response)))) => response,
            Ok(Ok((_, None))) => {
                return Err(CallError::Network("the SIP transaction ended without an answer".to_owned()));
            }
            Ok(Err(error)) => return Err(CallError::Network(format!("cannot call {}: {error}", self.peer))),
            Err(error) => return Err(CallError::Network(format!("the SIP stack failed: {error}"))),
        };
        if response.status_code.kind() == StatusCodeKind::Successful {
            let sdp = String::from_utf8_lossy(&response.body).into_owned();
            return Ok((self.line, sdp));
        }
        let status = response.status_code.code();
        Err(CallError::Refused { status, reason: reason_phrase(&response) })
    }

    /// Takes the INVITE back.
    async fn give_up(&self) {
        // What cannot be cancelled is over already.
        let _ = tokio::time::timeout(BYE_LIMIT, self.line.dialog.cancel()).await;
    }
}

/// A call that is up.
pub(super) struct Line {
    dialog: InviteDialog,
    states: DialogStateReceiver,
    dialogs: Arc<DialogLayer>,
}

/// What the far end does.
pub(super) enum LineEvent {
    /// It hung up.
    HungUp,
    /// It changes the session: hold, resume, a moved address. It waits for an answer.
    Reoffer(Reoffer),
}

impl Line {
    /// The next event. Cancel-safe.
    pub(super) async fn event(&mut self) -> LineEvent {
        loop {
            match self.states.recv().await {
                None | Some(DialogState::Terminated(..)) => return LineEvent::HungUp,
                Some(DialogState::Updated(_, request, transaction)) => {
                    let text = String::from_utf8_lossy(&request.body).into_owned();
                    let offer = (!text.trim().is_empty()).then_some(text);
                    return LineEvent::Reoffer(Reoffer { offer, transaction });
                }
                Some(
                    DialogState::Info(_, _, transaction)
                    | DialogState::Options(_, _, transaction)
                    | DialogState::Notify(_, _, transaction)
                    | DialogState::Message(_, _, transaction),
                ) => {
                    // Nothing that a caller would act on.
                    let _ = transaction.reply(StatusCode::OK).await;
                }
                Some(DialogState::Refer(_, _, transaction) | DialogState::Publish(_, _, transaction)) => {
                    let _ = transaction.reply(StatusCode::NotImplemented).await;
                }
                Some(_) => {}
            }
        }
    }

    /// BYE; returns when it was answered, or gave up.
    pub(super) async fn hang_up(&self) {
        let _ = tokio::time::timeout(BYE_LIMIT, self.dialog.bye()).await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.dialogs.remove_dialog(&self.dialog.id());
    }
}

/// A re-INVITE or UPDATE that waits for its answer.
pub(super) struct Reoffer {
    /// The new offer; `None` in a mere refresh.
    pub(super) offer: Option<String>,
    transaction: TransactionHandle,
}

impl Reoffer {
    /// 200 with our answer, or without a body where nothing was offered.
    pub(super) async fn accept(self, answer: Option<String>) {
        let headers = answer.as_ref().map(|_| vec![Header::ContentType("application/sdp".into())]);
        // The transaction may be gone with the call.
        let _ = self.transaction.respond(StatusCode::OK, headers, answer.map(String::into_bytes)).await;
    }

    /// 488: the session stays as it was.
    pub(super) async fn refuse(self) {
        let _ = self.transaction.reply(StatusCode::NotAcceptableHere).await;
    }
}

/// One port for both transports: it stands in the Contact whichever is used.
async fn bind_pair(
    local: IpAddr,
    cancel: &CancellationToken,
) -> Result<(UdpConnection, TcpListener, SocketAddr), CallError> {
    let failed =
        |reason: String| CallError::Network(format!("cannot open a SIP socket on {local}: {reason}"));
    let mut attempts = 20;
    loop {
        attempts -= 1;
        let udp =
            UdpConnection::create_connection(SocketAddr::new(local, 0), None, Some(cancel.child_token()))
                .await
                .map_err(|error| failed(error.to_string()))?;
        let port = udp.get_addr().get_socketaddr().map_err(|error| failed(error.to_string()))?.port();
        let address = SocketAddr::new(local, port);
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok((udp, listener, address)),
            Err(error) if attempts == 0 => return Err(failed(error.to_string())),
            Err(_) => {}
        }
    }
}

/// A far end may open a connection of its own for its BYE.
async fn accept_tcp(
    listener: TcpListener,
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    cancel: CancellationToken,
) {
    let local = SipAddr { r#type: Some(Transport::Tcp), addr: address.into() };
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if let Ok(connection) = TcpConnection::from_stream(stream, local.clone(), Some(cancel.child_token()))
        {
            endpoint.inner.transport_layer.add_connection(SipConnection::Tcp(connection));
        }
    }
}

/// Hands in-dialog requests to their dialogs. `_endpoint` keeps the stack's parts alive meanwhile.
async fn answer_requests(
    dialogs: Arc<DialogLayer>,
    mut incoming: TransactionReceiver,
    _endpoint: Arc<Endpoint>,
) {
    while let Some(transaction) = incoming.recv().await {
        let dialogs = dialogs.clone();
        tokio::spawn(async move {
            if let Err(error) = answer_request(&dialogs, transaction).await {
                tracing::debug!(%error, "a SIP request could not be answered");
            }
        });
    }
}

async fn answer_request(dialogs: &DialogLayer, mut transaction: Transaction) -> rsipstack::Result<()> {
    match dialogs.match_dialog(&transaction) {
        Some(Dialog::Invite(mut dialog)) => dialog.handle(&mut transaction).await,
        _ if transaction.original.method == Method::Options => transaction.reply(StatusCode::OK).await,
        _ if transaction.original.method == Method::Ack => Ok(()),
        _ if has_to_tag(&transaction) => transaction.reply(StatusCode::CallTransactionDoesNotExist).await,
        _ => transaction.reply(StatusCode::MethodNotAllowed).await,
    }
}

fn has_to_tag(transaction: &Transaction) -> bool {
    transaction.original.to_header().ok().and_then(|to| to.tag().ok().flatten()).is_some()
}

/// What stands behind the status, without the status.
fn reason_phrase(response: &Response) -> String {
    let text = response.status_code.to_string();
    let code = response.status_code.code().to_string();
    text.strip_prefix(&code).unwrap_or(&text).trim().to_owned()
}
