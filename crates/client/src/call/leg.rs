use super::script::Performance;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use tokio::sync::oneshot;
use tympan_telephony::rtp::packet::RtpPacket;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineOutput};
use tympan_telephony::sdp::StreamAgreement;
use tympan_types::Mono;

/// The media of one call: what it says, what it hears.
#[derive(Debug)]
pub(super) struct Leg {
    /// Never blocks.
    pub(super) socket: UdpSocket,
    /// Where to send; `None` while the far end wants nothing.
    pub(super) destination: Option<SocketAddr>,
    pub(super) sender: RtpSender,
    pub(super) performance: Performance,
    pub(super) ear: Ear,
    /// Told once, when the script is over.
    pub(super) script_over: Option<oneshot::Sender<()>>,
    pub(super) report: LegReport,
}

/// What is done with what is heard.
#[derive(Debug)]
pub(super) enum Ear {
    /// It is counted.
    Counting,
    /// It is kept.
    Keeping(Box<Timeline>, Vec<i16>),
}

/// What went over the wire in one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LegReport {
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets that the system would not send.
    pub packets_unsent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// Everything heard since the answer, 8 kHz; empty unless it was to be kept.
    pub heard: Vec<i16>,
}

/// A datagram of 20 ms has some 172 bytes.
const DATAGRAM_BYTES: usize = 2_048;
/// What may be read in one go: 20 ms bring one packet, a flood must not starve the other calls.
const DATAGRAMS_MAX: usize = 64;

impl Leg {
    /// Sends what is due in these 20 ms, and takes in what has come.
    pub(super) fn tick(&mut self, now: Mono, packet: &mut Vec<u8>) {
        let Self { socket, destination, report, performance, sender, .. } = self;
        performance.frame(sender, packet, |packet| {
            let Some(destination) = *destination else { return };
            match socket.send_to(packet, destination) {
                Ok(_) => report.packets_sent += 1,
                Err(_) => report.packets_unsent += 1,
            }
        });
        if self.performance.is_over()
            && let Some(script_over) = self.script_over.take()
        {
            // Nobody may be waiting for it.
            let _ = script_over.send(());
        }
        self.listen(now);
    }

    /// Follows a change of the session.
    pub(super) fn retarget(&mut self, agreed: &StreamAgreement) {
        self.destination = agreed.destination();
        self.sender.set_payload_type(agreed.codec.payload_type);
        self.performance.change(agreed.codec.kind, agreed.dtmf);
        if let Ear::Keeping(timeline, _) = &mut self.ear {
            timeline.set_payloads(agreed.payloads.clone());
        }
    }

    /// Ends the call's media.
    pub(super) fn finish(mut self, now: Mono) -> LegReport {
        self.listen(now);
        if let Ear::Keeping(timeline, _) = &mut self.ear {
            timeline.finish(now);
        }
        self.drain();
        if let Ear::Keeping(_, samples) = self.ear {
            self.report.heard = samples;
        }
        self.report
    }

    fn listen(&mut self, now: Mono) {
        let mut datagram = [0; DATAGRAM_BYTES];
        for _ in 0..DATAGRAMS_MAX {
            let length = match self.socket.recv_from(&mut datagram) {
                Ok((length, _)) => length,
                // An ICMP answer to what was sent shows up here; the next datagram may be fine.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => continue,
                Err(_) => break,
            };
            let Ok(packet) = RtpPacket::parse(&datagram[..length]) else { continue };
            self.report.packets_received += 1;
            if let Ear::Keeping(timeline, _) = &mut self.ear {
                timeline.handle(now, now, &packet);
            }
        }
        if let Ear::Keeping(timeline, _) = &mut self.ear {
            timeline.tick(now);
        }
        self.drain();
    }

    fn drain(&mut self) {
        let Ear::Keeping(timeline, samples) = &mut self.ear else { return };
        while let Some(output) = timeline.poll() {
            match output {
                TimelineOutput::Audio(audio) => audio.payload.expand_into(samples),
                TimelineOutput::Silence { samples: count, .. } => {
                    samples.resize(samples.len() + count as usize, 0);
                }
                TimelineOutput::Digit { .. } => {}
            }
        }
    }
}
