//! Tells the service manager how far the server is, as sd_notify(3) describes: a datagram to the socket that `NOTIFY_SOCKET` names.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// All that listens does.
pub(super) const READY: &str = "READY=1";
/// Calls that are up are waited for.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Sends `state` where a service manager waits for it.
pub(super) fn notify(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(socket.as_bytes(), state) {
        tracing::warn!(%error, state, "the service manager cannot be notified");
    }
}

/// The socket is a file, or after `@` a name of Linux's own.
fn send(socket: &[u8], state: &str) -> io::Result<()> {
    let address = match socket {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(manager: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let count = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    #[test]
    fn a_service_manager_is_reached_by_a_file_and_by_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notify");
        let manager = UnixDatagram::bind(&file).unwrap();
        send(file.as_os_str().as_bytes(), READY).unwrap();
        assert_eq!(received(&manager), "READY=1");

        // As fresh as the folder's name.
        let name = file.as_os_str().as_bytes();
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
        send(&[b"@", name].concat(), STOPPING).unwrap();
        assert_eq!(received(&manager), "STOPPING=1");
    }

    #[test]
    fn a_socket_that_is_not_there_is_an_error_and_no_more() {
        assert!(send(b"/nonexistent/notify", READY).is_err());
        assert!(send(b"", READY).is_err());
    }
}
