//! HTTP/1.1 connections: producers sign hop-by-hop headers, so nothing newer is offered.

use super::body::{Body, Incoming};
use super::gate::Peer;
use super::tls::Tls;
use super::web::{Web, WebRules};
use super::write_deadline::WriteDeadline;
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

/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take for a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A silent connection is probed after so long.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What waits for a socket at most, so that a fast reader of the past is given much at once; also the largest head of a
/// request, of which signatures with long session tokens need a few kB.
const BUFFER_BYTES: usize = 256 * 1024;

/// Answers one request.
pub(super) trait Answer: Send + Sync + 'static {
    /// Whether requests carry a [`Tear`], because an answer may want to reset its connection.
    const TEARS: bool = false;

    /// The answer; every failure is one too.
    fn answer(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// Resets the connection that a request came by.
#[derive(Debug, Clone, Default)]
pub(super) struct Tear(CancellationToken);

impl Tear {
    /// Closes the connection at once, with a TCP RST: what it still has to send is lost.
    pub(super) fn tear(&self) {
        self.0.cancel();
    }
}

/// Where clients come in.
pub(crate) struct Door {
    /// The bound socket.
    pub listener: TcpListener,
    /// The certificate; `None`: no TLS.
    pub tls: Option<Arc<Tls>>,
    /// A connection whose peer takes nothing for so long is closed.
    pub write_timeout: Duration,
    /// What web pages may do.
    pub web: WebRules,
}

impl Door {
    /// Lets clients in until `shutdown`; returns when the last connection is closed.
    pub(super) async fn serve(self, answer: Arc<impl Answer>, shutdown: CancellationToken) -> io::Result<()> {
        let acceptor = self.tls.as_ref().map(|tls| tls.acceptor()).transpose().map_err(io::Error::other)?;
        if let Some(tls) = self.tls {
            tokio::spawn(tls.watch(shutdown.clone()));
        }
        serve(self.listener, acceptor, Web::around(answer, self.web), self.write_timeout, shutdown).await;
        Ok(())
    }
}

/// Serves `listener` until `shutdown`; then finishes the requests that run. Returns when the last connection is closed.
///
/// A connection whose peer takes nothing for `write_timeout` is closed.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: Arc<impl Answer>,
    write_timeout: Duration,
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
                if let Err(error) = tune(&stream, write_timeout) {
                    debug!(%error, "cannot set the options of a connection");
                }
                let (tls, answer, shutdown) = (tls.clone(), answer.clone(), shutdown.clone());
                connections.spawn(welcome(stream, peer, tls, write_timeout, answer, shutdown));
            }
            Err(error) => {
                warn!(%error, "cannot accept an HTTP connection");
                // Out of descriptors: give those that hold them a moment instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
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
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    write_timeout: Duration,
    answer: Arc<A>,
    shutdown: CancellationToken,
) {
    // A reset is sent when the last descriptor closes; this one says that it is to be a reset.
    let socket = A::TEARS.then(|| SockRef::from(&stream).try_clone());
    let stream = WriteDeadline::new(stream, write_timeout);
    let Some(tls) = tls else { return connection(stream, peer, false, socket, answer, shutdown).await };
    let shaken = tokio::select! {
        () = shutdown.cancelled() => return,
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => connection(stream, peer, true, socket, answer, shutdown).await,
        Ok(Err(error)) => debug!(%error, %peer, "a TLS handshake failed"),
        Err(_) => debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn connection<A: Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    is_secure: bool,
    socket: Option<io::Result<Socket>>,
    answer: Arc<A>,
    shutdown: CancellationToken,
) {
    let other_end = Peer { ip: peer.ip(), is_secure };
    let tear = A::TEARS.then(Tear::default);
    let torn = tear.clone();
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (answer, mut request) = (answer.clone(), request.map(Incoming::Wire));
        request.extensions_mut().insert(other_end);
        if let Some(tear) = &tear {
            request.extensions_mut().insert(tear.clone());
        }
        async move { Ok::<_, Infallible>(answer.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(BUFFER_BYTES);
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
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
