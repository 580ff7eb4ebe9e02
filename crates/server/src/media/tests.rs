//! Legs over real sockets.

use super::*;
use crate::descriptors::{DescriptorBudget, PER_CALL, Use};
use crate::sink::CaptureQueue;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tympan_media::{SessionSpec, SilenceSending};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::latch::Trust;
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::payload::PayloadMap;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::sdp::{Agreement, Codec, Direction, StreamAgreement};
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{BridgeId, LegId, PromptId, WallTime};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Plane {
    plane: MediaPlane,
    queue: Arc<CaptureQueue>,
    budget: DescriptorBudget,
}

/// A leg and the telephone at its far end.
struct Call {
    leg: MediaLeg,
    notices: Receiver<MediaNotice>,
    phone: UdpSocket,
    to: SocketAddr,
    sender: RtpSender,
}

impl Plane {
    fn start() -> Self {
        let queue = CaptureQueue::start(1 << 20, tokio::runtime::Handle::current()).unwrap();
        let options =
            MediaPlaneOptions { address: HERE, ports: (0, 0), threads: 2, tick: Duration::from_millis(1) };
        let plane = MediaPlane::start(&options, &queue).unwrap();
        Self { plane, queue, budget: DescriptorBudget::new(1_000, 10) }
    }

    fn call(&self, number: u64, silence: SilenceSending, beside: Option<&MediaLeg>) -> Call {
        let port = self.plane.reserve(HERE, self.budget.take(Use::Call, PER_CALL).unwrap()).unwrap();
        let to = port.address();
        let session = SessionSpec {
            leg: LegId::new(number),
            signalling: None,
            trust: Trust::KnownHosts,
            media_timeout: None,
            silence,
            silence_grace: Duration::from_millis(500),
            ptime_ms: None,
            wall: WallTime::from_unix_ms(0),
            random: [7; 32],
        };
        let spec = LegSpec { session, clock: crate::clock::ServiceClock::default().for_call() };
        let (leg, notices) = self.plane.open(port, spec, beside);
        let phone = UdpSocket::bind((HERE, 0)).unwrap();
        phone.set_read_timeout(Some(PATIENCE)).unwrap();
        let sender = RtpSender::new(Ssrc(7), 1, RtpTimestamp(1), 0);
        Call { leg, notices, phone, to, sender }
    }

    fn count(&self, name: &str) -> u64 {
        self.plane.stats().values().find(|(known, _)| *known == name).expect("a counter").1
    }

