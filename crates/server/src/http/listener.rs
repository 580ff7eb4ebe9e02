//! HTTP/1.1 connections: producers sign hop-by-hop headers, so nothing newer is offered.

use super::authorize::Peer;
use super::body::{Body, Incoming};
use super::pages::Pages;
use super::slot::{Slot, SlotStream};
use super::tls::Tls;
use super::write_deadline::WriteDeadline;
use crate::connections::Connections;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, Socket, TcpKeepalive};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};
use tympan_aws::cors::WebRules;

/// How long a client may take for a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A silent connection is probed after so long.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What waits for a socket at most, so that a fast reader of the past is given much at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// The largest head of a request. Signatures with long session tokens need a few kB.
const HEAD_BYTES: usize = 32 * 1024;

/// Answers one request.
pub(crate) trait Answer: Send + Sync + 'static {
    /// Whether requests carry a [`Tear`], because an answer may want to reset its connection.
    const TEARS: bool = false;

    /// Whether web pages may call what is at this path.
    fn is_for_pages(&self, _path: &str) -> bool {
        false
    }

    /// The answer; every failure is one too.
    fn answer(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// Resets the connection that a request came by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tear(CancellationToken);

impl Tear {
    /// Closes the connection at once, with a TCP RST: what it still has to send is lost.
    pub(crate) fn tear(&self) {
        self.0.cancel();
    }
}

/// Where clients come in.
pub(crate) struct Listener {
    /// The bound socket.
    pub socket: TcpListener,
    /// The certificate; `None`: no TLS.
    pub tls: Option<Arc<Tls>>,
    /// Places for connections.
    pub connections: Arc<Connections>,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// What web pages may do.
    pub web: WebRules,
}

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// For the head of a request.
    pub head: Duration,
    /// From one request to the next.
    pub idle: Duration,
    /// A connection whose peer takes nothing for so long is closed.
    pub write: Duration,
}

impl Listener {
    /// Lets clients in until `shutdown`; returns when the last connection is closed.
    pub(crate) async fn serve(self, answer: Arc<impl Answer>, shutdown: CancellationToken) -> io::Result<()> {
        let acceptor = self.tls.as_ref().map(|tls| tls.acceptor()).transpose().map_err(io::Error::other)?;
        let places = Places { connections: self.connections, timeouts: self.timeouts };
        serve(self.socket, acceptor, Pages::around(answer, self.web), places, shutdown).await;
        Ok(())
    }
}

/// What connections are given.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) connections: Arc<Connections>,
    pub(super) timeouts: Timeouts,
}

/// Serves `listener` until `shutdown`; then finishes the requests that run. Returns when the last connection is closed.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: Arc<impl Answer>,
    places: Places,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Those that wait behind this one wait in the kernel.
                let Some(connection) = places.connections.admit(peer.ip().to_canonical()).await else {
                    debug!(%peer, "an HTTP connection is closed: all that are open work");
                    continue;
                };
                if let Err(error) = tune(&stream, places.timeouts.write) {
                    debug!(%error, "cannot set the options of a connection");
                }
                let link = Link { stream, peer, slot: Slot::new(connection), timeouts: places.timeouts };
                connections.spawn(welcome(link, tls.clone(), answer.clone(), shutdown.clone()));
            }
            Err(error) => {
                warn!(%error, "cannot accept an HTTP connection");
                places.connections.refused();
                // Out of descriptors: give those that hold them a moment instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// A connection that has its place.
struct Link<S> {
    // Closed before its place is given to another.
    stream: S,
    peer: SocketAddr,
    slot: Slot,
    timeouts: Timeouts,
}

/// Live audio goes out in pieces of 400 bytes: each must leave at once. A peer that is gone without a word is noticed:
/// by what it does not acknowledge, or, where nothing is sent, by keepalive.
fn tune(stream: &TcpStream, write_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(write_timeout))?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(3),
    )
}

async fn welcome<A: Answer>(
    link: Link<TcpStream>,
    tls: Option<TlsAcceptor>,
    answer: Arc<A>,
    shutdown: CancellationToken,
) {
    let Link { stream, peer, slot, timeouts } = link;
    // A reset is sent when the last descriptor closes; this one says that it is to be a reset.
    let socket = A::TEARS.then(|| SockRef::from(&stream).try_clone());
    let stream = WriteDeadline::new(stream, timeouts.write);
    let Some(tls) = tls else {
        return connection(Link { stream, peer, slot, timeouts }, false, socket, answer, shutdown).await;
    };
    let shaken = tokio::select! {
        () = shutdown.cancelled() => return,
        () = slot.evicted() => return,
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => {
            connection(Link { stream, peer, slot, timeouts }, true, socket, answer, shutdown).await
        }
        Ok(Err(error)) => debug!(%error, %peer, "a TLS handshake failed"),
        Err(_) => debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn connection<A: Answer>(
    link: Link<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>,
    is_secure: bool,
    socket: Option<io::Result<Socket>>,
    answer: Arc<A>,
    shutdown: CancellationToken,
) {
    let Link { stream, peer, slot, timeouts } = link;
    let other_end = Peer { ip: peer.ip(), is_secure };
    let tear = A::TEARS.then(Tear::default);
    let torn = tear.clone();
    let stream = SlotStream::new(stream, slot.clone(), timeouts.head);
    let of_requests = slot.clone();
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (answer, mut request) = (answer.clone(), request.map(Incoming::Wire));
        let slot = of_requests.clone();
        slot.begin();
        request.extensions_mut().insert(other_end);
        request.extensions_mut().insert(slot.clone());
        if let Some(tear) = &tear {
            request.extensions_mut().insert(tear.clone());
        }
        async move {
            let response = answer.answer(request).await;
            Ok::<_, Infallible>(response.map(|body| slot.until_end(body)))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).max_buf_size(BUFFER_BYTES).max_header_size(HEAD_BYTES);
    // hyper measures from the end of the last request; the head itself has a limit of its own, which may be longer.
    builder.header_read_timeout(timeouts.idle.max(timeouts.head));
    let mut connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let torn = async {
        match &torn {
            Some(Tear(torn)) => torn.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(torn);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = &mut torn => return reset(connection, socket),
        () = slot.evicted() => return debug!(%peer, "an idle HTTP connection makes room for another"),
        () = shutdown.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                outcome = &mut connection => outcome,
                () = &mut torn => return reset(connection, socket),
            }
        }
    };
    if let Err(error) = outcome {
        debug!(%error, %peer, "an HTTP connection ended early");
    }
}

/// Closes a connection with a TCP RST.
fn reset<C>(connection: C, socket: Option<io::Result<Socket>>) {
    match &socket {
        Some(Ok(socket)) => {
            if let Err(error) = socket.set_linger(Some(Duration::ZERO)) {
                debug!(%error, "a connection is closed instead of reset");
            }
        }
        Some(Err(error)) => debug!(%error, "a connection is closed instead of reset"),
        None => {}
    }
    drop(connection);
}
