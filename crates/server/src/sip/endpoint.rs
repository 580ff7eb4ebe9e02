//! Binds UDP and TCP on one port, and turns transactions into invitations and leg events.

use super::leg::{self, Invitation};
use super::request;
use super::tcp::{TcpLimits, TcpPeers, TcpSide};
use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog::Dialog;
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{Header, Method, Param, Scheme, StatusCode, Transport, Uri};
use rsipstack::transaction::Endpoint;
use rsipstack::transaction::transaction::Transaction;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipConnection, TransportLayer};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Methods that an OPTIONS answer and a 405 list.
const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO";

/// Invitations that may wait for the call side before further ones are refused with 503.
const INVITATIONS_WAITING: usize = 1_024;

/// Why SIP could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SipError {
    /// A socket could not be bound.
    #[error(
        "cannot listen for SIP on {address}: {reason} (end what listens there, or choose another address: TYMPAN_SIP__LISTEN=127.0.0.1:0 takes any free port)"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The stack refused to start.
    #[error("the SIP stack did not start: {0}")]
    Stack(String),
}

/// The listening SIP side. Dropping it does not stop it: call [`SipEndpoint::shutdown`].
pub(crate) struct SipEndpoint {
    address: SocketAddr,
    draining: Arc<AtomicBool>,
    cancel: CancellationToken,
}

impl SipEndpoint {
    /// Binds UDP and TCP to `listen` (one port for both, also when it is 0) and begins to serve.
    ///
    /// `public` is the address for Contact headers, when it differs from the listening one.
    pub(crate) async fn bind(
        listen: SocketAddr,
        public: Option<IpAddr>,
        limits: TcpLimits,
    ) -> Result<(Self, mpsc::Receiver<Invitation>), SipError> {
        let cancel = CancellationToken::new();
        let (udp, tcp, address) = bind_pair(listen, public, &cancel).await?;

        let transports = TransportLayer::new(cancel.child_token());
        transports.set_stream_idle_timeout(limits.idle);
        transports.add_transport(SipConnection::Udp(udp));
        let endpoint = EndpointBuilder::new()
            .with_cancel_token(cancel.child_token())
            .with_transport_layer(transports)
            .with_user_agent(concat!("tympan/", env!("CARGO_PKG_VERSION")))
            .build();
        let endpoint = Arc::new(endpoint);
        let incoming =
            endpoint.incoming_transactions().map_err(|error| SipError::Stack(error.to_string()))?;

        let draining = Arc::new(AtomicBool::new(false));
        let (invitations, receiver) = mpsc::channel(INVITATIONS_WAITING);
        let peers = TcpPeers::default();
        let uas = Uas {
            dialogs: Arc::new(DialogLayer::new(endpoint.inner.clone())),
            contact: SocketAddr::new(public.unwrap_or(address.ip()), address.port()),
            draining: draining.clone(),
            invitations,
            peers: peers.clone(),
        };
        let (local, endpoint_of_tcp) = (TcpSide::address(address), endpoint.clone());
        let side = TcpSide { local, endpoint: endpoint_of_tcp, limits, peers, cancel: cancel.clone() };
        tokio::spawn(side.accept(tcp));
        tokio::spawn({
            let endpoint = endpoint.clone();
            async move { endpoint.serve().await }
        });
        tokio::spawn(uas.serve(incoming, endpoint));
        Ok((Self { address, draining, cancel }, receiver))
    }

    /// The bound address, the same for UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on OPTIONS and new calls are answered 503, so that a proxy looks elsewhere; open calls go on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Closes the sockets.
    pub(crate) fn shutdown(&self) {
        self.cancel.cancel();
    }
}

/// One port for both transports: with port 0 the kernel chooses it for UDP, and TCP has to get the same.
async fn bind_pair(
    listen: SocketAddr,
    public: Option<IpAddr>,
    cancel: &CancellationToken,
) -> Result<(UdpConnection, TcpListener, SocketAddr), SipError> {
    let refuse = |reason: String| SipError::Bind { address: listen, reason };
    let mut attempts = if listen.port() == 0 { 20 } else { 1 };
    loop {
        attempts -= 1;
        let external = public.map(|ip| SocketAddr::new(ip, listen.port()));
        let udp = UdpConnection::create_connection(listen, external, Some(cancel.child_token()))
            .await
            .map_err(|error| refuse(error.to_string()))?;
        let bound = udp.get_addr().get_socketaddr().map_err(|error| refuse(error.to_string()))?;
        let address = SocketAddr::new(listen.ip(), bound.port());
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((udp, tcp, address)),
            Err(error) if attempts == 0 => return Err(refuse(error.to_string())),
            Err(_) => {}
        }
    }
}

