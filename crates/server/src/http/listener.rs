//! HTTP/1.1 connections: producers sign hop-by-hop headers, so nothing newer is offered.

use super::body::Body;
use super::gate::Peer;
use super::write_deadline::WriteDeadline;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use std::convert::Infallible;
use std::future::Future;
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
/// Largest head of a request: signatures with long session tokens are a few kB.
const HEAD_LIMIT_BYTES: usize = 64 * 1024;

/// Answers one request.
pub(super) trait Answer: Send + Sync + 'static {
    /// The answer; every failure is one too.
    fn answer(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
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
                let stream = WriteDeadline::new(stream, write_timeout);
                connections.spawn(welcome(stream, peer, tls.clone(), answer.clone(), shutdown.clone()));
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
fn tune(stream: &TcpStream, write_timeout: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(write_timeout))?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(3),
    )
}

async fn welcome(
    stream: WriteDeadline<TcpStream>,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    answer: Arc<impl Answer>,
    shutdown: CancellationToken,
) {
    let Some(tls) = tls else { return connection(stream, peer, false, answer, shutdown).await };
    let shaken = tokio::select! {
        () = shutdown.cancelled() => return,
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => connection(stream, peer, true, answer, shutdown).await,
        Ok(Err(error)) => debug!(%error, %peer, "a TLS handshake failed"),
        Err(_) => debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    is_secure: bool,
    answer: Arc<impl Answer>,
    shutdown: CancellationToken,
) {
    let other_end = Peer { ip: peer.ip(), is_secure };
    let service = service_fn(move |mut request: Request<Incoming>| {
        let answer = answer.clone();
        request.extensions_mut().insert(other_end);
        async move { Ok::<_, Infallible>(answer.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEAD_LIMIT_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!(%error, %peer, "an HTTP connection ended early");
    }
}
