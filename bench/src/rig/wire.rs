//! HTTP/1.1 as bytes on a socket: a load that costs little more than its system calls, the same for every server.

use crate::clock::Monotonic;
use anyhow::{Context, ensure};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

/// The longest that a server may do nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// Read at a time.
const READ_BYTES: usize = 256 * 1024;

/// What ends a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What came back: head and framing included, the end of a chunked body not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// Bytes of the answer.
    pub(crate) bytes: u64,
    /// When the last of them had come.
    pub(crate) last: Monotonic,
}

/// Where a server is reached on this machine, and how.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Host and port.
    pub(crate) authority: &'a str,
    /// Whom to trust; `None`: no TLS.
    pub(crate) tls: Option<&'a Arc<ClientConfig>>,
}

/// Sends a request whose body, if any, is part of `request`, and gives each piece of the answer to `take` until the
/// server closes the connection.
pub(crate) fn get(place: Place<'_>, request: &str, take: impl FnMut(&[u8])) -> anyhow::Result<Received> {
    let mut socket = connect(place.authority)?;
    let Some(tls) = place.tls else {
        socket.write_all(request.as_bytes())?;
        return receive(socket, take);
    };
    let name = ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut stream = StreamOwned::new(ClientConnection::new(tls.clone(), name)?, socket);
    stream.write_all(request.as_bytes())?;
    receive(stream, take)
}

/// Sends a request whose body comes in chunks, while another thread reads the answer and gives it to `take`.
///
/// `body` writes one chunk with its framing into the buffer that it is given, and says whether there is one.
pub(crate) fn put(
    authority: &str,
    head: &str,
    mut body: impl FnMut(&mut Vec<u8>) -> bool,
    take: impl FnMut(&[u8]) + Send,
) -> anyhow::Result<Received> {
    let mut socket = connect(authority)?;
    let answer = socket.try_clone()?;
    socket.write_all(head.as_bytes())?;
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || receive(answer, take));
        let mut chunk = Vec::new();
        let sent = loop {
            chunk.clear();
            if !body(&mut chunk) {
                break socket.write_all(LAST_CHUNK);
            }
            if let Err(error) = socket.write_all(&chunk) {
                break Err(error);
            }
        };
        // Where the server refuses the body, its answer says more than the broken pipe.
        if sent.is_err() {
            let _ = socket.shutdown(Shutdown::Write);
        }
        let received =
            reading.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the reading thread panicked")))?;
        sent.context("the server took no more of the body")?;
        Ok(received)
    })
}

fn receive(mut socket: impl Read, mut take: impl FnMut(&[u8])) -> anyhow::Result<Received> {
    let mut buffer = vec![0; READ_BYTES];
    let mut received = Received { bytes: 0, last: Monotonic::now() };
    while let taken @ 1.. = socket.read(&mut buffer).context("the answer broke off")? {
        let piece = &buffer[..taken];
        ensure!(
            received.bytes > 0 || piece.starts_with(b"HTTP/1.1 2"),
            "the server answered: {}",
            String::from_utf8_lossy(&piece[..taken.min(400)])
        );
        if piece != LAST_CHUNK {
            received = Received { bytes: received.bytes + taken as u64, last: Monotonic::now() };
        }
        take(piece);
    }
    Ok(received)
}

/// Adds a chunk with its framing.
pub(crate) fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn connect(authority: &str) -> anyhow::Result<TcpStream> {
    let socket = TcpStream::connect(authority).with_context(|| format!("cannot connect to {authority}"))?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}
