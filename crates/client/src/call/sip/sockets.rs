use super::CallError;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;

/// The sockets of an agent.
pub(super) struct Sockets {
    /// For receiving.
    pub(super) udp: UdpSocket,
    /// The same socket, for sending: it never waits, and what the system does not take is lost as in a network.
    pub(super) out: std::net::UdpSocket,
    /// For the connections of peers: a far end may open one of its own for its BYE.
    pub(super) tcp: TcpListener,
    /// Where both are reached.
    pub(super) address: SocketAddr,
}

/// One port for both transports: it stands in the Contact whichever is used.
pub(super) async fn bind_pair(local: IpAddr) -> Result<Sockets, CallError> {
    let failed =
        |error: std::io::Error| CallError::Network(format!("cannot open a SIP socket on {local}: {error}"));
    let mut attempts = 20;
    loop {
        attempts -= 1;
        let out = std::net::UdpSocket::bind((local, 0)).map_err(failed)?;
        let address = out.local_addr().map_err(failed)?;
        match TcpListener::bind(address).await {
            Ok(tcp) => {
                out.set_nonblocking(true).map_err(failed)?;
                let udp = UdpSocket::from_std(out.try_clone().map_err(failed)?).map_err(failed)?;
                return Ok(Sockets { udp, out, tcp, address });
            }
            Err(error) if attempts == 0 => return Err(failed(error)),
            Err(_) => {}
        }
    }
}

/// Hands on the connections of peers until nothing takes them any more.
pub(super) async fn accept(listener: TcpListener, accepted: mpsc::Sender<(TcpStream, SocketAddr)>) {
    loop {
        let connection = tokio::select! {
            () = accepted.closed() => return,
            connection = listener.accept() => connection,
        };
        match connection {
            Ok(connection) => {
                let _ = accepted.send(connection).await;
            }
            // Out of descriptors: the calls that are up go on.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