/// Answers what needs no call, and hands invitations on.
struct Uas {
    dialogs: Arc<DialogLayer>,
    contact: SocketAddr,
    draining: Arc<AtomicBool>,
    invitations: mpsc::Sender<Invitation>,
    peers: TcpPeers,
}

impl Uas {
    /// Runs until the endpoint is shut down. `_endpoint` keeps the stack's parts alive meanwhile.
    async fn serve(
        self,
        mut incoming: rsipstack::transaction::TransactionReceiver,
        _endpoint: Arc<Endpoint>,
    ) {
        while let Some(transaction) = incoming.recv().await {
            if let Err(error) = self.dispatch(transaction).await {
                debug!(%error, "a SIP request could not be answered");
            }
        }
    }

    async fn dispatch(&self, mut transaction: Transaction) -> rsipstack::Result<()> {
        if !request::is_whole(&transaction.original) {
            return transaction.reply(StatusCode::MessageTooLarge).await;
        }
        let in_dialog = request::has_to_tag(&transaction.original);
        match transaction.original.method {
            Method::Options => self.answer_options(&mut transaction).await,
            Method::Invite if !in_dialog => self.invite(transaction).await,
            _ if in_dialog => self.in_dialog(transaction).await,
            _ => {
                transaction
                    .reply_with(StatusCode::MethodNotAllowed, vec![Header::Allow(ALLOW.into())], None)
                    .await
            }
        }
    }

    async fn answer_options(&self, transaction: &mut Transaction) -> rsipstack::Result<()> {
        if self.draining.load(Ordering::Relaxed) {
            return transaction.reply(StatusCode::ServiceUnavailable).await;
        }
        let headers = vec![Header::Allow(ALLOW.into()), Header::Accept("application/sdp".into())];
        transaction.reply_with(StatusCode::OK, headers, None).await
    }

    async fn invite(&self, mut transaction: Transaction) -> rsipstack::Result<()> {
        if self.draining.load(Ordering::Relaxed) {
            return transaction.reply(StatusCode::ServiceUnavailable).await;
        }
        let transport = transaction.connection.as_ref().map(SipConnection::transport);
        let (states, state_receiver) = self.dialogs.new_dialog_state_channel();
        let mut dialog = match self.dialogs.get_or_create_server_invite(
            &transaction,
            states,
            None,
            Some(self.contact_uri(transport)),
        ) {
            Ok(dialog) => dialog,
            Err(error) => {
                debug!(%error, "an INVITE could not become a dialog");
                return transaction.reply(StatusCode::BadRequest).await;
            }
        };
        let mut invitation =
            leg::invitation(&transaction, dialog.clone(), self.dialogs.clone(), state_receiver);
        if transport == Some(Transport::Tcp) {
            invitation.carrier = invitation.source.and_then(|peer| self.peers.carry(peer));
        }
        if self.invitations.try_send(invitation).is_err() {
            self.dialogs.remove_dialog(&dialog.id());
            return transaction.reply(StatusCode::ServiceUnavailable).await;
        }
        tokio::spawn(async move {
            if let Err(error) = dialog.handle(&mut transaction).await {
                debug!(%error, "an INVITE transaction ended early");
            }
        });
        Ok(())
    }

    async fn in_dialog(&self, mut transaction: Transaction) -> rsipstack::Result<()> {
        let Some(Dialog::Invite(mut dialog)) = self.dialogs.match_dialog(&transaction) else {
            return transaction.reply(StatusCode::CallTransactionDoesNotExist).await;
        };
        let before_ack = dialog.state().waiting_ack();
        if before_ack && matches!(transaction.original.method, Method::Info | Method::Update | Method::Invite)
        {
            // The dialog would ignore it without an answer.
            return transaction.reply(StatusCode::RequestPending).await;
        }
        tokio::spawn(async move {
            if let Err(error) = dialog.handle(&mut transaction).await {
                debug!(%error, "an in-dialog transaction ended early");
            }
        });
        Ok(())
    }

    fn contact_uri(&self, transport: Option<Transport>) -> Uri {
        let params = match transport {
            Some(Transport::Udp) | None => Vec::new(),
            Some(other) => vec![Param::Transport(other)],
        };
        Uri {
            scheme: Some(Scheme::Sip),
            auth: Some("tympan".into()),
            host_with_port: self.contact.into(),
            params,
            ..Uri::default()
        }
    }
}
