use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tympan_sip::agent::{ConnId, Input};

/// Messages that wait for being written to one peer.
const MESSAGES_WAITING: usize = 1_024;
/// Bytes that wait for being written to one peer.
const BYTES_WAITING: usize = 1024 * 1024;
/// A peer that takes nothing for this long does not read.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// What is read in one go.
const READ_BYTES: usize = 16 * 1024;

/// A connection that is open. Dropping it writes what waits and closes it.
#[derive(Debug)]
pub(super) struct Connection {
    queue: mpsc::Sender<Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
    cancel: CancellationToken,
    writer: JoinHandle<()>,
}

impl Connection {
    /// Takes over a stream. What is read goes to `inputs`, and its end as [`Input::Closed`].
    pub(super) fn new(conn: ConnId, stream: TcpStream, inputs: mpsc::Sender<Input>) -> Self {
        let (reader, writer) = stream.into_split();
        let (queue, waiting) = mpsc::channel(MESSAGES_WAITING);
        let (cancel, waiting_bytes) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(read(conn, reader, inputs, cancel.clone()));
        let writer = tokio::spawn(write(writer, waiting, waiting_bytes.clone(), cancel.clone()));
        Self { queue, waiting_bytes, cancel, writer }
    }

    /// Queues bytes; false where the peer has too many unread already, or is gone.
    pub(super) fn send(&self, bytes: Bytes) -> bool {
        let length = bytes.len();
        let before = self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        if before + length <= BYTES_WAITING && self.queue.try_send(bytes).is_ok() {
            return true;
        }
        self.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
        false
    }

    /// Closes it without writing what waits.
    pub(super) fn abort(self) {
        self.cancel.cancel();
        self.writer.abort();
    }

    /// Waits until all is written and the connection is closed.
    pub(super) async fn finish(self) {
        drop(self.queue);
        // It ends by itself within its write limit.
        let _ = self.writer.await;
    }
}

async fn read(
    conn: ConnId,
    mut reader: OwnedReadHalf,
    inputs: mpsc::Sender<Input>,
    cancel: CancellationToken,
) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        let read = tokio::select! {
            () = cancel.cancelled() => break,
            read = reader.read_buf(&mut buffer) => read,
        };
        if !matches!(read, Ok(length) if length > 0) {
            break;
        }
        // A driver that is behind slows this peer, and no other.
        if inputs.send(Input::Stream { conn, bytes: buffer.split().freeze() }).await.is_err() {
            return;
        }
    }
    let _ = inputs.send(Input::Closed { conn }).await;
}

async fn write(
    mut writer: OwnedWriteHalf,
    mut waiting: mpsc::Receiver<Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
    cancel: CancellationToken,
) {
    while let Some(bytes) = waiting.recv().await {
        let written = tokio::time::timeout(WRITE_LIMIT, writer.write_all(&bytes)).await;
        waiting_bytes.fetch_sub(bytes.len(), Ordering::Relaxed);
        if !matches!(written, Ok(Ok(()))) {
            break;
        }
    }
    // Shutting down tells the peer; its own end is not waited for.
    let _ = tokio::time::timeout(WRITE_LIMIT, writer.shutdown()).await;
    cancel.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (Connection, TcpStream, mpsc::Receiver<Input>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (inputs, received) = mpsc::channel(8);
        (Connection::new(ConnId(1), stream, inputs), peer, received)
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_fills_its_queue_and_nothing_else() {
        let (connection, _deaf, _inputs) = pair().await;
        let message = Bytes::from(vec![b'x'; 64 * 1024]);
        let taken = (0..10_000).take_while(|_| connection.send(message.clone())).count();
        assert!(taken < 10_000, "no limit was met");
        assert!(connection.waiting_bytes.load(Ordering::Relaxed) <= BYTES_WAITING);
        connection.abort();
    }

    #[tokio::test]
    async fn what_waits_is_written_before_the_connection_closes() {
        let (connection, mut peer, mut inputs) = pair().await;
        for _ in 0..100 {
            assert!(connection.send(Bytes::from_static(b"0123456789")));
        }
        connection.finish().await;
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), 1_000);
        assert!(matches!(inputs.recv().await, Some(Input::Closed { conn: ConnId(1) })));
    }

    #[tokio::test]
    async fn what_is_read_comes_in_order_and_then_the_end() {
        let (_connection, mut peer, mut inputs) = pair().await;
        peer.write_all(&[b'x'; 40_000]).await.unwrap();
        drop(peer);
        let mut length = 0;
        loop {
            match inputs.recv().await.unwrap() {
                Input::Stream { bytes, .. } => length += bytes.len(),
                Input::Closed { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(length, 40_000);
    }
}
