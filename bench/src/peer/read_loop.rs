//! A server that reads whatever it is sent and drops it: what receiving costs at least.

use crate::clock::thread_cpu_ns;
use crate::rig::core::Core;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A running read loop, on a thread of its own; ends when dropped.
pub(crate) struct ReadLoop {
    address: SocketAddr,
    cpu_ns: Arc<AtomicU64>,
    _stop: oneshot::Sender<()>,
}

/// Room for a read: what hyper grows its buffer to, about.
const READ_BYTES: usize = 256 * 1024;

impl ReadLoop {
    /// Starts it, on a core of its own if one is given.
    pub(crate) fn start(core: Option<Core>) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let cpu_ns = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counter = cpu_ns.clone();
        std::thread::Builder::new().name("read-loop".into()).spawn(move || {
            if let Some(core) = core {
                // A busier core only makes the floor higher.
                let _ = core.take();
            }
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let accept = tokio::spawn(async move {
                    while let Ok((socket, _)) = listener.accept().await {
                        tokio::spawn(swallow(socket, counter.clone()));
                    }
                });
                // An error says that the handle is gone, which is the signal.
                let _ = stopped.await;
                accept.abort();
            });
        })?;
        Ok(Self { address, cpu_ns, _stop: stop })
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// CPU time of its thread, as of the end of the last request.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Ordering::Acquire))
    }
}

/// Reads to the last chunk and answers.
async fn swallow(mut socket: TcpStream, cpu_ns: Arc<AtomicU64>) {
    const END: &[u8] = b"\r\n0\r\n\r\n";
    let mut buffer = vec![0; READ_BYTES];
    let mut kept = 0;
    while let Ok(taken @ 1..) = socket.read(&mut buffer[kept..]).await {
        let end = kept + taken;
        if buffer[..end].ends_with(END) {
            break;
        }
        // The end may come in two pieces.
        kept = end.min(END.len());
        buffer.copy_within(end - kept..end, 0);
    }
    cpu_ns.store(thread_cpu_ns(), Ordering::Release);
    let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
}