    /// Waits for a counter.
    fn counts(&self, name: &str, value: u64) {
        let begun = std::time::Instant::now();
        while self.count(name) < value {
            assert!(begun.elapsed() < PATIENCE, "{name} is {}", self.count(name));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Call {
    fn agrees(&self, rtcp: Option<SocketAddr>) {
        let stream = StreamAgreement {
            local: 0,
            remote: self.phone.local_addr().unwrap(),
            remote_rtcp: rtcp,
            rtcp_mux: false,
            codec: Codec { kind: AudioCodec::Pcmu, payload_type: 0 },
            dtmf: None,
            direction: Direction::SendRecv,
            ptime_ms: 20,
            payloads: PayloadMap::g711(),
            label: None,
        };
        let agreement = Agreement { streams: vec![Some(stream)] };
        self.leg.command(MediaCommand::Negotiate(Box::new(agreement))).unwrap();
    }

    fn says(&mut self, code: u8) {
        let mut datagram = Vec::new();
        self.sender.audio_packet(&[code; 160], &mut datagram);
        self.phone.send_to(&datagram, self.to).unwrap();
    }

    /// The payload of the next packet.
    fn hears(&self) -> Vec<u8> {
        let mut datagram = [0; 2_048];
        let (bytes, from) = self.phone.recv_from(&mut datagram).unwrap();
        assert_eq!(from, self.to);
        RtpPacket::parse(&datagram[..bytes]).unwrap().payload().to_vec()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_plays_to_its_telephone_and_tells_its_call_by_its_id() {
    let plane = Plane::start();
    let mut call = plane.call(5, SilenceSending::Off, None);
    call.agrees(None);
    let sound = Sound::new(vec![8_000; 320]);
    call.leg.command(MediaCommand::Play { prompt: PromptId::new(3), sound }).unwrap();
    while call.hears() == [0xff; 160] {}
    assert_ne!(call.hears(), [0xff; 160]);
    let notice = tokio::time::timeout(PATIENCE, call.notices.recv()).await.unwrap();
    let Some(MediaNotice::Event(leg, event)) = notice else { panic!("{notice:?}") };
    assert_eq!((leg, event), (LegId::new(5), MediaEvent::PromptFinished(PromptId::new(3))));
}

#[tokio::test(flavor = "multi_thread")]
async fn legs_beside_each_other_hear_each_other_in_a_bridge() {
    let plane = Plane::start();
    let mut first = plane.call(1, SilenceSending::Off, None);
    let mut second = plane.call(2, SilenceSending::Off, Some(&first.leg));
    for call in [&first, &second] {
        call.agrees(None);
        call.leg.command(MediaCommand::Join { bridge: BridgeId::new(1) }).unwrap();
    }
    let (mut heard_by_first, mut heard_by_second) = (false, false);
    for _ in 0..500 {
        first.says(0x10);
        second.says(0x90);
        heard_by_first |= first.hears().contains(&0x90);
        heard_by_second |= second.hears().contains(&0x10);
        if heard_by_first && heard_by_second {
            return;
        }
    }
    panic!("{heard_by_first} {heard_by_second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_monitors_hears_the_bridge_and_is_not_heard() {
    let plane = Plane::start();
    let mut first = plane.call(1, SilenceSending::Off, None);
    let mut second = plane.call(2, SilenceSending::Off, Some(&first.leg));
    let mut third = plane.call(3, SilenceSending::Off, Some(&first.leg));
    for call in [&first, &second, &third] {
        call.agrees(None);
        call.leg.command(MediaCommand::Join { bridge: BridgeId::new(1) }).unwrap();
    }
    third.leg.command(MediaCommand::Monitor { bridge: BridgeId::new(1) }).unwrap();
    let (mut heard_by_third, mut heard_by_first) = (false, 0);
    for _ in 0..500 {
        // Their sum is not silence.
        first.says(0x10);
        second.says(0xa0);
        third.says(0x20);
        let heard = first.hears();
        // Another voice beside it would change the code of the sum.
        assert!(heard.iter().all(|code| [0xa0, 0xff, 0x7f].contains(code)), "{heard:?}");
        heard_by_first += usize::from(heard.contains(&0xa0));
        second.hears();
        heard_by_third |= third.hears().iter().any(|code| ![0xff, 0x7f].contains(code));
        if heard_by_third && heard_by_first > 20 {
            return;
        }
    }
    panic!("{heard_by_third} {heard_by_first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_beyond_the_buffer_is_counted_and_the_call_goes_on() {
    let plane = Plane::start();
    let mut call = plane.call(1, SilenceSending::Off, None);
    call.agrees(None);
    call.hears();
    for bytes in [2_049, 20_000, 60_000] {
        call.phone.send_to(&vec![0x80; bytes], call.to).unwrap();
    }
    call.says(0x10);
    plane.counts("truncated_packets", 3);
    plane.counts("received_packets", 1);
    assert_eq!(plane.count("other_packets"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rtcp_has_a_port_and_a_descriptor_only_where_it_is_agreed_to_have_them() {
    let plane = Plane::start();
    let taken = || plane.budget.taken(Use::Call);
    let call = plane.call(1, SilenceSending::Silence, None);
    call.agrees(None);
    assert_eq!(taken(), PER_CALL);
    let reports = UdpSocket::bind((HERE, 0)).unwrap();
    call.agrees(Some(reports.local_addr().unwrap()));
    call.agrees(Some(reports.local_addr().unwrap()));
    if plane.count("unbound_reports") > 0 {
        // Another process has the port beside it: the call goes on without.
        return;
    }
    assert_eq!(taken(), PER_CALL + 1);
    reports.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut datagram = [0; 2_048];
    let (_, from) = reports.recv_from(&mut datagram).unwrap();
    assert_eq!(from, SocketAddr::new(HERE, call.to.port() + 1));
    drop(call);
    let begun = std::time::Instant::now();
    while taken() > 0 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_descriptor_for_rtcp_goes_on_without_it() {
    let plane = Plane::start();
    let call = plane.call(1, SilenceSending::Silence, None);
    let mut all = Vec::new();
    while let Some(descriptor) = plane.budget.take(Use::Call, 1) {
        all.push(descriptor);
    }
    call.agrees(Some(call.phone.local_addr().unwrap()));
    assert_eq!(plane.count("unbound_reports"), 1);
    assert_eq!(call.hears(), [0xff; 160]);
}
