//! SIP over TCP: connections with a place, a bounded queue to write from, and an end for a peer that does not read.
//!
//! A connection has a task of its own, which reads, writes, and waits for nothing but its own peer. What it reads goes to the
//! shard; what the shard has for it goes to its queue, which refuses what it has no room for.

use super::address::{LocalAddress, canonical};
use super::stats::SipStats;
use crate::connections::{Connection, Connections};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use tympan_sip::agent::{ConnId, Flow, Target, Way};
use tympan_sip::wire::Transport;

/// A connection takes one descriptor.
pub(crate) const PER_CONNECTION: u64 = 1;
/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;
/// Messages that may wait in a queue, beside the limit of their bytes.
const MESSAGES_WAITING: usize = 4_096;
/// How long a connection to a peer may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After our last byte: how long the peer may go on sending, so that what it has not read yet is not lost by a reset.
const LINGER: Duration = Duration::from_secs(1);

/// How SIP over TCP is limited.
#[derive(Debug, Clone)]
pub(crate) struct TcpLimits {
    /// Places for connections.
    pub(crate) connections: Arc<Connections>,
    /// A connection without a call on which nothing comes for so long is closed.
    pub(crate) idle: Duration,
    /// A message has to be whole within that time.
    pub(crate) message: Duration,
    /// A peer has to take something of what is written within that time.
    pub(crate) write: Duration,
    /// What may wait to be written to one connection.
    pub(crate) write_queue_bytes: usize,
}

/// What a connection tells the shard.
#[derive(Debug)]
pub(super) enum StreamEvent {
    /// It is open.
    Opened(ConnId, Opened),
    /// Bytes came.
    Bytes(ConnId, Bytes),
    /// The peer sends no more, but may still read.
    HalfClosed(ConnId),
    /// It is closed, or could not be opened.
    Closed(ConnId),
}

/// A connection as the shard has it. Dropping this does not close it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) flow: Flow,
    pub(super) queue: Arc<WriteQueue>,
    pub(super) place: Arc<Connection>,
    /// Closes it at once.
    pub(super) abort: CancellationToken,
}

/// Opens connections, of peers and to peers.
#[derive(Clone)]
pub(super) struct TcpSide {
    pub(super) local: LocalAddress,
    pub(super) limits: TcpLimits,
    pub(super) events: mpsc::Sender<StreamEvent>,
    pub(super) ids: Arc<AtomicU64>,
    pub(super) stats: Arc<SipStats>,
    pub(super) cancel: CancellationToken,
}

