//! What must hold for any datagrams at any times, shared by the fuzz target and the corpus test.

use std::time::Duration;

use tympan_telephony::rtp::packet::RtpPacket;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::words::Payload;
use tympan_types::Mono;

/// Plays a script through a timeline.
///
/// Shape: records of one byte of waiting (10 ms each), one byte of length, and as many bytes of datagram; length 0
/// only lets time pass. The last record may be cut off.
pub(crate) fn check(mut script: &[u8]) {
    let began = Mono::from_millis(1);
    let mut now = began;
    let mut timeline = Timeline::new(TimelineConfig::default(), now);
    let mut heard = Heard::default();
    let mut received = 0;
    let bound = Timeline::LEAD_MAX.as_millis() as u64 * 8;
    while let [wait, length, rest @ ..] = script {
        now = now + Duration::from_millis(u64::from(*wait) * 10);
        let (datagram, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        if let Ok(packet) = RtpPacket::parse(datagram) {
            received += packet.payload().len() as u64;
            timeline.handle(now, now, &packet);
            heard.drain(&mut timeline);
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
