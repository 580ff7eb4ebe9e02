//! Sends every call's packet every 20 ms, and proves that it did.
//!
//! One thread, one socket, a wheel of 20 slots of 1 ms so that the calls are spread over the 20 ms, absolute
//! deadlines, one `sendmmsg` per slot and batch. What falls behind is sent late, never skipped, and counted as late.

use super::flow::Flow;
use crate::clock::{Monotonic, thread_cpu_ns};
use crate::rig::core::Core;
use crate::statistics::Histogram;
use anyhow::Context;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};
use std::collections::BTreeMap;
use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

/// The running load. Dropping it stops it.
pub(crate) struct Sender {
    address: SocketAddr,
    commands: mpsc::Sender<Command>,
    thread: std::thread::JoinHandle<Vec<Flow>>,
}

/// What the sender has done since the reading before.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// When this was read.
    pub(crate) at: Monotonic,
    /// Packets that were sent.
    pub(crate) packets: u64,
    /// Packets that the kernel refused.
    pub(crate) refused: u64,
    /// How long after its deadline each packet had left.
    pub(crate) lateness: Histogram,
    /// What the thread cost. Units: nanoseconds.
    pub(crate) cpu_ns: u64,
}

/// When each packet of a call was sent, by the packet's number.
pub(crate) type SentTimes = Vec<Monotonic>;

enum Command {
    Add { call: u32, remote: SocketAddr },
    Read(mpsc::Sender<Reading>),
    Stop,
}

impl Sender {
    /// Starts the thread, on a core of its own if one is given.
    pub(crate) fn start(core: Option<Core>) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot bind the RTP socket")?;
        let address = socket.local_addr()?;
        let (commands, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name("rtp-sender".into()).spawn(move || {
            // Without a core of its own it shares one, which its lateness will show.
            let _ = core.map(Core::take);
            Wheel::new(socket).run(&receiver)
        })?;
        Ok(Self { address, commands, thread })
    }

    /// Where packets come from, for the callers' SDP. Nothing is ever read there.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a packet to `remote` every 20 ms from now on.
    pub(crate) fn add(&self, call: u32, remote: SocketAddr) {
        self.command(Command::Add { call, remote });
    }

    /// Reads the counters and sets them to zero.
    pub(crate) fn read(&self) -> anyhow::Result<Reading> {
        let (reply, reading) = mpsc::channel();
        self.command(Command::Read(reply));
        reading.recv().context("the sender's thread is gone")
    }

    /// Stops sending and tells what was sent, by call.
    pub(crate) fn stop(self) -> anyhow::Result<BTreeMap<u32, SentTimes>> {
        self.command(Command::Stop);
        let flows = self.thread.join().ok().context("the sender's thread panicked")?;
        Ok(flows.into_iter().map(|flow| (flow.call, flow.into_sent())).collect())
    }

    fn command(&self, command: Command) {
        // The thread ends only by a command, or by a panic that `stop` and `read` report.
        let _ = self.commands.send(command);
    }
}

/// Slots to a packet interval.
const SLOTS: usize = 20;
/// From slot to slot.
const SLOT: Duration = Duration::from_millis(1);
/// Packets to a system call.
const BATCH: usize = 64;

struct Wheel {
    socket: UdpSocket,
    slots: [Vec<Flow>; SLOTS],
    packets: u64,
    refused: u64,
    lateness: Histogram,
    cpu_ns_before: u64,
}

impl Wheel {
    fn new(socket: UdpSocket) -> Self {
        let slots = std::array::from_fn(|_| Vec::new());
        Self {
            socket,
            slots,
            packets: 0,
            refused: 0,
            lateness: Histogram::new(),
            cpu_ns_before: thread_cpu_ns(),
        }
    }

