//! Receives what waits on a socket, many datagrams per system call.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// Datagrams per system call. A call sends one per 20 ms; more wait only after a stall.
const BATCH: usize = 16;
/// Longest datagram that is read whole; RTP of a phone is 172 bytes, and nothing beyond an Ethernet frame is RTP.
const DATAGRAM_BYTES: usize = 1_500;

/// Buffers for one media thread, used for all of its sockets in turn.
pub(super) struct Inbox {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Box<[[u8; DATAGRAM_BYTES]; BATCH]>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            buffers: Box::new([[0; DATAGRAM_BYTES]; BATCH]),
        }
    }

    /// Gives every datagram that waits on `socket` to `each`; returns how many there were.
    pub(super) fn drain(
        &mut self,
        socket: &UdpSocket,
        mut each: impl FnMut(&[u8], SocketAddr),
    ) -> io::Result<usize> {
        let mut total = 0;
        loop {
            let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
            let fd = socket.as_raw_fd();
            let received = match recvmmsg(fd, &mut self.headers, &mut slices, MsgFlags::MSG_DONTWAIT, None) {
                Ok(received) => received,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(total),
                // An ICMP answer to something that we sent: the caller's port is closed for now. Nothing was received.
                Err(Errno::ECONNREFUSED) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut count = 0;
            for message in received {
                count += 1;
                let Some(from) = message.address.as_ref().and_then(socket_address) else { continue };
                if let Some(datagram) = message.iovs().next() {
                    each(datagram, from);
                }
            }
            total += count;
            if count < BATCH {
                return Ok(total);
            }
        }
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|address| SocketAddr::from((address.ip(), address.port())));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| SocketAddr::from((address.ip(), address.port()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn drains_more_than_one_batch_and_names_the_sender() {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = receiver.local_addr().unwrap();
        for index in 0..40_u8 {
            sender.send_to(&vec![index; usize::from(index) + 1], to).unwrap();
        }
        let mut inbox = Inbox::new();
        let mut seen = Vec::new();
        // Loopback delivers before send_to returns, so everything is there already.
        let count = inbox
            .drain(&receiver, |datagram, from| {
                assert_eq!(from, sender.local_addr().unwrap());
                assert_eq!(datagram.len(), usize::from(datagram[0]) + 1);
                seen.push(datagram[0]);
            })
            .unwrap();
        assert_eq!((count, seen), (40, (0..40).collect::<Vec<u8>>()));
        assert_eq!(inbox.drain(&receiver, |_, _| panic!("nothing waits")).unwrap(), 0);
    }
}
