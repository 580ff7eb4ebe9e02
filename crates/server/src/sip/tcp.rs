//! SIP over TCP: which connections the stack is given, and which are closed again.
//!
//! The stack's own listener binds late, hides a failure and takes every connection. So the listener is ours: a connection
//! has a place, is given to the stack with its first byte, and is closed when a call needs its place.

use crate::connections::{Connection, Connections, Work};
use rsipstack::sip::Transport;
use rsipstack::transaction::Endpoint;
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::{SipAddr, SipConnection};
use socket2::SockRef;
use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// A connection takes two descriptors: the stack keeps the one, and the other can close it.
pub(crate) const PER_CONNECTION: u64 = 2;
/// How long the stack may take to let go of a connection that was closed.
const LETTING_GO: Duration = Duration::from_secs(5);

/// How SIP over TCP is limited.
#[derive(Debug, Clone)]
pub(crate) struct TcpLimits {
    /// Places for connections.
    pub(crate) connections: Arc<Connections>,
    /// A connection on which nothing comes for so long is closed.
    pub(crate) idle: Duration,
}

/// The connections that the stack has, by their other end. Clones share the list.
#[derive(Debug, Clone, Default)]
pub(super) struct TcpPeers(Arc<Mutex<HashMap<SocketAddr, Arc<Connection>>>>);

impl TcpPeers {
    /// The connection to `peer` carries a call until what this returns is dropped; `None` where there is none.
    pub(super) fn carry(&self, peer: SocketAddr) -> Option<Work> {
        self.peers().get(&peer).map(|connection| connection.work())
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The listener at work.
#[derive(Clone)]
pub(super) struct TcpSide {
    pub(super) local: SipAddr,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) limits: TcpLimits,
    pub(super) peers: TcpPeers,
    pub(super) cancel: CancellationToken,
}

impl TcpSide {
    /// The address of a listener.
    pub(super) fn address(address: SocketAddr) -> SipAddr {
        SipAddr { r#type: Some(Transport::Tcp), addr: address.into() }
    }

    /// Accepts until the endpoint is shut down.
    pub(super) async fn accept(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.cancel.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let place = self.limits.connections.admit(peer.ip().to_canonical()).await;
                    let Some(place) = place else {
                        debug!(%peer, "a SIP connection is closed: all that are open carry calls");
                        continue;
                    };
                    tokio::spawn(self.clone().serve(stream, peer, Arc::new(place)));
                }
                Err(error) => {
                    warn!(%error, "cannot accept a SIP connection");
                    self.limits.connections.refused();
                    // Out of descriptors: give the calls that hold them a moment instead of spinning.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, place: Arc<Connection>) {
        // The stack takes 128 KiB for a connection: not for one that says nothing.
        let begun = tokio::select! {
            () = self.cancel.cancelled() => return,
            () = place.evicted() => return debug!(%peer, "an idle SIP connection makes room for another"),
            begun = tokio::time::timeout(self.limits.idle, stream.readable()) => begun,
        };
        if !matches!(begun, Ok(Ok(()))) {
            return debug!(%peer, "nothing came by a SIP connection");
        }
        self.peers.peers().insert(peer, place.clone());
        if let Err(error) = self.hand_over(stream, &place).await {
            debug!(%error, %peer, "a SIP connection closed before it was served");
        }
        // The other end may have come again from the same port meanwhile.
        let mut peers = self.peers.peers();
        if peers.get(&peer).is_some_and(|listed| Arc::ptr_eq(listed, &place)) {
            peers.remove(&peer);
        }
    }

    /// Gives a connection to the stack; returns when the stack has let go of it.
    async fn hand_over(&self, stream: TcpStream, place: &Connection) -> io::Result<()> {
        let socket = SockRef::from(&stream).try_clone()?;
        // The stack cancels it when it serves the connection no more.
        let served = self.cancel.child_token();
        let connection = TcpConnection::from_stream(stream, self.local.clone(), Some(served.clone()))
            .map_err(io::Error::other)?;
        self.endpoint.inner.transport_layer.add_connection(SipConnection::Tcp(connection));
        tokio::select! {
            () = served.cancelled() => return Ok(()),
            () = place.evicted() => {}
        }
        socket.shutdown(Shutdown::Both)?;
        // It has nothing left to read, so that this is soon.
        let _ = tokio::time::timeout(LETTING_GO, served.cancelled()).await;
        Ok(())
    }
}
