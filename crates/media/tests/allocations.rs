//! What a packet and a frame cost once a call is under way.

use allocation_counter::measure;
use std::ops::Range;
use tympan_media::{Input, Output, Port, Session, SilenceSending};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::packet::{RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::sdp::Codec;
use tympan_telephony::sdp::StreamAgreement;
use tympan_telephony::words::{MediaCommand, Payload, Sound, Track};
use tympan_types::{BridgeId, LegId, ListenId, Mono, PromptId, TapId};

mod rig;

#[test]
fn a_packet_in_and_a_frame_out_allocate_nothing_with_taps_a_prompt_and_a_bridge() {
    for kind in AudioCodec::ALL {
        let codec = Codec { kind, payload_type: kind.static_payload_type() };
        let began = Mono::from_millis(1);
        let mut session = Session::new(
            began,
            tympan_media::SessionSpec { silence: SilenceSending::Silence, ..rig::spec() },
        );
        let agreement = rig::of([StreamAgreement { codec, ..rig::agreed(rig::PEER) }]);
        for command in [
            MediaCommand::Negotiate(Box::new(agreement)),
            MediaCommand::OpenTap { tap: TapId::new(1), track: Track::Received },
            MediaCommand::OpenTap { tap: TapId::new(2), track: Track::Sent },
            MediaCommand::OpenTap { tap: TapId::new(3), track: Track::Received },
            MediaCommand::Listen { listen: ListenId::new(1), pause_ms: 600, longest_ms: 15_000 },
            MediaCommand::Join { bridge: BridgeId::new(1) },
            MediaCommand::Play { prompt: PromptId::new(1), sound: Sound::new(vec![1_000; 80_000]) },
        ] {
            session.handle(began, Input::Command(command));
        }
        let mut sender = RtpSender::new(Ssrc(1), 65_000, RtpTimestamp(7), codec.payload_type);
        let packets: Vec<Vec<u8>> = sender.audio_packets(&[0x5a; 160 * 500], 160).collect();
        let from = rig::PEER.parse().expect("an address");
        let mut play = |indices: Range<usize>| {
            let mut outputs = (0, 0, 0);
            for index in indices {
                let now = began.plus_ms(20 * i64::try_from(index).unwrap_or(0));
                let bytes = &packets[index];
                let datagram = Input::Datagram {
                    stream: 0,
                    port: Port::Rtp,
                    from,
                    bytes,
                    truncated: false,
                    arrived: now,
                };
                let bridged = Input::Bridged { from: LegId::new(2), payload: Payload::Ulaw(&[0x11; 160]) };
                for input in [datagram, bridged, Input::TimePassed] {
                    session.handle(now, input);
                    while let Some(output) = session.poll() {
                        match output {
                            Output::Transmit { .. } => outputs.0 += 1,
                            Output::Frame(_) => outputs.1 += 1,
                            Output::Bridged { .. } => outputs.2 += 1,
                            Output::Event(..) => {}
                        }
                    }
                }
            }
            outputs
        };
        play(0..100);
        let mut outputs = (0, 0, 0);
        let measured = measure(|| outputs = play(100..500));
        assert_eq!(outputs, (400, 1_200, 400), "{kind:?}");
        assert_eq!(measured.count_total, 0, "{kind:?}: {measured:?}");
    }
}
