//! What the kernel alone takes for the packets of calls: a system call for each, and nothing of a server beside it.
//!
//! A packet per packet time to each caller is a `sendto` for each: packets of different sockets share no call, and packets of
//! one socket are 20 ms apart. So what is measured here is what no server can go below that sends by sockets.

use crate::clock::thread_cpu_ns;
use crate::report::Row;
use crate::rig::core::Core;
use anyhow::Context;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// An RTP packet of 20 ms of G.711.
const PACKET_BYTES: usize = 172;
/// Packets of one call, per second.
const PACKETS_PER_S: f64 = 50.0;
/// Sends for each call. All calls have their turn in a round, as in a server, so that no socket is warm in the caches.
const ROUNDS: u32 = 250;

/// What the packets took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KernelCost {
    calls: u32,
    send_us: f64,
    receive_us: f64,
}

impl KernelCost {
    /// Sends and receives on this core.
    pub(crate) fn measure(calls: u32, core: Option<Core>) -> anyhow::Result<Self> {
        let thread = std::thread::Builder::new().name("kernel-cost".to_owned());
        let measured = thread.spawn(move || {
            core.map(Core::take).transpose()?;
            measure(calls, ROUNDS)
        })?;
        measured.join().ok().context("the measuring thread panicked")?
    }

    /// A row of a table of its own.
    pub(crate) fn row(self) -> Row {
        let Self { calls, send_us, receive_us } = self;
        Row::new()
            .count("calls", "calls", calls.into())
            .cell("peer", "kernel alone".to_owned(), "peer", "kernel")
            .number("send us/packet", "send_us_per_packet", send_us, 2)
            .number("receive us/packet", "receive_us_per_packet", receive_us, 2)
            .number("send us/call-s", "send_us_per_call_s", send_us * PACKETS_PER_S, 0)
            .number("receive us/call-s", "receive_us_per_call_s", receive_us * PACKETS_PER_S, 0)
            .detail("bench", "capture")
    }
}

fn measure(calls: u32, rounds: u32) -> anyhow::Result<KernelCost> {
    let bind = || -> anyhow::Result<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    };
    let pairs: Vec<_> = (0..calls).map(|_| Ok((bind()?.0, bind()?))).collect::<anyhow::Result<_>>()?;
    let (packet, mut buffer) = ([0x80; PACKET_BYTES], [0; 2_048]);
    let (mut send_ns, mut receive_ns) = (0, 0);
    for _ in 0..rounds {
        let begun = thread_cpu_ns();
        for (sender, (_, to)) in &pairs {
            sender.send_to(&packet, to)?;
        }
        let sent = thread_cpu_ns();
        for (_, (receiver, _)) in &pairs {
            receiver.recv_from(&mut buffer)?;
        }
        receive_ns += thread_cpu_ns() - sent;
        send_ns += sent - begun;
    }
    let per_packet_us =
        |ns: u64| Duration::from_nanos(ns).as_secs_f64() * 1e6 / f64::from(calls) / f64::from(rounds);
    Ok(KernelCost { calls, send_us: per_packet_us(send_ns), receive_us: per_packet_us(receive_ns) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_sent_and_received() {
        let cost = measure(3, 4).unwrap();
        assert!(cost.send_us > 0.0 && cost.receive_us > 0.0, "{cost:?}");
        let line: serde_json::Value = serde_json::from_str(&cost.row().json_line()).unwrap();
        assert_eq!((&line["calls"], &line["peer"]), (&3.into(), &"kernel".into()));
    }
}
