//! What a packet costs once a call is under way.

use allocation_counter::measure;
use std::time::Duration;
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::payload::PayloadMap;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig};
use tympan_types::Mono;

#[test]
fn a_packet_in_the_timeline_allocates_nothing_whatever_the_codec() {
    for codec in AudioCodec::ALL {
        let payloads = PayloadMap::new().with_audio(codec.static_payload_type(), codec);
        let began = Mono::from_millis(1);
        let mut timeline = Timeline::new(TimelineConfig { payloads, ..TimelineConfig::default() }, began);
        let mut sender = RtpSender::new(Ssrc(1), 65_000, RtpTimestamp(7), codec.static_payload_type());
        let mut packets: Vec<Vec<u8>> = sender.audio_packets(&[0x5a; 160 * 1_000], 160).collect();
        // A swapped pair in every ten, which waits; one in fifty is lost.
        (0..1_000).step_by(10).for_each(|index| packets.swap(index, index + 1));
        let mut play = |indices: std::ops::Range<usize>| {
            let mut samples = 0;
            for index in indices.filter(|index| index % 50 != 7) {
                let now = began + Duration::from_millis(20 * index as u64);
                timeline.handle(now, now, &RtpPacket::parse(&packets[index]).expect("RTP"));
                timeline.tick(now);
                while let Some(output) = timeline.poll() {
                    samples += output.len_samples();
                }
            }
            samples
        };
        play(0..200);
        let mut samples = 0;
        let measured = measure(|| samples = play(200..1_000));
        assert!(samples >= 799 * 160, "{samples}");
        // The ledger's line for each loss, until it is full.
        assert!(measured.count_total <= 4, "{codec:?}: {measured:?}");
    }
}
