//! Receives what waits on a socket: one datagram where one is expected, else many per system call.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::RawFd;

/// Datagrams per system call where several wait.
const BATCH: usize = 16;
/// Longest datagram that is read whole: beyond an Ethernet frame, and twice the longest packet of G.711 that is in use.
const DATAGRAM_BYTES: usize = 2_048;

/// Buffers for one media thread, used for all of its sockets in turn.
pub(super) struct Inbox {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Box<[[u8; DATAGRAM_BYTES]; BATCH]>,
}

/// What is thought to wait on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The next packet of a call, 20 ms after the one before. To look for a second one costs the kernel half as much again.
    One,
    /// All that came in a stall, in a burst or before a tap is opened.
    Several,
}

/// A datagram that was received.
pub(super) struct Datagram<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) from: SocketAddr,
    /// It was longer than the buffer.
    pub(super) truncated: bool,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            buffers: Box::new([[0; DATAGRAM_BYTES]; BATCH]),
        }
    }

    /// Gives the datagrams that wait on `socket` to `each`: the first one, or all of them up to about `most`. The rest waits, so
    /// that a flood of one socket takes no time from the others. Returns how many there were.
    pub(super) fn drain(
        &mut self,
        socket: RawFd,
        expected: Expected,
        most: usize,
        mut each: impl FnMut(Datagram<'_>),
    ) -> io::Result<usize> {
        let batch = match expected {
            Expected::One => 1,
            Expected::Several => BATCH,
        };
        let mut total = 0;
        while total < most {
            let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
            let slices = slices.iter_mut().take(batch);
            let received = match recvmmsg(socket, &mut self.headers, slices, MsgFlags::MSG_DONTWAIT, None) {
                Ok(received) => received,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(total),
                // An ICMP answer to something that we sent: the caller's port is closed for now. Nothing was received.
                Err(Errno::ECONNREFUSED) => {
                    total += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut count = 0;
            for message in received {
                count += 1;
                let Some(from) = message.address.as_ref().and_then(socket_address) else { continue };
                let truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
                if let Some(bytes) = message.iovs().next() {
                    each(Datagram { bytes, from, truncated });
                }
            }
            total += count;
            if count < batch || expected == Expected::One {
                return Ok(total);
            }
        }
        Ok(total)
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|address| SocketAddr::from((address.ip(), address.port())));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| SocketAddr::from((address.ip(), address.port()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::os::fd::AsRawFd;

    /// A socket that receives, and one that sends to it.
    fn pair() -> (UdpSocket, UdpSocket, SocketAddr) {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let to = receiver.local_addr().unwrap();
        (receiver, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), to)
    }

    // Loopback delivers before send_to returns, so everything is there already.

    #[test]
    fn drains_more_than_one_batch_and_names_the_sender() {
        let (receiver, sender, to) = pair();
        for index in 0..40_u8 {
            sender.send_to(&vec![index; usize::from(index) + 1], to).unwrap();
        }
        let mut inbox = Inbox::new();
        let mut seen = Vec::new();
        let count = inbox
            .drain(receiver.as_raw_fd(), Expected::Several, 1_000, |Datagram { bytes, from, truncated }| {
                assert_eq!((from, truncated), (sender.local_addr().unwrap(), false));
                assert_eq!(bytes.len(), usize::from(bytes[0]) + 1);
                seen.push(bytes[0]);
            })
            .unwrap();
        assert_eq!((count, seen), (40, (0..40).collect::<Vec<u8>>()));
        assert_eq!(
            inbox.drain(receiver.as_raw_fd(), Expected::Several, 1_000, |_| panic!("nothing waits")).unwrap(),
            0
        );
    }

    #[test]
    fn a_datagram_longer_than_the_buffer_says_so() {
        let (receiver, sender, to) = pair();
        for bytes in [DATAGRAM_BYTES, DATAGRAM_BYTES + 1, 20_000, 172] {
            sender.send_to(&vec![0x80; bytes], to).unwrap();
        }
        let mut seen = Vec::new();
        let each = |datagram: Datagram<'_>| seen.push((datagram.bytes.len(), datagram.truncated));
        Inbox::new().drain(receiver.as_raw_fd(), Expected::Several, 1_000, each).unwrap();
        let cut = DATAGRAM_BYTES;
        assert_eq!(seen, [(cut, false), (cut, true), (cut, true), (172, false)]);
    }

    #[test]
    fn a_flood_is_read_in_parts() {
        let (receiver, sender, to) = pair();
        for _ in 0..100 {
            sender.send_to(&[0x80; 172], to).unwrap();
        }
        let mut inbox = Inbox::new();
        let parts: Vec<usize> = (0..5)
            .map(|_| inbox.drain(receiver.as_raw_fd(), Expected::Several, 32, |_| ()).unwrap())
            .collect();
        assert_eq!(parts, [32, 32, 32, 4, 0]);
    }

    #[test]
    fn where_one_is_expected_the_others_wait() {
        let (receiver, sender, to) = pair();
        for index in 0..3 {
            sender.send_to(&[index; 172], to).unwrap();
        }
        let mut inbox = Inbox::new();
        let taken = [Expected::One, Expected::Several, Expected::One].map(|expected| {
            let mut seen = Vec::new();
            let each = |datagram: Datagram<'_>| seen.push(datagram.bytes[0]);
            inbox.drain(receiver.as_raw_fd(), expected, 32, each).unwrap();
            seen
        });
        assert_eq!(taken, [vec![0], vec![1, 2], vec![]]);
    }
}