impl TcpSide {
    /// Accepts until the endpoint is shut down.
    pub(super) async fn accept(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.cancel.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let peer = canonical(peer);
                    let Some(place) = self.limits.connections.admit(peer.ip()).await else {
                        debug!(%peer, "a SIP connection is closed: all that are open carry calls");
                        continue;
                    };
                    let conn = ConnId(self.ids.fetch_add(1, Ordering::Relaxed));
                    tokio::spawn(self.clone().serve(stream, conn, peer, Arc::new(place)));
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

    /// Opens a connection that the agent asks for; says how it went by an event.
    pub(super) fn connect(&self, conn: ConnId, target: Target) {
        let side = self.clone();
        tokio::spawn(async move {
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, side.try_connect(target.peer)).await;
            match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok((stream, place)) => side.serve(stream, conn, target.peer, Arc::new(place)).await,
                Err(error) => {
                    debug!(%error, "a SIP connection cannot be opened");
                    side.tell(StreamEvent::Closed(conn)).await;
                }
            }
        });
    }

    async fn try_connect(&self, peer: SocketAddr) -> io::Result<(TcpStream, Connection)> {
        let place = self.limits.connections.admit(peer.ip()).await;
        let place = place.ok_or_else(|| io::Error::other("all connections carry calls"))?;
        let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        let bound = self.local.bound().ip();
        if !bound.is_unspecified() && bound.is_ipv4() == peer.is_ipv4() {
            socket.bind(SocketAddr::new(bound, 0))?;
        }
        Ok((socket.connect(peer).await?, place))
    }

    async fn serve(self, mut stream: TcpStream, conn: ConnId, peer: SocketAddr, place: Arc<Connection>) {
        let arrived_at = stream.local_addr().ok().map(|local| local.ip());
        // A message is written whole, so that nothing is gained by waiting for more.
        let _ = stream.set_nodelay(true);
        let local = self.local.reached_by(peer, arrived_at);
        let flow = Flow { way: Way::Stream(conn), transport: Transport::Tcp, local, peer };
        let queue = Arc::new(WriteQueue::new(self.limits.write_queue_bytes));
        let abort = self.cancel.child_token();
        let opened = Opened { flow, queue: queue.clone(), place: place.clone(), abort: abort.clone() };
        self.tell(StreamEvent::Opened(conn, opened)).await;
        tokio::select! {
            () = abort.cancelled() => {}
            () = place.evicted() => debug!(%peer, "an idle SIP connection makes room for another"),
            served = self.exchange(&mut stream, conn, &queue) => {
                if let Err(error) = served {
                    debug!(%error, %peer, "a SIP connection has failed");
                }
            }
        }
        queue.close();
        drop((stream, place));
        self.tell(StreamEvent::Closed(conn)).await;
    }

    /// Reads and writes until the queue is finished or the connection fails.
    async fn exchange(&self, stream: &mut TcpStream, conn: ConnId, queue: &WriteQueue) -> io::Result<()> {
        let (reader, mut writer) = stream.split();
        let reading = async {
            self.read(&reader, conn).await?;
            self.tell(StreamEvent::HalfClosed(conn)).await;
            // Whether the peer still reads only writing shows.
            std::future::pending::<io::Result<()>>().await
        };
        tokio::select! {
            failed = reading => return failed,
            written = self.write(&mut writer, queue) => written?,
        }
        writer.shutdown().await?;
        // Its last words were read by now, or it does not listen.
        let _ = tokio::time::timeout(LINGER, discard(&reader)).await;
        Ok(())
    }

    /// Reads until the peer sends no more.
    async fn read(&self, reader: &ReadHalf<'_>, conn: ConnId) -> io::Result<()> {
        loop {
            // An idle connection holds no buffer.
            reader.readable().await?;
            let mut buffer = BytesMut::with_capacity(READ_BYTES);
            match reader.try_read_buf(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => self.tell(StreamEvent::Bytes(conn, buffer.freeze())).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes what comes into the queue, until it is finished and empty.
    async fn write(&self, writer: &mut WriteHalf<'_>, queue: &WriteQueue) -> io::Result<()> {
        while let Some(mut message) = queue.next().await {
            while !message.is_empty() {
                let written = tokio::time::timeout(self.limits.write, writer.write_buf(&mut message)).await;
                let Ok(written) = written else {
                    self.stats.connection_unread();
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read"));
                };
                queue.written(written?);
            }
        }
        Ok(())
    }

    /// The shard reads on whatever happens to a connection; it is gone only with the server.
    async fn tell(&self, event: StreamEvent) {
        let _ = self.events.send(event).await;
    }
}

async fn discard(reader: &ReadHalf<'_>) {
    let mut buffer = [0; 4_096];
    while reader.readable().await.is_ok() {
        match reader.try_read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// What waits to be written to one connection. It never waits itself: what has no room is refused.
#[derive(Debug)]
pub(super) struct WriteQueue {
    limit_bytes: usize,
    state: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    /// Of the messages, and of the one that is being written.
    bytes: usize,
    /// Nothing more is taken.
    is_finished: bool,
}

impl WriteQueue {
    fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, state: Mutex::default(), changed: Notify::new() }
    }

    /// Takes a message; false where there is no room for it. One that is finished takes it and drops it.
    pub(super) fn push(&self, message: Bytes) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_finished {
            return true;
        }
        if state.bytes + message.len() > self.limit_bytes || state.messages.len() >= MESSAGES_WAITING {
            return false;
        }
        state.bytes += message.len();
        state.messages.push_back(message);
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Takes no more; what waits is still written, and then the connection is closed.
    pub(super) fn finish(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_finished = true;
        self.changed.notify_one();
    }

    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes == 0
    }

    fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = Waiting { is_finished: true, ..Waiting::default() };
    }

    fn written(&self, bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// The next message; `None` once the queue is finished and empty.
    async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(message) = state.messages.pop_front() {
                    return Some(message);
                }
                if state.is_finished {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests;
