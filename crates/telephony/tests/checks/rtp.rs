//! What must hold for any datagrams at any times, shared by the fuzz target and the corpus test.

use std::time::Duration;

use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::packet::{PacketError, RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::payload::{PayloadKind, PayloadMap};
use tympan_telephony::rtp::rtcp::packet::Compound;
use tympan_telephony::rtp::rtcp::{Rtcp, RtcpConfig};
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::words::Payload;
use tympan_types::{Mono, WallTime};

/// Plays a script through a timeline and the RTCP beside it.
///
/// Shape: records of one byte of waiting (10 ms each), one byte of length, and as many bytes of datagram; length 0
/// only lets time pass. The last record may be cut off.
pub(crate) fn check(mut script: &[u8]) {
    let began = Mono::from_millis(1);
    let mut now = began;
    let payloads = PayloadMap::default()
        .with_audio(9, AudioCodec::G722)
        .with(102, PayloadKind::TelephoneEvent { clock_hz: 48_000 });
    let mut timeline = Timeline::new(TimelineConfig { payloads, ..TimelineConfig::default() }, now);
    let wall = WallTime::from_unix_ms(1_790_000_000_000);
    let mut rtcp = Rtcp::new(now, &RtcpConfig { ssrc: Ssrc(1), clock_hz: 8_000, wall, random: [7; 20] });
    let mut report = Vec::new();
    let mut heard = Heard::default();
    let mut received = 0;
    let bound = Timeline::LEAD_MAX.as_millis() as u64 * 8;
    while let [wait, length, rest @ ..] = script {
        now = now + Duration::from_millis(u64::from(*wait) * 10);
        let (datagram, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        match RtpPacket::parse(datagram) {
            Ok(packet) => {
                received += packet.payload().len() as u64;
                rtcp.received(now, &packet.header());
                timeline.handle(now, now, &packet);
                heard.drain(&mut timeline);
            }
            Err(PacketError::Rtcp) => {
                rtcp.sent(now, RtpTimestamp(0), 160);
                rtcp.handle(now, datagram);
            }
            Err(PacketError::Malformed(_)) => {}
        }
        if rtcp.poll(now, &mut report) {
            assert!(Compound::parse(&report).is_ok(), "a report of ours can be read");
        }
        let position = timeline.position(now);
        heard.drain(&mut timeline);
        let wall = tympan_telephony::samples_between(began, now);
        assert!(
            position.as_samples() <= wall + bound,
            "no position lies further in the future than the bound"
        );
        assert!(position >= timeline.end(), "nothing that arrived before lies behind the position");
    }
    timeline.finish(now);
    heard.drain(&mut timeline);

    let wall = tympan_telephony::samples_between(began, now);
    assert!(heard.audio <= received, "no sample comes from nowhere");
    assert_eq!(heard.audio, timeline.stats().audio_samples);
    assert!(heard.length + 160 >= wall, "never shorter than the call");
    assert!(heard.length <= wall + bound, "no timeline is longer than its time and the bound");
}

#[derive(Default)]
struct Heard {
    length: u64,
    audio: u64,
}

impl Heard {
    fn drain(&mut self, timeline: &mut Timeline) {
        while let Some(output) = timeline.poll() {
            if matches!(output, TimelineOutput::Digit { .. }) {
                continue;
            }
            assert_eq!(output.at().as_samples(), self.length, "outputs are contiguous");
            assert!(output.len_samples() > 0);
            self.length += output.len_samples();
            if let TimelineOutput::Audio(audio) = output {
                assert!(!matches!(audio.payload, Payload::Silence { .. }), "audio is no silence");
                self.audio += output.len_samples();
            }
        }
        assert_eq!(self.length, timeline.end().as_samples());
    }
}