    fn run(mut self, commands: &mpsc::Receiver<Command>) -> Vec<Flow> {
        let mut deadline = Monotonic::now();
        for slot in (0..SLOTS).cycle() {
            loop {
                match commands.try_recv() {
                    Ok(Command::Add { call, remote }) => self.add(Flow::new(call, remote)),
                    // Whoever asked may have given up.
                    Ok(Command::Read(reply)) => drop(reply.send(self.read())),
                    Ok(Command::Stop) | Err(mpsc::TryRecvError::Disconnected) => {
                        return self.slots.into_iter().flatten().collect();
                    }
                    Err(mpsc::TryRecvError::Empty) => break,
                }
            }
            deadline = deadline.after(SLOT);
            deadline.sleep();
            self.send(slot, deadline);
        }
        unreachable!("a cycle has no end")
    }

    /// To the emptiest slot.
    fn add(&mut self, flow: Flow) {
        if let Some(slot) = self.slots.iter_mut().min_by_key(|slot| slot.len()) {
            slot.push(flow);
        }
    }

    fn send(&mut self, slot: usize, deadline: Monotonic) {
        for flows in self.slots[slot].chunks_mut(BATCH) {
            for flow in flows.iter_mut() {
                flow.stamp(Monotonic::now());
            }
            let refused = send_all(&self.socket, flows);
            let lateness = Monotonic::now().since(deadline);
            for _ in flows.iter() {
                self.lateness.record(lateness);
            }
            self.refused += refused;
            self.packets += flows.len() as u64 - refused;
        }
    }

    fn read(&mut self) -> Reading {
        let cpu_ns = thread_cpu_ns();
        Reading {
            at: Monotonic::now(),
            packets: std::mem::take(&mut self.packets),
            refused: std::mem::take(&mut self.refused),
            lateness: std::mem::replace(&mut self.lateness, Histogram::new()),
            cpu_ns: cpu_ns - std::mem::replace(&mut self.cpu_ns_before, cpu_ns),
        }
    }
}

/// Sends the packet that each flow made last; returns how many the kernel refused.
fn send_all(socket: &UdpSocket, flows: &[Flow]) -> u64 {
    let slices: Vec<[IoSlice<'_>; 1]> = flows.iter().map(|flow| [IoSlice::new(flow.packet())]).collect();
    let mut control: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        flows.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let mut messages: Vec<MMsgHdr<'_>> = flows
        .iter()
        .zip(&slices)
        .zip(&mut control)
        .map(|((flow, slice), control)| MMsgHdr::new_with_addr(&flow.remote, slice, control))
        .collect();
    let mut rest = messages.as_mut_slice();
    let mut refused = 0;
    while !rest.is_empty() {
        let taken = match sendmmsg(socket, rest, SendFlags::empty()) {
            Ok(sent) => sent,
            Err(rustix::io::Errno::INTR) => 0,
            Err(_) => {
                refused += 1;
                1
            }
        };
        rest = &mut rest[taken..];
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::stamp::Stamp;

    #[test]
    fn sends_every_flow_its_own_packets_in_order() {
        let receivers: Vec<UdpSocket> =
            (0..3).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let sender = Sender::start(None).unwrap();
        for (call, receiver) in (0..).zip(&receivers) {
            sender.add(call, receiver.local_addr().unwrap());
        }
        let mut datagram = [0; 2_048];
        for (call, receiver) in (0..).zip(&receivers) {
            for sequence in 0..4 {
                let (bytes, from) = receiver.recv_from(&mut datagram).unwrap();
                assert_eq!(from, sender.address());
                let stamp = Stamp::read(datagram[12..bytes].try_into().unwrap()).unwrap();
                assert_eq!((stamp.call, stamp.sequence), (call, sequence));
            }
        }
        let reading = sender.read().unwrap();
        assert!(reading.packets >= 12 && reading.refused == 0);
        assert_eq!(reading.lateness.count(), reading.packets);
        let sent = sender.stop().unwrap();
        assert_eq!(sent.len(), 3);
        assert!(sent.values().all(|times| times.len() >= 4 && times.is_sorted()));
    }
}
